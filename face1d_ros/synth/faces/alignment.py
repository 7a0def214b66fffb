"""The canonical face brought roughly to where a 3D model's face is."""

from __future__ import annotations

import numpy as np

from face1d_ros.errors import FaceModelError
from face1d_ros.geometry import tables
from face1d_ros.geometry.canonical import canonical_face, vertex_normals
from face1d_ros.geometry.rigid import align
from face1d_ros.geometry.topology import region, triangles
from face1d_ros.synth.faces.model_arrays import UNKNOWN
from face1d_ros.synth.faces.surface import Floats, Indices, Surface
from face1d_ros.types import Topology

MESH = int(Topology.MESH_468)
CM_TO_MM = 10.0
ELSEWHERE = range(27)
"""Points of the 68 that the two topologies have at other places: along the jaw, and above or in the brows."""
NOSE_TIP = 4
FEWEST_LANDMARKS = 4
ICP_ROUNDS = 60
SETTLED_MM = 0.05
LEAST_COSINE = 0.6
FEWEST_MET = 0.5
"""Share of the points that must find a surface looking their way, or this is no face."""
CENTRAL = ("nose", "mouth", "right_eye", "left_eye", "right_brow", "left_brow", "right_cheek", "left_cheek")
"""Regions that every face model has in full."""


def first_alignment(surface: Surface, landmarks_68: Indices) -> Floats:
    """(468, 3) the canonical face in mm, moved, turned and scaled to the model.

    By the landmarks the model tells. Where it tells too few, the tips of the noses (the foremost points) meet first,
    then closest points of eyes, nose, mouth and cheeks.
    """
    canonical = canonical_face().points_cm[:MESH] * CM_TO_MM
    known = np.array([row for row in np.flatnonzero(landmarks_68 != UNKNOWN) if row not in ELSEWHERE], np.intp)
    if len(known) >= FEWEST_LANDMARKS:
        moved = align(canonical[np.array(tables.MESH_TO_68)[known]], surface.points[landmarks_68[known]])
        if np.isfinite(moved.scale):
            return moved.apply(canonical)
    return _by_shape(canonical, surface)


def _by_shape(canonical: Floats, surface: Surface) -> Floats:
    used = np.unique(surface.triangles)
    tip = surface.points[used[surface.points[used, 2].argmin()]]
    points = canonical + (tip - canonical[NOSE_TIP])
    central = np.concatenate([region(name, Topology.MESH_468) for name in CENTRAL])
    for _ in range(ICP_ROUNDS):
        normals = vertex_normals(points, triangles(Topology.MESH_468))
        feet = surface.feet(points[central], normals[central], LEAST_COSINE)
        met = np.isfinite(feet.distance)
        if met.mean() < FEWEST_MET:
            break
        # The worst quarter are parts that differ between the two faces.
        near = feet.distance <= np.quantile(feet.distance[met], 0.75)
        moved = align(canonical[central[near]], feet.points[near])
        if not np.isfinite(moved.scale):
            break
        before, points = points, moved.apply(canonical)
        if np.abs(points - before).max() < SETTLED_MM:
            return points
    else:
        return points
    raise FaceModelError("the face model has no surface where MediaPipe's face lies; give it an array landmarks_68")
