"""Synthetic faces as the mesh stage gets them, frame by frame, and what it says of them.

Letters: T frames of a sequence, M of them with an answer, I identity and K expression coefficients.
"""

from __future__ import annotations

from collections.abc import Sequence as Many
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import InvalidValueError
from face1d_ros.evaluate.smoothing_shapes import displaced
from face1d_ros.evaluate.smoothing_tracks import NS, synthetic_track
from face1d_ros.geometry.camera_model import Camera
from face1d_ros.stages.base import Stage
from face1d_ros.stages.mesh import MeshStage
from face1d_ros.stages.mesh_pose import TO_ROS
from face1d_ros.synth.sequence import Sequence
from face1d_ros.types import FaceLandmarksArray, FaceMesh, FloatArray, Topology, TrackState

Floats = NDArray[np.float64]
RAW, SMOOTHED = "raw", "smoothed"
ROUGH, ROUGH_SEED = 0.0034, 20_260_008
"""Root mean square in parts of the face's size: about what the noise model's patterns leave out of the detector's
errors, of whose variance they hold 98 % (docs/detector_noise.md)."""
MM = 1000.0
"""In a metre."""


@dataclass(frozen=True, eq=False)
class MeshTrack:
    """One face for a while."""

    name: str
    frames: tuple[FaceLandmarksArray, ...]
    """T of them, as they come to the mesh stage."""
    camera: Camera | None
    """None: it is not calibrated."""
    judged: NDArray[np.intp]
    """Frames in which the face was measured, not predicted."""

    @property
    def stamps_s(self) -> Floats:
        """(T,)"""
        return np.array([frame.header.stamp_ns for frame in self.frames]) / NS


@dataclass(frozen=True, eq=False)
class Followed:
    """What a stage said of one face; of frames without an answer there is nothing."""

    frames: NDArray[np.intp]
    """(M,) their numbers in the track."""
    identity: FloatArray
    """(M, I) as known by then."""
    expression: FloatArray
    """(M, K) in the order of `expression_names`."""
    rotation: Floats
    """(M, 3, 3) of the head in the camera's optical frame."""
    translation_mm: Floats
    """(M, 3)"""
    expression_names: tuple[str, ...]

    def expression_of(self, names: Many[str]) -> FloatArray:
        """(M, len(names)) in another order."""
        missing = [name for name in names if name not in self.expression_names]
        if missing:
            raise InvalidValueError("expressions of the model", f"none named {missing[0]}", "those of the face model")
        return np.asarray(self.expression[:, [self.expression_names.index(name) for name in names]])


def mesh_track(sequence: Sequence, smoothing: Stage | None, observed: FloatArray | None = None) -> MeshTrack:
    """What was seen of a sequence, or other points (T, N, 3) px, through its true camera, steadied or not."""
    plain = synthetic_track(sequence, Topology(sequence.topology), observed)
    frames = plain.frames if smoothing is None else steadied(plain.frames, smoothing)
    camera = sequence.plan.camera
    lens = Camera(
        camera.width,
        camera.height,
        (camera.focal_px, camera.focal_px),
        (camera.centre_x_px, camera.centre_y_px),
    )
    return MeshTrack(sequence.name, frames, lens, measured(frames))


def rough(sequence: Sequence) -> FloatArray:
    """(T, N, 3) px as observed, and each point off by itself, always in the same way: errors without any pattern.

    All errors of the noise model are sums of few patterns, and what knows these reads a face between them as if there
    was no error at all.
    """
    rng = np.random.default_rng((ROUGH_SEED, sequence.subject_id))
    field = ROUGH * rng.standard_normal((int(sequence.topology), 3)) / np.sqrt(3.0)
    return displaced(sequence, field)[0]


def steadied(frames: Many[FaceLandmarksArray], smoothing: Stage) -> tuple[FaceLandmarksArray, ...]:
    """What a smoothing stage makes of them, each at its own stamp."""
    smoothing.reset()
    given = {}
    for frame in frames:
        result: FaceLandmarksArray | None = smoothing.process(frame)
        if result is not None:
            given[result.header.stamp_ns] = result
    return tuple(given.get(frame.header.stamp_ns, _emptied(frame)) for frame in frames)


def measured(frames: Many[FaceLandmarksArray]) -> NDArray[np.intp]:
    """Those with a face that was seen in them."""
    return np.array(
        [index for index, frame in enumerate(frames) if frame.faces and frame.faces[0].state is not TrackState.BRIDGED],
        np.intp,
    )


def follow(stage: MeshStage, track: MeshTrack, start: int = 0, stop: int | None = None) -> Followed:
    """The frames from start to stop, as a face never seen before."""
    stage.reset()
    stage.set_camera(track.camera)
    wanted, names = set(track.judged.tolist()), tuple[str, ...]()
    found: list[tuple[int, FaceMesh]] = []
    for index in range(start, len(track.frames) if stop is None else stop):
        result = stage.process(track.frames[index])
        if index in wanted and result.faces and result.faces[0].expression.size:
            names = result.expression_names
            found.append((index, result.faces[0]))
    return _followed(found, names)


def _followed(found: list[tuple[int, FaceMesh]], names: tuple[str, ...]) -> Followed:
    if not found:
        return Followed(
            np.zeros(0, np.intp),
            np.zeros((0, 0), np.float32),
            np.zeros((0, len(names)), np.float32),
            np.zeros((0, 3, 3)),
            np.zeros((0, 3)),
            names,
        )
    faces = [face for _, face in found]
    # While nothing is known of the person, a mesh is that of the mean one.
    unknown = np.zeros(max(face.identity.size for face in faces), np.float32)
    return Followed(
        np.array([index for index, _ in found], np.intp),
        np.stack([face.identity if face.identity.size else unknown for face in faces]),
        np.stack([face.expression for face in faces]),
        np.stack([rotation_of(face.pose.orientation) for face in faces]),
        MM * np.stack([face.pose.position for face in faces]),
        names,
    )


def rotation_of(quaternion: Floats) -> Floats:
    """(3, 3) from the head's facing frame to the camera, of an orientation x y z w as it is published."""
    x, y, z, w = quaternion.tolist()
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    turned: Floats = (np.eye(3) + 2.0 * w * cross + 2.0 * cross @ cross) @ TO_ROS.T
    return turned


def _emptied(frame: FaceLandmarksArray) -> FaceLandmarksArray:
    return FaceLandmarksArray(frame.header, frame.image_width, frame.image_height)
