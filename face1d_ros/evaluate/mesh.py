"""Mesh models on synthetic sequences: meshes, coefficients and head pose against their truth, from equal landmarks.

Every model runs in the mesh stage. At a few frames of each sequence it is asked three times: from that frame alone,
and after 1 s and 3 s of the video before it, each time as of a face never seen before. One camera cannot tell how large
a head is, so each mesh is first brought to the true distance of the outer eye corners at rest; the error without that
has a figure of its own. Letters: M frames with an answer, V vertices that are compared, I identity and K expression
coefficients.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import InvalidValueError
from face1d_ros.evaluate.mesh_tracks import Followed, MeshTrack, follow
from face1d_ros.evaluate.metrics_3d import geodesic_deg, laid_on
from face1d_ros.evaluate.surface import Surface
from face1d_ros.stages.mesh import MeshStage
from face1d_ros.synth.faces.model import FaceModel
from face1d_ros.synth.faces.model_arrays import EYE_CORNERS
from face1d_ros.synth.sequence import Sequence, rotations
from face1d_ros.types import FloatArray

Floats = NDArray[np.float64]
FRAME = "frame"
SPANS_S = {FRAME: 0.0, "1s": 1.0, "3s": 3.0}
"""Of video that a model has seen when its mesh is measured."""
SAMPLES = 4
"""Frames of each sequence in which meshes are compared."""
VERTICES_EVERY = 8
"""One of so many vertices is compared, with the whole true surface."""
WITHIN_RAD = np.radians(40.0)
"""Of yaw and pitch, for errors of pose."""
STILL = 0.002
"""Mean change of the true coefficients from frame to frame below which a face is still."""
EPSILON_S = 1e-6


@dataclass(frozen=True, eq=False)
class MeshErrors:
    """Of one mesh, mm."""

    surface: Floats
    """(V,) distance of each vertex to the true surface."""
    vertex: float
    """Mean distance to the true vertices."""


@dataclass(frozen=True, eq=False)
class Judged:
    """What came out of one model on one sequence. NaN where a sequence does not tell."""

    surface_mm: dict[str, Floats]
    """(V,) mean over samples, by `SPANS_S`; left out where the sequence is shorter."""
    own_size_mm: float
    """As `frame`, with the size that the model itself takes the head to be of."""
    vertex_mm: float
    """As `frame`, vertex to vertex."""
    rotation_deg: float
    translation_mm: float
    distance_percent: float
    """Error of the head's distance from the camera, in parts of it."""
    flicker: float
    """Mean change of the coefficients from frame to frame while the face is still."""
    expression: FloatArray
    """(M, K) as found, following the whole sequence."""
    truth: FloatArray
    """(M, K)"""

    def mesh_mm(self, span: str) -> float:
        """Mean over vertices."""
        return float(self.surface_mm[span].mean()) if span in self.surface_mm else float("nan")


def judge(stage: MeshStage, track: MeshTrack, truth: TrueFaces, spans: Iterable[str] = SPANS_S) -> Judged:
    """All figures of a sequence; meshes after some spans only where these are named."""
    whole = follow(stage, track)
    if not len(whole.frames):
        raise InvalidValueError("mesh model", f"no coefficients in {track.name}", "a model of the sequence's landmarks")
    sequence = truth.sequence
    expression, true = whole.expression_of(sequence.expression_names), sequence.expression[whole.frames]
    surface: dict[str, list[Floats]] = {}
    own_size, vertex = [], []
    for span in spans:
        span_s = SPANS_S[span]
        for index in samples(track, span_s):
            start = int(np.searchsorted(track.stamps_s, track.stamps_s[index] - span_s - EPSILON_S))
            found = follow(stage, track, start, index + 1)
            if not len(found.frames) or found.frames[-1] != index:
                continue
            identity, now = found.identity[-1], found.expression_of(sequence.expression_names)[-1]
            errors = truth.errors(index, identity, now)
            surface.setdefault(span, []).append(errors.surface)
            if span == FRAME:
                own_size.append(float(truth.errors(index, identity, now, own_size=True).surface.mean()))
                vertex.append(errors.vertex)
    pose = pose_errors(whole, sequence)
    return Judged(
        {span: np.mean(parts, axis=0) for span, parts in surface.items()},
        mean(own_size),
        mean(vertex),
        *pose,
        flicker(expression, true),
        expression,
        np.asarray(true, np.float32),
    )


def samples(track: MeshTrack, span_s: float) -> list[int]:
    """Frames at which meshes are compared: the same for all spans that the track is long enough for."""
    stamps_s = track.stamps_s[track.judged]
    most_s = max((s for s in SPANS_S.values() if stamps_s[-1] - stamps_s[0] >= s + EPSILON_S), default=0.0)
    if span_s > most_s:
        return []
    late = track.judged[stamps_s - stamps_s[0] >= most_s - EPSILON_S]
    chosen = np.linspace(0, len(late) - 1, min(SAMPLES, len(late))).round().astype(int)
    return [int(late[place]) for place in chosen]


class TrueFaces:
    """Meshes of a sequence in the head's own frame, and how far others are from them."""

    def __init__(self, face: FaceModel, sequence: Sequence) -> None:
        self.sequence = sequence
        self._face = face
        self._vertices = compared(face)
        given = sequence.plan.subject.identity[: len(face.identity_mm)]
        self._identity = np.zeros(len(face.identity_mm), np.float32)
        self._identity[: len(given)] = given
        order = [sequence.expression_names.index(name) for name in face.expression_names]
        self._expression = np.asarray(sequence.expression[:, order], np.float32)
        self._order = order
        self._corners = face.landmarks_68.take(list(EYE_CORNERS))
        self._surfaces: dict[int, tuple[FloatArray, Surface]] = {}

    def errors(self, index: int, identity: FloatArray, expression: FloatArray, *, own_size: bool = False) -> MeshErrors:
        """Of coefficients (at most I,) and (K,), in the sequence's order, in a frame."""
        true, surface = self._true(index)
        own = np.zeros_like(self._identity)
        own[: len(identity)] = identity
        found = self._mesh(own, expression[self._order])
        if not own_size:
            found = found * (self._eye_distance(self._identity) / self._eye_distance(own))
        moved = laid_on(found[self._vertices], true[self._vertices])
        apart = np.sqrt(((moved - true[self._vertices]) ** 2).sum(axis=1))
        return MeshErrors(surface.distances(moved), float(apart.mean()))

    def _true(self, index: int) -> tuple[FloatArray, Surface]:
        if index not in self._surfaces:
            mesh = self._mesh(self._identity, self._expression[index])
            self._surfaces[index] = mesh, Surface(mesh, self._face.triangles)
        return self._surfaces[index]

    def _mesh(self, identity: FloatArray, expression: FloatArray) -> FloatArray:
        face = self._face
        moved = identity @ face.identity_mm.reshape(len(identity), -1)
        moved = moved + expression @ face.expression_mm.reshape(len(expression), -1)
        return np.asarray(face.mean_mm + moved.reshape(face.mean_mm.shape), np.float32)

    def _eye_distance(self, identity: FloatArray) -> float:
        """Between the outer corners, at rest."""
        right, left = self._corners.on(self._mesh(identity, np.zeros(len(self._order), np.float32)))
        return float(np.linalg.norm(left - right))


def compared(face: FaceModel) -> NDArray[np.intp]:
    """(V,) the vertices that are compared."""
    return np.arange(0, len(face.mean_mm), VERTICES_EVERY)


def pose_errors(found: Followed, sequence: Sequence) -> tuple[float, float, float]:
    """Mean angle in degrees, distance of places in mm, and error of the distance in percent, within 40°."""
    turn, place = sequence.yaw_pitch_roll_rad[found.frames], sequence.translation_mm[found.frames].astype(np.float64)
    near = np.abs(turn[:, :2]).max(axis=1) <= WITHIN_RAD
    near &= np.isfinite(found.translation_mm).all(axis=1)
    if not near.any():
        return float("nan"), float("nan"), float("nan")
    angles = geodesic_deg(found.rotation[near], rotations(turn[near]).astype(np.float64))
    off = found.translation_mm[near] - place[near]
    away = np.abs(off[:, 2]) / place[near, 2]
    return float(angles.mean()), float(np.linalg.norm(off, axis=1).mean()), 100.0 * float(away.mean())


def flicker(expression: FloatArray, truth: FloatArray) -> float:
    """Mean absolute change of (M, K) between frames in which the truth hardly changes."""
    still = np.abs(np.diff(truth, axis=0)).mean(axis=1) < STILL
    change = np.abs(np.diff(expression, axis=0)).mean(axis=1)
    return float(change[still].mean()) if still.any() else float("nan")


def mean(values: list[float]) -> float:
    """Of those that are finite; NaN where none is."""
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")
