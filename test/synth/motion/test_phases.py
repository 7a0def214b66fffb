"""Phases: exact times, and what frames say."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from face1d_ros.synth.motion.curves import RISES
from face1d_ros.synth.motion.evaluate import evaluate
from face1d_ros.synth.motion.person import draw_person
from face1d_ros.synth.motion.phases import phase_times
from face1d_ros.synth.motion.scenario import draw_motion
from face1d_ros.synth.motion.types import LABELS, Act, Expression, MotionPlan
from face1d_ros.synth.motion.units import COEFFICIENTS
from face1d_ros.synth.splits import Split, SplitGenerator
from face1d_ros.types import Phase

ACT = Act("AU12", start_s=1.0, rise_s=0.5, hold_s=1.0, fall_s=1.0, left=0.6, right=0.6)
PLAN = MotionPlan("expressions", 5.0, expressions=(Expression("happiness", 0, 0.6, (ACT,)),))
ROOTS = np.roots([6.0, -15.0, 10.0, 0.0, 0.0, -0.05])
PART_AT_5 = float(next(root.real for root in ROOTS if abs(root.imag) < 1e-9 and 0.0 < root.real < 1.0))
"""Of a minimum-jerk ramp, where it has made 5 % of its way; 95 % is as far from its end."""


def test_times_are_where_the_curve_crosses_5_and_95_percent() -> None:
    (times,) = phase_times(PLAN)
    expected = (1.0 + 0.5 * PART_AT_5, 1.5 - 0.5 * PART_AT_5, 2.5 + PART_AT_5, 3.5 - PART_AT_5)
    assert (times.onset_s, times.apex_s, times.offset_s, times.end_s) == pytest.approx(expected, abs=1e-4)
    assert times.label == "happiness"


@pytest.mark.parametrize("rate_hz", [10, 33, 120])
def test_frames_have_the_phase_of_their_time_at_any_rate(rate_hz: int) -> None:
    stamps = np.arange(0.0, 5.0, 1.0 / rate_hz)
    motion = evaluate(PLAN, stamps, COEFFICIENTS)
    (t,) = phase_times(PLAN)
    inside = (stamps >= t.onset_s) & (stamps <= t.end_s)
    assert np.array_equal(motion.label == LABELS.index("happiness"), inside)
    assert np.array_equal(motion.phase == Phase.ONSET, inside & (stamps < t.apex_s))
    assert np.array_equal(motion.phase == Phase.APEX, (stamps >= t.apex_s) & (stamps <= t.offset_s))
    assert np.array_equal(motion.phase == Phase.OFFSET, inside & (stamps > t.offset_s))
    assert (motion.phase[~inside] == Phase.NEUTRAL).all()
    assert (motion.label[~inside] == 0).all()


def test_intensity_is_the_strength_at_the_apex_and_nothing_at_rest() -> None:
    motion = evaluate(PLAN, np.array([0.5, 1.25, 2.0, 3.0, 4.0]), COEFFICIENTS)
    assert motion.intensity == pytest.approx([0.0, 0.3, 0.6, 0.3, 0.0])
    assert motion.expression[2, COEFFICIENTS.index("mouthSmile_L")] == pytest.approx(0.6)


def test_units_that_set_in_later_move_the_apex() -> None:
    late = replace(ACT, unit="AU6", start_s=1.3, hold_s=0.7)
    (times,) = phase_times(replace(PLAN, expressions=(Expression("happiness", 0, 0.6, (ACT, late)),)))
    (alone,) = phase_times(PLAN)
    assert times.onset_s > alone.onset_s
    assert times.apex_s == pytest.approx(1.8 - 0.5 * half_way_left(), abs=1e-4)


def half_way_left() -> float:
    """The other unit is at its full half by then: where the late one has 90 %."""
    roots = np.roots([6.0, -15.0, 10.0, 0.0, 0.0, -0.1])
    return float(next(root.real for root in roots if abs(root.imag) < 1e-9 and 0.0 < root.real < 1.0))


def test_an_overshoot_is_part_of_the_apex() -> None:
    plan = replace(PLAN, expressions=(Expression("happiness", 0, 0.6, (replace(ACT, rise=RISES["overshoot"]),)),))
    motion = evaluate(plan, np.arange(0.0, 5.0, 0.01), COEFFICIENTS)
    assert motion.intensity.max() == pytest.approx(0.6)
    assert motion.expression[:, COEFFICIENTS.index("mouthSmile_L")].max() > 0.63
    changes = motion.phase[1:][np.diff(motion.phase) != 0]
    assert changes.tolist() == [Phase.ONSET, Phase.APEX, Phase.OFFSET, Phase.NEUTRAL]


def test_what_comes_after_the_plans_end_never_comes() -> None:
    (times,) = phase_times(replace(PLAN, duration_s=2.0))
    assert times.apex_s < 2.0
    assert (times.offset_s, times.end_s) == (math.inf, math.inf)


@pytest.mark.parametrize("number", range(8))
def test_every_drawn_expression_goes_through_all_phases_in_their_order(number: int) -> None:
    rng = SplitGenerator(Split.TRAIN, number)
    plan = draw_motion(rng, "expressions", 20.0, draw_person(rng))
    stamps = np.arange(0.0, 20.0, 1.0 / 240.0)
    motion = evaluate(plan, stamps, COEFFICIENTS)
    assert plan.expressions
    for expression, times in zip(plan.expressions, phase_times(plan), strict=True):
        assert times.onset_s < times.apex_s <= times.offset_s or math.isinf(times.offset_s)
        if math.isinf(times.end_s):
            continue
        frames = (stamps >= times.onset_s) & (stamps <= times.end_s)
        assert (motion.label[frames] == LABELS.index(expression.label)).all()
        phases = motion.phase[frames]
        assert [*dict.fromkeys(phases.tolist())] == [Phase.ONSET, Phase.APEX, Phase.OFFSET]
        assert (np.diff(phases) >= 0).all()
        apex = motion.intensity[frames][phases == Phase.APEX]
        assert apex.max() == pytest.approx(expression.strength, rel=1e-3)
