"""What the expression stage reads of a face: distances and angles of its landmarks, coefficients of its mesh, both."""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np

from face1d_ros.config import MeshConfig
from face1d_ros.geometry.camera_model import Camera
from face1d_ros.geometry.expression_features import expression_features
from face1d_ros.stages.mesh_pose import OTHER_CAMERA, aligned, camera_for
from face1d_ros.stages.smoothing_input import each_confidence, refusal
from face1d_ros.types import (
    FaceLandmarks,
    FaceLandmarksArray,
    FaceMesh,
    FaceMeshArray,
    FaceReading,
    FloatArray,
    Topology,
)

FIELD_OF_VIEW_RAD = math.radians(MeshConfig().field_of_view_deg)
NO_COEFFICIENTS, OTHER_COEFFICIENTS = "no coefficients", "coefficients of another model"
BAD_COEFFICIENTS, NO_POSE = "coefficients not from 0 to 1", "no pose"


class Reader(Protocol):
    """Of one kind of input."""

    def read(self, frame: Any, face: Any) -> FloatArray | str:
        """(F,) features, or why there are none."""

    def topology(self, face: Any) -> Topology:
        """What the face's landmarks are, where it has any."""

    def remark(self, frame: Any) -> str:
        """What is to be counted of a frame that can be read all the same; or ''."""


class MeshReader:
    """Coefficients as they come."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names

    def read(self, frame: FaceMeshArray, face: FaceMesh) -> FloatArray | str:
        """(K,) coefficients, or why there are none."""
        if not len(face.expression):
            return NO_COEFFICIENTS
        if frame.expression_names != self._names or len(face.expression) != len(self._names):
            return OTHER_COEFFICIENTS
        values = face.expression
        if not (np.minimum.reduce(values) >= 0.0 and np.maximum.reduce(values) <= 1.0):
            return BAD_COEFFICIENTS
        return values

    def topology(self, face: FaceMesh) -> Topology:
        """A mesh has none."""
        return Topology.UNKNOWN

    def remark(self, frame: FaceMeshArray) -> str:
        """Nothing."""
        return ""


class LandmarkReader:
    """Distances and angles of the face, with the head's pose taken off."""

    def __init__(self) -> None:
        self.camera: Camera | None = None

    def read(self, frame: FaceLandmarksArray, face: FaceLandmarks) -> FloatArray | str:
        """(F,) distances in cm and angles in rad, or why there are none."""
        if reason := refusal(face):
            return reason
        camera = camera_for(frame, self.camera, FIELD_OF_VIEW_RAD)
        _, found = aligned(face.points, each_confidence(face), camera)
        features = expression_features(found.points_cm[None])[0]
        return features if np.isfinite(features).all() else NO_POSE

    def topology(self, face: FaceLandmarks) -> Topology:
        """The face's own."""
        return face.topology

    def remark(self, frame: FaceLandmarksArray) -> str:
        """A camera that is known, but not that of these images: another one is assumed."""
        known = self.camera
        return OTHER_CAMERA if known is not None and camera_for(frame, known, FIELD_OF_VIEW_RAD) is not known else ""


class BothReader(LandmarkReader):
    """Distances and angles, then coefficients."""

    def __init__(self, names: tuple[str, ...]) -> None:
        """`names` of the coefficients."""
        super().__init__()
        self._mesh = MeshReader(names)

    def read(self, frame: FaceReading, face: FaceLandmarks) -> FloatArray | str:  # type: ignore[override]
        """(F + K,) features, or why there are none."""
        fitted = frame.mesh_of(face.track_id)
        coefficients = NO_COEFFICIENTS if fitted is None else self._mesh.read(frame.mesh, fitted)
        if isinstance(coefficients, str):
            return coefficients
        features = super().read(frame.landmarks, face)
        return features if isinstance(features, str) else np.concatenate([features, coefficients])

    def remark(self, frame: FaceReading) -> str:  # type: ignore[override]
        """As of the landmarks."""
        return super().remark(frame.landmarks)


def make_reader(given: str, coefficients: tuple[str, ...]) -> Reader:
    """Of this input, as the setting `input` names it."""
    if given == "mesh":
        return MeshReader(coefficients)
    return BothReader(coefficients) if given == "both" else LandmarkReader()
