"""Lip movements that users choose for themselves: a made-up word, and how it is said again.

As the lip movements of Sun et al. (Electronics 2022, Section 2.4): what shows is the mouth, seldom wide, and short. A
repetition varies as those of `free` do: in speed, strength, start and end, and each syllable a little on its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from numpy.random import Generator

from face1d_ros.errors import InvalidValueError
from face1d_ros.synth.motion import draws
from face1d_ros.synth.motion.free import VARIATIONS, Variation
from face1d_ros.synth.motion.living import living
from face1d_ros.synth.motion.speech import FADES_AFTER, SYLLABLE_HZ, syllable_sounds, words_of_split
from face1d_ros.synth.motion.types import Act, FreeMotion, MotionPlan, PersonStyle, Sound, Utterance

SCENARIO = "lips"
LEAST_SYLLABLES = 2
"""Of a word that is chosen: one syllable is no movement to be known by."""
WAYS = ("natural", "faster", "slower", "weaker", "stronger", "trimmed", "flash")
"""Those of `VARIATIONS` that a word can be said in."""
LOUDNESS = (0.6, 1.1)
MARK = "AU25"
"""The unit of an act without strength, which marks when the word is said."""


@dataclass(frozen=True)
class LipMovement:
    """A word as its speaker says it, from time 0 on."""

    motion_id: int
    syllables: tuple[tuple[Sound, ...], ...]


def choose_words(rng: Generator, count: int) -> list[tuple[tuple[str, ...], ...]]:
    """Different ones of the generator's split."""
    words = [word for word in words_of_split(draws.split_of_rng(rng)) if len(word) >= LEAST_SYLLABLES]
    chosen: list[tuple[tuple[str, ...], ...]] = []
    while len(chosen) < count:
        word = draws.pick(rng, words)
        if word not in chosen:
            chosen.append(word)
    return chosen


def draw_lip_movement(
    rng: Generator, motion_id: int, word: Sequence[Sequence[str]], person: PersonStyle
) -> LipMovement:
    """How this person says this word."""
    syllable_s = person.tempo / draws.quantile(rng, SYLLABLE_HZ)
    loudness = draws.between(rng, *LOUDNESS)
    time_s, syllables = 0.0, []
    for sounds in word:
        length_s = syllable_s * draws.between(rng, 0.8, 1.25)
        syllables.append(tuple(syllable_sounds(rng, sounds, time_s, length_s, loudness)))
        time_s += length_s
    return LipMovement(motion_id, tuple(syllables))


def say_again(
    movement: LipMovement, rng: Generator, variation: str = "natural", person: PersonStyle | None = None
) -> MotionPlan:
    """The word once more, by this person, in one of WAYS."""
    if variation not in WAYS:
        raise InvalidValueError("variation", variation, f"one of {', '.join(WAYS)}")
    person, how = person or PersonStyle(), VARIATIONS[variation]
    sounds = _varied(rng, movement, how)
    begins_s = min(sound.at_s - FADES_AFTER * sound.reach_s for sound in sounds)
    span_s = max(sound.at_s + FADES_AFTER * sound.reach_s for sound in sounds) - begins_s
    before_s, after_s = (max(draws.between(rng, *how.rest_s), how.rest_of_motion * span_s) for _ in range(2))
    said = tuple(replace(sound, at_s=draws.rounded(sound.at_s + before_s - begins_s)) for sound in sounds)
    start_s, span_s = draws.rounded(before_s), draws.rounded(span_s)
    spoken = Utterance(start_s, draws.rounded(start_s + span_s), said)
    third_s = draws.rounded(span_s / 3.0)
    marked = FreeMotion(movement.motion_id, variation, (Act(MARK, start_s, third_s, third_s, third_s, 0.0, 0.0),))
    plan = living(rng, SCENARIO, draws.rounded(before_s + span_s + after_s), person)
    return replace(plan, free=(marked,), speech=(spoken,))


def _varied(rng: Generator, movement: LipMovement, how: Variation) -> list[Sound]:
    tempo, strength = draws.between(rng, *how.tempo), draws.between(rng, *how.strength)
    found = []
    for syllable in movement.syllables:
        own_strength = strength * draws.between(rng, 1.0 - how.part, 1.0 + how.part)
        own_reach = tempo * draws.between(rng, 1.0 - how.part, 1.0 + how.part)
        late_s = tempo * draws.between(rng, -0.02, 0.02)
        for sound in syllable:
            found.append(
                replace(
                    sound,
                    at_s=tempo * sound.at_s + late_s,
                    reach_s=draws.rounded(own_reach * sound.reach_s),
                    strength=draws.rounded(own_strength * sound.strength),
                )
            )
    return found
