"""Verification by scores: is it the same (genuine) or not (impostor)? A higher score says more surely that it is.

Equal scores share one threshold, so the order in which comparisons come never matters. At a threshold, every score
that reaches it is accepted. FMR (also FAR) is the share of impostors accepted, FNMR (also FRR) that of genuine refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from face1d_ros.errors import GeometryError

Floats = NDArray[np.float64]
FMR_LEVELS = (1e-2, 1e-3)


@dataclass(frozen=True, eq=False)
class Curve:
    """What every threshold does, from the strictest: the first accepts nothing, the last everything."""

    thresholds: Floats
    """(K + 1,) infinity, then all distinct scores, falling."""
    genuine_accepted: NDArray[np.int64]
    """(K + 1,)."""
    impostors_accepted: NDArray[np.int64]
    """(K + 1,)."""

    @property
    def genuine(self) -> int:
        """Genuine comparisons."""
        return int(self.genuine_accepted[-1])

    @property
    def impostors(self) -> int:
        """Impostor comparisons."""
        return int(self.impostors_accepted[-1])

    @property
    def fmr(self) -> Floats:
        """(K + 1,) rising from 0 to 1. With `fnmr` the DET curve."""
        return np.asarray(self.impostors_accepted / self.impostors)

    @property
    def fnmr(self) -> Floats:
        """(K + 1,) falling from 1 to 0."""
        return np.asarray(1.0 - self.genuine_accepted / self.genuine)


@dataclass(frozen=True)
class AtFmr:
    """The least FNMR of all thresholds that keep the FMR at a level, and how much stands behind it."""

    level: float
    fnmr: float
    fmr: float
    """What is reached, at most the level."""
    threshold: float
    genuine: int
    impostors: int

    @property
    def supported(self) -> bool:
        """Whether one false match would still be within the level; with fewer impostors it says little."""
        return self.impostors * self.level >= 1.0


@dataclass(frozen=True)
class Verification:
    """All figures of one set of comparisons."""

    average_precision: float
    peak_f1: float
    peak_f1_threshold: float
    eer: float
    at_fmr: tuple[AtFmr, ...]
    genuine: int
    impostors: int


def curve(scores: ArrayLike, genuine: ArrayLike) -> Curve:
    """Of scores (M,) and whether each comparison is genuine (M,) bool; at least one of each kind."""
    s, same = np.asarray(scores, np.float64), np.asarray(genuine)
    if s.ndim != 1 or same.shape != s.shape or same.dtype != np.bool_:
        came = f"{s.shape} with {same.dtype} {same.shape}"
        raise GeometryError("scores and genuine flags", came, "two of shape (M,), the second bool")
    if not np.isfinite(s).all():
        raise GeometryError("scores", f"{int((~np.isfinite(s)).sum())} that are not finite", "finite scores only")
    if same.all() or not same.any():
        came = f"{int(same.sum())} genuine and {int((~same).sum())} impostor comparisons"
        raise GeometryError("comparisons", came, "at least one of each")
    order = np.argsort(-s, kind="stable")
    s, same = s[order], same[order]
    last = np.flatnonzero(np.append(np.diff(s) < 0.0, True))
    accepted = [np.concatenate([[0], np.cumsum(kind)[last]]).astype(np.int64) for kind in (same, ~same)]
    return Curve(np.concatenate([[np.inf], s[last]]), accepted[0], accepted[1])


def average_precision(found: Curve) -> float:
    """Σ (Rₙ − Rₙ₋₁) Pₙ over the distinct thresholds; no interpolation."""
    recall, precision = _recall_and_precision(found)
    return float((np.diff(recall) * precision[1:]).sum())


def peak_f1(found: Curve) -> tuple[float, float]:
    """The greatest F1 over the thresholds, and the strictest threshold that reaches it."""
    f1 = 2.0 * found.genuine_accepted / (found.genuine + found.genuine_accepted + found.impostors_accepted)
    best = int(np.argmax(f1))
    return float(f1[best]), float(found.thresholds[best])


def equal_error_rate(found: Curve) -> float:
    """Where FMR = FNMR; on the straight line between the two thresholds that it lies between."""
    gap = found.fnmr - found.fmr
    after = int(np.argmax(gap <= 0.0))
    if gap[after] == 0.0:
        return float(found.fmr[after])
    part = gap[after - 1] / (gap[after - 1] - gap[after])
    return float(found.fmr[after - 1] + part * (found.fmr[after] - found.fmr[after - 1]))


def fnmr_at(found: Curve, level: float) -> AtFmr:
    """FNMR at an FMR of at most the level."""
    if not 0.0 < level < 1.0:
        raise GeometryError("FMR level", level, "more than 0, less than 1")
    place = int(np.flatnonzero(found.fmr <= level)[-1])
    return AtFmr(
        level=level,
        fnmr=float(found.fnmr[place]),
        fmr=float(found.fmr[place]),
        threshold=float(found.thresholds[place]),
        genuine=found.genuine,
        impostors=found.impostors,
    )


def verification(scores: ArrayLike, genuine: ArrayLike, levels: Sequence[float] = FMR_LEVELS) -> Verification:
    """All figures at once."""
    found = curve(scores, genuine)
    f1, threshold = peak_f1(found)
    return Verification(
        average_precision=average_precision(found),
        peak_f1=f1,
        peak_f1_threshold=threshold,
        eer=equal_error_rate(found),
        at_fmr=tuple(fnmr_at(found, level) for level in levels),
        genuine=found.genuine,
        impostors=found.impostors,
    )


def _recall_and_precision(found: Curve) -> tuple[Floats, Floats]:
    """(K + 1,) each; the precision of accepting nothing is 1."""
    accepted = found.genuine_accepted + found.impostors_accepted
    precision = np.divide(found.genuine_accepted, accepted, out=np.ones(len(accepted)), where=accepted > 0)
    return np.asarray(found.genuine_accepted / found.genuine), precision
