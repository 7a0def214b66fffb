"""Facial actions by name, and the coefficient of a face model that each is: numbers as in the Facial Action Coding
System (Ekman & Friesen). Left and right are the person's own.
"""

from __future__ import annotations

from collections.abc import Sequence

SIDED: tuple[tuple[str, str], ...] = (
    ("AU1 inner brow raiser", "browInnerUp"),
    ("AU2 outer brow raiser", "browOuterUp"),
    ("AU4 brow lowerer", "browDown"),
    ("AU5 upper lid raiser", "eyeWide"),
    ("AU6 cheek raiser", "cheekSquint"),
    ("AU7 lid tightener", "eyeSquint"),
    ("AU9 nose wrinkler", "noseSneer"),
    ("AU10 upper lip raiser", "mouthUpperUp"),
    ("AU12 lip corner puller", "mouthSmile"),
    ("AU14 dimpler", "mouthDimple"),
    ("AU15 lip corner depressor", "mouthFrown"),
    ("AU16 lower lip depressor", "mouthLowerDown"),
    ("AU20 lip stretcher", "mouthStretch"),
    ("AU24 lip pressor", "mouthPress"),
    ("AU43 eye closure", "eyeBlink"),
)
MIDDLE: tuple[tuple[str, str], ...] = (
    ("AU17 chin raiser", "mouthShrugLower"),
    ("AU18 lip pucker", "mouthPucker"),
    ("AU22 lip funneler", "mouthFunnel"),
    ("AU26 jaw drop", "jawOpen"),
    ("AU28 lip suck", "mouthRollLower"),
)
"""Name, and coefficient in ARKit's words."""
ACTIONS: dict[str, str] = {
    **{f"{name} {word}": f"{key}_{side}" for name, key in SIDED for word, side in (("left", "L"), ("right", "R"))},
    **dict(MIDDLE),
}
"""Coefficient of each action, by the action's name."""
ACTION_NAMES = tuple(ACTIONS)
PAIRS = (("left", "right"), ("Left", "Right"), ("_L", "_R"))
"""What tells the sides apart in names of actions, features and coefficients."""


def mirror_indices(names: Sequence[str]) -> list[int]:
    """(F,) where each name's partner of the other side stands; its own place where it has none."""
    place = {name: index for index, name in enumerate(names)}
    return [place.get(_other(name), place[name]) for name in names]


def _other(name: str) -> str:
    for one, other in PAIRS:
        for here, there in ((one, other), (other, one)):
            if name.startswith(here) or name.endswith(here):
                return name.replace(here, there)
    return name
