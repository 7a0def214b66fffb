"""Draws faces onto an image: mesh, contours, box and id."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from face1d_ros.geometry.topology import contours, edges
from face1d_ros.types import FaceLandmarks, FaceLandmarksArray, Topology, TrackState

SHIFT = 4
"""Fractional bits of the coordinates that OpenCV draws with: a sixteenth of a pixel."""
COLOURS = (
    (64, 224, 208),
    (255, 176, 59),
    (140, 200, 75),
    (240, 98, 146),
    (100, 160, 255),
    (255, 235, 59),
    (186, 120, 255),
    (255, 138, 101),
)
"""RGB, by track id."""
LARGEST_PX = float(1 << 15)


def draw_faces(image: NDArray[np.uint8], result: FaceLandmarksArray) -> NDArray[np.uint8]:
    """(height, width, 3) RGB: a copy of the image with every face drawn onto it."""
    canvas = np.array(image, np.uint8, order="C")
    for face in result.faces:
        _draw_face(canvas, face)
    return canvas


def _draw_face(canvas: NDArray[np.uint8], face: FaceLandmarks) -> None:
    colour = COLOURS[face.track_id % len(COLOURS)]
    faint = tuple(channel // 2 for channel in colour)
    points = face.points[:, :2]
    usable = np.isfinite(points).all(axis=1) & (np.abs(points) < LARGEST_PX).all(axis=1)
    fixed = np.zeros(points.shape, np.int32)
    fixed[usable] = np.round(points[usable] * (1 << SHIFT))
    if face.topology is not Topology.UNKNOWN:
        if face.topology is not Topology.FACE_68:
            _draw_lines(canvas, fixed, usable, edges(face.topology), faint)
        _draw_lines(canvas, fixed, usable, contours(face.topology), colour)
    if np.isfinite(face.box).all():
        _label(canvas, face, colour)


def _draw_lines(
    canvas: NDArray[np.uint8],
    fixed: NDArray[np.int32],
    usable: NDArray[np.bool_],
    lines: NDArray[np.intp],
    colour: tuple[int, ...],
) -> None:
    lines = lines[usable[lines].all(axis=1)]
    cv2.polylines(canvas, list(fixed[lines]), False, colour, 1, cv2.LINE_AA, SHIFT)


def _label(canvas: NDArray[np.uint8], face: FaceLandmarks, colour: tuple[int, ...]) -> None:
    left, top = (int(value) for value in np.clip(face.box[:2], 0.0, LARGEST_PX))
    text = f"{face.track_id}" if face.state is not TrackState.BRIDGED else f"({face.track_id})"
    origin = (left, max(14, top - 6))
    cv2.putText(canvas, text, origin, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 3, cv2.LINE_AA)
    cv2.putText(canvas, text, origin, cv2.FONT_HERSHEY_SIMPLEX, 0.5, colour, 1, cv2.LINE_AA)
