"""Raw image data to RGB, with everything checked before a pixel is touched. No ROS in here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import ImageError

MAX_SIDE_PX = 8192
MAX_PIXELS = 64_000_000
SMALLEST_MAX_PADDING_BYTES = 512
"""Row padding up to this, or an eighth of a row, is alignment; more means that encoding or width is a lie."""


@dataclass(frozen=True)
class Encoding:
    """How the bytes of one pixel are to be read."""

    channels: int
    to_rgb: int | None = None
    """OpenCV's conversion; None where it is RGB already."""
    bytes_per_channel: int = 1
    pairs: bool = False
    """Pixels come in pairs."""


# OpenCV names a Bayer pattern by its second row's second and third pixel, ROS by its first two rows.
_BAYER = {
    "rggb": cv2.COLOR_BayerBG2RGB,
    "bggr": cv2.COLOR_BayerRG2RGB,
    "gbrg": cv2.COLOR_BayerGR2RGB,
    "grbg": cv2.COLOR_BayerGB2RGB,
}
_UYVY = Encoding(2, cv2.COLOR_YUV2RGB_UYVY, pairs=True)
_YUYV = Encoding(2, cv2.COLOR_YUV2RGB_YUY2, pairs=True)

ENCODINGS: dict[str, Encoding] = {
    "yuv422": _UYVY,
    "uyvy": _UYVY,
    "yuv422_yuy2": _YUYV,
    "yuyv": _YUYV,
}
for _bytes in (1, 2):
    ENCODINGS |= {
        f"rgb{8 * _bytes}": Encoding(3, None, _bytes),
        f"bgr{8 * _bytes}": Encoding(3, cv2.COLOR_BGR2RGB, _bytes),
        f"rgba{8 * _bytes}": Encoding(4, cv2.COLOR_RGBA2RGB, _bytes),
        f"bgra{8 * _bytes}": Encoding(4, cv2.COLOR_BGRA2RGB, _bytes),
        f"mono{8 * _bytes}": Encoding(1, cv2.COLOR_GRAY2RGB, _bytes),
    }
    ENCODINGS |= {f"bayer_{cell}{8 * _bytes}": Encoding(1, code, _bytes) for cell, code in _BAYER.items()}


def check_size(width: int, height: int) -> None:
    """Raise ImageError unless an image of this size can be worked with."""
    if width < 1 or height < 1:
        raise ImageError("zero_size", f"got {width}×{height} pixels, expected at least 1×1")
    if width > MAX_SIDE_PX or height > MAX_SIDE_PX or width * height > MAX_PIXELS:
        limit = f"at most {MAX_SIDE_PX} a side and {MAX_PIXELS // 1_000_000} million in all"
        raise ImageError("too_large", f"got {width}×{height} pixels, expected {limit}; scale the image down")


def pixels_of(message: Any) -> NDArray[np.uint8]:
    """(H, W, 3) RGB of a sensor_msgs/Image, or of what has its fields. May be a view of it; raises ImageError."""
    return to_rgb(
        message.data,
        width=message.width,
        height=message.height,
        step=message.step,
        encoding=message.encoding,
        big_endian=bool(message.is_bigendian),
    )


def to_rgb(
    data: Any, *, width: int, height: int, step: int, encoding: str, big_endian: bool = False
) -> NDArray[np.uint8]:
    """(height, width, 3) RGB. For `rgb8` a read-only view of `data`, else an array of its own.

    `data` is anything with the buffer protocol. 16 bits are scaled to 8. Raises ImageError.
    """
    kind = ENCODINGS.get(encoding)
    if kind is None:
        raise ImageError("encoding", f"got {encoding[:40]!r}, expected one of {', '.join(ENCODINGS)}")
    check_size(width, height)
    if kind.pairs and width % 2:
        raise ImageError("odd_width", f"got {width} pixels, expected an even width for {encoding}")
    row_bytes = width * kind.channels * kind.bytes_per_channel
    _check_layout(len(memoryview(data).cast("B")), row_bytes, height, step, kind.bytes_per_channel)
    pixels = _view(data, width, height, step, kind, big_endian)
    if kind.to_rgb is not None:
        pixels = cv2.cvtColor(pixels, kind.to_rgb)
    if kind.bytes_per_channel == 2:
        pixels = cv2.convertScaleAbs(pixels, alpha=255 / 65535)
    return pixels


def _check_layout(length: int, row_bytes: int, height: int, step: int, bytes_per_channel: int) -> None:
    if step < row_bytes:
        raise ImageError("step_small", f"got a step of {step} bytes, expected at least a row's {row_bytes}")
    if step > row_bytes + max(SMALLEST_MAX_PADDING_BYTES, row_bytes // 8):
        raise ImageError("step_large", f"got a step of {step} bytes, expected about a row's {row_bytes}")
    if step % bytes_per_channel:
        raise ImageError("step_odd", f"got a step of {step} bytes, expected whole values of 16 bits")
    if length != step * height:
        reason = "data_short" if length < step * height else "data_long"
        raise ImageError(reason, f"got {length} bytes, expected step × height = {step * height}")


def _view(data: Any, width: int, height: int, step: int, kind: Encoding, big_endian: bool) -> NDArray[Any]:
    """(height, width) or (height, width, channels): `data` where it lies, rows `step` bytes apart."""
    dtype: np.dtype[Any] = np.dtype(f"{'>' if big_endian else '<'}u{kind.bytes_per_channel}")
    shape: tuple[int, ...] = (height, width, kind.channels)
    pixel_bytes = kind.channels * dtype.itemsize
    strides: tuple[int, ...] = (step, pixel_bytes, dtype.itemsize)
    if kind.channels == 1:
        shape, strides = shape[:2], strides[:2]
    pixels: NDArray[Any] = np.ndarray(shape, dtype, memoryview(data).cast("B"), 0, strides)
    pixels.setflags(write=False)
    return pixels if dtype.isnative else pixels.astype(dtype.newbyteorder("="))
