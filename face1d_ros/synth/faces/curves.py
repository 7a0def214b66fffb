"""Where lines of the face lie on a 3D model whose 68 landmarks are known, and which canonical points belong there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face1d_ros.geometry import tables
from face1d_ros.geometry.canonical import canonical_face
from face1d_ros.synth.faces.anchors import Anchors, on_vertices
from face1d_ros.synth.faces.model_arrays import UNKNOWN
from face1d_ros.synth.faces.surface import Floats, Indices, Surface, along


@dataclass(frozen=True)
class Segment:
    """Canonical points from one stop to the next, and the landmarks on the same line from stop to stop."""

    points: tuple[int, ...]
    landmarks: tuple[int, ...]
    weight: float
    """Of the pull towards it."""
    on_edge: bool = False
    """Whether its points stay on this line: where a hole of the face begins, the closest point may be beyond."""


# The person's right side and the midline; the left side is added by mirror partners.
# fmt: off
RIGHT = (
    Segment((33, 246, 161, 160, 159, 158, 157, 173, 133), (36, 37, 38, 39), 30.0, True),
    Segment((33, 7, 163, 144, 145, 153, 154, 155, 133), (36, 41, 40, 39), 30.0, True),
    Segment((78, 191, 80, 81, 82, 13), (60, 61, 62), 30.0, True),
    Segment((78, 95, 88, 178, 87, 14), (60, 67, 66), 30.0, True),
    Segment((61, 185, 40, 39, 37), (48, 49, 50), 10.0),
    Segment((37, 0), (50, 51), 10.0),
    Segment((61, 146, 91, 181, 84, 17), (48, 59, 58, 57), 10.0),
    Segment((98, 97, 2), (31, 32, 33), 3.0),
)
MIDDLE = (Segment((168, 6, 197, 195, 5, 4), (27, 28, 29, 30), 3.0),)
SAME_PLACE = (30, 33, 36, 39, 42, 45, 48, 50, 51, 52, 54, 57, 60, 62, 64, 66)
"""Landmarks that mean the same place in both, for models that tell only some of them."""
SWAPPED_68 = {
    31: 35, 32: 34, 36: 45, 37: 44, 38: 43, 39: 42, 40: 47, 41: 46,
    48: 54, 49: 53, 50: 52, 59: 55, 58: 56, 60: 64, 61: 63, 67: 65,
}
"""Landmarks of the right side and their mirror partners."""
# fmt: on
SAME_PLACE_WEIGHT = 1.0
IRIS_SUPPORTS = (33, 133, 159)
"""Corners and upper lid of the right eye, which the irises are hung on."""


@dataclass(frozen=True, eq=False)
class Pins:
    """Canonical points with a place on the model. P of them."""

    points: Indices
    """(P,) canonical points."""
    anchors: Anchors
    weights: Floats
    """(P,)."""
    on_edge: NDArray[np.bool_]
    """(P,) whether the point stays exactly there."""


def landmark_pins(surface: Surface, canonical: Floats, landmarks_68: Indices) -> Pins:
    """The canonical points (468, 3) that lie on lines between known landmarks, spaced by arc length."""
    found: dict[int, tuple[Indices, NDArray[np.float32], float, bool]] = {}
    for segment in _segments():
        stops = landmarks_68[list(segment.landmarks)]
        if (stops == UNKNOWN).any():
            continue
        place = along(surface.way(stops.tolist()), surface.points, _fractions(canonical[list(segment.points)]))
        for row, point in enumerate(segment.points):
            if point not in found:
                found[point] = (place.vertices[row], place.weights[row], segment.weight, segment.on_edge)
    for landmark in SAME_PLACE:
        point, vertex = tables.MESH_TO_68[landmark], landmarks_68[landmark]
        if vertex != UNKNOWN and point not in found:
            place = on_vertices([vertex])
            found[point] = (place.vertices[0], place.weights[0], SAME_PLACE_WEIGHT, False)
    rows = [found[point] for point in sorted(found)]
    anchors = Anchors(
        np.array([row[0] for row in rows], np.intp).reshape(-1, 3),
        np.array([row[1] for row in rows], np.float32).reshape(-1, 3),
    )
    weights, on_edge = np.array([row[2] for row in rows], float), np.array([row[3] for row in rows], bool)
    return Pins(np.array(sorted(found), np.intp), anchors, weights, on_edge)


def iris_anchors(mesh: Anchors, surface: Surface) -> Anchors:
    """(10,) the irises in the plane of the lid margins, where the canonical face has them between its own."""
    face = canonical_face()
    ring = np.array(tables.MESH_RIGHT_CURVES["eye"])
    vertices, weights = [], []
    for points, irises, supports in (
        (ring, np.arange(468, 473), np.array(IRIS_SUPPORTS)),
        (face.partner[ring], np.arange(473, 478), face.partner[list(IRIS_SUPPORTS)]),
    ):
        placed = mesh.take(points).on(surface.points)
        affine, *_ = np.linalg.lstsq(_with_one(face.points_cm[points, :2]), placed, rcond=None)
        wanted = _with_one(face.points_cm[irises, :2]) @ affine
        hung = mesh.take(supports)
        corners = hung.vertices[np.arange(3), hung.weights.argmax(axis=1)]
        # In the plane of the three: two unknown weights, the third makes the sum 1.
        first, second, origin = surface.points[corners]
        shares, *_ = np.linalg.lstsq(
            np.stack([first - origin, second - origin], axis=1), (wanted - origin).T, rcond=None
        )
        weights.append(np.stack([*shares, 1.0 - shares.sum(axis=0)], axis=1))
        vertices.append(np.tile(corners, (len(irises), 1)))
    return Anchors(np.concatenate(vertices), np.concatenate(weights).astype(np.float32))


def _segments() -> list[Segment]:
    partner = canonical_face().partner
    left = [
        Segment(
            tuple(int(point) for point in partner[list(one.points)]),
            tuple(SWAPPED_68.get(landmark, landmark) for landmark in one.landmarks),
            one.weight,
            one.on_edge,
        )
        for one in RIGHT
    ]
    return [*RIGHT, *left, *MIDDLE]


def _fractions(line: Floats) -> Floats:
    """(M,) how far along a line of points (M, 3) each lies, from 0 to 1."""
    stations = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    fractions: Floats = stations / stations[-1]
    return fractions


def _with_one(plane: Floats) -> Floats:
    return np.concatenate([plane, np.ones((len(plane), 1))], axis=1)
