"""Motions that users choose for themselves, and their repetitions: gestures at once and one after the other, 1 to 4 s.

A repetition varies as people do: speed, strength, start and end, and each part a little on its own. Most of the named
variations beside the natural one are those that facial motion verification failed on (Sun et al., Electronics 2022,
Section 4.1): flash motions, an end at the peak, another intensity, one part that is different.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from numpy.random import Generator

from face1d_ros.errors import InvalidValueError
from face1d_ros.synth.motion import draws
from face1d_ros.synth.motion.curves import FALLS, RISES
from face1d_ros.synth.motion.living import living
from face1d_ros.synth.motion.types import SIDES, Act, Curve, FreeMotion, MotionDefinition, MotionPlan, PersonStyle


@dataclass(frozen=True)
class Gesture:
    """What people do with a part of the face when asked for a motion of their own."""

    area: str
    """Gestures that are made at once are of different areas."""
    units: tuple[tuple[str, float], ...]
    sides: str = "both"
    """"both", "one", or "either": on both sides or on one."""


GESTURES: dict[str, Gesture] = {
    "raise brows": Gesture("brows", (("AU1", 1.0), ("AU2", 1.0)), "either"),
    "knit brows": Gesture("brows", (("AU4", 1.0),)),
    "inner brows": Gesture("brows", (("AU1", 1.0), ("AU4", 0.6))),
    "close eyes": Gesture("eyes", (("AU45", 1.0), ("AU7", 0.4))),
    "wink": Gesture("eyes", (("AU45", 1.0), ("AU6", 0.5)), "one"),
    "squint": Gesture("eyes", (("AU7", 1.0), ("AU6", 0.5)), "either"),
    "widen eyes": Gesture("eyes", (("AU5", 1.0),)),
    "wrinkle nose": Gesture("nose", (("AU9", 1.0),), "either"),
    "raise lip": Gesture("mouth", (("AU10", 1.0),), "either"),
    "smile": Gesture("mouth", (("AU12", 1.0), ("AU6", 0.4)), "either"),
    "grin": Gesture("mouth", (("AU12", 1.0), ("AU25", 1.0))),
    "dimple": Gesture("mouth", (("AU14", 1.0),), "either"),
    "corners down": Gesture("mouth", (("AU15", 1.0), ("AU17", 0.5)), "either"),
    "bare teeth": Gesture("mouth", (("AU16", 1.0), ("AU10", 0.7))),
    "pout": Gesture("mouth", (("AU18", 0.9), ("AU17", 0.4))),
    "stretch lips": Gesture("mouth", (("AU20", 1.0),)),
    "funnel": Gesture("mouth", (("AU22", 0.9), ("AU26", 0.5))),
    "press lips": Gesture("mouth", (("AU24", 1.0),)),
    "suck lips": Gesture("mouth", (("AU28", 0.9),)),
    "open mouth": Gesture("mouth", (("AU27", 0.9),)),
    "chew": Gesture("mouth", (("AU26", 0.8), ("AU30", 0.8)), "one"),
    "jaw forward": Gesture("mouth", (("AU29", 0.9),)),
    "puff cheeks": Gesture("mouth", (("AU34", 0.9), ("AU24", 0.4)), "either"),
    "shift lips": Gesture("mouth", (("shift", 0.9), ("AU18", 0.6)), "one"),
}
"""Units and their weights by gesture."""
ONE_SIDE_SHARE = 0.4
"""Of gestures that can be made either way."""

STEPS = (1, 2, 2, 3, 3, 4)
TOGETHER_SHARE = 0.3
"""Of steps that are two gestures at once."""
RISE_S: draws.Quantiles = (0.15, 0.22, 0.32, 0.5)
HOLD_S: draws.Quantiles = (0.05, 0.15, 0.35, 0.7)
FALL_S: draws.Quantiles = (0.15, 0.25, 0.35, 0.55)
SHORTEST_S, LONGEST_S = 1.0, 4.0


def draw_motion_definition(rng: Generator, motion_id: int) -> MotionDefinition:
    """A motion of the generator's split: no other split has one with the same gestures in the same order."""
    split = draws.split_of_rng(rng)
    while True:
        steps = _draw_steps(rng)
        signature = ", ".join(" + ".join(step) for step in steps)
        if draws.split_of_key(f"free {signature}") is split:
            return MotionDefinition(motion_id, signature, _timed(rng, steps))


def _draw_steps(rng: Generator) -> list[tuple[str, ...]]:
    """One gesture a step, or two of different areas; none twice in a row."""
    steps: list[tuple[str, ...]] = []
    count = draws.pick(rng, STEPS)
    while len(steps) < count:
        gestures = {_draw_gesture(rng) for _ in range(2 if draws.chance(rng, TOGETHER_SHARE) else 1)}
        areas = {_gesture_of(name)[0].area for name in gestures}
        if len(areas) == len(gestures) and not (steps and gestures & set(steps[-1])):
            steps.append(tuple(sorted(gestures)))
    return steps


def _draw_gesture(rng: Generator) -> str:
    """Its name, with its side if it is made on one."""
    name = draws.pick(rng, list(GESTURES))
    sides = GESTURES[name].sides
    one_side = sides == "one" or (sides == "either" and draws.chance(rng, ONE_SIDE_SHARE))
    return f"{name} {draws.pick(rng, SIDES)}" if one_side else name


def _gesture_of(name: str) -> tuple[Gesture, str]:
    """The gesture, and its side or none."""
    if name in GESTURES:
        return GESTURES[name], ""
    gesture, _, side = name.rpartition(" ")
    return GESTURES[gesture], side


def _timed(rng: Generator, steps: Sequence[tuple[str, ...]]) -> tuple[Act, ...]:
    """Steps follow one another with some overlap or rest; the whole is stretched into its range of durations."""
    acts: list[Act] = []
    time_s = 0.0
    for step in steps:
        rise_s, hold_s, fall_s = (draws.quantile(rng, table) for table in (RISE_S, HOLD_S, FALL_S))
        shape = RISES[draws.pick(rng, list(RISES))], FALLS[draws.pick(rng, list(FALLS))]
        for gesture in step:
            strength = draws.between(rng, 0.55, 1.0)
            acts.extend(_gesture(gesture, (time_s, rise_s, hold_s, fall_s), strength, shape))
        time_s += rise_s + hold_s + fall_s * draws.between(rng, 0.3, 1.2)
    duration_s = max(act.end_s for act in acts)
    return tuple(_stretched(act, min(max(duration_s, SHORTEST_S), LONGEST_S) / duration_s) for act in acts)


def _gesture(
    name: str, times: tuple[float, float, float, float], strength: float, shape: tuple[Curve, Curve]
) -> list[Act]:
    gesture, side = _gesture_of(name)
    acts = []
    for unit, weight in gesture.units:
        amount = draws.rounded(strength * weight)
        left, right = (0.0 if side == other else amount for other in ("right", "left"))
        acts.append(Act(unit, *times, left, right, *shape))
    return acts


def _stretched(act: Act, factor: float, shift_s: float = 0.0) -> Act:
    """That many times as slow, and later."""
    start_s, rise_s, hold_s, fall_s = (
        draws.rounded(factor * time_s) for time_s in (act.start_s, act.rise_s, act.hold_s, act.fall_s)
    )
    start_s = draws.rounded(start_s + shift_s)
    return replace(act, start_s=start_s, rise_s=rise_s, hold_s=hold_s, fall_s=fall_s)


def made_of(motion: FreeMotion) -> str:
    """Its units in the order of its steps, with the sides that make them: equal for repetitions of one motion."""
    steps: dict[float, list[str]] = {}
    for act in (act for act in motion.acts if act.left or act.right):
        side = "" if act.left and act.right else " left" if act.left else " right"
        steps.setdefault(act.start_s, []).append(act.unit + side)
    return ", ".join(" + ".join(sorted(steps[start_s])) for start_s in sorted(steps))


@dataclass(frozen=True)
class Variation:
    """Ranges that a repetition is drawn from."""

    tempo: tuple[float, float] = (0.85, 1.18)
    """Factor of all durations."""
    strength: tuple[float, float] = (0.85, 1.12)
    """Factor of all activations."""
    rest_s: tuple[float, float] = (0.3, 1.0)
    """Neutral face before and after."""
    rest_of_motion: float = 0.0
    """As much of the motion's duration at least."""
    part: float = 0.1
    """By how much each part may differ on its own, in strength and durations."""
    ends_at_peak: bool = False
    lacks_part: bool = False
    swaps_part: bool = False
    """One part is made by the other side, or by the left one instead of both."""


VARIATIONS: Mapping[str, Variation] = {
    "natural": Variation(),
    "faster": Variation(tempo=(0.55, 0.75)),
    "slower": Variation(tempo=(1.3, 1.7)),
    "weaker": Variation(strength=(0.45, 0.7)),
    "stronger": Variation(strength=(1.25, 1.5)),
    "trimmed": Variation(rest_s=(0.0, 0.1)),
    "flash": Variation(tempo=(0.3, 0.4), rest_s=(0.6, 1.5), rest_of_motion=1.3),
    "ends at peak": Variation(ends_at_peak=True),
    "part left out": Variation(lacks_part=True),
    "part differs": Variation(swaps_part=True),
}


def repetition(
    definition: MotionDefinition, rng: Generator, variation: str = "natural", person: PersonStyle | None = None
) -> MotionPlan:
    """The motion once more, by this person, as one of VARIATIONS."""
    person = person or PersonStyle()
    motion, duration_s = make_again(definition, rng, variation)
    return replace(living(rng, "free", duration_s, person), free=(motion,))


def make_again(definition: MotionDefinition, rng: Generator, variation: str) -> tuple[FreeMotion, float]:
    """The motion alone, and when its clip ends."""
    if variation not in VARIATIONS:
        raise InvalidValueError("variation", variation, f"one of {', '.join(VARIATIONS)}")
    how = VARIATIONS[variation]
    acts = _varied(rng, definition.acts, how)
    span_s = max(act.end_s for act in acts)
    before_s, after_s = (max(draws.between(rng, *how.rest_s), how.rest_of_motion * span_s) for _ in range(2))
    acts = tuple(_stretched(act, 1.0, before_s) for act in acts)
    end_s = before_s + span_s + after_s
    if how.ends_at_peak:
        last = max(acts, key=lambda act: act.start_s + act.rise_s)
        end_s = last.start_s + last.rise_s + 0.5 * last.hold_s
    return FreeMotion(definition.motion_id, variation, acts), draws.rounded(end_s)


def _varied(rng: Generator, acts: tuple[Act, ...], how: Variation) -> tuple[Act, ...]:
    tempo, strength = draws.between(rng, *how.tempo), draws.between(rng, *how.strength)
    starts = sorted({act.start_s for act in acts})
    chosen = draws.pick(rng, starts)
    found = []
    for begins_s in starts:
        own_strength = strength * draws.between(rng, 1.0 - how.part, 1.0 + how.part)
        own_tempo = tempo * draws.between(rng, 1.0 - how.part, 1.0 + how.part)
        late_s = tempo * draws.between(rng, -0.06, 0.06) if begins_s > 0.0 else 0.0
        if how.lacks_part and len(starts) > 1 and begins_s == chosen:
            continue
        for act in (act for act in acts if act.start_s == begins_s):
            moved = _stretched(replace(act, start_s=0.0), own_tempo, max(tempo * begins_s + late_s, 0.0))
            moved = _scaled(moved, own_strength)
            found.append(_other_side(moved) if how.swaps_part and begins_s == chosen else moved)
    return tuple(found)


def _scaled(act: Act, strength: float) -> Act:
    return replace(
        act, left=draws.rounded(min(act.left * strength, 1.0)), right=draws.rounded(min(act.right * strength, 1.0))
    )


def _other_side(act: Act) -> Act:
    """A part made on one side is made on the other, one made on both sides on the left alone."""
    if act.left and act.right:
        return replace(act, right=0.0)
    return replace(act, left=act.right, right=act.left)
