"""Pictures with faces at known places, for the tests of `detect` and `stages`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.data import astronaut as load_astronaut

Image = NDArray[np.uint8]

CLIPS = Path(__file__).parents[3] / "shared/data/videos"
GREY = 90
FACE_AT, FACE_PX = (224.5, 123.5), 107.0
"""The middle of the astronaut's mesh and its height."""


def astronaut() -> Image:
    """(512, 512, 3): one face, 146 px from forehead to chin."""
    return np.ascontiguousarray(load_astronaut(), np.uint8)


def grey_with_faces(
    *faces: tuple[float, float, float], size: tuple[int, int] = (640, 480), reach: float = 1.2
) -> Image:
    """(height, width, 3), grey, with faces at (x, y) of that height in pixels, and of what is around them a share."""
    width, height = size
    image = np.full((height, width, 3), GREY, np.uint8)
    for x, y, face_px in faces:
        scale = face_px / FACE_PX
        photo = cv2.GaussianBlur(astronaut(), (0, 0), 0.4 / scale) if scale < 1.0 else astronaut()
        move = np.array([[scale, 0.0, x - scale * FACE_AT[0]], [0.0, scale, y - scale * FACE_AT[1]]])
        whole = cv2.warpAffine(photo, move, (width, height), flags=cv2.INTER_LINEAR, borderValue=(GREY, GREY, GREY))
        half = int(reach * face_px)
        rows, columns = slice(max(int(y) - half, 0), int(y) + half), slice(max(int(x) - half, 0), int(x) + half)
        image[rows, columns] = whole[rows, columns]
    return image


def tiled_faces(count: int) -> Image:
    """(480, 640 or 1280, 3) with faces in the first `count` of the tiles of 320×240, row by row."""
    columns = 2 if count <= 4 else 4
    tile = cv2.resize(astronaut()[20:260, 120:360], (320, 240), interpolation=cv2.INTER_AREA)
    image = np.full((480, 320 * columns, 3), GREY, np.uint8)
    for index in range(count):
        y, x = divmod(index, columns)
        image[240 * y : 240 * y + 240, 320 * x : 320 * x + 320] = tile
    return image


def clip(name: str) -> Iterator[tuple[int, Image]]:
    """Stamps in nanoseconds and RGB images of a video."""
    capture = cv2.VideoCapture(str(CLIPS / name))
    step_ns = 1e9 / capture.get(cv2.CAP_PROP_FPS)
    index = 0
    while True:
        more, image = capture.read()
        if not more:
            capture.release()
            return
        yield round(index * step_ns), image[..., ::-1]
        index += 1
