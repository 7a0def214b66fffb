"""Whole sequences: what somebody shows, says or does in a given time, one thing after the other."""

from __future__ import annotations

from dataclasses import replace

from numpy.random import Generator

from face1d_ros.errors import InvalidValueError
from face1d_ros.synth.motion import draws
from face1d_ros.synth.motion.expressions import draw_expression, draw_label
from face1d_ros.synth.motion.free import draw_motion_definition, make_again
from face1d_ros.synth.motion.living import living
from face1d_ros.synth.motion.speech import draw_utterance
from face1d_ros.synth.motion.types import SCENARIOS, Act, Expression, FreeMotion, MotionPlan, PersonStyle, Utterance
from face1d_ros.synth.splits import IDS_A_SPLIT, first_id

FIRST_REST_S: draws.Quantiles = (0.2, 0.5, 0.8, 1.5)
REST_S: draws.Quantiles = (0.3, 0.6, 1.0, 1.6, 3.0)
UTTERANCE_S: draws.Quantiles = (1.0, 1.8, 2.8, 4.0, 6.0)
IDLE_S: draws.Quantiles = (1.0, 2.0, 4.0)
BLINK_RATE = {"speech": 1.6, "mixed": 1.2}
"""People blink more often in conversation (see `blinks`)."""
KINDS = {
    "expressions": ("expression",),
    "speech": ("speech",),
    "free": ("free",),
    "mixed": ("expression", "expression", "speech", "free", "idle"),
    "idle": (),
}
SHORTEST_ROOM_S = 0.6
"""With less time left nothing begins any more."""


def draw_motion(rng: Generator, scenario: str, duration_s: float, person: PersonStyle) -> MotionPlan:
    """A plan of one of SCENARIOS; whatever is drawn belongs to the generator's split."""
    if scenario not in SCENARIOS:
        raise InvalidValueError("scenario", scenario, f"one of {', '.join(SCENARIOS)}")
    if not duration_s > 0.0:
        raise InvalidValueError("duration_s", duration_s, "more than 0 s")
    plan = living(rng, scenario, duration_s, person, BLINK_RATE.get(scenario, 1.0))
    expressions: list[Expression] = []
    free: list[FreeMotion] = []
    speech: list[Utterance] = []
    time_s = draws.quantile(rng, FIRST_REST_S)
    while KINDS[scenario] and time_s < duration_s - SHORTEST_ROOM_S:
        kind = draws.pick(rng, KINDS[scenario])
        if kind == "expression":
            expressions.append(draw_expression(rng, draw_label(rng), draws.rounded(time_s), person))
            time_s = _end_s(expressions[-1].acts)
        elif kind == "speech":
            speech.append(draw_utterance(rng, time_s, draws.quantile(rng, UTTERANCE_S), person))
            time_s = speech[-1].end_s
        elif kind == "free":
            free.append(_free_motion(rng, time_s))
            time_s = _end_s(free[-1].acts)
        else:
            time_s += draws.quantile(rng, IDLE_S)
        time_s += draws.quantile(rng, REST_S)
    return replace(plan, expressions=tuple(expressions), free=tuple(free), speech=tuple(speech))


def _free_motion(rng: Generator, start_s: float) -> FreeMotion:
    definition = draw_motion_definition(rng, _id_of_its_own(rng))
    made, _ = make_again(definition, rng, "natural")
    return replace(made, acts=tuple(replace(act, start_s=draws.rounded(act.start_s + start_s)) for act in made.acts))


def _id_of_its_own(rng: Generator) -> int:
    """From the upper half of the split's ids; the lower half is for numbered definitions."""
    half = IDS_A_SPLIT // 2
    return first_id(draws.split_of_rng(rng)) + half + int(rng.integers(half))


def _end_s(acts: tuple[Act, ...]) -> float:
    return max(act.end_s for act in acts)
