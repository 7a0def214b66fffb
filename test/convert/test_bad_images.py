"""Thousands of malformed images: each refused in time with its reason, and the next good one is answered."""

from __future__ import annotations

import array
import random
import struct
import time
import zlib
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage, Image

from face1d_ros.convert import compressed_to_frame, frame_to_compressed, frame_to_image, image_to_frame
from face1d_ros.convert.pixels import ENCODINGS
from face1d_ros.errors import ImageError
from face1d_ros.types import Frame, Header

LIMIT_S = 0.005
Y, X = np.mgrid[:480, :640]
PIXELS = np.stack([X % 256, Y % 256, (X * Y) % 256], axis=2).astype(np.uint8)
GOOD = Frame(Header(1), PIXELS)


def image(rng: random.Random) -> Any:
    """A good image of any size and encoding."""
    encoding = rng.choice(list(ENCODINGS))
    width, height = 2 * rng.randint(4, 400), rng.randint(8, 300)
    kind = ENCODINGS[encoding]
    step = width * kind.channels * kind.bytes_per_channel
    message = Image(width=width, height=height, step=step, encoding=encoding, is_bigendian=rng.randint(0, 1))
    message.data = array.array("B", bytes(step * height))
    return message


def huge(rng: random.Random) -> int:
    return rng.choice([8193, 65_536, 2**31 - 1, 2**31, 2**32 - 1])


def lie_about_encoding(message: Any, rng: random.Random) -> None:
    """Name an encoding whose rows are longer than those that came."""
    kind = ENCODINGS[message.encoding]
    size = kind.channels * kind.bytes_per_channel
    longer = [name for name, other in ENCODINGS.items() if other.channels * other.bytes_per_channel > size]
    if longer:
        message.encoding = rng.choice(longer)
    else:
        message.step -= 1


def shorten(message: Any, rng: random.Random) -> None:
    del message.data[-rng.randint(1, len(message.data)) :]


DAMAGE: dict[str, tuple[Callable[[Any, random.Random], object], set[str]]] = {
    "step too small": (lambda m, rng: setattr(m, "step", rng.randrange(m.step)), {"step_small"}),
    "step too large": (
        lambda m, rng: setattr(m, "step", m.step + rng.choice([2, 100, 10_000, 2**31])),
        {"step_large", "data_short"},
    ),
    "short data": (shorten, {"data_short"}),
    "long data": (lambda m, rng: m.data.extend(bytes(rng.randint(1, 5000))), {"data_long"}),
    "no data": (lambda m, rng: setattr(m, "data", array.array("B")), {"data_short"}),
    "zero width": (lambda m, rng: setattr(m, "width", 0), {"zero_size"}),
    "zero height": (lambda m, rng: setattr(m, "height", 0), {"zero_size"}),
    "huge width": (lambda m, rng: setattr(m, "width", huge(rng)), {"too_large"}),
    "huge height": (lambda m, rng: setattr(m, "height", huge(rng)), {"too_large"}),
    "unknown encoding": (
        lambda m, rng: setattr(m, "encoding", rng.choice(["", "rgb9", "8UC3", "é", "32FC1", "x" * 9999])),
        {"encoding"},
    ),
    "lying encoding": (lie_about_encoding, {"step_small"}),
    "impossible stamp": (lambda m, rng: setattr(m.header.stamp, "nanosec", 2**32 - 1), {"header"}),
}


class Clock:
    """Times each refusal by the processor time of this thread, which a busy machine does not stretch."""

    def __init__(self) -> None:
        self.times_s: list[float] = []
        self.reasons: Counter[str] = Counter()

    def refused(self, read: Callable[[Any], Frame], message: Any) -> str:
        began_s = time.thread_time()
        with pytest.raises(ImageError) as caught:
            read(message)
        self.times_s.append(time.thread_time() - began_s)
        self.reasons[caught.value.reason] += 1
        return caught.value.reason

    def assert_in_time(self) -> None:
        assert np.percentile(self.times_s, 99) < LIMIT_S
        assert np.median(self.times_s) < LIMIT_S / 10


def good_frames_are_answered() -> None:
    np.testing.assert_array_equal(image_to_frame(frame_to_image(GOOD)).image, PIXELS)
    np.testing.assert_array_equal(compressed_to_frame(frame_to_compressed(GOOD, "png")).image, PIXELS)


def test_undamaged_images_are_all_answered() -> None:
    rng = random.Random(1)
    for _ in range(200):
        message = image(rng)
        assert image_to_frame(message).image.shape == (message.height, message.width, 3)


def test_2000_malformed_images_are_refused_in_time_each_with_its_reason() -> None:
    rng, clock = random.Random(2), Clock()
    for index in range(2000):
        name = list(DAMAGE)[index % len(DAMAGE)]
        damage, reasons = DAMAGE[name]
        message = image(rng)
        damage(message, rng)
        assert clock.refused(image_to_frame, message) in reasons, name
        if index % 500 == 0:
            good_frames_are_answered()
    clock.assert_in_time()
    good_frames_are_answered()
    assert sum(clock.reasons.values()) == 2000


def test_big_endian_is_honoured_not_refused() -> None:
    values = np.arange(480 * 640, dtype=np.uint32).astype(">u2").reshape(480, 640)
    message = Image(width=640, height=480, step=1280, encoding="mono16", is_bigendian=1)
    message.data = array.array("B", values.tobytes())
    np.testing.assert_array_equal(image_to_frame(message).image[..., 0], np.rint(values / 257).astype(np.uint8))


def test_100_truncated_jpegs_are_refused_in_time() -> None:
    rng, clock = random.Random(3), Clock()
    whole = bytes(frame_to_compressed(GOOD).data)
    for _ in range(100):
        message = CompressedImage(format="jpeg")
        message.data = array.array("B", whole[: rng.randint(1, len(whole) - 1)])
        assert clock.refused(compressed_to_frame, message) == "truncated"
    clock.assert_in_time()
    good_frames_are_answered()


def test_a_png_bomb_of_16000_squared_and_no_data_are_refused_in_time() -> None:
    clock = Clock()
    for data, reason in ((png_bomb(), "too_large"), (b"", "empty")):
        for _ in range(20):
            message = CompressedImage(format="png")
            message.data = array.array("B", data)
            assert clock.refused(compressed_to_frame, message) == reason
    clock.assert_in_time()
    good_frames_are_answered()


def png_bomb() -> bytes:
    """A valid black image of one bit a pixel: 32 kB that would become 768 MB."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", 16000, 16000, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(16000 * 2001), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["jpeg", "png"])
def test_random_damage_within_compressed_data_gives_an_image_or_a_reason(kind: str) -> None:
    rng = random.Random(4)
    whole = bytes(frame_to_compressed(Frame(Header(), PIXELS[:96, :128]), kind).data)
    refused = 0
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(rng.randint(1, 8)):
            data[rng.randrange(len(data) if rng.random() < 0.5 else 200)] = rng.randrange(256)
        message = CompressedImage(format=kind)
        message.data = array.array("B", bytes(data))
        try:
            frame = compressed_to_frame(message)
        except ImageError:
            refused += 1
        else:
            assert frame.image.ndim == 3 and frame.image.dtype == np.uint8
    assert refused > 30
    good_frames_are_answered()
