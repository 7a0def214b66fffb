"""The head before the camera, in metres: which way it looks, where it is, and how well that fits what was seen."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.geometry.camera_model import Camera, translation_m
from face1d_ros.geometry.canonical import canonical_face
from face1d_ros.geometry.mesh_alignment import LEAST_WEIGHT, Aligned, align_to_canonical, unprojected
from face1d_ros.geometry.pose import pose_points
from face1d_ros.geometry.tables import MESH_TO_68
from face1d_ros.types import FloatArray, Pose, Topology

Floats = NDArray[np.float64]
NEAREST_M, FURTHEST_M = 0.03, 50.0
"""A head elsewhere is none."""
TO_ROS = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, -1.0], [-1.0, 0.0, 0.0]])
"""Columns: out of the face, to the person's left and up, in the facing frame (x left, y down, z into the head)."""
OUTER_EYE_CORNERS = (36, 45)
"""Of the 68 points."""


@dataclass(frozen=True, eq=False)
class Head:
    """Landmarks of a head that move little with expression."""

    indices: NDArray[np.intp]
    """(M,) among the landmarks."""
    points_m: Floats
    """(M, 3) in the facing frame; the origin is between the outer eye corners."""
    weights: Floats
    """(M,)"""


@dataclass(frozen=True, eq=False)
class Placed:
    """A head in space."""

    pose: Pose
    scale: float
    """px per m at the head's distance."""
    residual_px: float
    """Root mean square distance of its landmarks from where they were seen."""


UNPLACED = Placed(Pose(), math.nan, math.nan)


@cache
def usual_head(topology: Topology) -> Head:
    """That of the canonical face, an adult's of usual size, where nothing is known of the person."""
    indices, weights, points_cm = pose_points(topology)
    corners = canonical_face().points_cm[[MESH_TO_68[corner] for corner in OUTER_EYE_CORNERS]]
    return Head(indices, (points_cm - corners.mean(axis=0)) / 100.0, weights / weights.sum())


def aligned(points_px: FloatArray, confidence: FloatArray, camera: Camera) -> tuple[Floats, Aligned]:
    """Undistorted landmarks (N, 3) in px, and the same without rotation, scale and place."""
    straight = camera.undistorted(points_px)
    space = unprojected(straight, camera.focal_px, camera.centre_px)
    return straight, align_to_canonical(space, confidence)


def placed(head: Head, rotation: Floats, straight_px: Floats, confidence: FloatArray, camera: Camera) -> Placed:
    """The head, turned by `rotation` (facing frame to camera), where it is seen; confidence (N,)."""
    seen = straight_px[head.indices, :2]
    turned = head.points_m @ rotation.T
    weights = head.weights * np.clip(confidence[head.indices], LEAST_WEIGHT, 1.0)
    place = translation_m(turned, seen, camera, weights)
    if not NEAREST_M <= float(place[2]) <= FURTHEST_M:
        return UNPLACED
    at = turned + place
    if not (at[:, 2] > 0.0).all():
        return UNPLACED
    focal = np.array(camera.focal_px)
    off = at[:, :2] / at[:, 2:] * focal + np.array(camera.centre_px) - seen
    residual_px = math.sqrt(float(weights @ (off * off).sum(axis=1)) / float(weights.sum()))
    scale = math.sqrt(focal[0] * focal[1]) / float(place[2])
    return Placed(Pose(place, quaternion(rotation @ TO_ROS)), scale, residual_px)


def corrected(rotation: Floats, vector: NDArray[np.floating[Any]]) -> Floats:
    """(3, 3) R · exp(vector): a rotation vector (3,) in rad, in the frame before R."""
    v = vector.astype(np.float64)
    angle = float(np.linalg.norm(v))
    cross = np.array([[0.0, -v[2], v[1]], [v[2], 0.0, -v[0]], [-v[1], v[0], 0.0]])
    sine = np.sinc(angle / math.pi)
    versine = 0.5 * np.sinc(angle / (2.0 * math.pi)) ** 2
    turned: Floats = rotation @ (np.eye(3) + sine * cross + versine * cross @ cross)
    return turned


def quaternion(rotation: Floats) -> Floats:
    """(4,) x y z w of a rotation (3, 3); w is not negative."""
    m = rotation
    squares = np.array(
        [
            1.0 + m[0, 0] - m[1, 1] - m[2, 2],
            1.0 - m[0, 0] + m[1, 1] - m[2, 2],
            1.0 - m[0, 0] - m[1, 1] + m[2, 2],
            1.0 + m[0, 0] + m[1, 1] + m[2, 2],
        ]
    )
    products = np.array(
        [
            [squares[0], m[0, 1] + m[1, 0], m[0, 2] + m[2, 0], m[2, 1] - m[1, 2]],
            [m[0, 1] + m[1, 0], squares[1], m[1, 2] + m[2, 1], m[0, 2] - m[2, 0]],
            [m[0, 2] + m[2, 0], m[1, 2] + m[2, 1], squares[2], m[1, 0] - m[0, 1]],
            [m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1], squares[3]],
        ]
    )
    # The row of the largest component loses no digits.
    q = products[int(squares.argmax())]
    q = q / np.linalg.norm(q)
    found: Floats = -q if q[3] < 0.0 else q
    return found
