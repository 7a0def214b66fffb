"""MediaPipe's canonical face laid on the mean face of a 3D model: which of its points is where on that surface.

Similarity from the landmarks that the model tells, then the canonical mesh is pulled to curves of the face (lids, lips,
nose, matched by arc length) and to the closest points of the surface, while the Laplacian of its displacements over the
mesh stays small; stiff at first, then softer (as in Amberg et al., "Optimal Step Nonrigid ICP Algorithms for Surface
Registration", CVPR 2007, with a Laplacian in place of local affine maps). Last, every point is put on the surface,
those of lids and inner lips onto edges, the others to the closest point. Brows and jaw follow the shape alone: the 68
points have them at other places than MediaPipe.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import FaceModelError
from face1d_ros.geometry import tables
from face1d_ros.geometry.canonical import canonical_face, vertex_normals
from face1d_ros.geometry.topology import edges, triangles
from face1d_ros.synth.faces.alignment import first_alignment
from face1d_ros.synth.faces.anchors import Anchors
from face1d_ros.synth.faces.curves import Pins, iris_anchors, landmark_pins
from face1d_ros.synth.faces.model_arrays import UNKNOWN, ModelArrays
from face1d_ros.synth.faces.surface import Floats, Indices, Surface
from face1d_ros.types import Topology

MESH = int(Topology.MESH_468)
STIFFNESS = (*np.geomspace(300.0, 3.0, 12), *(3.0,) * 4)
"""Weight of the smoothness, one solution each."""
SURFACE_WEIGHT = 1.0
FARTHEST_MM = 12.0
"""Closest points farther off than this do not pull: there is no surface, as at the ears of a narrow face model."""
LEAST_COSINE = 0.5
"""Of the angle between a point's normal and the surface's, for both to be the same part of a face."""
WORST_MEAN_MM = 3.0
"""A registration with larger distances to the surface has failed; good ones reach a tenth of it."""
MIRROR = np.array([-1.0, 1.0, 1.0])


@dataclass(frozen=True, eq=False)
class Registration:
    """Where the canonical points came to lie."""

    anchors: Anchors
    """The 478 points on the model."""
    before_mm: Floats
    """(468, 3) the deformed canonical face before its points were put on the surface."""
    placed_mm: Floats
    """(478, 3) the anchors' places on the mean face."""
    surface_mm: Floats
    """(468,) how far each point lay off the surface before."""
    landmarks_mm: Floats
    """(M,) how far the landmarks that the model tells lie from the points that MediaPipe has for them."""
    symmetry_mm: Floats
    """(478,) how far each point is from the mirror image of its partner."""


def register(model: ModelArrays) -> Registration:
    """Lay the canonical face on the model's mean face."""
    surface = Surface(model.mean_mm.astype(np.float64), model.triangles).largest_part()
    canonical = canonical_face().points_cm[:MESH]
    start = first_alignment(surface, model.landmarks_68)
    pins = landmark_pins(surface, canonical, model.landmarks_68)
    symmetric = surface.partner is not None
    before = deform(start, surface, pins, symmetric)
    mesh, off_mm = _settled(before, surface, pins)
    if off_mm.mean() > WORST_MEAN_MM:
        raise FaceModelError(
            f"MediaPipe's face lies {off_mm.mean():.3g} mm off the face model on average, expected less than"
            f" {WORST_MEAN_MM:g} mm; check its axes and its array landmarks_68 (docs/face_models.md)"
        )
    if symmetric:
        mesh = _symmetric(mesh, surface)
    irises = iris_anchors(mesh, surface)
    anchors = Anchors(np.concatenate([mesh.vertices, irises.vertices]), np.concatenate([mesh.weights, irises.weights]))
    placed = anchors.on(surface.points)
    known = np.flatnonzero(model.landmarks_68 != UNKNOWN)
    theirs = surface.points[model.landmarks_68[known]]
    ours = placed[np.array(tables.MESH_TO_68)[known]]
    mirrored = placed[canonical_face().partner] * MIRROR
    return Registration(
        anchors,
        before,
        placed,
        off_mm,
        np.linalg.norm(ours - theirs, axis=1),
        np.linalg.norm(mirrored - placed, axis=1),
    )


def deform(start: Floats, surface: Surface, pins: Pins, symmetric: bool) -> Floats:
    """(468, 3) the aligned canonical points, pulled to the pins and onto the surface."""
    smooth = _smoothness()
    targets = pins.anchors.on(surface.points)
    points = start
    partner = canonical_face().partner[:MESH]
    for stiffness in STIFFNESS:
        normals = vertex_normals(points, triangles(Topology.MESH_468))
        feet = surface.feet(points, normals, LEAST_COSINE)
        pull = np.where(feet.distance < FARTHEST_MM, SURFACE_WEIGHT, 0.0)
        pull[pins.points] = 0.0
        weights, wanted = pull.copy(), np.where(pull[:, None] > 0.0, feet.points, 0.0)
        weights[pins.points], wanted[pins.points] = pins.weights, targets
        system = np.diag(weights) + stiffness * smooth
        points = start + np.linalg.solve(system, weights[:, None] * (wanted - start))
        if symmetric:
            points = 0.5 * (points + points[partner] * MIRROR)
    return points


def _smoothness() -> Floats:
    """(468, 468) LᵀL of the mesh's Laplacian, neighbours weighed alike."""
    pairs = edges(Topology.MESH_468)
    neighbours = np.zeros((MESH, MESH))
    neighbours[pairs[:, 0], pairs[:, 1]] = neighbours[pairs[:, 1], pairs[:, 0]] = 1.0
    laplacian = np.eye(MESH) - neighbours / neighbours.sum(axis=1, keepdims=True)
    product: Floats = laplacian.T @ laplacian
    return product


def _settled(points: Floats, surface: Surface, pins: Pins) -> tuple[Anchors, Floats]:
    """The points put on the surface, and how far they were off it."""
    feet = surface.feet(points, vertex_normals(points, triangles(Topology.MESH_468)), LEAST_COSINE)
    lost = ~np.isfinite(feet.distance)
    if lost.any():
        anywhere = surface.feet(points[lost], np.zeros((int(lost.sum()), 3)), -1.0)
        feet.anchors.vertices[lost], feet.anchors.weights[lost] = anywhere.anchors.vertices, anywhere.anchors.weights
        feet.distance[lost] = anywhere.distance
    vertices, weights, distance = feet.anchors.vertices.copy(), feet.anchors.weights.copy(), feet.distance.copy()
    kept = pins.points[pins.on_edge]
    vertices[kept], weights[kept] = pins.anchors.vertices[pins.on_edge], pins.anchors.weights[pins.on_edge]
    distance[kept] = np.linalg.norm(points[kept] - pins.anchors.take(pins.on_edge).on(surface.points), axis=1)
    return Anchors(vertices, weights), distance


def _symmetric(mesh: Anchors, surface: Surface) -> Anchors:
    """The left side is the mirror image of the right; midline points lie between mirrored vertices."""
    partner, mirror = canonical_face().partner[:MESH], surface.partner
    assert mirror is not None
    own = np.arange(MESH)
    right = canonical_face().points_cm[:MESH, 0] < 0.0
    vertices, weights = mesh.vertices.copy(), mesh.weights.copy()
    left = partner[own[right]]
    vertices[left], weights[left] = mirror[mesh.vertices[right]], mesh.weights[right]
    middle = own[partner == own]
    vertices[middle], weights[middle] = _between(mesh.take(middle), surface, mirror)
    return Anchors(vertices, weights)


def _between(mesh: Anchors, surface: Surface, mirror: Indices) -> tuple[Indices, NDArray[np.float32]]:
    """Anchors of midline points on the nearest edge in the mirror plane."""
    vertices, weights = mesh.vertices.copy(), mesh.weights.copy()
    plane = np.flatnonzero(mirror == np.arange(len(mirror)))
    pairs = np.concatenate([surface.triangles[:, ends] for ends in ([0, 1], [1, 2], [2, 0])])
    pairs = np.unique(np.sort(pairs[np.isin(pairs, plane).all(axis=1)], axis=1), axis=0)
    if len(pairs) == 0:
        return vertices, weights
    start, end = surface.points[pairs[:, 0]], surface.points[pairs[:, 1]]
    for row, point in enumerate(mesh.on(surface.points)):
        side = end - start
        share = np.clip(((point - start) * side).sum(axis=1) / (side * side).sum(axis=1), 0.0, 1.0)
        best = np.linalg.norm(start + share[:, None] * side - point, axis=1).argmin()
        vertices[row] = [pairs[best, 0], pairs[best, 1], pairs[best, 0]]
        weights[row] = [1.0 - share[best], share[best], 0.0]
    return vertices, weights
