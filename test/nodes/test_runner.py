from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from harness import DEADLINE_S, Output, Ros, node_environment, process, wait_for
from sensor_msgs.msg import Image
from stopwatch import time_to_end_s

from face1d_ros.graph import NODES, PIPELINE, RECORDER
from face1d_ros.nodes import runner
from face1d_ros.nodes.qos import image_qos

ALL = [node.module for node in (*NODES, PIPELINE, RECORDER)]


@pytest.mark.parametrize(
    ("module", "number"),
    [*((module, signal.SIGINT) for module in ALL), (ALL[0], signal.SIGTERM)],
    ids=lambda value: value.rsplit(".", 1)[1] if isinstance(value, str) else value.name,
)
def test_a_node_ends_within_two_seconds_with_code_0(ros: Ros, module: str, number: signal.Signals):
    with process(module) as child:
        log = Output(child.stderr)
        wait_for(lambda: log.has(": active"), f"active; it said {log.lines}")
        time.sleep(0.3)
        child.send_signal(number)
        assert time_to_end_s(child) < 2.0
        assert child.returncode == 0
        assert not [line for line in log.whole().splitlines() if "Traceback" in line or "ERROR" in line]


def test_a_signal_while_it_is_being_configured_ends_it_too(ros: Ros):
    script = (
        "import sys, time\n"
        "from face1d_ros.graph import LANDMARKS\n"
        "from face1d_ros.nodes.base import FaceNode\n"
        "from face1d_ros.nodes.runner import run_node\n"
        "class Slow(FaceNode):\n"
        "    def set_up(self):\n"
        "        sys.stderr.write('setting up\\n')\n"
        "        time.sleep(30)\n"
        "sys.exit(run_node(lambda: Slow(LANDMARKS)))\n"
    )
    child = subprocess.Popen([sys.executable, "-c", script], env=node_environment(), stderr=subprocess.PIPE, text=True)
    assert "setting up\n" in iter(child.stderr.readline, "")
    child.send_signal(signal.SIGINT)
    assert time_to_end_s(child) < 2.0
    _, log = child.communicate(timeout=DEADLINE_S)
    assert child.returncode == 0
    assert "Traceback" not in log


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["-p", "sorce:=x"], 2, "unknown key 'sorce'; did you mean 'source'?"),
        (["-p", "rate_hz:=fast"], 2, "rate_hz: got 'fast', expected a number from 0.1 to 240"),
        (["-p", "source:=/not/there"], 1, "source '/not/there' was not found"),
        (["-p", "source:=~no_such_user/clip.mp4"], 2, "nobody here is called 'no_such_user'"),
        (["-p", "use_sim_time:=maybe"], 2, "use_sim_time: got 'maybe', expected true or false"),
        (["-p", "nonsense"], 2, "cannot start: failed to initialize rcl: Couldn't parse parameter override rule"),
        (["-p", os.fsdecode(b"source:=caf\xe9.mp4")], 2, "caf\\xe9.mp4': its name holds bytes that are no UTF-8"),
    ],
)
def test_a_failed_start_says_why_in_its_exit_code(ros: Ros, arguments: list[str], code: int, said: str):
    with process("face1d_ros.nodes.camera_node", "--ros-args", *arguments) as child:
        _, log = child.communicate(timeout=DEADLINE_S)
    assert child.returncode == code
    assert said in log
    assert "Traceback" not in log


@pytest.mark.parametrize("domain", ["abc", "-1", "233", "1.5"])
def test_a_domain_that_is_none_is_refused_in_a_sentence(domain: str):
    command = [sys.executable, "-m", "face1d_ros.nodes.camera_node"]
    environment = {**node_environment(), "ROS_DOMAIN_ID": domain}
    done = subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True, timeout=DEADLINE_S)
    assert done.returncode == 2
    assert done.stderr == f"cannot start: ROS_DOMAIN_ID: got '{domain}', expected a whole number from 0 to 232\n"


def test_the_camera_ends_with_its_source_if_so_wished(ros: Ros, tmp_path: Path):
    for index in range(3):
        cv2.imwrite(str(tmp_path / f"{index}.png"), np.zeros((48, 64, 3), np.uint8))
    arguments = ["-p", f"source:={tmp_path}", "-p", "end_with_source:=true"]
    ros.node("viewer").create_subscription(Image, "camera/image_raw", lambda _: None, image_qos())  # or it waits
    with process("face1d_ros.nodes.camera_node", "--ros-args", *arguments) as child:
        _, log = child.communicate(timeout=DEADLINE_S)
    assert child.returncode == 0
    assert "the source has ended after 3 frames" in log


def test_a_node_can_be_named_namespaced_and_remapped(ros: Ros):
    arguments = ["-r", "__ns:=/robot", "-r", "camera/image_raw:=/head/image", "-p", "rate_hz:=30"]
    watcher = ros.node("watcher")
    with process("face1d_ros.nodes.camera_node", "--ros-args", *arguments):
        wait_for(lambda: watcher.count_publishers("/head/image"), "the images")
        wait_for(lambda: watcher.count_publishers("/robot/camera/camera_info"), "camera_info")


def test_starting_a_node_imports_neither_torch_nor_what_other_nodes_need():
    modules = ", ".join(ALL)
    script = f"import sys, {modules}; sys.exit(', '.join({{'torch', 'mediapipe', 'tensorrt'}} & set(sys.modules)) or 0)"
    done = subprocess.run([sys.executable, "-c", script], env=node_environment(), stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("path", sorted(Path(runner.__file__).parent.glob("*_node.py")), ids=lambda path: path.stem)
def test_every_module_that_is_installed_as_an_executable_is_one(path: Path) -> None:
    assert 'if __name__ == "__main__":\n    sys.exit(run_node(' in path.read_text()
