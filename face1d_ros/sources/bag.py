"""Frames of an image topic in a rosbag2 (MCAP or SQLite, also compressed), read without ROS."""

from __future__ import annotations

import sqlite3
import struct
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.convert.camera_info import camera_of
from face1d_ros.convert.compressed import decode
from face1d_ros.convert.pixels import pixels_of
from face1d_ros.errors import (
    GeometryError,
    ImageError,
    MissingDependencyError,
    SourceBrokenOffError,
    SourceUnreadableError,
)
from face1d_ros.geometry.camera_model import Camera
from face1d_ros.paths import printable
from face1d_ros.sources.bag_topics import camera_info_beside, check_bag, choose_topic
from face1d_ros.sources.base import Opened, told
from face1d_ros.types import Frame, Header

if TYPE_CHECKING:
    from rosbags.highlevel import AnyReader

LOOP_GAP_S = 1.0 / 30.0
"""Between the last frame of a pass and the first of the next, where the bag tells no rate."""
BUILT_IN_DAMAGE = (
    *(OSError, ValueError, LookupError, TypeError, AttributeError, EOFError, MemoryError),
    *(RuntimeError, ArithmeticError, AssertionError, struct.error, sqlite3.Error),
)
OPTIONAL_DAMAGE = {
    "apsw": "Error",
    "backports.zstd": "ZstdError",
    "compression.zstd": "ZstdError",
    "zstandard": "ZstdError",
}
"""Parsers of their own below `rosbags`, and their errors."""


class BagTopic(Opened):
    """One image topic of a bag; stamps and frame ids are those of the message headers.

    Where a header holds no stamp the time of recording stands in, where it names no frame the `frame_id`
    given here. All frames are of the first one's size; others, and undecodable ones, are left out and
    counted.
    """

    live = False

    def __init__(self, path: str | Path, *, topic: str = "", frame_id: str = "", loop: bool = False) -> None:
        self._path = check_bag(path)
        self._frame_id = frame_id
        self._loop = loop
        self.skipped: Counter[str] = Counter()
        self._reader = _reader_of(self._path)
        self._damage = damage_errors()
        try:
            self._reader.open()
        except self._damage as error:
            raise self._damaged(error) from error
        try:
            self.topic, self._connections = choose_topic(self._path, self._reader.connections, topic)
            count = sum(connection.msgcount for connection in self._connections)
            self._announced = count
            self.length = None if loop else count
            self.rate_hz = self._recorded_rate_hz(count)
            self.height, self.width = self._first_size()
            self.camera = self._recorded_camera()
        except BaseException:
            self.close()
            raise

    @property
    def description(self) -> str:
        """Path, topic, size and rate."""
        rate = "unknown rate" if self.rate_hz is None else f"{self.rate_hz:.4g} Hz"
        return f"bag {printable(self._path)}, topic {self.topic}, {self.width}×{self.height} at {rate}"

    def frames(self) -> Iterator[Frame]:
        """All images in the order of recording.

        Raises SourceBrokenOffError where the bag is damaged; in a loop counts what it lacks and begins again.
        """
        offset_ns = 0
        while True:
            first_ns = last_ns = None
            for stamp_ns, frame_id, image in self._decoded(self.skipped, self._loop):
                if image.shape[:2] != (self.height, self.width):
                    self.skipped["size"] += 1
                    continue
                first_ns = stamp_ns if first_ns is None else min(first_ns, stamp_ns)
                last_ns = stamp_ns if last_ns is None else max(last_ns, stamp_ns)
                yield Frame(Header(stamp_ns=stamp_ns + offset_ns, frame_id=frame_id or self._frame_id), image)
            if not self._loop:
                return
            if first_ns is None or last_ns is None:
                raise SourceUnreadableError(self._path, f"no image on {self.topic} can be decoded any more")
            gap_s = 1.0 / self.rate_hz if self.rate_hz else LOOP_GAP_S
            offset_ns += last_ns - first_ns + round(gap_s * 1e9)

    def close(self) -> None:
        """Closes the bag."""
        if self._reader.stack:
            with suppress(*self._damage):
                self._reader.close()

    def _messages(self) -> Iterator[tuple[int, Any]]:
        """Time of recording and message, of every message that the bag still holds."""
        messages = self._reader.messages(connections=self._connections)
        count = 0
        while True:
            try:
                connection, recorded_ns, data = next(messages)
                message = self._reader.deserialize(data, connection.msgtype)
            except StopIteration:
                return
            except self._damage as error:
                if not count:
                    raise self._damaged(error) from error
                ended = f"ended after {count} images; {_told(error)}"
                raise SourceBrokenOffError(self._path, ended) from error
            count += 1
            yield recorded_ns, message

    def _messages_of_loop(self, skipped: Counter[str]) -> Iterator[tuple[int, Any]]:
        """Those of a pass. What a damaged bag announces and does not give is counted, once it has given any."""
        given = 0
        try:
            for item in self._messages():
                given += 1
                yield item
        except SourceBrokenOffError:
            skipped["cut_off"] += max(1, self._announced - given)

    def _decoded(self, skipped: Counter[str], loop: bool = False) -> Iterator[tuple[int, str, NDArray[np.uint8]]]:
        for recorded_ns, message in self._messages_of_loop(skipped) if loop else self._messages():
            try:
                image = _pixels(message)
            except ImageError as error:
                skipped[error.reason] += 1
                continue
            stamp = message.header.stamp
            stamp_ns = int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)
            yield stamp_ns or recorded_ns, message.header.frame_id, image

    def _first_size(self) -> tuple[int, int]:
        reasons: Counter[str] = Counter()
        for _, _, image in self._decoded(reasons):
            return image.shape[0], image.shape[1]
        why = told(reasons) or "the topic holds no messages"
        raise SourceUnreadableError(self._path, f"no image on {self.topic} can be decoded ({why})")

    def _recorded_camera(self) -> Camera | None:
        """That of the first camera_info beside the images, if it can be used."""
        unusable: tuple[type[Exception], ...] = (StopIteration, GeometryError, *self._damage)
        connections = camera_info_beside(self.topic, self._reader.connections)
        if not connections:
            return None
        try:
            connection, _, data = next(self._reader.messages(connections=connections))
            return camera_of(self._reader.deserialize(data, connection.msgtype))
        except unusable:
            return None

    def _recorded_rate_hz(self, count: int) -> float | None:
        duration_s = self._reader.duration * 1e-9
        return (count - 1) / duration_s if count > 1 and duration_s > 0.0 else None

    def _damaged(self, error: BaseException) -> SourceUnreadableError:
        return SourceUnreadableError(
            self._path,
            f"is no readable rosbag2: {_told(error)}; 'ros2 bag reindex' writes a lost metadata.yaml anew, "
            "'mcap recover' saves a recording that was cut off, a compressed bag must be given as its folder",
        )


def _pixels(message: Any) -> NDArray[np.uint8]:
    """(H, W, 3) RGB of an Image or CompressedImage."""
    if not hasattr(message, "encoding"):
        return decode(message.data, message.format)
    return pixels_of(message)


def _reader_of(path: Path) -> AnyReader:
    try:
        from rosbags.highlevel import AnyReader
        from rosbags.typesys import Stores, get_typestore
    except ImportError as error:
        raise MissingDependencyError("rosbags", "reading bags", "pip install rosbags") from error
    # SQLite bags of Humble hold no message definitions; those of images are the same in every distribution.
    store = get_typestore(Stores.ROS2_HUMBLE)
    try:
        return AnyReader([path], default_typestore=store)
    except damage_errors() as error:
        raise SourceUnreadableError(path, f"is no rosbag2: {_told(error)}") from error


def damage_errors() -> tuple[type[Exception], ...]:
    """What the parsers below `rosbags` raise on damage; found by reading bags with bytes changed."""
    from rosbags.highlevel import AnyReaderError
    from rosbags.rosbag2 import ReaderError
    from rosbags.serde import SerdeError
    from rosbags.typesys import TypesysError

    found: list[type[Exception]] = [AnyReaderError, ReaderError, SerdeError, TypesysError, *BUILT_IN_DAMAGE]
    for module, name in OPTIONAL_DAMAGE.items():
        if module in sys.modules:
            found.append(getattr(sys.modules[module], name))
    return tuple(found)


def _told(error: BaseException) -> str:
    """The first line of an error, or its name where it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0][:160].rstrip(".") if lines else type(error).__name__
