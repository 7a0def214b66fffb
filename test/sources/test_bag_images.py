"""Messages that are not what their topic announces, and stamps and sizes out of order."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from sources.bags import (
    COMPRESSED,
    IMAGE,
    START_NS,
    STEP_NS,
    jpeg,
    mcap_file,
    mcap_message,
    mcap_topic,
    noise,
    raw,
    record,
    recording_of,
)

from face1d_ros.errors import SourceBrokenOffError, SourceUnreadableError
from face1d_ros.sources.bag import BagTopic


def bag_of(path: Path, kind: str, messages: list) -> Path:
    """An MCAP file with one topic that announces this type."""
    records = [mcap_message(1, START_NS + index * STEP_NS, message) for index, message in enumerate(messages)]
    path.write_bytes(mcap_file(mcap_topic(1, "/image", kind), *records))
    return path


def test_images_of_another_type_than_announced_are_read_and_told(tmp_path: Path, picture: Callable) -> None:
    compressed = [jpeg(picture(index), START_NS + index) for index in range(4)]
    for announced, messages in ((IMAGE, compressed), (COMPRESSED, noise(4))):
        with BagTopic(bag_of(tmp_path / "a.mcap", announced, messages)) as source:
            assert len(list(source.frames())) == 4
        assert source.notes == ["4 images are of another type than the topic announces"]
        assert not source.skipped


def test_messages_that_are_no_images_are_left_out_and_counted(tmp_path: Path) -> None:
    messages = noise(6)
    path = bag_of(tmp_path / "a.mcap", IMAGE, [*messages[:3], b"", b"\0\1\0\0 no image", bytes(100), *messages[3:]])
    with BagTopic(path) as source:
        assert len(list(source.frames())) == 6
    assert sum(source.skipped.values()) == 3
    assert not source.damage


def test_a_topic_without_a_single_image_is_refused_with_the_reasons(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadableError, match=r"no image on /image can be decoded \(3 not_deserialised\)"):
        BagTopic(bag_of(tmp_path / "a.mcap", IMAGE, [b"no image at all"] * 3))


def test_stamps_out_of_order_are_kept_and_counted(tmp_path: Path, picture: Callable) -> None:
    offsets = [0, 3, 1, 2, 5, 4]
    images = [raw(picture(index), START_NS + offset) for index, offset in enumerate(offsets)]
    with BagTopic(record(tmp_path / "bag", {"/image": images})) as source:
        assert [frame.header.stamp_ns - START_NS for frame in source.frames()] == offsets
    assert source.notes == ["2 stamps are earlier than the one before; the order is that of recording"]
    assert not source.damage


def test_a_broken_bag_goes_on_in_a_loop_and_what_it_lacks_is_counted(tmp_path: Path) -> None:
    bag = record(tmp_path / "bag", {"/image": noise(40)})
    file = recording_of(bag)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    frames = []
    with BagTopic(bag) as source, pytest.raises(SourceBrokenOffError):
        frames.extend(source.frames())
    with BagTopic(bag, loop=True) as source:
        stamps = [frame.header.stamp_ns for frame in islice(source.frames(), 2 * len(frames) + 1)]
    assert np.diff(stamps).min() > 0
    assert source.skipped == {"cut_off": 2 * (40 - len(frames))}
    assert len(source.damage) <= 2, "the damage is that of one pass"
