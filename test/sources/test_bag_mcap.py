"""Broken MCAP files: what can be read is read, the rest is told."""

from __future__ import annotations

import struct
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from sources.bags import (
    IMAGE,
    MAGIC,
    START_NS,
    STEP_NS,
    TEXT,
    mcap_chunk,
    mcap_file,
    mcap_message,
    mcap_record,
    mcap_text,
    mcap_topic,
    noise,
    record,
    recording_of,
    text,
)

from face1d_ros.errors import SourceBrokenOffError, SourceUnreadableError
from face1d_ros.sources.bag import BagTopic
from face1d_ros.sources.bag_messages import recorded

COUNT = 300
"""Of images: some chunks."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A recording of 12 s."""
    folder = tmp_path_factory.mktemp("whole")
    return recording_of(record(folder / "bag", {"/image": noise(COUNT), "/text": [text("hello")]})).read_bytes()


def read(path: Path, data: bytes) -> tuple[list[float], list[str]]:
    """(times of the images in steps, damage)."""
    path.write_bytes(data)
    damage: list[str] = []
    found = list(recorded(path, ["/image"], damage))
    assert all(message.type == IMAGE for message in found)
    return [(message.stamp_ns - START_NS) / STEP_NS for message in found], damage


def chunks(data: bytes) -> Iterator[tuple[int, int]]:
    """Where each chunk begins and ends."""
    at = len(MAGIC)
    while at < len(data) - len(MAGIC):
        op, size = struct.unpack_from("<BQ", data, at)
        if op == 6:
            yield at, at + 9 + size
        at += 9 + size


def batches(count: int = 4, each: int = 5, **how: object) -> list[bytes]:
    """Chunks of texts, the topic in the first, an index behind each."""
    parts: list[bytes] = []
    for batch in range(count):
        stamps = [START_NS + (batch * each + index) * STEP_NS for index in range(each)]
        messages = [mcap_message(1, stamp, text(f"message at {stamp}")) for stamp in stamps]
        index = b"".join(struct.pack("<QQ", stamp, 0) for stamp in stamps)
        first = [mcap_topic(1, "/text", TEXT)] if batch == 0 else []
        parts.append(mcap_chunk([*first, *messages], stamps[0], stamps[-1], **how))  # type: ignore[arg-type]
        parts.append(mcap_record(7, struct.pack("<HI", 1, len(index)) + index))
    return parts


def test_a_recording_that_was_cut_off_gives_all_before(tmp_path: Path, whole: bytes) -> None:
    stamps, damage = read(tmp_path / "cut.mcap", whole[: len(whole) * 6 // 10])
    assert stamps == list(range(len(stamps)))
    assert 0.55 * COUNT < len(stamps) < 0.61 * COUNT
    (told,) = damage
    assert told.startswith("cut.mcap, byte ")
    unknown = "how many messages are lost is not known"
    assert told.endswith(f"the recording was cut off here; {unknown}, from {stamps[-1] * 0.04:.3f} s on")


def test_where_the_metadata_announces_messages_the_lost_ones_are_counted(tmp_path: Path, whole: bytes) -> None:
    bag = record(tmp_path / "bag", {"/image": noise(COUNT)})
    stamps, _ = read(recording_of(bag), whole[: len(whole) // 2])
    damage: list[str] = []
    assert len(list(recorded(bag, ["/image"], damage))) == len(stamps)
    lost = COUNT - len(stamps)
    assert f"the recording was cut off here; {lost} messages are lost, from {stamps[-1] * 0.04:.3f} s on" in damage[0]
    assert damage[1:] == [f"in all {len(stamps)} of {COUNT} announced messages could be read"]


def test_a_recording_that_was_never_closed_says_so(tmp_path: Path) -> None:
    path = tmp_path / "open.mcap"
    path.write_bytes(mcap_file(*batches(), is_whole=False))
    damage: list[str] = []
    assert len(list(recorded(path, None, damage))) == 20
    assert damage == [
        "open.mcap: the recording was cut off or never closed; how many messages are lost is not known, from 0.760 s on"
    ]


@pytest.mark.parametrize("lost_bytes", [1, 9, 40, 300])
def test_without_its_index_nothing_is_lost(tmp_path: Path, whole: bytes, lost_bytes: int) -> None:
    stamps, damage = read(tmp_path / "a.mcap", whole[:-lost_bytes])
    assert (stamps, damage) == (list(range(COUNT)), [])


def test_a_damaged_chunk_is_left_out_and_told_with_its_messages_and_times(tmp_path: Path) -> None:
    parts = batches(compression="lz4")
    parts[2] = parts[2][:-30] + bytes(10) + parts[2][-20:]
    path = tmp_path / "a.mcap"
    path.write_bytes(mcap_file(*parts))
    damage: list[str] = []
    stamps = [(message.stamp_ns - START_NS) // STEP_NS for message in recorded(path, None, damage)]
    assert stamps == [*range(5), *range(10, 20)]
    (told,) = damage[:-1]
    assert "a chunk is damaged: " in told
    assert told.endswith("5 messages are lost, between 0.200 s and 0.360 s")
    assert damage[-1] == "in all 15 of 20 announced messages could be read"


def test_a_chunk_whose_checksum_does_not_match_is_left_out(tmp_path: Path) -> None:
    parts = batches()
    parts[4] = mcap_chunk([mcap_message(1, START_NS, text("other"))], START_NS, START_NS, checksum=7)
    path = tmp_path / "a.mcap"
    path.write_bytes(mcap_file(*parts))
    damage: list[str] = []
    assert len(list(recorded(path, None, damage))) == 15
    assert "a chunk is damaged: its checksum does not match; 5 messages are lost" in damage[0]


def test_between_damaged_bytes_of_a_chunk_without_a_checksum_messages_are_found(tmp_path: Path, whole: bytes) -> None:
    begin, end = list(chunks(whole))[1]
    middle = (begin + end) // 2
    stamps, damage = read(tmp_path / "a.mcap", whole[:middle] + bytes(20_000) + whole[middle + 20_000 :])
    lost = sorted(set(range(COUNT)) - {int(stamp) for stamp in stamps})
    assert 1 <= len(lost) <= 4
    assert lost == list(range(lost[0], lost[-1] + 1))
    assert f"a part of a chunk is damaged; {len(lost)} message" in damage[0]
    assert damage[-1] == f"in all {COUNT - len(lost)} of {COUNT} announced messages could be read"


def test_what_follows_a_chunk_without_a_beginning_is_found(tmp_path: Path, whole: bytes) -> None:
    begin, _ = list(chunks(whole))[1]
    stamps, damage = read(tmp_path / "a.mcap", whole[:begin] + bytes(60) + whole[begin + 60 :])
    assert len(stamps) >= COUNT - 2, "the messages in it are found one by one"
    assert "bytes are damaged" in damage[0]


@pytest.mark.parametrize("place", ["first chunk", "message", "definition"])
@pytest.mark.parametrize("length", [2**60, 2**63 + 5, 2**32, 0])
def test_lengths_are_not_trusted(tmp_path: Path, place: str, length: int) -> None:
    messages = [mcap_message(1, START_NS + index * STEP_NS, text("hello")) for index in range(5)]
    parts = [mcap_topic(1, "/text", TEXT), *messages, *batches(2)]
    data = bytearray(mcap_file(*parts))
    at = {"definition": 0, "message": 1, "first chunk": 6}[place]
    struct.pack_into("<Q", data, data.index(parts[at]) + 1, length)
    (tmp_path / "a.mcap").write_bytes(bytes(data))
    damage: list[str] = []
    tracemalloc.start()
    try:
        found = list(recorded(tmp_path / "a.mcap", None, damage))
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak_bytes < 20_000_000
    assert 10 <= len(found) <= 15
    assert damage or len(found) == 15


def test_a_chunk_that_claims_too_much_is_not_unpacked(tmp_path: Path) -> None:
    content = bytes(100)
    head = struct.pack("<QQQI", START_NS, START_NS, 2**40, 0) + mcap_text("zstd") + struct.pack("<Q", len(content))
    (tmp_path / "a.mcap").write_bytes(mcap_file(*batches(), mcap_record(6, head + content)))
    damage: list[str] = []
    assert len(list(recorded(tmp_path / "a.mcap", None, damage))) == 20
    assert "1099511627776 bytes in one chunk, expected at most" in damage[0]


@pytest.mark.parametrize("compression", ["", "zstd", "lz4"])
def test_a_chunk_that_lies_about_its_sizes_claims_no_memory(tmp_path: Path, compression: str) -> None:
    huge = 400_000_000
    content = mcap_chunk([text_message := mcap_message(1, START_NS, text("x"))], START_NS, START_NS, "lz4")[-80:]
    head = struct.pack("<QQQI", START_NS, START_NS, huge, 0) + mcap_text(compression) + struct.pack("<Q", huge)
    lying = struct.pack("<BQ", 6, len(head) + huge) + head + content + text_message
    (tmp_path / "a.mcap").write_bytes(mcap_file(*batches(), lying, is_whole=False))
    tracemalloc.start()
    try:
        assert len(list(recorded(tmp_path / "a.mcap"))) >= 20
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("compression", ["", "lz4"])
def test_a_chunk_larger_than_a_piece_of_unpacking_is_whole(tmp_path: Path, compression: str) -> None:
    words = "many words " * 900_000
    chunk = mcap_chunk([mcap_topic(1, "/text", TEXT), mcap_message(1, START_NS, text(words))], 1, 2, compression)
    (tmp_path / "a.mcap").write_bytes(mcap_file(chunk))
    damage: list[str] = []
    (message,) = recorded(tmp_path / "a.mcap", None, damage)
    assert (len(message.data), damage) == (4 + 4 + len(words) + 1, [])


def test_an_unknown_compression_is_named(tmp_path: Path) -> None:
    odd = mcap_chunk([mcap_message(1, START_NS, text("x"))], START_NS, START_NS, "brotli")
    (tmp_path / "a.mcap").write_bytes(mcap_file(*batches(), odd))
    damage: list[str] = []
    assert len(list(recorded(tmp_path / "a.mcap", None, damage))) == 20
    assert "unknown compression 'brotli', expected zstd, lz4 or none" in damage[0]


def test_messages_outside_of_chunks_and_private_records_are_read(tmp_path: Path) -> None:
    parts = [mcap_topic(1, "/text", TEXT), mcap_topic(2, "/other", "Thing", "protobuf")]
    for index in range(9):
        parts += [
            mcap_message(1, START_NS + index, text(str(index))),
            mcap_record(0x99, b"private"),
            mcap_message(2, 5, b"?"),
        ]
    (tmp_path / "a.mcap").write_bytes(mcap_file(*parts))
    damage: list[str] = []
    assert [each.stamp_ns - START_NS for each in recorded(tmp_path / "a.mcap", None, damage)] == list(range(9))
    assert damage == []


@pytest.mark.parametrize("is_chunked", [True, False])
def test_a_file_without_a_summary_is_whole(tmp_path: Path, is_chunked: bool) -> None:
    loose = [mcap_topic(1, "/text", TEXT), *(mcap_message(1, START_NS + index, text("a")) for index in range(20))]
    (tmp_path / "a.mcap").write_bytes(mcap_file(*(batches(compression="lz4") if is_chunked else loose)))
    damage: list[str] = []
    assert len(list(recorded(tmp_path / "a.mcap", ["/text"], damage))) == 20
    assert damage == []


def test_messages_of_a_topic_that_nothing_names_are_counted(tmp_path: Path) -> None:
    lost = [mcap_message(9, START_NS + index, text("?")) for index in range(3)]
    (tmp_path / "a.mcap").write_bytes(mcap_file(*batches(), *lost))
    damage: list[str] = []
    assert len(list(recorded(tmp_path / "a.mcap", None, damage))) == 20
    assert "3 of its messages belong to topics that it does not name" in damage[0]


def test_a_damaged_beginning_costs_nothing_else(tmp_path: Path, whole: bytes) -> None:
    stamps, damage = read(tmp_path / "a.mcap", bytes(8) + whole[8:])
    assert stamps == list(range(COUNT))
    assert len(damage) <= 1


def test_the_images_of_a_broken_recording_come_and_then_an_error_tells(tmp_path: Path, whole: bytes) -> None:
    (tmp_path / "cut.mcap").write_bytes(whole[: len(whole) // 2])
    frames = []
    with BagTopic(tmp_path / "cut.mcap") as source:
        assert source.rate_hz == pytest.approx(25.0, rel=0.1)
        with pytest.raises(SourceBrokenOffError, match=r"ended after \d+ images; cut.mcap, byte \d+: .* cut off here"):
            frames.extend(source.frames())
        assert len(frames) == source.length
        assert len(source.damage) == 1
    assert 130 < len(frames) < 155


def test_what_is_no_mcap_at_all_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.mcap").write_bytes(b"hello, this is no recording" * 10_000)
    with pytest.raises(SourceUnreadableError, match=r"no readable rosbag2: a\.mcap: no topics are found in it"):
        list(recorded(tmp_path / "a.mcap"))
