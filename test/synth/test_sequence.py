from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from synth.tiny import tiny_job, tiny_model

from face1d_ros.errors import CorpusError
from face1d_ros.geometry.pose import yaw_pitch_roll_rad
from face1d_ros.synth.motion.types import LABELS, NONE
from face1d_ros.synth.noise.observe import load_noise_model
from face1d_ros.synth.sequence import ARRAYS, Sequence, apparent_turn, make_sequence, placed, rotations
from face1d_ros.types import Phase

SHAPES = {
    "observed": ("N", 3), "points_mm": ("N", 3), "point_confidence": ("N",), "occluded": ("N",), "expression": ("K",),
    "yaw_pitch_roll_rad": (3,), "translation_mm": (3,), "gaze_rad": (2,),
}  # fmt: skip


def sequence(index: int = 0, **parameters: object) -> Sequence:
    job = tiny_job(**parameters)
    return make_sequence(job.plans.plan(index), job.points, job.noise)


def test_every_array_has_its_shape_and_a_row_for_each_stamp() -> None:
    made = sequence(seconds=2.0)
    sizes = {"N": 68, "K": len(made.expression_names)}
    for name in ARRAYS:
        array = getattr(made, name)
        tail = tuple(sizes.get(size, size) for size in SHAPES.get(name, ()))
        assert array.shape == (len(made), *tail), name
        assert array.dtype == (np.float64 if name == "stamps_s" else array.dtype)
        if name != "observed":
            assert np.isfinite(array.astype(float)).all(), name
    assert (np.diff(made.stamps_s) > 0).all()


def test_a_plan_gives_the_same_values_again_and_another_plan_gives_others() -> None:
    first, again, other = sequence(0), sequence(0), sequence(1)
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name), err_msg=name)
    assert first.observed.shape != other.observed.shape or not np.array_equal(
        first.observed, other.observed, equal_nan=True
    )


def test_what_was_not_seen_has_no_points_and_what_was_seen_has_all() -> None:
    job = tiny_job(sequences=12, seconds=4.0)
    made = [make_sequence(job.plans.plan(index), job.points, job.noise) for index in range(12)]
    unseen = 0
    for one in made:
        assert np.isnan(one.observed[~one.seen]).all()
        assert np.isfinite(one.observed[one.seen]).all()
        assert not (one.seen & ~one.present).any()
        unseen += int((~one.seen).sum())
    assert unseen > 0


def test_without_noise_the_camera_gives_the_truth() -> None:
    job = tiny_job()
    plan = job.plans.plan(0)
    plan = replace(plan, noise=replace(plan.noise, strength=0.0, occlusions=(), dropouts=(), losses=False))
    made = make_sequence(plan, job.points, job.noise)
    seen = made.observed[made.seen][..., :2] - made.clean_px[made.seen][..., :2]
    assert np.abs(seen).max() < 0.5
    noisy = sequence(0)
    assert np.abs(noisy.observed[noisy.seen] - noisy.clean_px[noisy.seen]).max() > 2 * np.abs(seen).max()


def test_the_pose_puts_the_head_where_the_points_are() -> None:
    made = sequence(seconds=2.0)
    outer = made.points_mm[:, [36, 45]].mean(axis=1)
    assert np.linalg.norm(outer - made.translation_mm, axis=1).max() < 15.0


def test_rotations_invert_the_angles_of_the_pose() -> None:
    angles = np.random.default_rng(0).uniform(-1.2, 1.2, (50, 3)).astype(np.float32)
    np.testing.assert_allclose(yaw_pitch_roll_rad(rotations(angles).astype(float)), angles, atol=1e-5)


def test_points_are_turned_then_moved() -> None:
    turned = placed(
        np.array([[[0, 0, -10]]], np.float32),
        np.array([[np.pi / 2, 0, 0]], np.float32),
        np.array([[1, 2, 500]], np.float32),
    )
    np.testing.assert_allclose(turned, [[[-9, 2, 500]]], atol=1e-4)


def test_labels_and_phases_are_those_of_the_tasks() -> None:
    made = sequence(scenario="expressions", seconds=8.0)
    shown = made.label > 0
    assert shown.any() and set(np.unique(made.label)) <= {NONE, *range(len(LABELS))}
    assert {Phase.ONSET, Phase.APEX} <= set(made.phase[shown].tolist())
    assert made.intensity[made.label <= 0].max() < 0.06 and made.intensity[shown].max() > 0.1
    speaking = sequence(scenario="speech", seconds=8.0)
    assert (speaking.label == NONE).any() and not (speaking.label > 0).any()


def test_a_motion_id_marks_the_frames_of_a_chosen_motion() -> None:
    made = sequence(scenario="identity")
    ids = set(made.motion_id.tolist())
    assert len(ids - {0}) == 1
    assert made.motion_id[0] == 0


def test_a_subject_without_identity_is_refused() -> None:
    job = tiny_job()
    plan = job.plans.plan(0)
    plan = replace(plan, subject=replace(plan.subject, identity=()))
    with pytest.raises(CorpusError, match="no identity coefficients"):
        make_sequence(plan, tiny_model(), load_noise_model())


def test_what_counts_for_the_detector_is_the_turn_against_the_line_of_sight() -> None:
    rng = np.random.default_rng(3)
    turn = rng.uniform(-0.6, 0.6, (20, 3)).astype(np.float32)
    ahead = np.tile(np.float32([0.0, 0.0, 800.0]), (20, 1))
    np.testing.assert_allclose(apparent_turn(turn, ahead), turn, atol=1e-5)
    # Beside the axis, a face that is turned to the camera by just the angle of its place looks straight into it.
    aside = np.float32([[300.0, 0.0, 400.0], [-300.0, 0.0, 400.0], [0.0, 300.0, 400.0], [300.0, 200.0, 500.0]])
    yaw, down = np.arctan2(aside[:, 0], aside[:, 2]), aside[:, 1] / np.linalg.norm(aside, axis=1)
    facing = np.stack([yaw, -np.arcsin(down), np.zeros(4)], axis=1).astype(np.float32)
    np.testing.assert_allclose(apparent_turn(facing, aside), 0.0, atol=1e-6)
    np.testing.assert_allclose(apparent_turn(np.zeros((4, 3), np.float32), aside)[:2, 0], -yaw[:2], atol=1e-6)
