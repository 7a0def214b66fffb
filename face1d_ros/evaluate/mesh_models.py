"""Closed form in the mesh stage, in place of a network: all else is that of the product, so that only the fit differs.

Letters: T frames, B faces, N landmarks, I identity and K expression coefficients.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face1d_ros.config import MeshConfig
from face1d_ros.engines.engine import Arrays
from face1d_ros.evaluate.mesh_tracks import RAW, SMOOTHED, MeshTrack
from face1d_ros.geometry.camera_model import Camera
from face1d_ros.geometry.mesh_fit import MeshFitter, PointBasis, Prior
from face1d_ros.geometry.pose import pose_points
from face1d_ros.geometry.rigid import rotation_vectors
from face1d_ros.geometry.topology import to_68
from face1d_ros.stages.mesh import MeshStage
from face1d_ros.stages.mesh_model import Basis, FaceInput, MeshNetworkRunner
from face1d_ros.stages.mesh_pose import OUTER_EYE_CORNERS, aligned
from face1d_ros.stages.mesh_tracks import mesh_tracks
from face1d_ros.stages.smoothing_input import confidences
from face1d_ros.synth.faces.eyes import IRISES
from face1d_ros.synth.faces.point_model import PointModel
from face1d_ros.types import FaceLandmarksArray, FloatArray, Topology

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RidgeSetting:
    """What ridge regression is told."""

    error_mm: float
    """Of a landmark's coordinate, beside a coefficient of 1."""
    others: float
    """Weight for the pose of landmarks that move with expression, beside 1 more for those that do not."""


RIDGE = {SMOOTHED: RidgeSetting(2.0, 1.0), RAW: RidgeSetting(16.0, 1.0)}
"""By what is given: best on validation data, as `face1d evaluate mesh VALIDATION --grid` found."""


class ClosedFormRunner(MeshNetworkRunner):
    """Answers as a network does, by a fit."""

    predicts = False

    def __init__(self, name: str, fitter: MeshFitter, points: PointModel) -> None:
        """`fitter` is one of these points."""
        self.model, self.why = name, "closed form"
        self._fitter = fitter
        indices = pose_points(points.topology)[0]
        self.basis = Basis(
            points.source_name,
            points.source_sha256,
            points.expression_names,
            len(points.identity_mm),
            tuple(indices.tolist()),
            points.topology,
        )
        mean, moved = (_from_the_eyes(part) for part in (points.mean_mm, points.identity_mm))
        self._anchors_mm, self._anchors_moved = mean[indices], moved[:, indices]
        self._known: dict[int, tuple[Arrays, int]] = {}

    @property
    def engine(self) -> str:
        """What it runs on."""
        return "numpy"

    def step(self, stamp_ns: int, faces: Sequence[FaceInput]) -> Arrays:
        """Outputs by name, (B, …)."""
        if stamp_ns in self._known and len(faces) == 1:
            outputs, row = self._known[stamp_ns]
            return {name: array[row : row + 1] for name, array in outputs.items()}
        return self.fitted(np.stack([face.aligned_cm for face in faces]), np.stack([face.confidence for face in faces]))

    def fitted(self, aligned_cm: FloatArray, confidence: FloatArray) -> Arrays:
        """Of faces (B, N, 3) and confidences (B, N)."""
        fit = self._fitter.fit(aligned_cm, confidence)
        found = fit.coefficients.astype(np.float32)
        identity, expression = np.split(found, [self.basis.identity], axis=1)
        anchors = self._anchors_mm + np.tensordot(identity, self._anchors_moved, 1)
        return {
            "identity": identity,
            "identity_log_variance": np.zeros_like(identity),
            "expression": expression,
            "rotation_correction": rotation_vectors(fit.pose.rotation).astype(np.float32),
            "anchors_mm": anchors.astype(np.float32),
            "anomaly": np.zeros((len(found), 1), np.float32),
        }

    def learn(self, track: MeshTrack | None) -> None:
        """Fit all frames of a track at once, which takes a tenth of the time; None: forget them."""
        self._known = {}
        if track is None or track.camera is None:
            return
        frames = [frame for frame in track.frames if frame.faces]
        outputs = self.fitted(*aligned_faces(frames, track.camera))
        self._known = {frame.header.stamp_ns: (outputs, row) for row, frame in enumerate(frames)}

    def values(self) -> Mapping[str, object]:
        """Nothing to say."""
        return {}

    def reset(self) -> None:
        """It remembers no face."""

    def close(self) -> None:
        """It holds nothing."""


class ClosedFormStage(MeshStage):
    """The mesh stage with a fit in place of its network."""

    def __init__(self, name: str, fitter: MeshFitter, points: PointModel) -> None:
        super().__init__(MeshConfig(model="none"))
        self.fits = ClosedFormRunner(name, fitter, points)
        self._runner = self.fits
        self._tracks = mesh_tracks(self.fits.basis.identity)


def aligned_faces(frames: Sequence[FaceLandmarksArray], camera: Camera) -> tuple[FloatArray, FloatArray]:
    """(B, N, 3) the first face of each frame on the canonical face, in cm, and (B, N) confidences."""
    faces = [frame.faces[0] for frame in frames]
    sure = np.stack([np.broadcast_to(confidences(face), len(face.points)) for face in faces]).astype(np.float32)
    _, found = aligned(np.stack([face.points for face in faces]), sure, camera)
    return found.points_cm.astype(np.float32), sure


def ridge(points: PointModel, setting: RidgeSetting) -> MeshFitter:
    """Every coefficient alike, every landmark alike."""
    basis = basis_of(points)
    return MeshFitter(basis, Prior.ridge(len(basis.shapes_mm)), setting.error_mm, pose_weights(points, setting.others))


def pose_weights(points: PointModel, others: float) -> FloatArray:
    """(N,) 0 for irises, which no linear model moves."""
    weights = np.full(len(points.mean_mm), others, np.float32)
    weights[pose_points(points.topology)[0]] += 1.0
    if points.topology is Topology.MESH_478:
        weights[IRISES[0].start :] = 0.0
    return weights


def basis_of(points: PointModel) -> PointBasis:
    """A face model's landmarks with all its coefficients."""
    shapes = np.concatenate([points.identity_mm, points.expression_mm])
    return PointBasis(points.mean_mm.astype(np.float64), shapes.astype(np.float64), len(points.identity_mm))


def _from_the_eyes(points_mm: FloatArray) -> FloatArray:
    """(..., N, 3) from between the outer eye corners: where a head is."""
    corners = to_68(points_mm)[..., list(OUTER_EYE_CORNERS), :]
    return np.asarray(points_mm - corners.mean(axis=-2, keepdims=True), np.float32)
