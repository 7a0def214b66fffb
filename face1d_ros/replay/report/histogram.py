"""Percentiles of any number of values in bounded memory."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from face1d_ros.replay.report.content import Values

LEAST, MOST = 1e-4, 1e6
"""In ms: from 0.1 µs to a quarter of an hour."""
GROWTH = 1.01
"""Of the bins: a percentile is off by half a percent at most."""
LOG_GROWTH = math.log(GROWTH)
BINS = math.ceil(math.log(MOST / LEAST) / LOG_GROWTH) + 1
SHOWN_BINS = 12
"""Of the fine ones in one that is shown."""


class LogHistogram:
    """Counts of positive values in bins that grow by a constant factor."""

    def __init__(self) -> None:
        self.count = 0
        self.largest = 0.0
        self._counts = np.zeros(BINS, np.int64)

    def add(self, value: float) -> None:
        """Values below the first bin count as in it, those above the last as in that; not finite ones do not count."""
        if not math.isfinite(value):
            return
        place = int(math.log(max(value, LEAST) / LEAST) / LOG_GROWTH)
        self._counts[min(place, BINS - 1)] += 1
        self.count += 1
        self.largest = max(self.largest, value)

    def percentile(self, percent: float) -> float:
        """The value below which so many percent lie; NaN where there is none."""
        if not self.count:
            return float("nan")
        wanted = percent / 100.0 * self.count
        below = np.cumsum(self._counts)
        place = int(np.searchsorted(below, max(wanted, 0.5)))
        return float(min(LEAST * GROWTH ** (place + 0.5), self.largest))

    def shown(self) -> tuple[Values, NDArray[np.float32]]:
        """(H+1,) edges and (H,) counts of wider bins, from the first to the last that holds a value."""
        padded = np.pad(self._counts, (0, -BINS % SHOWN_BINS))
        wide = padded.reshape(-1, SHOWN_BINS).sum(axis=1)
        used = np.flatnonzero(wide)
        if not len(used):
            return np.zeros(0, np.float32), np.zeros(0, np.float32)
        first, last = int(used[0]), int(used[-1]) + 1
        edges = LEAST * GROWTH ** (SHOWN_BINS * np.arange(first, last + 1))
        return edges.astype(np.float32), wide[first:last].astype(np.float32)
