"""Head pose of the detector's landmarks against that of a real dataset.

The pose is `geometry.pose.head_pose` of each single image, without any smoothing. Nothing is taken off: no offset of
a person or a dataset is fitted, although each dataset has its own idea of a head that looks straight ahead. Angles
are yaw, pitch and roll of R = Rz Ry Rx for both, whichever order the dataset's own angles have; the geodesic angle
does not depend on one. The pose is under weak perspective: a head beside the middle of the image appears turned.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from face1d_ros.config import LandmarksConfig
from face1d_ros.datasets.base import HeadPose, RealSequence
from face1d_ros.detect.detector import make_detector
from face1d_ros.errors import DatasetFileError
from face1d_ros.evaluate.metrics_3d import geodesic_deg
from face1d_ros.evaluate.real_landmarks import nearest, readable
from face1d_ros.evaluate.tracks import Floats
from face1d_ros.geometry.pose import head_pose, yaw_pitch_roll_rad
from face1d_ros.types import FaceLandmarks

LARGEST_DEG = {"aflw2000": 99.0}
"""The protocol in use leaves out images of which an angle of the file is larger."""
AXES = ("yaw", "pitch", "roll")
NUMBERS = ("frames", "outside", "missed")
Advance = Callable[[], None]
Skip = Callable[[DatasetFileError], None]


class PoseJudge:
    """Measures the detector sequence by sequence; `close` frees it."""

    def __init__(
        self, faces: int, *, largest_deg: float = np.inf, most_frames: int | None = None, skip: Skip | None = None
    ) -> None:
        """How many faces are looked for, and which images count; with `skip`, unreadable ones are told there."""
        self._detector = make_detector(LandmarksConfig(max_faces=faces))
        self.model = self._detector.model
        self._largest_deg = largest_deg
        self._most = most_frames
        self._skip = skip

    def row(self, sequence: RealSequence, truth: HeadPose, advance: Advance = lambda: None) -> dict[str, Any]:
        """All figures of one sequence."""
        self._detector.reset()
        marked = sequence.read_landmarks() if sequence.read_landmarks is not None else None
        found = np.full_like(truth.rotation[: self._most], np.nan)
        counts = np.zeros(len(found), np.bool_)
        within = _within(truth, self._largest_deg)[: self._most]
        for index, image in zip(range(len(found)), readable(sequence.images, self._skip), strict=False):
            if image is not None and within[index]:
                counts[index] = True
                faces = self._detector.detect(image)
                points = largest(faces) if marked is None else nearest(faces, marked[index])
                if points is not None:
                    found[index] = head_pose(points).rotation
            advance()
        row = {"sequence": sequence.name, "split": sequence.split}
        return (
            row | pose_figures(found[counts], truth.rotation[: len(found)][counts]) | {"outside": int((~within).sum())}
        )

    def close(self) -> None:
        """Free the models."""
        self._detector.close()


def pose_figures(found: Floats, truth: Floats) -> dict[str, Any]:
    """Of rotations (T, 3, 3); NaN is a face that was not found, or that determines no pose."""
    seen = np.isfinite(found).all(axis=(1, 2))
    row: dict[str, Any] = {"frames": len(truth), "missed": int((~seen).sum())}
    if not seen.any():
        return row
    apart = np.degrees(yaw_pitch_roll_rad(found[seen]) - yaw_pitch_roll_rad(truth[seen]))
    errors = np.abs((apart + 180.0) % 360.0 - 180.0).mean(axis=0)
    row["geodesic_deg"] = float(geodesic_deg(found[seen], truth[seen]).mean())
    row |= {f"{axis}_mae_deg": float(error) for axis, error in zip(AXES, errors, strict=True)}
    return row | {"mae_deg": float(errors.mean())}


def pose_summary(rows: Sequence[dict[str, Any]], name: str) -> dict[str, Any]:
    """The mean over all faces that were found, of whichever sequence, as is usual for both datasets."""
    whole: dict[str, Any] = {"split": name, "sequences": len(rows)}
    whole |= {key: sum(row[key] for row in rows) for key in NUMBERS}
    weights = [row["frames"] - row["missed"] for row in rows]
    for key in ("geodesic_deg", *(f"{axis}_mae_deg" for axis in AXES), "mae_deg"):
        total = sum(row[key] * weight for row, weight in zip(rows, weights, strict=True) if weight)
        whole[key] = total / sum(weights) if sum(weights) else None
    return whole


def largest(faces: Sequence[FaceLandmarks]) -> Floats | None:
    """(N, 3) px of the face that is largest, where the dataset does not say where its face is; None without any."""
    if not faces:
        return None
    sizes = [float(np.ptp(face.points[:, :2], axis=0).max()) for face in faces]
    return faces[int(np.argmax(sizes))].points.astype(np.float64)


def _within(truth: HeadPose, largest_deg: float) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """(T,) whether every angle of the file is small enough."""
    if truth.own_angles_rad is None:
        return np.ones(len(truth.rotation), np.bool_)
    return np.asarray((np.abs(np.degrees(truth.own_angles_rad)) <= largest_deg).all(axis=1))
