"""What must agree between the fields of one value, whichever way it goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from face1d_ros import types
from face1d_ros.convert.fields import Unfit, shown

BLENDSHAPES = 52


def _landmarks(face: types.FaceLandmarks) -> None:
    count, topology = len(face.points), int(face.topology)
    if topology and count != topology:
        raise Unfit(f"{count} points", f"{topology} points, as topology says", "points")
    _agree("point_confidence", face.point_confidence, count, "points")
    _agree("blendshapes", face.blendshapes, BLENDSHAPES, "ARKit coefficients")


def _mesh(face: types.FaceMesh) -> None:
    _agree("identity_stddev", face.identity_stddev, len(face.identity), "identity coefficients")


def _mesh_array(array: types.FaceMeshArray) -> None:
    for index, face in enumerate(array.faces):
        _agree(f"faces[{index}].expression", face.expression, len(array.expression_names), "expression_names")


def _expression_array(array: types.FaceExpressionArray) -> None:
    for index, face in enumerate(array.faces):
        _agree(f"faces[{index}].probabilities", face.probabilities, len(array.labels), "labels")
        _agree(f"faces[{index}].actions", face.actions, len(array.action_names), "action_names")
    for index, event in enumerate(array.events):
        came, expected = event.header, array.header
        if (came.stamp_ns, came.frame_id) != (expected.stamp_ns, expected.frame_id):
            raise Unfit(shown(came), "the header of the message", f"events[{index}].header")


def _agree(path: str, values: types.FloatArray, count: int, what: str) -> None:
    if len(values) not in (0, count):
        raise Unfit(f"{len(values)} values", f"none, or one for each of the {count} {what}", path)


RULES: dict[type, Callable[[Any], None]] = {
    types.FaceLandmarks: _landmarks,
    types.FaceMesh: _mesh,
    types.FaceMeshArray: _mesh_array,
    types.FaceExpressionArray: _expression_array,
}
