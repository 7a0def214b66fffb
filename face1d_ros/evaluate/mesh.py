"""Mesh models on synthetic sequences: meshes, coefficients and head pose against their truth, from equal landmarks.

T frames, N landmarks, I identity and K expression coefficients.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from face1d_ros.evaluate.metrics_3d import coefficient_errors, geodesic_deg, mesh_error
from face1d_ros.geometry.mesh_alignment import Aligned, align_to_canonical, unprojected
from face1d_ros.synth.faces.model import FaceModel
from face1d_ros.synth.sequence import Sequence, rotations
from face1d_ros.types import FloatArray

Floats = NDArray[np.float64]
AFTER_S = (1.0, 3.0)
"""Of video, after which the mesh is measured besides at single frames."""
SINGLE_FRAMES = 4
"""Of each sequence, spread evenly."""
WITHIN_RAD = np.radians(40.0)
"""Of yaw and pitch, for the error of rotations."""
STILL = 0.002
"""Mean change of the true coefficients from frame to frame below which a face is still."""


@dataclass(frozen=True, eq=False)
class Shown:
    """What a mesh model is given of a sequence."""

    aligned: Aligned
    confidence: FloatArray
    """(T, N)"""
    dt_s: FloatArray
    """(T, 1) 0 in the first."""


@dataclass(frozen=True, eq=False)
class Found:
    """What it says."""

    identity: FloatArray
    """(T, I) of each frame alone."""
    identity_variance: FloatArray
    """(T, I)"""
    expression: FloatArray
    """(T, K)"""
    rotation: Floats
    """(T, 3, 3) of the head in the camera's optical frame."""


class MeshModel(Protocol):
    """Closed form or network."""

    def __call__(self, shown: Shown) -> Found:
        """All frames of one face; the first is one of a face never seen before."""
        ...


@dataclass(frozen=True, eq=False)
class Judged:
    """Of one sequence."""

    mesh_mm: dict[str, float]
    """Surface error: `frame`, and `1s` and `3s` where it is that long."""
    vertex_mm: float
    """Vertex to vertex, of single frames."""
    rotation_deg: float
    """Within 40° of yaw and pitch; NaN where there are no such frames."""
    flicker: float
    """Mean change of the coefficients from frame to frame while the face is still; NaN where it never is."""
    expression: FloatArray
    """(T, K) as found."""
    truth: FloatArray
    """(T, K)"""


def shown(sequence: Sequence) -> tuple[Shown, NDArray[np.intp]]:
    """What was seen of a sequence through its true camera, and which frames these are."""
    chosen = np.flatnonzero(sequence.seen & sequence.present)
    camera = sequence.plan.camera
    centre = (camera.centre_x_px, camera.centre_y_px)
    points = unprojected(sequence.observed[chosen], camera.focal_px, centre)
    confidence = np.asarray(sequence.point_confidence[chosen], np.float32)
    stamps_s = sequence.stamps_s[chosen]
    dt_s = np.diff(stamps_s, prepend=stamps_s[:1])[:, None].astype(np.float32)
    return Shown(align_to_canonical(points, confidence), confidence, dt_s), chosen


def judge(model: MeshModel, sequence: Sequence, face: FaceModel, vertices: NDArray[np.intp]) -> Judged:
    """All figures of a sequence; meshes are compared at the vertices (M,) that are named."""
    given, chosen = shown(sequence)
    found = model(given)
    meshes = Meshes(face, sequence, chosen, vertices)
    elapsed_s = np.cumsum(given.dt_s[:, 0])
    single = np.linspace(0, len(chosen) - 1, SINGLE_FRAMES).astype(np.intp)
    errors = [meshes.error(index, found.identity[index], found.expression[index]) for index in single]
    surface = {"frame": float(np.mean([one[0] for one in errors]))}
    known = running_identity(found.identity, found.identity_variance)
    for after_s in AFTER_S:
        if elapsed_s[-1] >= after_s:
            index = int(np.searchsorted(elapsed_s, after_s))
            surface[f"{after_s:g}s"] = meshes.error(index, known[index], found.expression[index])[0]
    turn = np.abs(sequence.yaw_pitch_roll_rad[chosen][:, :2]).max(axis=1)
    near = turn <= WITHIN_RAD
    angles = geodesic_deg(found.rotation, rotations(sequence.yaw_pitch_roll_rad[chosen]).astype(np.float64))
    truth = np.asarray(sequence.expression[chosen], np.float32)
    return Judged(
        surface,
        float(np.mean([one[1] for one in errors])),
        float(angles[near].mean()) if near.any() else float("nan"),
        flicker(found.expression, truth),
        found.expression,
        truth,
    )


class Meshes:
    """True meshes of a sequence, and those of coefficients, in the head's own frame."""

    def __init__(
        self, face: FaceModel, sequence: Sequence, chosen: NDArray[np.intp], vertices: NDArray[np.intp]
    ) -> None:
        self._face, self._vertices = face, vertices
        self._identity = np.zeros(len(face.identity_mm), np.float32)
        given = sequence.plan.subject.identity[: len(self._identity)]
        self._identity[: len(given)] = given
        self._expression = np.asarray(sequence.expression[chosen], np.float32)

    def error(self, index: int, identity: FloatArray, expression: FloatArray) -> tuple[float, float]:
        """Surface and vertex error in mm of a frame."""
        own = np.zeros_like(self._identity)
        own[: len(identity)] = identity
        truth = self._mesh(self._identity, self._expression[index])
        found = mesh_error(self._mesh(own, expression), truth, self._face.triangles, self._vertices)
        return found.surface_mm, found.vertex_mm

    def _mesh(self, identity: FloatArray, expression: FloatArray) -> FloatArray:
        face = self._face
        mesh = (
            face.mean_mm + np.tensordot(identity, face.identity_mm, 1) + np.tensordot(expression, face.expression_mm, 1)
        )
        return np.asarray(mesh, np.float32)


def running_identity(identity: FloatArray, variance: FloatArray) -> FloatArray:
    """(T, I) the mean of all frames so far, each weighted by the inverse of its variance (T, I)."""
    precision = 1.0 / np.asarray(variance, np.float64)
    found = np.cumsum(precision * identity, axis=0) / np.cumsum(precision, axis=0)
    return np.asarray(found, np.float32)


def flicker(expression: FloatArray, truth: FloatArray) -> float:
    """Mean absolute change of (T, K) between frames in which the truth hardly changes."""
    still = np.abs(np.diff(truth, axis=0)).mean(axis=1) < STILL
    change = np.abs(np.diff(expression, axis=0)).mean(axis=1)
    return float(change[still].mean()) if still.any() else float("nan")


def correlation(judged: list[Judged], names: tuple[str, ...], visible: tuple[str, ...]) -> float:
    """Mean over the coefficients that are named as visible, of all frames of all sequences."""
    errors = coefficient_errors(
        np.concatenate([one.expression for one in judged]), np.concatenate([one.truth for one in judged]), names
    )
    wanted = [names.index(name) for name in visible]
    known = errors.correlation[wanted]
    return float(known[np.isfinite(known)].mean())
