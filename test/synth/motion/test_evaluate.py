"""Values of plans: pure, bounded, the same at any rate; plans are plain data of one split."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from face1d_ros.errors import InvalidValueError
from face1d_ros.synth.motion.evaluate import evaluate
from face1d_ros.synth.motion.expressions import variants_of_split
from face1d_ros.synth.motion.person import draw_person
from face1d_ros.synth.motion.scenario import draw_motion
from face1d_ros.synth.motion.types import LABELS, NONE, SCENARIOS, Motion, MotionPlan, PersonStyle
from face1d_ros.synth.motion.units import COEFFICIENTS
from face1d_ros.synth.plan_json import plan_json, plan_sha256, read_plan
from face1d_ros.synth.splits import Split, SplitGenerator
from face1d_ros.types import Phase

STAMPS = np.arange(0.0, 12.0, 1.0 / 60.0)
FIELDS = ("expression", "gaze_rad", "label", "intensity", "phase", "motion_id")


def plan_of(scenario: str, number: int = 0, split: Split = Split.TRAIN) -> MotionPlan:
    rng = SplitGenerator(split, number)
    return draw_motion(rng, scenario, 12.0, draw_person(rng, palsy=0.5))


def largest_difference(one: Motion, other: Motion) -> float:
    return max(float(np.abs(getattr(one, name) - getattr(other, name)).max()) for name in FIELDS)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_same_seed_gives_the_same_plan_and_values(scenario: str) -> None:
    plans = [plan_of(scenario) for _ in range(2)]
    assert plans[0] == plans[1]
    assert plan_sha256(plans[0]) == plan_sha256(plans[1]) != plan_sha256(plan_of(scenario, 1))
    assert largest_difference(*(evaluate(plan, STAMPS, COEFFICIENTS) for plan in plans)) == 0.0


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_plans_are_plain_data_that_json_gives_back(scenario: str) -> None:
    plan = plan_of(scenario, 2)
    assert read_plan(MotionPlan, plan_json(plan)) == plan


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_stamps_value_does_not_depend_on_the_other_stamps(scenario: str) -> None:
    plan = plan_of(scenario, 3)
    whole = evaluate(plan, STAMPS, COEFFICIENTS)
    chosen = np.arange(5, len(STAMPS), 7)
    part = evaluate(plan, STAMPS[chosen], COEFFICIENTS)
    assert np.abs(part.expression - whole.expression[chosen]).max() < 1e-5
    assert np.abs(part.gaze_rad - whole.gaze_rad[chosen]).max() < 1e-6
    assert np.array_equal(part.label, whole.label[chosen])
    assert np.array_equal(part.phase, whole.phase[chosen])


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_values_have_their_shapes_types_and_ranges(scenario: str) -> None:
    for number in range(4):
        motion = evaluate(plan_of(scenario, number), STAMPS, COEFFICIENTS)
        assert motion.expression.shape == (len(STAMPS), 53)
        assert motion.gaze_rad.shape == (len(STAMPS), 2)
        types = [getattr(motion, name).dtype for name in FIELDS]
        assert types == [np.float32, np.float32, np.int8, np.float32, np.int8, np.int32]
        assert np.isfinite(motion.expression).all()
        assert motion.expression.min() >= 0.0
        assert motion.expression.max() <= 1.0
        assert (motion.phase[motion.label <= 0] == Phase.NEUTRAL).all()
        assert (motion.phase[motion.label > 0] > Phase.NEUTRAL).all()
        assert (motion.intensity[motion.label == NONE] == 0.0).all()


def test_each_scenario_shows_what_it_says() -> None:
    labels = {
        scenario: {
            int(label)
            for number in range(6)
            for label in np.unique(evaluate(plan_of(scenario, number), STAMPS, COEFFICIENTS).label)
        }
        for scenario in SCENARIOS
    }
    assert labels["idle"] == {0}
    assert labels["speech"] == labels["free"] == {NONE, 0}
    assert len(labels["expressions"]) > 5
    assert NONE not in labels["expressions"]
    assert labels["mixed"] >= {NONE, 0}
    assert len(labels["mixed"]) > 4


def test_motion_never_jumps() -> None:
    stamps = np.arange(0.0, 12.0, 1.0 / 480.0)
    for scenario in SCENARIOS:
        motion = evaluate(plan_of(scenario, 5), stamps, COEFFICIENTS)
        fastest = np.abs(np.diff(motion.expression, axis=0)).max()
        assert fastest < 0.16, (
            scenario
        )  # a blink that closes in 50 ms moves at most 1.875 / 24 a step; saccades twice that


@pytest.mark.parametrize("split", Split)
def test_expressions_belong_to_the_generators_split(split: Split) -> None:
    for number in range(5):
        for expression in plan_of("expressions", number, split).expressions:
            numbers = {variant.number for variant in variants_of_split(expression.label, split)}
            assert expression.variant in numbers


def test_names_in_another_order_or_among_others_give_the_same_columns() -> None:
    plan = plan_of("mixed", 1)
    usual = evaluate(plan, STAMPS, COEFFICIENTS).expression
    other = evaluate(plan, STAMPS, ("tongueOut", *COEFFICIENTS[::-1])).expression
    assert np.abs(other[:, :0:-1] - usual).max() < 1e-6
    assert (other[:, 0] == 0.0).all()


def test_an_empty_plan_is_a_still_neutral_face() -> None:
    motion = evaluate(MotionPlan("idle", 1.0), STAMPS[:9], COEFFICIENTS)
    assert not motion.expression.any()
    assert not motion.gaze_rad.any()
    assert (motion.label == LABELS.index("neutral")).all()


def test_no_stamps_give_no_frames() -> None:
    for scenario in SCENARIOS:
        assert evaluate(plan_of(scenario), np.empty(0), COEFFICIENTS).expression.shape == (0, 53)


@pytest.mark.parametrize("stamps", [np.zeros((2, 2)), np.array([0.0, np.nan]), np.array([1.0, 0.5])])
def test_stamps_that_are_no_time_are_refused(stamps: np.ndarray) -> None:
    with pytest.raises(InvalidValueError, match="ascending seconds"):
        evaluate(MotionPlan("idle", 1.0), stamps, COEFFICIENTS)


@pytest.mark.parametrize(("scenario", "duration_s"), [("dance", 5.0), ("idle", 0.0), ("idle", float("nan"))])
def test_plans_that_cannot_be_are_refused(scenario: str, duration_s: float) -> None:
    with pytest.raises(InvalidValueError):
        draw_motion(SplitGenerator(Split.TRAIN, 0), scenario, duration_s, PersonStyle())


def test_a_weak_person_is_labelled_like_any_other() -> None:
    plan = plan_of("expressions", 4)
    healthy = replace(plan, person=replace(plan.person, palsy=None))
    one, other = (evaluate(each, STAMPS, COEFFICIENTS) for each in (plan, healthy))
    assert np.array_equal(one.label, other.label)
    assert np.array_equal(one.intensity, other.intensity)
