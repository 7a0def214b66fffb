"""Frames of a video file, with its own time stamps."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from face1d_ros.convert.pixels import check_size
from face1d_ros.errors import ImageError, SourceBrokenOffError, SourceUnreadableError
from face1d_ros.paths import printable, utf8_path
from face1d_ros.sources.base import Opened, check_file
from face1d_ros.types import Frame, Header

ROTATIONS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
SIZE = (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
ASSUMED_RATE_HZ = 30.0
"""Where the file tells none."""
COUNT_TOLERANCE = 0.05
"""Part of the announced frames that may lawfully be missing (edit lists, estimates)."""


class VideoFile(Opened):
    """A video file; stamps are its own times from the first frame on, strictly rising, also in loops."""

    live = False

    def __init__(self, path: str | Path, *, frame_id: str = "", loop: bool = False) -> None:
        self._path = check_file(path)
        self._frame_id = frame_id
        self._loop = loop
        self.skipped: Counter[str] = Counter()
        self._capture = self._opened()
        rate_hz = float(self._capture.get(cv2.CAP_PROP_FPS))
        self.rate_hz = rate_hz if math.isfinite(rate_hz) and 0.0 < rate_hz <= 1000.0 else None
        announced = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self._announced = announced if announced > 0 else None
        self.length = None if loop else self._announced
        first = self._first_image()
        self.height, self.width = first[0].shape[:2]
        self._first: tuple[NDArray[np.uint8], float] | None = first

    @property
    def description(self) -> str:
        """Path, size and rate."""
        rate = "unknown rate" if self.rate_hz is None else f"{self.rate_hz:.4g} Hz"
        return f"video {printable(self._path)}, {self.width}×{self.height} at {rate}"

    def frames(self) -> Iterator[Frame]:
        """All frames.

        Raises SourceBrokenOffError after the last one of a truncated file; in a loop counts what it lacks and begins
        again.
        """
        start_ns = 0
        while True:
            last_ns = start_ns - 1
            for stamp_ns, image in self._one_pass(start_ns):
                last_ns = stamp_ns
                yield Frame(Header(stamp_ns=stamp_ns, frame_id=self._frame_id), image)
            if not self._loop:
                return
            if last_ns < start_ns:
                raise SourceUnreadableError(self._path, "not one frame can be decoded any more")
            start_ns = last_ns + self._step_ns
            self.close()
            self._capture = self._opened()

    def close(self) -> None:
        """Closes the file."""
        self._capture.release()

    @property
    def _step_ns(self) -> int:
        return round(1e9 / (self.rate_hz or ASSUMED_RATE_HZ))

    def _one_pass(self, start_ns: int) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        count, first_ms, last_ns = 0, 0.0, start_ns - self._step_ns
        following, self._first = self._first or self._next_image(), None
        while following is not None:
            image, time_ms = following
            if count == 0:
                first_ms = time_ms
            count += 1
            stamp_ns = start_ns + round((time_ms - first_ms) * 1e6)
            if stamp_ns <= last_ns:
                stamp_ns = last_ns + self._step_ns
            last_ns = stamp_ns
            if image.shape[:2] == (self.height, self.width):
                yield stamp_ns, image
            else:
                self.skipped["size"] += 1
            following = self._next_image()
        self._check_complete(count)

    def _check_complete(self, count: int) -> None:
        if self._announced and self._announced - count > max(3.0, COUNT_TOLERANCE * self._announced):
            if self._loop:
                self.skipped["cut_off"] += self._announced - count
                return
            ended = f"ended after {count} of {self._announced} frames"
            raise SourceBrokenOffError(self._path, f"{ended}; the file is truncated or damaged")

    def _opened(self) -> cv2.VideoCapture:
        check_file(self._path)
        # Named, because another backend takes any file with a digit in its name for an image sequence.
        name = utf8_path(self._path)
        capture = cv2.VideoCapture(name, cv2.CAP_FFMPEG)
        if not capture.isOpened():
            capture = cv2.VideoCapture(name, cv2.CAP_GSTREAMER)
        if not capture.isOpened():
            raise SourceUnreadableError(
                self._path,
                "is no video that OpenCV can open: not a video, truncated before its index, or no decoder; "
                "'ffprobe' tells which, and 'ffmpeg -i in -c:v libx264 out.mp4' converts what it can read",
            )
        # Not every build of OpenCV rotates by itself, and those that do can be told not to.
        capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0)
        self._rotation = ROTATIONS.get(round(capture.get(cv2.CAP_PROP_ORIENTATION_META)) % 360)
        return capture

    def _first_image(self) -> tuple[NDArray[np.uint8], float]:
        try:
            check_size(*(max(1, int(self._capture.get(p))) for p in SIZE))
        except ImageError as error:
            self.close()
            raise SourceUnreadableError(self._path, str(error)) from error
        first = self._next_image()
        if first is None:
            self.close()
            raise SourceUnreadableError(self._path, "not one frame can be decoded; the file is damaged")
        return first

    def _next_image(self) -> tuple[NDArray[np.uint8], float] | None:
        """The next frame (H, W, 3) RGB, upright, and its presentation time in ms."""
        taken, image = self._capture.read()
        if not taken or image is None:
            return None
        time_ms = float(self._capture.get(cv2.CAP_PROP_POS_MSEC))
        if self._rotation is not None:
            image = cv2.rotate(image, self._rotation)
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8), time_ms
