"""The command `face1d` as a user types it, in a process of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from ros_domain import isolated
from stopwatch import time_to_end_s

from face1d_ros.graph import NODES

ROOT = Path(__file__).parents[2]


def environment() -> dict[str, str]:
    return {**os.environ, **isolated(), "COLUMNS": "110", "PYTHONUNBUFFERED": "1"}


def face1d(*arguments: str, timeout_s: float = 60.0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "face1d_ros.cli", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=timeout_s, check=False
    )


@pytest.mark.parametrize(
    "command",
    [
        *("", "demo", "up", "doctor", "graph", "docs", "run", "datasets", "evaluate", "synth", "models", "engine"),
        *("bench", "bench convert", "bench graph", "bench landmarks"),
        *("bench stages", "bench growth", "bench replay", "bench compare"),
        *("replay", "report", "report compare"),
    ],
)
def test_every_command_has_help(command: str) -> None:
    done = face1d(*command.split(), "--help")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"Usage: face1d {command}".rstrip())


def test_an_unknown_command_is_refused() -> None:
    done = face1d("dmeo")
    assert done.returncode == 2
    assert "No such command 'dmeo'" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--landmarks.max-faces", "9"), "9 is not in the range"),
        (("--landmarks.transport", "theora"), "theora"),
        (("--stages", "landmark"), "expected some of landmarks"),
        (("--config", "/nowhere.yaml"), "does not exist"),
        (("--landmarks.max-face", "1"), "--landmarks.max-faces"),
        (("--expression.leave", "0.9"), "expression_node.leave: got 0.9, expected at most expression_node.enter"),
        (
            ("--mode", "pipeline", "--stages", "landmarks,smoothing,expression", "--expression.input", "mesh"),
            "expression.input: landmarks",
        ),
    ],
)
def test_a_wrong_setting_is_refused_before_anything_starts(arguments: tuple[str, ...], says: str) -> None:
    done = face1d("up", *arguments)
    assert done.returncode in (1, 2)
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_the_generated_pages_are_current() -> None:
    done = face1d("docs", "--check", str(ROOT))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_default_parameter_file_is_accepted_and_changes_nothing(tmp_path: Path) -> None:
    from face1d_ros.graph import CONFIGS
    from face1d_ros.parameter_file import load_parameter_file

    values = load_parameter_file(ROOT / "config" / "face1d.yaml", CONFIGS)
    assert values["landmarks_node"]["max_faces"] == CONFIGS["landmarks_node"]().max_faces  # type: ignore[attr-defined]
    assert yaml.safe_load((ROOT / "config" / "face1d.yaml").read_text())


def test_doctor_finds_that_the_main_job_can_run() -> None:
    done = face1d("doctor", "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 0, done.stdout
    assert report["ok"] is True
    found = {check["name"]: check for check in report["checks"]}
    assert found["Interfaces"]["level"] == "ok"
    assert {"Python", "ROS 2", "RMW", "MediaPipe", "ONNX Runtime", "TensorRT", "CUDA", "Cameras"} <= set(found)


def test_doctor_says_what_is_missing_and_fails() -> None:
    command = [sys.executable, "-m", "face1d_ros.cli", "doctor"]
    broken = {**environment(), "RMW_IMPLEMENTATION": "rmw_nothing_cpp"}
    done = subprocess.run(command, cwd=ROOT, env=broken, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "unset RMW_IMPLEMENTATION" in done.stdout
    assert "The main job cannot run." in done.stdout


def start_up(stderr: int) -> subprocess.Popen[str]:
    """`face1d up`, whose output can be read as it comes."""
    command = [sys.executable, "-m", "face1d_ros.cli", "up"]
    return subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=stderr, text=True)


def test_up_starts_the_nodes_and_ends_them_on_ctrl_c() -> None:
    process = start_up(stderr=subprocess.STDOUT)
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if {node.name for node in NODES} <= {each.split()[0] for each in lines if "active" in each}:
            break
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    took_s = time_to_end_s(process)
    rest = process.communicate(timeout=10)[0]
    assert process.returncode == 0, "".join(lines) + rest
    assert took_s < 2.0
    assert "Traceback" not in "".join(lines) + rest


def test_up_ends_when_its_reader_does() -> None:
    process = start_up(stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    assert "started" in process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=20) == 1  # as click ends every command whose reader went away
    assert process.stderr.read() == ""


def test_a_file_that_cannot_be_written_is_named() -> None:
    done = face1d("graph", "--svg", "/nowhere/graph.svg")
    assert done.returncode == 1
    assert done.stderr == "error: /nowhere/graph.svg: No such file or directory\n"


@pytest.mark.parametrize("mode", ["graph", "pipeline"])
def test_the_demo_records_a_bag_with_faces(tmp_path: Path, mode: str) -> None:
    bag = tmp_path / "bag"
    done = face1d("demo", "--duration", "4", "--bag", str(bag), "--mode", mode)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"/face1d/landmarks_raw +\d+", done.stdout)
    assert re.search(r"/face1d/landmarks +\d+", done.stdout)
    assert re.search(r"/face1d/mesh +\d+", done.stdout)
    assert re.search(r"Faces track 1 in \d+ of \d+ frames", done.stdout)
    assert list(bag.glob("*.mcap"))


def test_the_demo_of_a_missing_source_says_so_and_fails(tmp_path: Path) -> None:
    done = face1d("demo", "--source", str(tmp_path / "nothing.mp4"), "--bag", str(tmp_path / "bag"))
    assert done.returncode == 1
    assert "nothing.mp4" in done.stdout
    _, why = done.stdout.split("No frame went through the stages.")
    assert f"camera_node: configuring failed: source '{tmp_path / 'nothing.mp4'}' was not found" in why
    assert "Traceback" not in done.stdout + done.stderr


def test_the_demo_never_writes_over_a_bag(tmp_path: Path) -> None:
    done = face1d("demo", "--bag", str(tmp_path))
    assert done.returncode == 1
    assert "exists already" in done.stderr
