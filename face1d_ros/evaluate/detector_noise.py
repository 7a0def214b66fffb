"""The detector's errors under designed conditions: found minus true landmarks of the animated and the turned portrait.

As in `portrait_truth`, the place of a landmark in the photo is where the detector finds it in the photo at rest, on
average over many small shifts and zooms, and its truth is that place moved by the known motion; its depth is the mean
of what the detector gives there. So a track of errors holds all that motion, expression and the camera do to the
detector, but not how far its landmarks lie beside a face's own; the mirror test estimates that part.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from face1d_ros.config import LandmarksConfig
from face1d_ros.detect.detector import Detector, make_detector
from face1d_ros.errors import InvalidValueError
from face1d_ros.evaluate.portrait_truth import REST_FRAMES, REST_MOTION
from face1d_ros.evaluate.turned_portrait import TurnedPortrait
from face1d_ros.geometry.topology import triangles
from face1d_ros.sources.portrait import AnimatedPortrait
from face1d_ros.sources.portrait_imaging import PortraitImaging
from face1d_ros.sources.portrait_motion import PortraitMotion
from face1d_ros.types import Topology

Floats = NDArray[np.float64]
Image = NDArray[np.uint8]
POINTS = int(Topology.MESH_478)
FACE_PX = 224.0
"""Size of the face (larger side of its landmark box) unless a condition says otherwise."""
SIZE_PER_HEIGHT = 1.045
"""The landmark box's larger side over the portrait's height from fringe to chin."""
FRAME_PX = ((320, 240), (640, 480), (1280, 960))
ROOM = 1.45
"""A frame is at least that many faces high."""
COVER_MARGIN = 0.03
"""Of the face's size, that a cover reaches beyond the landmarks it hides."""


@dataclass(frozen=True)
class Condition:
    """One way to look at the portrait."""

    name: str
    size_px: float = FACE_PX
    imaging: PortraitImaging = field(default_factory=PortraitImaging)
    motion: PortraitMotion | None = None
    """None: the demo's motion."""
    frames: int = 300
    rate_hz: float = 30.0
    cover: tuple[int, ...] = ()
    """Landmarks that are hidden, with the skin between them."""
    cover_grey: int = 128
    turn: str = ""
    """yaw or pitch: the photo turned in space to and fro, instead of the motion."""
    turn_rad: float = 0.0
    values: dict[str, float] = field(default_factory=dict)
    """What is varied, for tables."""


@dataclass(frozen=True, eq=False)
class Track:
    """What was found in a condition."""

    condition: Condition
    found: Floats
    """(T, 478, 3) px, NaN where the face was not found."""
    true: Floats
    """(T, 478, 3) px."""
    roll_rad: Floats
    """(T,) of the face in the image, clockwise."""
    turn_rad: Floats
    """(T, 2) yaw and pitch beyond those of the photo."""
    presence: Floats
    """(T,) the detector's confidence, NaN where the face was not found."""

    @property
    def seen(self) -> NDArray[np.bool_]:
        """(T,) whether the face was found."""
        return np.isfinite(self.presence)

    @property
    def size_px(self) -> Floats:
        """(T,) larger side of the true landmarks' box."""
        return np.asarray(np.ptp(self.true[..., :2], axis=1).max(axis=1))

    def errors_percent(self) -> Floats:
        """(T, 478, 3) found minus true in percent of the size, x along the eyes; NaN where it was not found."""
        return in_face_axes(self.found - self.true, self.roll_rad, self.size_px)

    def errors_mean_px(self) -> Floats:
        """(T, 478, 3) px the mean error, as it lies in each frame."""
        cos, sin = np.cos(self.roll_rad)[:, None], np.sin(self.roll_rad)[:, None]
        mean = np.nanmean(self.errors_percent(), axis=0)
        x, y, z = (mean[None, :, axis] * (self.size_px / 100.0)[:, None] for axis in range(3))
        return np.stack([cos * x - sin * y, sin * x + cos * y, z], axis=-1)


def in_face_axes(errors_px: Floats, roll_rad: Floats, size_px: Floats) -> Floats:
    """(T, N, 3) px in the image's axes → percent of the size (T,) in axes that follow the roll (T,)."""
    cos, sin = np.cos(roll_rad)[:, None], np.sin(roll_rad)[:, None]
    x, y, z = np.moveaxis(errors_px * (100.0 / size_px)[:, None, None], -1, 0)
    return np.stack([cos * x + sin * y, cos * y - sin * x, z], axis=-1)


class NoiseJudge:
    """Measures condition by condition; close it at the end."""

    def __init__(self) -> None:
        self._detector: Detector = make_detector(LandmarksConfig(max_faces=1))
        self.model = self._detector.model
        self.places, self.depths_px = self._at_rest()

    def close(self) -> None:
        """Frees the detector."""
        self._detector.close()

    def track(self, condition: Condition) -> Track:
        """The landmarks found under a condition, with the true ones."""
        if condition.frames < 3:
            raise InvalidValueError("Condition.frames", condition.frames, "3 or more")
        self._detector.reset()
        found, true, rolls, turns, presence = [], [], [], [], []
        for image, points, roll, turn in self._frames(condition):
            faces = self._detector.detect(image)
            found.append(faces[0].points if faces else np.full((POINTS, 3), np.nan))
            presence.append(faces[0].confidence if faces else np.nan)
            true.append(points)
            rolls.append(roll)
            turns.append(turn)
        arrays = (np.asarray(values, np.float64) for values in (found, true, rolls, turns, presence))
        return Track(condition, *arrays)

    def detect(self, image: Image) -> Floats | None:
        """(478, 3) px in an image of a stream, None where there is no face."""
        faces = self._detector.detect(image)
        return faces[0].points.astype(np.float64) if faces else None

    def reset(self) -> None:
        """Begin another stream."""
        self._detector.reset()

    def _frames(self, condition: Condition) -> Iterator[tuple[Image, Floats, float, tuple[float, float]]]:
        frames = self._turned(condition) if condition.turn else self._moved(condition)
        for image, points, roll, turn in frames:
            if condition.cover:
                image = covered(image, points, condition.cover, condition.cover_grey)
            yield image, points, roll, turn

    def _moved(self, condition: Condition) -> Iterator[tuple[Image, Floats, float, tuple[float, float]]]:
        portrait = _portrait(condition)
        for frame, truth in portrait.frames_with_truth():
            points = truth.move(np.column_stack([self.places, self.depths_px]))
            roll = float(np.arctan2(truth.similarity[1, 0], truth.similarity[0, 0]))
            yield frame.image, points, roll, (0.0, 0.0)

    def _turned(self, condition: Condition) -> Iterator[tuple[Image, Floats, float, tuple[float, float]]]:
        places = np.column_stack([self.places, self.depths_px])
        portrait = TurnedPortrait(places, condition.size_px, condition.imaging)
        for index in range(condition.frames):
            # Swings through every angle up to the largest, five times as slow as a deliberate shake of the head.
            swing = np.sin(2.0 * np.pi * index / condition.frames * 2.0)
            angle = float(condition.turn_rad * swing)
            turn = (angle, 0.0) if condition.turn == "yaw" else (0.0, angle)
            image, points = portrait.frame(index, *turn, index / condition.rate_hz)
            yield image, points, 0.0, turn

    def _at_rest(self) -> tuple[Floats, Floats]:
        """(478, 2) where the landmarks lie in the photo, and (478,) how deep, in the photo's pixels."""
        places, depths = [], []
        portrait = _portrait(Condition("at rest", motion=REST_MOTION, frames=REST_FRAMES))
        for frame, truth in portrait.frames_with_truth():
            points = self.detect(frame.image)
            if points is not None:
                scale = np.hypot(*truth.similarity[:, 0])
                places.append(truth.trace_back(points[:, :2]))
                depths.append(points[:, 2] / scale)
        return np.mean(places, axis=0), np.mean(depths, axis=0)


def covered(image: Image, points: Floats, hidden: Sequence[int], grey: int) -> Image:
    """The image with some of the points (478, 3) and what lies between them under one grey with a coarse texture."""
    mesh = triangles(Topology.MESH_468)
    corners = points[mesh[np.isin(mesh, hidden).all(axis=1)], :2]
    mask = np.zeros(image.shape[:2], np.uint8)
    for triangle in np.rint(corners).astype(np.int32):
        cv2.fillConvexPoly(mask, triangle, 255)
    reach = 2 * round(COVER_MARGIN * float(np.ptp(points[:, :2], axis=0).max())) + 1
    mask = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    texture = np.random.default_rng(grey).integers(-12, 13, (16, 16)).astype(np.float32)
    height, width = image.shape[:2]
    texture = cv2.resize(texture, (width, height), interpolation=cv2.INTER_CUBIC)
    paint = np.clip(grey + texture, 0, 255).astype(np.uint8)
    return np.where(mask[..., None] > 0, paint[..., None], image)


def _portrait(condition: Condition) -> AnimatedPortrait:
    width, height = frame_size(condition.size_px)
    return AnimatedPortrait(
        width=width,
        height=height,
        rate_hz=condition.rate_hz,
        length=condition.frames,
        motion=condition.motion,
        imaging=condition.imaging,
        face_height=condition.size_px / SIZE_PER_HEIGHT / height,
    )


def frame_size(size_px: float) -> tuple[int, int]:
    """The smallest frame that leaves room around such a face."""
    for width, height in FRAME_PX:
        if height >= ROOM * size_px:
            return width, height
    raise InvalidValueError("size_px", size_px, f"a face of at most {FRAME_PX[-1][1] / ROOM:.0f} px")
