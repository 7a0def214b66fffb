"""Head pose of landmarks in pixels, under weak perspective: the canonical face turned, scaled and shifted.

Frames as in `canonical`: a face that looks straight into the camera has the identity as its rotation.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import GeometryError
from face1d_ros.geometry import tables
from face1d_ros.geometry.canonical import canonical_face
from face1d_ros.geometry.rigid import DEGENERATE, Similarity, align
from face1d_ros.geometry.topology import topology_of
from face1d_ros.types import Topology

Points = NDArray[np.floating[Any]]
Floats = NDArray[np.float64]


def head_pose(points: Points) -> Similarity:
    """Canonical face in centimetres → pixels, from points (..., N, 3) of a known topology.

    `scale` is in px/cm. Uses the points that move little with expression. A face of which no depth is finite is
    fitted in the image plane alone, and gets translation z 0. NaN where the points determine no pose.
    """
    if points.ndim < 2 or points.shape[-1] != 3:
        raise GeometryError("landmarks", f"shape {points.shape}", "(..., N, 3)")
    indices, weights, canonical = pose_points(topology_of(points.shape[-2]))
    chosen = points[..., indices, :].astype(np.float64)
    flat = ~np.isfinite(chosen[..., 2]).any(axis=-1)
    if not flat.any():
        return align(canonical, chosen, weights)
    if flat.all():
        return _pose_in_plane(canonical, chosen[..., :2], weights)
    deep, plane = align(canonical, chosen, weights), _pose_in_plane(canonical, chosen[..., :2], weights)
    return Similarity(
        np.where(flat, plane.scale, deep.scale),
        np.where(flat[..., None, None], plane.rotation, deep.rotation),
        np.where(flat[..., None], plane.translation, deep.translation),
    )


@cache
def pose_points(topology: Topology) -> tuple[NDArray[np.intp], Floats, Floats]:
    """Points that move little with expression: (M,) into the topology, weights (M,), canonical ones in cm (M, 3)."""
    face = canonical_face()
    if topology == Topology.FACE_68:
        indices = np.array(list(tables.POSE_WEIGHTS_68), np.intp)
        weights = np.array(list(tables.POSE_WEIGHTS_68.values()))
        return indices, weights, face.points_cm[np.array(tables.MESH_TO_68)[indices]]
    indices = np.flatnonzero(face.pose_weights)
    return indices, face.pose_weights[indices], face.points_cm[indices]


def yaw_pitch_roll_rad(rotation: Floats) -> Floats:
    """(..., 3, 3) rotations to (..., 3), R = Rz(roll) Ry(yaw) Rx(pitch) in the camera's optical frame.

    Positive: turned to the person's right, looking down, and tilted clockwise in the image.
    """
    found = np.empty(rotation.shape[:-1])
    found[..., 0] = np.arctan2(-rotation[..., 2, 0], np.hypot(rotation[..., 2, 1], rotation[..., 2, 2]))
    found[..., 1] = np.arctan2(rotation[..., 2, 1], rotation[..., 2, 2])
    found[..., 2] = np.arctan2(rotation[..., 1, 0], rotation[..., 0, 0])
    return found


def _pose_in_plane(canonical: Floats, plane: Floats, weights: Floats) -> Similarity:
    """Scaled orthography from (..., M, 2): the best affine map, and the scaled rotation nearest to it."""
    known = np.isfinite(plane).all(axis=-1)
    w = np.where(known, weights, 0.0)
    total = w.sum(axis=-1)
    w = (w / np.where(total > 0.0, total, 1.0)[..., None])[..., None]
    seen = np.where(known[..., None], plane, 0.0)
    mean_p, mean_q = (w * canonical).sum(axis=-2), (w * seen).sum(axis=-2)
    p, q = canonical - mean_p[..., None, :], seen - mean_q[..., None, :]
    spread = np.swapaxes(p, -1, -2) @ (w * p)
    solid = np.linalg.eigvalsh(spread)[..., 0] > DEGENERATE * np.trace(spread, axis1=-2, axis2=-1)
    spread = np.where(solid[..., None, None], spread, np.eye(3))
    affine = np.swapaxes(np.linalg.solve(spread, np.swapaxes(p, -1, -2) @ (w * q)), -1, -2)
    u, s, vt = np.linalg.svd(affine, full_matrices=False)
    rows = u @ vt
    rotation = np.concatenate([rows, np.cross(rows[..., 0, :], rows[..., 1, :])[..., None, :]], axis=-2)
    good = solid & (s[..., 1] > DEGENERATE * s[..., 0]) & (s[..., 0] > 0.0)
    scale = np.where(good, s.mean(axis=-1), np.nan)
    rotation = np.where(good[..., None, None], rotation, np.nan)
    shift = mean_q - scale[..., None] * (rotation[..., :2, :] @ mean_p[..., None])[..., 0]
    return Similarity(scale, rotation, np.concatenate([shift, np.zeros_like(shift[..., :1])], axis=-1))
