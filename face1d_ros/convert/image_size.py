"""Width and height as the header of an image file tells them, before anything is decoded. No ROS in here."""

from __future__ import annotations

import struct
from collections.abc import Callable

from face1d_ros.errors import ImageError

MAX_JPEG_SEGMENTS = 1000
JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of the segment that holds the size."""
TIFF_WIDTH, TIFF_HEIGHT = 256, 257
TIFF_VALUE = {3: "H", 4: "I"}
MAX_TIFF_ENTRIES = 1000
MAX_TEXT_HEADER_BYTES = 4096


def size_in_header(data: memoryview) -> tuple[int, int] | None:
    """Width and height of a JPEG, PNG, BMP, WebP, TIFF or PNM; None where the header is none of them or broken."""
    start = bytes(data[:12])
    for signature, read in _READERS:
        if start.startswith(signature):
            try:
                return read(data)
            except (ImageError, struct.error, ValueError, IndexError):
                return None
    return None


def jpeg_size(data: memoryview) -> tuple[int, int]:
    """Width and height of the first frame header, found by walking the segments before it. Raises ImageError."""
    position = 2
    for _ in range(MAX_JPEG_SEGMENTS):
        while position + 1 < len(data) and data[position] == 0xFF and data[position + 1] == 0xFF:
            position += 1  # fill bytes
        if position + 9 > len(data):
            raise ImageError("truncated", "a JPEG that ends within its header")
        sync, marker, length = struct.unpack_from(">BBH", data, position)
        if sync != 0xFF or length < 2:
            raise ImageError("corrupt", f"a JPEG whose header breaks off at byte {position}")
        if marker in JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", data, position + 5)
            return width, height
        position += 2 + length
    raise ImageError("corrupt", f"a JPEG with more than {MAX_JPEG_SEGMENTS} header segments")


def _png(data: memoryview) -> tuple[int, int]:
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def _bmp(data: memoryview) -> tuple[int, int]:
    if struct.unpack_from("<I", data, 14)[0] == 12:  # the header of OS/2
        width, height = struct.unpack_from("<HH", data, 18)
    else:
        width, height = struct.unpack_from("<ii", data, 18)
    return abs(width), abs(height)  # a negative height stands for rows from top to bottom


def _webp(data: memoryview) -> tuple[int, int] | None:
    kind = bytes(data[12:16])
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X":
        low_x, high_x, low_y, high_y = struct.unpack_from("<HBHB", data, 24)
        return (low_x | high_x << 16) + 1, (low_y | high_y << 16) + 1
    return None


def _tiff(data: memoryview) -> tuple[int, int] | None:
    order = "<" if data[0] == ord("I") else ">"
    (table,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, table)
    found = {}
    for index in range(min(count, MAX_TIFF_ENTRIES)):
        tag, kind = struct.unpack_from(order + "HH", data, table + 2 + 12 * index)
        if tag in (TIFF_WIDTH, TIFF_HEIGHT) and kind in TIFF_VALUE:
            (found[tag],) = struct.unpack_from(order + TIFF_VALUE[kind], data, table + 10 + 12 * index)
    return (found[TIFF_WIDTH], found[TIFF_HEIGHT]) if len(found) == 2 else None


def _pnm(data: memoryview) -> tuple[int, int]:
    lines = bytes(data[2:MAX_TEXT_HEADER_BYTES]).splitlines()
    words = b" ".join(line.split(b"#")[0] for line in lines).split()
    return int(words[0]), int(words[1])


_READERS: tuple[tuple[bytes, Callable[[memoryview], tuple[int, int] | None]], ...] = (
    (b"\xff\xd8\xff", jpeg_size),
    (b"\x89PNG\r\n\x1a\n", _png),
    (b"BM", _bmp),
    (b"RIFF", _webp),
    (b"II*\0", _tiff),
    (b"MM\0*", _tiff),
    *((b"P%d" % kind, _pnm) for kind in range(1, 7)),
)
