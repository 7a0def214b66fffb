"""Unpacking zstd and lz4 within limits: a few bytes cannot claim all of the memory or of the disk."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any
from zlib import crc32

from face1d_ros.errors import MissingDependencyError
from face1d_ros.sources.mcap_records import MAX_BYTES, ChunkHead

try:
    from lz4.frame import LZ4FrameDecompressor  # type: ignore[import-untyped]

    if sys.version_info >= (3, 14):
        from compression.zstd import ZstdDecompressor, ZstdError
    else:
        from backports.zstd import ZstdDecompressor, ZstdError
except ImportError as error:
    raise MissingDependencyError("lz4 or backports.zstd", "reading bags", "pip install rosbags") from error

ZSTD_START = b"\x28\xb5\x2f\xfd"
BLOCK_BYTES = 2**20
PIECE_BYTES = 4 * 2**20
MIN_FREE_BYTES = 256 * 2**20
"""Of the disk, while a file is unpacked onto it."""


def unpacked_message(data: bytes) -> bytes:
    """A message that rosbag2 has compressed; any other as it is. Raises ValueError."""
    if not data.startswith(ZSTD_START):
        return data
    unpacker = ZstdDecompressor()
    unpacked = _unpacked(unpacker, data, MAX_BYTES)
    if not unpacker.eof:
        raise ValueError("a compressed message is cut off or too large")
    return unpacked


def unpacked_chunk(data: bytes, head: ChunkHead, *, cut: bool) -> bytes:
    """The records of a chunk; of one that is cut off, those that are left. Raises ValueError."""
    if head.unpacked_bytes > MAX_BYTES:
        raise ValueError(f"{head.unpacked_bytes} bytes in one chunk, expected at most {MAX_BYTES}")
    if head.compression == "":
        unpacked = data
    elif head.compression in ("zstd", "lz4"):
        unpacker = ZstdDecompressor() if head.compression == "zstd" else LZ4FrameDecompressor()
        unpacked = _unpacked(unpacker, data, head.unpacked_bytes)
    else:
        raise ValueError(f"unknown compression {head.compression[:20]!r}, expected zstd, lz4 or none")
    if cut:
        return unpacked
    if len(unpacked) != head.unpacked_bytes:
        raise ValueError(f"{len(unpacked)} bytes in a chunk, expected {head.unpacked_bytes}")
    if head.checksum and crc32(unpacked) != head.checksum:
        raise ValueError("its checksum does not match")
    return unpacked


def unpack_file(packed: Path, folder: Path) -> tuple[Path, str]:
    """(the file unpacked into the folder, why it ends too early or nothing). Raises OSError."""
    target = folder / packed.stem
    unpacker = ZstdDecompressor()
    with packed.open("rb") as source, target.open("wb") as sink:
        while not unpacker.eof:
            block = source.read(BLOCK_BYTES) if unpacker.needs_input else b""
            if unpacker.needs_input and not block:
                return target, "the compressed file is cut off"
            _check_room(folder)
            try:
                sink.write(_unpacked(unpacker, block, BLOCK_BYTES))
            except ValueError as error:
                return target, str(error)
    return target, ""


def _unpacked(unpacker: Any, data: bytes, limit: int) -> bytes:
    """Piece by piece: the unpackers take memory for the limit, not for what comes."""
    pieces: list[bytes] = []
    left = limit
    try:
        while left > 0:
            pieces.append(unpacker.decompress(data, max_length=min(left, PIECE_BYTES)))
            left -= len(pieces[-1])
            if unpacker.eof or unpacker.needs_input or not pieces[-1]:
                break
            data = b""
    except (ZstdError, RuntimeError) as error:
        raise ValueError(f"it cannot be unpacked ({error})") from error
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _check_room(folder: Path) -> None:
    if shutil.disk_usage(folder).free < MIN_FREE_BYTES:
        raise OSError(f"{folder} has no room to unpack it; let TMPDIR name a folder on a larger disk")
