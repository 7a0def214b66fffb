"""Random parameters of plans: only arithmetic that every machine rounds alike, and floats of six decimals."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import pairwise
from typing import TypeAlias, TypeVar

from numpy.random import Generator

from face1d_ros.synth.splits import CELLS_IN_PERIOD, PERIOD, Split, SplitGenerator

Item = TypeVar("Item")
DECIMALS = 6

Quantiles: TypeAlias = tuple[float, ...]
"""Values at evenly spaced quantiles, the smallest and the largest included; straight between them."""

EXPONENTIAL: Quantiles = (0.0, 0.105, 0.223, 0.357, 0.511, 0.693, 0.916, 1.204, 1.609, 2.303, 4.0)
"""−ln(1 − q) in tenths, its tail cut off. The mean is 1.0."""


def rounded(value: float) -> float:
    """As it stands in a plan."""
    return round(float(value), DECIMALS)


def between(rng: Generator, low: float, high: float) -> float:
    """Any value of the range is as likely as another."""
    return rounded(rng.uniform(low, high))


def quantile(rng: Generator, values: Quantiles) -> float:
    """A value of the distribution that has these quantiles."""
    place = float(rng.random()) * (len(values) - 1)
    step = min(int(place), len(values) - 2)
    low, high = list(pairwise(values))[step]
    return rounded(low + (high - low) * (place - step))


def chance(rng: Generator, probability: float) -> bool:
    """True that often."""
    return bool(rng.random() < probability)


def pick(rng: Generator, items: Sequence[Item]) -> Item:
    """Any one of them."""
    return items[int(rng.integers(len(items)))]


def seed(rng: Generator) -> int:
    """Of a stream of random values."""
    return int(rng.integers(1 << 31))


def split_of_rng(rng: Generator) -> Split:
    """The split whose motions a generator may draw; that of training if it belongs to none."""
    return rng.split if isinstance(rng, SplitGenerator) else Split.TRAIN


def split_of_key(key: str) -> Split:
    """The one split to which a motion with this description belongs: eight, one and one of ten."""
    digest = int.from_bytes(hashlib.sha256(f"face1d motion {key}".encode()).digest()[:8], "big")
    return next(split for split, cells in CELLS_IN_PERIOD.items() if digest % PERIOD in cells)
