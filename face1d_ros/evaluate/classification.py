"""Classes against their truth: accuracy, F1, confusion, by subject; phases of an expression and when they begin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from face1d_ros.errors import GeometryError
from face1d_ros.types import Phase

Floats = NDArray[np.float64]
PHASES = (Phase.NEUTRAL, Phase.ONSET, Phase.APEX, Phase.OFFSET)
EVENTS = (Phase.ONSET, Phase.APEX, Phase.OFFSET)
MATCH_WITHIN_S = 1.0
"""A predicted beginning further from a true one is another event."""


@dataclass(frozen=True, eq=False)
class Confusion:
    """How often each true class (row) was answered with each class (column)."""

    labels: tuple[str, ...]
    counts: NDArray[np.int64]
    """(L, L)."""

    @property
    def accuracy(self) -> float:
        """Share of right answers."""
        return float(np.trace(self.counts) / self.counts.sum())

    @property
    def f1(self) -> Floats:
        """(L,) 2 · right / (true + answered); NaN for a class that neither occurs nor is ever answered."""
        both = self.counts.sum(axis=0) + self.counts.sum(axis=1)
        return np.divide(2.0 * np.diag(self.counts), both, out=np.full(len(both), np.nan), where=both > 0)

    @property
    def macro_f1(self) -> float:
        """Mean F1 of the classes that occur or are answered; one that is answered but never occurs has 0."""
        return float(np.nanmean(self.f1))

    @property
    def recall(self) -> Floats:
        """(L,) share of each true class that was found; NaN where it never occurs."""
        true = self.counts.sum(axis=1)
        return np.divide(np.diag(self.counts), true, out=np.full(len(true), np.nan), where=true > 0)


def confusion(truth: ArrayLike, predicted: ArrayLike, labels: Sequence[str]) -> Confusion:
    """Of class numbers (M,), indices into the labels."""
    g, p = _classes(truth, predicted, len(labels))
    flat = np.bincount(g * len(labels) + p, minlength=len(labels) ** 2)
    return Confusion(tuple(labels), flat.reshape(len(labels), len(labels)).astype(np.int64))


def by_subject(
    truth: ArrayLike, predicted: ArrayLike, subjects: Sequence[str], labels: Sequence[str]
) -> dict[str, Confusion]:
    """The confusion of each subject, by name."""
    g, p = _classes(truth, predicted, len(labels))
    if len(subjects) != len(g):
        raise GeometryError("subjects", len(subjects), f"{len(g)}, one for each answer")
    who = np.asarray(subjects, np.str_)
    return {str(name): confusion(g[who == name], p[who == name], labels) for name in np.unique(who)}


def phase_macro_f1(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Frame-wise macro F1 over neutral, onset, apex and offset.

    Frames whose truth is unknown do not count; an answer «unknown» is a wrong one and no class of its own.
    """
    g, p = _classes(truth, predicted, len(Phase))
    known = g != Phase.UNKNOWN
    if not known.any():
        raise GeometryError("true phases", "none that is known", "one frame at least")
    counts = confusion(g[known], p[known], [phase.name for phase in Phase])
    return float(np.nanmean(counts.f1[list(PHASES)]))


@dataclass(frozen=True)
class EventErrors:
    """When one phase begins, predicted against true."""

    late_ms: tuple[float, ...]
    """Of each matched event; + is late."""
    missed: int
    """True ones without a predicted one."""
    extra: int
    """Predicted ones without a true one."""

    @property
    def matched(self) -> int:
        """How many were found."""
        return len(self.late_ms)

    @property
    def absolute_ms(self) -> float:
        """Mean over the matched events; NaN if there is none."""
        return float(np.abs(self.late_ms).mean()) if self.late_ms else float("nan")

    @property
    def signed_ms(self) -> float:
        """Mean; + is late."""
        return float(np.mean(self.late_ms)) if self.late_ms else float("nan")


def event_errors(
    truth: ArrayLike, predicted: ArrayLike, stamps_s: ArrayLike, within_s: float = MATCH_WITHIN_S
) -> dict[Phase, EventErrors]:
    """Time errors of onset, apex and offset in one sequence of (T,) phases.

    An event is the first frame of a phase after another one; a phase that runs from the first frame on has begun
    before and is none. Events of a phase are matched one to one: as many as possible, then with the least error.
    """
    g, p = _classes(truth, predicted, len(Phase))
    stamps = np.asarray(stamps_s, np.float64)
    if stamps.shape != g.shape or not np.isfinite(stamps).all() or not (np.diff(stamps) > 0.0).all():
        raise GeometryError("stamps", f"shape {stamps.shape}", f"{g.shape} finite seconds, strictly rising")
    if not within_s > 0.0:
        raise GeometryError("matching window", within_s, "more than 0 s")
    return {phase: _errors(stamps[_begins(g, phase)], stamps[_begins(p, phase)], within_s) for phase in EVENTS}


def _begins(phases: NDArray[np.intp], phase: Phase) -> NDArray[np.intp]:
    return np.flatnonzero((phases[1:] == phase) & (phases[:-1] != phase)) + 1


def _errors(true_s: Floats, predicted_s: Floats, within_s: float) -> EventErrors:
    from scipy.optimize import linear_sum_assignment

    late = predicted_s[None, :] - true_s[:, None]
    near = np.abs(late) <= within_s
    # A pair too far apart costs more than all that are near together can save.
    cost = np.where(near, np.abs(late), within_s * (min(late.shape) + 1))
    rows, columns = linear_sum_assignment(cost)
    kept = near[rows, columns]
    matched_ms = 1e3 * late[rows, columns][kept]
    matched = len(matched_ms)
    return EventErrors(tuple(matched_ms.tolist()), missed=len(true_s) - matched, extra=len(predicted_s) - matched)


def _classes(truth: ArrayLike, predicted: ArrayLike, count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    both = []
    for name, given in (("true classes", truth), ("predicted classes", predicted)):
        array: NDArray[Any] = np.asarray(given)
        if array.ndim != 1 or not array.size or array.dtype.kind not in "iu":
            expected = "whole numbers of shape (M,), at least one"
            raise GeometryError(name, f"{array.dtype} of shape {array.shape}", expected)
        if array.min() < 0 or array.max() >= count:
            raise GeometryError(name, f"{array.min()} to {array.max()}", f"0 to {count - 1}")
        both.append(array.astype(np.intp))
    if both[0].shape != both[1].shape:
        raise GeometryError("predicted classes", f"{len(both[1])} of them", f"{len(both[0])}, as many as true ones")
    return both[0], both[1]
