"""The smoothing that MediaPipe's Face Landmarker has built in for a single face, for any number of faces.

Constants and definitions: `ConfigureLandmarksSmoothingCalculator` in MediaPipe's
`tasks/cc/vision/face_landmarker/face_landmarks_detector_graph.cc`, `util/filtering/one_euro_filter.cc` and
`calculators/util/landmarks_smoothing_calculator_utils.cc` (release 0.10.21).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from face1d_ros.filters.filter import Points, State, box_px
from face1d_ros.filters.one_euro import OneEuro, OneEuroSettings
from face1d_ros.filters.settings import setting


@dataclass(frozen=True)
class MediaPipeSettings(OneEuroSettings):
    """MediaPipe's constants for faces."""

    min_cutoff_hz: float = setting(0.05, 1e-4, 1e3)
    beta: float = setting(80.0, 0.0, 1e5)
    derivative_cutoff_hz: float = setting(1.0, 1e-4, 1e3)


class MediaPipe(OneEuro):
    """One-Euro of 2012: speed from the last input, in means of the box's width and height per second."""

    name: ClassVar[str] = "mediapipe"

    def __init__(self, settings: MediaPipeSettings | None = None) -> None:
        super().__init__(settings or MediaPipeSettings())

    def start(self, points: Points) -> State:
        """The points, at rest, and the points as seen."""
        return points, np.zeros_like(points), points

    def advance(self, state: State, points: Points, step_s: NDArray[np.float64], weight: Points | None) -> State:
        """Output, speed, and what was seen."""
        output, last, seen = state
        speed = self.smoothed_speed(last, points - seen, points, step_s)
        return output + self.part(speed, step_s) * (points - output), speed, points

    def size_px(self, points: Points) -> Points:
        """(..., N, C) to (...)."""
        return np.asarray(box_px(points).mean(axis=-1))
