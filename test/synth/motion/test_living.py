"""Blinks, gaze and idle motion."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from face1d_ros.errors import InvalidValueError
from face1d_ros.synth.motion.blinks import draw_blinks
from face1d_ros.synth.motion.drift import Band, Waves
from face1d_ros.synth.motion.evaluate import evaluate
from face1d_ros.synth.motion.gaze import draw_gaze, gaze_rad
from face1d_ros.synth.motion.types import Act, Drift, Fixation, MotionPlan, PersonStyle
from face1d_ros.synth.motion.units import COEFFICIENTS
from face1d_ros.synth.splits import Split, SplitGenerator

LONG_S = 3600.0


@pytest.mark.parametrize("rate", [5.0, 30.0])
def test_people_blink_at_their_rate(rate: float) -> None:
    blinks = draw_blinks(SplitGenerator(Split.TRAIN, 1), 4.0 * LONG_S, PersonStyle(blinks_per_min=rate))
    assert len(blinks) / (4.0 * LONG_S / 60.0) == pytest.approx(rate, rel=0.08)


def test_blinks_last_150_to_470_ms_close_faster_than_they_open_and_may_be_partial() -> None:
    blinks = draw_blinks(SplitGenerator(Split.TEST, 2), LONG_S, PersonStyle(partial_blinks=0.5))
    spans = np.array([blink.end_s - blink.start_s for blink in blinks])
    assert spans.min() > 0.149
    assert spans.max() < 0.471
    assert np.median(spans) == pytest.approx(0.245, abs=0.02)
    assert np.mean([blink.rise_s < blink.fall_s for blink in blinks]) > 0.98
    assert np.mean([blink.right < 0.9 for blink in blinks]) == pytest.approx(0.5, abs=0.05)


def test_some_blinks_are_double() -> None:
    blinks = draw_blinks(SplitGenerator(Split.TRAIN, 3), LONG_S, PersonStyle())
    gaps = np.array([later.start_s - earlier.end_s for earlier, later in pairwise(blinks)])
    assert 0.02 < np.mean(gaps < 0.0) < 0.1
    assert gaps[gaps >= 0.0].min() >= 0.35 - 1e-5


def test_a_wide_eye_that_blinks_is_shut() -> None:
    acts = (Act("AU45", 1.0, 0.07, 0.1, 0.2, 1.0, 1.0),)
    wide = Act("AU5", 0.5, 0.1, 2.0, 0.1, 1.0, 1.0)
    motion = evaluate(MotionPlan("idle", 3.0, blinks=(*acts, wide)), np.array([0.8, 1.1]), COEFFICIENTS)
    assert motion.expression[:, COEFFICIENTS.index("eyeWide_L")].tolist() == [1.0, 0.0]
    assert motion.expression[:, COEFFICIENTS.index("eyeBlink_L")].tolist() == [0.0, 1.0]


def test_a_saccade_of_ten_degrees_lasts_43_ms() -> None:
    angle = np.radians(10.0)
    fixations = (Fixation(0.0, 0.0, 0.0), Fixation(1.0, angle, 0.0))
    gaze = gaze_rad(fixations, np.array([0.5, 1.0, 1.0 + 0.0215, 1.0 + 0.043, 2.0]))
    assert gaze[:, 0] == pytest.approx([0.0, 0.0, angle / 2.0, angle, angle])
    assert gaze_rad(fixations, np.array([1.042]))[0, 0] < angle
    assert (gaze[:, 1] == 0.0).all()


def test_lids_follow_gaze_as_arkit_names_it() -> None:
    plan = MotionPlan("idle", 1.0, gaze=(Fixation(0.0, 0.305, 0.122),))
    motion = evaluate(plan, np.array([0.5]), COEFFICIENTS)
    shown = {name: value for name, value in zip(COEFFICIENTS, motion.expression[0].tolist(), strict=True) if value}
    to_the_right = {"eyeLookIn_L": 0.5, "eyeLookOut_R": 0.5}
    assert shown == pytest.approx(to_the_right | {"eyeLookDown_L": 0.2, "eyeLookDown_R": 0.2})
    assert motion.gaze_rad[0] == pytest.approx([0.305, 0.122])


def test_eyes_stay_on_the_camera_while_the_head_turns_a_little() -> None:
    head = np.array([[0.1, -0.1, 0.5], [0.0, 0.0, 0.3], [1.0, 0.0, 0.0]])
    plan = MotionPlan("idle", 1.0)
    gaze = evaluate(plan, np.array([0.1, 0.2, 0.3]), COEFFICIENTS, head_rad=head).gaze_rad
    still_there = 0.75 * 0.1 * np.exp(-2.0 * (0.1 / 0.6) ** 2)
    assert gaze[0] == pytest.approx([-still_there, still_there])
    assert (gaze[1] == 0.0).all()
    assert abs(gaze[2, 0]) < 0.05


def test_head_angles_of_other_frames_are_refused() -> None:
    with pytest.raises(InvalidValueError, match=r"head_rad.*expected \(2, 3\) finite radians"):
        evaluate(MotionPlan("idle", 1.0), np.array([0.1, 0.2]), COEFFICIENTS, head_rad=np.zeros((3, 3)))


def test_gaze_is_mostly_at_the_camera_and_stays_in_reach() -> None:
    fixations = draw_gaze(SplitGenerator(Split.TRAIN, 1), LONG_S / 4.0, PersonStyle(restlessness=2.0))
    yaw, pitch = np.array([(fixation.yaw_rad, fixation.pitch_rad) for fixation in fixations]).T
    assert np.mean(np.hypot(yaw, pitch) < 0.05) > 0.65
    assert np.abs(yaw).max() < 0.53
    assert np.abs(pitch).max() < 0.3


@pytest.mark.parametrize("falls", [1.0, 2.0])
def test_waves_have_unit_size_and_the_spectrum_asked_for(falls: float) -> None:
    stamps = np.arange(0.0, 200.0, 0.02)
    values = Waves(5, 60, Band(0.1, 10.0, falls)).values(stamps)
    assert np.sqrt((values**2).mean()) == pytest.approx(1.0, abs=0.03)
    power = (np.abs(np.fft.rfft(values, axis=0)) ** 2).sum(axis=1)
    frequency = np.fft.rfftfreq(len(stamps), 0.02)
    edges = 0.1 * 10.0 ** np.linspace(0.0, 2.0, 9)
    density = [power[(frequency >= low) & (frequency < high)].sum() / (high - low) for low, high in pairwise(edges)]
    slope = np.polyfit(np.log(edges[:-1]), np.log(density), 1)[0]
    assert slope == pytest.approx(-falls, abs=0.25)


def test_an_idle_face_moves_by_hundredths_and_both_sides_mostly_together() -> None:
    plan = MotionPlan("idle", 60.0, PersonStyle(rest=(("mouthSmile", 0.2),)), idle=Drift(9, 1.0))
    values = evaluate(plan, np.arange(0.0, 60.0, 0.02), COEFFICIENTS).expression
    left, right = (values[:, COEFFICIENTS.index(f"mouthSmile_{side}")] for side in "LR")
    assert np.mean(left) == pytest.approx(0.2, abs=0.01)
    assert 0.006 < np.std(left) < 0.02
    assert 0.7 < np.corrcoef(left, right)[0, 1] < 0.97


def test_what_is_held_is_not_quite_still() -> None:
    act = Act("AU12", 1.0, 0.3, 8.0, 0.3, 0.5, 0.5)
    still, living = (MotionPlan("free", 10.0, blinks=(act,), idle=idle) for idle in (None, Drift(3, 1.0)))
    stamps = np.arange(2.0, 9.0, 0.02)
    held, trembling = (
        evaluate(plan, stamps, COEFFICIENTS).expression[:, COEFFICIENTS.index("mouthSmile_R")]
        for plan in (still, living)
    )
    assert np.ptp(held) < 1e-6
    assert 0.005 < np.std(trembling) < 0.04
