"""Savitzky and Golay's smoother as a robot can use it: a polynomial through the last moments, read at the newest."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from face1d_ros.filters.filter import Points, State, TimedFilter
from face1d_ros.filters.settings import FilterSettings, setting

FASTEST_HZ = 120.0
"""Frames are remembered for this rate; of a faster camera the window is shorter."""
LEAST_NORM = 1e-9
"""Of a polynomial, as part of the one before; less than that is of frames too few or too near."""
SLACK = 1e-6
"""Part of the window by which rounded stamps may be older."""


@dataclass(frozen=True)
class SavitzkyGolaySettings(FilterSettings):
    """Of the causal Savitzky–Golay filter."""

    window_s: float = setting(0.134, 1e-3, 1.0)
    """How far back the polynomial is fitted."""
    order: int = setting(1, 0, 5)
    """Degree of the polynomial."""


class SavitzkyGolay(TimedFilter):
    """Least squares over the stamps as they are, one set of weights for all points of a face."""

    name: ClassVar[str] = "savitzky_golay"

    def __init__(self, settings: SavitzkyGolaySettings | None = None) -> None:
        super().__init__()
        self.settings = settings or SavitzkyGolaySettings()
        self._frames = math.ceil(self.settings.window_s * FASTEST_HZ) + 1

    def start(self, points: Points) -> State:
        """The points, the last frames (..., K, N, C), newest last, and their ages (..., K) in s, infinite of none."""
        *leading, landmarks, axes = points.shape
        frames = np.zeros((*leading, self._frames, landmarks, axes), points.dtype)
        frames[..., -1, :, :] = points
        age_s = np.full((*leading, self._frames), np.inf)
        age_s[..., -1] = 0.0
        return points, frames, age_s

    def advance(self, state: State, points: Points, step_s: NDArray[np.float64], weight: Points | None) -> State:
        """A frame comes, the oldest goes."""
        _, frames, age_s = state
        frames = np.concatenate([frames[..., 1:, :, :], points[..., None, :, :]], axis=-3)
        age_s = np.concatenate([age_s[..., 1:] + step_s[..., 0], np.zeros((*age_s.shape[:-1], 1))], axis=-1)
        weights = self._weights(age_s).astype(points.dtype)
        flat = frames.reshape(*frames.shape[:-2], -1)
        # Not by BLAS, whose threads on a busy machine wait for each other longer than all this takes.
        return np.einsum("...k,...kn->...n", weights, flat).reshape(points.shape), frames, age_s

    def _weights(self, age_s: NDArray[np.float64]) -> NDArray[Any]:
        """(..., K) what each frame adds to the polynomial's value at age 0.

        By polynomials that are orthogonal over the frames (Forsythe, 1957): the fit is the sum of them, each by its
        product with the points. Those that the frames cannot tell apart are left out.
        """
        back = age_s / self.settings.window_s
        inside = (back <= 1.0 + SLACK).astype(np.float64)
        back = np.where(inside > 0.0, back, 0.0)
        before, here = np.zeros_like(back), inside
        norm_before, norm = np.ones_like(back[..., :1]), inside.sum(axis=-1, keepdims=True)
        weights = inside / norm
        for _ in range(self.settings.order):
            middle = (back * here * here).sum(axis=-1, keepdims=True) / norm
            following = (back - middle) * here - (norm / norm_before) * before
            squares = (following * following).sum(axis=-1, keepdims=True)
            told_apart = squares > LEAST_NORM * norm
            before, here = np.where(told_apart, here, 0.0), np.where(told_apart, following, 0.0)
            norm_before, norm = norm, np.where(told_apart, squares, 1.0)
            weights = weights + here[..., -1:] * here / norm
        return weights
