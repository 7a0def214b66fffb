"""Frames and results to feed to the rooms of `replay`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from face1d_ros.types import FaceLandmarks, FaceLandmarksArray, Frame, Header, StageInfo, Topology

sys.path.insert(0, str(Path(__file__).parents[1] / "stages"))  # for smoothing_bundles
sys.path.insert(0, str(Path(__file__).parent))  # for replay_sources

RATE_HZ = 30.0


def frame(index: int) -> Frame:
    """A grey frame at its time of a 30 Hz source."""
    return Frame(Header(round(index * 1e9 / RATE_HZ), "camera"), np.full((48, 64, 3), index % 256, np.uint8))


def result(index: int, faces: int = 1) -> FaceLandmarksArray:
    """Random faces at that time."""
    rng = np.random.default_rng(index)
    found = tuple(
        FaceLandmarks(
            points=rng.normal(100, 30, (478, 3)).astype(np.float32), topology=Topology.MESH_478, track_id=track + 1
        )
        for track in range(faces)
    )
    return FaceLandmarksArray(frame(index).header, 64, 48, found, info=StageInfo("landmarks"))


@pytest.fixture(name="frame")
def fixture_frame() -> Callable[[int], Frame]:
    return frame


@pytest.fixture(name="result")
def fixture_result() -> Callable[..., FaceLandmarksArray]:
    return result


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Make jobs have the fakes; a source of its own for each run."""
    from replay_sources import FRAMES, CountedSource, use_fakes

    def use(frames: int = FRAMES, *details: Any) -> CountedSource:
        source = CountedSource(frames, *details)
        use_fakes(monkeypatch, source)
        return source

    return use
