"""Writes serialised messages to an MCAP rosbag2 from a thread of its own, without ever making the caller wait."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from face1d_ros.errors import RecordingError
from face1d_ros.nodes.message_types import Definitions
from face1d_ros.replay.bag_file import BagFile

QUEUE_BYTES = 128 * 2**20
"""What may wait for the disk: four seconds of 640×480 colour images at 30 Hz, or minutes of results."""
FLUSH_S = 1.0
"""A process that is killed loses at most what came in this long before."""


@dataclass(frozen=True)
class BagState:
    """How a recording is."""

    path: str
    messages: int = 0
    dropped: int = 0
    size_bytes: int = 0
    error: str = ""


@dataclass(frozen=True)
class _Message:
    topic: str
    stamp_ns: int
    data: bytes


class BagWriter:
    """A bag that is being written. When the disk fails, what was written before is closed as a complete bag."""

    def __init__(self, path: str | Path) -> None:
        """Make the folder at once, so that what is wrong with it is known at once."""
        self._file = BagFile(path)
        self._condition = threading.Condition()
        self._queue: deque[_Message] = deque()
        self._queued_bytes = 0
        self._closing = False
        self._received = self._messages = self._dropped = 0
        self._error = ""
        self._definitions = Definitions()
        self._topics: dict[str, tuple[str, str, str]] = {}
        self._thread = threading.Thread(target=self._run, name="bag writer", daemon=True)
        self._thread.start()

    def add_topic(self, topic: str, type_name: str) -> None:
        """Say what a topic carries, before its first message. A type that is not installed is refused."""
        self._topics[topic] = (type_name, *self._definitions.of(type_name))

    def put(self, topic: str, stamp_ns: int, data: bytes) -> None:
        """Queue a message; dropped and counted if the disk is too far behind or has failed."""
        with self._condition:
            self._received += 1
            if self._error or self._closing or self._queued_bytes + len(data) > QUEUE_BYTES:
                self._dropped += 1
                return
            self._queue.append(_Message(topic, stamp_ns, data))
            self._queued_bytes += len(data)
            self._condition.notify()

    def state(self) -> BagState:
        """How it is now."""
        with self._condition:
            size = sum(file.stat().st_size for file in self._file.path.glob("*.mcap"))
            return BagState(str(self._file.path), self._messages, self._dropped, size, self._error)

    def close(self) -> BagState:
        """Write what waits, then the index and metadata."""
        with self._condition:
            self._closing = True
            self._condition.notify()
        self._thread.join()
        return self.state()

    # In the writer's thread.

    def _run(self) -> None:
        try:
            self._write_until_closed()
            self._file.close()
        except RecordingError as error:
            self._fail(error)
        except Exception as error:
            self._fail(self._file.rescued(error))

    def _write_until_closed(self) -> None:
        flush_at_s = time.monotonic() + FLUSH_S
        while True:
            with self._condition:
                while not self._queue and not self._closing and time.monotonic() < flush_at_s:
                    self._condition.wait(max(0.0, flush_at_s - time.monotonic()))
                batch = list(self._queue)
                self._queue.clear()
                self._queued_bytes = 0
                done = self._closing
            for message in batch:
                self._write(message)
            if done:
                return
            if time.monotonic() >= flush_at_s:
                self._file.flush()
                flush_at_s = time.monotonic() + FLUSH_S

    def _write(self, message: _Message) -> None:
        self._file.add_topic(message.topic, *self._topics[message.topic])
        self._file.write(message.topic, message.stamp_ns, message.data)
        with self._condition:
            self._messages += 1

    def _fail(self, error: RecordingError) -> None:
        with self._condition:
            self._error = str(error)
            self._messages = self._file.messages
            self._dropped = self._received - self._messages
            self._queue.clear()
            self._queued_bytes = 0
