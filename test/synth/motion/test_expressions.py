"""Variants of the seven expressions: what they hold, and that splits share none."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from face1d_ros.errors import InvalidValueError
from face1d_ros.synth.motion.expressions import PROTOTYPES, draw_expression, variants, variants_of_split
from face1d_ros.synth.motion.types import LABELS, PersonStyle
from face1d_ros.synth.splits import Split, SplitGenerator

USUAL = PersonStyle()
DRAWN = 400


def drawn(label: str, split: Split = Split.TRAIN, person: PersonStyle = USUAL) -> list:
    rng = SplitGenerator(split, 7)
    return [draw_expression(rng, label, 1.0, person) for _ in range(DRAWN)]


def test_there_is_a_prototype_for_every_label_but_neutral() -> None:
    assert set(PROTOTYPES) == set(LABELS[1:])


@pytest.mark.parametrize("label", PROTOTYPES)
def test_each_variant_belongs_to_one_split(label: str) -> None:
    parts = [{variant.number for variant in variants_of_split(label, split)} for split in Split]
    assert set.union(*parts) == set(range(len(variants(label))))
    assert all(not one & other for one, other in combinations(parts, 2))
    train, validation, test = (len(part) / len(variants(label)) for part in parts)
    assert train == pytest.approx(0.8, abs=0.03)
    assert validation == pytest.approx(0.1, abs=0.03)
    assert test == pytest.approx(0.1, abs=0.03)


@pytest.mark.parametrize("label", PROTOTYPES)
def test_variants_differ_and_are_numbered_in_their_order(label: str) -> None:
    assert [variant.number for variant in variants(label)] == list(range(len(variants(label))))
    assert len({variant.key for variant in variants(label)}) == len(variants(label)) > 400


@pytest.mark.parametrize("split", Split)
def test_what_is_drawn_belongs_to_the_generators_split(split: Split) -> None:
    numbers = {variant.number for variant in variants_of_split("fear", split)}
    assert {expression.variant for expression in drawn("fear", split)} <= numbers


def test_no_two_expressions_are_made_of_the_same_units() -> None:
    sets = {label: {frozenset(v.core + v.added) for v in variants(label)} for label in PROTOTYPES}
    for one, other in combinations(PROTOTYPES, 2):
        assert not sets[one] & sets[other], (one, other)


@pytest.mark.parametrize("label", PROTOTYPES)
def test_all_units_are_held_together_at_the_apex(label: str) -> None:
    for expression in drawn(label):
        top_s = max(act.start_s + act.rise_s for act in expression.acts)
        lets_go_s = min(act.start_s + act.rise_s + act.hold_s for act in expression.acts)
        assert top_s <= lets_go_s + 2e-6
        assert all(act.rise_s > 0.04 and act.fall_s > 0.04 for act in expression.acts)
        assert min(act.start_s for act in expression.acts) >= 1.0 - 1e-6


def test_durations_and_strengths_are_those_of_people() -> None:
    expressions = [expression for label in PROTOTYPES for expression in drawn(label)]
    spans = np.array([max(a.end_s for a in e.acts) - min(a.start_s for a in e.acts) for e in expressions])
    micro = np.mean(spans < 0.5)
    assert 0.02 < micro < 0.1
    assert np.quantile(spans, 0.15) > 0.5
    assert 1.5 < np.median(spans) < 3.0
    assert spans.max() < 5.2
    strengths = np.array([expression.strength for expression in expressions])
    assert strengths.min() > 0.15
    assert strengths.max() <= 1.0


def test_contempt_is_one_sided_and_happiness_leans_at_most() -> None:
    for expression in drawn("contempt"):
        for act in expression.acts:
            assert min(act.left, act.right) <= 0.15 * max(act.left, act.right) + 1e-6
    for expression in drawn("happiness"):
        for act in expression.acts:
            assert min(act.left, act.right) >= 0.69 * max(act.left, act.right)


def test_a_slow_and_faint_person_shows_it_slowly_and_faintly() -> None:
    usual, other = (drawn("anger", person=PersonStyle(tempo=t, expressivity=e)) for t, e in ((1.0, 1.0), (1.4, 0.5)))
    assert np.mean([e.strength for e in other]) == pytest.approx(0.5 * np.mean([e.strength for e in usual]), rel=0.01)
    usual_s, other_s = (np.mean([e.acts[0].end_s for e in group]) - 1.0 for group in (usual, other))
    assert other_s == pytest.approx(1.4 * usual_s, rel=0.05)


def test_an_unknown_expression_is_refused() -> None:
    with pytest.raises(InvalidValueError, match=r"'joy', expected one of anger"):
        variants("joy")
