"""What the part of a replay that sees pixels is asked, and what it tells: of a source, and of each of its frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from face1d_ros.config import CameraConfig, LandmarksConfig
from face1d_ros.geometry.camera_model import Camera
from face1d_ros.types import FaceLandmarksArray, Frame

State: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Task:
    """What is to be looked at, and how."""

    camera: CameraConfig
    landmarks: LandmarksConfig
    max_frames: int | None = None
    """End after so many."""


@dataclass(frozen=True)
class Facts:
    """What is known before the first frame."""

    description: str
    """Of the source, like the next five."""
    topic: str
    width: int
    height: int
    length: int | None
    camera: Camera | None
    is_resumable: bool
    """Whether the landmark stage can tell its state."""


@dataclass(frozen=True, eq=False)
class Look:
    """One frame, and what was found in it."""

    frame: Frame
    """Its image may be gone once the next look is asked for."""
    result: FaceLandmarksArray
    duration_s: float
    """That the landmark stage took."""
    state: State | None
    """What the stage knew after this frame, where that can be told."""


@dataclass(frozen=True)
class Account:
    """What is known after the last."""

    left_out: Mapping[str, int] = field(default_factory=dict)
    """Frames of the source, by reason."""
    damage: tuple[str, ...] = ()
    """What could not be read, a sentence each."""
    notes: tuple[str, ...] = ()
    """What is odd about the source although nothing is lost by it."""
