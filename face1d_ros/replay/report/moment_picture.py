"""A small picture of a frame with its faces drawn onto it."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from face1d_ros.drawing import draw_faces
from face1d_ros.types import FaceLandmarksArray

LONGEST_PX = 480
QUALITY = 82
GROUND = (31, 38, 42)
"""RGB of plain ground, dark enough for all colours of faces."""
ASSUMED_PX = (640, 480)
MOST_PX = 1 << 14


def picture(image: NDArray[np.uint8], landmarks: FaceLandmarksArray | None) -> bytes:
    """A JPEG whose longer side is at most `LONGEST_PX`; of (height, width, 3) RGB. Empty if nothing can be drawn.

    Large images are thinned before they are made smaller: a tenth of the time that it takes to average all pixels.
    """
    height, width = image.shape[:2]
    if not height or not width:
        return b""
    scale = min(1.0, LONGEST_PX / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    stride = int(1.0 / scale)
    coarse = np.ascontiguousarray(image[::stride, ::stride])
    small = cv2.resize(coarse, size, interpolation=cv2.INTER_LINEAR) if scale < 1.0 else coarse
    drawn = draw_faces(small, _scaled(landmarks, scale)) if landmarks is not None else small
    done, jpeg = cv2.imencode(".jpg", drawn[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return jpeg.tobytes() if done else b""


def plain_ground(landmarks: FaceLandmarksArray | None) -> NDArray[np.uint8]:
    """(height, width, 3) RGB of one colour, as large as the image that the landmarks are of; takes no memory."""
    width, height = (landmarks.image_width, landmarks.image_height) if landmarks is not None else ASSUMED_PX
    if not 0 < width <= MOST_PX or not 0 < height <= MOST_PX:
        width, height = ASSUMED_PX
    return np.broadcast_to(np.array(GROUND, np.uint8), (height, width, 3))


def _scaled(landmarks: FaceLandmarksArray, scale: float) -> FaceLandmarksArray:
    """Pixel centres stay pixel centres."""
    shift = np.float32((scale - 1.0) / 2.0)
    faces = tuple(
        replace(face, points=face.points * np.float32(scale) + shift, box=face.box * np.float32(scale))
        for face in landmarks.faces
    )
    return replace(landmarks, faces=faces)
