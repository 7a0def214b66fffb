"""JPEG and PNG to RGB. The header is read first, so that nothing harmful is ever decoded. No ROS in here."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from face1d_ros.convert.image_size import jpeg_size
from face1d_ros.convert.pixels import check_size
from face1d_ros.errors import ImageError

JPEG_START = b"\xff\xd8\xff"
JPEG_END = b"\xff\xd9"
PNG_START = b"\x89PNG\r\n\x1a\n"
PNG_HEADER_BYTES = 33
TAIL_BYTES = 4096
"""Cameras pad a JPEG after its end; padding longer than this counts as truncated."""
MAX_SMALL_CHUNKS = 1000
SMALL_CHUNK_BYTES = 1024
MAX_DEFLATE_RATIO = 1032
JPEG_PIXELS_PER_BYTE = 512
"""No Huffman code is shorter than a bit, and each block of 8×8 pixels has one at least."""
_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_BGR = cv2.IMREAD_COLOR
_RGB = getattr(cv2, "IMREAD_COLOR_RGB", _BGR)
"""OpenCV before 4.11 gives BGR alone."""


def decode(data: Any, stored_as: str = "") -> NDArray[np.uint8]:
    """(height, width, 3) RGB of a JPEG or PNG.

    `stored_as` is the message's format ("rgb8; jpeg compressed bgr8"). What the data is, is read from the
    data; only a sender that swapped the colours ("compressed rgb8") is believed. Raises ImageError.
    """
    view = memoryview(data).cast("B")
    width, height = size_of(view)
    swapped = "compressed rgb" in stored_as
    order = _BGR if swapped else _RGB
    try:
        # Pixels stay where they are stored: that is what camera_info describes.
        image = cv2.imdecode(np.frombuffer(view, np.uint8), order | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise ImageError("corrupt", f"the decoder refused it: {error.err}") from None
    if image is None:
        raise ImageError("corrupt", f"{len(view)} bytes with a good header could not be decoded")
    if image.shape != (height, width, 3):
        came = f"{image.shape[1]}×{image.shape[0]}"
        raise ImageError("corrupt", f"got {came} pixels, expected the header's {width}×{height}")
    if swapped or _RGB != _BGR:
        return image
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB, dst=image)


def size_of(view: memoryview) -> tuple[int, int]:
    """Width and height, once header and end are sound. Raises ImageError."""
    if not len(view):
        raise ImageError("empty", "got no data at all")
    start = bytes(view[: len(PNG_START)])
    if start.startswith(JPEG_START):
        return _jpeg_size(view)
    if start == PNG_START:
        return _png_size(view)
    if len(start) < len(PNG_START) and (PNG_START.startswith(start) or JPEG_START.startswith(start)):
        raise ImageError("truncated", f"got {len(start)} bytes, which hold no header")
    raise ImageError("format", f"got data that begins with {start.hex(' ')}, expected JPEG or PNG")


def _jpeg_size(view: memoryview) -> tuple[int, int]:
    width, height = jpeg_size(view)
    check_size(width, height)
    if len(view) < width * height // JPEG_PIXELS_PER_BYTE:
        raise ImageError("truncated", f"got {len(view)} bytes, too few for {width}×{height} pixels")
    if not bytes(view[-TAIL_BYTES:]).rstrip(b"\0\xff").endswith(JPEG_END):
        raise ImageError("truncated", "a JPEG without its end: part of it was lost on the way")
    return width, height


def _png_size(view: memoryview) -> tuple[int, int]:
    if len(view) < PNG_HEADER_BYTES:
        raise ImageError("truncated", "a PNG that ends within its header")
    length, name, width, height, depth, color = struct.unpack_from(">I4sIIBB", view, len(PNG_START))
    if (length, name) != (13, b"IHDR") or color not in _PNG_CHANNELS or depth not in (1, 2, 4, 8, 16):
        raise ImageError("corrupt", "a PNG with a damaged header")
    check_size(width, height)
    raw_bytes = height * ((width * depth * _PNG_CHANNELS[color] + 7) // 8)
    if len(view) * MAX_DEFLATE_RATIO < raw_bytes:
        raise ImageError("truncated", f"got {len(view)} bytes, too few for {width}×{height} pixels")
    _check_png_chunks(view)
    return width, height


def _check_png_chunks(view: memoryview) -> None:
    """Every chunk whole and with its right checksum, up to the last: decoders forgive some damage."""
    position, small = len(PNG_START), 0
    while small < MAX_SMALL_CHUNKS:
        if position + 12 > len(view):
            raise ImageError("truncated", "a PNG without its end: part of it was lost on the way")
        length, name = struct.unpack_from(">I4s", view, position)
        end = position + 8 + length
        if end + 4 > len(view):
            raise ImageError("truncated", f"a PNG that ends within the chunk at byte {position}")
        if zlib.crc32(view[position + 4 : end]) != struct.unpack_from(">I", view, end)[0]:
            raise ImageError("corrupt", f"a PNG whose chunk at byte {position} has the wrong checksum")
        if name == b"IEND":
            return
        position = end + 4
        small += length < SMALL_CHUNK_BYTES
    raise ImageError("corrupt", f"a PNG of {MAX_SMALL_CHUNKS} tiny chunks")
