"""What an MCAP file without an index holds: learnt by going through all of its records once."""

from __future__ import annotations

import io
import struct
from collections import Counter
from typing import BinaryIO

from face1d_ros.sources import mcap_records as mcap
from face1d_ros.sources.mcap_records import Gap, Record, body, walk
from face1d_ros.sources.mcap_summary import Summary
from face1d_ros.sources.unpacking import unpacked_chunk

UNREADABLE = (OSError, ValueError, MemoryError, struct.error)


def scanned(file: BinaryIO, begin: int, size: int) -> Summary:
    """Topics, counts and times. Chunks are unpacked only where a topic is not yet known."""
    scan = _Scan(file, size)
    for item in walk(file, begin, size):
        if isinstance(item, Gap):
            continue
        if item.op == mcap.MESSAGE_INDEX:
            scan.indexes.update(Counter(dict([mcap.index_channel(item)])))
            continue
        scan.settle()
        if item.is_chunk:
            scan.chunk = item
        else:
            scan.take(file, item)
    scan.settle()
    return scan.summary


class _Scan:
    """The state of going through."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.summary = Summary()
        self.chunk: Record | None = None
        self.indexes: Counter[int] = Counter()
        """Messages of each channel in the last chunk, by the indexes behind it."""
        self._file = file
        self._size = size

    def settle(self) -> None:
        """Count what the last chunk holds."""
        chunk, indexes = self.chunk, self.indexes
        self.chunk, self.indexes = None, Counter()
        known = self.summary.topics
        if indexes and not set(indexes) - set(known.names) - known.others:
            self.summary.counts.update(indexes)
            if chunk is not None:
                head = mcap.chunk_head(chunk)
                self.summary.note_times(head.start_ns, head.end_ns)
        elif chunk is not None:
            self._unpack(chunk)

    def take(self, file: BinaryIO, record: Record) -> None:
        """A definition or a message."""
        try:
            if record.op in (mcap.SCHEMA, mcap.CHANNEL):
                self.summary.topics.learn(file, record)
            elif record.op == mcap.MESSAGE:
                number, stamp_ns = mcap.message_head(record.head)
                self.summary.counts[number] += 1
                self.summary.note_times(stamp_ns, stamp_ns)
        except UNREADABLE:
            return  # reading the messages tells what is damaged

    def _unpack(self, chunk: Record) -> None:
        head = mcap.chunk_head(chunk)
        try:
            data = unpacked_chunk(body(self._file, chunk, head.data_begin), head, cut=chunk.end > self._size)
        except UNREADABLE:
            return
        buffer = io.BytesIO(data)
        for item in walk(buffer, 0, len(data)):
            if isinstance(item, Record):
                self.take(buffer, item)
