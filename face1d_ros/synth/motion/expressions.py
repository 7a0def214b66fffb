"""The seven basic expressions from action units, each in many numbered variants.

The units of each expression: EMFACS' prototypes and major variants (Ekman, Friesen & Hager, FACS Investigator's
Guide, 2002), and which others people add (Du, Tao & Martinez, PNAS 2014, Table 1). Durations: spontaneous expressions
last 0.5 to 4 s (Ekman, Telling Lies, 1985), micro-expressions less than 0.5 s with onsets below 0.26 s (Yan et al.,
Journal of Nonverbal Behavior 2013); between these ends the quantiles are ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import combinations, product

from numpy.random import Generator

from face1d_ros.errors import InvalidValueError
from face1d_ros.synth.motion import draws
from face1d_ros.synth.motion.curves import FALLS, RISES
from face1d_ros.synth.motion.types import LABELS, NEUTRAL, Act, Expression, PersonStyle
from face1d_ros.synth.motion.units import UPPER
from face1d_ros.synth.splits import Split

RISE_S: draws.Quantiles = (0.2, 0.32, 0.45, 0.65, 1.0)
HOLD_S: draws.Quantiles = (0.12, 0.45, 0.9, 1.5, 2.5)
FALL_S: draws.Quantiles = (0.22, 0.45, 0.65, 0.95, 1.5)
STRENGTH: draws.Quantiles = (0.25, 0.5, 0.7, 0.85, 1.0)
MICRO_SHARE = 0.06
MICRO_RISE_S: draws.Quantiles = (0.08, 0.12, 0.18, 0.24)
MICRO_HOLD_S: draws.Quantiles = (0.0, 0.02, 0.06)
MICRO_FALL_S: draws.Quantiles = (0.08, 0.12, 0.18)
MICRO_STRENGTH: draws.Quantiles = (0.2, 0.3, 0.45)
MOST_ADDED = 2
"""Optional units in one variant, at most."""
STRONGER: draws.Quantiles = (0.05, 0.12, 0.3)
"""By how much one side is stronger in a variant that leans to it."""


@dataclass(frozen=True)
class Prototype:
    """Units that make an expression: one of the cores, and some of what may be added."""

    cores: tuple[tuple[str, ...], ...]
    may_add: tuple[str, ...]
    one_sided: bool = False


def _units(*numbers: int) -> tuple[str, ...]:
    return tuple(f"AU{number}" for number in numbers)


PROTOTYPES: dict[str, Prototype] = {
    "anger": Prototype(
        (_units(4, 5, 7, 23), _units(4, 5, 7, 24), _units(4, 7, 24), _units(4, 7, 23), _units(4, 5, 23)),
        _units(10, 17, 25),
    ),
    "contempt": Prototype((_units(12, 14), _units(14)), _units(10, 25), one_sided=True),
    "disgust": Prototype(
        (_units(9, 15, 16), _units(9, 17), _units(9, 10), _units(9, 10, 17), _units(10, 16, 25)), _units(4, 7, 26)
    ),
    "fear": Prototype(
        (_units(1, 2, 4, 5, 7, 20, 26), _units(1, 2, 4, 5, 20, 25), _units(1, 4, 5, 20, 25), _units(1, 2, 4, 5, 26)),
        _units(7, 27),
    ),
    "happiness": Prototype((_units(6, 12), _units(12), _units(6, 12, 25)), _units(25, 26)),
    "sadness": Prototype((_units(1, 4, 15), _units(4, 15), _units(1, 15), _units(1, 4, 15, 17)), _units(6, 7, 17)),
    "surprise": Prototype(
        (_units(1, 2, 5, 26), _units(1, 2, 5, 27), _units(1, 2, 26), _units(1, 2, 5), _units(1, 2, 27)), _units(25)
    ),
}


@dataclass(frozen=True)
class Variant:
    """One way to show an expression; its strength and durations are drawn beside it."""

    label: str
    number: int
    core: tuple[str, ...]
    added: tuple[str, ...]
    side: str
    """"both", or the side that moves more ("left", "right"); of a one-sided expression the side that moves."""
    rise: str
    fall: str
    leads: str
    """Which half of the face begins: "upper", "lower" or "both"."""

    @property
    def key(self) -> str:
        """What decides its split."""
        units = "+".join((*self.core, *self.added))
        return f"{self.label} {units} {self.side} {self.rise}/{self.fall} {self.leads}"


@cache
def variants(label: str) -> tuple[Variant, ...]:
    """All variants of an expression, by number."""
    if label not in PROTOTYPES:
        raise InvalidValueError("expression", label, f"one of {', '.join(PROTOTYPES)}")
    prototype = PROTOTYPES[label]
    sides = ("left", "right") if prototype.one_sided else ("both", "left", "right")
    recipes = product(_unit_sets(prototype), sides, RISES, FALLS, ("both", "upper", "lower"))
    return tuple(
        Variant(label, number, core, added, side, rise, fall, leads)
        for number, ((core, added), side, rise, fall, leads) in enumerate(recipes)
    )


def _unit_sets(prototype: Prototype) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Cores with what is added to them; each set of units once."""
    found: dict[frozenset[str], tuple[tuple[str, ...], tuple[str, ...]]] = {}
    for core in prototype.cores:
        free = [unit for unit in prototype.may_add if unit not in core]
        for count in range(MOST_ADDED + 1):
            for added in combinations(free, count):
                found.setdefault(frozenset(core + added), (core, added))
    return list(found.values())


@cache
def variants_of_split(label: str, split: Split) -> tuple[Variant, ...]:
    """Those that only this split shows."""
    return tuple(variant for variant in variants(label) if draws.split_of_key(variant.key) is split)


def draw_expression(rng: Generator, label: str, start_s: float, person: PersonStyle) -> Expression:
    """An expression of the generator's split that sets in at a time."""
    variant = draws.pick(rng, variants_of_split(label, draws.split_of_rng(rng)))
    micro = draws.chance(rng, MICRO_SHARE)
    strength = draws.quantile(rng, MICRO_STRENGTH if micro else STRENGTH) * person.expressivity
    strength = draws.rounded(min(strength, 1.0))
    tables = (MICRO_RISE_S, MICRO_HOLD_S, MICRO_FALL_S) if micro else (RISE_S, HOLD_S, FALL_S)
    rise_s, hold_s, fall_s = (draws.quantile(rng, table) * (1.0 if micro else person.tempo) for table in tables)
    return Expression(label, variant.number, strength, _acts(rng, variant, strength, (start_s, rise_s, hold_s, fall_s)))


def _acts(
    rng: Generator, variant: Variant, strength: float, times: tuple[float, float, float, float]
) -> tuple[Act, ...]:
    """Units set in one after the other and fade likewise, and all are held while the expression is."""
    start_s, rise_s, hold_s, fall_s = times
    top_s, lets_go_s = start_s + rise_s, start_s + rise_s + hold_s
    acts = []
    for place, unit in enumerate((*variant.core, *variant.added)):
        late_s = 0.0 if place == 0 else rise_s * draws.between(rng, 0.0, 0.12)
        if variant.leads != "both" and (unit in UPPER) is (variant.leads == "lower"):
            late_s += rise_s * draws.between(rng, 0.1, 0.3)
        early_s = (rise_s - late_s) * draws.between(rng, 0.0, 0.15)
        holds_on_s = fall_s * draws.between(rng, 0.0, 0.2)
        share = draws.between(rng, 0.75, 1.0) if unit in variant.core else draws.between(rng, 0.35, 0.9)
        left, right = _sides(rng, variant.side, strength * share, one_sided=variant.label == "contempt")
        begins_s, held_s = start_s + late_s, top_s - early_s
        acts.append(
            Act(
                unit,
                draws.rounded(begins_s),
                draws.rounded(held_s - begins_s),
                draws.rounded(lets_go_s + holds_on_s - held_s),
                draws.rounded(fall_s * draws.between(rng, 0.8, 1.0)),
                left,
                right,
                RISES[variant.rise],
                FALLS[variant.fall],
            )
        )
    return tuple(acts)


def _sides(rng: Generator, side: str, amount: float, one_sided: bool) -> tuple[float, float]:
    """Activation of left and right."""
    if side == "both":
        return draws.rounded(amount), draws.rounded(amount)
    weaker = draws.between(rng, 0.0, 0.15) if one_sided else 1.0 - draws.quantile(rng, STRONGER)
    pair = (draws.rounded(amount), draws.rounded(amount * weaker))
    return pair if side == "left" else (pair[1], pair[0])


def draw_label(rng: Generator) -> str:
    """Any of the seven expressions."""
    return draws.pick(rng, [label for place, label in enumerate(LABELS) if place != NEUTRAL])
