"""The same motions under harder conditions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from face1d_ros.errors import InvalidValueError
from face1d_ros.evaluate.identity_clips import ClipMaker
from face1d_ros.evaluate.identity_conditions import (
    FLASH,
    LIPS_PLAN,
    NOISE,
    NOISE_FACTOR,
    SLOW,
    TURNED,
    YAW_RAD,
    SequenceMaker,
    Wanted,
    at_rate,
    flash_count,
    flash_plan,
    noisier,
    robust_numbers,
    turned,
)
from face1d_ros.synth.corpus.fixed_sets import load_small_test_set, select
from face1d_ros.synth.motion.head import evaluate_head
from face1d_ros.synth.noise.observe import load_noise_model
from face1d_ros.synth.sequence import Sequence


@pytest.fixture(scope="module")
def sequence() -> Sequence:
    return select(load_small_test_set(), "repeated")[0]


def test_trembling_is_doubled_and_what_is_always_wrong_is_not(sequence: Sequence) -> None:
    drawn = [
        noisier(replace(sequence, plan=replace(sequence.plan, noise=replace(sequence.plan.noise, seed=seed))),
                load_noise_model()).observed - sequence.observed
        for seed in range(3)
    ]  # fmt: skip
    seen = sequence.seen & sequence.present
    added = np.stack(drawn)[:, seen]
    before = np.diff((sequence.observed - sequence.clean_px)[seen], axis=0)
    steps = np.diff(added, axis=1)
    both = before.std() ** 2 + steps.std() ** 2
    assert np.sqrt(both) / before.std() == pytest.approx(NOISE_FACTOR, abs=0.5)
    assert np.abs(added.mean(axis=(0, 1, 2))).max() < 0.5 * added.std()


def test_what_was_not_seen_stays_unseen(sequence: Sequence) -> None:
    gone = replace(sequence, observed=np.where(np.arange(len(sequence))[:, None, None] < 5, np.nan, sequence.observed))
    found = noisier(gone, load_noise_model()).observed
    assert np.isnan(found[:5]).all() and np.isfinite(found[5:][sequence.seen[5:]]).all()


def test_a_slower_camera_sees_every_second_frame(sequence: Sequence) -> None:
    source = load_small_test_set()
    number = next(i for i, one in enumerate(source) if one.name == sequence.name)
    slow = SequenceMaker(source, None, load_noise_model()).make(Wanted(number, SLOW))
    assert len(slow) == -(-len(sequence) // 2) and slow.plan.camera.rate_hz == 15.0


def test_heads_turn_as_far_to_both_sides_as_was_asked(sequence: Sequence) -> None:
    plan = turned(sequence.plan, YAW_RAD)
    still = replace(plan.head, amplitude=0.0)
    yaw = evaluate_head(still, np.arange(0.0, plan.duration_s, 0.02)).yaw_pitch_roll_rad[:, 0]
    assert np.abs(yaw).max() == pytest.approx(YAW_RAD, abs=0.02) and yaw.max() * yaw.min() < 0.0


def test_a_faster_camera_exposes_for_less_than_a_frame(sequence: Sequence) -> None:
    plan = replace(sequence.plan, noise=replace(sequence.plan.noise, exposure_s=0.03))
    fast = at_rate(plan, 60.0)
    assert fast.camera.rate_hz == 60.0 and fast.noise.exposure_s < 1.0 / 60.0


def test_flash_plans_are_of_every_motion_of_some_test_subjects() -> None:
    plans = [flash_plan(number) for number in range(20)]
    assert flash_count() == 200 and {plan.motion.free[0].variation for plan in plans} == {"flash"}
    assert len({plan.motion.free[0].motion_id for plan in plans}) == 10
    assert len({plan.noise.seed for plan in plans}) == 20
    small = {one.plan.motion.free[0].motion_id for one in select(load_small_test_set(), "repeated")}
    assert plans[0].motion.free[0].motion_id in small


def test_lip_movements_are_of_59_subjects() -> None:
    assert LIPS_PLAN.count == 59 * 5 * 10
    assert len({LIPS_PLAN.plan(number).subject.id for number in range(0, LIPS_PLAN.count, 50)}) == 59


@pytest.mark.parametrize("condition", [FLASH, TURNED])
def test_what_is_made_anew_needs_a_face_model(condition: str) -> None:
    maker = SequenceMaker(select(load_small_test_set(), "repeated"), None, load_noise_model())
    with pytest.raises(InvalidValueError, match="face model"):
        maker.make(Wanted(0, condition))


def test_conditions_are_tried_on_repetitions_at_30_hz_of_some_subjects() -> None:
    names = [
        f"repeated/{subject:02d}/{slot}/{count:02d}" for subject in range(4) for slot in (0, 1) for count in range(10)
    ]
    chosen = [names[number] for number in robust_numbers([*names, "varied/00/0/flash"], 3, 4)]
    assert len(chosen) == 2 * 2 * 4 and {name.split("/")[1] for name in chosen} == {"00", "03"}
    assert {name.split("/")[3] for name in chosen} == {"00", "01", "03", "05"}


def test_clips_under_conditions_are_of_the_same_length_and_nearly_the_same_motion(sequence: Sequence) -> None:
    source = load_small_test_set()
    number = next(i for i, one in enumerate(source) if one.name == sequence.name)
    made = SequenceMaker(source, None, load_noise_model())
    clips = ClipMaker()
    plain, noisy, slow = (clips.of_sequence(made.make(Wanted(number, *how))) for how in ((), (NOISE,), (SLOW,)))
    assert plain is not None and noisy is not None and slow is not None
    count = min(len(plain.grid_cm), len(slow.grid_cm))
    assert abs(len(plain.grid_cm) - len(slow.grid_cm)) <= 2
    moved = np.abs(plain.offsets()).max()
    assert 0.0 < np.abs(plain.grid_cm[:count] - slow.grid_cm[:count]).mean() < 0.2 * moved
    assert 0.0 < np.abs(plain.grid_cm[:count] - noisy.grid_cm[:count]).mean() < 0.2 * moved
