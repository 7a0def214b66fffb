"""Who hears a camera node, and what it can be given to play."""

from __future__ import annotations

import threading
import time
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
from harness import Ros
from sensor_msgs.msg import CameraInfo, Image

from face1d_ros.errors import SourceNotFoundError
from face1d_ros.nodes.qos import image_qos, result_qos
from face1d_ros.sources.base import Opened
from face1d_ros.types import Frame, Header

QUICK = {"diagnostics_period_s": 0.1, "stall_after_s": 0.5}


class Listener:
    def __init__(self, ros: Ros) -> None:
        self.images: list[Image] = []
        self.infos: list[CameraInfo] = []
        node = ros.node("viewer")
        node.create_subscription(Image, "camera/image_raw", self.images.append, image_qos())
        all_of_them = result_qos()
        all_of_them.depth = 1000
        node.create_subscription(CameraInfo, "camera/camera_info", self.infos.append, all_of_them)


def stamp_ns(message: Image | CameraInfo) -> int:
    return message.header.stamp.sec * 10**9 + message.header.stamp.nanosec


def write_images(folder: Path, count: int) -> None:
    for index in range(count):
        cv2.imwrite(str(folder / f"{index}.png"), np.full((48, 64, 3), 50 * index, np.uint8))


class Webcam(Opened):
    """A camera that the test unplugs and covers."""

    live = True
    length = None
    description = "webcam"
    width, height, rate_hz = 64, 48, 100.0
    plugged, gives = threading.Event(), threading.Event()

    def __init__(self, *_: object, clock, **__: object) -> None:
        self.skipped: Counter[str] = Counter()
        self._clock = clock
        self._check()

    def _check(self) -> None:
        if not self.plugged.is_set():
            raise SourceNotFoundError("webcam", "plug it in")

    def frames(self):
        while True:
            time.sleep(0.01)
            self._check()
            if self.gives.is_set():
                yield Frame(Header(self._clock() - 5_000_000, ""), np.zeros((48, 64, 3), np.uint8))
