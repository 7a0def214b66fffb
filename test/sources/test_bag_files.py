"""Bags of several files, with and without metadata.yaml, whole and broken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from sources.bags import START_NS, STEP_NS, STORAGES, jpeg, noise, raw, record, record_splits, recording_of, text

from face1d_ros.errors import SourceBrokenOffError, SourceUnreadableError
from face1d_ros.sources.bag import BagTopic
from face1d_ros.sources.bag_messages import recorded

EACH = 7


@pytest.fixture
def parts() -> list[list[Any]]:
    """Images of three files, stamped one after the other."""
    images = noise(3 * EACH)
    return [images[first : first + EACH] for first in range(0, 3 * EACH, EACH)]


def stamps(path: Path, damage: list[str] | None = None) -> list[int]:
    """Times of the messages in steps."""
    return [round((each.stamp_ns - START_NS) / STEP_NS) for each in recorded(path, None, damage)]


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("has_metadata", [True, False])
def test_files_are_read_in_the_order_of_their_numbers(
    tmp_path: Path, parts: list, storage: str, has_metadata: bool
) -> None:
    record_splits(tmp_path / "bag", "/image", parts, *STORAGES[storage])
    if not has_metadata:
        (tmp_path / "bag" / "metadata.yaml").unlink()
    damage: list[str] = []
    assert stamps(tmp_path / "bag", damage) == list(range(3 * EACH))
    assert damage == []
    with BagTopic(tmp_path / "bag") as source:
        assert len(list(source.frames())) == source.length == 3 * EACH
        assert source.rate_hz == pytest.approx(25.0)


def test_a_missing_file_is_told_and_the_others_are_read(tmp_path: Path, parts: list) -> None:
    files = record_splits(tmp_path / "bag", "/image", parts)
    files[1].unlink()
    damage: list[str] = []
    assert stamps(tmp_path / "bag", damage) == [*range(EACH), *range(2 * EACH, 3 * EACH)]
    assert damage == [
        "bag_9.mcap: the file is missing; 7 messages are lost",
        "in all 14 of 21 announced messages could be read",
    ]
    frames = []
    with (
        BagTopic(tmp_path / "bag") as source,
        pytest.raises(SourceBrokenOffError, match=r"bag_9\.mcap: the file is mis"),
    ):
        frames.extend(source.frames())
    assert len(frames) == 14


@pytest.mark.parametrize("data", [b"", b"nothing that can be read"])
@pytest.mark.parametrize("storage", ["mcap", "sqlite", "compressed sqlite file"])
def test_a_file_that_cannot_be_read_is_told_and_the_others_are_read(
    tmp_path: Path, parts: list, storage: str, data: bytes
) -> None:
    files = record_splits(tmp_path / "bag", "/image", parts, *STORAGES[storage])
    files[0].write_bytes(data)
    damage: list[str] = []
    assert stamps(tmp_path / "bag", damage) == list(range(EACH, 3 * EACH))
    assert damage[0].startswith("bag_8.")
    assert damage[-1] == "in all 14 of 21 announced messages could be read"


@pytest.mark.parametrize(
    "content",
    [
        "rosbag2_bagfile_information: 7",
        "{",
        "a: &a [x]\n" * 3,
        "[" * 20_000,
        "rosbag2_bagfile_information: {relative_file_paths: [[a]], topics_with_message_count: []}",
        "rosbag2_bagfile_information: {relative_file_paths: [], topics_with_message_count: "
        "[{topic_metadata: {name: [many]}, message_count: 1}]}",
    ],
)
def test_without_readable_metadata_the_files_are_read_as_they_lie(tmp_path: Path, parts: list, content: str) -> None:
    record_splits(tmp_path / "bag", "/image", parts)
    (tmp_path / "bag" / "metadata.yaml").write_text(content)
    with BagTopic(tmp_path / "bag") as source:
        assert len(list(source.frames())) == 3 * EACH
        assert source.notes[0].startswith("metadata.yaml: it cannot be read (")
        assert source.notes[0].endswith("); the files were taken as they lie; no message is lost")


def test_metadata_cannot_name_files_elsewhere(tmp_path: Path, parts: list) -> None:
    record_splits(tmp_path / "elsewhere", "/image", parts)
    record_splits(tmp_path / "bag", "/image", parts[:1])
    metadata = tmp_path / "bag" / "metadata.yaml"
    content = yaml.safe_load(metadata.read_text())
    content["rosbag2_bagfile_information"]["relative_file_paths"] = ["../elsewhere/elsewhere_9.mcap", "bag_8.mcap"]
    metadata.write_text(yaml.safe_dump(content))
    damage: list[str] = []
    assert stamps(tmp_path / "bag", damage) == list(range(EACH))
    assert damage == ["elsewhere_9.mcap: the file is missing; how many messages are lost is not known"]


def test_a_packed_file_is_read_by_itself(tmp_path: Path, parts: list) -> None:
    bag = record(tmp_path / "bag", {"/image": parts[0]}, *STORAGES["compressed mcap file"])
    with BagTopic(recording_of(bag)) as source:
        assert len(list(source.frames())) == EACH


def test_a_packed_file_that_was_cut_off_gives_what_is_left(tmp_path: Path) -> None:
    bag = record(tmp_path / "bag", {"/image": noise(100)}, *STORAGES["compressed sqlite file"])
    file = recording_of(bag)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    damage: list[str] = []
    assert 30 < len(stamps(bag, damage)) < 60
    assert damage[0].startswith("bag.db3.zstd: the compressed file is cut off")
    assert damage[-1].endswith(" of 100 announced messages could be read")


def test_what_was_unpacked_is_deleted(tmp_path: Path, parts: list, monkeypatch: pytest.MonkeyPatch) -> None:
    bag = record(tmp_path / "bag", {"/image": parts[0]}, *STORAGES["compressed sqlite file"])
    (tmp_path / "room").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "room"))
    with BagTopic(bag) as source:
        next(source.frames())
        assert list((tmp_path / "room").iterdir())
    assert not list((tmp_path / "room").iterdir())
    for _ in recorded(bag):
        break
    assert not list((tmp_path / "room").iterdir())


def test_a_disk_without_room_is_told(tmp_path: Path, parts: list, monkeypatch: pytest.MonkeyPatch) -> None:
    bag = record(tmp_path / "bag", {"/image": parts[0]}, *STORAGES["compressed sqlite file"])
    monkeypatch.setattr("face1d_ros.sources.unpacking.MIN_FREE_BYTES", 2**62)
    with pytest.raises(SourceUnreadableError, match=r"cannot be unpacked: .* has no room .* let TMPDIR name a folder"):
        BagTopic(bag)


def test_a_folder_with_an_empty_recording_only_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bag_0.mcap").touch()
    with pytest.raises(SourceUnreadableError, match="empty"):
        BagTopic(tmp_path)


def test_types_may_change_between_files(tmp_path: Path, picture: Any) -> None:
    first = [raw(picture(index), START_NS + index) for index in range(3)]
    second = [jpeg(picture(index), START_NS + index) for index in range(3, 6)]
    record_splits(tmp_path / "bag", "/image", [first, second, [text("no image")] * 2])
    with BagTopic(tmp_path / "bag") as source:
        assert [frame.header.stamp_ns - START_NS for frame in source.frames()] == list(range(6))
    assert source.skipped == {"type": 2}
