"""Clips of facial motion as motion encoders get them in use: behind the default smoothing stage, without head pose.

Nobody knows the camera. Letters: T frames of a camera, G frames of the grid of `geometry.motion_clip`, C clips.
"""

from __future__ import annotations

from collections.abc import Sequence as Many
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from face1d_ros.config import SmoothingConfig
from face1d_ros.evaluate.smoothing_tracks import NS, Track, smooth, synthetic_track
from face1d_ros.geometry.camera_model import assumed_camera
from face1d_ros.geometry.mesh_alignment import align_to_canonical, unprojected
from face1d_ros.geometry.motion_clip import Stretch, encoder_input, on_grid, rest_of
from face1d_ros.geometry.motion_spotting import spotted
from face1d_ros.geometry.topology import to_68
from face1d_ros.stages.expression_input import FIELD_OF_VIEW_RAD
from face1d_ros.stages.smoothing import SmoothingStage
from face1d_ros.synth.motion.free import made_of
from face1d_ros.synth.sequence import Sequence
from face1d_ros.types import FloatArray, Topology

SHORTEST = 6
"""Frames of the grid that say anything."""
REPEATED, VARIED, IMITATED = "repeated", "varied", "imitated"
"""Blocks of the fixed test set."""
NATURAL = "natural"


@dataclass(frozen=True, eq=False)
class Clip:
    """One motion, made once."""

    name: str
    subject: int
    motion: int
    """The same in all repetitions."""
    variation: str
    rate_hz: float
    yaw_rad: float
    """The furthest to a side."""
    steps: int
    """Acts that the motion was made of this time."""
    grid_cm: FloatArray
    """(G, 68, 3)"""
    moving: Stretch | None
    """Where motion was spotted."""
    gestures: str = ""
    """What the motion is made of; empty: something of its own."""

    @property
    def block(self) -> str:
        """Of the test set."""
        return PurePosixPath(self.name).parts[0]

    def network_input(self, *, is_spotted: bool) -> tuple[FloatArray, FloatArray]:
        """(FRAMES, 204) and (FRAMES,) of the whole clip, or of what was spotted in it, as in use."""
        moving = self.moving or Stretch(0, len(self.grid_cm))
        return encoder_input(self.grid_cm, rest_of(self.grid_cm, moving), moving if is_spotted else None)

    def offsets(self, *, is_spotted: bool = False) -> FloatArray:
        """(T, 204) the same, as long as it is."""
        points, mask = self.network_input(is_spotted=is_spotted)
        return points[: int(mask.sum())]


@dataclass(frozen=True, eq=False)
class Clips:
    """Clips and what is known of them, as columns."""

    all: tuple[Clip, ...]

    def __len__(self) -> int:
        return len(self.all)

    @property
    def subject(self) -> NDArray[np.int64]:
        """(C,)"""
        return np.array([clip.subject for clip in self.all], np.int64)

    @property
    def motion(self) -> NDArray[np.int64]:
        """(C,)"""
        return np.array([clip.motion for clip in self.all], np.int64)

    @property
    def gestures(self) -> NDArray[np.str_]:
        """(C,) equal where two motions are made of the same."""
        return np.array([clip.gestures or f"motion {clip.motion}" for clip in self.all])

    @property
    def rate_hz(self) -> NDArray[np.float64]:
        """(C,)"""
        return np.array([clip.rate_hz for clip in self.all])

    @property
    def yaw_rad(self) -> NDArray[np.float64]:
        """(C,)"""
        return np.array([clip.yaw_rad for clip in self.all])

    def chosen(self, rows: Many[int] | NDArray[np.integer]) -> Clips:
        """Those."""
        return Clips(tuple(self.all[int(row)] for row in rows))

    def of_block(self, block: str) -> Clips:
        """In their order."""
        return Clips(tuple(clip for clip in self.all if clip.block == block))


class ClipMaker:
    """Holds the stage that all clips go through."""

    def __init__(self) -> None:
        self._stage = SmoothingStage(SmoothingConfig())

    def of_sequence(self, sequence: Sequence) -> Clip | None:
        """What a synthetic face did; None where it was not seen long enough."""
        grid = self.of_track(synthetic_track(sequence, Topology(sequence.topology)))
        if grid is None:
            return None
        (made,) = sequence.plan.motion.free
        return Clip(
            name=sequence.name,
            subject=sequence.subject_id,
            motion=made.motion_id,
            variation=made.variation,
            rate_hz=sequence.plan.camera.rate_hz,
            yaw_rad=float(np.abs(sequence.yaw_pitch_roll_rad[:, 0]).max()),
            steps=len(made.acts),
            grid_cm=grid,
            moving=spotted(grid),
            gestures=made_of(made),
        )

    def of_track(self, track: Track) -> FloatArray | None:
        """(G, 68, 3) a face that was detected; None where it was not seen long enough."""
        seen = np.flatnonzero(track.seen)
        points = smooth(self._stage, track)
        chosen = seen[np.isfinite(points[seen, 0, 0])]
        if len(chosen) < 2:
            return None
        frames = [track.frames[index] for index in chosen.tolist()]
        camera = assumed_camera(frames[0].image_width, frames[0].image_height, FIELD_OF_VIEW_RAD)
        confidence = np.stack([frame.faces[0].point_confidence for frame in frames])
        faces = align_to_canonical(unprojected(points[chosen], camera.focal_px, camera.centre_px), confidence)
        stamps_s = np.array([frame.header.stamp_ns for frame in frames]) / NS
        grid = on_grid(to_68(faces.points_cm), stamps_s)
        return grid if len(grid) >= SHORTEST else None

    def close(self) -> None:
        """Free the stage."""
        self._stage.close()
