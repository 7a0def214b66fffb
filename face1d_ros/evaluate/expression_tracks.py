"""Synthetic faces as the expression stage gets them, frame by frame, and what it says of them beside the truth.

Letters: T frames of a sequence, L labels.
"""

from __future__ import annotations

from collections.abc import Sequence as Many
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.evaluate.mesh_tracks import steadied
from face1d_ros.evaluate.smoothing_tracks import FIRST_STAMP_NS, NS, synthetic_track
from face1d_ros.stages.base import Stage
from face1d_ros.synth.motion.types import LABELS
from face1d_ros.synth.sequence import ARRAYS, Sequence
from face1d_ros.types import (
    FaceExpression,
    FaceExpressionArray,
    FaceExpressionEvent,
    FaceLandmarksArray,
    FaceReading,
    Phase,
    Topology,
)

NONE = len(LABELS)
"""The class of what is none of the labels."""
UNSEEN = -1


@dataclass(frozen=True, eq=False)
class ExpressionTrack:
    """One face for a while, and what it shows."""

    name: str
    rate_hz: float
    subject: int
    inputs: dict[str, tuple[Any, ...]]
    """T frames as a stage of each input gets them."""
    stamps_s: NDArray[np.float64]
    label: NDArray[np.intp]
    """(T,) index into LABELS, or NONE."""
    phase: NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Answers:
    """What a stage said of each frame; of frames without an answer UNSEEN, and nothing."""

    likeliest: NDArray[np.intp]
    """(T,) the class with the highest unfiltered probability."""
    label: NDArray[np.intp]
    """(T,) the class that was decided."""
    phase: NDArray[np.intp]
    """(T,) as said in the frame itself."""
    judged: NDArray[np.intp]
    """(T,) as the events tell afterwards, each from when it began on."""
    events: tuple[FaceExpressionEvent, ...]


def all_inputs(frames: Many[FaceLandmarksArray], smoothing: Stage, mesh: Stage) -> dict[str, tuple[Any, ...]]:
    """What stages of each input get of a face that was detected, by the input's name."""
    landmarks = steadied(frames, smoothing)
    mesh.reset()
    meshes = tuple(mesh.process(frame) for frame in landmarks)
    return {"landmarks": landmarks, "mesh": meshes, "both": tuple(map(FaceReading.of, landmarks, meshes))}


def expression_track(sequence: Sequence, smoothing: Stage, mesh: Stage) -> ExpressionTrack:
    """Through the default smoothing and mesh stages; nobody knows the camera."""
    track = synthetic_track(sequence, Topology(sequence.topology))
    label = sequence.label.astype(np.intp)
    return ExpressionTrack(
        name=sequence.name,
        rate_hz=sequence.plan.camera.rate_hz,
        subject=sequence.subject_id,
        inputs=all_inputs(track.frames, smoothing, mesh),
        stamps_s=sequence.stamps_s,
        label=np.where(label < 0, NONE, label),
        phase=sequence.phase.astype(np.intp),
    )


def slower(sequence: Sequence, every: int) -> Sequence:
    """The same, seen by a camera with so many times fewer frames a second."""
    kept = {name: getattr(sequence, name)[::every] for name in ARRAYS}
    camera = replace(sequence.plan.camera, rate_hz=sequence.plan.camera.rate_hz / every)
    return replace(sequence, plan=replace(sequence.plan, camera=camera), **kept)


def follow(stage: Stage, frames: Many[object], stamps_s: NDArray[np.float64]) -> Answers:
    """What an expression stage says of one face, from its first frame on."""
    stage.reset()
    count = len(frames)
    likeliest, label, phase = (np.full(count, UNSEEN, np.intp) for _ in range(3))
    events: list[FaceExpressionEvent] = []
    names: tuple[str, ...] = ()
    for index, frame in enumerate(frames):
        result: FaceExpressionArray = stage.process(frame)
        names = (*result.labels, "none")
        for face in result.faces[:1]:
            likeliest[index] = _likeliest(face)
            label[index] = names.index(face.label)
            phase[index] = int(face.phase)
        events += result.events
    return Answers(likeliest, label, phase, _afterwards(phase, events, stamps_s), tuple(events))


def _likeliest(face: FaceExpression) -> int:
    place = int(face.probabilities.argmax())
    return place if face.probabilities[place] >= face.none_probability else len(face.probabilities)


def _afterwards(
    phase: NDArray[np.intp], events: Many[FaceExpressionEvent], stamps_s: NDArray[np.float64]
) -> NDArray[np.intp]:
    """(T,) phases from the events alone; unseen where nothing was said."""
    found = np.full(len(phase), int(Phase.NEUTRAL), np.intp)
    for event in events:
        began_s = (event.began_ns - FIRST_STAMP_NS) / NS
        found[stamps_s >= began_s - 1e-6] = int(event.phase)
    return np.where(phase == UNSEEN, UNSEEN, found)
