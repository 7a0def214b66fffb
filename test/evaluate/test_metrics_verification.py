"""Scores to AP, F1, EER and FNMR at FMR; equalized odds; the verdicts of Table 7. By hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from face1d_ros.errors import GeometryError, InvalidValueError, UnknownKeyError
from face1d_ros.evaluate.fairness import equalized_odds
from face1d_ros.evaluate.verdicts import TABLE_7, judge
from face1d_ros.evaluate.verification import (
    average_precision,
    curve,
    equal_error_rate,
    fnmr_at,
    peak_f1,
    verification,
)

SCORES = [0.9, 0.8, 0.7, 0.6, 0.5]
SAME = np.array([True, False, True, True, False])
"""Precision and recall at each threshold: 1/1 1/3, 1/2 1/3, 2/3 2/3, 3/4 3/3, 3/5 3/3."""


def test_average_precision_is_not_interpolated() -> None:
    assert average_precision(curve(SCORES, SAME)) == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)


def test_the_order_of_comparisons_does_not_matter() -> None:
    order = [3, 1, 4, 0, 2]
    shuffled = curve(np.array(SCORES)[order], SAME[order])
    assert verification(SCORES, SAME) == verification(np.array(SCORES)[order], SAME[order])
    assert shuffled.genuine_accepted.tolist() == [0, 1, 1, 2, 3, 3]
    assert shuffled.impostors_accepted.tolist() == [0, 0, 1, 1, 1, 2]


def test_ties_share_one_threshold() -> None:
    """All alike: one threshold, precision is the share of genuine ones."""
    tied = curve([0.5, 0.5, 0.5, 0.5], np.array([True, False, False, True]))
    assert tied.thresholds.tolist() == [math.inf, 0.5]
    assert average_precision(tied) == pytest.approx(0.5)
    assert equal_error_rate(tied) == pytest.approx(0.5)
    # 0.9 genuine; a tie of one genuine and one impostor; then an impostor.
    partly = curve([0.9, 0.5, 0.5, 0.1], np.array([True, True, False, False]))
    assert average_precision(partly) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)


def test_peak_f1_and_its_threshold() -> None:
    assert peak_f1(curve(SCORES, SAME)) == (pytest.approx(6 / 7), 0.6)


def test_eer_where_both_rates_are_equal() -> None:
    """FMR 0, 0, 1/2, 1/2, 1/2, 1; FNMR 1, 2/3, 2/3, 1/3, 0, 0: equal between the second and the third genuine."""
    assert equal_error_rate(curve(SCORES, SAME)) == pytest.approx(0.5)
    exact = curve([0.9, 0.8, 0.7, 0.6], np.array([True, False, True, False]))
    assert equal_error_rate(exact) == pytest.approx(0.5)


def test_eer_between_two_thresholds_is_on_the_straight_line() -> None:
    # A tie of a genuine and an impostor takes (FMR, FNMR) from (0, 2/3) to (1, 1/3): equal at 1/2.
    tied = curve([0.9, 0.5, 0.5, 0.1], np.array([True, True, False, True]))
    assert equal_error_rate(tied) == pytest.approx(0.5)
    steep = curve([0.9, 0.5, 0.5, 0.4, 0.3, 0.2], np.array([True, True, False, False, False, False]))
    # From (0, 1/2) to (1/4, 0): 1/2 − 2x = x at x = 1/6.
    assert equal_error_rate(steep) == pytest.approx(1 / 6)


def test_perfect_and_reversed_scores() -> None:
    perfect = verification([3.0, 2.0, 1.0, 0.0], np.array([True, True, False, False]))
    assert (perfect.average_precision, perfect.peak_f1, perfect.eer) == (1.0, 1.0, 0.0)
    assert [one.fnmr for one in perfect.at_fmr] == [0.0, 0.0]
    wrong = verification([3.0, 2.0, 1.0, 0.0], np.array([False, False, True, True]))
    assert wrong.eer == 1.0 and wrong.average_precision == pytest.approx((1 / 3 + 2 / 4) / 2)


def test_fnmr_at_fmr_says_what_stands_behind_it() -> None:
    impostors = np.arange(200) / 1000.0  # 0 to 0.199
    genuine = np.array([0.9, 0.8, 0.1985, 0.1])
    found = curve(np.concatenate([impostors, genuine]), np.arange(204) >= 200)
    strict = fnmr_at(found, 1e-2)  # two impostors may pass: the threshold is 0.198
    assert (strict.fnmr, strict.fmr, strict.threshold) == (0.25, 0.01, 0.198)
    assert (strict.genuine, strict.impostors, strict.supported) == (4, 200, True)
    stricter = fnmr_at(found, 1e-3)  # none may pass
    assert (stricter.fnmr, stricter.fmr, stricter.supported) == (0.5, 0.0, False)
    with pytest.raises(GeometryError, match="FMR level"):
        fnmr_at(found, 0.0)


def test_the_det_curve_runs_from_refusing_all_to_accepting_all() -> None:
    found = curve(SCORES, SAME)
    np.testing.assert_allclose(found.fmr, [0, 0, 0.5, 0.5, 0.5, 1])
    np.testing.assert_allclose(found.fnmr, [1, 2 / 3, 2 / 3, 1 / 3, 0, 0])


@pytest.mark.parametrize(
    ("scores", "same", "says"),
    [
        ([0.5, 0.4], [True, True], "2 genuine and 0 impostor"),
        ([0.5, 0.4], [False, False], "0 genuine and 2 impostor"),
        ([0.5, np.nan], [True, False], "1 that are not finite"),
        ([0.5], [True, False], "shape"),
        ([0.5, 0.4], [1, 0], "bool"),
        ([], [], "bool"),
    ],
)
def test_bad_comparisons_are_refused(scores: list[float], same: list[bool], says: str) -> None:
    with pytest.raises(GeometryError, match=says):
        curve(scores, np.array(same))


def test_equalized_odds_are_the_greater_of_two_ranges() -> None:
    groups = ["a"] * 4 + ["b"] * 4
    truth = np.array([True, True, False, False] * 2)
    accepted = np.array([True, True, False, False, True, False, True, True])
    found = equalized_odds(truth, accepted, groups)
    assert [(one.group, one.tpr, one.fpr) for one in found.groups] == [("a", 1.0, 0.0), ("b", 0.5, 1.0)]
    assert (found.tpr_range, found.fpr_range, found.difference) == (0.5, 1.0, 1.0)


def test_one_group_has_nothing_to_be_compared_with() -> None:
    found = equalized_odds(np.array([True, False]), np.array([True, True]), ["a", "a"])
    assert (found.groups[0].tpr, found.groups[0].fpr) == (1.0, 1.0)
    assert math.isnan(found.difference)


def test_a_group_without_negatives_has_no_fpr() -> None:
    found = equalized_odds(np.array([True, False, True]), np.array([True, True, False]), ["a", "a", "b"])
    assert math.isnan(found.groups[1].fpr) and math.isnan(found.fpr_range)
    assert found.difference == found.tpr_range == 1.0
    with pytest.raises(GeometryError, match="bool"):
        equalized_odds(np.array([1, 0]), np.array([True, True]), ["a", "b"])
    with pytest.raises(GeometryError, match="groups"):
        equalized_odds(np.array([True, False]), np.array([True, True]), ["a"])


def test_the_seven_verdicts() -> None:
    limits = {criterion.key: (criterion.comparison, criterion.limit) for criterion in TABLE_7}
    assert limits == {
        "nme_percent": ("<", 2.0),
        "accuracy_percent": (">", 95.0),
        "latency_ms": ("<", 10.0),
        "mflop": ("<", 100.0),
        "size_mb": ("<", 10.0),
        "jitter_px": ("<", 0.5),
        "mesh_error_mm": ("<", 2.5),
    }


def test_a_verdict_passes_fails_or_was_not_measured() -> None:
    values = {"nme_percent": 1.9, "accuracy_percent": 95.0, "jitter_px": 0.5, "size_mb": math.nan, "latency_ms": None}
    rows = [verdict.as_row() for verdict in judge(values, data="real", conditions="300VW, scenario 3")]
    assert [row["pass"] for row in rows] == [True, False, None, None, False, False, None]
    assert rows[0]["limit"] == "< 2 %" and rows[0]["data"] == "real" and rows[0]["conditions"] == "300VW, scenario 3"


def test_verdicts_say_which_data_and_know_their_keys() -> None:
    with pytest.raises(InvalidValueError, match="synthetic or real"):
        judge({}, data="both", conditions="")
    with pytest.raises(UnknownKeyError, match="did you mean 'jitter_px'"):
        judge({"jiter_px": 0.1}, data="real", conditions="")
