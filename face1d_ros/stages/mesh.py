"""From landmarks to 3D: coefficients of a face model, the head's pose in metres, and how alike both halves move."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from face1d_ros.config import MeshConfig
from face1d_ros.engines.engine import Arrays
from face1d_ros.engines.manifest import MAX_FACES
from face1d_ros.errors import EngineError
from face1d_ros.geometry.camera_model import Camera
from face1d_ros.geometry.mesh_alignment import Aligned
from face1d_ros.stages.bundle_runner import BAD_ANSWER, ENGINE_FAILED, TOO_MANY
from face1d_ros.stages.face_memory import REPEATED, TWICE
from face1d_ros.stages.mesh_model import CLOSED_FORM, FaceInput, is_sound, make_runner
from face1d_ros.stages.mesh_pose import (
    OTHER_CAMERA,
    UNPLACED,
    Floats,
    Head,
    aligned,
    camera_for,
    corrected,
    placed,
    usual_head,
)
from face1d_ros.stages.mesh_tracks import MeshTrack, mesh_tracks
from face1d_ros.stages.smoothing_input import each_confidence, refusal
from face1d_ros.types import (
    FaceLandmarks,
    FaceLandmarksArray,
    FaceMesh,
    FaceMeshArray,
    FloatArray,
    StageInfo,
    TrackState,
    no_values,
)

NO_POSE, NO_HEAD = "no pose", "like no head"
OTHER_TOPOLOGY = "faces of another topology than the model's"
RESIDUAL_OF_HALF_M = 0.006
"""Residual on the head at which the quality has fallen to a half."""
MOST_RESIDUAL_M = 0.02
"""What fits a head worse than this, or stands nowhere, says nothing about a person."""


@dataclass(frozen=True, eq=False)
class Seen:
    """One face of a frame, on its way."""

    face: FaceLandmarks
    track: MeshTrack
    dt_s: float
    confidence: FloatArray
    straight_px: Floats
    aligned: Aligned


class MeshStage:
    """Each face by itself. The same frames give the same values."""

    name = "mesh"

    def __init__(self, config: MeshConfig) -> None:
        """Loads the model. Raises InvalidValueError where it cannot be had."""
        self._config = config
        self._runner, self._notice = make_runner(config.model, config.engine)
        self._tracks = mesh_tracks(self._runner.basis.identity if self._runner else 0)
        self._counts: Counter[str] = Counter()
        self._camera: Camera | None = None

    def set_camera(self, camera: Camera | None) -> None:
        """The camera of the frames to come; None: it is not calibrated. Called by any thread."""
        self._camera = camera

    def process(self, frame: FaceLandmarksArray) -> FaceMeshArray:
        """The faces that can be used, in their order.

        One that was predicted, or that is like no head, teaches nothing about the person.
        """
        stamp_ns = frame.header.stamp_ns
        if wrong := self._tracks.begin_frame(stamp_ns, frame.ended_track_ids):
            self._counts[wrong] += 1
        camera = self._camera_of(frame)
        faces = [self._seen(face, stamp_ns, camera) for face in self._usable(frame.faces)]
        steady = [seen for seen in faces if seen is not None]
        answers = {} if wrong == REPEATED else self._answers(stamp_ns, steady)
        basis = self._runner.basis if self._runner else None
        return FaceMeshArray(
            header=frame.header,
            basis=basis.name if basis else "",
            basis_sha256=basis.sha256 if basis else "",
            expression_names=basis.expression_names if basis else (),
            faces=tuple(self._mesh(seen, answers.get(id(seen)), camera) for seen in steady),
            ended_track_ids=frame.ended_track_ids,
            info=StageInfo(self.name, self._model, self._runner.engine if self._runner else "numpy"),
        )

    def prepare(self, config: MeshConfig) -> None:
        """Whatever may change, fits."""

    def configure(self, config: MeshConfig) -> None:
        """Take over the assumed field of view; everything else needs a new stage."""
        self._config = config

    def diagnostics(self) -> Mapping[str, object]:
        """Model, engine, camera, what was refused."""
        values: dict[str, object] = {"camera": "assumed" if self._camera is None else "calibrated"}
        if self._runner is not None:
            values |= {"model chosen because": self._runner.why, **self._runner.values()}
        values["faces remembered"] = len(self._tracks)
        values |= {f"mesh.{reason}": count for reason, count in sorted(self._counts.items())}
        return values | ({"notice": self._notice} if self._notice else {})

    def reset(self) -> None:
        """Forget all faces; the camera stays."""
        self._tracks.clear()
        if self._runner is not None:
            self._runner.reset()

    def close(self) -> None:
        """Free the model."""
        if self._runner is not None:
            self._runner.close()

    @property
    def _model(self) -> str:
        return self._runner.model if self._runner else CLOSED_FORM

    def _camera_of(self, frame: FaceLandmarksArray) -> Camera:
        known = self._camera
        found = camera_for(frame, known, math.radians(self._config.field_of_view_deg))
        if known is not None and found is not known:
            self._counts[OTHER_CAMERA] += 1
        return found

    def _usable(self, faces: Sequence[FaceLandmarks]) -> list[FaceLandmarks]:
        usable: list[FaceLandmarks] = []
        ids: set[int] = set()
        for face in faces:
            reason = refusal(face) or (TWICE if face.track_id in ids else "")
            if reason:
                self._counts[reason] += 1
                continue
            usable.append(face)
            ids |= {face.track_id} - {0}
        return usable

    def _seen(self, face: FaceLandmarks, stamp_ns: int, camera: Camera) -> Seen | None:
        confidence = each_confidence(face)
        straight, found = aligned(face.points, confidence, camera)
        if not np.isfinite(found.points_cm).all():
            self._counts[NO_POSE] += 1
            return None
        track, dt_s = self._tracks.of(face.track_id, face.topology, stamp_ns)
        return Seen(face, track, dt_s, confidence, straight, found)

    def _answers(self, stamp_ns: int, faces: Sequence[Seen]) -> dict[int, tuple[Arrays, int]]:
        """What the network says of each face that it takes, and in which row."""
        if self._runner is None:
            return {}
        right = [seen for seen in faces if seen.face.topology is self._runner.basis.topology]
        taken = right[:MAX_FACES]
        for reason, count in ((OTHER_TOPOLOGY, len(faces) - len(right)), (TOO_MANY, len(right) - len(taken))):
            if count:
                self._counts[reason] += count
        if not taken:
            return {}
        inputs = [
            FaceInput(
                seen.track.key,
                seen.aligned.points_cm.astype(np.float32),
                seen.aligned.turn_rad.astype(np.float32),
                seen.confidence,
                seen.dt_s,
            )
            for seen in taken
        ]
        try:
            outputs = self._runner.step(stamp_ns, inputs)
        except EngineError:
            self._counts[ENGINE_FAILED] += 1
            return {}
        answers: dict[int, tuple[Arrays, int]] = {}
        for row, seen in enumerate(taken):
            if is_sound(outputs, row):
                answers[id(seen)] = outputs, row
            else:
                self._counts[BAD_ANSWER] += 1
                self._tracks.begin_anew(seen.track)
        return answers

    def _mesh(self, seen: Seen, answer: tuple[Arrays, int] | None, camera: Camera) -> FaceMesh:
        rotation, head = seen.aligned.pose.rotation, usual_head(seen.face.topology)
        if answer is not None and self._runner is not None:
            outputs, row = answer
            rotation = corrected(rotation, outputs["rotation_correction"][row])
            points_m = outputs["anchors_mm"][row].astype(np.float64) / 1000.0
            head = Head(self._runner.basis.anchor_indices, points_m, np.ones(len(points_m)))
        where = placed(head, rotation, seen.straight_px, seen.confidence, camera)
        if where is UNPLACED:
            usual = usual_head(seen.face.topology)
            where = placed(usual, seen.aligned.pose.rotation, seen.straight_px, seen.confidence, camera)
        is_head = where.residual_px <= MOST_RESIDUAL_M * where.scale
        if not is_head:
            self._counts[NO_HEAD] += 1
        teaches = is_head and seen.face.state is not TrackState.BRIDGED
        meter = seen.track.asymmetry
        turn_rad = seen.aligned.turn_rad
        asymmetry = meter.update(seen.aligned.points_cm, turn_rad, seen.dt_s) if teaches else meter.skip(seen.dt_s)
        answered = {} if answer is None or where is UNPLACED else _coefficients(seen, *answer, teaches)
        if self._runner is not None and not self._runner.predicts:
            answered.pop("anomaly", None)
        return FaceMesh(
            track_id=seen.face.track_id,
            quality=_quality(where.residual_px / where.scale, seen.confidence) if where is not UNPLACED else 0.0,
            pose=where.pose,
            scale=where.scale,
            residual_px=where.residual_px,
            intrinsics_assumed=camera.is_assumed,
            asymmetry=asymmetry,
            **answered,
        )


def _coefficients(seen: Seen, outputs: Arrays, row: int, teaches: bool) -> dict[str, Any]:
    """The fields of a mesh that a network answers."""
    known = seen.track.identity
    if teaches:
        known.add(outputs["identity"][row], outputs["identity_log_variance"][row], seen.dt_s)
    else:
        known.skip(seen.dt_s)
    return {
        "identity": known.mean if known.frames else no_values(),
        "identity_stddev": known.stddev if known.frames else no_values(),
        "identity_frames": known.frames,
        "expression": np.minimum(np.maximum(outputs["expression"][row], 0.0), 1.0),
        "anomaly": float(outputs["anomaly"][row][0]),
    }


def _quality(residual_m: float, confidence: FloatArray) -> float:
    """From 0 to 1: how sure the landmarks are, and how well a head fits them."""
    return float(confidence.sum()) / len(confidence) / (1.0 + (residual_m / RESIDUAL_OF_HALF_M) ** 2)
