"""Whether a decision is as good for one group as for another: equalized odds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from face1d_ros.errors import GeometryError


@dataclass(frozen=True)
class GroupRates:
    """One group; a rate is NaN where nothing of its kind was asked."""

    group: str
    tpr: float
    """Share of the positives that were accepted."""
    fpr: float
    """Share of the negatives that were accepted."""
    positives: int
    negatives: int


@dataclass(frozen=True)
class EqualizedOdds:
    """The rates of all groups, and how far they lie apart."""

    groups: tuple[GroupRates, ...]

    @property
    def tpr_range(self) -> float:
        """Greatest minus least TPR of the groups that have one; NaN with fewer than two: there is no comparison."""
        return _range([group.tpr for group in self.groups])

    @property
    def fpr_range(self) -> float:
        """As `tpr_range`."""
        return _range([group.fpr for group in self.groups])

    @property
    def difference(self) -> float:
        """max(range of TPR, range of FPR); of the one that is known, if only one is, and NaN if none is."""
        known = [value for value in (self.tpr_range, self.fpr_range) if not np.isnan(value)]
        return max(known, default=float("nan"))


def equalized_odds(truth: ArrayLike, accepted: ArrayLike, groups: Sequence[str]) -> EqualizedOdds:
    """Of what was right to accept (M,) bool, what was accepted (M,) bool, and each one's group (M)."""
    g, p, names = np.asarray(truth), np.asarray(accepted), np.asarray(groups, np.str_)
    for name, array in (("truth", g), ("accepted", p)):
        if array.dtype != np.bool_ or array.ndim != 1 or not array.size:
            raise GeometryError(name, f"{array.dtype} of shape {array.shape}", "bool of shape (M,), at least one")
    if not g.shape == p.shape == names.shape:
        raise GeometryError("accepted and groups", f"{p.shape} and {names.shape}", f"{g.shape}, as the truth")
    return EqualizedOdds(tuple(_rates(str(one), g[names == one], p[names == one]) for one in np.unique(names)))


def _rates(group: str, truth: np.ndarray, accepted: np.ndarray) -> GroupRates:
    positives, negatives = accepted[truth], accepted[~truth]
    return GroupRates(
        group=group,
        tpr=float(positives.mean()) if positives.size else float("nan"),
        fpr=float(negatives.mean()) if negatives.size else float("nan"),
        positives=int(positives.size),
        negatives=int(negatives.size),
    )


def _range(rates: list[float]) -> float:
    known = [rate for rate in rates if not np.isnan(rate)]
    return max(known) - min(known) if len(known) > 1 else float("nan")
