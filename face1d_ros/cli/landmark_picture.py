"""The picture of the topologies: the portrait at rest, with the 68 points and the mesh they are taken from."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from face1d_ros.config import LandmarksConfig
from face1d_ros.detect.detector import make_detector
from face1d_ros.errors import RecordingError
from face1d_ros.geometry.topology import contours, edges, region, region_names, to_68
from face1d_ros.sources.portrait import AnimatedPortrait
from face1d_ros.sources.portrait_motion import STILL
from face1d_ros.types import Topology

SIDE_PX = 720
JPEG_QUALITY = 78
LINE, DOT, TEXT = (120, 200, 255), (255, 90, 60), (255, 255, 255)
REGION_COLOURS = (
    (150, 150, 160), (255, 176, 59), (64, 224, 208), (240, 98, 146), (100, 160, 255),
    (140, 200, 75), (255, 235, 59), (186, 120, 255), (255, 110, 90), (200, 220, 240),
)  # fmt: skip
"""RGB, in the order of the regions' names."""
SHIFT = 4
"""Fractional bits of the coordinates that OpenCV draws with."""
Image = NDArray[np.uint8]
Points = NDArray[np.float32]


def write_landmark_picture(path: Path) -> None:
    """Left: the 68 points with their numbers from 0. Right: the mesh, each point in its region's colour."""
    (frame,) = AnimatedPortrait(width=SIDE_PX, height=SIDE_PX, face_height=0.8, motion=STILL, length=1).frames()
    detector = make_detector(LandmarksConfig(max_faces=1))
    try:
        (face,) = detector.detect(frame.image)
    finally:
        detector.close()
    dimmed = np.asarray(frame.image * 0.55, np.uint8)
    points = face.points[:, :2]
    sheet = np.hstack([_numbered(dimmed.copy(), to_68(points)), _regions(dimmed.copy(), points)])
    written = cv2.imwrite(str(path), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not written:
        raise RecordingError(f"cannot write {path}")


def _numbered(canvas: Image, points: Points) -> Image:
    _lines(canvas, points, contours(Topology.FACE_68), LINE)
    middle = points.mean(axis=0)
    for index, (point, fixed) in enumerate(zip(points, _fixed(points), strict=True)):
        cv2.circle(canvas, fixed.tolist(), 3 << SHIFT, DOT, -1, cv2.LINE_AA, SHIFT)
        # Numbers stand on the outer side of their point, where fewer lines are.
        right, below = point[0] > middle[0], point[1] > middle[1]
        origin = (int(point[0]) + (5 if right else -19), int(point[1]) + (13 if below else -5))
        for colour, width in (((0, 0, 0), 3), (TEXT, 1)):
            cv2.putText(canvas, str(index), origin, cv2.FONT_HERSHEY_SIMPLEX, 0.38, colour, width, cv2.LINE_AA)
    return canvas


def _regions(canvas: Image, points: Points) -> Image:
    _lines(canvas, points, edges(Topology.MESH_478), (90, 100, 110))
    fixed = _fixed(points)
    for row, (name, colour) in enumerate(zip(region_names(), REGION_COLOURS, strict=True)):
        for index in region(name):
            cv2.circle(canvas, fixed[index].tolist(), 3 << SHIFT, colour, -1, cv2.LINE_AA, SHIFT)
        place = (14, 26 + 20 * row)
        cv2.putText(canvas, name, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 3, cv2.LINE_AA)
        cv2.putText(canvas, name, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, colour, 1, cv2.LINE_AA)
    return canvas


def _lines(canvas: Image, points: Points, lines: NDArray[np.intp], colour: tuple[int, ...]) -> None:
    cv2.polylines(canvas, list(_fixed(points)[lines]), False, colour, 1, cv2.LINE_AA, SHIFT)


def _fixed(points: Points) -> NDArray[np.int32]:
    return np.round(points * (1 << SHIFT)).astype(np.int32)
