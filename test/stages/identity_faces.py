"""Faces that make motions, and a bundle that encodes a motion as the way in which it deforms the face."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from engines.tiny_bundle import write_bundle
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from face1d_ros.config import IdentityConfig
from face1d_ros.engines.golden import golden_bytes
from face1d_ros.engines.manifest import TensorSpec
from face1d_ros.geometry.canonical import canonical_face
from face1d_ros.geometry.motion_clip import FRAMES, POINTS
from face1d_ros.geometry.tables import MESH_TO_68
from face1d_ros.stages.identity import IdentityStage
from face1d_ros.stages.identity_enrolment import Enrolment
from face1d_ros.stages.identity_wishes import Wish
from face1d_ros.types import (
    Decision,
    FaceIdentity,
    FaceIdentityArray,
    FaceLandmarks,
    FaceLandmarksArray,
    Header,
    Topology,
    TrackState,
)

BEGIN_NS = 1_767_225_600_000_000_000
NS = 1_000_000_000
RATE_HZ = 25.0
PX_PER_CM = 20.0
RATES = [[0.1, 0.5], [0.001, 0.8], [0.0001, 0.9]]
SETTINGS: dict[str, Any] = {"operating_points": RATES, "rate_hz": 20.0, "frames": FRAMES, "spatial": "curves"}
REST_S = 1.0
MOVE_S = 1.2
Points = NDArray[np.float64]
Clip = list[Points]
"""Landmarks (468, 3) in cm, frame by frame at RATE_HZ."""
Beside = Callable[[], Iterable[FaceLandmarks]]


def write_encoder(folder: Path, **changes: Any) -> Path:
    """The sum of a motion's offsets from rest, as a vector of length 1: what moves, and not how or how far."""
    size = 3 * POINTS
    nodes = [
        helper.make_node("Unsqueeze", ["mask", "last"], ["there"]),
        helper.make_node("Mul", ["points", "there"], ["offsets"]),
        helper.make_node("ReduceSum", ["offsets", "frames"], ["sum"], keepdims=0),
        helper.make_node("Mul", ["sum", "sum"], ["squares"]),
        helper.make_node("ReduceSum", ["squares", "last"], ["square"], keepdims=1),
        helper.make_node("Sqrt", ["square"], ["length"]),
        helper.make_node("Div", ["sum", "length"], ["embedding"]),
    ]
    shapes = {"points": ("faces", FRAMES, size), "mask": ("faces", FRAMES), "embedding": ("faces", size)}
    inputs, output = ("points", "mask"), "embedding"
    values = {"last": np.array([-1], np.int64), "frames": np.array([1], np.int64)}
    graph = helper.make_graph(
        nodes,
        "deformation",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shapes[name]) for name in inputs],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, shapes[output])],
        [numpy_helper.from_array(value, name) for name, value in values.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    rng = np.random.default_rng(1)
    given = {"points": rng.random((2, FRAMES, size), np.float32), "mask": np.ones((2, FRAMES), np.float32)}
    golden = golden_bytes(given, dict(zip([output], ReferenceEvaluator(model).run([output], given), strict=True)))
    settings = {key: value for key, value in (SETTINGS | changes.pop("settings", {})).items() if value is not None}
    return write_bundle(
        folder,
        model,
        golden,
        **{
            "name": "deformation",
            "task": "identity",
            "inputs": tuple(TensorSpec(name, "float32", shapes[name], "") for name in inputs),
            "outputs": (TensorSpec(output, "float32", shapes[output], ""),),
            "memory": (),
            "settings": settings,
            **changes,
        },
    )


def _bump(*landmarks: int, wide_cm: float = 1.2) -> NDArray[np.float64]:
    """(468, 1) near some of the 68 landmarks."""
    rest = canonical_face().points_cm[:468]
    far = [((rest - rest[MESH_TO_68[one]]) ** 2).sum(axis=1) for one in landmarks]
    return np.exp(-np.min(far, axis=0) / (2.0 * wide_cm**2))[:, None]


JAW = _bump(57, 66, 8) * np.array([0.0, 1.6, 0.0])
BROWS = _bump(19, 24) * np.array([0.0, -1.2, 0.0])
SMILE = _bump(48) * np.array([-1.0, -0.6, 0.0]) + _bump(54) * np.array([1.0, -0.6, 0.0])
"""What a motion does at its height, cm."""
MOTIONS = {"jaw": JAW, "brows": BROWS, "smile": SMILE}


def resting(seconds: float = REST_S) -> Clip:
    """A face that trembles a little."""
    rng = np.random.default_rng(3)
    rest = canonical_face().points_cm[:468]
    return [rest + 0.005 * rng.standard_normal(rest.shape) for _ in range(round(seconds * RATE_HZ))]


def moving(shape: Points, seconds: float = MOVE_S, strength: float = 1.0) -> Clip:
    """Out and back."""
    frames = resting(seconds)
    way = strength * np.sin(np.linspace(0.0, np.pi, len(frames))) ** 2
    return [frame + share * shape for frame, share in zip(frames, way, strict=True)]


def motion(shape: Points, **how: float) -> Clip:
    """Once, between two times of rest."""
    return [*resting(), *moving(shape, **how), *resting(1.4)]


def face(
    points_cm: Points, track_id: int = 1, place: tuple[float, float] = (320.0, 240.0), size: float = 1.0, **fields: Any
) -> FaceLandmarks:
    """As a camera far away sees it."""
    points = points_cm * PX_PER_CM * size + np.array([*place, 0.0])
    given = {"topology": Topology(468), "state": TrackState.MEASURED, "confidence": 0.9} | fields
    return FaceLandmarks(points=points.astype(np.float32), track_id=track_id, **given)


class Frames:
    """Stamps go on from clip to clip."""

    def __init__(self, stage: IdentityStage, begin_ns: int = BEGIN_NS) -> None:
        self.stage = stage
        self.stamp_ns = begin_ns
        self.answers: list[FaceIdentityArray] = []

    def show(self, *faces: FaceLandmarks, ended: Iterable[int] = (), stamp_ns: int = 0) -> FaceIdentityArray:
        """One frame."""
        self.stamp_ns = stamp_ns or self.stamp_ns + round(NS / RATE_HZ)
        frame = FaceLandmarksArray(Header(self.stamp_ns, "camera"), 640, 480, faces, tuple(ended))
        self.answers.append(self.stage.process(frame))
        return self.answers[-1]

    def play(
        self, clip: Clip, track_id: int = 1, beside: Callable[[], Iterable[FaceLandmarks]] = tuple
    ) -> FaceIdentity:
        """A clip of one face; what is told of it at last."""
        for points in clip:
            self.show(face(points, track_id), *beside())
        return self.told(track_id)

    def told(self, track_id: int = 1) -> FaceIdentity:
        """Of a face in the newest frame."""
        return next(one for one in self.answers[-1].faces if one.track_id == track_id)

    def decisions(self, track_id: int = 1) -> list[Decision]:
        """That were ever told of a face, each change of them."""
        found: list[Decision] = []
        for answer in self.answers:
            for one in answer.faces:
                if one.track_id == track_id and found[-1:] != [one.decision]:
                    found.append(one.decision)
        return found


def stage_of(bundle: Path, gallery: Path, **changes: Any) -> IdentityStage:
    """With a gallery of its own and a key beside that folder."""
    places = {"gallery": str(gallery), "key": str(gallery.with_suffix(".key"))}
    return IdentityStage(IdentityConfig(**{**places, "model": str(bundle), "engine": "onnxruntime", **changes}))


def wish(**changes: Any) -> Wish:
    return Wish(**{"consent": True, "consent_text": "I agree.", "repetitions": 2, "timeout_s": 60.0, **changes})


def enrolled(frames: Frames, shape: Points, **changes: Any) -> str:
    """The handle of a person who has made this motion."""
    enrolment = frames.stage.enrol(wish(**changes))
    frames.play(resting())
    play_until_complete(frames, enrolment, shape)
    outcome = frames.stage.store(enrolment)
    assert outcome.success, outcome.message
    return outcome.subject


def play_until_complete(frames: Frames, enrolment: Enrolment, shape: Points) -> None:
    for _ in range(6):
        if enrolment.is_complete or enrolment.outcome:
            return
        frames.play([*moving(shape), *resting(1.4)])


def frames_of(clip: Clip, begin_ns: int = BEGIN_NS) -> Iterator[FaceLandmarksArray]:
    """For those who publish them."""
    for index, points in enumerate(clip):
        stamp_ns = begin_ns + round(index * NS / RATE_HZ)
        yield FaceLandmarksArray(Header(stamp_ns, "camera"), 640, 480, (face(points),))
