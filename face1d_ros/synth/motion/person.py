"""What a person adds to every motion: habits, the face at rest, more motion on one side, a palsy.

Healthy faces move 7 to 9 % more on one side, no side dominating (Objective evaluation of normal facial function, Annals
of Otology, Rhinology & Laryngology 1999: regional symmetry 91–93 %, standard deviation 5–6 %).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from face1d_ros.synth.motion import draws
from face1d_ros.synth.motion.palsy import draw_palsy, weaken
from face1d_ros.synth.motion.types import PersonStyle
from face1d_ros.synth.motion.units import REGIONS, index_of

TEMPO: draws.Quantiles = (0.75, 0.9, 1.0, 1.12, 1.35)
EXPRESSIVITY: draws.Quantiles = (0.6, 0.85, 1.0, 1.1, 1.25)
ASYMMETRY: draws.Quantiles = (0.0, 0.04, 0.075, 0.11, 0.2)
BLINKS_PER_MIN: draws.Quantiles = (5.0, 10.0, 15.0, 20.0, 30.0)
PARTIAL_BLINKS: draws.Quantiles = (0.1, 0.35, 0.55, 0.75)
RESTLESSNESS: draws.Quantiles = (0.5, 0.8, 1.0, 1.3, 2.0)
REST: draws.Quantiles = (0.0, 0.0, 0.02, 0.06, 0.12)
AT_REST = (
    "browDown",
    "browInnerUp",
    "eyeSquint",
    "eyeWide",
    "mouthDimple",
    "mouthFrown",
    "mouthPress",
    "mouthSmile",
    "mouthRollLower",
    "mouthShrugLower",
)
"""What a face at rest can show a little of."""


def draw_person(rng: Generator, palsy: float | bool = False) -> PersonStyle:
    """A person; `palsy` is the probability of one (True: certainly)."""
    return PersonStyle(
        tempo=draws.quantile(rng, TEMPO),
        expressivity=draws.quantile(rng, EXPRESSIVITY),
        asymmetry=tuple(
            (region, draws.rounded(draws.pick(rng, (-1, 1)) * draws.quantile(rng, ASYMMETRY))) for region in REGIONS
        ),
        rest=tuple((name, draws.quantile(rng, REST)) for name in AT_REST),
        blinks_per_min=draws.quantile(rng, BLINKS_PER_MIN),
        partial_blinks=draws.quantile(rng, PARTIAL_BLINKS),
        restlessness=draws.quantile(rng, RESTLESSNESS),
        palsy=draw_palsy(rng) if draws.chance(rng, float(palsy)) else None,
    )


@lru_cache(maxsize=512)
def person_map(person: PersonStyle, names: tuple[str, ...]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(K, K) and (K,): intended coefficients, as rows, times the first plus the second are what the face shows."""
    index = index_of(names)
    gain = np.ones(len(names))
    for region, difference in person.asymmetry:
        for name in REGIONS[region]:
            for column, sign in _sides(name, index):
                gain[column] += 0.5 * sign * difference
    rest = np.zeros(len(names))
    for name, value in person.rest:
        for column, _ in _sides(name, index):
            rest[column] += value
    matrix = np.diag(gain)
    if person.palsy is not None:
        matrix, rest = weaken(person.palsy, index, matrix, rest)
    return matrix.astype(np.float32), rest.astype(np.float32)


def _sides(name: str, index: dict[str, int]) -> Sequence[tuple[int, int]]:
    """Columns of a coefficient without side, with + for left, - for right and 0 for both."""
    if name in index:
        return [(index[name], 0)]
    return [(index[f"{name}_L"], 1), (index[f"{name}_R"], -1)]
