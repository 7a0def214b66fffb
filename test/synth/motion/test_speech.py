"""Speech: rhythm, coarticulation, words of one split."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from face1d_ros.synth.motion.evaluate import evaluate
from face1d_ros.synth.motion.speech import FADES_AFTER, SHAPES, WORDS, draw_utterance, words_of_split
from face1d_ros.synth.motion.types import NONE, MotionPlan, PersonStyle, Sound, Utterance
from face1d_ros.synth.motion.units import COEFFICIENTS, PAIRED, SINGLE
from face1d_ros.synth.splits import Split, SplitGenerator

JAW = COEFFICIENTS.index("jawOpen")


def said(*sounds: Sound, duration_s: float = 3.0) -> MotionPlan:
    return MotionPlan("speech", duration_s, speech=(Utterance(0.5, 2.5, sounds),))


def test_shapes_are_made_of_the_mouths_coefficients() -> None:
    for shape in SHAPES.values():
        assert set(shape) <= {name for name in (*PAIRED, *SINGLE) if name.startswith(("mouth", "jaw"))}


def test_no_word_is_said_in_two_splits() -> None:
    parts = [set(words_of_split(split)) for split in Split]
    assert all(not one & other for one, other in combinations(parts, 2))
    assert 0.6 * WORDS < sum(map(len, parts)) <= WORDS
    assert min(map(len, parts)) > 150


@pytest.mark.parametrize("split", Split)
def test_utterances_are_made_of_their_splits_words(split: Split) -> None:
    sounds = draw_utterance(SplitGenerator(split, 1), 0.0, 4.0, PersonStyle()).sounds
    told = "".join(f"{sound.shape} " for sound in sounds)
    words = sorted({"".join(f"{s} " for syllable in w for s in syllable) for w in words_of_split(split)}, key=len)
    reachable = {0}
    for end in range(1, len(told) + 1):
        if any(told[:end].endswith(word) and end - len(word) in reachable for word in words):
            reachable.add(end)
    assert len(told) in reachable


def test_a_sound_alone_shows_its_shape() -> None:
    values = evaluate(said(Sound("a", 1.0, 0.1, 1.0)), np.array([0.2, 1.0, 2.9]), COEFFICIENTS).expression[:, JAW]
    assert values == pytest.approx([0.0, SHAPES["a"]["jawOpen"] / 1.1, 0.0], abs=1e-4)


def test_neighbours_colour_a_sound_and_firm_lips_resist() -> None:
    alone, between_rounds = (
        evaluate(said(*sounds), np.array([1.0]), COEFFICIENTS).expression[0]
        for sounds in (
            (Sound("a", 1.0, 0.1, 1.0),),
            (Sound("u", 0.9, 0.1, 1.0), Sound("a", 1.0, 0.1, 1.0), Sound("u", 1.1, 0.1, 1.0)),
        )
    )
    pucker = COEFFICIENTS.index("mouthPucker")
    assert alone[pucker] == 0.0
    assert between_rounds[pucker] > 0.15
    lips = evaluate(
        said(Sound("a", 0.9, 0.06, 1.0), Sound("b", 1.0, 0.06, 1.0), Sound("a", 1.1, 0.06, 1.0)),
        np.array([0.9, 1.0]),
        COEFFICIENTS,
    ).expression
    assert lips[1, JAW] < 0.35 * lips[0, JAW]
    assert lips[1, COEFFICIENTS.index("mouthPress_L")] > 0.25


def test_the_jaw_moves_at_the_rate_of_syllables() -> None:
    stamps = np.arange(0.0, 40.0, 1.0 / 60.0)
    power = np.zeros(len(stamps) // 2 + 1)
    for number in range(6):
        utterance = draw_utterance(SplitGenerator(Split.TRAIN, number), 0.0, 40.0, PersonStyle())
        motion = evaluate(MotionPlan("speech", 40.0, speech=(utterance,)), stamps, COEFFICIENTS)
        jaw = motion.expression[:, JAW] - motion.expression[:, JAW].mean()
        power += np.abs(np.fft.rfft(jaw * np.hanning(len(jaw)))) ** 2
        assert 0.2 < motion.expression[:, JAW].max() < 0.7
    frequency = np.fft.rfftfreq(len(stamps), 1.0 / 60.0)
    in_band = power[(frequency >= 2.0) & (frequency <= 7.0)].sum()
    assert in_band > 0.4 * power[frequency > 0.1].sum()
    assert power[frequency > 12.0].sum() < 0.02 * power.sum()


def test_an_utterance_begins_and_ends_with_a_mouth_at_rest_and_has_no_label() -> None:
    utterance = draw_utterance(SplitGenerator(Split.TRAIN, 3), 1.0, 3.0, PersonStyle())
    last = utterance.sounds[-1]
    assert utterance.end_s == pytest.approx(last.at_s + FADES_AFTER * last.reach_s)
    stamps = np.arange(0.0, utterance.end_s + 1.0, 0.01)
    motion = evaluate(MotionPlan("speech", 9.0, speech=(utterance,)), stamps, COEFFICIENTS)
    outside = (stamps < utterance.start_s) | (stamps > utterance.end_s)
    assert motion.expression[outside].max() < 0.05
    assert (motion.label[outside] == 0).all()
    inside = (stamps >= utterance.start_s) & (stamps < utterance.end_s)
    assert (motion.label[inside] == NONE).all()
    assert motion.intensity.max() == 0.0
