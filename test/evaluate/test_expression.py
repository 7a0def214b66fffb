"""What is counted when expressions are judged, on answers made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from face1d_ros.evaluate.expression import FREE, NOT_SHOWING, Judged, false_starts, found_share, median_ms
from face1d_ros.evaluate.expression_report import beaten_by, targets
from face1d_ros.evaluate.expression_tracks import NONE, UNSEEN, Answers, ExpressionTrack, follow, slower
from face1d_ros.evaluate.real_expression import RATE_HZ, Known, clip_row, half_way_s, portrait, portrait_rows
from face1d_ros.evaluate.smoothing_tracks import FIRST_STAMP_NS
from face1d_ros.sources.portrait_motion import Event
from face1d_ros.synth.corpus.fixed_sets import load_small_test_set, select
from face1d_ros.synth.motion.types import LABELS
from face1d_ros.synth.sequence import ARRAYS
from face1d_ros.types import FaceExpression, FaceExpressionArray, FaceExpressionEvent, Header, Phase

HAPPINESS, FEAR = LABELS.index("happiness"), LABELS.index("fear")
NS = 1_000_000_000
SHOWN = ((0, Phase.NEUTRAL, 30), (1, Phase.ONSET, 12), (1, Phase.APEX, 30), (1, Phase.OFFSET, 15))


def track(
    labels: Sequence[int] = (HAPPINESS, FEAR), name: str = "expressions/000", rate_hz: float = 30.0
) -> ExpressionTrack:
    """Rest, one expression after the other with rest between, and rest; so many frames each, whatever the rate."""
    parts = [(label * shown, phase, count) for label in labels for shown, phase, count in SHOWN]
    spans = [*parts, (0, Phase.NEUTRAL, 30)]
    label, phase = (np.array([span[i] for span in spans for _ in range(span[2])], np.intp) for i in (0, 1))
    stamps_s = np.arange(len(label)) / rate_hz
    return ExpressionTrack(name, rate_hz, 1, {}, stamps_s, label, phase)


def answered(shown: ExpressionTrack, shift: int = 0, **changes: Any) -> Answers:
    """The truth, so many frames too late."""
    label, phase = (np.concatenate([part[:1].repeat(shift), part])[: len(part)] for part in (shown.label, shown.phase))
    return replace(Answers(label, label, phase, phase, ()), **changes)


def judged(shown: ExpressionTrack, answers: Answers) -> Judged:
    found = Judged()
    found.add(shown, answers)
    return found


def test_perfect_answers_have_perfect_figures() -> None:
    found = judged(track(), answered(track()))
    idle = track((), "idle/000")
    found.add(idle, answered(idle))
    assert found.confusion().accuracy == found.confusion().macro_f1 == 1.0
    assert found.truth == found.answer == [HAPPINESS, FEAR, 0, 0, 0]
    assert found.phase_f1(afterwards=False) == found.phase_f1(afterwards=True) == 1.0
    assert median_ms(found.onsets) == median_ms(found.apexes) == 0.0
    assert found_share(found.onsets) == 1.0
    assert found.false_per_min(NOT_SHOWING) == 0.0 and np.isnan(found.false_per_min(FREE))


def test_what_is_told_two_frames_late_is_67_ms_late() -> None:
    found = judged(track(), answered(track(), shift=2))
    assert [median_ms(found.onsets), median_ms(found.apexes)] == pytest.approx([2e3 / 30.0] * 2)
    assert found.confusion().accuracy == 1.0, "the middle of an apex is far from its ends"
    assert 0.8 < found.phase_f1(afterwards=True) < 1.0


def test_phases_as_said_and_as_told_afterwards_are_told_apart() -> None:
    late = answered(track(), shift=3)
    found = judged(track(), replace(late, judged=track().phase))
    assert found.phase_f1(afterwards=False) < found.phase_f1(afterwards=True) == 1.0
    assert median_ms(found.onsets) == 0.0, "events are timed, not frames"


def test_one_expression_for_another_is_one_wrong_answer() -> None:
    likeliest = np.where(track().label == FEAR, NONE, track().label)
    found = judged(track(), answered(track(), likeliest=likeliest)).confusion()
    assert found.accuracy == pytest.approx(4 / 5)
    assert found.counts[FEAR, NONE] == 1 and found.counts[HAPPINESS, HAPPINESS] == 1


def test_an_onset_that_is_not_told_is_missed() -> None:
    phase = track().phase.copy()
    phase[len(phase) // 2 :] = Phase.NEUTRAL
    found = judged(track(), answered(track(), judged=phase))
    assert found_share(found.onsets) == 0.5 and median_ms(found.onsets) == 0.0


def test_the_frame_with_an_answer_that_is_nearest_to_the_middle_is_judged() -> None:
    apex = np.flatnonzero(track().phase == Phase.APEX)[:30]
    likeliest = track().label.copy()
    likeliest[apex[5:]] = UNSEEN
    likeliest[apex[4]] = FEAR
    assert judged(track(), answered(track(), likeliest=likeliest)).answer[0] == FEAR
    likeliest[apex] = UNSEEN
    assert judged(track(), answered(track(), likeliest=likeliest)).truth == [FEAR, 0, 0, 0]


def test_frames_without_an_answer_have_no_phase() -> None:
    phase = track().phase.copy()
    phase[40:60] = UNSEEN
    found = judged(track(), answered(track(), phase=phase, judged=phase))
    assert found.phase_f1(afterwards=False) == 1.0 and len(found.phases[0][0]) == len(phase) - 20


def test_rates_are_told_apart_and_beginnings_are_timed_at_30_hz() -> None:
    found = judged(track(), answered(track()))
    fast = track(rate_hz=60.0)
    found.add(fast, answered(fast, likeliest=np.full(len(fast.label), FEAR)))
    assert found.confusion(30.0).accuracy == 1.0
    assert found.confusion(60.0).counts.sum(axis=0).tolist() == [2 * (label == FEAR) for label in range(NONE + 1)]
    assert len(found.onsets) == 1


def test_a_rest_of_less_than_half_a_second_is_not_judged() -> None:
    short = track(rate_hz=120.0)
    assert judged(short, answered(short)).truth == [HAPPINESS, FEAR]


class TestFalseStarts:
    def test_they_are_counted_a_minute_by_block(self) -> None:
        found = Judged()
        for block, labels in (("speech", (HAPPINESS, FEAR)), ("idle", ()), ("free", (HAPPINESS,))):
            still = track((0, 0), f"{block}/000")
            told = track(labels or (0, 0), f"{block}/000")
            label = np.resize(told.label, len(still.label))
            found.add(still, answered(still, label=label))
        minutes = found.seconds["speech"] / 60.0
        assert minutes == pytest.approx((len(track().label) - 1) / 30.0 / 60.0)
        assert found.false_starts == {"speech": 2, "idle": 0, "free": 2}
        assert found.false_per_min(NOT_SHOWING) == pytest.approx(2 / (2.0 * minutes))
        assert found.false_per_min(FREE) == pytest.approx(2 / minutes)
        assert not found.truth and not found.phases

    @pytest.mark.parametrize(
        ("label", "count"),
        [
            ([0, 0, 0], 0),
            ([HAPPINESS] * 3, 1),
            ([0, NONE, UNSEEN, 0], 0),
            ([0, HAPPINESS, HAPPINESS, 0, HAPPINESS], 2),
            ([0, HAPPINESS, FEAR, NONE], 2),
        ],
    )
    def test_each_change_to_an_expression_is_one(self, label: list[int], count: int) -> None:
        assert false_starts(np.array(label)) == count


def said(label: str, phase: Phase, index: int, rate_hz: float = 30.0, **fields: Any) -> FaceExpressionArray:
    """What a stage says of a frame; no face where there is no label."""
    probabilities = np.array([label == name for name in LABELS], np.float32)
    face = FaceExpression(1, label, 1.0, probabilities, 0.5, phase=phase, **fields)
    header = Header(FIRST_STAMP_NS + round(index / rate_hz * NS), "camera")
    return FaceExpressionArray(header, LABELS, faces=(face,) if label else ())


class Told:
    """A stage that says what it was told to say."""

    def __init__(self) -> None:
        self.resets = 0

    def reset(self) -> None:
        self.resets += 1

    def process(self, frame: FaceExpressionArray) -> FaceExpressionArray:
        return frame


def test_events_tell_phases_from_when_they_say_they_began() -> None:
    phases = [Phase.NEUTRAL] * 6 + [Phase.ONSET] * 4
    frames = [said("happiness" if index > 7 else "none", phase, index) for index, phase in enumerate(phases)]
    frames[3] = said("", Phase.UNKNOWN, 3)
    began_ns = frames[5].header.stamp_ns
    event = FaceExpressionEvent(frames[8].header, 1, "happiness", Phase.ONSET, Phase.NEUTRAL, began_ns)
    frames[8] = replace(frames[8], events=(event,))
    stage: Any = Told()
    found = follow(stage, frames, np.arange(10) / 30.0)
    assert stage.resets == 1 and found.events == (event,)
    assert found.label.tolist() == [NONE] * 3 + [UNSEEN] + [NONE] * 4 + [HAPPINESS] * 2
    assert found.likeliest.tolist() == found.label.tolist()
    neutral, onset = int(Phase.NEUTRAL), int(Phase.ONSET)
    assert found.phase.tolist() == [neutral] * 3 + [UNSEEN] + [neutral] * 2 + [onset] * 4
    assert found.judged.tolist() == [neutral] * 3 + [UNSEEN] + [neutral] + [onset] * 5


def test_a_slower_camera_sees_every_second_frame_of_the_same_face() -> None:
    sequence = select(load_small_test_set(), "expressions")[1]
    half = slower(sequence, 2)
    assert half.plan.camera.rate_hz == sequence.plan.camera.rate_hz / 2.0
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(half, name), getattr(sequence, name)[::2])
    assert half.name == sequence.name and len(half) == len(sequence) // 2


class TestPortrait:
    def test_its_motions_are_half_way_where_it_is_said(self) -> None:
        shown, known = portrait()
        assert [motion.name for motion in known] == ["brows", "smile", "mouth"]
        for motion in known:
            rising = motion.event.value(motion.half_s) / motion.event.amount
            assert rising == pytest.approx(0.5, abs=0.02)
            assert motion.event.value(motion.event.start_s - 0.01) == 0.0
            assert motion.half_s + 1.0 < shown.length / RATE_HZ

    def answers(self, known: Sequence[Known], late: int, share: float = 1.0) -> list[FaceExpressionArray]:
        """Each action as strong as the motion was so many frames ago, on its rest of 0.1."""
        names = tuple(f"{action} {side}" for motion in known for action in motion.actions for side in ("left", "right"))
        events = [motion.event for motion in known for _ in range(2 * len(motion.actions))]
        found = []
        for index in range(480):
            at_s = (index - late) / RATE_HZ
            actions = np.array([0.1 + 0.5 * share * event.value(at_s) / event.amount for event in events], np.float32)
            result = said("happiness" if actions[4] > 0.3 else "neutral", Phase.NEUTRAL, index, actions=actions)
            found.append(replace(result, action_names=names))
        return found

    @pytest.mark.parametrize("late", [0, 2, 5])
    def test_actions_that_follow_later_are_late(self, late: int) -> None:
        _, known = portrait()
        rows = list(portrait_rows("any", self.answers(known, late), known))
        assert [row["late_frames"] for row in rows] == pytest.approx([late] * 3, abs=0.1)
        assert [row["decided"] for row in rows] == ["neutral", "happiness", "neutral"]

    def test_what_hardly_rises_was_not_seen(self) -> None:
        _, known = portrait()
        rows = list(portrait_rows("any", self.answers(known, 0, share=0.01), known))
        assert np.isnan([row["late_frames"] for row in rows]).all()

    def test_between_frames_it_is_a_straight_line(self) -> None:
        stamps_s = np.arange(40) / 10.0
        curve = np.clip(stamps_s - 2.0, 0.0, 1.0) / 0.9
        assert half_way_s(stamps_s, curve, Event(2.0, 0.9, 0.4, 0.5, 1.0)) == pytest.approx(2.5, abs=0.06)

    def test_a_face_that_is_not_there_has_no_beginning(self) -> None:
        _, known = portrait()
        nobody = [replace(result, faces=()) for result in self.answers(known, 0)]
        with pytest.warns(RuntimeWarning):
            rows = list(portrait_rows("any", nobody, known))
        assert np.isnan([row["late_frames"] for row in rows]).all()
        assert {row["decided"] for row in rows} == {"no face"}


def test_a_video_is_told_in_words() -> None:
    frames = [said("happiness" if 3 <= index < 6 else "neutral", Phase.NEUTRAL, index, 10.0) for index in range(8)]
    frames[7] = said("", Phase.UNKNOWN, 7, 10.0)
    event = FaceExpressionEvent(frames[3].header, 1, "happiness", Phase.ONSET, Phase.NEUTRAL, frames[2].header.stamp_ns)
    frames[3] = replace(frames[3], events=(event,))
    row = clip_row("any", "smile.mp4", frames)
    assert row["labels"] == "neutral from 0.00 s, happiness from 0.30 s, neutral from 0.60 s, no face from 0.70 s"
    assert row["phases"] == "onset at 0.20 s (happiness)"


def test_targets_are_the_defaults_and_nothing_that_was_not_measured_passes() -> None:
    ours = {"accuracy": 0.95, "phase_f1": 0.85, "onset_ms": 40.0, "false_per_min": 0.0, "p50_ms": None}
    found = targets(ours)
    assert {key for key, target in found.items() if not target.passed} == {"expression.phase_f1", "expression.p50_ms"}
    assert all(not target.passed and target.value is None for target in targets(None).values())


def test_who_reads_better_than_the_default_is_named() -> None:
    rows = [{"model": name, "accuracy": value} for name, value in (("ours", 0.9), ("better", 0.91), ("worse", 0.8))]
    assert beaten_by("ours", rows) == ["better has an accuracy of 0.910, ours 0.900"]
