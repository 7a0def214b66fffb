"""The One-Euro filter: smooths much at rest and little in motion.

Casiez, Roussel, Vogel: "1 € Filter: A Simple Speed-based Low-pass Filter for Noisy Input in Interactive Systems", CHI
2012, with the authors' correction of August 2023: speed is measured from the last output, not from the last input.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from face1d_ros.filters.filter import SMALLEST_FACE_PX, Points, State, TimedFilter, box_px
from face1d_ros.filters.settings import FilterSettings, setting


@dataclass(frozen=True)
class OneEuroSettings(FilterSettings):
    """Of the One-Euro filter."""

    min_cutoff_hz: float = setting(16.0, 1e-4, 1e3)
    """Cutoff of a coordinate at rest."""
    beta: float = setting(20.0, 0.0, 1e5)
    """Hz of cutoff more for each face size per second."""
    derivative_cutoff_hz: float = setting(1.0, 1e-4, 1e3)
    """Cutoff of the speed itself."""


class OneEuro(TimedFilter):
    """Each coordinate by itself; speeds in face sizes (the larger side of the landmark box) per second."""

    name: ClassVar[str] = "one_euro"

    def __init__(self, settings: OneEuroSettings | None = None) -> None:
        super().__init__()
        self.settings = settings or OneEuroSettings()

    def start(self, points: Points) -> State:
        """The points, at rest."""
        return points, np.zeros_like(points)

    def advance(self, state: State, points: Points, step_s: NDArray[np.float64], weight: Points | None) -> State:
        """Output, and speed in face sizes per second."""
        output, last = state
        away = points - output
        speed = self.smoothed_speed(last, away, points, step_s)
        return output + self.part(speed, step_s) * away, speed

    def smoothed_speed(self, last: Points, way: Points, points: Points, step_s: NDArray[np.float64]) -> Points:
        """(..., N, C) face sizes per second, after a way (..., N, C) px."""
        unit_px_s = np.maximum(self.size_px(points)[..., None, None], SMALLEST_FACE_PX) * step_s
        part = step_s / (step_s + 0.5 / (math.pi * self.settings.derivative_cutoff_hz))
        return np.asarray(last + (way * (1.0 / unit_px_s).astype(way.dtype) - last) * part.astype(way.dtype))

    def part(self, speed: Points, step_s: NDArray[np.float64]) -> Points:
        """(..., N, C) of the way to what is seen."""
        # 2π · cutoff · step, from which the part follows as r / (1 + r).
        turn = (2.0 * math.pi * step_s).astype(speed.dtype)
        ratio = np.abs(speed)
        ratio *= turn * speed.dtype.type(self.settings.beta)
        ratio += turn * speed.dtype.type(self.settings.min_cutoff_hz)
        return np.asarray(ratio / (ratio + 1.0))

    def size_px(self, points: Points) -> Points:
        """(..., N, C) to (...), the unit of speeds."""
        return np.asarray(box_px(points).max(axis=-1))
