"""The simplest smoother: each output goes a part of the way from the last one to what is seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from face1d_ros.filters.filter import Points, State, TimedFilter
from face1d_ros.filters.settings import FilterSettings, setting


@dataclass(frozen=True)
class ExponentialSettings(FilterSettings):
    """Of the exponential filter."""

    time_constant_s: float = setting(0.0126, 1e-4, 10.0)
    """After a jump, 63 % of it is shown so much later."""


class Exponential(TimedFilter):
    """y += (1 − exp(−dt / τ)) (x − y)."""

    name: ClassVar[str] = "exponential"

    def __init__(self, settings: ExponentialSettings | None = None) -> None:
        super().__init__()
        self.settings = settings or ExponentialSettings()

    def start(self, points: Points) -> State:
        """The points."""
        return (points,)

    def advance(self, state: State, points: Points, step_s: NDArray[np.float64], weight: Points | None) -> State:
        """Whatever the rate, the same way in the same time."""
        part: NDArray[Any] = -np.expm1(step_s / -self.settings.time_constant_s)
        return (state[0] + part.astype(points.dtype) * (points - state[0]),)
