"""docs/messages.md, and the text form of messages that it shows."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from rclpy.serialization import deserialize_message, serialize_message

from face1d_ros import msg
from face1d_ros.cli.interface_files import read_interface
from face1d_ros.cli.message_examples import REQUEST_EXAMPLES, TOPIC_EXAMPLES
from face1d_ros.cli.message_pages import PARTS, markdown, part_message
from face1d_ros.convert import new_message, to_message, to_yaml
from face1d_ros.errors import ConversionError

ROOT = Path(__file__).resolve().parents[2]
FILES = [path for kind in ("msg", "srv", "action") for path in sorted((ROOT / kind).glob(f"*.{kind}"))]


def test_the_page_is_current() -> None:
    page = (ROOT / "docs" / "messages.md").read_text(encoding="utf-8")
    assert page == markdown(), "docs/messages.md is out of date: run `face1d docs`"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_interface_and_field_is_on_the_page(path: Path) -> None:
    page = markdown()
    interface = read_interface(path)
    assert f"# {interface.name}\n" in page
    assert interface.description and interface.description in page
    for part in interface.parts:
        for entry in part:
            assert f"| `{entry.name}` | " in page


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_files_are_read_as_the_generator_reads_them(path: Path) -> None:
    kind = path.suffix[1:]
    names = [f"{path.stem}.{part}" for part in PARTS[kind]] if kind in PARTS else [path.stem]
    for name, part in zip(names, read_interface(path).parts, strict=True):
        fields = new_message(f"face1d_ros/{kind}/{name}").get_fields_and_field_types()
        fields.pop("structure_needs_at_least_one_member", None)
        assert [entry.name for entry in part if not entry.value] == list(fields)


@pytest.mark.parametrize("name", TOPIC_EXAMPLES)
def test_examples_of_topics_are_messages_that_can_be_sent(name: str) -> None:
    message = to_message(TOPIC_EXAMPLES[name]())
    assert type(message).__name__ == name
    assert deserialize_message(serialize_message(message), type(message)) == message


@pytest.mark.parametrize("name", REQUEST_EXAMPLES)
def test_examples_of_requests_are_messages_that_can_be_sent(name: str) -> None:
    kind = "action" if name == "EnrollSubject" else "srv"
    for part, fields in zip(PARTS[kind], REQUEST_EXAMPLES[name], strict=True):
        message = part_message(kind, name, part, fields)
        back = deserialize_message(serialize_message(message), type(message))
        for field, value in fields.items():
            if isinstance(value, float):
                assert math.isclose(getattr(back, field), value, rel_tol=1e-6)
            elif not isinstance(value, list):
                assert getattr(back, field) == value


def test_the_recorded_face_is_whole_and_inside_the_photo() -> None:
    frame = TOPIC_EXAMPLES["FaceLandmarksArray"]()
    (face,) = frame.faces
    assert face.points.shape == (478, 3)
    assert (face.points[:, :2] > 0).all() and (face.points[:, :2] < 512).all()


def as_data(message: Any) -> Any:
    """A message as plain values."""
    if hasattr(message, "get_fields_and_field_types"):
        return {name: as_data(getattr(message, name)) for name in message.get_fields_and_field_types()}
    if isinstance(message, (str, bool, int, float)):
        return message
    return message.item() if isinstance(message, np.generic) else [as_data(item) for item in message]


@pytest.mark.parametrize("name", TOPIC_EXAMPLES)
def test_the_text_is_yaml_of_the_same_values(name: str) -> None:
    message = to_message(TOPIC_EXAMPLES[name]())
    assert equal(yaml.safe_load(to_yaml(message)), as_data(message))


def equal(left: Any, right: Any) -> bool:
    if isinstance(left, dict):
        return list(left) == list(right) and all(equal(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(equal, left, right))
    if isinstance(left, float):
        return (math.isnan(left) and math.isnan(right)) or math.isclose(left, right, rel_tol=1e-6)
    return type(left) is type(right) and left == right


TEXTS = ["", "a", "true", "1.5", "a: b", "- x", "é", "a\nb", "'", "#", " x ", "null", "x" * 500, "a, b", "]", "…"]


@pytest.mark.parametrize("text", TEXTS)
def test_any_text_stays_that_text(text: str) -> None:
    assert yaml.safe_load(to_yaml(msg.StageInfo(stage=text)))["stage"] == text
    array = msg.FaceExpressionArray(labels=[text, "b"])
    assert yaml.safe_load(to_yaml(array))["labels"] == [text, "b"]


@pytest.mark.parametrize("number", [0.0, 1.0, -2.5, 1e-9, 1e30, math.inf, -math.inf, math.nan])
def test_any_number_stays_a_float(number: float) -> None:
    found = yaml.safe_load(to_yaml(msg.StageInfo(duration_s=number)))["duration_s"]
    assert isinstance(found, float)
    assert found == number or (math.isnan(found) and math.isnan(number))


def test_long_sequences_are_cut_and_say_so() -> None:
    face = msg.FaceLandmarks(points=[1.0] * 5, blendshapes=[2.0] * 2)
    text = to_yaml(face, longest=2)
    assert "points: [1.0, 1.0, …]" in text and "blendshapes: [2.0, 2.0]" in text


def test_unknown_interfaces_and_fields_are_refused() -> None:
    with pytest.raises(ConversionError, match="interface"):
        new_message("face1d_ros/msg/Nothing")
    with pytest.raises(ConversionError, match=r"Subject\.nothing: got an unknown field, expected one of handle"):
        new_message("face1d_ros/msg/Subject", {"nothing": 1})
