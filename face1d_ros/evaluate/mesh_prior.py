"""What closed form is told beforehand: the ridge parameter, tried on validation data, and covariances of training data.

Letters: T frames, N landmarks, C coefficients, identity first.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Sequence as Many
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import CorpusError
from face1d_ros.evaluate.mesh import FRAME, SPANS_S, TrueFaces, mean, samples
from face1d_ros.evaluate.mesh_models import ClosedFormRunner, RidgeSetting, aligned_faces, basis_of, pose_weights, ridge
from face1d_ros.evaluate.mesh_tracks import mesh_track
from face1d_ros.geometry.mesh_fit import MeshFitter, PointBasis, Prior
from face1d_ros.geometry.rigid import align
from face1d_ros.stages.base import Stage
from face1d_ros.synth.corpus.reader import Corpus
from face1d_ros.synth.faces.model import FaceModel
from face1d_ros.synth.faces.point_model import PointModel
from face1d_ros.synth.sequence import Sequence, identity_of
from face1d_ros.types import FloatArray

Floats = NDArray[np.float64]
GRID_ERRORS_MM = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
GRID_OTHERS = (0.05, 1.0)
FRAMES_OF_A_SEQUENCE = 20
LEAST_VARIANCE = 0.01**2
"""mm² for errors, and of coefficients: what never varied in training is not quite impossible."""


def grid(
    sequences: Many[Sequence],
    face: FaceModel,
    points: PointModel,
    smoothing: Stage | None,
    advance: Callable[[], None] = lambda: None,
) -> list[tuple[RidgeSetting, float]]:
    """Mesh errors in mm of ridge for all settings, from the same single frames; `advance` is called after each."""
    given = [_Given.of(sequence, face, smoothing) for sequence in sequences]
    found = []
    for setting in itertools.starmap(RidgeSetting, itertools.product(GRID_ERRORS_MM, GRID_OTHERS)):
        fits = ClosedFormRunner("ridge", ridge(points, setting), points)
        found.append((setting, mean([one.mesh_mm(fits) for one in given if one is not None])))
        advance()
    return found


@dataclass(frozen=True, eq=False)
class _Given:
    """Some frames of a sequence."""

    chosen: list[int]
    aligned_cm: FloatArray
    confidence: FloatArray
    truth: TrueFaces

    @classmethod
    def of(cls, sequence: Sequence, face: FaceModel, smoothing: Stage | None) -> _Given | None:
        """None where nothing was seen."""
        track = mesh_track(sequence, smoothing)
        if not len(track.judged) or track.camera is None:
            return None
        chosen = samples(track, SPANS_S[FRAME])
        aligned_cm, confidence = aligned_faces([track.frames[index] for index in chosen], track.camera)
        return cls(chosen, aligned_cm, confidence, TrueFaces(face, sequence))

    def mesh_mm(self, fits: ClosedFormRunner) -> float:
        """Mean error."""
        found = fits.fitted(self.aligned_cm, self.confidence)
        rows = zip(self.chosen, found["identity"], np.clip(found["expression"], 0.0, 1.0), strict=True)
        return mean([float(self.truth.errors(*row).surface.mean()) for row in rows])


def maximum_a_posteriori(
    corpus: Corpus,
    points: PointModel,
    smoothing: Stage | None,
    others: float,
    sequences: int,
    advance: Callable[[], None] = lambda: None,
) -> MeshFitter:
    """Mean and covariance of coefficients and of the landmarks' errors, of so many sequences of a corpus.

    `others` as in `RidgeSetting`.
    """
    weights = pose_weights(points, others)
    chosen = np.linspace(0, len(corpus) - 1, min(sequences, len(corpus))).round().astype(int)
    parts = list(_read((corpus[int(index)] for index in chosen), points, smoothing, weights, advance))
    if not parts:
        raise CorpusError(f"'{corpus.folder}' shows no face; make a corpus by `face1d synth make`")
    expression, errors = (np.concatenate(part) for part in zip(*parts, strict=True))
    own, basis = len(points.identity_mm), basis_of(points)
    count = own + expression.shape[1]
    covariance, middle = np.eye(count), np.zeros(count)
    covariance[own:, own:] = np.cov(expression.T) + LEAST_VARIANCE * np.eye(count - own)
    middle[own:] = expression.mean(axis=0)
    spread = np.cov(errors.T) + LEAST_VARIANCE * np.eye(errors.shape[1])
    # What the detector gets wrong on everybody belongs to the mean face that it sees.
    shifted = basis.mean_mm + errors.mean(axis=0).reshape(-1, 3)
    return MeshFitter(PointBasis(shifted, basis.shapes_mm, own), Prior(middle, covariance), spread, weights)


def _read(
    sequences: Iterable[Sequence],
    points: PointModel,
    smoothing: Stage | None,
    weights: NDArray[np.float32],
    advance: Callable[[], None],
) -> Iterator[tuple[Floats, Floats]]:
    """(T, K) expressions, and (T, 3 N) errors of landmarks that are laid on the true ones in mm, of each sequence."""
    for sequence in sequences:
        track = mesh_track(sequence, smoothing)
        advance()
        if not len(track.judged) or track.camera is None:
            continue
        chosen = track.judged[np.linspace(0, len(track.judged) - 1, FRAMES_OF_A_SEQUENCE).astype(int)]
        seen, sure = aligned_faces([track.frames[index] for index in chosen], track.camera)
        expression = np.asarray(sequence.expression[chosen], np.float64)
        coefficients = np.concatenate(
            [np.repeat(identity_of(sequence.plan.subject, points)[None], len(chosen), axis=0), expression], axis=1
        )
        true = basis_of(points).points_mm(coefficients)
        placed = align(seen, true, weights * np.clip(sure, 1e-3, 1.0)).apply(seen)
        known = np.isfinite(placed).all(axis=(1, 2))
        yield expression[known], (placed - true)[known].reshape(int(known.sum()), -1)
