"""One face before one camera for a while: what a detector would report, and the truth of all of it.

Letters: T frames, N points, I identity coefficients, K expression coefficients. Units mm, s, rad, px. The optical
frame is the camera's: x right, y down, z forward.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import CorpusError
from face1d_ros.geometry.pose import yaw_pitch_roll_rad as angles_of
from face1d_ros.synth.camera import CameraPlan, frame_stamps, project
from face1d_ros.synth.faces.point_model import PointModel
from face1d_ros.synth.motion.capture import Capture
from face1d_ros.synth.motion.evaluate import NO_CAPTURES, evaluate
from face1d_ros.synth.motion.head import HeadPlan, evaluate_head
from face1d_ros.synth.motion.types import MotionPlan, PersonStyle
from face1d_ros.synth.noise.observe import NoiseModel, NoisePlan, observe
from face1d_ros.types import FloatArray, Topology

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class SubjectPlan:
    """Somebody who does not exist."""

    id: int
    identity: tuple[float, ...]
    """Coefficients of the face model's identity basis, in standard deviations; further ones are 0."""
    style: PersonStyle


@dataclass(frozen=True)
class SequencePlan:
    """All parameters of a sequence."""

    name: str
    subject: SubjectPlan
    motion: MotionPlan
    head: HeadPlan
    camera: CameraPlan
    noise: NoisePlan
    duration_s: float


@dataclass(frozen=True, eq=False)
class Sequence:
    """What was seen, and the truth of it."""

    plan: SequencePlan
    topology: Topology
    expression_names: tuple[str, ...]
    stamps_s: Floats
    """(T,) strictly increasing."""
    observed: FloatArray
    """(T, N, 3) px with the detector's noise; NaN where nothing was seen."""
    confidence: FloatArray
    """(T,)"""
    point_confidence: FloatArray
    """(T, N)"""
    seen: Flags
    """(T,) whether the detector reported the face."""
    occluded: Flags
    """(T, N) whether something hid the point."""
    present: Flags
    """(T,) whether the head was before the camera."""
    points_mm: FloatArray
    """(T, N, 3) clean points in the optical frame."""
    yaw_pitch_roll_rad: FloatArray
    """(T, 3) R = Rz(roll) Ry(yaw) Rx(pitch); `points_mm` is R · point in the head's facing frame + translation."""
    translation_mm: FloatArray
    """(T, 3)"""
    expression: FloatArray
    """(T, K) coefficients, in the order of `expression_names`."""
    gaze_rad: FloatArray
    """(T, 2) yaw and pitch of the eyes in the head."""
    label: NDArray[np.int8]
    """(T,) index into `motion.LABELS`, or `motion.NONE`."""
    intensity: FloatArray
    """(T,) 0…1"""
    phase: NDArray[np.int8]
    """(T,) `types.Phase`"""
    motion_id: NDArray[np.int32]
    """(T,) 0: no motion with a name."""

    def __len__(self) -> int:
        return len(self.stamps_s)

    @property
    def name(self) -> str:
        """The plan's."""
        return self.plan.name

    @property
    def subject_id(self) -> int:
        """The plan's."""
        return self.plan.subject.id

    @cached_property
    def clean_px(self) -> FloatArray:
        """(T, N, 3) where the camera sees the clean points: x, y, and the depth as the detector gives it."""
        return project(self.points_mm, self.plan.camera)


ARRAYS = tuple(field.name for field in fields(Sequence) if field.name not in ("plan", "topology", "expression_names"))


def make_sequence(
    plan: SequencePlan, points: PointModel, noise: NoiseModel, captures: Mapping[str, Capture] = NO_CAPTURES
) -> Sequence:
    """The sequence of a plan: a pure function of its arguments."""
    stamps_s = frame_stamps(plan.camera, plan.duration_s)
    head = evaluate_head(plan.head, stamps_s)
    motion = evaluate(plan.motion, stamps_s, points.expression_names, captures, head_rad=head.yaw_pitch_roll_rad)
    turn = head.yaw_pitch_roll_rad.astype(np.float32)
    translation_mm = head.translation_mm.astype(np.float32)
    shape = points.shape(identity_of(plan.subject, points), motion.expression, motion.gaze_rad)
    return Sequence(
        plan=plan,
        topology=points.topology,
        expression_names=points.expression_names,
        stamps_s=stamps_s,
        **before_the_camera(plan, shape, turn, translation_mm, stamps_s, head.present, noise),
        present=head.present,
        yaw_pitch_roll_rad=turn,
        translation_mm=translation_mm,
        expression=motion.expression,
        gaze_rad=motion.gaze_rad,
        label=motion.label,
        intensity=motion.intensity,
        phase=motion.phase,
        motion_id=motion.motion_id,
    )


def before_the_camera(
    plan: SequencePlan,
    shape_mm: FloatArray,
    turn_rad: FloatArray,
    translation_mm: FloatArray,
    stamps_s: Floats,
    present: Flags,
    noise: NoiseModel,
) -> dict[str, Any]:
    """Fields of a sequence: a facing head, points (T, N, 3) in mm, before the plan's camera, and what is seen of it."""
    camera = plan.camera
    points_mm = placed(shape_mm, turn_rad, translation_mm)
    shown = apparent_turn(turn_rad, translation_mm)
    size = camera.width, camera.height
    seen = observe(noise, plan.noise, project(points_mm, camera), stamps_s, shown, present, size)
    return {
        "points_mm": points_mm,
        "observed": seen.points,
        "confidence": seen.confidence,
        "point_confidence": seen.point_confidence,
        "seen": seen.seen,
        "occluded": seen.occluded,
    }


def placed(shape_mm: FloatArray, yaw_pitch_roll_rad: FloatArray, translation_mm: FloatArray) -> FloatArray:
    """(T, N, 3) points of a facing head, turned and moved into the optical frame."""
    turned: FloatArray = np.matmul(shape_mm, rotations(yaw_pitch_roll_rad).swapaxes(1, 2))
    turned += translation_mm[:, None]
    return turned


def apparent_turn(yaw_pitch_roll_rad: FloatArray, translation_mm: FloatArray) -> FloatArray:
    """(T, 3) the head's turn against the line of sight: what a detector sees, which crops the face."""
    across, down, ahead = (translation_mm / np.linalg.norm(translation_mm, axis=1, keepdims=True)).T
    sight = np.stack([np.arctan2(across, ahead), -np.arcsin(down), np.zeros_like(down)], axis=1)
    seen = np.matmul(rotations(sight).swapaxes(1, 2), rotations(yaw_pitch_roll_rad))
    return angles_of(seen).astype(np.float32)


def rotations(yaw_pitch_roll_rad: FloatArray) -> FloatArray:
    """(T, 3, 3) R = Rz(roll) Ry(yaw) Rx(pitch), the inverse of `geometry.pose.yaw_pitch_roll_rad`."""
    (sy, sp, sr), (cy, cp, cr) = np.sin(yaw_pitch_roll_rad.T), np.cos(yaw_pitch_roll_rad.T)
    rows = (
        (cr * cy, cr * sy * sp - sr * cp, cr * sy * cp + sr * sp),
        (sr * cy, sr * sy * sp + cr * cp, sr * sy * cp - cr * sp),
        (-sy, cy * sp, cy * cp),
    )
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2).astype(np.float32)


def identity_of(subject: SubjectPlan, points: PointModel) -> FloatArray:
    """(I,) as many coefficients as the face model has."""
    count = len(points.identity_mm)
    if not subject.identity:
        raise CorpusError(f"subject {subject.id}: no identity coefficients; expected at least one")
    values = np.zeros(count, np.float32)
    given = subject.identity[:count]
    values[: len(given)] = given
    return values
