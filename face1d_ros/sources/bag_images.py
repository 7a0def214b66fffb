"""Images and calibrations out of serialised messages. Standard types: no definition of a bag is trusted."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.convert.camera_info import camera_of
from face1d_ros.convert.compressed import decode
from face1d_ros.convert.pixels import pixels_of
from face1d_ros.errors import GeometryError, ImageError, MissingDependencyError
from face1d_ros.geometry.camera_model import Camera
from face1d_ros.sources.bag_account import Recorded, damage_errors
from face1d_ros.sources.bag_topics import CAMERA_INFO_TYPE, IMAGE_TYPES


class ImageReader:
    """Counts what it cannot read, by reason, and what is announced as another type than it is."""

    def __init__(self) -> None:
        try:
            from rosbags.typesys import Stores, get_typestore
        except ImportError as error:
            raise MissingDependencyError("rosbags", "reading bags", "pip install rosbags") from error
        # Images and calibrations are the same in every distribution.
        self._store = get_typestore(Stores.ROS2_HUMBLE)
        self._damage = damage_errors()
        self.skipped: Counter[str] = Counter()
        self.misnamed = 0

    def image(self, message: Recorded) -> tuple[int, str, NDArray[np.uint8]] | None:
        """(stamp in ns, or 0 where it has none; frame id; (H, W, 3) RGB); None where it cannot be read."""
        if message.type not in IMAGE_TYPES:
            self.skipped["type"] += 1
            return None
        try:
            read, pixels = self._read(message.data, message.type)
        except ImageError as error:
            self.skipped[error.reason] += 1
            return None
        stamp = read.header.stamp
        return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec), read.header.frame_id, pixels

    def camera(self, message: Recorded) -> Camera | None:
        """The calibration of a camera_info, if it can be used."""
        unusable: tuple[type[Exception], ...] = (GeometryError, *self._damage)
        try:
            return camera_of(self._store.deserialize_cdr(message.data, CAMERA_INFO_TYPE))
        except unusable:
            return None

    def _read(self, data: bytes, announced: str) -> tuple[Any, NDArray[np.uint8]]:
        """The message and its pixels, of the announced type or else of the other one. Raises ImageError."""
        try:
            return self._as(data, announced)
        except ImageError as error:
            other = next(name for name in IMAGE_TYPES if name != announced)
            try:
                read = self._as(data, other)
            except ImageError:
                raise error from None
            self.misnamed += 1
            return read

    def _as(self, data: bytes, name: str) -> tuple[Any, NDArray[np.uint8]]:
        try:
            message: Any = self._store.deserialize_cdr(data, name)
        except self._damage as error:
            raise ImageError("not_deserialised", f"got {len(data)} bytes, expected a serialised {name}") from error
        if name == IMAGE_TYPES[0]:
            return message, pixels_of(message)
        return message, decode(message.data, message.format)
