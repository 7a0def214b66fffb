"""Bags that plain rosbags reads, complete also when the disk fails."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rosbags.highlevel import AnyReader

from face1d_ros.convert.bag import from_bag
from face1d_ros.errors import RecordingError
from face1d_ros.graph import LANDMARKS_RAW
from face1d_ros.replay.bag_writer import BagWriter
from face1d_ros.types import FaceLandmarksArray

MakeResult = Callable[..., FaceLandmarksArray]


@contextmanager
def files_at_most(size_bytes: int) -> Iterator[None]:
    """As with a full disk, the system refuses what would go beyond."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def read(path: Path) -> list[tuple[str, int, Any]]:
    """(topic, time, value) of every message."""
    with AnyReader([path]) as reader:
        return [
            (connection.topic, stamp_ns, from_bag(reader.deserialize(data, connection.msgtype)))
            for connection, stamp_ns, data in reader.messages()
        ]


def test_what_is_written_is_read_back(tmp_path: Path, result: MakeResult) -> None:
    values = [result(index, faces=index % 3) for index in range(100)]
    bag = BagWriter(tmp_path / "bag", (LANDMARKS_RAW,))
    for value in values:
        bag.write({LANDMARKS_RAW.name: value})
    bag.close()
    bag.close()
    found = read(tmp_path / "bag")
    assert [(topic, stamp_ns) for topic, stamp_ns, _ in found] == [
        ("/face1d/landmarks_raw", value.header.stamp_ns) for value in values
    ]
    for (_, _, back), value in zip(found, values, strict=True):
        assert len(back.faces) == len(value.faces)
        for one, other in zip(back.faces, value.faces, strict=True):
            assert one.track_id == other.track_id
            np.testing.assert_array_equal(one.points, other.points)
    assert bag.messages == 100
    assert bag.size_bytes == sum(file.stat().st_size for file in (tmp_path / "bag").iterdir())


def test_a_bag_without_messages_is_a_bag(tmp_path: Path) -> None:
    BagWriter(tmp_path / "bag", (LANDMARKS_RAW,)).close()
    with AnyReader([tmp_path / "bag"]) as reader:
        assert [(c.topic, c.msgtype) for c in reader.connections] == [("/face1d/landmarks_raw", LANDMARKS_RAW.type)]
        assert reader.message_count == 0


@pytest.mark.parametrize("name", ["there", "file/bag"])
def test_a_path_that_cannot_be_used_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(RecordingError, match=r"cannot record to .*choose another path"):
        BagWriter(tmp_path / name, (LANDMARKS_RAW,))
    assert not list((tmp_path / "there").iterdir())


@pytest.mark.parametrize("limit_bytes", [30_000, 300_000, 1_000_000, 1_500_000, 3_000_000])
@pytest.mark.parametrize("faces", [1, 8])
def test_a_full_disk_is_told_and_leaves_a_complete_bag(
    tmp_path: Path, result: MakeResult, limit_bytes: int, faces: int
) -> None:
    bag, written = BagWriter(tmp_path / "bag", (LANDMARKS_RAW,)), 0
    with files_at_most(limit_bytes):
        with pytest.raises(RecordingError, match=r"has ended: File too large; the .* messages before it are complete"):
            for index in range(1000):
                bag.write({LANDMARKS_RAW.name: result(index, faces)})
                written += 1
        bag.close()
    found = read(tmp_path / "bag")
    assert len(found) == bag.messages <= written
    assert [stamp_ns for _, stamp_ns, _ in found] == [result(i, 0).header.stamp_ns for i in range(len(found))]
    # No more than what was not yet flushed, and what the index needs, is lost.
    assert bag.messages >= written - 62
    assert (limit_bytes < 300_000) or bag.messages


def test_a_disk_that_is_full_only_at_the_end_leaves_a_complete_bag(tmp_path: Path, result: MakeResult) -> None:
    bag = BagWriter(tmp_path / "bag", (LANDMARKS_RAW,))
    for index in range(50):
        bag.write({LANDMARKS_RAW.name: result(index)})
    size_bytes = (tmp_path / "bag" / "bag.mcap").stat().st_size
    with files_at_most(size_bytes), pytest.raises(RecordingError, match="messages before it are complete"):
        bag.close()
    assert 0 < len(read(tmp_path / "bag")) == bag.messages < 50


def test_a_disk_without_room_for_anything_is_told(tmp_path: Path, result: MakeResult) -> None:
    with files_at_most(2_000):
        bag = BagWriter(tmp_path / "bag", (LANDMARKS_RAW,))
        with pytest.raises(RecordingError, match="no room for its index"):
            bag.write({LANDMARKS_RAW.name: result(0)})
        bag.close()
