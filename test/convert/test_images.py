"""ROS images to frames and back."""

from __future__ import annotations

import array
import itertools
from typing import Any

import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage, Image

from face1d_ros.convert import compressed_to_frame, frame_to_compressed, frame_to_image, image_to_frame
from face1d_ros.convert.pixels import ENCODINGS
from face1d_ros.errors import ConversionError, ImageError
from face1d_ros.types import Frame, Header

RNG = np.random.default_rng(5)
FRAME = Frame(Header(1_700_000_000_123_456_789, "camera"), RNG.integers(0, 256, (48, 64, 3), np.uint8))


def test_a_frame_comes_back_exactly_with_its_header() -> None:
    frame = image_to_frame(frame_to_image(FRAME))
    np.testing.assert_array_equal(frame.image, FRAME.image)
    assert (frame.header.stamp_ns, frame.header.frame_id) == (FRAME.header.stamp_ns, "camera")


def test_an_rgb_frame_is_a_view_of_its_message() -> None:
    message = frame_to_image(FRAME)
    assert np.shares_memory(image_to_frame(message).image, np.frombuffer(message.data, np.uint8))


@pytest.mark.parametrize("encoding", ["rgb8", "bgr8", "mono8"])
def test_a_written_image_is_what_it_says(encoding: str) -> None:
    message = frame_to_image(FRAME, encoding)
    assert (message.width, message.height, message.encoding) == (64, 48, encoding)
    assert message.step == 64 * ENCODINGS[encoding].channels
    assert isinstance(message.data, array.array) and len(message.data) == message.step * 48
    image = image_to_frame(message).image
    if encoding != "mono8":
        np.testing.assert_array_equal(image, FRAME.image)
    else:
        grey = FRAME.image @ [0.299, 0.587, 0.114]
        assert np.abs(image - grey[..., None]).max() < 1.1


def test_a_cropped_frame_is_written_row_by_row() -> None:
    crop = Frame(FRAME.header, FRAME.image[10:20, 5:25])
    np.testing.assert_array_equal(image_to_frame(frame_to_image(crop)).image, crop.image)


def test_png_keeps_every_pixel_and_jpeg_nearly() -> None:
    np.testing.assert_array_equal(compressed_to_frame(frame_to_compressed(FRAME, "png")).image, FRAME.image)
    flat = Frame(FRAME.header, np.full((48, 64, 3), (200, 100, 50), np.uint8))
    message = frame_to_compressed(flat)
    assert message.format == "rgb8; jpeg compressed bgr8"
    frame = compressed_to_frame(message)
    assert np.abs(frame.image.astype(int) - flat.image).max() <= 4
    assert frame.header.stamp_ns == FRAME.header.stamp_ns


@pytest.mark.parametrize(
    "image",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8), None],
    ids=["grey", "double", "empty", "none"],
)
def test_what_is_no_image_is_not_written(image: Any) -> None:
    for write in (frame_to_image, frame_to_compressed):
        with pytest.raises(ConversionError, match=r"Frame\.image"):
            write(Frame(Header(), image))


def test_unknown_encodings_are_not_written() -> None:
    with pytest.raises(ConversionError, match="rgb8, bgr8, mono8"):
        frame_to_image(FRAME, "yuv422")
    with pytest.raises(ConversionError, match="jpeg, png"):
        frame_to_compressed(FRAME, "gif")


@pytest.mark.parametrize("make,read", [(frame_to_image, image_to_frame), (frame_to_compressed, compressed_to_frame)])
def test_an_impossible_stamp_is_refused(make: Any, read: Any) -> None:
    message = make(FRAME)
    message.header.stamp.nanosec = 2**32 - 1
    with pytest.raises(ImageError) as caught:
        read(message)
    assert caught.value.reason == "header"


@pytest.mark.parametrize("message,read", [(Image(), image_to_frame), (CompressedImage(), compressed_to_frame)])
def test_an_empty_message_is_refused(message: Any, read: Any) -> None:
    with pytest.raises(ImageError):
        read(message)


def test_pixels_are_those_of_cv_bridge() -> None:
    cv_bridge = pytest.importorskip("cv_bridge", reason="cv_bridge comes with a native ROS 2 only")
    compared = 0
    for encoding, big_endian in itertools.product(ENCODINGS, (False, True)):
        message = random_image(encoding, big_endian)
        try:
            theirs = cv_bridge.CvBridge().imgmsg_to_cv2(message, "rgb8")
        except cv_bridge.CvBridgeError:
            continue  # an older cv_bridge does not know this encoding
        ours = image_to_frame(message).image.astype(int)
        np.testing.assert_allclose(ours, theirs, atol=1, err_msg=f"{encoding}, big endian: {big_endian}")
        compared += 1
    assert compared >= 24


def random_image(encoding: str, big_endian: bool) -> Any:
    kind = ENCODINGS[encoding]
    step = 64 * kind.channels * kind.bytes_per_channel
    message = Image(width=64, height=48, step=step, encoding=encoding, is_bigendian=int(big_endian))
    message.data = array.array("B", RNG.integers(0, 256, step * 48, np.uint8).tobytes())
    return message
