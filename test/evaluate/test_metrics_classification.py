"""Accuracy, F1, phases and their beginnings, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from face1d_ros.errors import GeometryError
from face1d_ros.evaluate.classification import (
    EventErrors,
    by_subject,
    confusion,
    event_errors,
    phase_macro_f1,
)
from face1d_ros.types import Phase

LABELS = ("anger", "fear", "sadness")
U, N, ON, A, F = (int(phase) for phase in (Phase.UNKNOWN, Phase.NEUTRAL, Phase.ONSET, Phase.APEX, Phase.OFFSET))


def test_confusion_accuracy_and_f1() -> None:
    found = confusion([0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 2, 2], LABELS)
    assert found.counts.tolist() == [[2, 1, 0], [0, 1, 1], [0, 0, 1]]
    assert found.accuracy == pytest.approx(4 / 6)
    np.testing.assert_allclose(found.f1, [4 / 5, 2 / 4, 2 / 3])
    assert found.macro_f1 == pytest.approx((4 / 5 + 1 / 2 + 2 / 3) / 3)
    np.testing.assert_allclose(found.recall, [2 / 3, 1 / 2, 1.0])


def test_a_class_that_never_occurs_counts_only_if_it_is_answered() -> None:
    never = confusion([0, 1], [0, 1], LABELS)
    assert math.isnan(never.f1[2]) and math.isnan(never.recall[2])
    assert never.macro_f1 == 1.0
    answered = confusion([0, 1], [0, 2], LABELS)
    np.testing.assert_allclose(answered.f1, [1.0, 0.0, 0.0])
    assert answered.macro_f1 == pytest.approx(1 / 3)


def test_each_subject_has_its_own_figures() -> None:
    found = by_subject([0, 1, 2, 0], [0, 1, 0, 1], ["s2", "s2", "s1", "s1"], LABELS)
    assert list(found) == ["s1", "s2"]
    assert found["s1"].accuracy == 0.0 and found["s2"].accuracy == 1.0
    with pytest.raises(GeometryError, match="subjects"):
        by_subject([0], [0], ["a", "b"], LABELS)


@pytest.mark.parametrize(("truth", "predicted"), [([], []), ([0], [0, 1]), ([3], [0]), ([0], [-1]), ([0.0], [0])])
def test_what_are_no_classes_is_refused(truth: list[int], predicted: list[int]) -> None:
    with pytest.raises(GeometryError, match="classes"):
        confusion(truth, predicted, LABELS)


def test_phase_f1_is_over_the_four_phases() -> None:
    truth = [N, N, ON, A, A, F]
    answer = [N, ON, ON, A, A, F]
    # F1: neutral 2/3, onset 2/3, apex 1, offset 1.
    assert phase_macro_f1(truth, answer) == pytest.approx((2 / 3 + 2 / 3 + 2) / 4)


def test_unknown_frames_of_the_truth_do_not_count_and_unknown_answers_are_wrong() -> None:
    assert phase_macro_f1([N, U, A], [N, ON, A]) == 1.0
    # neutral: 1 of 2 found: F1 2/3; apex 1.
    assert phase_macro_f1([N, N, A], [N, U, A]) == pytest.approx((2 / 3 + 1) / 2)
    with pytest.raises(GeometryError, match="none that is known"):
        phase_macro_f1([U, U], [N, N])


def test_events_are_beginnings_and_their_errors_in_ms() -> None:
    truth = [N, N, ON, ON, A, A, F, N, N]
    answer = [N, N, N, ON, A, F, F, N, N]
    stamps = np.arange(9) * 0.04
    found = event_errors(truth, answer, stamps)
    assert found[Phase.ONSET] == EventErrors(pytest.approx((40.0,)), 0, 0)
    assert found[Phase.APEX] == EventErrors(pytest.approx((0.0,)), 0, 0)
    assert found[Phase.OFFSET] == EventErrors(pytest.approx((-40.0,)), 0, 0)


def test_missed_and_extra_events_are_counted() -> None:
    truth = [N, ON, A, N, N, N, N, N, ON, A]
    answer = [N, N, N, N, ON, N, N, ON, ON, A]
    found = event_errors(truth, answer, np.arange(10.0), within_s=2.0)
    onset = found[Phase.ONSET]  # true at 1 and 8; answered at 4 (too far from 1) and 7
    assert (onset.matched, onset.missed, onset.extra) == (1, 1, 1)
    assert onset.signed_ms == pytest.approx(-1000.0)
    assert (found[Phase.APEX].matched, found[Phase.APEX].missed) == (1, 1)
    nothing = found[Phase.OFFSET]
    assert math.isnan(nothing.absolute_ms) and (nothing.matched, nothing.missed, nothing.extra) == (0, 0, 0)


def test_as_many_events_as_possible_are_matched_one_to_one() -> None:
    """True at 2 and 4, answered at 3 and 5: the nearest pair first would leave one behind."""
    truth = [N, N, ON, N, ON, N, N]
    answer = [N, N, N, ON, N, ON, N]
    onset = event_errors(truth, answer, np.arange(7.0), within_s=1.0)[Phase.ONSET]
    assert (onset.matched, onset.missed, onset.extra) == (2, 0, 0)
    assert onset.absolute_ms == pytest.approx(1000.0)


def test_one_frame_has_no_events_and_bad_stamps_are_refused() -> None:
    found = event_errors([A], [A], [0.0])
    assert {error.matched + error.missed + error.extra for error in found.values()} == {0}
    for stamps in ([0.0, 0.0], [1.0, 0.0], [0.0, np.nan], [0.0]):
        with pytest.raises(GeometryError, match="stamps"):
            event_errors([N, ON], [N, ON], stamps)
