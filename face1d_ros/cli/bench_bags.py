"""Bags of the moving portrait, raw and JPEG, as a camera's recording would be."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from face1d_ros.convert.bag import definition, typestore
from face1d_ros.graph import IMAGE
from face1d_ros.replay.bag_file import BagFile
from face1d_ros.sources.base import stamp_of
from face1d_ros.sources.portrait import AnimatedPortrait
from face1d_ros.types import Frame

WIDTH, HEIGHT, RATE_HZ = 640, 480, 30.0
JPEG_QUALITY = 95
"""The default of image_transport's compressed images."""
RAW_BYTES = 3 * WIDTH * HEIGHT
JPEG_BYTES = 100_000
"""At most, on average, of the portrait at this quality."""
RESULT_BYTES = 25_000
"""Of all stages for one frame with one face, at most."""
RAW_TYPE, JPEG_TYPE = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"
FRAME_ID = "portrait"
FIRST_NS = 1_700_000_000_000_000_000
FLUSH_FRAMES = 30

Advance = Callable[[], None]


def frames_of(seconds: float) -> int:
    """At least two."""
    return max(2, math.ceil(seconds * RATE_HZ))


def write_raw(path: Path, seconds: float, advance: Advance) -> None:
    """A bag of raw images."""
    message: Any = typestore().types[RAW_TYPE]
    images = (frame.image for frame in _portrait(seconds))
    _write(
        path,
        f"/{IMAGE.name}",
        RAW_TYPE,
        (message(_header(0), HEIGHT, WIDTH, "rgb8", 0, 3 * WIDTH, image.reshape(-1)) for image in images),
        advance,
    )


def write_jpeg(path: Path, images: Sequence[bytes], frames: int, advance: Advance) -> None:
    """A bag of so many compressed images: these, forwards and backwards in turn, so that the motion has no jump."""
    message: Any = typestore().types[JPEG_TYPE]
    way = islice(cycle([*images, *images[-2:0:-1]]), frames)
    _write(
        path,
        f"/{IMAGE.name}/compressed",
        JPEG_TYPE,
        (message(_header(0), "rgb8; jpeg compressed bgr8", np.frombuffer(data, np.uint8)) for data in way),
        advance,
    )


def jpegs(seconds: float, advance: Advance) -> list[bytes]:
    """The portrait's images."""
    made = []
    for frame in _portrait(seconds):
        image = cv2.cvtColor(frame.image, cv2.COLOR_RGB2BGR)
        made.append(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes())
        advance()
    return made


def _portrait(seconds: float) -> Iterator[Frame]:
    return AnimatedPortrait(width=WIDTH, height=HEIGHT, rate_hz=RATE_HZ, length=frames_of(seconds)).frames()


def _write(path: Path, topic: str, type_name: str, messages: Iterator[Any], advance: Advance) -> None:
    """Messages at the rate, each with a header of its own."""
    bag = BagFile(path)
    with closing(bag):
        bag.add_topic(topic, type_name, *definition(type_name))
        for index, message in enumerate(messages):
            stamp_ns = FIRST_NS + stamp_of(index, RATE_HZ)
            message.header = _header(stamp_ns)
            bag.write(topic, stamp_ns, bytes(typestore().serialize_cdr(message, type_name)))
            if index % FLUSH_FRAMES == 0:
                bag.flush()
            advance()


def _header(stamp_ns: int) -> Any:
    types: Any = typestore().types
    seconds, nanoseconds = divmod(stamp_ns, 1_000_000_000)
    return types["std_msgs/msg/Header"](types["builtin_interfaces/msg/Time"](seconds, nanoseconds), FRAME_ID)
