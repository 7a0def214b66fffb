"""The same motions under harder conditions, and motions that the fixed test set does not have.

Some are made of what was seen; others are made anew, for which a face model is needed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence as Many
from dataclasses import dataclass, replace

import numpy as np

from face1d_ros.errors import InvalidValueError
from face1d_ros.evaluate.expression_tracks import slower
from face1d_ros.evaluate.identity_clips import REPEATED
from face1d_ros.synth.corpus.fixed_blocks import (
    CAST,
    IDENTITY_NUMBERS,
    MOTIONS,
    REPETITION_RATES_HZ,
    REPETITIONS,
    SEED,
    SUBJECTS,
)
from face1d_ros.synth.corpus.plans import IN_FRONT, LIPS, CorpusPlan
from face1d_ros.synth.corpus.reader import Corpus
from face1d_ros.synth.faces.point_model import PointModel
from face1d_ros.synth.motion.head import Turn
from face1d_ros.synth.noise.observe import NoiseModel, observe
from face1d_ros.synth.sequence import Sequence, SequencePlan, apparent_turn, make_sequence
from face1d_ros.synth.sequence_draw import MOST_EXPOSED, draw_repetition, draw_subject

AS_IT_IS = "as it is"
NOISE, SLOW, FAST, TURNED = "noise × 2", "15 Hz", "60 Hz", "turned to 20°"
FLASH = "flash"
OF_WHAT_WAS_SEEN = (NOISE, SLOW)
MADE_ANEW = (FAST, TURNED)
"""These need a face model."""
NOISE_FACTOR = 2.0
ADDED = math.sqrt((NOISE_FACTOR**2 - 1.0) / 2.0)
"""Of the difference of two draws, so that with what is there the variance is that of the factor."""
OTHER_DRAWS = (0x5EED1, 0x5EED2)
SLOW_HZ, USUAL_HZ, FAST_HZ = 15.0, 30.0, 60.0
YAW_RAD = 0.349066
"""20°."""
TURNS_AT = ((0.0, 0.0), (0.15, 1.0), (0.45, -1.0), (0.75, 0.0))
"""Share of the duration, and of the yaw."""
FLASH_EVERY = 3
"""Flash motions are made of every so manieth subject."""
FLASHES = 2
"""Of each motion."""
FLASH_NUMBERS = IDENTITY_NUMBERS + 70_000
"""Random numbers that no sequence of the test set has."""
LIPS_PLAN = CorpusPlan("test", SEED, SUBJECTS * MOTIONS * REPETITIONS, scenario=LIPS)


@dataclass(frozen=True)
class Wanted:
    """A sequence by what it is made from."""

    number: int
    """In the test set; of flash motions and words of their own lists."""
    condition: str = AS_IT_IS


class SequenceMaker:
    """Gives sequences of a test set under any condition."""

    def __init__(self, source: tuple[Sequence, ...] | Corpus, points: PointModel | None, noise: NoiseModel) -> None:
        self._source, self._points, self._noise = source, points, noise

    def make(self, wanted: Wanted) -> Sequence:
        """One of them."""
        if wanted.condition == FLASH:
            return self._made(flash_plan(wanted.number))
        if wanted.condition == LIPS:
            return self._made(LIPS_PLAN.plan(wanted.number))
        sequence = self._source[wanted.number]
        if wanted.condition == NOISE:
            return noisier(sequence, self._noise)
        if wanted.condition == SLOW:
            return slower(sequence, max(round(sequence.plan.camera.rate_hz / SLOW_HZ), 1))
        if wanted.condition == FAST:
            return self._made(at_rate(sequence.plan, FAST_HZ))
        if wanted.condition == TURNED:
            return self._made(turned(sequence.plan, YAW_RAD))
        return sequence

    def _made(self, plan: SequencePlan) -> Sequence:
        if self._points is None:
            raise InvalidValueError("face model", "none", "the file of one, for sequences that are made anew")
        return make_sequence(plan, self._points, self._noise)


def noisier(sequence: Sequence, noise: NoiseModel) -> Sequence:
    """Trembling with twice the standard deviation; what the detector always gets wrong stays as it is.

    The difference of two draws of the noise has none of what is always wrong, and twice the variance of a draw.
    """
    clean, turn = sequence.clean_px, apparent_turn(sequence.yaw_pitch_roll_rad, sequence.translation_mm)
    bare = replace(sequence.plan.noise, occlusions=(), dropouts=(), losses=False)
    drawn = [
        observe(noise, replace(bare, seed=bare.seed ^ other), clean, sequence.stamps_s, turn, sequence.present).points
        for other in OTHER_DRAWS
    ]
    added = np.nan_to_num(drawn[0] - drawn[1]) * np.float32(ADDED)
    return replace(sequence, observed=np.asarray(sequence.observed + added, np.float32))


def at_rate(plan: SequencePlan, rate_hz: float) -> SequencePlan:
    """Seen by a camera of this rate."""
    exposure_s = min(plan.noise.exposure_s, round(MOST_EXPOSED / rate_hz, 6))
    camera, noise = replace(plan.camera, rate_hz=rate_hz), replace(plan.noise, exposure_s=exposure_s)
    return replace(plan, camera=camera, noise=noise)


def turned(plan: SequencePlan, yaw_rad: float) -> SequencePlan:
    """While the head goes to one side, to the other and back; the first side is the subject's own."""
    side = -1.0 if plan.subject.id % 2 else 1.0
    turns = tuple(Turn(round(at * plan.duration_s, 6), side * share * yaw_rad, 0.0, 0.0) for at, share in TURNS_AT)
    return replace(plan, head=replace(plan.head, turns=turns))


def flash_plan(number: int) -> SequencePlan:
    """Each motion of every third subject of the test set, made in a flash, twice."""
    motion, count = divmod(number, FLASHES)
    place, slot = divmod(motion, MOTIONS)
    subject = place * FLASH_EVERY
    name = f"{FLASH}/{subject:02d}/{slot}/{count:02d}"
    person = draw_subject(CAST, IDENTITY_NUMBERS + subject)
    wish = replace(IN_FRONT, rate_hz=USUAL_HZ)
    return draw_repetition(CAST, FLASH_NUMBERS + number, name, person, subject * MOTIONS + slot, FLASH, wish)


def flash_count() -> int:
    """How many there are."""
    return len(range(0, SUBJECTS, FLASH_EVERY)) * MOTIONS * FLASHES


def robust_numbers(names: Many[str], every: int, repetitions: int) -> list[int]:
    """Numbers of the sequences that conditions are tried on: some repetitions at 30 Hz of every so manieth subject."""
    usual = [count for count, rate_hz in enumerate(REPETITION_RATES_HZ) if rate_hz == USUAL_HZ][:repetitions]
    chosen = []
    for number, name in enumerate(names):
        block, *rest = name.split("/")
        if block == REPEATED and int(rest[0]) % every == 0 and int(rest[2]) in usual:
            chosen.append(number)
    return chosen
