"""The records of an MCAP file one by one, found again behind damage. Lengths in the file are never trusted.

See https://mcap.dev/spec: a record is an opcode, the length of what follows, and that.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

MAGIC = b"\x89MCAP0\r\n"
HEADER, FOOTER, SCHEMA, CHANNEL, MESSAGE, CHUNK, MESSAGE_INDEX = range(1, 8)
CHUNK_INDEX, STATISTICS, DATA_END = 0x08, 0x0B, 0x0F
FIRST_PRIVATE = 0x80
FOOTER_BYTES = 20
MESSAGE_HEAD_BYTES = 22
MAX_BYTES = 512 * 2**20
"""Of one record, also unpacked: an image of 64 million pixels with 16 bits a channel fits."""
MAX_DEFINITION_BYTES = 4 * 2**20
HEAD_BYTES = 64
"""So much of a record is looked at to decide whether it is one."""
WINDOW_BYTES = 2**20
_HEADER = struct.Struct("<BQ")
_CHUNK_HEAD = struct.Struct("<QQQI")
_MESSAGE_HEAD = struct.Struct("<HIQQ")
_CANDIDATE = re.compile(rb"[\x03-\x07\x0f](?=.{4}\0{4})", re.DOTALL)
_CHECKED_THROUGHOUT = {FOOTER, SCHEMA, CHANNEL, CHUNK, MESSAGE_INDEX, DATA_END}
"""Their parts agree only if they are what they seem to be."""


@dataclass(frozen=True)
class Record:
    """Where a record lies; `body` reads it."""

    op: int
    begin: int
    end: int
    head: bytes
    """The first bytes behind opcode and length."""

    @property
    def is_chunk(self) -> bool:
        """Messages packed together."""
        return self.op == CHUNK


@dataclass(frozen=True)
class Gap:
    """Bytes that are no records."""

    begin: int
    end: int


@dataclass(frozen=True)
class ChunkHead:
    """What a chunk says of itself."""

    start_ns: int
    end_ns: int
    unpacked_bytes: int
    checksum: int
    compression: str
    data_begin: int
    """Behind the record's opcode and length."""


def walk(
    file: BinaryIO, begin: int, end: int, is_expected: Callable[[Record], bool] = lambda _: True
) -> Iterator[Record | Gap]:
    """All records in these bytes, and what lies between them where it is damaged.

    A chunk that goes on behind the end of the file is given too, last. `is_expected` says of a message or of its
    index, found by searching, whether channel and time may be right.
    """
    at = begin
    while at < end:
        record = _record_at(file, at, end)
        if record is not None and (record.op in _CHECKED_THROUGHOUT or _may_begin(file, record.end, end)):
            yield record
            at = record.end
            if record.op == FOOTER and _read(file, at, len(MAGIC)) == MAGIC:
                at += len(MAGIC)
            continue
        found = _search(file, at + 1, end, is_expected)
        if record is not None and found >= record.end:
            yield record
            at = record.end
        if at < found:
            yield Gap(at, found)
        at = found


def body(file: BinaryIO, record: Record, skip: int = 0, limit: int = MAX_BYTES) -> bytes:
    """What a record holds behind its first bytes, or what is left of it. Raises ValueError beyond the limit."""
    size = record.end - record.begin - _HEADER.size
    if size > limit:
        raise ValueError(f"{size} bytes in one record, expected at most {limit}")
    at = record.begin + _HEADER.size
    if size > WINDOW_BYTES:  # a length that is not true must not claim memory
        size = min(size, file.seek(0, io.SEEK_END) - at)
    return _read(file, at + skip, max(0, size - skip))


def chunk_head(record: Record) -> ChunkHead:
    """Raises ValueError or struct.error where it is none."""
    start_ns, end_ns, unpacked_bytes, checksum = _CHUNK_HEAD.unpack_from(record.head)
    compression, at = _text(record.head, _CHUNK_HEAD.size)
    return ChunkHead(start_ns, end_ns, unpacked_bytes, checksum, compression, at + 8)


def message_head(head: bytes) -> tuple[int, int]:
    """(channel, time of recording in ns) of a message."""
    channel, _, stamp_ns, _ = _MESSAGE_HEAD.unpack_from(head)
    return channel, stamp_ns


def index_channel(record: Record) -> tuple[int, int]:
    """(channel, number of messages) of a chunk's index."""
    channel, size = struct.unpack_from("<HI", record.head)
    return channel, size // 16


def schema_of(data: bytes) -> tuple[int, str]:
    """(number, name of the type). Raises ValueError or struct.error where the bytes are no schema."""
    (number,) = struct.unpack_from("<H", data)
    name, at = _text(data, 2)
    _, at = _text(data, at)
    _, at = _bytes(data, at)
    _check_all_read(data, at)
    return number, name


def channel_of(data: bytes) -> tuple[int, int, str, str]:
    """(number, its schema's, topic, encoding). Raises ValueError or struct.error where the bytes are no channel."""
    number, schema = struct.unpack_from("<HH", data)
    topic, at = _text(data, 4)
    encoding, at = _text(data, at)
    _, at = _bytes(data, at)
    _check_all_read(data, at)
    return number, schema, topic, encoding


def _record_at(file: BinaryIO, at: int, end: int) -> Record | None:
    """The record that begins here, if one may."""
    start = _read(file, at, min(_HEADER.size + HEAD_BYTES, end - at))
    if len(start) < _HEADER.size:
        return None
    op, size = _HEADER.unpack_from(start)
    record = Record(op, at, at + _HEADER.size + size, start[_HEADER.size : _HEADER.size + size])
    if record.end > end and not record.is_chunk:
        return None
    try:
        return record if _holds_together(file, record, size) else None
    except (ValueError, struct.error):
        return None


def _holds_together(file: BinaryIO, record: Record, size: int) -> bool:
    op = record.op
    if op in (SCHEMA, CHANNEL):
        return _parts_fit(file, record.end - size + (2 if op == SCHEMA else 4), record.end)
    if op == CHUNK:
        head = chunk_head(record)
        (packed,) = struct.unpack_from("<Q", record.head, head.data_begin - 8)
        return bool(size == head.data_begin + packed)
    if op == MESSAGE_INDEX:
        (length,) = struct.unpack_from("<I", record.head, 2)
        return bool(size == 6 + length and length % 16 == 0)
    sizes = {FOOTER: FOOTER_BYTES, DATA_END: 4}
    return (
        (op in sizes and size == sizes[op])
        or (op == MESSAGE and size >= MESSAGE_HEAD_BYTES)
        or (op not in (*sizes, MESSAGE) and (HEADER <= op <= DATA_END or op >= FIRST_PRIVATE))
    )


def _parts_fit(file: BinaryIO, at: int, end: int) -> bool:
    """Whether three parts with their lengths fill these bytes; nothing but the lengths is read."""
    for _ in range(3):
        if at + 4 > end:
            return False
        at += 4 + int.from_bytes(_read(file, at, 4), "little")
    return at == end


def _may_begin(file: BinaryIO, at: int, end: int) -> bool:
    return at == end or _record_at(file, at, end) is not None


def _search(file: BinaryIO, begin: int, end: int, is_expected: Callable[[Record], bool]) -> int:
    """Where the next record begins that is one for sure; `end` if there is none."""
    for window_begin in range(begin, end, WINDOW_BYTES):
        window = _read(file, window_begin, min(WINDOW_BYTES + _HEADER.size, end - window_begin))
        for match in _CANDIDATE.finditer(window, 0, len(window)):
            if match.start() >= WINDOW_BYTES:
                break
            at = window_begin + match.start()
            record = _record_at(file, at, end)
            if record is None or (record.op in (MESSAGE, MESSAGE_INDEX) and not is_expected(record)):
                continue
            if record.is_chunk or _may_begin(file, record.end, end):
                return at
    return end


def _read(file: BinaryIO, at: int, size: int) -> bytes:
    file.seek(at)
    return file.read(size)


def _bytes(data: bytes, at: int) -> tuple[bytes, int]:
    """A part that begins with its length, and where the next begins."""
    (size,) = struct.unpack_from("<I", data, at)
    end = at + 4 + size
    if end > len(data):
        raise ValueError(f"a part of {size} bytes does not fit into the {len(data)} of its record")
    return data[at + 4 : end], end


def _text(data: bytes, at: int) -> tuple[str, int]:
    part, at = _bytes(data, at)
    return part.decode(), at


def _check_all_read(data: bytes, at: int) -> None:
    if at != len(data):
        raise ValueError(f"{len(data) - at} bytes too many in a record")
