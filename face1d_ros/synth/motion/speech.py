"""Speech as a camera sees it: mouth shapes that follow one another and colour their neighbours.

Each sound draws the mouth towards its shape for a while; shapes are averaged with the weights that all sounds and rest
have at that time (dominance functions, Cohen & Massaro, Modeling coarticulation in synthetic visual speech, 1993; ours
are Gaussians). Mouths open and close at 2 to 7 Hz in speech (Chandrasekaran et al., PLoS Computational Biology 2009),
at the rate of syllables. Words are made up: 3000 numbered ones, each of one split.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache, lru_cache

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from face1d_ros.synth.motion import draws
from face1d_ros.synth.motion.types import Act, PersonStyle, Sound, Stamps, Utterance
from face1d_ros.synth.motion.units import index_of
from face1d_ros.synth.splits import Split

VOWELS: dict[str, dict[str, float]] = {
    "a": {"jawOpen": 0.42, "mouthLowerDown": 0.3, "mouthUpperUp": 0.12},
    "e": {"jawOpen": 0.24, "mouthStretch": 0.22, "mouthLowerDown": 0.28, "mouthUpperUp": 0.14},
    "i": {"jawOpen": 0.1, "mouthStretch": 0.3, "mouthSmile": 0.16, "mouthLowerDown": 0.22, "mouthUpperUp": 0.12},
    "o": {"jawOpen": 0.26, "mouthFunnel": 0.42, "mouthPucker": 0.25},
    "u": {"jawOpen": 0.1, "mouthPucker": 0.6, "mouthFunnel": 0.3},
}
CONSONANTS: dict[str, dict[str, float]] = {
    "b": {"mouthPress": 0.3, "mouthRollLower": 0.25, "mouthRollUpper": 0.2, "mouthClose": 0.1, "jawOpen": 0.08},
    "f": {"jawOpen": 0.08, "mouthRollLower": 0.4, "mouthUpperUp": 0.22},
    "d": {"jawOpen": 0.09, "mouthLowerDown": 0.22, "mouthUpperUp": 0.1, "mouthStretch": 0.1},
    "g": {"jawOpen": 0.17, "mouthLowerDown": 0.14},
    "s": {"jawOpen": 0.05, "mouthStretch": 0.26, "mouthLowerDown": 0.26, "mouthUpperUp": 0.14},
    "sh": {"jawOpen": 0.07, "mouthFunnel": 0.5, "mouthPucker": 0.18},
    "th": {"jawOpen": 0.13, "mouthLowerDown": 0.18, "mouthUpperUp": 0.08},
    "r": {"jawOpen": 0.12, "mouthFunnel": 0.28, "mouthPucker": 0.2},
    "w": {"mouthPucker": 0.7, "mouthFunnel": 0.15, "jawOpen": 0.06},
}
SHAPES = VOWELS | CONSONANTS
"""Mouth shapes by sound, as coefficients of both sides; sounds that look alike are one."""
FIRM = {"b": 3.0, "f": 2.0, "w": 1.5, "sh": 1.3}
"""Sounds that cannot do without their shape dominate their neighbours; the others have 1."""

REST_DOMINANCE = 0.1
REACH_OF_SYLLABLE = 0.3
"""How long a sound draws, as a part of its syllable."""
FADES_AFTER = 2.2
"""Reaches after which a sound is no longer seen; before the first and after the last, an utterance begins and ends."""
SYLLABLE_HZ: draws.Quantiles = (3.0, 3.8, 4.5, 5.2, 7.0)
PAUSE_S: draws.Quantiles = (0.1, 0.2, 0.35, 0.7)
PAUSE_SHARE = 0.22
"""Of words after which there is a pause."""
STRESS_SHARE = 0.15
"""Of words that the brows stress."""
WORDS = 3000


@cache
def words_of_split(split: Split) -> tuple[tuple[tuple[str, ...], ...], ...]:
    """Words that only this split says: tuples of syllables, which are tuples of sounds with one vowel each."""
    words = {word(number) for number in range(WORDS)}
    return tuple(sorted(found for found in words if draws.split_of_key(f"word {found}") is split))


def word(number: int) -> tuple[tuple[str, ...], ...]:
    """The made-up word of this number."""
    digest = iter(hashlib.sha256(f"face1d word {number}".encode()).digest())
    vowels, consonants = tuple(VOWELS), tuple(CONSONANTS)
    syllables = []
    for _ in range((1, 2, 2, 3, 3, 4)[next(digest) % 6]):
        opens, vowel, closes = next(digest), vowels[next(digest) % len(vowels)], next(digest)
        begin = (consonants[opens % len(consonants)],) if opens < 220 else ()
        end = (consonants[closes % len(consonants)],) if closes < 80 else ()
        syllables.append((*begin, vowel, *end))
    return tuple(syllables)


def draw_utterance(rng: Generator, start_s: float, duration_s: float, person: PersonStyle) -> Utterance:
    """Words of the generator's split from a time on, for about as long."""
    words = words_of_split(draws.split_of_rng(rng))
    syllable_s = person.tempo / draws.quantile(rng, SYLLABLE_HZ)
    loudness = draws.between(rng, 0.6, 1.1) * min(person.expressivity, 1.2)
    lead_s = FADES_AFTER * REACH_OF_SYLLABLE * syllable_s
    time_s, end_s = start_s + lead_s, start_s + duration_s - lead_s
    sounds: list[Sound] = []
    stress: list[Act] = []
    while time_s < end_s or not sounds:
        if draws.chance(rng, STRESS_SHARE):
            stress.extend(_stress(rng, time_s))
        for syllable in draws.pick(rng, words):
            length_s = syllable_s * draws.between(rng, 0.8, 1.25)
            sounds.extend(syllable_sounds(rng, syllable, time_s, length_s, loudness))
            time_s += length_s
        if draws.chance(rng, PAUSE_SHARE):
            time_s += draws.quantile(rng, PAUSE_S)
    last = sounds[-1]
    return Utterance(
        draws.rounded(start_s), draws.rounded(last.at_s + FADES_AFTER * last.reach_s), tuple(sounds), tuple(stress)
    )


def syllable_sounds(
    rng: Generator, syllable: Sequence[str], start_s: float, length_s: float, loudness: float
) -> list[Sound]:
    """A syllable that begins at a time and takes so long."""
    vowel = next(place for place, sound in enumerate(syllable) if sound in VOWELS)
    sounds = []
    for place, sound in enumerate(syllable):
        at = 0.05 if place < vowel else (0.85 if place > vowel else 0.45)
        reach = REACH_OF_SYLLABLE * (1.0 if place == vowel else 0.75)
        sounds.append(
            Sound(
                sound,
                draws.rounded(start_s + at * length_s),
                draws.rounded(reach * length_s),
                draws.rounded(loudness * draws.between(rng, 0.8, 1.2)),
            )
        )
    return sounds


def _stress(rng: Generator, start_s: float) -> list[Act]:
    """Brows that rise or knit with a stressed word."""
    amount = draws.between(rng, 0.1, 0.45)
    times = draws.rounded(start_s), draws.between(rng, 0.12, 0.25), draws.between(rng, 0.05, 0.4)
    fall_s = draws.between(rng, 0.2, 0.45)
    units = ("AU1", "AU2") if draws.chance(rng, 0.75) else ("AU4",)
    return [Act(unit, *times, fall_s, amount, amount) for unit in units]


class Sounds:
    """Sounds as columns, to be evaluated together."""

    def __init__(self, sounds: Sequence[Sound], names: tuple[str, ...]) -> None:
        rows = np.array([(sound.at_s, sound.reach_s, sound.strength) for sound in sounds]).reshape(len(sounds), 3)
        self._at_s, self._reach_s, strength = rows.T
        row, shapes = _shape_weights(names)
        self._dominance = np.array([FIRM.get(sound.shape, 1.0) for sound in sounds])
        self._targets = shapes[[row[sound.shape] for sound in sounds]] * strength[:, None]

    def values(self, stamps_s: Stamps) -> NDArray[np.float64] | None:
        """(T, K) what the sounds make of the mouth; None if none of them is near these stamps."""
        margin = 4.0 * self._reach_s
        near = (self._at_s + margin > stamps_s[0]) & (self._at_s - margin < stamps_s[-1])
        if not near.any():
            return None
        away = (stamps_s[:, None] - self._at_s[near]) / self._reach_s[near]
        dominance = np.exp(-away * away) * self._dominance[near]
        total = dominance.sum(axis=1, keepdims=True) + REST_DOMINANCE
        return np.asarray((dominance / total) @ self._targets[near])


@lru_cache(maxsize=8)
def _shape_weights(names: tuple[str, ...]) -> tuple[dict[str, int], NDArray[np.float64]]:
    """Row by sound, and (sounds, K) coefficients."""
    index = index_of(names)
    weights = np.zeros((len(SHAPES), len(names)))
    for row, shape in enumerate(SHAPES.values()):
        for name, value in shape.items():
            columns = [name] if name in index else [f"{name}_L", f"{name}_R"]
            weights[row, [index[column] for column in columns]] = value
    return {sound: row for row, sound in enumerate(SHAPES)}, weights
