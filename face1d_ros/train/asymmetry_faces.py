"""Faces of which one half is weak, as the mesh stage gets them: what the signals of asymmetry are fitted to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from face1d_ros.config import SmoothingConfig
from face1d_ros.evaluate.smoothing_tracks import smooth, synthetic_track
from face1d_ros.geometry.asymmetry import FURTHEST_TURN_RAD
from face1d_ros.geometry.mesh_alignment import align_to_canonical, unprojected
from face1d_ros.stages.smoothing import SmoothingStage
from face1d_ros.synth.corpus.fixed_blocks import even_palsy
from face1d_ros.synth.faces.point_model import PointModel
from face1d_ros.synth.motion.types import SIDES
from face1d_ros.synth.noise.model import NoiseModel
from face1d_ros.synth.sequence import Sequence, SequencePlan, make_sequence
from face1d_ros.synth.sequence_draw import Cast, Wish, draw_sequence, draw_subject
from face1d_ros.synth.splits import Purpose, Split
from face1d_ros.types import FloatArray

SCENARIOS = ("expressions", "free")
SECONDS, RATE_HZ = 8.0, 30.0
SHORTEST = 60
"""Frames that say anything."""


@dataclass(frozen=True, eq=False)
class WeakFace:
    """One of them for a while; T frames, N landmarks, K coefficients."""

    points_cm: NDArray[np.float16]
    """(T, N, 3) on the canonical face, away from their mean."""
    turn_rad: FloatArray
    """(T, 3) yaw, pitch, roll."""
    stamps_s: NDArray[np.float64]
    """(T,)"""
    expression: FloatArray
    """(T, K)"""
    index: float
    """True (left - right) / (left + right)."""


def weak_faces(
    points: PointModel, noise: NoiseModel, split: Split, seed: int, count: int, advance: Callable[[], None]
) -> Iterator[WeakFace]:
    """So many faces, less those that are hardly seen; landmarks as the default smoother gives them."""
    stage = SmoothingStage(SmoothingConfig())
    try:
        for number in range(count):
            sequence = make_sequence(weak_plan(split, seed, number), points, noise)
            found = watched(sequence, smooth(stage, synthetic_track(sequence, points.topology)))
            advance()
            if found is not None:
                yield found
    finally:
        stage.close()


def weak_plan(split: Split, seed: int, number: int) -> SequencePlan:
    """Somebody of whom one half is weak by any amount, in all its motion alike."""
    cast = Cast(split, seed)
    weakness = round(float(cast.rng(Purpose.EVENTS, number).random()), 6)
    subject = draw_subject(cast, number)
    subject = replace(subject, style=replace(subject.style, palsy=even_palsy(SIDES[number % 2], weakness)))
    wish = Wish(rate_hz=RATE_HZ, leaves=False)
    scenario = SCENARIOS[number // 2 % len(SCENARIOS)]
    return draw_sequence(cast, number, f"weak/{number:05d}", subject, scenario, SECONDS, wish)


def watched(sequence: Sequence, smoothed: FloatArray) -> WeakFace | None:
    """What is seen of it, from near enough the front; None where that is too little."""
    chosen = np.flatnonzero(np.isfinite(smoothed[:, 0, 0]) & sequence.seen)
    camera = sequence.plan.camera
    space = unprojected(smoothed[chosen], camera.focal_px, (camera.centre_x_px, camera.centre_y_px))
    aligned = align_to_canonical(space, np.asarray(sequence.point_confidence[chosen], np.float32))
    turn = aligned.turn_rad
    near = np.isfinite(turn).all(axis=1) & (np.abs(turn[:, :2]).max(axis=1) <= FURTHEST_TURN_RAD)
    palsy = sequence.plan.subject.style.palsy
    if near.sum() < SHORTEST or palsy is None:
        return None
    shape = aligned.points_cm[near]
    sign = -1.0 if palsy.side == SIDES[0] else 1.0
    return WeakFace(
        (shape - shape.mean(axis=0)).astype(np.float16),
        turn[near].astype(np.float32),
        sequence.stamps_s[chosen][near],
        np.asarray(sequence.expression[chosen][near], np.float32),
        sign * true_index(palsy.eye),
    )


def true_index(weakness: float) -> float:
    """(healthy - weak) / (healthy + weak)."""
    return weakness / (2.0 - weakness)
