"""`face1d replay`: what it leaves behind, its exit codes, and how it ends."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result
from rosbags.highlevel import AnyReader

from face1d_ros.cli.replay import command
from face1d_ros.convert.bag import from_bag, to_bytes
from face1d_ros.errors import RecordingError
from face1d_ros.replay import job as job_module
from face1d_ros.replay.job import DONE, FAILED, STOPPED, Job, Outcome
from face1d_ros.sources.portrait import AnimatedPortrait

ROOT = Path(__file__).parents[2]
FRAMES = 12
PLAIN = ("--no-report", "--no-pictures")
SMALL = ("--camera.width", 200, "--camera.height", 150)
DEADLINE_S = 60.0


def replay(*arguments: object) -> Result:
    """In this process."""
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def start(
    *arguments: object, code: str = "from face1d_ros.cli.main import main; main()", **environment: str
) -> subprocess.Popen[str]:
    """In a process of its own, as from a terminal: a Ctrl-C is for all processes of its session."""
    script = f"if __name__ == '__main__':\n    {code}\n"
    words = [sys.executable, "-c", script, "replay", *map(str, arguments)]
    env, pipe = {**os.environ, **environment}, subprocess.PIPE
    return subprocess.Popen(words, cwd=ROOT, env=env, stdout=pipe, stderr=pipe, text=True, start_new_session=True)


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=DEADLINE_S)
    return process.returncode, out, err


def wait_for(condition: Callable[[], Any], process: subprocess.Popen[str]) -> None:
    end_s = time.monotonic() + DEADLINE_S
    while not condition():
        assert process.poll() is None, ended(process)
        assert time.monotonic() < end_s, f"not within {DEADLINE_S:g} s"
        time.sleep(0.02)


def is_at_work(folder: Path) -> Callable[[], bool]:
    """Results have reached the disk."""
    return lambda: any(path.stat().st_size > 10_000 for path in folder.glob("results/*.mcap"))


def values(folder: Path) -> dict[str, list[bytes]]:
    """All results by topic, but for how long they took."""
    found: dict[str, list[bytes]] = defaultdict(list)
    with AnyReader([folder / "results"]) as reader:
        for connection, _, data in reader.messages():
            value = from_bag(reader.deserialize(data, connection.msgtype))
            info = dataclasses.replace(value.info, duration_s=math.nan)
            found[connection.topic].append(to_bytes(dataclasses.replace(value, info=info)))
    return found


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two image folders of a moving face."""
    root = tmp_path_factory.mktemp("images")
    for index, frame in enumerate(AnimatedPortrait(width=320, height=240, rate_hz=30.0).frames()):
        if index == 2 * FRAMES:
            break
        folder = root / ("first", "second")[index // FRAMES]
        folder.mkdir(exist_ok=True)
        cv2.imwrite(str(folder / f"{index:03}.png"), np.ascontiguousarray(frame.image[:, :, ::-1]))
    return [root / "first", root / "second"]


@pytest.fixture
def outcomes(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Job]]:
    """Instead of a replay, this outcome; gives the jobs that were asked for."""

    def set_up(state: str = DONE, **fields: Any) -> list[Job]:
        asked: list[Job] = []

        def run_job(job: Job, tell: Any, stopped: Any) -> Outcome:
            asked.append(job)
            return Outcome(job.source, job.folder, state, **{"frames": 1, **fields})

        monkeypatch.setattr(job_module, "run_job", run_job)
        return asked

    return set_up


class TestOneSource:
    def test_a_folder_becomes_results_and_a_report(self, tmp_path: Path, folders: list[Path]) -> None:
        done = replay(folders[0], "--out", tmp_path / "out", "--json", tmp_path / "told.json")
        assert done.exit_code == 0, done.output
        assert f"Report  {tmp_path}/out/first/report.html" in done.output
        assert "face" in (tmp_path / "out/first/report.html").read_text()
        assert {len(found) for found in values(tmp_path / "out/first").values()} == {FRAMES}
        (row,) = json.loads((tmp_path / "told.json").read_text())["rows"]
        assert (row["state"], row["frames"], row["announced"]) == (DONE, FRAMES, FRAMES)

    def test_what_is_done_is_not_done_again(self, tmp_path: Path, folders: list[Path]) -> None:
        arguments = (folders[0], "--out", tmp_path, *PLAIN)
        assert replay(*arguments).exit_code == 0
        before = (tmp_path / "first/results/metadata.yaml").stat().st_mtime_ns
        again = replay(*arguments)
        assert again.exit_code == 0
        assert "was done before" in again.output
        assert (tmp_path / "first/results/metadata.yaml").stat().st_mtime_ns == before

    def test_other_settings_are_refused_unless_it_begins_anew(self, tmp_path: Path, folders: list[Path]) -> None:
        arguments = (folders[0], "--out", tmp_path, *PLAIN)
        assert replay(*arguments).exit_code == 0
        other = replay(*arguments, "--smoothing.model", "none")
        assert other.exit_code == 1
        assert "--anew" in other.output
        assert replay(*arguments, "--smoothing.model", "none", "--anew").exit_code == 0

    def test_the_portrait_is_replayed_as_long_as_it_is_asked_for(self, tmp_path: Path) -> None:
        done = replay("portrait", "--max-frames", 5, "--out", tmp_path, *PLAIN)
        assert done.exit_code == 0, done.output
        assert "5 of 5" in done.output

    def test_options_reach_the_job(self, tmp_path: Path, outcomes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "argv", ["/usr/bin/face1d", "replay", "a walk"])
        (tmp_path / "camera.yaml").touch()
        asked = outcomes()
        options = ("--topic", "/left", "--truth", "none", "--anew", "--camera.calibration", tmp_path / "camera.yaml")
        assert replay("/bags/walk.mcap", "--out", tmp_path, *PLAIN, *options).exit_code == 0
        (job,) = asked
        assert (job.source, job.folder) == ("/bags/walk.mcap", str(tmp_path / "walk"))
        assert (job.topic, job.truth, job.anew, job.pictures, job.report) == ("/left", "none", True, False, False)
        assert job.settings == {"camera_node": {"calibration": str(tmp_path / "camera.yaml")}}
        assert job.command == "face1d replay 'a walk'"

    @pytest.mark.parametrize(
        ("state", "fields", "code"),
        [
            (DONE, {}, 0),
            (DONE, {"left_out": {"size": 1}}, 3),
            (DONE, {"damage": ["the file ends in the middle of a chunk"]}, 3),
            (FAILED, {"error": "no image topic"}, 1),
            (STOPPED, {}, 130),
        ],
    )
    def test_the_exit_code_says_what_came_of_it(
        self, tmp_path: Path, outcomes: Any, state: str, fields: dict[str, Any], code: int
    ) -> None:
        outcomes(state, **fields)
        done = replay("/bags/walk.mcap", "--out", tmp_path)
        assert done.exit_code == code
        for text in (*fields.get("damage", ()), fields.get("error", "")):
            assert text in done.output

    def test_a_source_that_is_not_there_fails_and_leaves_no_folder(self, tmp_path: Path) -> None:
        done = replay("/nowhere.mcap", "--out", tmp_path / "out")
        assert done.exit_code == 1
        assert "'/nowhere.mcap' was not found" in done.output
        assert list((tmp_path / "out").iterdir()) == []

    def test_a_folder_that_cannot_be_made_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        done = replay("/bags/walk.mcap", "--out", tmp_path / "file" / "out")
        assert isinstance(done.exception, RecordingError)
        assert "choose another --out" in str(done.exception)

    def test_processes_and_a_scheduler_together_are_refused(self) -> None:
        done = replay("/bags/walk.mcap", "--jobs", 2, "--scheduler", "tcp://127.0.0.1:9")
        assert done.exit_code == 2
        assert "--jobs is of this machine" in done.output


class TestSeveralSources:
    def test_values_are_the_same_in_one_process_and_in_several(self, tmp_path: Path, folders: list[Path]) -> None:
        for folder in folders:
            assert replay(folder, "--out", tmp_path / "one", *PLAIN).exit_code == 0
        code, out, err = ended(start(*folders, "--jobs", 2, "--out", tmp_path / "several", *PLAIN))
        assert (code, err) == (0, ""), out
        for name in ("first", "second"):
            alone = values(tmp_path / "one" / name)
            assert alone
            assert values(tmp_path / "several" / name) == alone

    def test_one_that_fails_keeps_no_other_from_being_done(self, tmp_path: Path, folders: list[Path]) -> None:
        code, out, err = ended(start("/nowhere.mcap", folders[0], "--jobs", 1, "--out", tmp_path, *PLAIN))
        assert (code, err) == (1, ""), out
        assert "nowhere: source '/nowhere.mcap' was not found" in out
        assert {len(found) for found in values(tmp_path / "first").values()} == {FRAMES}

    def test_a_scheduler_that_does_not_answer_is_an_error(self, tmp_path: Path, folders: list[Path]) -> None:
        code = (
            "from face1d_ros.replay import cluster; cluster.CONNECT_S = 0.5; "
            "from face1d_ros.cli.main import main; main()"
        )
        done = start(folders[0], "--scheduler", "tcp://127.0.0.1:9", "--out", tmp_path, code=code)
        returned, _, err = ended(done)
        assert returned == 1
        assert err.startswith("error: no Dask scheduler answers at 'tcp://127.0.0.1:9'")
        assert "Traceback" not in err


class TestCtrlC:
    @pytest.mark.parametrize(
        ("sources", "number"),
        [
            (("portrait",), signal.SIGINT),
            (("portrait", "images"), signal.SIGINT),
            (("portrait", "images"), signal.SIGHUP),
        ],
        ids=["one source", "several", "the end of the terminal"],
    )
    def test_it_ends_quietly_and_the_same_command_goes_on(
        self, tmp_path: Path, folders: list[Path], sources: tuple[str, ...], number: signal.Signals
    ) -> None:
        named = [str(folders[0]) if source == "images" else source for source in sources]
        arguments = (*named, "--max-frames", 200, "--jobs", 2, "--out", tmp_path, *PLAIN, *SMALL)
        process = start(*arguments)
        wait_for(is_at_work(tmp_path / "portrait"), process)
        os.killpg(process.pid, number)
        code, out, err = ended(process)
        assert (code, err) == (130, ""), out
        assert "Interrupted: the same command goes on where it was." in out
        code, out, err = ended(start(*arguments))
        assert (code, err) == (0, ""), out
        assert "frames were there from before" in out
        assert {len(found) for found in values(tmp_path / "portrait").values()} == {200}

    @pytest.mark.parametrize("jobs", [1, 2])
    def test_twice_ends_at_once_without_a_traceback(self, tmp_path: Path, folders: list[Path], jobs: int) -> None:
        (tmp_path / "temporary").mkdir()
        arguments = (*["portrait", folders[0]][:jobs], "--max-frames", 900, "--out", tmp_path, *PLAIN, *SMALL)
        process = start(*arguments, TMPDIR=str(tmp_path / "temporary"))
        wait_for(is_at_work(tmp_path / "portrait"), process)
        os.killpg(process.pid, signal.SIGINT)
        os.killpg(process.pid, signal.SIGINT)
        code, _, err = ended(process)
        assert code in (130, -signal.SIGINT)
        assert "Traceback" not in err
        assert list((tmp_path / "temporary").iterdir()) == []

    def test_no_process_outlives_one_that_is_killed(self, tmp_path: Path, folders: list[Path]) -> None:
        arguments = ("portrait", folders[0], "--max-frames", 900, "--jobs", 2, "--out", tmp_path, *PLAIN, *SMALL)
        process = start(*arguments, TMPDIR=str(tmp_path))  # which it cannot clean up
        wait_for(is_at_work(tmp_path / "portrait"), process)
        process.kill()
        process.communicate()
        end_s = time.monotonic() + DEADLINE_S
        while session(process.pid):
            assert time.monotonic() < end_s, session(process.pid)
            time.sleep(0.05)


def session(leader: int) -> list[str]:
    """Processes of its session that are alive, zombies left out."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, rest = path.read_text().rsplit(")", 1)
        except OSError:
            continue
        state, _, _, owner = rest.split()[:4]
        if int(owner) == leader and state != "Z":
            found.append(name)
    return found
