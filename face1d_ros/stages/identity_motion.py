"""The motion of one face: from landmarks to stretches that are over, as the encoder takes them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from face1d_ros.geometry.camera_model import Camera
from face1d_ros.geometry.motion_clip import FRAMES, POINTS, RATE_HZ, Stretch, encoder_input, rest_of
from face1d_ros.geometry.motion_grid import MotionGrid
from face1d_ros.geometry.motion_spotting import LAG, PARTS, MotionWatch
from face1d_ros.geometry.topology import to_68
from face1d_ros.stages.expression_input import FIELD_OF_VIEW_RAD, NO_POSE
from face1d_ros.stages.mesh_pose import OTHER_CAMERA, Floats, aligned, camera_for
from face1d_ros.stages.smoothing_input import each_confidence, refusal
from face1d_ros.types import FaceLandmarks, FaceLandmarksArray, FloatArray, TrackState

SHORTEST_S = 0.4
"""A blink and a twitch are shorter."""
WEAKEST_CM = 0.15
"""Root mean square distance of some part of the face from rest, at the motion's height."""
PREDICTED = "landmarks predicted, not seen"


@dataclass(frozen=True, eq=False)
class Posed:
    """One face in one frame."""

    points_cm: Floats
    """(68, 3) without the head's pose."""
    turn_rad: Floats
    """(3,) yaw, pitch, roll of the head."""


@dataclass(frozen=True, eq=False)
class Motion:
    """One motion that is over."""

    points: FloatArray
    """(FRAMES, 204) offsets from rest, cm."""
    mask: FloatArray
    """(FRAMES,)"""
    from_ns: int
    to_ns: int
    strength_cm: float
    """How far the part that moved most was from rest."""
    turned_rad: float
    """How far the head turned about any axis meanwhile."""
    first_ns: int = 0
    """Stamp of the first frame of `points`, which may lie before `from_ns`."""

    @property
    def seconds(self) -> float:
        """How long it lasted."""
        return (self.to_ns - self.from_ns) * 1e-9

    @property
    def is_short(self) -> bool:
        """Too short to tell people apart."""
        return self.seconds < SHORTEST_S

    @property
    def is_weak(self) -> bool:
        """Too weak for it."""
        return not self.strength_cm >= WEAKEST_CM

    @property
    def is_cut(self) -> bool:
        """Whether it went on for longer than the encoder takes."""
        return round(self.seconds * RATE_HZ) + 1 >= FRAMES - LAG


class MotionReader:
    """Faces of a frame without their pose."""

    def __init__(self) -> None:
        self.camera: Camera | None = None

    def read(self, frame: FaceLandmarksArray, face: FaceLandmarks) -> Posed | str:
        """What is known of a face, or why it is nothing."""
        if reason := refusal(face):
            return reason
        if face.state is TrackState.BRIDGED:
            return PREDICTED
        camera = camera_for(frame, self.camera, FIELD_OF_VIEW_RAD)
        _, found = aligned(face.points, each_confidence(face), camera)
        points_cm = to_68(found.points_cm)
        return Posed(points_cm, found.turn_rad) if np.isfinite(points_cm).all() else NO_POSE

    def remark(self, frame: FaceLandmarksArray) -> str:
        """A camera that is known, but not that of these images: another one is assumed."""
        known = self.camera
        return OTHER_CAMERA if known is not None and camera_for(frame, known, FIELD_OF_VIEW_RAD) is not known else ""


class FaceWatch:
    """One face, from the moment at which somebody asks for it."""

    def __init__(self) -> None:
        self._begin_anew()

    @property
    def is_moving(self) -> bool:
        """Whether a motion has begun and is not over."""
        return self._watch.is_moving

    def update(self, face: Posed, stamp_ns: int) -> Motion | None:
        """The motion that is over with this frame. A gap that is too long makes it forget what was before."""
        if not self._grid.reaches(stamp_ns):
            self._begin_anew()
        if not self._watch.is_moving:
            self._turns.clear()
        self._turns.append(face.turn_rad)
        found = None
        for points_cm in self._grid.update(face.points_cm, stamp_ns):
            self._seen += 1
            stretch = self._watch.update(points_cm)
            found = found if stretch is None else self._motion(stretch)
        return found

    def _begin_anew(self) -> None:
        self._grid, self._watch = MotionGrid(), MotionWatch()
        self._seen = self._rested_from = 0
        self._turns: list[Floats] = []

    def _motion(self, stretch: Stretch) -> Motion:
        """Beside rest as it was since the motion before."""
        kept, there = self._watch.frames(stretch)
        since = max(self._rested_from - (self._seen - len(kept)), 0)
        grid, there = kept[since:], Stretch(max(there.begin - since, 0), there.end - since)
        points, mask = encoder_input(grid, rest_of(grid, there), there)
        first_ns = self._grid.stamp_ns(self._seen - len(grid) + there.around(len(grid)).begin)
        self._rested_from = stretch.end
        last = min(stretch.end, stretch.begin + FRAMES) - 1
        from_ns, to_ns = (self._grid.stamp_ns(index) for index in (stretch.begin, last))
        turned_rad = float(np.ptp(self._turns, axis=0).max())
        return Motion(points, mask, from_ns, to_ns, _strength_cm(points), turned_rad, first_ns)


def _strength_cm(points: FloatArray) -> float:
    squares = (points.reshape(-1, POINTS, 3).astype(np.float64) ** 2).sum(axis=2)
    return math.sqrt(max(float(squares[:, first:end].mean(axis=1).max()) for first, end in PARTS))
