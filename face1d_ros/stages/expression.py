"""From a face over time to what it shows: label, intensity, phase and its beginning, and facial actions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from face1d_ros.config import ExpressionConfig
from face1d_ros.engines.engine import Arrays
from face1d_ros.engines.manifest import MAX_FACES
from face1d_ros.errors import EngineError, InvalidValueError
from face1d_ros.geometry.camera_model import Camera
from face1d_ros.geometry.neutral_face import adapted
from face1d_ros.stages.bundle_runner import BAD_ANSWER, ENGINE_FAILED, TOO_MANY
from face1d_ros.stages.expression_decision import Change, LabelDecision, PhaseDecision
from face1d_ros.stages.expression_input import LandmarkReader, Reader, make_reader
from face1d_ros.stages.expression_model import NEUTRAL, NONE_OF_THESE, FaceInput, is_sound, make_runner
from face1d_ros.stages.face_memory import NS, REPEATED, TWICE, FaceMemory
from face1d_ros.types import (
    FaceExpression,
    FaceExpressionArray,
    FaceExpressionEvent,
    FaceLandmarks,
    FaceLandmarksArray,
    FaceMesh,
    FaceMeshArray,
    FaceReading,
    FloatArray,
    Phase,
    StageInfo,
    Topology,
    no_values,
)

ALL, OFF = "all", "off"
Given: TypeAlias = FaceLandmarksArray | FaceMeshArray | FaceReading
"""One frame, as `input` says."""


@dataclass(eq=False)
class ExpressionTrack:
    """One face."""

    key: int
    topology: Topology
    label: LabelDecision
    phase: PhaseDecision = field(default_factory=PhaseDecision)
    neutral: FloatArray = field(default_factory=no_values)
    known_s: float = 0.0
    rests: float = 1.0
    """How likely the face was at rest in its last frame."""
    stepped_ns: int | None = None


@dataclass(frozen=True, eq=False)
class Seen:
    """One face of a frame, on its way."""

    face: FaceMesh | FaceLandmarks
    track: ExpressionTrack
    features: FloatArray
    dt_s: float


class ExpressionStage:
    """Each face by itself. The same frames give the same values."""

    name = "expression"

    def __init__(self, config: ExpressionConfig) -> None:
        """Loads the model. Raises InvalidValueError where it cannot be had, or does not know a label."""
        self._config = config
        self._runner = make_runner(config.model, config.input, config.engine)
        try:
            self._labels, self._kept = chosen_labels(config.labels, self._runner.meaning.labels)
        except InvalidValueError:
            self._runner.close()
            raise
        self._reader: Reader = make_reader(config.input, self._runner.meaning.coefficients)
        self._rest = self._runner.meaning.labels.index(NEUTRAL)
        neutral = self._labels.index(NEUTRAL) if self._labels else 0
        self._tracks = FaceMemory(lambda key, topology: ExpressionTrack(key, topology, LabelDecision(neutral)))
        self._counts: Counter[str] = Counter()
        self._notice = ""

    def set_camera(self, camera: Camera | None) -> None:
        """The camera of the frames to come; None: it is not calibrated. Called by any thread."""
        if isinstance(self._reader, LandmarkReader):
            self._reader.camera = camera

    def process(self, frame: Given) -> FaceExpressionArray:
        """The faces that can be read, in their order, and the phases that begin with this frame."""
        stamp_ns = frame.header.stamp_ns
        wrong = self._tracks.begin_frame(stamp_ns, frame.ended_track_ids)
        for reason in (wrong, self._reader.remark(frame)):
            if reason:
                self._counts[reason] += 1
        self._notice = self._other_mesh(frame)
        seen = [] if wrong == REPEATED else self._seen(frame, stamp_ns)
        outputs = self._outputs(stamp_ns, seen)
        faces, events = [], []
        for row, one in enumerate(seen if outputs else ()):
            if not is_sound(outputs, row):
                self._counts[BAD_ANSWER] += 1
                self._tracks.begin_anew(one.track)
                continue
            face, changes = self._read(one, outputs, row, stamp_ns)
            faces.append(face)
            events += [self._event(frame, face, change) for change in changes]
        return FaceExpressionArray(
            header=frame.header,
            labels=self._labels,
            action_names=self._runner.meaning.actions,
            faces=tuple(faces),
            events=tuple(events),
            ended_track_ids=frame.ended_track_ids,
            info=StageInfo(self.name, self._runner.model, self._runner.engine),
        )

    def prepare(self, config: ExpressionConfig) -> None:
        """Whatever may change, fits."""

    def configure(self, config: ExpressionConfig) -> None:
        """Take over thresholds and times; everything else needs a new stage."""
        self._config = config

    def diagnostics(self) -> Mapping[str, object]:
        """Model, engine, camera, what was refused."""
        values: dict[str, object] = {"model chosen because": self._runner.why, **self._runner.values()}
        if isinstance(self._reader, LandmarkReader):
            values["camera"] = "assumed" if self._reader.camera is None else "calibrated"
        values["faces remembered"] = len(self._tracks)
        values |= {f"expression.{reason}": count for reason, count in sorted(self._counts.items())}
        return values | ({"notice": self._notice} if self._notice else {})

    def reset(self) -> None:
        """Forget all faces; the camera stays."""
        self._tracks.clear()
        self._runner.reset()

    def close(self) -> None:
        """Free the model."""
        self._runner.close()

    def _other_mesh(self, frame: Given) -> str:
        """What the user should know of where coefficients come from."""
        mesh = frame.mesh if isinstance(frame, FaceReading) else frame
        wanted, came = self._runner.meaning.mesh, mesh.info.model.partition(" ")[0]
        if not wanted or not isinstance(mesh, FaceMeshArray) or came == wanted:
            return ""
        return f"coefficients come from {came or 'an unknown model'}, {self._runner.model} was trained on {wanted}'s"

    def _seen(self, frame: Given, stamp_ns: int) -> list[Seen]:
        seen: list[Seen] = []
        ids: set[int] = set()
        for face in frame.faces:
            features = TWICE if face.track_id in ids else self._reader.read(frame, face)
            if isinstance(features, str):
                self._counts[features] += 1
                continue
            if len(seen) == MAX_FACES:
                self._counts[TOO_MANY] += 1
                continue
            ids |= {face.track_id} - {0}
            track, dt_s = self._tracks.of(face.track_id, self._reader.topology(face), stamp_ns)
            seen.append(Seen(face, track, features, dt_s))
        return seen

    def _outputs(self, stamp_ns: int, seen: Sequence[Seen]) -> Arrays:
        """By name; none where nobody was seen, or the engine failed."""
        if not seen:
            return {}
        inputs = [self._input(one) for one in seen]
        try:
            return self._runner.step(stamp_ns, inputs)
        except EngineError:
            self._counts[ENGINE_FAILED] += 1
            return {}

    def _input(self, seen: Seen) -> FaceInput:
        track, slow_s = seen.track, self._config.neutral_s
        if not len(track.neutral):
            track.neutral = seen.features.astype(np.float32)
        else:
            neutral, known_s = adapted(
                track.neutral, track.known_s, seen.features, seen.dt_s, track.rests, self._runner.meaning.spread, slow_s
            )
            track.neutral, track.known_s = np.asarray(neutral, np.float32), float(known_s)
        return FaceInput(track.key, seen.features, track.neutral, track.known_s / slow_s, seen.dt_s)

    def _read(self, seen: Seen, outputs: Arrays, row: int, stamp_ns: int) -> tuple[FaceExpression, tuple[Change, ...]]:
        seen.track.rests = float(outputs["labels"][row, self._rest])
        actions = outputs["actions"][row].copy()
        if not self._labels:
            return FaceExpression(track_id=seen.face.track_id, actions=actions), ()
        probabilities = self._of_chosen(outputs["labels"][row])
        label = seen.track.label.update(probabilities, seen.dt_s, self._config)
        phase = seen.track.phase
        changes = phase.update(outputs["phases"][row], float(outputs["age"][row, 0]), seen.dt_s, stamp_ns)
        face = FaceExpression(
            track_id=seen.face.track_id,
            label=(*self._labels, NONE_OF_THESE)[label],
            confidence=float(probabilities[label]),
            probabilities=probabilities[:-1],
            none_probability=float(probabilities[-1]),
            intensity=float(outputs["intensity"][row, 0]),
            phase=phase.phase,
            phase_confidence=phase.confidence,
            since_onset_s=_since_s(phase, stamp_ns),
            actions=actions,
        )
        return face, changes

    def _of_chosen(self, probabilities: FloatArray) -> FloatArray:
        """(L + 1,) of the chosen labels; those of the others count as none of these."""
        chosen = probabilities[self._kept]
        return np.append(chosen, max(1.0 - float(chosen.sum()), 0.0)).astype(np.float32)

    @staticmethod
    def _event(frame: Given, face: FaceExpression, change: Change) -> FaceExpressionEvent:
        return FaceExpressionEvent(
            header=frame.header,
            track_id=face.track_id,
            label=face.label,
            phase=change.phase,
            previous_phase=change.previous,
            began_ns=change.began_ns,
            intensity=face.intensity,
        )


def _since_s(phase: PhaseDecision, stamp_ns: int) -> float:
    """Since the onset of what is shown; NaN where the face is neutral, or nobody knows."""
    if phase.onset_ns is None or phase.phase is Phase.NEUTRAL:
        return float("nan")
    return (stamp_ns - phase.onset_ns) / NS


def chosen_labels(wanted: str, known: tuple[str, ...]) -> tuple[tuple[str, ...], list[int]]:
    """Those that are told, in the model's order, and where they stand; neutral is always among them."""
    if wanted == OFF:
        return (), []
    names = list(known) if wanted == ALL else [name.strip() for name in wanted.split(",") if name.strip()]
    if not names or not set(names) <= set(known):
        raise InvalidValueError("labels", wanted, f"'{ALL}', '{OFF}', or some of {', '.join(known)}")
    kept = [index for index, name in enumerate(known) if name in names or name == NEUTRAL]
    return tuple(known[index] for index in kept), kept
