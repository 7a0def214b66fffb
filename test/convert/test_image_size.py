"""Width and height of image files before they are decoded."""

from __future__ import annotations

import struct

import cv2
import numpy as np
import pytest

from face1d_ros.convert.image_size import size_in_header

IMAGE = np.random.default_rng(0).integers(0, 256, (37, 53, 3), np.uint8)
SUFFIXES = (".jpg", ".png", ".bmp", ".webp", ".tiff", ".ppm")


def encoded(suffix: str, *options: int) -> bytes:
    done, data = cv2.imencode(suffix, IMAGE, list(options))
    assert done
    return data.tobytes()


FILES = {
    **{suffix: encoded(suffix) for suffix in SUFFIXES},
    "lossless webp": encoded(".webp", cv2.IMWRITE_WEBP_QUALITY, 101),
    "progressive jpeg": encoded(".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    "extended webp": b"RIFF\0\0\0\0WEBPVP8X" + struct.pack("<II", 10, 0) + b"\x34\0\0\x24\0\0",
    "os/2 bitmap": b"BM" + bytes(12) + struct.pack("<IHH", 12, 53, 37),
    "big-endian tiff": b"MM\0*" + struct.pack(">IHHHIHHHHI", 8, 2, 256, 3, 1, 53, 0, 257, 4, 1) + struct.pack(">I", 37),
    "commented pgm": b"P5 # made by\n# hand\n53 37\n255\n",
}


@pytest.mark.parametrize("name", FILES)
def test_the_size_is_read_from_the_header(name: str) -> None:
    assert size_in_header(memoryview(FILES[name])) == (53, 37)


@pytest.mark.parametrize("name", FILES)
def test_a_header_that_ends_early_tells_nothing_or_the_truth(name: str) -> None:
    for length in range(min(len(FILES[name]), 800)):
        assert size_in_header(memoryview(FILES[name][:length])) in (None, (53, 37), (5, 37), (53, 3))


def test_what_is_no_image_tells_nothing() -> None:
    for data in (b"", b"P", b"a text", b"\xff\xd8\xff\xe0\0\0", b"P5 x y", b"RIFF" + bytes(40)):
        assert size_in_header(memoryview(data)) is None
