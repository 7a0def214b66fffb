from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # harness.py beside this file

from camera_bench import Webcam
from harness import Ros
from stage_bench import Bench

from face1d_ros.nodes import camera_node
from face1d_ros.sources.reopen import BackOff


@pytest.fixture
def ros(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ros]:
    monkeypatch.setenv("ROS_DOMAIN_ID", "0")
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    made = Ros()
    yield made
    made.close()


@pytest.fixture
def bench(ros: Ros, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(ros, monkeypatch)


@pytest.fixture
def webcam(monkeypatch: pytest.MonkeyPatch) -> type[Webcam]:
    monkeypatch.setattr(camera_node, "open_configured", Webcam)
    monkeypatch.setattr(camera_node, "BACK_OFF", BackOff(0.05, 0.2))
    Webcam.plugged.set()
    Webcam.gives.set()
    return Webcam
