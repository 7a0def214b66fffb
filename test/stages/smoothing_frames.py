"""Frames of faces that move a little, for the smoothing stage."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from face1d_ros.types import FaceLandmarks, FaceLandmarksArray, FloatArray, Header, Topology, TrackState

STEP_NS = 40_000_000
BEGIN_NS = 1_767_225_600_000_000_000
SIZE_PX = 100.0


@cache
def shape(topology: Topology = Topology.FACE_68) -> FloatArray:
    """(N, 3) a face of `SIZE_PX` that does not move."""
    points = np.random.default_rng(3).uniform(0.0, SIZE_PX, (int(topology), 3)).astype(np.float32)
    points[0], points[1] = 0.0, SIZE_PX
    points += np.float32(100.0)
    points.setflags(write=False)
    return points


def face(track_id: int = 1, shift_px: float = 0.0, topology: Topology = Topology.FACE_68, **fields: Any) -> Any:
    """A measured face, moved as a whole."""
    points = shape(topology) + np.float32(shift_px)
    box = np.array([*points[:, :2].min(axis=0), SIZE_PX, SIZE_PX] if len(points) else [np.nan] * 4, np.float32)
    values = {"topology": topology, "track_id": track_id, "state": TrackState.MEASURED, "points": points, "box": box}
    return FaceLandmarks(**{"confidence": 0.8, **values, **fields})


def frame(
    index: float, faces: Sequence[FaceLandmarks] = (), ended: tuple[int, ...] = (), stamp_ns: int | None = None
) -> FaceLandmarksArray:
    """The frame with this number, or at this stamp."""
    stamp_ns = BEGIN_NS + round(index * STEP_NS) if stamp_ns is None else stamp_ns
    return FaceLandmarksArray(Header(stamp_ns, "camera"), 640, 480, tuple(faces), ended)


def noisy(track_id: int, generator: np.random.Generator, noise_px: float = 1.0, **options: Any) -> FaceLandmarks:
    """A face that trembles."""
    made = face(track_id, **options)
    noise = generator.normal(scale=noise_px, size=made.points.shape).astype(np.float32)
    return face(track_id, **{**options, "points": made.points + noise})
