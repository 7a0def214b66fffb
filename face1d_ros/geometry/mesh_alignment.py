"""Landmarks with rotation, scale and place taken off: what mesh models look at.

A detector's z is the depth beyond the face's mean depth, in pixels at that depth. With the camera's focal length and
centre this gives each landmark its place in space in parts of the head's distance, so perspective is undone exactly,
whatever the distance is. What is left is aligned with the canonical face by the points that move little with
expression.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

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


def unprojected(points_px: Points, focal_px: ArrayLike, centre_px: ArrayLike) -> Floats:
    """(..., N, 3) landmarks in pixels, distortion removed, to the optical frame, in parts of the head's distance.

    focal_px is one number, or x and y; centre_px x and y.
    """
    focal, centre = np.broadcast_to(np.asarray(focal_px, np.float64), (2,)), np.asarray(centre_px, np.float64)
    if not (np.isfinite(focal).all() and (focal > 0.0).all() and centre.shape == (2,) and np.isfinite(centre).all()):
        raise GeometryError("camera", f"focal length {focal_px!r}, centre {centre_px!r}", "above 0, and x and y")
    depth = np.maximum(1.0 + points_px[..., 2:] / focal.mean(), LEAST_DEPTH)
    found: Floats = np.concatenate([(points_px[..., :2] - centre) / focal * depth, depth], axis=-1)
    return found


def align_to_canonical(points: Points, confidence: Points | None = None) -> Aligned:
    """Weighted Procrustes of (..., N, 3) in the optical frame, any scale; confidence (..., N), without it all 1."""
    indices, weights, canonical_cm = pose_points(topology_of(points.shape[-2]))
    if confidence is not None:
        weights = weights * np.clip(confidence[..., indices], LEAST_WEIGHT, 1.0)
    pose = align(canonical_cm, points[..., indices, :], weights)
    return Aligned(pose.inverse().apply(points), pose)
