"""Values to messages and back: exactly the same, over the wire too, and nothing that does not fit."""

from __future__ import annotations

import dataclasses
import os
import struct
import subprocess
import sys
from enum import Enum, IntFlag
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rclpy.serialization import deserialize_message, serialize_message

from face1d_ros import msg, types
from face1d_ros.convert import from_message, to_message
from face1d_ros.convert.messages import MESSAGE_CLASSES

ROOT = Path(__file__).resolve().parents[2]
KINDS = list(MESSAGE_CLASSES)
ARRAYS = [types.FaceLandmarksArray, types.FaceMeshArray, types.FaceExpressionArray, types.FaceIdentityArray]
TEXTS = ("", "none", "camera_optical_frame", "é 中 /_", "x" * 300)
FLOATS = (0.0, -0.0, 1.5, float("nan"), float("inf"), -float("inf"), 3.4e38, 1e-45)
MIN_NS, MAX_NS = -(2**31) * 10**9, 2**31 * 10**9 - 1


class Maker:
    """Random values of the dataclasses of `types`, with every rule between fields kept."""

    def __init__(self, seed: int, faces: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.faces = faces

    def make(self, kind: type) -> Any:
        hints = get_type_hints(kind)
        values = {field.name: self._field(field, hints[field.name]) for field in dataclasses.fields(kind)}
        if kind is types.FaceLandmarks:
            topology = self._choice(tuple(types.Topology))
            count = int(topology) or int(self.rng.integers(0, 100))
            values |= {"topology": topology, "points": self._floats(count, 3)}
            values |= {"point_confidence": self._some(count), "blendshapes": self._some(52)}
        if kind is types.FaceMesh:
            values["identity_stddev"] = self._some(len(values["identity"]))
        value = kind(**values)
        return self._agreeing(value)

    def _agreeing(self, value: Any) -> Any:
        """Let the faces of an array have as many values as the array has names, and its events its header."""
        if isinstance(value, types.FaceMeshArray):
            count = len(value.expression_names)
            faces = tuple(dataclasses.replace(face, expression=self._some(count)) for face in value.faces)
            return dataclasses.replace(value, faces=faces)
        if isinstance(value, types.FaceExpressionArray):
            labels, actions = len(value.labels), len(value.action_names)
            faces = tuple(
                dataclasses.replace(face, probabilities=self._some(labels), actions=self._some(actions))
                for face in value.faces
            )
            events = tuple(dataclasses.replace(event, header=value.header) for event in value.events)
            return dataclasses.replace(value, faces=faces, events=events)
        return value

    def _field(self, field: dataclasses.Field[Any], hint: Any) -> Any:
        if field.name.endswith("_ns"):
            return int(self.rng.integers(MIN_NS, MAX_NS, endpoint=True))
        if get_origin(hint) is tuple:
            item = get_args(hint)[0]
            return tuple(self._value(item) for _ in range(self.faces))
        if get_origin(hint) is np.ndarray:
            default = field.default_factory()  # type: ignore[misc]
            count = len(default) or int(self.rng.integers(0, 60))
            return self._floats(count).astype(default.dtype)
        limit = 2**64 if field.name in ("track_id", "received", "used", "dropped") else 2**32
        return self._value(hint, limit)

    def _value(self, hint: Any, limit: int = 2**64) -> Any:
        if hint is bool:
            return bool(self.rng.integers(2))
        if hint is int:
            return self._choice((0, 1, limit - 1, int(self.rng.integers(0, limit - 1, dtype=np.uint64))))
        if hint is float:
            return self._choice((*FLOATS[:6], float(np.float32(self.rng.normal()))))
        if hint is str:
            return self._choice(TEXTS)
        if issubclass(hint, IntFlag):
            return hint(int(self.rng.integers(4)))
        if issubclass(hint, Enum):
            return self._choice(tuple(hint))
        return self.make(hint)

    def _choice(self, items: tuple[Any, ...]) -> Any:
        return items[int(self.rng.integers(len(items)))]

    def _floats(self, *shape: int) -> Any:
        values = self.rng.normal(0, 300, shape).astype(np.float32)
        values[self.rng.random(shape) < 0.1] = np.nan
        return values

    def _some(self, count: int) -> Any:
        return self._floats(self._choice((0, count)))


def same(left: Any, right: Any) -> bool:
    """Equal to the last bit, with the same types."""
    if type(left) is not type(right):
        return False
    if dataclasses.is_dataclass(left):
        return all(same(getattr(left, f.name), getattr(right, f.name)) for f in dataclasses.fields(left))
    if isinstance(left, tuple):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, np.ndarray):
        return (left.dtype, left.shape, left.tobytes()) == (right.dtype, right.shape, right.tobytes())
    if isinstance(left, float):
        return struct.pack("d", left) == struct.pack("d", right)
    return bool(left == right)


def over_the_wire(message: Any) -> Any:
    return deserialize_message(serialize_message(message), type(message))


def test_every_message_of_the_package_has_a_dataclass() -> None:
    names = {path.stem for path in (ROOT / "msg").glob("*.msg")}
    assert names == {kind.__name__ for kind in KINDS} - {"Header", "Pose"}


@pytest.mark.parametrize("faces", [0, 1, 2, 8, 40])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_value_comes_back_the_same(kind: type, faces: int) -> None:
    for seed in range(10):
        value = Maker(seed, faces).make(kind)
        message = to_message(value)
        assert isinstance(message, MESSAGE_CLASSES[kind])
        assert same(from_message(message), value)
        assert same(from_message(over_the_wire(message)), value)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_value_that_knows_nothing_comes_back_the_same(kind: type) -> None:
    assert same(from_message(over_the_wire(to_message(kind()))), kind())


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_different_values_give_different_messages(kind: type) -> None:
    assert not same(Maker(1, 3).make(kind), Maker(2, 3).make(kind))
    assert to_message(Maker(1, 3).make(kind)) != to_message(Maker(2, 3).make(kind))


@pytest.mark.parametrize("kind", ARRAYS, ids=lambda kind: kind.__name__)
def test_a_frame_without_faces_keeps_its_header_and_ended_tracks(kind: type) -> None:
    value = kind(header=types.Header(7, "c"), ended_track_ids=(2**64 - 1, 3))
    back = from_message(over_the_wire(to_message(value)))
    assert (back.header.stamp_ns, back.faces, back.ended_track_ids) == (7, (), (2**64 - 1, 3))


@settings(deadline=None)
@given(st.integers(MIN_NS, MAX_NS))
def test_every_time_comes_back(stamp_ns: int) -> None:
    message = to_message(types.Header(stamp_ns))
    assert 0 <= message.stamp.nanosec < 10**9
    assert from_message(message).stamp_ns == stamp_ns


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_every_text_comes_back(text: str) -> None:
    assert from_message(over_the_wire(to_message(types.Header(0, text)))).frame_id == text


@settings(deadline=None)
@given(st.floats(width=32))
def test_every_single_precision_number_comes_back(number: float) -> None:
    back = from_message(over_the_wire(to_message(types.StageInfo(duration_s=number)))).duration_s
    assert struct.pack("f", back) == struct.pack("f", number) or np.isnan([back, number]).all()


def test_a_double_is_rounded_once_so_that_every_way_sees_the_same() -> None:
    message = to_message(types.StageInfo(duration_s=0.1))
    assert message.duration_s == float(np.float32(0.1))
    assert over_the_wire(message).duration_s == message.duration_s


def test_numbers_of_numpy_are_taken() -> None:
    value = types.FaceLandmarks(track_id=np.uint64(2**64 - 1), confidence=np.float32(0.5))  # type: ignore[arg-type]
    message = to_message(value)
    assert (message.track_id, message.confidence) == (2**64 - 1, 0.5)


def test_arrays_that_are_read_are_copies_that_nobody_can_change() -> None:
    message = to_message(types.FaceLandmarks(points=np.ones((68, 3), np.float32), topology=types.Topology.FACE_68))
    value = from_message(message)
    message.points[0] = 9.0
    assert value.points[0, 0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        value.points[0, 0] = 2.0


def test_a_message_does_not_change_with_the_arrays_it_was_made_from() -> None:
    points, box = np.ones((5, 3), np.float32), np.ones(4, np.float32)
    message = to_message(types.FaceLandmarks(points=points, box=box))
    points[:], box[:] = 0, 0
    assert set(message.points) == {1.0} and set(message.box) == {1.0}


def test_a_transposed_or_sliced_array_arrives_in_its_own_order() -> None:
    points = np.arange(30, dtype=np.float32).reshape(3, 10).T[::2]
    assert same(from_message(to_message(types.FaceLandmarks(points=points))).points, points.copy())


def test_an_unknown_topology_takes_any_number_of_points() -> None:
    face = msg.FaceLandmarks(points=[0.0] * 15)
    assert from_message(face).points.shape == (5, 3)


@pytest.mark.parametrize("enum", [types.Topology, types.TrackState, types.Side, types.Phase, types.Decision])
def test_enumerations_have_the_values_of_the_constants(enum: Any) -> None:
    prefix, message = {
        types.Topology: ("TOPOLOGY_", msg.FaceLandmarks),
        types.TrackState: ("STATE_", msg.FaceLandmarks),
        types.Side: ("SIDE_", msg.FaceAsymmetry),
        types.Phase: ("PHASE_", msg.FaceExpression),
        types.Decision: ("DECISION_", msg.FaceIdentity),
    }[enum]
    constants = {getattr(message, name) for name in dir(type(message)) if name.startswith(prefix)}
    assert constants == {int(member) for member in enum}


WITHOUT = """
import sys
for name in {missing!r}:
    sys.modules[name] = None
from face1d_ros.convert.compressed import decode
from face1d_ros.convert.pixels import to_rgb
from face1d_ros.errors import MissingDependencyError
try:
    from face1d_ros.convert import to_message
except MissingDependencyError as error:
    print(error)
"""


@pytest.mark.parametrize(
    "missing,advice",
    [(["builtin_interfaces", "std_msgs", "rclpy"], "source /opt/ros"), (["face1d_ros.msg"], "colcon build")],
)
def test_without_ros_pixels_work_and_messages_say_what_to_install(missing: list[str], advice: str) -> None:
    code = WITHOUT.format(missing=missing)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])}
    answer = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert "is missing, which converting messages needs" in answer
    assert advice in answer
