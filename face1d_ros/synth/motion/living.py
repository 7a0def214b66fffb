"""What every living face does, whatever else it shows: it blinks, looks about and is never quite still."""

from __future__ import annotations

from numpy.random import Generator

from face1d_ros.synth.motion import draws
from face1d_ros.synth.motion.blinks import draw_blinks
from face1d_ros.synth.motion.gaze import draw_gaze
from face1d_ros.synth.motion.types import Drift, MotionPlan, PersonStyle

IDLE_AMOUNT: draws.Quantiles = (0.4, 0.8, 1.0, 1.3, 2.0)


def living(
    rng: Generator, scenario: str, duration_s: float, person: PersonStyle, blink_rate: float = 1.0
) -> MotionPlan:
    """A plan of nothing but blinks, gaze and idle motion."""
    return MotionPlan(
        scenario,
        draws.rounded(duration_s),
        person,
        blinks=draw_blinks(rng, duration_s, person, blink_rate),
        gaze=draw_gaze(rng, duration_s, person),
        idle=Drift(draws.seed(rng), draws.rounded(person.restlessness * draws.quantile(rng, IDLE_AMOUNT))),
    )
