"""What an MCAP file says of itself at its end: topics, counts, times, and what lies where."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO
from zlib import crc32

from face1d_ros.sources import mcap_records as mcap
from face1d_ros.sources.mcap_records import Gap, Record, body, walk

FOOTER_RECORD_BYTES = 9 + mcap.FOOTER_BYTES
BLOCK_BYTES = 2**20
ENCODING = "cdr"
"""Of all messages of ROS 2."""


class NoSummaryError(ValueError):
    """A file that is whole, but says too little of itself."""


@dataclass
class Topics:
    """Channels by their number, as their records come along."""

    names: dict[int, tuple[str, str]] = field(default_factory=dict)
    """(topic, type) of each channel whose messages are those of ROS 2."""
    others: set[int] = field(default_factory=set)
    """All other channels."""
    _types: dict[int, str] = field(default_factory=dict)

    def learn(self, file: BinaryIO, record: Record) -> None:
        """Take a schema or a channel in. The first of a number holds. Raises ValueError or struct.error."""
        data = body(file, record, limit=mcap.MAX_DEFINITION_BYTES)
        if record.op == mcap.SCHEMA:
            number, name = mcap.schema_of(data)
            self._types.setdefault(number, name)
            return
        number, schema, topic, encoding = mcap.channel_of(data)
        if encoding == ENCODING and schema in self._types:
            self.names.setdefault(number, (topic, self._types[schema]))
        elif schema == 0 or schema in self._types:
            self.others.add(number)


@dataclass
class Summary:
    """What is known of a file before its messages are read."""

    topics: Topics = field(default_factory=Topics)
    counts: Counter[int] = field(default_factory=Counter)
    """Messages of each channel."""
    start_ns: int | None = None
    """Time of the first message; None where there is none, or nothing says it."""
    end_ns: int | None = None
    begin: int = 0
    """Where the summary lies in the file."""
    end: int = 0

    def note_times(self, start_ns: int, end_ns: int) -> None:
        """Messages lie between these times."""
        if 0 < start_ns <= end_ns < 2**63:
            self.start_ns = start_ns if self.start_ns is None else min(self.start_ns, start_ns)
            self.end_ns = end_ns if self.end_ns is None else max(self.end_ns, end_ns)


def read_summary(file: BinaryIO, size: int) -> Summary:
    """The summary at the end of a whole file. Raises ValueError or struct.error where there is none to trust."""
    summary = Summary()
    summary.begin, summary.end = _bounds(file, size)
    counted: Counter[int] = Counter()
    for record in _records(file, summary):
        if record.op in (mcap.SCHEMA, mcap.CHANNEL):
            summary.topics.learn(file, record)
        elif record.op == mcap.STATISTICS:
            summary.counts = _statistics(body(file, record, limit=mcap.MAX_DEFINITION_BYTES), summary)
        elif record.op == mcap.CHUNK_INDEX:
            start_ns, end_ns, _, counts = _chunk_index(body(file, record, limit=mcap.MAX_DEFINITION_BYTES))
            summary.note_times(start_ns, end_ns)
            counted.update(counts)
    if not summary.counts:
        if not counted:
            raise NoSummaryError
        summary.counts = counted
    if set(summary.counts) - set(summary.topics.names) - summary.topics.others:
        raise NoSummaryError  # it need not repeat them
    return summary


def counts_between(file: BinaryIO, summary: Summary, begin: int, end: int) -> Counter[int] | None:
    """Messages of each channel in the chunks that begin in these bytes, by the index; None where it tells nothing."""
    found: Counter[int] = Counter()
    is_told = False
    for record in _records(file, summary):
        if record.op == mcap.CHUNK_INDEX:
            _, _, at, counts = _chunk_index(body(file, record, limit=mcap.MAX_DEFINITION_BYTES))
            if begin <= at < end:
                is_told = True
                found.update(counts)
    return found if is_told else None


def _records(file: BinaryIO, summary: Summary) -> Iterator[Record]:
    for item in walk(file, summary.begin, summary.end):
        if isinstance(item, Gap):
            raise ValueError("its index is damaged")
        yield item


def _bounds(file: BinaryIO, size: int) -> tuple[int, int]:
    at = size - FOOTER_RECORD_BYTES - len(mcap.MAGIC)
    if at < len(mcap.MAGIC):
        raise ValueError("its end is missing")
    file.seek(at)
    op, length, begin, _, checksum = struct.unpack("<BQQQI", file.read(FOOTER_RECORD_BYTES))
    if (op, length) != (mcap.FOOTER, mcap.FOOTER_BYTES) or file.read(len(mcap.MAGIC)) != mcap.MAGIC:
        raise ValueError("its end is missing or damaged")
    if not len(mcap.MAGIC) <= begin < at:
        raise NoSummaryError
    if checksum and _checksum(file, begin, size - len(mcap.MAGIC) - 4) != checksum:
        raise ValueError("its index is damaged")
    return begin, at


def _checksum(file: BinaryIO, begin: int, end: int) -> int:
    file.seek(begin)
    checksum = 0
    for at in range(begin, end, BLOCK_BYTES):
        checksum = crc32(file.read(min(BLOCK_BYTES, end - at)), checksum)
    return checksum


def _statistics(data: bytes, summary: Summary) -> Counter[int]:
    start_ns, end_ns, length = struct.unpack_from("<QQI", data, 26)
    if len(data) != 46 + length:
        raise ValueError("its statistics are damaged")
    summary.note_times(start_ns, end_ns)
    return Counter(dict(struct.iter_unpack("<HQ", data[46:])))


def _chunk_index(data: bytes) -> tuple[int, int, int, Counter[int]]:
    """(first time, last time, place of the chunk, messages of each channel); the index of 16 bytes a message."""
    start_ns, end_ns, at, length, size = struct.unpack_from("<QQQQI", data)
    offsets = sorted((place, channel) for channel, place in struct.iter_unpack("<HQ", data[36 : 36 + size]))
    (index_length,) = struct.unpack_from("<Q", data, 36 + size)
    ends = [*(place for place, _ in offsets[1:]), at + length + index_length]
    counts = {channel: max(0, end - place - 15) // 16 for (place, channel), end in zip(offsets, ends, strict=True)}
    return start_ns, end_ns, at, Counter(counts)
