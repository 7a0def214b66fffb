"""Results to an MCAP rosbag2, with the message definitions inside, without ROS."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from face1d_ros.convert.bag import definition, to_bytes
from face1d_ros.graph import Topic
from face1d_ros.replay.bag_file import BagFile

FLUSH_NS = 1_000_000_000
"""After so much time by the stamps, what was written is made safe: a process that is killed loses no more."""
FLUSH_FRAMES = 300
"""And after so many frames, whatever their stamps say."""


class BagWriter:
    """A bag that is being written. When the disk fails, what was written before is closed as a complete bag."""

    def __init__(self, path: str | Path, topics: tuple[Topic, ...]) -> None:
        """Make the folder, which must not exist, and announce the topics."""
        self._file = BagFile(path)
        for topic in topics:
            self._file.add_topic(f"/{topic.name}", topic.type, *definition(topic.type))
        self._flushed_ns: int | None = None
        self._unsafe = 0
        """Frames since the last flush."""

    @property
    def path(self) -> Path:
        """The bag's folder."""
        return self._file.path

    @property
    def messages(self) -> int:
        """How many are in it."""
        return self._file.messages

    @property
    def size_bytes(self) -> int:
        """What it takes on the disk."""
        return sum(file.stat().st_size for file in self.path.glob("*") if file.is_file())

    def write(self, values: Mapping[str, Any]) -> bool:
        """Results of one frame, by topic, at the time of their stamps. Raises RecordingError when the disk fails.

        True: these, and all before them, are safe.
        """
        for topic, value in values.items():
            self._file.write(f"/{topic}", value.header.stamp_ns, to_bytes(value))
        if not values:
            return False
        stamp_ns = next(iter(values.values())).header.stamp_ns
        self._unsafe += 1
        if self._flushed_ns is not None and 0 <= stamp_ns - self._flushed_ns < FLUSH_NS and self._unsafe < FLUSH_FRAMES:
            return False
        self.flush()
        self._flushed_ns = stamp_ns
        return True

    def flush(self) -> None:
        """Make safe what was written. Raises RecordingError when the disk fails."""
        self._file.flush()
        self._unsafe = 0

    def close(self) -> None:
        """Write what waits, then the index and metadata. A second call does nothing."""
        self._file.close()
