"""Values to a bag's messages and back: exactly the same, and the same bytes as ROS understands."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rclpy.serialization import deserialize_message, serialize_message
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from face1d_ros import types
from face1d_ros.convert import from_message, to_message
from face1d_ros.convert.bag import definition, from_bag, from_bytes, to_bytes, type_name
from face1d_ros.convert.messages import MESSAGE_CLASSES
from face1d_ros.errors import ConversionError
from face1d_ros.nodes.message_types import Definitions


def neighbour(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


test_messages = neighbour("test_messages")
Maker, same, KINDS = test_messages.Maker, test_messages.same, list(MESSAGE_CLASSES)


@pytest.mark.parametrize("faces", [0, 1, 3])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_value_comes_back_the_same_and_ros_reads_it(kind: type, faces: int) -> None:
    for seed in range(5):
        value = Maker(seed, faces).make(kind)
        data = to_bytes(value)
        assert same(from_bytes(data, type_name(kind)), value)
        assert same(from_message(deserialize_message(data, MESSAGE_CLASSES[kind])), value)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_what_ros_wrote_is_read(kind: type) -> None:
    value = Maker(3, 2).make(kind)
    assert same(from_bytes(serialize_message(to_message(value)), type_name(kind)), value)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_value_that_knows_nothing_comes_back_the_same(kind: type) -> None:
    assert same(from_bytes(to_bytes(kind()), type_name(kind)), kind())


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_definitions_are_those_of_the_installed_ros(kind: type) -> None:
    assert definition(type_name(kind)) == Definitions().of(type_name(kind))


def test_a_message_read_with_the_definitions_inside_a_bag_is_converted() -> None:
    value = Maker(1, 2).make(types.FaceLandmarksArray)
    name = type_name(types.FaceLandmarksArray)
    other = get_typestore(Stores.EMPTY)
    other.register(get_types_from_msg(definition(name)[0], name))
    assert same(from_bag(other.deserialize_cdr(to_bytes(value), name)), value)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (types.StageInfo(received=-1), "StageInfo.received: got -1"),
        (types.FaceLandmarks(points=np.zeros((3, 2), np.float32)), "FaceLandmarks.points: got an array of float32"),
        (types.FaceLandmarks(points=np.zeros((3, 3))), "FaceLandmarks.points: got an array of float64"),
        (types.FaceLandmarksArray(ended_track_ids=(1, 2**64)), r"ended_track_ids\[1\]"),
        (types.FaceLandmarksArray(faces=(types.FaceLandmarks(confidence=1e39),)), r"faces\[0\].confidence"),
        (types.Frame(types.Header(), np.zeros((1, 1, 3), np.uint8)), "a dataclass of face1d_ros.types that has a"),
        ("text", "a dataclass of face1d_ros.types that has a message"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(value: Any, says: str) -> None:
    with pytest.raises(ConversionError, match=says):
        to_bytes(value)


@pytest.mark.parametrize("cut", [0, 3, 20, -1])
def test_a_message_that_is_cut_off_is_refused(cut: int) -> None:
    data = to_bytes(Maker(1, 2).make(types.FaceLandmarksArray))[:cut]
    with pytest.raises(ConversionError, match="a message of this type"):
        from_bytes(data, "face1d_ros/msg/FaceLandmarksArray")


def test_a_message_of_another_package_is_refused() -> None:
    store = get_typestore(Stores.ROS2_HUMBLE)
    with pytest.raises(ConversionError, match="std_msgs/msg/Empty"):
        from_bag(store.types["std_msgs/msg/Empty"]())
