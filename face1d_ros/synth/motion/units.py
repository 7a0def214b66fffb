"""FACS action units as coefficients of ICT-FaceKit, whose expressions are those of ARKit with left and right apart.

Which coefficients make a unit is our reading of the units' descriptions (Ekman & Friesen, FACS, 2002) and of the
shapes; weights below 1 are set by eye on the model. A unit that is made on one side only moves that side's
coefficients, and half of those that the model has for both sides at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import InvalidValueError

_PAIRED_BY_PART = {
    "brow": ("Down", "InnerUp", "OuterUp"),
    "cheek": ("Puff", "Squint"),
    "eye": ("Blink", "LookDown", "LookIn", "LookOut", "LookUp", "Squint", "Wide"),
    "mouth": ("Dimple", "Frown", "LowerDown", "Press", "Smile", "Stretch", "UpperUp"),
    "nose": ("Sneer",),
}
_SINGLE_BY_PART = {
    "jaw": ("Forward", "Left", "Open", "Right"),
    "mouth": ("Close", "Funnel", "Left", "Pucker", "Right", "RollLower", "RollUpper", "ShrugLower", "ShrugUpper"),
}
PAIRED = tuple(part + what for part, all_of_it in _PAIRED_BY_PART.items() for what in all_of_it)
"""Coefficients with _L and _R."""
SINGLE = tuple(part + what for part, all_of_it in _SINGLE_BY_PART.items() for what in all_of_it)
"""Coefficients without side."""
COEFFICIENTS = tuple(sorted((*(f"{name}_{side}" for name in PAIRED for side in "LR"), *SINGLE)))
"""All that motion drives, in ICT-FaceKit's order."""

SIDEWAYS = {"jaw": ("jawLeft", "jawRight"), "mouth": ("mouthLeft", "mouthRight")}
"""What moves to a side: the left activation of a unit drives the first, the right one the second."""

UNITS: dict[str, dict[str, float]] = {
    "AU1": {"browInnerUp": 1.0},
    "AU2": {"browOuterUp": 1.0},
    "AU4": {"browDown": 1.0},
    "AU5": {"eyeWide": 1.0},
    "AU6": {"cheekSquint": 1.0, "eyeSquint": 0.35},
    "AU7": {"eyeSquint": 1.0},
    "AU9": {"noseSneer": 1.0, "mouthUpperUp": 0.25, "browDown": 0.15},
    "AU10": {"mouthUpperUp": 1.0, "noseSneer": 0.3},
    "AU12": {"mouthSmile": 1.0},
    "AU14": {"mouthDimple": 1.0, "mouthPress": 0.2},
    "AU15": {"mouthFrown": 1.0},
    "AU16": {"mouthLowerDown": 1.0},
    "AU17": {"mouthShrugLower": 1.0, "mouthShrugUpper": 0.5},
    "AU18": {"mouthPucker": 1.0},
    "AU20": {"mouthStretch": 1.0},
    "AU22": {"mouthFunnel": 1.0},
    "AU23": {"mouthPress": 0.5, "mouthRollUpper": 0.3, "mouthRollLower": 0.35, "mouthPucker": 0.12},
    "AU24": {"mouthPress": 1.0, "mouthRollUpper": 0.12, "mouthRollLower": 0.15},
    "AU25": {"mouthLowerDown": 0.35, "mouthUpperUp": 0.2},
    "AU26": {"jawOpen": 0.35, "mouthLowerDown": 0.1},
    "AU27": {"jawOpen": 0.8, "mouthLowerDown": 0.15},
    "AU28": {"mouthRollUpper": 0.9, "mouthRollLower": 0.9},
    "AU29": {"jawForward": 1.0},
    "AU30": {"jaw": 1.0},
    "AU34": {"cheekPuff": 1.0},
    "AU45": {"eyeBlink": 1.0},
    "shift": {"mouth": 1.0},
}
"""By unit: the coefficients that it moves. AU30 is the jaw, `shift` the lips sideways."""

UPPER = frozenset({"AU1", "AU2", "AU4", "AU5", "AU6", "AU7", "AU45"})
"""Units of the upper face."""

REGIONS: dict[str, tuple[str, ...]] = {
    "brow": ("browDown", "browInnerUp", "browOuterUp"),
    "eye": ("eyeSquint", "eyeWide", "cheekSquint"),
    "nose": ("noseSneer",),
    "cheek": ("cheekPuff",),
    "mouth": tuple(name for name in PAIRED if name.startswith("mouth")),
}
"""Where one side can move more than the other. Lids are left out: a blink shuts both eyes."""


def index_of(names: Sequence[str]) -> dict[str, int]:
    """Column by name. All coefficients must be among the names, which may hold more."""
    index = {name: column for column, name in enumerate(names)}
    missing = [name for name in COEFFICIENTS if name not in index]
    if missing:
        raise InvalidValueError(
            "expression names",
            f"{len(names)} names without {', '.join(missing[:4])}{' …' if len(missing) > 4 else ''}",
            "a face model with the 53 expressions of ICT-FaceKit",
        )
    return index


@lru_cache(maxsize=8)
def unit_weights(names: tuple[str, ...]) -> tuple[dict[str, int], NDArray[np.float32]]:
    """Row by unit, and (units, 2, K) what its left and its right activation of 1 add to each coefficient."""
    index = index_of(names)
    weights = np.zeros((len(UNITS), 2, len(names)), np.float32)
    for row, parts in enumerate(UNITS.values()):
        for name, weight in parts.items():
            for side, column, share in _columns(name, index):
                weights[row, side, column] += weight * share
    return {unit: row for row, unit in enumerate(UNITS)}, weights


def _columns(name: str, index: dict[str, int]) -> list[tuple[int, int, float]]:
    """Which columns a coefficient without side is, as (side, column, share)."""
    if name in SIDEWAYS:
        return [(side, index[column], 1.0) for side, column in enumerate(SIDEWAYS[name])]
    if name in index:
        return [(0, index[name], 0.5), (1, index[name], 0.5)]
    return [(0, index[f"{name}_L"], 1.0), (1, index[f"{name}_R"], 1.0)]
