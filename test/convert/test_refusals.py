"""Values and messages that do not fit: refused by the name of the field, with what came and what was expected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from face1d_ros import msg, types
from face1d_ros.convert import from_message, to_message
from face1d_ros.errors import ConversionError

MIN_NS, MAX_NS = -(2**31) * 10**9, 2**31 * 10**9 - 1


def one_face(**fields: Any) -> types.FaceLandmarksArray:
    return types.FaceLandmarksArray(faces=(types.FaceLandmarks(), types.FaceLandmarks(**fields)))


def event(stamp_ns: int, frame_id: str) -> types.FaceExpressionEvent:
    return types.FaceExpressionEvent(types.Header(stamp_ns, frame_id))


FACE = "FaceLandmarksArray.faces[1]."
UNFIT_VALUES: list[tuple[str, Any]] = [
    (FACE + "points", one_face(points=np.zeros((4, 3)))),
    (FACE + "points", one_face(points=np.zeros((4, 3), ">f4"))),
    (FACE + "points", one_face(points=np.zeros((4, 2), np.float32))),
    (FACE + "points", one_face(points=np.zeros(12, np.float32))),
    (FACE + "points", one_face(points=[[0.0, 0.0, 0.0]])),
    (FACE + "points", one_face(points=np.zeros((4, 3), np.float32), topology=types.Topology.FACE_68)),
    (FACE + "points", one_face(topology=types.Topology.FACE_68)),
    (FACE + "point_confidence", one_face(point_confidence=np.zeros(1, np.float32))),
    (FACE + "blendshapes", one_face(blendshapes=np.zeros(51, np.float32))),
    (FACE + "box", one_face(box=np.zeros(5, np.float32))),
    (FACE + "box", one_face(box=np.zeros(4))),
    (FACE + "topology", one_face(topology=5)),
    (FACE + "state", one_face(state=3)),
    (FACE + "state", one_face(state=1.0)),
    (FACE + "track_id", one_face(track_id=-1)),
    (FACE + "track_id", one_face(track_id=2**64)),
    (FACE + "track_id", one_face(track_id=1.0)),
    (FACE + "track_id", one_face(track_id=True)),
    (FACE + "confidence", one_face(confidence=1e39)),
    (FACE + "confidence", one_face(confidence=None)),
    (FACE + "confidence", one_face(confidence="1")),
    (FACE + "confidence", one_face(confidence=np.ones(1, np.float32))),
    ("FaceLandmarksArray.image_width", types.FaceLandmarksArray(image_width=2**32)),
    ("FaceLandmarksArray.faces", types.FaceLandmarksArray(faces=None)),  # type: ignore[arg-type]
    ("FaceLandmarksArray.faces[0]", types.FaceLandmarksArray(faces=(types.FaceMesh(),))),  # type: ignore[arg-type]
    ("FaceLandmarksArray.ended_track_ids[1]", types.FaceLandmarksArray(ended_track_ids=(1, -1))),
    ("FaceLandmarksArray.header.stamp_ns", types.FaceLandmarksArray(types.Header(MAX_NS + 1))),
    ("FaceLandmarksArray.header.stamp_ns", types.FaceLandmarksArray(types.Header(MIN_NS - 1))),
    ("FaceLandmarksArray.header.stamp_ns", types.FaceLandmarksArray(types.Header(0.5))),  # type: ignore[arg-type]
    ("FaceLandmarksArray.info.stage", types.FaceLandmarksArray(info=types.StageInfo(stage=b"x"))),  # type: ignore[arg-type]
    ("Header.frame_id", types.Header(0, "a\0b")),
    ("Header.frame_id", types.Header(0, "\ud800")),
    ("Pose.position", types.Pose(position=np.zeros(3, np.float32))),  # type: ignore[arg-type]
    ("Pose.orientation", types.Pose(orientation=np.zeros(3))),
    ("FaceMesh.identity_stddev", types.FaceMesh(identity_stddev=np.zeros(2, np.float32))),
    ("FaceMesh.intrinsics_assumed", types.FaceMesh(intrinsics_assumed=1)),  # type: ignore[arg-type]
    (
        "FaceMeshArray.faces[0].expression",
        types.FaceMeshArray(faces=(types.FaceMesh(expression=np.zeros(2, np.float32)),), expression_names=("a",)),
    ),
    (
        "FaceExpressionArray.faces[0].probabilities",
        types.FaceExpressionArray(faces=(types.FaceExpression(probabilities=np.zeros(1, np.float32)),)),
    ),
    (
        "FaceExpressionArray.faces[0].actions",
        types.FaceExpressionArray(faces=(types.FaceExpression(actions=np.zeros(1, np.float32)),)),
    ),
    (
        "FaceExpressionArray.events[1].header",
        types.FaceExpressionArray(types.Header(5, "c"), events=(event(5, "c"), event(4, "c"))),
    ),
    ("FaceExpressionArray.events[0].header", types.FaceExpressionArray(types.Header(5, "c"), events=(event(5, "d"),))),
    ("FaceExpressionArray.events[0].phase", types.FaceExpressionArray(events=(types.FaceExpressionEvent(phase=5),))),  # type: ignore[arg-type]
    ("FaceExpressionArray.events[0]", types.FaceExpressionArray(events=(types.FaceExpression(),))),  # type: ignore[arg-type]
    ("FaceIdentity.factors", types.FaceIdentity(factors=4)),  # type: ignore[arg-type]
    ("value", object()),
    ("value", types.Frame(types.Header(), np.zeros((1, 1, 3), np.uint8))),
]


@pytest.mark.parametrize("path,value", UNFIT_VALUES, ids=[path for path, _ in UNFIT_VALUES])
def test_a_value_that_does_not_fit_is_refused_by_the_name_of_its_field(path: str, value: Any) -> None:
    with pytest.raises(ConversionError) as caught:
        to_message(value)
    assert str(caught.value).startswith(f"{path}: got ")
    assert ", expected " in str(caught.value)


def landmarks(change: Callable[[Any], object]) -> Any:
    message = msg.FaceLandmarksArray(faces=[msg.FaceLandmarks(), msg.FaceLandmarks()])
    change(message.faces[1])
    return message


def header(**time: int) -> Any:
    message = msg.FaceLandmarksArray()
    for name, number in time.items():
        setattr(message.header.stamp, name, number)
    return message


def late_event() -> Any:
    message = msg.FaceExpressionEvent()
    message.header.stamp.sec = 1
    return message


BAD_MESSAGES: list[tuple[str, Any]] = [
    (FACE + "points", landmarks(lambda face: face.points.extend([0.0] * 4))),
    (FACE + "points", landmarks(lambda face: setattr(face, "topology", 478))),
    (FACE + "point_confidence", landmarks(lambda face: face.point_confidence.append(1.0))),
    (FACE + "blendshapes", landmarks(lambda face: face.blendshapes.append(1.0))),
    (FACE + "topology", landmarks(lambda face: setattr(face, "topology", 5))),
    (FACE + "state", landmarks(lambda face: setattr(face, "state", 9))),
    ("FaceLandmarksArray.header.stamp.nanosec", header(nanosec=10**9)),
    ("FaceAsymmetry.weaker_side", msg.FaceAsymmetry(weaker_side=4)),
    ("FaceExpression.phase", msg.FaceExpression(phase=5)),
    ("FaceExpressionArray.events[0].phase", msg.FaceExpressionArray(events=[msg.FaceExpressionEvent(phase=5)])),
    ("FaceExpressionArray.events[0].header", msg.FaceExpressionArray(events=[late_event()])),
    ("FaceIdentity.decision", msg.FaceIdentity(decision=6)),
    ("FaceIdentity.factors", msg.FaceIdentity(factors=4)),
    ("message", object()),
]


@pytest.mark.parametrize("path,message", BAD_MESSAGES, ids=[path for path, _ in BAD_MESSAGES])
def test_a_message_that_contradicts_itself_is_refused_by_the_name_of_its_field(path: str, message: Any) -> None:
    with pytest.raises(ConversionError) as caught:
        from_message(message)
    assert str(caught.value).startswith(f"{path}: got ")
    assert ", expected " in str(caught.value)
