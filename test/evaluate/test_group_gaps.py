"""Figures by group, the gaps between groups, and what is said of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from face1d_ros.evaluate.classification import confusion
from face1d_ros.evaluate.fairness import equalized_odds
from face1d_ros.evaluate.group_figures import (
    HIGHER,
    Decision,
    Figure,
    Study,
    macro_f1_of,
    mean_of,
    share_of,
    verification_of,
)
from face1d_ros.evaluate.group_gaps import GAP, GROUP, LEAST, ODDS, RATES, WARNING, attribute_rows, draws
from face1d_ros.evaluate.verification import average_precision, curve, equal_error_rate

EACH = 24
GROUP_OF = np.array(["dark"] * EACH + ["light"] * EACH)
PERSON_OF = np.array([f"person {number}" for number in range(2 * EACH)])


def study(figure: Figure, *decisions: Decision) -> Study:
    return Study("ours", tuple(PERSON_OF.tolist()), (figure,), decisions)


def rows_of(figure: Figure, *decisions: Decision, group: Any = GROUP_OF, person: Any = PERSON_OF) -> dict[str, Any]:
    rows = attribute_rows(study(figure, *decisions), "light", group, person)
    return {part: [row for row in rows if row["part"] == part] for part in (GROUP, GAP, RATES, ODDS, WARNING)}


def errors(dark: float, light: float, spread: float) -> np.ndarray:
    noise = np.random.default_rng(1).normal(scale=spread, size=2 * EACH)
    return np.where(GROUP_OF == "dark", dark, light) + noise


def test_a_figure_of_a_group_is_the_mean_of_its_sequences_with_an_interval_around_it() -> None:
    values = errors(3.0, 2.0, 0.5)
    for row in rows_of(mean_of("nme", values))[GROUP]:
        assert row["value"] == pytest.approx(values[row["group"] == GROUP_OF].mean())
        assert row["low"] < row["value"] < row["high"]
        assert row["sequences"] == row["people"] == EACH and not row["few"]


def test_a_large_gap_is_told_from_chance_and_goes_from_the_better_to_the_worse_group() -> None:
    (gap,) = rows_of(mean_of("nme", errors(3.0, 2.0, 0.2)))[GAP]
    assert (gap["best"], gap["worst"]) == ("light", "dark")
    assert gap["difference"] == pytest.approx(1.0, abs=0.15) and gap["ratio"] == pytest.approx(1.5, abs=0.1)
    assert 0.0 < gap["low"] < gap["difference"] < gap["high"]
    assert gap["told"] and gap["says"] == "more than chance"


def test_of_what_is_better_when_higher_the_highest_group_is_the_better_one() -> None:
    (gap,) = rows_of(mean_of("accuracy", errors(0.7, 0.9, 0.01), HIGHER))[GAP]
    assert (gap["best"], gap["worst"]) == ("light", "dark") and gap["difference"] == pytest.approx(-0.2, abs=0.01)


def test_a_gap_that_is_narrower_than_the_intervals_says_nothing() -> None:
    (gap,) = rows_of(mean_of("nme", errors(2.0, 2.01, 1.0)))[GAP]
    assert not gap["told"] and gap["low"] < 0.0 < gap["high"]
    assert gap["says"].startswith("says nothing: a group's interval is ")


def test_the_same_draws_come_every_time() -> None:
    figure = mean_of("nme", errors(3.0, 2.0, 0.5))
    assert rows_of(figure) == rows_of(figure)


def test_a_group_that_is_too_small_is_named_and_its_gap_says_nothing() -> None:
    group = np.array(["dark"] * 3 + ["light"] * (2 * EACH - 3))
    found = rows_of(mean_of("nme", errors(9.0, 1.0, 0.1)), group=group)
    assert [row["few"] for row in found[GROUP]] == [True, False]
    assert found[GAP][0]["says"] == f"says nothing: dark has 3, {LEAST} are needed" and not found[GAP][0]["told"]
    (warning,) = found[WARNING]
    assert "group dark is too small: of its people or sequences 3 tell of nme" in warning["warning"]


def test_a_small_group_does_not_hide_the_gap_between_the_others() -> None:
    group = np.where(np.arange(2 * EACH) == 0, "rare", GROUP_OF)
    values = errors(3.0, 2.0, 0.1)
    values[0] = 50.0
    found = rows_of(mean_of("nme", values), group=group)
    assert (found[GAP][0]["best"], found[GAP][0]["worst"]) == ("light", "dark") and found[GAP][0]["told"]
    assert "group rare is too small" in found[WARNING][0]["warning"]


def test_sequences_of_one_person_are_drawn_together() -> None:
    values = np.repeat(np.random.default_rng(0).normal(size=2 * EACH // 4), 4)
    shared = np.repeat([f"person {number}" for number in range(2 * EACH // 4)], 4)
    alone, together = (
        [row["high"] - row["low"] for row in rows_of(mean_of("nme", values), person=person)[GROUP]]
        for person in (PERSON_OF, shared)
    )
    assert all(wide > 1.4 * narrow for narrow, wide in zip(alone, together, strict=True))
    taken = draws(GROUP_OF == "dark", shared, "light/dark")
    assert (taken[:, 0] == taken[:, 3]).all() and (taken[:, GROUP_OF == "light"] == 0.0).all()
    assert (taken.sum(axis=1) == EACH).all()


def test_one_group_is_nothing_to_compare() -> None:
    found = rows_of(mean_of("nme", np.ones(2 * EACH)), group=np.array(["dark", ""] * EACH))
    assert found[WARNING][0]["warning"] == "one group only, dark: there is nothing to compare"
    assert not found[GROUP] and not found[GAP]


def test_a_figure_that_sequences_do_not_have_leaves_these_out() -> None:
    values = errors(3.0, 2.0, 0.1)
    values[: EACH // 2] = np.nan
    dark = rows_of(mean_of("nme", values))[GROUP][0]
    assert dark["sequences"] == EACH // 2 and dark["value"] == pytest.approx(3.0, abs=0.1)


def test_equalized_odds_are_those_of_single_decisions() -> None:
    rng = np.random.default_rng(3)
    counts = np.stack([rng.integers(5, 9, 2 * EACH), rng.integers(0, 5, 2 * EACH)] * 2, axis=1).astype(np.float64)
    found = rows_of(mean_of("nme", np.ones(2 * EACH)), Decision("yes", counts))
    truth, accepted, groups = [], [], []
    for (positives, right, negatives, wrong), group in zip(counts.astype(int).tolist(), GROUP_OF, strict=True):
        truth += [True] * positives + [False] * negatives
        accepted += [True] * right + [False] * (positives - right) + [True] * wrong + [False] * (negatives - wrong)
        groups += [str(group)] * (positives + negatives)
    expected = equalized_odds(truth, accepted, groups)
    (odds,) = found[ODDS]
    assert odds["difference"] == pytest.approx(expected.difference) and odds["says"] == ""
    assert odds["low"] <= odds["high"]
    for row, rates in zip(found[RATES], expected.groups, strict=True):
        assert (row["tpr"], row["fpr"]) == pytest.approx((rates.tpr, rates.fpr))
        assert (row["positives"], row["negatives"]) == (rates.positives, rates.negatives)
        assert row["tpr_low"] <= row["tpr"] <= row["tpr_high"]


def test_decisions_of_too_few_are_said_to_be_so() -> None:
    counts = np.zeros((2 * EACH, 4))
    counts[:, 2] = 5.0
    counts[0] = (3.0, 2.0, 5.0, 0.0)
    (odds,) = rows_of(mean_of("nme", np.ones(2 * EACH)), Decision("yes", counts))[ODDS]
    assert odds["says"] == f"too few: dark has 3 positives, light has 0 positives; {LEAST} are needed"
    assert np.isnan(odds["tpr_range"]) and odds["difference"] == 0.0


def test_many_decisions_of_few_people_are_too_few() -> None:
    counts = np.full((2 * EACH, 4), 9.0)
    person = np.where(GROUP_OF == "dark", "one person", PERSON_OF)
    (odds,) = rows_of(mean_of("nme", np.ones(2 * EACH)), Decision("yes", counts), person=person)[ODDS]
    assert odds["says"] == f"too few: dark has 1 people or sequences; {LEAST} are needed"


def test_weighted_ap_and_eer_are_those_of_the_comparisons_repeated() -> None:
    rng = np.random.default_rng(5)
    scores, genuine = np.round(rng.random(60), 1), rng.random(60) < 0.4
    owner = np.arange(60) // 10
    weights = np.array([[1.0, 2.0, 0.0, 1.0, 3.0, 1.0]])
    repeats = weights[0, owner].astype(int)
    of = curve(np.repeat(scores, repeats), np.repeat(genuine, repeats))
    ap, eer = verification_of(scores, genuine, owner, 6)
    assert ap.of(weights)[0] == pytest.approx(average_precision(of))
    assert eer.of(weights)[0] == pytest.approx(equal_error_rate(of))
    assert np.isnan(ap.of(np.zeros((1, 6)))[0]), "nothing drawn tells nothing"


def test_macro_f1_of_sequences_together_is_that_of_all_their_answers() -> None:
    rng = np.random.default_rng(6)
    truth, answer, names = rng.integers(0, 3, (4, 30)), rng.integers(0, 3, (4, 30)), ("a", "b", "c")
    each = np.stack([confusion(g, p, names).counts for g, p in zip(truth, answer, strict=True)])
    figure = macro_f1_of("macro_f1", each)
    assert figure.of(np.ones((1, 4)))[0] == pytest.approx(confusion(truth.ravel(), answer.ravel(), names).macro_f1)
    some = confusion(truth.ravel(), answer.ravel(), names).f1[:2].mean()
    assert macro_f1_of("f1", each, [0, 1]).of(np.ones((1, 4)))[0] == pytest.approx(some)


def test_a_share_is_of_sums_and_not_of_shares() -> None:
    figure = share_of("accuracy", [1.0, 9.0], [2.0, 18.0])
    assert figure.of(np.array([[1.0, 1.0], [0.0, 0.0]])).tolist()[0] == 0.5
    assert np.isnan(figure.of(np.zeros((1, 2)))[0])
