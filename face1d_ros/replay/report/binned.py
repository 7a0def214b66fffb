"""Values over time in bounded memory: bins that double their width, and stretches of which the longest are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.replay.report.content import Series, Span, Values

BINS = 512
FIRST_WIDTH_S = 1.0 / 32.0
COARSE = 4
"""How many times wider the bins of a group of many values are."""
WAITING = 64
"""Values that are put into their bins at a time."""
SPANS = 2000
"""Of each kind, at most."""
GAP_STEPS = 4.0
"""So many frames without a value are a gap in a line."""


@dataclass(frozen=True)
class Line:
    """What one series is called."""

    key: str
    name: str
    unit: str = ""


@dataclass(frozen=True)
class Group:
    """Series that get their values together."""

    name: str
    lines: tuple[Line, ...]
    coarse: bool = False


class Bins:
    """How wide the bins of all series are by now; of one, all are made wider."""

    def __init__(self) -> None:
        self.level = 0

    def reach(self, t_s: float) -> None:
        """Widen them until this time is within."""
        while t_s >= BINS * self.width_s:
            self.level += 1

    @property
    def width_s(self) -> float:
        """Of the finer ones."""
        return float(FIRST_WIDTH_S * 2.0**self.level)


class Binned:
    """Mean and range of a group's values in each bin."""

    def __init__(self, group: Group, bins: Bins) -> None:
        self.group = group
        self._bins = bins
        self._level = bins.level
        self._factor = COARSE if group.coarse else 1
        shape = (BINS // self._factor, len(group.lines))
        self._count = np.zeros(shape, np.int32)
        self._sum = np.zeros(shape)
        self._low = np.full(shape, np.inf, np.float32)
        self._high = np.full(shape, -np.inf, np.float32)
        self._times_s: list[float] = []
        self._values: list[Sequence[float] | Values] = []

    def add(self, t_s: float, values: Sequence[float] | Values) -> None:
        """(L,) values at a time, NaN where one is not known."""
        self._bins.reach(t_s)
        self._times_s.append(t_s)
        self._values.append(values)
        if len(self._times_s) == WAITING:
            self._catch_up()

    def series(self, track_id: int | None, step_s: float) -> list[Series]:
        """Those with a value; `step_s` is the usual distance of frames, which tells gaps from few frames."""
        self._catch_up()
        width_s = self._bins.width_s * self._factor
        gap_s = max(GAP_STEPS * step_s, 1.5 * width_s)
        found = []
        for column, line in enumerate(self.group.lines):
            rows = np.flatnonzero(self._count[:, column])
            if not len(rows):
                continue
            mean = self._sum[rows, column] / self._count[rows, column]
            columns = ((rows + 0.5) * width_s, mean, self._low[rows, column], self._high[rows, column])
            gaps = np.flatnonzero(np.diff(rows) * width_s > gap_s) + 1
            between = ((rows[gaps - 1] + rows[gaps] + 1.0) * 0.5 * width_s, np.nan, np.nan, np.nan)
            filled = (np.insert(one, gaps, fill) for one, fill in zip(columns, between, strict=True))
            t_s, *others = (np.asarray(one, np.float32) for one in filled)
            found.append(Series(line.key, line.name, line.unit, track_id, t_s, *others))
        return found

    def _catch_up(self) -> None:
        """Merge pairs of bins as often as the others have, and put in what waits."""
        while self._level < self._bins.level:
            self._level += 1
            self._count = _folded(self._count, np.add, 0)
            self._sum = _folded(self._sum, np.add, 0)
            self._low = _folded(self._low, np.minimum, np.inf)
            self._high = _folded(self._high, np.maximum, -np.inf)
        if not self._times_s:
            return
        rows = (np.array(self._times_s) / (self._bins.width_s * self._factor)).astype(np.intp)
        values = np.array(self._values, np.float64)
        known = np.isfinite(values)
        np.add.at(self._count, rows, known)
        np.add.at(self._sum, rows, np.where(known, values, 0.0))
        np.minimum.at(self._low, rows, np.where(known, values, np.inf).astype(np.float32))
        np.maximum.at(self._high, rows, np.where(known, values, -np.inf).astype(np.float32))
        self._times_s.clear()
        self._values.clear()


class Spans:
    """Stretches of one kind: all of them, or the longest where they are too many."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.left_out = 0
        """How many short ones were dropped."""
        self._kept: list[Span] = []

    def add(self, track_id: int | None, value: str, from_s: float, to_s: float) -> None:
        """One that has ended."""
        self._kept.append(Span(self.kind, track_id, value, from_s, to_s))
        if len(self._kept) >= 2 * SPANS:
            self._thin()

    def found(self) -> list[Span]:
        """In the order in which they begin."""
        if len(self._kept) > SPANS:
            self._thin()
        return sorted(self._kept, key=lambda span: (span.from_s, span.to_s))

    def _thin(self) -> None:
        self._kept.sort(key=lambda span: span.from_s - span.to_s)
        self.left_out += len(self._kept) - SPANS
        del self._kept[SPANS:]


def _folded(values: NDArray[Any], merge: np.ufunc, empty: float) -> NDArray[Any]:
    """(B, L) with two bins in one, and empty ones behind."""
    half = merge(values[0::2], values[1::2])
    return np.concatenate([half, np.full_like(half, empty)])
