"""Faces to be tracked, and the ids they get."""

from __future__ import annotations

import dataclasses

import numpy as np

from face1d_ros.geometry.canonical import canonical_face
from face1d_ros.geometry.topology import indices_in
from face1d_ros.types import FaceLandmarks, Topology

FRAME_NS = 33_333_333
SIZE_PX = 100.0
CANONICAL = canonical_face().points_cm - [0.0, canonical_face().points_cm[:, 1].mean(), 0.0]
CANONICAL_SIZE = np.ptp(CANONICAL, axis=0).max()


def face(
    x: float,
    y: float = 240.0,
    size: float = SIZE_PX,
    *,
    confidence: float = 0.9,
    rng: np.random.Generator | None = None,
    noise: float = 0.004,
) -> FaceLandmarks:
    """A face of that size around (x, y), its landmarks jittering by a share of its size."""
    placed = CANONICAL * (size / CANONICAL_SIZE) + [x, y, 0.0]
    if rng is not None:
        placed = placed + rng.normal(0, noise * size, placed.shape)
    return FaceLandmarks(points=placed.astype(np.float32), topology=Topology.MESH_478, confidence=confidence)


def in_topology(detection: FaceLandmarks, topology: Topology) -> FaceLandmarks:
    chosen = indices_in(topology, Topology.MESH_478)
    return dataclasses.replace(detection, points=detection.points[chosen], topology=topology)


def ids_by_x(faces: tuple[FaceLandmarks, ...]) -> list[int]:
    return [f.track_id for f in sorted(faces, key=lambda f: float(f.points[:, 0].mean()))]


def ids(faces: tuple[FaceLandmarks, ...]) -> list[int]:
    return [f.track_id for f in faces]
