"""Frames of an image topic in a rosbag2 (MCAP or SQLite, also compressed, also broken), read without ROS."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import SourceBrokenOffError, SourceUnreadableError
from face1d_ros.geometry.camera_model import Camera
from face1d_ros.paths import printable
from face1d_ros.sources.bag_account import Account
from face1d_ros.sources.bag_images import ImageReader
from face1d_ros.sources.bag_messages import Bag
from face1d_ros.sources.bag_topics import camera_info_beside, choose_topic
from face1d_ros.sources.base import Opened, told
from face1d_ros.types import Frame, Header

LOOP_GAP_S = 1.0 / 30.0
"""Between the last frame of a pass and the first of the next, where the bag tells no rate."""
STAMPS_END_NS = 2**31 * 1_000_000_000
"""What a message of ROS can hold."""
MAX_TOLD = 3
"""Losses in the error that ends a broken bag; `damage` tells all."""


class BagTopic(Opened):
    """One image topic of a bag; stamps and frame ids are those of the message headers.

    Where a header holds no stamp, or one before 1970, the time of recording stands in; where it names no frame,
    the `frame_id` given here. Frames come in the order of recording. All are of the first one's size; others, and
    undecodable ones, are left out and counted. Of a broken bag all that can be read is given.
    """

    live = False

    def __init__(self, path: str | Path, *, topic: str = "", frame_id: str = "", loop: bool = False) -> None:
        self._frame_id = frame_id
        self._loop = loop
        self._reader = ImageReader()
        self.skipped = self._reader.skipped
        self._bag = Bag(path)
        self._path = self._bag.path
        self.damage: list[str] = []
        """What could not be read, in sentences; grows while frames are asked for."""
        self.notes: list[str] = []
        """What is out of order without a loss, in sentences; complete after the last frame."""
        try:
            self.topic = choose_topic(self._path, self._bag.channels, topic)
            count = self._bag.counted(self.topic)
            count = self._bag.announced([self.topic]) if count is None else count
            self.length = None if loop else count
            self.rate_hz = self._recorded_rate_hz(count or 0)
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

        Raises SourceBrokenOffError after the last one of a bag that lost some; in a loop counts what it lacks and
        begins again.
        """
        offset_ns = 0
        while True:
            account = Account(self.damage)
            first_ns = last_ns = None
            for stamp_ns, frame_id, image in self._images(self._reader, account):
                if image.shape[:2] != (self.height, self.width):
                    self.skipped["size"] += 1
                    continue
                first_ns = stamp_ns if first_ns is None else min(first_ns, stamp_ns)
                last_ns = stamp_ns if last_ns is None else max(last_ns, stamp_ns)
                yield Frame(Header(stamp_ns=stamp_ns + offset_ns, frame_id=frame_id or self._frame_id), image)
            if first_ns is None or last_ns is None:
                raise SourceUnreadableError(self._path, f"no image on {self.topic} can be decoded any more")
            if not self._loop:
                self._end(account)
                return
            if self.damage:
                self.skipped["cut_off"] += max(1, account.lost)
            gap_s = 1.0 / self.rate_hz if self.rate_hz else LOOP_GAP_S
            offset_ns += last_ns - first_ns + round(gap_s * 1e9)

    def close(self) -> None:
        """Deletes what had to be unpacked."""
        self._bag.close()

    def _images(
        self, reader: ImageReader, account: Account
    ) -> Generator[tuple[int, str, NDArray[np.uint8]], None, None]:
        """(stamp, frame id, image); notes stamps that go back."""
        last_ns: int | None = None
        went_back = 0
        for message in self._bag.messages([self.topic], account):
            read = reader.image(message)
            if read is None:
                continue
            stamp_ns, frame_id, image = read
            stamp_ns = stamp_ns if stamp_ns > 0 else message.stamp_ns
            if not 0 <= stamp_ns < STAMPS_END_NS:
                reader.skipped["stamp"] += 1
                continue
            went_back += last_ns is not None and stamp_ns < last_ns
            last_ns = stamp_ns
            yield stamp_ns, frame_id, image
        if went_back:
            told_back = "1 stamp is" if went_back == 1 else f"{went_back} stamps are"
            account.notes.append(f"{told_back} earlier than the one before; the order is that of recording")

    def _end(self, account: Account) -> None:
        """Say what was lost."""
        self.notes += account.notes
        if count := self._reader.misnamed:
            self.notes.append(f"{count} images are of another type than the topic announces")
        if self.damage:
            more = f"; {len(self.damage) - MAX_TOLD} more losses" if len(self.damage) > MAX_TOLD else ""
            lost = "; ".join(self.damage[:MAX_TOLD]) + more
            raise SourceBrokenOffError(self._path, f"ended after {account.given[self.topic]} images; {lost}")

    def _first_size(self) -> tuple[int, int]:
        reader = ImageReader()
        account = Account()
        with closing(self._images(reader, account)) as images:
            for _, _, image in images:
                return image.shape[0], image.shape[1]
        why = told(reader.skipped) or "; ".join(account.damage[:1]) or "the topic holds no messages"
        raise SourceUnreadableError(self._path, f"no image on {self.topic} can be decoded ({why})")

    def _recorded_camera(self) -> Camera | None:
        """That of the first camera_info beside the images, if it can be used."""
        topics = camera_info_beside(self.topic, self._bag.channels)
        if not topics:
            return None
        with closing(self._bag.messages(topics)) as messages:
            first = next(messages, None)
        return None if first is None else self._reader.camera(first)

    def _recorded_rate_hz(self, count: int) -> float | None:
        if self._bag.start_ns is None or self._bag.end_ns is None:
            return None
        duration_s = (self._bag.end_ns - self._bag.start_ns) * 1e-9
        return (count - 1) / duration_s if count > 1 and duration_s > 0.0 else None
