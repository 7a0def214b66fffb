"""Where heads are: turns about the neck, sway, nods, places, leaving."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from face1d_ros.errors import InvalidValueError
from face1d_ros.geometry.pose import yaw_pitch_roll_rad
from face1d_ros.synth.motion.head import (
    NECK_MM,
    PITCH,
    YAW,
    Absence,
    HeadPlan,
    Nod,
    Step,
    Turn,
    evaluate_head,
)
from face1d_ros.synth.motion.head_draw import draw_head
from face1d_ros.synth.plan_json import plan_json, read_plan
from face1d_ros.synth.splits import Split, SplitGenerator

STILL = HeadPlan(10.0, 1, 0.0, 0.5, turns=(Turn(0.0, 0.0, 0.0, 0.0),), steps=(Step(0.0, 1.0, 0.1, -0.05, 600.0),))
STAMPS = np.arange(0.0, 10.0, 0.02)


def drawn(number: int, duration_s: float = 10.0) -> HeadPlan:
    return draw_head(SplitGenerator(Split.TRAIN, number), duration_s)


def rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Rz(roll) Ry(yaw) Rx(pitch)."""
    (cy, sy), (cp, sp), (cr, sr) = ((np.cos(a), np.sin(a)) for a in (yaw, pitch, roll))
    x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return np.asarray(z @ y @ x)


def test_a_still_head_is_where_it_was_put() -> None:
    head = evaluate_head(STILL, STAMPS)
    assert not head.yaw_pitch_roll_rad.any()
    assert np.allclose(head.translation_mm, [60.0, -30.0, 600.0])
    assert head.present.all()


def test_the_neck_stays_where_it_is_when_the_head_turns() -> None:
    angles = (0.7, -0.3, 0.2)
    head = evaluate_head(replace(STILL, turns=(Turn(0.0, 0.0, 0.0, 0.0), Turn(1.0, *angles))), STAMPS)
    assert head.yaw_pitch_roll_rad[-1] == pytest.approx(angles)
    turned = rotation(*angles)
    assert yaw_pitch_roll_rad(turned) == pytest.approx(angles)
    for frame, matrix in ((0, np.eye(3)), (-1, turned)):
        neck = matrix @ np.array(NECK_MM) + head.translation_mm[frame]
        assert neck == pytest.approx(np.add(NECK_MM, (60.0, -30.0, 600.0)), abs=1e-3)


def test_sixty_degrees_take_107_hundredths_of_a_second() -> None:
    yaw = np.radians(60.0)
    plan = replace(STILL, turns=(Turn(0.0, 0.0, 0.0, 0.0), Turn(2.0, yaw, 0.0, 0.0)))
    values = evaluate_head(plan, np.array([2.0, 2.535, 3.07, 5.0])).yaw_pitch_roll_rad[:, YAW]
    assert values == pytest.approx([0.0, yaw / 2.0, yaw, yaw], abs=1e-6)
    fine = np.arange(1.9, 3.2, 0.001)
    speed = np.degrees(np.gradient(evaluate_head(plan, fine).yaw_pitch_roll_rad[:, YAW], fine))
    assert speed.max() == pytest.approx(105.0, abs=1.0)


def test_nods_go_down_and_get_smaller_and_shakes_go_to_both_sides() -> None:
    nod, shake = Nod(1.0, PITCH, 3, 0.5, 0.2), Nod(5.0, YAW, 2, 0.5, 0.2)
    head = evaluate_head(replace(STILL, nods=(nod, shake)), np.array([0.9, 1.25, 1.75, 2.25, 2.5, 5.25, 5.75, 6.1]))
    assert head.yaw_pitch_roll_rad[:, PITCH] == pytest.approx([0, 0.2, 0.17, 0.0867, 0, 0, 0, 0], abs=1e-6)
    assert head.yaw_pitch_roll_rad[:, YAW] == pytest.approx([0, 0, 0, 0, 0, 0.2, -0.102, 0], abs=1e-6)


def test_who_leaves_is_out_of_the_picture_and_comes_back() -> None:
    plan = replace(STILL, absences=(Absence(leave_s=2.0, back_s=5.0, move_s=1.0, side=-1),))
    head = evaluate_head(plan, STAMPS)
    gone = (STAMPS >= 3.0) & (STAMPS <= 5.0)
    assert np.array_equal(head.present, ~gone)
    x, _, z = head.translation_mm[gone].T
    assert (x + 90.0 < -np.tan(0.5) * z).all()
    assert head.translation_mm[-1] == pytest.approx([60.0, -30.0, 600.0])


def test_sway_is_slow_and_small_but_never_ends() -> None:
    stamps = np.arange(0.0, 300.0, 0.05)
    head = evaluate_head(replace(STILL, amplitude=1.0, duration_s=300.0), stamps)
    assert np.degrees(head.yaw_pitch_roll_rad.std(axis=0)) == pytest.approx([2.6, 1.7, 1.3], rel=0.35)
    speed = np.degrees(np.abs(np.diff(head.yaw_pitch_roll_rad, axis=0)) / 0.05)
    assert 0.3 < np.median(speed) < 6.0
    power = (np.abs(np.fft.rfft(head.yaw_pitch_roll_rad - head.yaw_pitch_roll_rad.mean(axis=0), axis=0)) ** 2).sum(1)
    frequency = np.fft.rfftfreq(len(stamps), 0.05)
    assert power[frequency < 1.0].sum() > 0.85 * power.sum()


def test_drawn_heads_reach_far_to_the_side_and_stay_within_60_degrees() -> None:
    angles = np.concatenate([evaluate_head(drawn(number), STAMPS).yaw_pitch_roll_rad for number in range(60)])
    assert np.degrees(np.abs(angles[:, YAW]).max()) <= 60.0 + 1e-4
    assert np.mean(np.degrees(np.abs(angles[:, YAW])) > 30.0) > 0.08
    assert np.mean(np.degrees(np.abs(angles[:, YAW])) < 10.0) > 0.35
    speed = np.degrees(np.abs(np.diff(angles[: len(STAMPS), YAW])) / 0.02)
    assert speed.max() < 250.0


def test_drawn_heads_are_at_all_distances_and_within_the_picture_unless_they_leave() -> None:
    distances = []
    for number in range(80):
        plan = replace(drawn(number), amplitude=0.0, turns=STILL.turns, nods=(), absences=())
        x, y, z = evaluate_head(plan, STAMPS).translation_mm.T
        distances.append(float(z[0]))
        assert z.min() >= 299.0
        assert z.max() <= 3001.0
        assert (np.abs(x / z) < np.tan(0.5)).all()
        assert (np.abs(y / z) < np.tan(0.4)).all()
    assert np.quantile(distances, 0.25) < 450.0
    assert np.quantile(distances, 0.9) > 1200.0


def test_some_people_leave() -> None:
    absent = [not evaluate_head(drawn(number), STAMPS).present.all() for number in range(100)]
    assert 0.05 < np.mean(absent) < 0.3
    for leaves in (True, False):
        plan = draw_head(SplitGenerator(Split.TRAIN, 1), 10.0, leaves=leaves)
        assert bool(plan.absences) == leaves


def test_plans_are_plain_data_and_the_same_for_the_same_seed() -> None:
    assert drawn(3) == drawn(3) != drawn(4)
    assert read_plan(HeadPlan, plan_json(drawn(3))) == drawn(3)
    whole = evaluate_head(drawn(3), STAMPS)
    part = evaluate_head(drawn(3), STAMPS[7::9])
    assert np.abs(part.translation_mm - whole.translation_mm[7::9]).max() < 1e-3
    assert np.abs(part.yaw_pitch_roll_rad - whole.yaw_pitch_roll_rad[7::9]).max() < 1e-6


@pytest.mark.parametrize(
    ("duration_s", "amplitude", "distance_m"), [(0.0, 1.0, (0.3, 3.0)), (5.0, -1.0, (0.3, 3.0)), (5.0, 1.0, (2.0, 1.0))]
)
def test_what_cannot_be_is_refused(duration_s: float, amplitude: float, distance_m: tuple[float, float]) -> None:
    with pytest.raises(InvalidValueError, match="duration_s, amplitude, distance_m"):
        draw_head(SplitGenerator(Split.TRAIN, 1), duration_s, amplitude, distance_m)


def test_stamps_that_are_no_time_are_refused() -> None:
    with pytest.raises(InvalidValueError, match="finite seconds"):
        evaluate_head(STILL, np.array([np.nan]))
