"""The head before the camera, in metres: which way it looks, where it is, and how well that fits what was seen."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.geometry.camera_model import Camera, assumed_camera, translation_m
from face1d_ros.geometry.canonical import canonical_face
from face1d_ros.geometry.mesh_alignment import LEAST_WEIGHT, Aligned, align_to_canonical, unprojected
from face1d_ros.geometry.pose import pose_points
from face1d_ros.geometry.tables import MESH_TO_68
from face1d_ros.types import FaceLandmarksArray, FloatArray, Pose, Topology

Floats = NDArray[np.float64]
NEAREST_M, FURTHEST_M = 0.03, 50.0
"""A head elsewhere is none."""
OTHER_CAMERA = "camera_info of another image size"
"""Counted where a camera is known that is not that of the frame."""
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


def camera_for(frame: FaceLandmarksArray, known: Camera | None, field_of_view_rad: float) -> Camera:
    """The known camera, if it is one of the frame's images; else one of this horizontal field of view is assumed."""
    width, height = max(frame.image_width, 1), max(frame.image_height, 1)
    if known is not None and (known.width, known.height) == (width, height):
        return known
    return assumed_camera(width, height, field_of_view_rad)


def aligned(points_px: FloatArray, confidence: FloatArray, camera: Camera) -> tuple[Floats, Aligned]:
    """Undistorted landmarks (N, 3) in px, and the same without rotation, scale and place."""
    straight = camera.undistorted(points_px)
    space = unprojected(straight, camera.focal_px, camera.centre_px)
    return straight, align_to_canonical(space, confidence)


def placed(head: Head, rotation: Floats, straight_px: Floats, confidence: FloatArray, camera: Camera) -> Placed:
    """The head, turned by `rotation` (facing frame to camera), where it is seen; confidence (N,) from 0 to 1."""
    seen = straight_px.take(head.indices, axis=0)[:, :2]
    turned = head.points_m @ rotation.T
    weights = head.weights * np.maximum(confidence.take(head.indices), LEAST_WEIGHT)
    place = translation_m(turned, seen, camera, weights)
    distance = float(place[2])
    if not NEAREST_M <= distance <= FURTHEST_M:
        return UNPLACED
    at = turned + place
    if not at[:, 2].min() > 0.0:
        return UNPLACED
    off = at[:, :2] / at[:, 2:] * np.array(camera.focal_px) + np.array(camera.centre_px) - seen
    residual_px = math.sqrt(float((weights @ (off * off)).sum()) / float(weights.sum()))
    scale = math.sqrt(camera.focal_px[0] * camera.focal_px[1]) / distance
    return Placed(Pose(place, quaternion(rotation @ TO_ROS)), scale, residual_px)


def corrected(rotation: Floats, vector: NDArray[np.floating[Any]]) -> Floats:
    """(3, 3) R · exp(vector): a rotation vector (3,) in rad, in the frame before R."""
    x, y, z = vector.tolist()
    angle = math.hypot(x, y, z)
    cosine = math.cos(angle)
    sine, half_sine = (math.sin(angle) / angle, math.sin(angle / 2.0) / angle) if angle > 0.0 else (1.0, 0.5)
    x_sine, y_sine, z_sine = x * sine, y * sine, z * sine
    versine = 2.0 * half_sine * half_sine
    turn = [
        [cosine + versine * x * x, versine * x * y - z_sine, versine * x * z + y_sine],
        [versine * x * y + z_sine, cosine + versine * y * y, versine * y * z - x_sine],
        [versine * x * z - y_sine, versine * y * z + x_sine, cosine + versine * z * z],
    ]
    turned: Floats = rotation @ np.array(turn)
    return turned


def quaternion(rotation: Floats) -> Floats:
    """(4,) x y z w of a rotation (3, 3); w is not negative."""
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = rotation.tolist()
    products = [
        [1.0 + xx - yy - zz, xy + yx, xz + zx, zy - yz],
        [xy + yx, 1.0 - xx + yy - zz, yz + zy, xz - zx],
        [xz + zx, yz + zy, 1.0 - xx - yy + zz, yx - xy],
        [zy - yz, xz - zx, yx - xy, 1.0 + xx + yy + zz],
    ]
    # The row of the largest component loses no digits.
    row = max(range(4), key=lambda component: products[component][component])
    q = products[row]
    return np.array(q) / math.copysign(math.hypot(*q), q[3])
