"""Images to an MP4 file that plays at the pace of their stamps."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import InvalidValueError, RecordingError
from face1d_ros.paths import user_path, utf8_path

SUFFIX = ".mp4"
ASSUMED_RATE_HZ = 30.0
"""Where the source tells none."""
LONGEST_STILL_S = 5.0
"""A longer pause between two stamps is a cut, and not filled with a still picture."""
SMALLEST_PX, LARGEST_PX = 2, 8191
"""What MPEG-4 takes, a side."""
RESERVE_BYTES = 16 * 2**20
"""Free space at which the file is closed: its index comes last, and without it nothing can be played."""


class VideoWriter:
    """An MP4 file of a constant rate: a pause between two stamps is filled with the picture before it."""

    def __init__(self, path: str | Path, *, width: int, height: int, rate_hz: float | None) -> None:
        """Make the file, which must not exist."""
        self.path = check_video_path(path)
        _check_size(width, height)
        self.frames = 0
        self._rate_hz = rate_hz or ASSUMED_RATE_HZ
        self._first_ns = self._last_ns = 0
        self._origin = 0
        self._previous: NDArray[np.uint8] | None = None
        try:
            self.path.open("xb").close()
        except OSError as error:
            raise RecordingError(f"cannot write {self.path}: {error.strerror}; choose another path") from error
        code = cv2.VideoWriter.fourcc(*"mp4v")
        self._writer = cv2.VideoWriter(utf8_path(self.path), cv2.CAP_FFMPEG, code, self._rate_hz, (width, height))
        if not self._writer.isOpened():
            self.path.unlink()
            raise RecordingError(
                f"cannot write {self.path}: this OpenCV has no MPEG-4 encoder; pip install opencv-contrib-python"
            )

    @property
    def size_bytes(self) -> int:
        """What it takes on the disk."""
        return self.path.stat().st_size if self.path.exists() else 0

    def write(self, image: NDArray[np.uint8], stamp_ns: int) -> None:
        """Add an image, (height, width, 3) BGR. Raises RecordingError when the disk is nearly full."""
        free = shutil.disk_usage(self.path.parent).free
        if free < RESERVE_BYTES:
            self.close()
            raise RecordingError(
                f"{self.path} was ended after {self.frames} frames: the disk is full ({free / 1e6:.0f} MB free)"
            )
        if self._previous is None or not 0 <= stamp_ns - self._last_ns <= LONGEST_STILL_S * 1e9:
            self._first_ns, self._origin = stamp_ns, self.frames
        due = self._origin + round((stamp_ns - self._first_ns) * 1e-9 * self._rate_hz)
        while self._previous is not None and self.frames < due:
            self._put(self._previous)
        self._put(image)
        self._previous, self._last_ns = image, stamp_ns

    def close(self) -> None:
        """Write the index, and see that the file can be played. A second call does nothing."""
        if not self._writer.isOpened():
            return
        self._writer.release()
        if not self.frames:
            self.path.unlink(missing_ok=True)
            return
        if not _is_playable(self.path, self.frames):
            raise RecordingError(
                f"{self.path} cannot be played: the system refused a part of it (disk quota or file size limit?)"
            )

    def _put(self, image: NDArray[np.uint8]) -> None:
        self._writer.write(image)
        self.frames += 1


def check_video_path(path: str | Path) -> Path:
    """The absolute path, if nothing is there yet, it ends in .mp4, and OpenCV can be told its name."""
    path = user_path(path).absolute()
    utf8_path(path)
    if path.suffix.lower() != SUFFIX:
        raise InvalidValueError("video", str(path), f"a path that ends in {SUFFIX}")
    if os.path.lexists(path):
        raise RecordingError(f"{path} exists already; choose another file")
    return path


def _check_size(width: int, height: int) -> None:
    if min(width, height) < SMALLEST_PX or max(width, height) > LARGEST_PX:
        expected = f"{SMALLEST_PX} to {LARGEST_PX} pixels a side, which is what MPEG-4 takes; leave the video out"
        raise RecordingError(f"no video of {width}×{height} pixels can be written: expected {expected}")


def _is_playable(path: Path, frames: int) -> bool:
    capture = cv2.VideoCapture(utf8_path(path), cv2.CAP_FFMPEG)
    try:
        return bool(capture.isOpened()) and int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) >= frames
    finally:
        capture.release()
