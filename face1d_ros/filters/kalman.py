"""The Kalman filter of motion at constant velocity, which white noise of the acceleration disturbs.

Its gain does not depend on the points, so all axes and landmarks of a face share one; noises are in face sizes, and
only their ratio counts: the size itself cancels out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from face1d_ros.filters.filter import Points, State, TimedFilter
from face1d_ros.filters.settings import FilterSettings, setting

LEAST_CONFIDENCE = 1e-3
"""A point of which nothing is known follows its own motion."""


@dataclass(frozen=True)
class KalmanSettings(FilterSettings):
    """Of the Kalman filter."""

    process_noise: float = setting(0.533, 1e-6, 1e6)
    """Root of the acceleration's spectral density, face sizes / s^1.5: by how much the speed changes in a second."""
    measurement_noise: float = setting(0.004, 1e-6, 1.0)
    """Standard deviation of a coordinate, face sizes."""
    start_speed: float = setting(1.0, 0.0, 1e3)
    """Standard deviation of the speed at the start, face sizes / s."""


class Kalman(TimedFilter):
    """Exact for any step. A confidence c divides the variance of its point's measurement: r² / c."""

    name: ClassVar[str] = "kalman"

    def __init__(self, settings: KalmanSettings | None = None) -> None:
        super().__init__()
        self.settings = settings or KalmanSettings()

    def start(self, points: Points) -> State:
        """Places, velocities, and the three numbers (..., 1, 1) of their covariance: as sure as one measurement."""
        place, none = np.full((*points.shape[:-2], 1, 1), self.settings.measurement_noise**2), 0.0
        return points, np.zeros_like(points), place, place * none, place * none + self.settings.start_speed**2

    def advance(self, state: State, points: Points, step_s: NDArray[np.float64], weight: Points | None) -> State:
        """Prediction and update; confidences make the covariances (..., N, 1)."""
        output, velocity, place, both, speed = state
        noise, measured = self.settings.process_noise**2, self.settings.measurement_noise**2
        # The integrals of white noise over the step: Bar-Shalom, "Estimation with Applications", section 6.2.2.
        place = place + step_s * (2.0 * both + step_s * (speed + noise * step_s / 3.0))
        both = both + step_s * (speed + noise * step_s / 2.0)
        speed = speed + noise * step_s
        variance = measured if weight is None else measured / np.clip(weight, LEAST_CONFIDENCE, 1.0)
        gain, speed_gain = place / (place + variance), both / (place + variance)
        predicted = output + velocity * step_s.astype(points.dtype)
        away = points - predicted
        return (
            predicted + gain.astype(points.dtype) * away,
            velocity + speed_gain.astype(points.dtype) * away,
            place - gain * place,
            both - gain * both,
            speed - speed_gain * both,
        )
