"""A contact sheet of a face model: neutral, some people, some expressions, each with MediaPipe's points."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from face1d_ros.geometry.canonical import vertex_normals
from face1d_ros.geometry.topology import triangles
from face1d_ros.synth.faces.model import FaceModel
from face1d_ros.synth.faces.picture import Image, View, draw_mesh, shaded, sheet, view_of, write_text
from face1d_ros.synth.faces.point_model import PointModel, point_model
from face1d_ros.types import Topology

HEIGHT_PX = 330
COLUMNS = 5
ROOM_MM = 12.0
"""Around the mean face, for people with larger ones and open mouths."""
SPREAD = 1.0
"""Standard deviations of the people's coefficients."""
EXPRESSIONS: Mapping[str, Mapping[str, float]] = {
    "jawOpen": {"jawOpen": 1.0},
    "mouthSmile": {"mouthSmile_L": 1.0, "mouthSmile_R": 1.0},
    "mouthPucker": {"mouthPucker": 1.0},
    "browInnerUp": {"browInnerUp_L": 1.0, "browInnerUp_R": 1.0},
    "browDown, noseSneer": {"browDown_L": 1.0, "browDown_R": 1.0, "noseSneer_L": 1.0, "noseSneer_R": 1.0},
    "eyeBlink_L": {"eyeBlink_L": 1.0},
    "eyeBlink, half": {"eyeBlink_L": 0.5, "eyeBlink_R": 0.5},
    "eyeWide": {"eyeWide_L": 1.0, "eyeWide_R": 1.0},
    "eyeLook right": {"eyeLookOut_R": 0.7, "eyeLookIn_L": 0.7},
    "eyeLook down": {"eyeLookDown_R": 0.7, "eyeLookDown_L": 0.7},
}
"""Names shown, and the coefficients. The names of the model itself where it has none of these."""


def model_sheet(model: FaceModel, seed: int, people: int, advance: Callable[[], None] = lambda: None) -> Image:
    """The first row: neutral and people drawn with the seed; then expressions."""
    points = point_model(model)
    random = np.random.default_rng(seed)
    nobody, still = np.zeros(len(model.identity_mm), np.float32), np.zeros(len(model.expression_mm), np.float32)
    cases = [("neutral", nobody, still)]
    for number in range(1, people + 1):
        person = SPREAD * random.standard_normal(len(nobody), np.float32)
        cases.append((f"person {number}, seed {seed}", person, still))
    cases += [(name, nobody, weights) for name, weights in _expressions(model)]
    low = model.mean_mm + np.array([0.0, ROOM_MM, 0.0], np.float32)
    high = model.mean_mm - np.array([0.0, ROOM_MM, 0.0], np.float32)
    view = view_of(np.concatenate([low, high]), 0.0, HEIGHT_PX)
    tiles = []
    for name, person, weights in cases:
        tiles.append(_tile(model, points, view, person, weights))
        write_text(tiles[-1], [name])
        advance()
    return sheet([tiles[row : row + COLUMNS] for row in range(0, len(tiles), COLUMNS)])


def count_tiles(model: FaceModel, people: int) -> int:
    """How many faces a sheet has."""
    return 1 + people + len(_expressions(model))


def _expressions(model: FaceModel) -> list[tuple[str, NDArray[np.float32]]]:
    """Names to show and coefficients: the known expressions, or the first components."""
    found = []
    for name, parts in EXPRESSIONS.items():
        if set(parts) <= set(model.expression_names):
            weights = np.zeros(len(model.expression_mm), np.float32)
            for part, value in parts.items():
                weights[model.expression_index(part)] = value
            found.append((name, weights))
    if found:
        return found
    count = min(len(EXPRESSIONS), len(model.expression_mm))
    names = model.expression_names or tuple(f"component {row}" for row in range(1, count + 1))
    return list(zip(names, np.eye(count, len(model.expression_mm), dtype=np.float32), strict=False))


def _tile(
    model: FaceModel, points: PointModel, view: View, person: NDArray[np.float32], weights: NDArray[np.float32]
) -> Image:
    moved = np.tensordot(person, model.identity_mm, 1) + np.tensordot(weights, model.expression_mm, 1)
    vertices = model.mean_mm + moved
    rest = model.mean_mm + np.tensordot(person, model.identity_mm, 1)
    corners = model.landmarks_478.take([33, 263])
    shape = points.shape(person, weights[None])[0]
    canvas = shaded(vertices - corners.on(rest).mean(axis=0), model.triangles, view)
    draw_mesh(canvas, shape, view, vertex_normals(shape, triangles(Topology.MESH_478)), Topology.MESH_478)
    return canvas
