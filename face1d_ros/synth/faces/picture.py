"""Pictures of a face model with landmarks laid on it, for a person to judge."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import RecordingError
from face1d_ros.geometry.canonical import vertex_normals
from face1d_ros.geometry.topology import contours, edges
from face1d_ros.types import Topology

Image: TypeAlias = NDArray[np.uint8]
Points: TypeAlias = NDArray[np.floating[Any]]
SHIFT = 4
"""Fractional bits of the coordinates that OpenCV draws with."""
BACKGROUND = (24, 26, 30)
SKIN = np.array([196.0, 176.0, 164.0])
LIGHT = np.array([0.35, -0.45, -0.82])
"""Direction towards the light, in the picture's axes: from the viewer's upper right."""
AMBIENT = 0.32
MESH_LINE, CONTOUR, DOT = (70, 150, 170), (255, 210, 70), (255, 250, 240)
MODEL_DOT, TEXT = (235, 70, 90), (235, 235, 235)
SUPERSAMPLING = 2
MARGIN = 0.06
VISIBLE = -0.05
"""A point is seen if its normal's z in the picture is below this."""


@dataclass(frozen=True)
class View:
    """From where, and how large: the same scale for all faces drawn with it."""

    yaw_rad: float
    size_px: tuple[int, int]
    """Width and height."""
    px_per_mm: float
    middle_mm: tuple[float, float]
    """What is in the middle of the picture, after turning."""

    def turned(self, points: Points) -> NDArray[np.float64]:
        """(N, 3) in the picture's axes, mm."""
        sine, cosine = np.sin(self.yaw_rad), np.cos(self.yaw_rad)
        rotation = np.array([[cosine, 0.0, sine], [0.0, 1.0, 0.0], [-sine, 0.0, cosine]])
        result: NDArray[np.float64] = points.astype(np.float64) @ rotation.T
        return result

    def pixels(self, turned: Points) -> NDArray[np.float64]:
        """(N, 2) from points that are turned already."""
        size = np.array(self.size_px, float)
        result: NDArray[np.float64] = (turned[:, :2] - self.middle_mm) * self.px_per_mm + (size - 1.0) / 2.0
        return result


def view_of(points: Points, yaw_rad: float, height_px: int) -> View:
    """A view that shows all of the points (V, 3)."""
    turned = View(yaw_rad, (1, 1), 1.0, (0.0, 0.0)).turned(points)
    least, most = turned[:, :2].min(axis=0), turned[:, :2].max(axis=0)
    scale = height_px * (1.0 - 2.0 * MARGIN) / (most[1] - least[1])
    width = round((most[0] - least[0]) * scale + 2.0 * MARGIN * height_px)
    middle = (least + most) / 2.0
    return View(yaw_rad, (width, height_px), float(scale), (float(middle[0]), float(middle[1])))


def shaded(vertices: Points, triangles: NDArray[np.intp], view: View, skin: Points = SKIN) -> Image:
    """(height, width, 3) RGB: the surface, far triangles first; skin (3,), or (V, 3) of each vertex, RGB to 255."""
    turned = view.turned(vertices)
    normals = vertex_normals(turned, triangles)
    light = AMBIENT + (1.0 - AMBIENT) * np.clip(normals @ (LIGHT / np.linalg.norm(LIGHT)), 0.0, 1.0)
    a, b, c = (turned[triangles[:, corner]] for corner in range(3))
    front = np.flatnonzero(np.cross(b - a, c - a)[:, 2] < 0.0)
    order = front[np.argsort(-turned[triangles[front], 2].mean(axis=1))]
    width, height = (SUPERSAMPLING * size for size in view.size_px)
    canvas = np.full((height, width, 3), BACKGROUND, np.uint8)
    corners = np.round(SUPERSAMPLING * (view.pixels(turned) + 0.5) * (1 << SHIFT)).astype(np.int32)
    own = np.broadcast_to(skin, vertices.shape)[triangles].mean(axis=1)
    colours = np.clip(light[triangles].mean(axis=1)[:, None] * own, 0.0, 255.0)
    for row in order:
        cv2.fillConvexPoly(canvas, corners[triangles[row]], colours[row].tolist(), cv2.LINE_8, SHIFT)
    smaller: Image = cv2.resize(canvas, view.size_px, interpolation=cv2.INTER_AREA)
    return smaller


def draw_mesh(canvas: Image, points: Points, view: View, normals: Points, topology: Topology) -> None:
    """Lines and points of landmarks (N, 3) whose normals (N, 3) look at the viewer."""
    turned = view.turned(points)
    fixed = _fixed(view.pixels(turned))
    seen = view.turned(normals)[:, 2] < VISIBLE
    if topology is not Topology.FACE_68:
        _lines(canvas, fixed, seen, edges(topology), MESH_LINE)
    _lines(canvas, fixed, seen, contours(topology), CONTOUR)
    for point in fixed[seen]:
        cv2.circle(canvas, point.tolist(), 1 << SHIFT, DOT, -1, cv2.LINE_AA, SHIFT)


def draw_dots(canvas: Image, points: Points, view: View) -> None:
    """Rings around points (N, 3), seen or not."""
    for point in _fixed(view.pixels(view.turned(points))):
        cv2.circle(canvas, point.tolist(), 3 << SHIFT, MODEL_DOT, 1, cv2.LINE_AA, SHIFT)


def write_text(canvas: Image, lines: Iterable[str], size: float = 0.42) -> None:
    """Lines of text in the upper left corner."""
    for row, line in enumerate(lines):
        place = (8, 16 + round(38 * size) * row)
        for colour, width in (((0, 0, 0), 3), (TEXT, 1)):
            cv2.putText(canvas, line, place, cv2.FONT_HERSHEY_SIMPLEX, size, colour, width, cv2.LINE_AA)


def sheet(rows: Sequence[Sequence[Image]]) -> Image:
    """Pictures in rows; those of a row are of the same height."""
    strips = [np.hstack(list(row)) for row in rows]
    width = max(strip.shape[1] for strip in strips)
    padded = [cv2.copyMakeBorder(s, 0, 0, 0, width - s.shape[1], cv2.BORDER_CONSTANT, value=BACKGROUND) for s in strips]
    return np.vstack(padded)


def _lines(
    canvas: Image, fixed: NDArray[np.int32], seen: NDArray[np.bool_], pairs: NDArray[np.intp], colour: tuple[int, ...]
) -> None:
    cv2.polylines(canvas, list(fixed[pairs[seen[pairs].all(axis=1)]]), False, colour, 1, cv2.LINE_AA, SHIFT)


def _fixed(pixels: NDArray[np.float64]) -> NDArray[np.int32]:
    return np.round(pixels * (1 << SHIFT)).astype(np.int32)


def write_picture(path: Path, image: Image) -> None:
    """Write RGB as the kind of file that its name says."""
    try:
        written = cv2.imwrite(str(path), cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 82])
    except cv2.error as error:
        raise RecordingError(f"cannot write picture {path}: name a .jpg or .png file") from error
    if not written:
        raise RecordingError(f"cannot write picture {path}")
