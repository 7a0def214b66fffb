"""Raw images: every encoding against values worked out by hand, and every check before a pixel is touched."""

from __future__ import annotations

import array
from typing import Any

import numpy as np
import pytest

from face1d_ros.convert.pixels import ENCODINGS, MAX_SIDE_PX, to_rgb
from face1d_ros.errors import ImageError

RNG = np.random.default_rng(3)
WIDTH, HEIGHT = 16, 8
RGB = RNG.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
RGB16 = RNG.integers(0, 65536, (HEIGHT, WIDTH, 3), np.uint16)
ALPHA = np.full((HEIGHT, WIDTH, 1), 7)
BAYER_ROWS = {"rggb": ("rg", "gb"), "bggr": ("bg", "gr"), "gbrg": ("gb", "rg"), "grbg": ("gr", "bg")}


def scaled(values: Any) -> Any:
    return np.rint(values / 257.0).astype(np.uint8)


def convert(pixels: Any, encoding: str, *, padding: int = 0, big_endian: bool = False) -> Any:
    """`to_rgb` of an array (height, width, …), its rows padded."""
    height, width = pixels.shape[:2]
    rows = np.ascontiguousarray(pixels).view(np.uint8).reshape(height, -1)
    rows = np.hstack([rows, np.full((height, padding), 99, np.uint8)])
    return to_rgb(
        array.array("B", rows.tobytes()),
        width=width,
        height=height,
        step=rows.shape[1],
        encoding=encoding,
        big_endian=big_endian,
    )


def with_alpha(rgb: Any) -> Any:
    return np.concatenate([rgb, ALPHA.astype(rgb.dtype)], axis=2)


EXACT = [
    ("rgb8", RGB, RGB),
    ("bgr8", RGB[..., ::-1], RGB),
    ("rgba8", with_alpha(RGB), RGB),
    ("bgra8", with_alpha(RGB[..., ::-1]), RGB),
    ("mono8", RGB[..., 0], RGB[..., [0, 0, 0]]),
    ("rgb16", RGB16, scaled(RGB16)),
    ("bgr16", RGB16[..., ::-1], scaled(RGB16)),
    ("rgba16", with_alpha(RGB16), scaled(RGB16)),
    ("bgra16", with_alpha(RGB16[..., ::-1]), scaled(RGB16)),
    ("mono16", RGB16[..., 0], scaled(RGB16[..., [0, 0, 0]])),
]


@pytest.mark.parametrize("padding", [0, 6, 64])
@pytest.mark.parametrize("encoding,pixels,expected", EXACT, ids=[encoding for encoding, _, _ in EXACT])
def test_rgb_and_mono_are_exact_whatever_the_padding(encoding: str, pixels: Any, expected: Any, padding: int) -> None:
    rgb = convert(pixels, encoding, padding=padding)
    assert rgb.dtype == np.uint8
    np.testing.assert_array_equal(rgb, expected)


@pytest.mark.parametrize("encoding", [name for name in ENCODINGS if name.endswith("16")])
def test_big_endian_values_are_the_same_values(encoding: str) -> None:
    channels = ENCODINGS[encoding].channels
    pixels = RNG.integers(0, 65536, (HEIGHT, WIDTH, channels), np.uint16)
    little = convert(pixels, encoding, padding=2)
    np.testing.assert_array_equal(convert(pixels.byteswap(), encoding, padding=2, big_endian=True), little)
    assert (convert(pixels.byteswap(), encoding, padding=2) != little).any()


def test_byte_order_does_not_matter_for_bytes() -> None:
    np.testing.assert_array_equal(convert(RGB, "rgb8", big_endian=True), RGB)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("cell", BAYER_ROWS)
def test_bayer_shows_a_plain_colour_as_that_colour(cell: str, bits: int) -> None:
    color = {"r": 200, "g": 120, "b": 30}
    mosaic = np.array([[color[BAYER_ROWS[cell][y % 2][x % 2]] for x in range(WIDTH)] for y in range(HEIGHT)])
    pixels = mosaic.astype(np.uint8) if bits == 8 else (mosaic * 257).astype(np.uint16)
    rgb = convert(pixels, f"bayer_{cell}{bits}")
    np.testing.assert_array_equal(rgb, np.broadcast_to([200, 120, 30], rgb.shape))


@pytest.mark.parametrize("encoding", ["yuv422", "uyvy", "yuv422_yuy2", "yuyv"])
def test_yuv_follows_bt601(encoding: str) -> None:
    pixels = RNG.integers(16, 236, (HEIGHT, WIDTH, 2), np.uint8)
    luma, chroma = (1, 0) if encoding in ("yuv422", "uyvy") else (0, 1)
    y = 1.164 * (pixels[..., luma].astype(float) - 16)
    u, v = (pixels[:, first::2, chroma].repeat(2, axis=1).astype(float) - 128 for first in (0, 1))
    expected = np.stack([y + 1.596 * v, y - 0.813 * v - 0.391 * u, y + 2.018 * u], axis=2).clip(0, 255)
    assert np.abs(convert(pixels, encoding, padding=4) - expected).max() <= 1.5


def test_rgb8_is_a_view_of_the_data_that_cannot_be_written() -> None:
    data = array.array("B", RGB.tobytes())
    rgb = to_rgb(data, width=WIDTH, height=HEIGHT, step=3 * WIDTH, encoding="rgb8")
    assert np.shares_memory(rgb, np.frombuffer(data, np.uint8))
    assert not rgb.flags.writeable


@pytest.mark.parametrize("data", [RGB.tobytes(), bytearray(RGB.tobytes()), RGB.reshape(-1), RGB], ids=type)
def test_any_buffer_will_do(data: Any) -> None:
    np.testing.assert_array_equal(to_rgb(data, width=WIDTH, height=HEIGHT, step=3 * WIDTH, encoding="rgb8"), RGB)


REFUSED = [
    ("zero_size", {"width": 0}),
    ("zero_size", {"height": 0}),
    ("zero_size", {"width": -4}),
    ("too_large", {"width": MAX_SIDE_PX + 1, "step": 3 * (MAX_SIDE_PX + 1)}),
    ("too_large", {"height": MAX_SIDE_PX + 1}),
    ("too_large", {"width": 8100, "height": 8100}),
    ("too_large", {"width": 2**32 - 1, "height": 2**32 - 1, "step": 2**32 - 1}),
    ("step_small", {"step": 3 * WIDTH - 1}),
    ("step_small", {"step": 0}),
    ("step_small", {"encoding": "rgba8"}),
    ("step_large", {"step": 3 * WIDTH + 513}),
    ("step_large", {"step": 2**32 - 1}),
    ("step_odd", {"encoding": "mono16", "step": 3 * WIDTH + 1}),
    ("data_short", {"step": 3 * WIDTH + 1}),
    ("data_short", {"height": HEIGHT + 1}),
    ("data_long", {"height": HEIGHT - 1}),
    ("odd_width", {"encoding": "yuv422", "width": WIDTH - 1}),
    ("encoding", {"encoding": ""}),
    ("encoding", {"encoding": "rgb"}),
    ("encoding", {"encoding": "8UC3"}),
    ("encoding", {"encoding": "RGB8"}),
    ("encoding", {"encoding": "x" * 100_000}),
]


@pytest.mark.parametrize("reason,change", REFUSED, ids=[f"{reason}-{i}" for i, (reason, _) in enumerate(REFUSED)])
def test_a_malformed_image_is_refused_with_its_reason(reason: str, change: dict[str, Any]) -> None:
    good = {"width": WIDTH, "height": HEIGHT, "step": 3 * WIDTH, "encoding": "rgb8"}
    with pytest.raises(ImageError) as caught:
        to_rgb(RGB.tobytes(), **{**good, **change})
    assert caught.value.reason == reason
    assert len(str(caught.value)) < 500


def test_no_data_is_refused() -> None:
    with pytest.raises(ImageError) as caught:
        to_rgb(b"", width=4, height=4, step=12, encoding="rgb8")
    assert caught.value.reason == "data_short"


def test_a_mono_image_that_is_really_rgb_is_refused() -> None:
    rgb = np.zeros((480, 640, 3), np.uint8)
    with pytest.raises(ImageError) as caught:
        to_rgb(rgb, width=640, height=480, step=1920, encoding="mono8")
    assert caught.value.reason == "step_large"
