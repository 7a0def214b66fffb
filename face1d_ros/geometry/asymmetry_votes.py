"""From how strongly each half of a face makes each of its motions to one index: every motion votes.

Letters: F motions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LEAST = 1e-12
APART = 0.15
"""Votes so far from the others count half: motions that are meant for one side, such as winks."""
ROUNDS = 6
DEVIATION = 0.5
"""Of the standard error that the weights give: the motions of one face differ less than those of many faces."""
SHRINKAGE = 0.15
"""Of the noise, added to both halves' motion: what is hardly seen is hardly unequal."""


@dataclass(frozen=True, eq=False)
class Votes:
    """Of each motion."""

    index: Floats
    """(..., F) (left - right) / (left + right), 0 where nothing moved."""
    weight: Floats
    """(..., F) inverse of its variance; 0 where nothing moved."""


def votes(energy: Floats, noise: Floats, spread: Floats) -> Votes:
    """From mean squares (..., 2, F) of the left and the right signals, with noise in them, and what noise is alone.

    A motion that is far above the noise is known as surely as one motion of a face tells of the others (`spread`).
    """
    above = np.maximum(energy - noise**2, 0.0)
    left, right = np.sqrt(above[..., 0, :]), np.sqrt(above[..., 1, :])
    index = (left - right) / (left + right + SHRINKAGE * noise)
    most = above.max(axis=-2)
    return Votes(index, most / (most * spread**2 + noise**2))


def agreed(cast: Votes) -> tuple[Floats, Floats]:
    """The index (...,) that most votes agree on, and its standard error; NaN where nobody votes.

    Index and weight may broadcast: the same votes, of which others count.

    The centre of a Cauchy distribution, by iteratively reweighted means: few votes far away move it little.
    """
    weight = cast.weight
    index = _mean(cast.index, weight)
    for _ in range(ROUNDS):
        weight = cast.weight / (1.0 + ((cast.index - index[..., None]) / APART) ** 2)
        index = _mean(cast.index, weight)
    total = weight.sum(axis=-1)
    return index, DEVIATION / np.sqrt(np.where(total > LEAST, total, np.nan))


def _mean(values: Floats, weight: Floats) -> Floats:
    total = weight.sum(axis=-1)
    found: Floats = (weight * values).sum(axis=-1) / np.where(total > LEAST, total, np.nan)
    return found
