"""Values of `types` as the messages that rclpy sends, and back."""

from __future__ import annotations

import re
from typing import Any, get_args

import builtin_interfaces.msg
import geometry_msgs.msg
import std_msgs.msg

import face1d_ros.msg
from face1d_ros import types
from face1d_ros.convert.converter import Converter, plain
from face1d_ros.convert.fields import Codec, coordinates, float_array, sequence, shown, time
from face1d_ros.errors import ConversionError

# In an order in which each comes after those it holds.
MESSAGE_CLASSES: dict[type, Any] = {
    types.Header: std_msgs.msg.Header,
    types.Pose: geometry_msgs.msg.Pose,
    types.StageInfo: face1d_ros.msg.StageInfo,
    types.FaceLandmarks: face1d_ros.msg.FaceLandmarks,
    types.FaceLandmarksArray: face1d_ros.msg.FaceLandmarksArray,
    types.FaceAsymmetry: face1d_ros.msg.FaceAsymmetry,
    types.FaceMesh: face1d_ros.msg.FaceMesh,
    types.FaceMeshArray: face1d_ros.msg.FaceMeshArray,
    types.FaceExpression: face1d_ros.msg.FaceExpression,
    types.FaceExpressionEvent: face1d_ros.msg.FaceExpressionEvent,
    types.FaceExpressionArray: face1d_ros.msg.FaceExpressionArray,
    types.FaceIdentity: face1d_ros.msg.FaceIdentity,
    types.FaceIdentityArray: face1d_ros.msg.FaceIdentityArray,
    types.Subject: face1d_ros.msg.Subject,
}

_STANDARD: dict[str, Codec] = {
    "builtin_interfaces/Time": time(builtin_interfaces.msg.Time),
    "geometry_msgs/Point": coordinates(geometry_msgs.msg.Point, "xyz"),
    "geometry_msgs/Quaternion": coordinates(geometry_msgs.msg.Quaternion, "xyzw"),
}


def to_message(value: Any) -> Any:
    """The message of a dataclass of `types`. Raises ConversionError naming the field that does not fit."""
    kind = type(value)
    if kind not in MESSAGE_CLASSES:
        raise ConversionError("value", shown(value), "a dataclass of face1d_ros.types that has a message")
    return _CONVERTERS[kind].to_message(value)


def from_message(message: Any) -> Any:
    """The dataclass of a message; its arrays are read-only copies. Raises ConversionError as `to_message`."""
    kind = _KINDS.get(type(message))
    if kind is None:
        known = ", ".join(sorted(kind.__name__ for kind in MESSAGE_CLASSES))
        raise ConversionError("message", f"a {type(message).__name__}", f"one of {known}")
    return _CONVERTERS[kind].from_message(message)


def _codec(field_type: str, hint: Any, columns: int) -> Codec:
    """The codec of one field: `field_type` as the message names it, `hint` as the dataclass does."""
    if field_type == "sequence<float>":
        return float_array(columns)
    if fixed := re.fullmatch(r"float\[(\d+)\]", field_type):
        return float_array(length=int(fixed[1]))
    if items := re.fullmatch(r"sequence<(.+)>", field_type):
        return sequence(_codec(items[1], get_args(hint)[0], 0))
    if hint in MESSAGE_CLASSES:
        nested = _CONVERTERS[hint]
        return Codec(nested.write, nested.read)
    return _STANDARD.get(field_type) or plain(field_type, hint)


_KINDS = {message_class: kind for kind, message_class in MESSAGE_CLASSES.items()}
_CONVERTERS: dict[type, Converter] = {}
for _kind, _class in MESSAGE_CLASSES.items():
    _CONVERTERS[_kind] = Converter(_kind, _class, _class.get_fields_and_field_types(), _codec)
