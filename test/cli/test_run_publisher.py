"""The publisher of `face1d run --publish` when it misbehaves, played by small scripts."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable

import numpy as np
import pytest

from face1d_ros.cli import run_publisher
from face1d_ros.cli.run_publisher import Publisher
from face1d_ros.cli.supervisor import Child
from face1d_ros.errors import ProcessError
from face1d_ros.replay.publishing import READY
from face1d_ros.types import FaceLandmarks, FaceLandmarksArray, Header, Topology

IS_READY = f"import sys, time; print({READY!r}, flush=True); "
FACE = FaceLandmarks(np.zeros((478, 3), np.float32), Topology.MESH_478)
VALUES = {"face1d/landmarks_raw": FaceLandmarksArray(Header(5), faces=(FACE,))}
MORE_THAN_A_PIPE_HOLDS = 200

Start = Callable[[str], Publisher]


@pytest.fixture
def stopping() -> threading.Event:
    return threading.Event()


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch, stopping: threading.Event) -> Start:
    monkeypatch.setattr(run_publisher, "find_spec", lambda _: True)

    def make(script: str) -> Publisher:
        played = Child("publisher_node", (sys.executable, "-c", script), dict(os.environ))
        monkeypatch.setattr(run_publisher, "child", lambda _: played)
        return Publisher(stopping)

    return make


def feed(publisher: Publisher, count: int) -> None:
    for _ in range(count):
        publisher.take(5, VALUES, None)


def test_what_is_handed_over_is_counted(start: Start) -> None:
    publisher = start(IS_READY + "sys.stdin.buffer.read()")
    feed(publisher, MORE_THAN_A_PIPE_HOLDS)
    publisher.close()
    assert publisher.told() == f"ROS   {MORE_THAN_A_PIPE_HOLDS} messages published"


def test_one_that_stands_still_keeps_nobody_from_ending(start: Start, stopping: threading.Event) -> None:
    publisher = start(IS_READY + "time.sleep(600)")
    stopping.set()
    feed(publisher, MORE_THAN_A_PIPE_HOLDS)
    publisher.close()
    assert 0 < int(publisher.told().split()[1]) < MORE_THAN_A_PIPE_HOLDS
    assert publisher._process.returncode == -9


def test_one_that_stands_still_is_given_up(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_publisher, "STUCK_S", 0.3)
    publisher = start(IS_READY + "time.sleep(600)")
    with pytest.raises(ProcessError, match=rf"the publisher took nothing for 0.3 s and was ended.*\n  {READY}"):
        feed(publisher, MORE_THAN_A_PIPE_HOLDS)
    publisher.close()


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("print('no domain'); raise SystemExit(2)", r"did not start \(exit code 2\); it said:\n  no domain"),
        ("import os, time; os.close(1); os.close(2); time.sleep(600)", r"did not start \(exit code -9\)"),
    ],
    ids=["ends", "closes its output and lives on"],
)
def test_one_that_never_gets_ready_is_told(start: Start, script: str, said: str) -> None:
    with pytest.raises(ProcessError, match=said):
        start(script)


def test_a_start_that_is_interrupted_is_not_waited_for(start: Start, stopping: threading.Event) -> None:
    stopping.set()
    publisher = start("import time; time.sleep(600)")
    feed(publisher, 3)
    publisher.close()
    assert publisher.told() == "ROS   0 messages published"


def test_one_that_dies_is_told_with_its_last_words(start: Start) -> None:
    publisher = start(IS_READY + "sys.stdin.close(); sys.exit('out of memory')")
    with pytest.raises(ProcessError, match=r"has died \(exit code 1\); it said:(.|\n)*out of memory"):
        feed(publisher, MORE_THAN_A_PIPE_HOLDS)
    publisher.close()
