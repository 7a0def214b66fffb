"""An MCAP rosbag2 that stays readable: when the disk is full, and up to the last flush when its writer is killed."""

from __future__ import annotations

import os
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from rosbags.interfaces import Connection
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.rosbag2.errors import WriterError
from rosbags.rosbag2.storage_mcap import McapWriter, PendingChunk

from face1d_ros.errors import RecordingError
from face1d_ros.paths import user_path

KEPT = 60
"""How many times the end of the bag can be given up to make room for its index."""


@dataclass(frozen=True)
class _Safe:
    """What is on the disk for good: a state of the writer to which it can go back."""

    size_bytes: int
    chunks: int
    counts: dict[int, int]
    times_ns: tuple[int, int]


class BagFile:
    """A bag of serialised messages that is being written.

    When the disk fails, what was written before is closed as a complete bag, and RecordingError is raised.
    """

    def __init__(self, path: str | Path) -> None:
        """Make the folder, which must not exist."""
        self.path = user_path(path).absolute()
        self.messages = 0
        """Written; once the disk has failed: those that are in the bag."""
        try:
            self._writer = Writer(self.path, version=9, storage_plugin=StoragePlugin.MCAP)
            self._writer.open()
            assert isinstance(self._writer.storage, McapWriter)
            self._writer.storage.bio.flush()
        except (OSError, WriterError) as error:
            raise RecordingError(f"cannot record to {self.path}: {_reason(error)}; choose another path") from error
        self._storage = self._writer.storage
        self._connections: dict[str, Connection] = {}
        self._safe = [self._state()]

    def add_topic(self, topic: str, type_name: str, definition: str, digest: str) -> None:
        """Say what a topic carries, with the definition text and the RIHS01 hash of its type; once is enough."""
        if topic not in self._connections:
            connection = self._writer.add_connection(topic, type_name, msgdef=definition, rihs01=digest)
            self._connections[topic] = connection

    def write(self, topic: str, stamp_ns: int, data: bytes) -> None:
        """Add a message of a topic that has been announced."""
        try:
            self._writer.write(self._connections[topic], stamp_ns, data)
        except (OSError, WriterError) as error:
            raise self.rescued(error) from error
        self.messages += 1

    def flush(self) -> None:
        """Make safe what was written: whoever is killed from now on loses none of it."""
        try:
            self._flush()
        except OSError as error:
            raise self.rescued(error) from error

    def close(self) -> None:
        """Write what waits, then the index and metadata. A second call does nothing."""
        if self._writer.storage is None:
            return
        try:
            self._flush()
            self._writer.close()
        except (OSError, WriterError) as error:
            raise self.rescued(error) from error

    def rescued(self, error: Exception) -> RecordingError:
        """Go back to what is safe, close there, and tell it; one flush after the other makes room for the index."""
        told = f"recording to {self.path} has ended: {_reason(error)}"
        while self._safe:
            if self._closed_at(self._safe.pop()):
                return RecordingError(f"{told}; the {self.messages} messages before it are complete")
        self._writer.storage = None
        return RecordingError(f"{told}; there was no room for its index: 'mcap recover' may save what is left")

    def _flush(self) -> None:
        if self._storage.chunk.bio.tell():
            self._storage.close_chunk()
        self._storage.bio.flush()
        state = self._state()
        if state.size_bytes > self._safe[-1].size_bytes:
            self._safe.append(state)
            del self._safe[:-KEPT]

    def _state(self) -> _Safe:
        storage, writer = self._storage, self._writer
        times_ns = (writer.min_timestamp, writer.max_timestamp)
        return _Safe(storage.bio.tell(), len(storage.chunks), dict(writer.counts), times_ns)

    def _closed_at(self, safe: _Safe) -> bool:
        storage, writer = self._storage, self._writer
        with suppress(OSError):  # what waits in its buffer finds no room again
            storage.bio.close()
        try:
            os.truncate(storage.path, safe.size_bytes)
            storage.bio = storage.path.open("ab")
            del storage.chunks[safe.chunks :]
            storage.chunk = PendingChunk(2**63 - 1, 0, BytesIO(), defaultdict(list))
            # A topic that was announced later has no messages yet.
            writer.counts = {connection.id: safe.counts.get(connection.id, 0) for connection in writer.connections}
            storage.channel_stats = dict(writer.counts)
            writer.min_timestamp, writer.max_timestamp = safe.times_ns
            storage.message_start_time, storage.message_end_time = safe.times_ns
            writer.storage = storage
            writer.close()
        except OSError:
            return False
        self.messages = sum(safe.counts.values())
        return True


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error) if isinstance(error, WriterError) else repr(error)
