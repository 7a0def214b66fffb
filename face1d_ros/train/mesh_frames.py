"""Single frames of synthetic faces as mesh networks see them, each time with another head, face and shape.

A frame is kept as the detector saw it, but in the head's own frame and in mm. There the face model is linear: another
identity or more of an expression is a sum, the detector's errors stay as they were, and the alignment that runs in use
is run again. Letters: M frames, B rows, N landmarks, I identity and K expression coefficients of the face model.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from face1d_ros.geometry.mesh_alignment import align_to_canonical, unprojected
from face1d_ros.geometry.pose import yaw_pitch_roll_rad
from face1d_ros.geometry.rigid import rotation_vectors
from face1d_ros.synth.corpus.reader import Corpus
from face1d_ros.synth.faces.point_model import PointModel
from face1d_ros.synth.noise.observe import load_noise_model
from face1d_ros.synth.sequence import Sequence, identity_of, rotations
from face1d_ros.train.steadied import SteadiedCorpus
from face1d_ros.train.tracks import FACE_MM
from face1d_ros.types import FloatArray

REACH_MM = 25.0
"""How far skin pulls its neighbours along."""
PATTERNS = 40
STRENGTHS = (0.5, 3.0)
SOME = 0.06
"""Share of the coefficients that get any value, in such a frame."""
GAZE = "eyeLook"
"""Coefficients that follow from where the eyes look: irises are no linear part of the face model."""


@dataclass(frozen=True)
class HeadChanges:
    """What is changed on a frame, drawn anew each time it is taken."""

    other_identity: float = 0.8
    """Share of the frames that get another head."""
    mixed_expression: float = 0.5
    """Share of the frames whose expression is moved towards that of another frame."""
    other_strength: float = 0.6
    """Share of the frames whose expression is made weaker or stronger, by the factors `STRENGTHS` at most."""
    any_expression: float = 0.5
    """Share of the frames in which some coefficients get any value: what faces rarely do is learned too."""
    shape_percent: float = 1.5
    """Of the face's size: the most that a smooth field beyond the face model moves landmarks (root mean square)."""
    bent_percent: float = 0.75
    """Of the face's size: the most that any smooth field moves landmarks."""
    unlike: float = 0.6
    """Of an expression's motion: the most that a face's skin moves otherwise than the face model's (root mean square).
    Real faces do, and without it a real smile is taken for much else and hardly for a smile."""
    rough_percent: float = 0.8
    """Of the face's size: the most that each landmark is off by itself. Without it networks learn to read faces between
    the few patterns that the noise model's errors are made of, which real errors are not."""


@dataclass(frozen=True, eq=False)
class Frames:
    """Measured faces in the head's own frame, and their truth."""

    points_mm: NDArray[np.float16]
    """(M, N, 3)"""
    confidence: NDArray[np.float16]
    """(M, N)"""
    turn_rad: FloatArray
    """(M, 3) yaw, pitch, roll of the head in the camera's frame."""
    expression: FloatArray
    """(M, K)"""
    identity: FloatArray
    """(M, I)"""

    def __len__(self) -> int:
        return len(self.points_mm)


@dataclass(frozen=True, eq=False)
class Batch:
    """Inputs and truth."""

    inputs: dict[str, Tensor]
    """`aligned` (B, N, 3), `turn` (B, 3), `confidence` (B, N), `dt` (B, 1)."""
    coefficients: Tensor
    """(B, I + K)"""
    rotation: Tensor
    """(B, 3) rotation vector from the alignment's rotation to the head's, in the head frame, rad."""


def frames_of(corpus: Corpus | SteadiedCorpus, points: PointModel, every: int) -> Frames:
    """One of so many of the frames in which a face was seen."""
    parts = [_of_sequence(sequence, points, every) for sequence in corpus]
    return Frames(**{one.name: np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(Frames)})


def in_head_mm(sequence: Sequence, chosen: NDArray[np.intp]) -> FloatArray:
    """(M, N, 3) what was measured in the chosen frames, where it would be on the true head."""
    camera = sequence.plan.camera
    centre = (camera.centre_x_px, camera.centre_y_px)
    seen = unprojected(sequence.observed[chosen], camera.focal_px, centre)
    seen *= sequence.points_mm[chosen][..., 2].mean(axis=1)[:, None, None]
    seen -= sequence.translation_mm[chosen][:, None]
    placed: FloatArray = np.matmul(seen, rotations(sequence.yaw_pitch_roll_rad[chosen])).astype(np.float32)
    return placed


def batch_of(points_mm: FloatArray, confidence: FloatArray, turn_rad: FloatArray, coefficients: FloatArray) -> Batch:
    """Aligned as in use; points (B, N, 3) in the head's frame."""
    found = align_to_canonical(points_mm, confidence)
    turn = yaw_pitch_roll_rad(rotations(turn_rad) @ found.pose.rotation)
    arrays: dict[str, NDArray[Any]] = {
        "aligned": found.points_cm,
        "turn": turn,
        "confidence": confidence,
        "dt": np.zeros((len(turn), 1)),
    }
    inputs = {name: torch.from_numpy(array.astype(np.float32)) for name, array in arrays.items()}
    rotation = rotation_vectors(found.pose.rotation.swapaxes(1, 2))
    return Batch(inputs, torch.from_numpy(coefficients), torch.from_numpy(rotation.astype(np.float32)))


class FrameStream:
    """An endless stream of batches: what it gives is a pure function of the seed and of how many were taken."""

    def __init__(
        self, frames: Frames, points: PointModel, rows: int, seed: int, changes: HeadChanges | None = None
    ) -> None:
        self._frames, self._rows, self._seed = frames, rows, seed
        self._changes = HeadChanges() if changes is None else changes
        self._fields = load_noise_model().modes.reshape(-1, frames.points_mm[0].size)
        self._identity_mm = points.identity_mm.reshape(len(points.identity_mm), -1)
        self._expression_mm = points.expression_mm.reshape(len(points.expression_mm), -1)
        self._unlike = UnlikeMotion.of(points)
        self._mixes = np.array([not name.startswith(GAZE) for name in points.expression_names], np.float32)
        self.taken = 0

    def next(self) -> Batch:
        """The next one."""
        rng = np.random.default_rng((self._seed, self.taken))
        self.taken += 1
        frames, changes, rows = self._frames, self._changes, self._rows
        chosen, others = rng.integers(len(frames), size=(2, rows))
        before_i, before_k = frames.identity[chosen], frames.expression[chosen]
        is_other = (rng.random((rows, 1)) < changes.other_identity).astype(np.float32)
        identity = before_i + is_other * (rng.standard_normal(before_i.shape, np.float32) - before_i)
        share = rng.random((rows, 1)) * (rng.random((rows, 1)) < changes.mixed_expression)
        expression = before_k + share.astype(np.float32) * self._mixes * (frames.expression[others] - before_k)
        strength = np.exp(
            rng.uniform(math.log(STRENGTHS[0]), math.log(STRENGTHS[1]), (rows, 1))
            * (rng.random((rows, 1)) < changes.other_strength)
        )
        expression += self._mixes * (np.clip(expression * strength, 0.0, 1.0).astype(np.float32) - expression)
        anew = (rng.random((rows, 1)) < changes.any_expression) & (rng.random(before_k.shape) < SOME * self._mixes)
        expression = np.where(anew, rng.random(before_k.shape, np.float32), expression)
        points = frames.points_mm[chosen].astype(np.float32).reshape(rows, -1)
        points += (identity - before_i) @ self._identity_mm + (expression - before_k) @ self._expression_mm
        points += beyond_the_model(rng, rows, self._fields, changes)
        points += self._unlike.draw(rng, rows, changes)(expression[:, None]).reshape(rows, -1)
        return batch_of(
            points.reshape(rows, -1, 3),
            frames.confidence[chosen].astype(np.float32),
            frames.turn_rad[chosen],
            np.concatenate([identity, expression], axis=1),
        )


@dataclass(frozen=True, eq=False)
class UnlikeMotion:
    """Skin that moves otherwise than the face model's: each landmark's motion, and some of its neighbours', is turned
    and stretched in a way that changes smoothly over the face.
    """

    expression_mm: FloatArray
    """(K, N, 3) motions, and"""
    spread_mm: FloatArray
    """(K, N, 3) these with their neighbours'."""
    patterns: FloatArray
    """(P, N) smooth over the face."""

    @classmethod
    @cache
    def of(cls, points: PointModel) -> UnlikeMotion:
        """Of a face model's landmarks."""
        place = points.neutral(np.zeros(len(points.identity_mm), np.float32))
        near = np.exp(-((place[:, None] - place[None]) ** 2).sum(axis=2) / (2.0 * REACH_MM**2))
        values, vectors = np.linalg.eigh(near)
        patterns = (vectors[:, -PATTERNS:] * np.sqrt(values[-PATTERNS:])).T
        motions = points.expression_mm.astype(np.float32)
        spread = np.einsum("mn,knc->kmc", near / near.sum(axis=1, keepdims=True), motions)
        return cls(motions, spread.astype(np.float32), patterns.astype(np.float32))

    def draw(self, rng: np.random.Generator, rows: int, changes: HeadChanges) -> Callable[[FloatArray], FloatArray]:
        """Faces, as a function from expressions (B, T, K) to what landmarks are off by (B, T, N, 3) mm."""
        count, size = self.patterns.shape
        shape = (rows, 3, 3, count)
        bend = (rng.standard_normal(shape, np.float32).reshape(-1, count) @ self.patterns).reshape(rows, 3, 3, size)
        bend *= changes.unlike / 3.0**0.5 * rng.random((rows, 1, 1, 1), np.float32)
        share = rng.random((rows, 1, 1, 1), np.float32)

        field = (rng.standard_normal((rows, 3, count), np.float32) @ self.patterns).swapaxes(1, 2)
        field *= (
            0.01
            * changes.bent_percent
            * FACE_MM
            * rng.random((rows, 1, 1), np.float32)
            / np.sqrt(3.0, dtype=np.float32)
        )

        def off(expression: FloatArray) -> FloatArray:
            moved, around = (np.tensordot(expression, basis, 1) for basis in (self.expression_mm, self.spread_mm))
            mixed = moved + share * (around - moved)
            return np.asarray(field[:, None] + np.einsum("bcdn,btnd->btnc", bend, mixed, optimize=True), np.float32)

        return off


def beyond_the_model(
    rng: np.random.Generator, rows: int, smooth: NDArray[np.floating[Any]], changes: HeadChanges
) -> FloatArray:
    """(B, 3 N) mm: what the face model cannot draw, a sum of smooth fields (M, 3 N) and each landmark by itself."""
    field = rng.standard_normal((rows, len(smooth))) @ smooth
    rough = rng.standard_normal(field.shape)
    found = np.zeros(field.shape)
    for moved, percent in ((field, changes.shape_percent), (rough, changes.rough_percent)):
        size = np.sqrt((moved * moved).mean(axis=1, keepdims=True) * 3.0)
        found += moved / size * (0.01 * percent * FACE_MM) * rng.random((rows, 1))
    return np.asarray(found, np.float32)


def _of_sequence(sequence: Sequence, points: PointModel, every: int) -> Frames:
    chosen = np.flatnonzero(sequence.seen & sequence.present)[::every]
    return Frames(
        in_head_mm(sequence, chosen).astype(np.float16),
        sequence.point_confidence[chosen].astype(np.float16),
        np.asarray(sequence.yaw_pitch_roll_rad[chosen], np.float32),
        np.asarray(sequence.expression[chosen], np.float32),
        np.repeat(identity_of(sequence.plan.subject, points)[None], len(chosen), axis=0),
    )
