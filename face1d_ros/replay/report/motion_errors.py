"""The figures of landmark motion against a truth, over a track of any length in bounded memory.

Every figure is one of `evaluate.metrics`: it is computed over a few dozen frames at a time, and the parts are averaged
with as many frames or points as each has. So it is the figure of the whole track, but for rounding.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import GeometryError
from face1d_ros.evaluate import metrics
from face1d_ros.evaluate.metrics import LIMITS_PERCENT, MOVING
from face1d_ros.evaluate.tracks import Mask, pair

CHUNK = 64
"""Frames that are measured at a time."""
BEFORE = 2
"""Frames of the chunk before, which motion needs."""
Points = NDArray[np.float32]


@dataclass
class Mean:
    """Of parts with weights."""

    total: float = 0.0
    weight: float = 0.0

    def add(self, value: float, weight: float) -> None:
        """A part; one without weight does not count."""
        if weight > 0.0:
            self.total += value * weight
            self.weight += weight

    @property
    def value(self) -> float | None:
        """None where there is none."""
        return self.total / self.weight if self.weight else None


@dataclass
class Errors:
    """Of all tracks of one topic."""

    means: dict[str, Mean] = field(default_factory=dict)
    frames: int = 0
    """With a true face."""
    missed: int = 0
    """Of these, those in which it was not found."""
    unusable: int = 0
    """Chunks in which a face has no extent."""
    only_error_and_lag: bool = False
    """Of the figures the NME and the lag alone, which is quicker."""

    def miss(self) -> None:
        """A true face that was not found: an error without limit."""
        self.frames += 1
        self.missed += 1
        self._cumulative("nme", np.array([np.inf]))
        self._cumulative("nrmse", np.array([np.inf]))

    def add(self, predicted: Points, truth: Points, before: int) -> None:
        """(T, N, 2) frames in a row, of which the first `before` were measured already."""
        present = np.isfinite(predicted).all(axis=2) & np.isfinite(truth).all(axis=2)
        try:
            self._places(predicted[before:], truth[before:], present[before:])
            self._motion(predicted, truth, present, before)
        except GeometryError:
            self.unusable += 1

    def value(self, key: str) -> float | None:
        """A figure; None where nothing was measured."""
        mean = self.means.get(key)
        return None if mean is None else mean.value

    def _places(self, p: Points, g: Points, present: Mask) -> None:
        known = present.any(axis=1)
        self.frames += len(p)
        self.missed += int((~known).sum())
        kinds = (("nme", metrics.frame_nme_percent), ("nrmse", metrics.frame_nrmse_percent))
        for name, of_frames in kinds[:1] if self.only_error_and_lag else kinds:
            errors = of_frames(p, g, present)
            self._cumulative(name, errors)
            if known.any():
                points = present[known].sum(axis=1)
                self._add(f"{name}_percent", float(np.average(errors[known], weights=points)), float(points.sum()))

    def _motion(self, p: Points, g: Points, present: Mask, before: int) -> None:
        """Pairs of frames from the last measured one on, triples from the last two."""
        from_pair = max(before - 1, 0)
        p2, g2, m2 = p[from_pair:], g[from_pair:], present[from_pair:]
        if len(p2) >= 2 and (both := m2[1:] & m2[:-1]).any():
            moving = _moving(g2, m2)
            if moving:
                self._add("lag_frames", metrics.lag_frames(p2, g2, m2), moving)
            if not self.only_error_and_lag:
                self._add("stability_percent", metrics.stability_percent(p2, g2, m2), float(both.any(axis=1).sum()))
                self._add("jitter_px", metrics.jitter_px(p2, g2, m2), float(both.sum()))
        if self.only_error_and_lag or len(p) < 3:
            return
        if (three := present[2:] & present[1:-1] & present[:-2]).any():
            self._add("acceleration_px", metrics.acceleration_px(p, g, present), float(three.sum()))

    def _cumulative(self, name: str, errors: NDArray[np.float64]) -> None:
        for limit in LIMITS_PERCENT:
            self._add(f"{name}_auc_{limit:g}", metrics.area_under_curve(errors, limit), len(errors))
            self._add(f"{name}_fr_{limit:g}", metrics.failure_rate(errors, limit), len(errors))

    def _add(self, key: str, value: float, weight: float) -> None:
        self.means.setdefault(key, Mean()).add(value, weight)


@dataclass
class Pairs:
    """Frames in a row of one person and one track that still wait to be measured."""

    predicted: list[Points] = field(default_factory=list)
    truth: list[Points] = field(default_factory=list)
    before: int = 0
    """How many of them were measured already."""

    def fits(self, predicted: Points, truth: Points) -> bool:
        """Whether a frame has as many points as those before it."""
        return not self.truth or (self.predicted[-1].shape == predicted.shape and self.truth[-1].shape == truth.shape)

    def add(self, predicted: Points, truth: Points, errors: Errors) -> None:
        """The next frame, (N, 2) each."""
        self.predicted.append(predicted)
        self.truth.append(truth)
        if len(self.truth) == CHUNK + BEFORE:
            self.measure(errors)

    def measure(self, errors: Errors) -> None:
        """What waits; the last two frames stay for those that follow."""
        if len(self.truth) > self.before:
            errors.add(np.stack(self.predicted), np.stack(self.truth), self.before)
        del self.predicted[:-BEFORE], self.truth[:-BEFORE]
        self.before = len(self.truth)


def _moving(truth: Points, present: Mask) -> int:
    """Frames that count for the lag, as `metrics.lag_frames` has them."""
    both = pair(truth, truth, present, 2)
    counted = both.over(2)
    step = np.where(counted[..., None], both.g[1:] - both.g[:-1], 0.0)
    number = np.maximum(counted.sum(axis=1), 1)
    return int((np.sqrt((step * step).sum(axis=(1, 2)) / number) > MOVING * both.size[1:]).sum())
