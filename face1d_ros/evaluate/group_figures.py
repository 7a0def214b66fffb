"""Figures of sequences that can be added up over any choice of them, each as often as it is drawn.

Letters: S sequences, R draws, D answers or comparisons, L classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
LOWER, HIGHER, NEITHER = "lower", "higher", ""


@dataclass(frozen=True, eq=False)
class Figure:
    """One figure of a group."""

    name: str
    better: str
    of: Callable[[Floats], Floats]
    """Of how often each sequence is taken (R, S): (R,), NaN where that tells nothing."""
    counts: NDArray[np.bool_]
    """(S,) sequences that tell anything of it."""


@dataclass(frozen=True, eq=False)
class Decision:
    """Yes or no, and what would have been right."""

    name: str
    counts: Floats
    """(S, 4) positives, those accepted, negatives, those accepted."""


@dataclass(frozen=True, eq=False)
class Study:
    """What one model came to, sequence by sequence."""

    model: str
    sequences: tuple[str, ...]
    figures: tuple[Figure, ...]
    decisions: tuple[Decision, ...] = ()


def mean_of(name: str, values: ArrayLike, better: str = LOWER) -> Figure:
    """The plain mean over the sequences that have a value."""
    given = np.asarray(values, np.float64)
    return share_of(name, np.nan_to_num(given), np.isfinite(given), better)


def share_of(name: str, part: ArrayLike, whole: ArrayLike, better: str = HIGHER, factor: float = 1.0) -> Figure:
    """Sum of the parts over the sum of the wholes."""
    above, below = np.asarray(part, np.float64), np.asarray(whole, np.float64)

    def of(weights: Floats) -> Floats:
        total = weights @ below
        return factor * np.divide(weights @ above, total, out=np.full(len(weights), np.nan), where=total > 0.0)

    return Figure(name, better, of, below > 0.0)


def macro_f1_of(name: str, counts: ArrayLike, chosen: Sequence[int] | None = None) -> Figure:
    """Mean F1 of the classes that occur or are answered, from confusions (S, L, L) of true (row) and answered.

    Of all classes, or of the chosen ones.
    """
    each = np.asarray(counts, np.float64)
    classes = each.shape[1]
    places = list(range(classes)) if chosen is None else list(chosen)

    def of(weights: Floats) -> Floats:
        total = (weights @ each.reshape(len(each), -1)).reshape(-1, classes, classes)
        both = (total.sum(axis=1) + total.sum(axis=2))[:, places]
        right = 2.0 * np.diagonal(total, axis1=1, axis2=2)[:, places]
        f1 = np.divide(right, both, out=np.zeros_like(both), where=both > 0.0)
        occur = (both > 0.0).sum(axis=1)
        return np.divide(f1.sum(axis=1), occur, out=np.full(len(f1), np.nan), where=occur > 0)

    return Figure(name, HIGHER, of, each.sum(axis=(1, 2)) > 0.0)


def verification_of(scores: ArrayLike, genuine: ArrayLike, owner: ArrayLike, sequences: int) -> tuple[Figure, Figure]:
    """AP and EER of comparisons (D,), each of the sequence (or person) that `owner` numbers."""
    order = np.argsort(-np.asarray(scores, np.float64), kind="stable")
    s, same, who = (np.asarray(part)[order] for part in (scores, genuine, owner))
    last = np.flatnonzero(np.append(np.diff(s) < 0.0, True)) if len(s) else np.zeros(0, np.intp)
    counts = np.bincount(who, minlength=sequences) > 0

    def accepted(weight: Floats) -> tuple[Floats, Floats]:
        drawn = weight[who]
        return np.cumsum(np.where(same, drawn, 0.0))[last], np.cumsum(np.where(same, 0.0, drawn))[last]

    def average_precision(weights: Floats) -> Floats:
        return np.array([_average_precision(*accepted(weight)) for weight in weights])

    def equal_errors(weights: Floats) -> Floats:
        return np.array([_equal_error_rate(*accepted(weight)) for weight in weights])

    return Figure("ap", HIGHER, average_precision, counts), Figure("eer", LOWER, equal_errors, counts)


def _average_precision(right: Floats, wrong: Floats) -> float:
    if not len(right) or not right[-1] or not wrong[-1]:
        return float("nan")
    both = right + wrong
    precision = np.divide(right, both, out=np.zeros_like(both), where=both > 0.0)
    return float((np.diff(right / right[-1], prepend=0.0) * precision).sum())


def _equal_error_rate(right: Floats, wrong: Floats) -> float:
    if not len(right) or not right[-1] or not wrong[-1]:
        return float("nan")
    fnmr = np.concatenate([[1.0], 1.0 - right / right[-1]])
    fmr = np.concatenate([[0.0], wrong / wrong[-1]])
    gap = fnmr - fmr
    after = int(np.argmax(gap <= 0.0))
    if gap[after] == 0.0:
        return float(fmr[after])
    part = gap[after - 1] / (gap[after - 1] - gap[after])
    return float(fmr[after - 1] + part * (fmr[after] - fmr[after - 1]))
