"""Landmarks with rotation, scale and place taken off: what mesh models look at.

A detector's z is the depth beyond the face's mean depth, in pixels at that depth. With the camera's focal length and
centre this gives each landmark its place in space in parts of the head's distance, so perspective is undone exactly,
whatever the distance is. What is left is aligned with the canonical face by the points that move little with
expression.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import GeometryError
from face1d_ros.geometry.pose import pose_points, yaw_pitch_roll_rad
from face1d_ros.geometry.rigid import Similarity, align
from face1d_ros.geometry.topology import topology_of

Points = NDArray[np.floating[Any]]
Floats = NDArray[np.float64]
LEAST_DEPTH = 0.2
"""Of the head's distance: nearer no landmark of a face can be, whatever its z says."""
LEAST_WEIGHT = 1e-3
"""Of a landmark without any confidence."""


@dataclass(frozen=True, eq=False)
class Aligned:
    """Faces before one camera, each by itself; NaN where the landmarks determine no pose."""

    points_cm: Floats
    """(..., N, 3) in the canonical face's place and size; axes of the head frame, as in `canonical`."""
    pose: Similarity
    """Canonical centimetres → parts of the head's distance, in the camera's optical frame."""

    @cached_property
    def turn_rad(self) -> Floats:
        """(..., 3) yaw, pitch, roll."""
        return yaw_pitch_roll_rad(self.pose.rotation)


def unprojected(points_px: Points, focal_px: float | tuple[float, float], centre_px: tuple[float, float]) -> Floats:
    """(..., N, 3) landmarks in pixels, distortion removed, to the optical frame, in parts of the head's distance.

    focal_px is one number, or x and y; centre_px x and y.
    """
    focal = focal_px if isinstance(focal_px, tuple) else (focal_px, focal_px)
    is_camera = len(focal) == len(centre_px) == 2 and all(map(math.isfinite, (*focal, *centre_px)))
    if not (is_camera and min(focal) > 0.0):
        raise GeometryError("camera", f"focal length {focal_px!r}, centre {centre_px!r}", "above 0, and x and y")
    points = np.asarray(points_px, np.float64)
    found = np.empty(points.shape)
    # Column by column: numpy walks long strided columns several times faster than rows of two.
    depth = np.maximum(points[..., 2] * (2.0 / sum(focal)) + 1.0, LEAST_DEPTH)
    for axis in range(2):
        found[..., axis] = (points[..., axis] - centre_px[axis]) * (depth * (1.0 / focal[axis]))
    found[..., 2] = depth
    return found


def align_to_canonical(points: Points, confidence: Points | None = None) -> Aligned:
    """Weighted Procrustes of (..., N, 3) in the optical frame, any scale; confidence (..., N), without it all 1."""
    indices, weights, canonical_cm = pose_points(topology_of(points.shape[-2]))
    if confidence is not None:
        weights = weights * np.minimum(np.maximum(confidence.take(indices, axis=-1), LEAST_WEIGHT), 1.0)
    pose = align(canonical_cm, points.take(indices, axis=-2), weights)
    return Aligned(pose.undo(points), pose)
