"""Draws the parameters of subjects and sequences, from seeds that name split, purpose and number."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

from face1d_ros.synth.camera import CameraPlan, draw_camera
from face1d_ros.synth.motion.free import draw_motion_definition, repetition
from face1d_ros.synth.motion.head import HeadPlan, Turn
from face1d_ros.synth.motion.head_draw import draw_head
from face1d_ros.synth.motion.lips import LipMovement, choose_words, draw_lip_movement, say_again
from face1d_ros.synth.motion.person import draw_person
from face1d_ros.synth.motion.scenario import draw_motion
from face1d_ros.synth.motion.types import MotionDefinition, MotionPlan
from face1d_ros.synth.noise.plan import draw_noise
from face1d_ros.synth.sequence import SequencePlan, SubjectPlan
from face1d_ros.synth.splits import IDS_A_SPLIT, Purpose, Split, SplitGenerator, first_id

IDENTITY_COEFFICIENTS = 100
UNIFORMS_OF_A_NORMAL = 12
"""Their sum less 6 has mean 0, variance 1 and no transcendental function, and ends at ±6."""
FACE_WIDTH_MM, FACE_HEIGHT_MM = 150.0, 190.0
SMALLEST_PX = 36.0
"""Width of a face that a detector still finds well."""
LARGEST_SHARE = 0.75
"""Of the image's height that a face takes."""
DISTANCE_M = (0.3, 3.0)
WORDS_A_SUBJECT = 5
OF_LIPS, OF_WORDS = 1, 2
"""Streams of random numbers beside those of other definitions."""
MOST_EXPOSED = 0.9
"""An exposure is shorter than a frame's time."""


@dataclass(frozen=True)
class Cast:
    """Where the random numbers of a data set come from."""

    split: Split
    seed: int

    def rng(self, purpose: Purpose, *numbers: int) -> SplitGenerator:
        """A stream of its own for each purpose and number."""
        return SplitGenerator(self.split, self.seed, int(purpose), *numbers)


@lru_cache(maxsize=1024)
def draw_subject(cast: Cast, number: int, *, with_palsy: bool = False) -> SubjectPlan:
    """The subject with this number."""
    rng = cast.rng(Purpose.SUBJECT, number)
    identity = _normals(rng, IDENTITY_COEFFICIENTS)
    return SubjectPlan(first_id(cast.split) + number, identity, draw_person(rng, palsy=with_palsy))


@dataclass(frozen=True)
class Wish:
    """What is not left to chance."""

    rate_hz: float | None = None
    yaw_rad: float | None = None
    """The head turns so far to one side, to the other, and back."""
    amplitude: float = 1.0
    """Of head motion."""
    farthest_m: float = DISTANCE_M[1]
    leaves: bool | None = None
    """Whether the person leaves the picture; None: now and then."""


ANY = Wish()


def draw_sequence(
    cast: Cast, number: int, name: str, subject: SubjectPlan, scenario: str, seconds: float, wish: Wish = ANY
) -> SequencePlan:
    """Somebody before some camera; `number` names the random numbers of this sequence."""
    motion = draw_motion(cast.rng(Purpose.MOTION, number), scenario, seconds, subject.style)
    return filmed(cast, number, name, subject, motion, wish)


def draw_repetition(
    cast: Cast, number: int, name: str, subject: SubjectPlan, motion: int, variation: str, wish: Wish = ANY
) -> SequencePlan:
    """Somebody makes a chosen motion once more."""
    rng = cast.rng(Purpose.MOTION, number)
    return filmed(
        cast, number, name, subject, repetition(definition(cast, motion), rng, variation, subject.style), wish
    )


@lru_cache(maxsize=4096)
def definition(cast: Cast, motion: int) -> MotionDefinition:
    """A motion that some user chose, by its number in the data set; its id is never 0."""
    return draw_motion_definition(cast.rng(Purpose.DEFINITION, motion), first_id(cast.split) + motion)


def draw_lip_repetition(
    cast: Cast, number: int, name: str, subject: int, slot: int, variation: str, wish: Wish = ANY
) -> SequencePlan:
    """The subject with this number says one of the words that it chose once more."""
    person = draw_subject(cast, subject)
    said = say_again(
        lip_movement(cast, subject, slot), cast.rng(Purpose.MOTION, number, OF_LIPS), variation, person.style
    )
    return filmed(cast, number, name, person, said, wish)


@lru_cache(maxsize=4096)
def lip_movement(cast: Cast, subject: int, slot: int) -> LipMovement:
    """One of the words that a subject chose; its id is never 0, and counts on from those of motions."""
    word = choose_words(cast.rng(Purpose.DEFINITION, subject, OF_WORDS), WORDS_A_SUBJECT)[slot]
    motion = subject * WORDS_A_SUBJECT + slot
    style = draw_subject(cast, subject).style
    motion_id = first_id(cast.split) + IDS_A_SPLIT // 4 + motion
    return draw_lip_movement(cast.rng(Purpose.DEFINITION, motion, OF_LIPS), motion_id, word, style)


def filmed(
    cast: Cast, number: int, name: str, subject: SubjectPlan, motion: MotionPlan, wish: Wish = ANY
) -> SequencePlan:
    """Somebody who moves like this, with a head, a camera and a detector."""
    camera = draw_camera(cast.rng(Purpose.CAMERA, number), wish.rate_hz)
    noise = draw_noise(cast.rng(Purpose.NOISE, number), motion.duration_s, subject.id)
    noise = replace(noise, exposure_s=min(noise.exposure_s, round(MOST_EXPOSED / camera.rate_hz, 6)))
    head = _head(cast.rng(Purpose.HEAD, number), motion.duration_s, camera, wish)
    return SequencePlan(name, subject, motion, head, camera, noise, motion.duration_s)


def _head(rng: SplitGenerator, duration_s: float, camera: CameraPlan, wish: Wish) -> HeadPlan:
    """At distances at which this camera sees a face well."""
    nearest_m = camera.focal_px * FACE_HEIGHT_MM / (LARGEST_SHARE * camera.height) / 1000.0
    farthest_m = camera.focal_px * FACE_WIDTH_MM / SMALLEST_PX / 1000.0
    near_m = max(nearest_m, DISTANCE_M[0])
    far_m = max(min(farthest_m, wish.farthest_m), near_m)
    half_field = tuple(round(math.atan(size / 2.0 / camera.focal_px), 6) for size in (camera.width, camera.height))
    distances = round(near_m, 6), round(far_m, 6)
    plan = draw_head(rng, duration_s, wish.amplitude, distances, (half_field[0], half_field[1]), wish.leaves)
    return plan if wish.yaw_rad is None else replace(plan, turns=_sweep(rng, duration_s, wish.yaw_rad))


def _sweep(rng: SplitGenerator, duration_s: float, yaw_rad: float) -> tuple[Turn, ...]:
    """From the front to one side, to the other, and back."""
    side = -1.0 if rng.random() < 0.5 else 1.0
    pitches = [round(0.25 * (2.0 * value - 1.0), 6) for value in rng.random(4).tolist()]
    yaws = (0.0, side * yaw_rad, -side * yaw_rad, 0.0)
    starts_s = [round(share * duration_s, 6) for share in (0.0, 0.15, 0.45, 0.75)]
    return tuple(Turn(*row, 0.0) for row in zip(starts_s, yaws, pitches, strict=True))


def _normals(rng: SplitGenerator, count: int) -> tuple[float, ...]:
    """Nearly normal numbers."""
    rows = rng.random((count, UNIFORMS_OF_A_NORMAL)).tolist()
    return tuple(round(math.fsum(row) - UNIFORMS_OF_A_NORMAL / 2, 6) for row in rows)
