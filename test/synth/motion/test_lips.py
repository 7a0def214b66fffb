"""Words that users choose as their lip movement, and how they say them again."""

from __future__ import annotations

import numpy as np
import pytest

from face1d_ros.errors import InvalidValueError
from face1d_ros.synth.corpus.plans import CorpusPlan
from face1d_ros.synth.motion.evaluate import evaluate
from face1d_ros.synth.motion.lips import WAYS, LipMovement, choose_words, draw_lip_movement, say_again
from face1d_ros.synth.motion.speech import words_of_split
from face1d_ros.synth.motion.types import NONE, MotionPlan, PersonStyle
from face1d_ros.synth.motion.units import COEFFICIENTS
from face1d_ros.synth.splits import Split, SplitGenerator

CHOSEN = choose_words(SplitGenerator(Split.TEST, 5), 8)


def movement(number: int) -> LipMovement:
    return draw_lip_movement(SplitGenerator(Split.TEST, number), 1 + number, CHOSEN[number], PersonStyle())


def said(number: int, variation: str = "natural", repetition: int = 0) -> MotionPlan:
    return say_again(movement(number), SplitGenerator(Split.TEST, 9, number, repetition), variation)


def shown(plan: MotionPlan) -> np.ndarray:
    """(50, K) the word in equal steps; blinks, gaze and idle motion left out."""
    (spoken,) = plan.speech
    bare = MotionPlan("lips", plan.duration_s, plan.person, speech=plan.speech)
    return evaluate(bare, np.linspace(spoken.start_s, spoken.end_s, 50), COEFFICIENTS).expression


def test_a_subjects_words_are_different_ones_of_the_split_with_syllables_enough() -> None:
    assert len(set(CHOSEN)) == len(CHOSEN)
    assert set(CHOSEN) <= set(words_of_split(Split.TEST)) and min(map(len, CHOSEN)) >= 2


def test_a_word_said_again_is_nearer_to_itself_than_to_another_word() -> None:
    tracks = [[shown(said(number, repetition=again)) for again in range(2)] for number in range(8)]
    same = np.median([np.abs(one - two).mean() for one, two in tracks])
    other = np.median([np.abs(tracks[i][0] - tracks[j][1]).mean() for i in range(8) for j in range(8) if i != j])
    assert 0.0 < same < 0.5 * other


def test_only_the_mouth_and_jaw_speak() -> None:
    moving = {name for name, most in zip(COEFFICIENTS, shown(said(0)).max(axis=0), strict=True) if most > 0.01}
    assert moving and all(name.startswith(("mouth", "jaw")) for name in moving)


@pytest.mark.parametrize("variation", WAYS)
def test_the_word_lies_within_its_clip_under_its_number(variation: str) -> None:
    plan = said(3, variation)
    (spoken,) = plan.speech
    assert 0.0 <= spoken.start_s < spoken.end_s <= plan.duration_s + 1e-6
    motion = evaluate(plan, np.arange(0.0, plan.duration_s, 0.01), COEFFICIENTS)
    inside = motion.motion_id == movement(3).motion_id
    assert inside.any() and (motion.label[inside] == NONE).all()
    assert plan.free[0].variation == variation


def test_variations_are_of_strength_and_tempo() -> None:
    weak, strong = (np.abs(shown(said(2, name))).max() for name in ("weaker", "stronger"))
    slow, fast = (said(2, name).speech[0] for name in ("slower", "faster"))
    assert weak < strong
    assert fast.end_s - fast.start_s < slow.end_s - slow.start_s


def test_a_variation_of_parts_that_words_do_not_have_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="natural, faster"):
        said(0, "part left out")


def test_a_corpus_of_lips_repeats_each_word_of_each_subject() -> None:
    corpus = CorpusPlan("test", 3, 100, scenario="lips")
    made = [corpus.plan(index) for index in range(100)]
    assert {plan.motion.scenario for plan in made} == {"lips"}
    assert len({plan.motion.free[0].motion_id for plan in made}) == 10
    assert len({plan.subject.id for plan in made}) == 2
    assert made[0].name == "test/lips/00000/0/00" and made[99].name == "test/lips/00001/4/09"
    assert not {plan.motion.free[0].motion_id for plan in made} & {
        CorpusPlan("test", 3, 100, scenario="identity").plan(index).motion.free[0].motion_id for index in range(100)
    }
