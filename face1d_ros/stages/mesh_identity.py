"""Whose head it is: what each frame says of the identity, combined over a track."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from face1d_ros.types import FloatArray

ALIKE_S = 0.5
"""Frames nearer to each other than this err alike: a second of video is worth a few independent looks, not thirty."""


class RunningIdentity:
    """The mean of all frames, weighted by what each knows: it gets sharper with time."""

    def __init__(self, count: int) -> None:
        self._information = np.zeros(count)
        self._weighted = np.zeros(count)
        self._skipped_s = 0.0
        self.frames = 0

    def skip(self, dt_s: float) -> None:
        """A frame that says nothing of the person."""
        self._skipped_s += dt_s

    def add(self, identity: NDArray[np.floating], log_variance: NDArray[np.floating], dt_s: float) -> None:
        """One more frame, dt_s after the last: coefficients (I,) and the logarithm of their variances (I,)."""
        share = 1.0 if self.frames == 0 else -math.expm1(-(dt_s + self._skipped_s) / ALIKE_S)
        self._skipped_s = 0.0
        precision = share * np.exp(-log_variance.astype(np.float64))
        self._information += precision
        self._weighted += precision * identity
        self.frames += 1

    @property
    def mean(self) -> FloatArray:
        """(I,) standard deviations of the face model; after the first frame."""
        return (self._weighted / self._information).astype(np.float32)

    @property
    def stddev(self) -> FloatArray:
        """(I,) of the mean."""
        return (1.0 / np.sqrt(self._information)).astype(np.float32)
