"""How far each landmark can be trusted: is it turned towards the camera, is it inside the image, is it a face at all.

    confidence = face confidence · visibility · inside          each 0..1

- face confidence: the detector's own; unknown (NaN) counts as 1, and then only the other two speak.
- visibility = smoothstep((cos θ − C0) / (C1 − C0)), θ the angle between the canonical mesh's normal at the point,
  turned as the head is, and the way to the camera; C0 and C1 are the cosines of 110° and 70°. A point turned by
  90° gets a half. What another part of the face hides is not seen by this. Where no depth is known: NaN, unknown.
- inside = clip(1/2 + d / R, 0, 1), d the distance of the point to the image's nearest edge, positive inside, R 2 % of
  the face's size.

The way to the camera, seen from the head, is all that visibility needs of the pose. It is the direction in which depth
falls: depth is fitted as a linear function of the canonical face's coordinates, which is one product with a matrix
made once, and does not depend on how deep the detector draws its faces.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from face1d_ros.geometry.canonical import canonical_face
from face1d_ros.geometry.pose import pose_points
from face1d_ros.geometry.topology import indices_in, topology_of
from face1d_ros.types import FloatArray, Topology

SEEN_COS = math.cos(math.radians(70.0))
"""And the negative of it, of 110°, is hidden."""
EDGE_SHARE = 0.02
FLAT_PX_PER_CM = 1e-6
"""Depth that changes less than this has no direction."""
Points = NDArray[np.floating[Any]]
Floats = NDArray[np.float64]


def point_confidence(
    points: Points,
    image_width: int,
    image_height: int,
    face_confidence: ArrayLike = math.nan,
    boxes: FloatArray | None = None,
) -> FloatArray:
    """(..., N) from points (..., N, 3) of a known topology and confidences (...) of the faces.

    Where their boxes (..., 4) x y width height are known already, faces well inside the image take less time.
    """
    face = np.asarray(face_confidence, np.float64)
    product = visibility(points)
    if boxes is None or not _all_well_inside(boxes, image_width, image_height):
        product *= inside(points, image_width, image_height)
    product *= np.where(np.isfinite(face), face, 1.0)[..., None]
    return product.astype(np.float32)


def visibility(points: Points) -> Floats:
    """(..., N) 1 for points turned to the camera, 0 for points turned away, NaN where the points have no depth."""
    indices, fit, normals = _tables(topology_of(points.shape[-2]))
    deeper = points[..., indices, 2] @ fit
    length = np.sqrt((deeper * deeper).sum(axis=-1, keepdims=True))
    # −deeper / length is the way to the camera; its product with a normal is cos θ.
    share = (deeper * (-0.5 / SEEN_COS / np.where(length > FLAT_PX_PER_CM, length, np.nan))) @ normals
    share += 0.5
    _cut_to_unit(share)
    smooth: Floats = share * share * (3.0 - 2.0 * share)
    return smooth


def inside(points: Points, image_width: int, image_height: int) -> Floats:
    """(..., N) 1 for points well inside the image, 1/2 on its edge, 0 outside. Pixel centres are at whole numbers."""
    plane = np.array(points[..., :2].swapaxes(-1, -2), np.float64, order="C")
    size_px = (plane.max(axis=-1) - plane.min(axis=-1)).max(axis=-1)
    half = np.array([[image_width / 2.0], [image_height / 2.0]])
    # From the middle of the image outwards, so that both edges are one.
    share: Floats = (half - np.abs(plane - (half - 0.5))).min(axis=-2)
    share /= np.maximum(EDGE_SHARE * size_px, 1e-6)[..., None]
    share += 0.5
    _cut_to_unit(share)
    return share


def _all_well_inside(boxes: FloatArray, image_width: int, image_height: int) -> bool:
    """Whether `inside` is 1 for every point in these boxes."""
    for left, top, width, height in boxes.reshape(-1, 4).tolist():
        margin_px = 0.5 * EDGE_SHARE * max(width, height) - 0.5
        right, bottom = image_width - 1.0 - (left + width), image_height - 1.0 - (top + height)
        if not min(left, top, right, bottom) >= margin_px:
            return False
    return True


def _cut_to_unit(values: Floats) -> None:
    np.minimum(values, 1.0, out=values)
    np.maximum(values, 0.0, out=values)


@cache
def _tables(topology: Topology) -> tuple[NDArray[np.intp], Floats, Floats]:
    """Points with a known depth, (M,) into the topology; what fits a plane to it (M, 3); normals (3, N)."""
    indices, weights, canonical = pose_points(topology)
    weights = weights / weights.sum()
    centred = canonical - weights @ canonical
    weighted = weights[:, None] * centred
    fit = np.linalg.solve(centred.T @ weighted, weighted.T).T
    normals = canonical_face().normals[indices_in(topology, Topology.MESH_478)]
    return indices, fit, np.ascontiguousarray(normals.T)
