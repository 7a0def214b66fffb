"""Frames and results to feed to the rooms of `replay`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from face1d_ros.types import FaceLandmarks, FaceLandmarksArray, Frame, Header, StageInfo, Topology

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
