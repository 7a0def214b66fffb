"""Values of `types` as the messages of a bag and back, through rosbags: no ROS, nothing generated.

The definitions come from `share/face1d_ros/msg`, so a bag is the same wherever it was written. Fields are converted
as in `convert.messages`, with the same checks.
"""

from __future__ import annotations

import dataclasses
from functools import cache, lru_cache, partial
from typing import Any, TypeAlias, get_args

import numpy as np
from rosbags.interfaces import Nodetype
from rosbags.serde import SerdeError
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from face1d_ros import types
from face1d_ros.convert.converter import Converter, plain
from face1d_ros.convert.fields import Codec, coordinates, float_array, sequence, time
from face1d_ros.errors import ConversionError, MissingDependencyError
from face1d_ros.paths import share_dir

Description: TypeAlias = Any
"""A field's type as rosbags describes it: (Nodetype, details)."""
OTHER_NAMES: dict[type, str] = {types.Header: "std_msgs/msg/Header", types.Pose: "geometry_msgs/msg/Pose"}


def type_name(kind: type) -> str:
    """`face1d_ros/msg/FaceLandmarksArray` for the dataclass of that name."""
    return OTHER_NAMES.get(kind, f"face1d_ros/msg/{kind.__name__}")


@lru_cache(maxsize=1)
def typestore() -> Typestore:
    """Our messages, and the standard ones that they are made of."""
    # Those of std_msgs, geometry_msgs and builtin_interfaces that we use are the same in every distribution.
    store = get_typestore(Stores.ROS2_HUMBLE)
    found: dict[str, Any] = {}
    for path in sorted((share_dir() / "msg").glob("*.msg")):
        found |= get_types_from_msg(path.read_text(encoding="utf-8"), f"face1d_ros/msg/{path.stem}")
    if not found:
        how = "the installation is incomplete: run `make setup`, `pip install .` or `colcon build` again"
        raise MissingDependencyError(f"the message definitions in {share_dir() / 'msg'}", "writing bags", how)
    store.register(found)
    return store


def definition(name: str) -> tuple[str, str]:
    """(definition text with all it is made of, RIHS01 hash) of a type, as a bag carries them."""
    text, _ = typestore().generate_msgdef(name, ros_version=2)
    return text, typestore().hash_rihs01(name)


def to_bytes(value: Any) -> bytes:
    """A dataclass of `types` as a serialised message (CDR). Raises ConversionError naming the field that is wrong."""
    kind: type = type(value)
    message = _converter(kind).to_message(value)
    return bytes(typestore().serialize_cdr(message, type_name(kind)))


def from_bytes(data: bytes, name: str) -> Any:
    """The dataclass of a serialised message of this type; raises ConversionError."""
    try:
        message = typestore().deserialize_cdr(data, name)
    except (SerdeError, KeyError) as error:
        raise ConversionError(name, f"{len(data)} bytes", f"a message of this type ({error})") from error
    return from_bag(message)


def from_bag(message: Any) -> Any:
    """The dataclass of a message that rosbags has read, by whichever typestore; raises ConversionError."""
    name = getattr(message, "__msgtype__", "")
    kind = _kinds().get(name)
    if kind is None:
        raise ConversionError("message", f"a {name or type(message).__name__}", f"one of {', '.join(_kinds())}")
    return _converter(kind).from_message(message)


@cache
def _converter(kind: type) -> Converter:
    if kind not in _kinds().values():
        raise ConversionError("value", f"a {kind.__name__}", "a dataclass of face1d_ros.types that has a message")
    name = type_name(kind)
    return Converter(kind, typestore().types[name], dict(typestore().fielddefs[name][1]), _codec)


@lru_cache(maxsize=1)
def _kinds() -> dict[str, type]:
    """The dataclasses that have a message, by its name."""
    classes = [kind for kind in vars(types).values() if isinstance(kind, type) and dataclasses.is_dataclass(kind)]
    return {type_name(kind): kind for kind in classes if type_name(kind) in typestore().fielddefs}


def _codec(description: Description, hint: Any, columns: int) -> Codec:
    """The codec of one field: `description` as rosbags names its type, `hint` as the dataclass does."""
    node, detail = description
    if node is Nodetype.BASE:
        return plain(detail[0], hint)
    if node is Nodetype.NAME:
        return _named(detail, hint)
    item, length = detail
    if item == (Nodetype.BASE, ("float32", 0)):
        floats = float_array(columns, length)
        return Codec(lambda value: np.asarray(floats.write(value)), floats.read)
    items = sequence(_codec(item, get_args(hint)[0], 0))
    if item[0] is Nodetype.BASE and item[1][0].startswith("uint"):
        dtype = np.dtype(item[1][0])
        return Codec(lambda value: np.array(items.write(value), dtype), items.read)
    return items


def _named(name: str, hint: Any) -> Codec:
    """The codec of a field that is a message itself."""
    if name.startswith("face1d_ros/") or hint in OTHER_NAMES:
        nested = _converter(hint)
        return Codec(nested.write, nested.read)
    message_class: Any = typestore().types[name]
    if name == "builtin_interfaces/msg/Time":
        return time(partial(message_class, 0, 0))
    axes = "xyzw" if name == "geometry_msgs/msg/Quaternion" else "xyz"
    return coordinates(partial(message_class, *[0.0] * len(axes)), axes)
