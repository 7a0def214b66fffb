"""Faces whose place before a camera is known, and bundles of mesh networks that know nothing."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.geometry.camera_model import Camera
from face1d_ros.synth.sequence import Sequence
from face1d_ros.types import FaceLandmarks, FaceLandmarksArray, FloatArray, Header, Topology, TrackState

BEGIN_NS = 1_767_225_600_000_000_000
EXPRESSIONS = ("browDown_L", "browDown_R", "jawOpen")
ANCHORS = [33, 133, 362, 263, 1]
IDENTITY = 4


def camera_of(sequence: Sequence) -> Camera:
    plan = sequence.plan.camera
    centre = (plan.centre_x_px, plan.centre_y_px)
    return Camera(plan.width, plan.height, (plan.focal_px, plan.focal_px), centre)


def frame(sequence: Sequence, index: int, points: FloatArray | None = None, **fields: Any) -> FaceLandmarksArray:
    """A frame of a sequence as detected, or with other landmarks."""
    found = sequence.observed[index] if points is None else points
    values = {"track_id": 1, "state": TrackState.MEASURED, "confidence": 0.9, "points": found.astype(np.float32)}
    face = FaceLandmarks(**{**values, "topology": Topology(len(found)), **fields})
    return frame_of([face], BEGIN_NS + round(sequence.stamps_s[index] * 1e9), sequence)


def frame_of(faces: Iterable[FaceLandmarks], stamp_ns: int, sequence: Sequence) -> FaceLandmarksArray:
    camera = sequence.plan.camera
    return FaceLandmarksArray(Header(stamp_ns, "camera"), camera.width, camera.height, tuple(faces))


def seen(sequence: Sequence) -> NDArray[np.intp]:
    return np.flatnonzero(sequence.seen)


def write_mesh(folder: Path, **settings: Any) -> Path:
    """A network with random weights for 478 landmarks, as a bundle."""
    from face1d_ros.train.export import UNTRAINED, untrained, write_files

    sizes = {"landmarks": 478, "identity": IDENTITY, "expression": len(EXPRESSIONS), "anchors": len(ANCHORS)}
    network = untrained("curve_cnn", {**sizes, "hidden": 8, "channels": (4, 4, 4)})
    network.eval()
    basis = {"basis": "tiny", "basis_sha256": "0" * 64, "expression_names": list(EXPRESSIONS), "anchors": ANCHORS}
    write_files(network, folder, {**UNTRAINED, "settings": {**basis, **settings}})
    return folder
