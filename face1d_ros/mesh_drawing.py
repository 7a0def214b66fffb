"""Expression coefficients as bars, the left ones to one side and the right ones to the other."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from face1d_ros.drawing import COLOURS
from face1d_ros.types import FaceMeshArray

LINE_PX, BAR_PX, NAME_PX, EDGE_PX = 13, 110, 130, 6
FACE_PX = 2 * BAR_PX + NAME_PX + 2 * EDGE_PX
LEFT, RIGHT = "_L", "_R"
PAPER, TEXT = 24, (220, 220, 220)


def draw_bars(result: FaceMeshArray) -> NDArray[np.uint8]:
    """(height, width, 3) RGB: for each face a column; the person's left is on the right, as one sees a face."""
    rows = _rows(result.expression_names)
    height = 2 * EDGE_PX + LINE_PX * (len(rows) + 1)
    canvas = np.full((height, FACE_PX * max(len(result.faces), 1), 3), PAPER, np.uint8)
    for number, face in enumerate(result.faces):
        x, colour = number * FACE_PX + EDGE_PX, COLOURS[face.track_id % len(COLOURS)]
        _write(canvas, f"face {face.track_id}", x + BAR_PX, EDGE_PX + LINE_PX - 3, colour)
        if len(face.expression) != len(result.expression_names):
            continue
        for row, (name, sides) in enumerate(rows.items(), 1):
            y = EDGE_PX + row * LINE_PX
            _write(canvas, name, x + BAR_PX, y + LINE_PX - 3, TEXT)
            values = [face.expression[side] for side in sides]
            _bar(canvas, x + BAR_PX, y, -float(values[-1]), colour)
            _bar(canvas, x + BAR_PX + NAME_PX, y, float(values[0]), colour)
    return canvas


def _rows(names: tuple[str, ...]) -> dict[str, tuple[int, ...]]:
    """Names without side, and which coefficients they are: left and right, or the one that both are."""
    place = {name: index for index, name in enumerate(names)}
    rows: dict[str, tuple[int, ...]] = {}
    for name in names:
        stem = name.removesuffix(LEFT).removesuffix(RIGHT)
        pair = tuple(place[stem + side] for side in (LEFT, RIGHT) if stem + side in place)
        rows[stem] = pair or (place[name],)
    return rows


def _bar(canvas: NDArray[np.uint8], x: int, y: int, value: float, colour: tuple[int, int, int]) -> None:
    if np.isfinite(value):
        end = x + round(float(np.clip(value, -1.0, 1.0)) * BAR_PX)
        canvas[y + 2 : y + LINE_PX - 2, min(x, end) : max(x, end)] = colour


def _write(canvas: NDArray[np.uint8], text: str, x: int, y: int, colour: tuple[int, int, int]) -> None:
    cv2.putText(canvas, text, (x + 3, y), cv2.FONT_HERSHEY_SIMPLEX, 0.36, colour, 1, cv2.LINE_AA)
