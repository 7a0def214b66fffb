"""JPEG and PNG: what is good is decoded, everything else is refused before it can do harm."""

from __future__ import annotations

import array
import struct
import zlib
from typing import Any

import cv2
import numpy as np
import pytest

from face1d_ros.convert import compressed
from face1d_ros.convert.compressed import decode, size_of
from face1d_ros.errors import ImageError

WIDTH, HEIGHT = 64, 48
Y, X = np.mgrid[:HEIGHT, :WIDTH]
RGB = np.stack([4 * X, 5 * Y, 255 - 2 * (X + Y)], axis=2).clip(0, 255).astype(np.uint8)


def encoded(suffix: str, pixels: Any = RGB, *options: int) -> bytes:
    """As a camera sends it: OpenCV takes BGR."""
    bgr = pixels[..., ::-1] if pixels.ndim == 3 else pixels
    return bytes(cv2.imencode(suffix, np.ascontiguousarray(bgr), list(options))[1])


JPEG, PNG = encoded(".jpg"), encoded(".png")


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(width: int, height: int, rows: bytes, depth: int = 8, color: int = 0) -> bytes:
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0))
    return start + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def png_bomb() -> bytes:
    """A valid black image of 16000², 32 kB that would become 768 MB."""
    return png(16000, 16000, zlib.compress(bytes(16000 * 2001), 9), depth=1)


def jpeg_with_size(width: int, height: int, data: bytes = JPEG) -> bytes:
    """A JPEG whose header lies."""
    position = data.index(b"\xff\xc0") + 5
    return data[:position] + struct.pack(">HH", height, width) + data[position + 4 :]


def test_png_comes_back_exactly() -> None:
    np.testing.assert_array_equal(decode(array.array("B", PNG)), RGB)


@pytest.mark.parametrize("options", [(), (cv2.IMWRITE_JPEG_PROGRESSIVE, 1)], ids=["baseline", "progressive"])
def test_jpeg_comes_back_nearly(options: tuple[int, ...]) -> None:
    image = decode(encoded(".jpg", RGB, *options))
    assert np.abs(image.astype(int) - RGB).mean() < 3


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_grey_images_become_rgb(suffix: str) -> None:
    image = decode(encoded(suffix, RGB[..., 0]))
    assert image.shape == RGB.shape
    assert np.abs(image.astype(int) - RGB[..., :1]).max() < 12


def test_png_of_16_bits_and_with_alpha_become_rgb() -> None:
    np.testing.assert_array_equal(decode(encoded(".png", RGB.astype(np.uint16) * 257)), RGB)
    bgra = np.dstack([RGB[..., ::-1], np.full((HEIGHT, WIDTH), 3, np.uint8)])
    np.testing.assert_array_equal(decode(bytes(cv2.imencode(".png", bgra)[1])), RGB)


def test_colours_that_the_sender_swapped_are_swapped_back() -> None:
    swapped = encoded(".png", RGB[..., ::-1])
    np.testing.assert_array_equal(decode(swapped, "rgb8; png compressed rgb8"), RGB)
    np.testing.assert_array_equal(decode(PNG, "rgb8; png compressed bgr8"), RGB)


DEEP = RGB.astype(np.uint16) * 257


@pytest.mark.parametrize(
    ("suffix", "pixels"),
    [(".jpg", RGB), (".jpg", RGB[..., 0]), (".png", RGB), (".png", RGB[..., 0]), (".png", DEEP)],
    ids=["JPEG", "grey JPEG", "PNG", "grey PNG", "PNG of 16 bits"],
)
@pytest.mark.parametrize("stored_as", ["", "rgb8; compressed rgb8"])
def test_an_older_opencv_gives_the_same(
    suffix: str, pixels: Any, stored_as: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = encoded(suffix, pixels)
    image = decode(data, stored_as)
    monkeypatch.setattr(compressed, "_RGB", compressed._BGR)
    np.testing.assert_array_equal(decode(data, stored_as), image)


def test_the_format_of_the_message_is_not_believed() -> None:
    np.testing.assert_array_equal(decode(PNG, "jpeg"), RGB)


def test_a_rotation_tag_does_not_turn_the_pixels_away_from_camera_info() -> None:
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    rotated = JPEG[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + JPEG[2:]
    assert cv2.imdecode(np.frombuffer(rotated, np.uint8), cv2.IMREAD_COLOR).shape[:2] == (WIDTH, HEIGHT)
    np.testing.assert_array_equal(decode(rotated), decode(JPEG))


def test_padding_after_the_end_is_no_truncation() -> None:
    np.testing.assert_array_equal(decode(JPEG + bytes(1000)), decode(JPEG))


def test_the_size_is_read_without_decoding() -> None:
    assert size_of(memoryview(JPEG)) == size_of(memoryview(PNG)) == (WIDTH, HEIGHT)


MANY_SEGMENTS = JPEG[:2] + b"\xff\xfe\x00\x02" * 300_000 + JPEG[2:]
REFUSED = {
    "no data": ("empty", b""),
    "one byte of a JPEG": ("truncated", JPEG[:1]),
    "start of a JPEG": ("truncated", JPEG[:3]),
    "JPEG within its header": ("truncated", JPEG[:100]),
    "JPEG without its last byte": ("truncated", JPEG[:-1]),
    "JPEG without its end": ("truncated", JPEG[:-2]),
    "half a JPEG": ("truncated", JPEG[: len(JPEG) // 2]),
    "JPEG of no size": ("zero_size", jpeg_with_size(0, 10)),
    "JPEG of 65500²": ("too_large", jpeg_with_size(65500, 65500)),
    "JPEG that claims 8000×7900": ("truncated", jpeg_with_size(8000, 7900)),
    "JPEG with a broken header": ("corrupt", JPEG[:2] + b"\xff\xe0\x00\x01" + JPEG[2:]),
    "JPEG with endless comments": ("corrupt", MANY_SEGMENTS),
    "JPEG with nothing in it": ("corrupt", JPEG[: JPEG.index(b"\xff\xda")] + b"\xff\xd9"),
    "start of a PNG": ("truncated", PNG[:8]),
    "PNG within its header": ("truncated", PNG[:30]),
    "PNG without its end": ("truncated", PNG[:-5]),
    "PNG of no size": ("zero_size", png(0, 4, b"")),
    "PNG bomb": ("too_large", png_bomb()),
    "PNG that claims 8000×7900": ("truncated", png(8000, 7900, zlib.compress(bytes(100)))),
    "PNG with an impossible depth": ("corrupt", png(4, 4, b"", depth=3)),
    "PNG with a changed byte": ("corrupt", PNG[:60] + bytes([PNG[60] ^ 1]) + PNG[61:]),
    "PNG with endless comments": ("corrupt", PNG[:33] + chunk(b"tEXt", b"") * 100_000 + PNG[33:]),
    "PNG whose chunk has no end": ("truncated", PNG[:33] + b"\xff\xff\xff\xff" + PNG[37:]),
    "PNG of garbage": ("corrupt", png(4, 4, b"no deflate stream")),
    "GIF": ("format", b"GIF89a" + bytes(100)),
    "compressed depth": ("format", bytes(12) + PNG),
    "text": ("format", b"<html><body>404</body></html>"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_good_is_refused_with_its_reason(name: str) -> None:
    reason, data = REFUSED[name]
    with pytest.raises(ImageError) as caught:
        decode(array.array("B", data))
    assert caught.value.reason == reason


def test_the_bomb_is_a_valid_image() -> None:
    small = png(16, 16, zlib.compress(bytes(16 * 3)), depth=1)
    assert decode(small).shape == (16, 16, 3)
