"""Motions that users choose, and their repetitions."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from face1d_ros.errors import InvalidValueError
from face1d_ros.synth.motion.evaluate import evaluate
from face1d_ros.synth.motion.free import GESTURES, VARIATIONS, draw_motion_definition, repetition
from face1d_ros.synth.motion.types import NONE, MotionDefinition, MotionPlan
from face1d_ros.synth.motion.units import COEFFICIENTS, UNITS
from face1d_ros.synth.splits import Split, SplitGenerator

NUMBERS = range(40)


def definition(number: int, split: Split = Split.TRAIN) -> MotionDefinition:
    return draw_motion_definition(SplitGenerator(split, number), 1 + number)


def long_definition() -> MotionDefinition:
    """One of at least three steps."""
    return next(d for d in map(definition, NUMBERS) if d.signature.count(",") >= 2)


def repeated(chosen: MotionDefinition, variation: str, number: int = 0) -> MotionPlan:
    return repetition(chosen, SplitGenerator(Split.TRAIN, 99, number), variation)


def test_gestures_are_made_of_known_units_and_fit_together() -> None:
    for gesture in GESTURES.values():
        assert {unit for unit, _ in gesture.units} <= set(UNITS)
        assert gesture.sides in ("both", "one", "either")


def test_no_motion_is_in_two_splits_and_all_last_1_to_4_s() -> None:
    signatures = []
    for split in Split:
        found = [definition(number, split) for number in range(150)]
        signatures.append({one.signature for one in found})
        assert all(1.0 - 1e-5 <= one.duration_s <= 4.0 + 1e-5 for one in found)
        assert len(signatures[-1]) > 100
    assert all(not one & other for one, other in combinations(signatures, 2))


def test_repetitions_differ_a_little_and_stay_nearer_to_their_own_motion() -> None:
    chosen = [definition(number) for number in range(10)]
    tracks = [[resampled(repeated(one, "natural", number)) for number in range(2)] for one in chosen]
    same = [np.abs(first - second).mean() for first, second in tracks]
    other = [np.abs(one[0] - two[1]).mean() for one, two in combinations(tracks, 2)]
    assert min(same) > 1e-4
    assert np.median(same) < 0.5 * np.median(other)


def resampled(plan: MotionPlan) -> np.ndarray:
    """(60, K) the moving part in equal steps; blinks, gaze and idle motion left out."""
    bare = MotionPlan("free", plan.duration_s, plan.person, free=plan.free)
    acts = plan.free[0].acts
    span = min(act.start_s for act in acts), max(act.end_s for act in acts)
    return evaluate(bare, np.linspace(*span, 60), COEFFICIENTS).expression


@pytest.mark.parametrize("variation", VARIATIONS)
def test_every_variation_is_the_same_motion_under_its_name(variation: str) -> None:
    chosen = long_definition()
    plan = repeated(chosen, variation)
    motion = evaluate(plan, np.arange(0.0, plan.duration_s, 0.01), COEFFICIENTS)
    assert (plan.free[0].motion_id, plan.free[0].variation) == (chosen.motion_id, variation)
    assert set(np.unique(motion.motion_id)) <= {0, chosen.motion_id}
    assert np.array_equal(motion.label == NONE, motion.motion_id != 0)
    assert {act.unit for act in plan.free[0].acts} <= {act.unit for act in chosen.acts}


def active_share(plan: MotionPlan) -> float:
    acts = plan.free[0].acts
    return (max(act.end_s for act in acts) - min(act.start_s for act in acts)) / plan.duration_s


def test_a_flash_leaves_most_frames_neutral_and_a_trimmed_clip_next_to_none() -> None:
    for number in NUMBERS:
        chosen = definition(number)
        assert active_share(repeated(chosen, "trimmed", number)) > 0.75
        assert active_share(repeated(chosen, "flash", number)) < 0.3


def test_an_end_at_the_peak_shows_the_last_part_held() -> None:
    for number in NUMBERS:
        plan = repeated(definition(number), "ends at peak", number)
        last = max(plan.free[0].acts, key=lambda act: act.start_s + act.rise_s)
        assert last.start_s + last.rise_s <= plan.duration_s <= last.start_s + last.rise_s + last.hold_s


def test_speed_and_strength_vary_as_named() -> None:
    chosen = long_definition()
    spans = {name: active_share(p) * p.duration_s for name in VARIATIONS for p in [repeated(chosen, name)]}
    assert spans["flash"] < spans["faster"] < spans["natural"] < spans["slower"]
    peaks = {
        name: np.mean([max(act.left, act.right) for act in repeated(chosen, name).free[0].acts]) for name in VARIATIONS
    }
    assert peaks["weaker"] < 0.8 * peaks["natural"] < 1.2 * peaks["stronger"]


def test_a_part_is_left_out_or_differs() -> None:
    chosen = long_definition()
    whole, lacking, other = (
        repeated(chosen, name).free[0].acts for name in ("natural", "part left out", "part differs")
    )
    assert {act.unit for act in lacking} < {act.unit for act in whole} or len(lacking) < len(whole)
    assert len(other) == len(whole)
    changed = [
        (one.left > 0.0, one.right > 0.0) != (two.left > 0.0, two.right > 0.0)
        for one, two in zip(whole, other, strict=True)
    ]
    assert 0 < sum(changed) < len(changed)


def test_an_unknown_variation_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="'backwards', expected one of natural, faster"):
        repeated(long_definition(), "backwards")
