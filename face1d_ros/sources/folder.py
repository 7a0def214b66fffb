"""Frames from a folder of images, or from a single image."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from face1d_ros.convert.image_size import size_in_header
from face1d_ros.convert.pixels import check_size
from face1d_ros.errors import ImageError, SourceUnreadableError
from face1d_ros.paths import printable
from face1d_ros.sources.base import Opened, check_exists, check_file, stamp_of, told, unlistable
from face1d_ros.types import Frame, Header

EXTENSIONS = (".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")


def natural_order(path: Path) -> tuple[tuple[int, int, str], ...]:
    """A sorting key that puts frame_10 after frame_9."""
    parts = re.split(r"(\d+)", path.name.lower())
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts)


class ImageFolder(Opened):
    """Images of one folder in natural order, all of the first one's size; others are left out and counted.

    Each image keeps its place in time: image i has the stamp i / rate, whether those before it could be
    read or not.
    """

    live = False

    def __init__(self, path: str | Path, *, rate_hz: float, frame_id: str = "", loop: bool = False) -> None:
        self._path = Path(path)
        self.rate_hz = rate_hz
        self._frame_id = frame_id
        self._loop = loop
        self.skipped: Counter[str] = Counter()
        self._begun: Counter[str] = Counter()
        """`skipped` when the present pass began."""
        self._images = _images_of(self._path)
        self.length = None if loop else len(self._images)
        self.height, self.width = self._first_size()

    @property
    def description(self) -> str:
        """Path, number, size and rate."""
        count = len(self._images)
        kind = f"{count} image{'s' if count > 1 else ''} of {printable(self._path)}"
        return f"{kind}, {self.width}×{self.height} at {self.rate_hz:g} Hz"

    def frames(self) -> Iterator[Frame]:
        """All images that can be read."""
        index, given = 0, 0
        while True:
            for path in self._images:
                image = self._image(path)
                if image is not None:
                    given += 1
                    header = Header(stamp_ns=stamp_of(index, self.rate_hz), frame_id=self._frame_id)
                    yield Frame(header, image)
                index += 1
            if not self._loop:
                return
            if not given:
                raise self._lost()
            given, self._begun = 0, self.skipped.copy()

    def _image(self, path: Path) -> NDArray[np.uint8] | None:
        try:
            image = read_image(path)
        except ImageError as error:
            self.skipped[error.reason] += 1
            return None
        if image.shape[:2] != (self.height, self.width):
            self.skipped["size"] += 1
            return None
        return image

    def _lost(self) -> SourceUnreadableError:
        """Why a whole pass gave nothing, where the pass before still did."""
        check_exists(self._path)
        return SourceUnreadableError(self._path, f"no image can be read any more ({told(self.skipped - self._begun)})")

    def _first_size(self) -> tuple[int, int]:
        reasons: Counter[str] = Counter()
        first = ""
        for path in self._images:
            try:
                image = read_image(path)
            except ImageError as error:
                reasons[error.reason] += 1
                first = first or str(error)
            else:
                return image.shape[0], image.shape[1]
        raise SourceUnreadableError(
            self._path, f"none of its images can be used: {told(reasons)}; the first is {first}"
        )


def read_image(path: Path) -> NDArray[np.uint8]:
    """(H, W, 3) RGB, turned upright as its EXIF data says. Raises ImageError."""
    try:
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        reason = "missing" if isinstance(error, FileNotFoundError) else "unreadable"
        raise ImageError(reason, f"{path}: {error.strerror or error}") from error
    if not data.size:
        raise ImageError("undecodable", f"{path} is empty")
    if (size := size_in_header(data.data)) is not None:
        check_size(*size)  # before it is decoded, which would take seconds and gigabytes
    try:
        image = cv2.imdecode(data, cv2.IMREAD_COLOR)
    except cv2.error as error:  # more pixels than OpenCV accepts
        raise ImageError("too_large", f"{path}: {error.err}") from error
    if image is None:
        raise ImageError("undecodable", f"{path} is damaged or misnamed")
    check_size(image.shape[1], image.shape[0])
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def _images_of(path: Path) -> Sequence[Path]:
    if os.path.isfile(check_exists(path)):
        return [check_file(path)]
    try:
        images = [p for p in path.iterdir() if p.suffix.lower() in EXTENSIONS and not os.path.isdir(p)]
    except OSError as error:
        raise unlistable(path, error) from error
    if not images:
        raise SourceUnreadableError(path, f"holds no images; files ending in {' '.join(EXTENSIONS)} are read")
    return sorted(images, key=natural_order)
