"""A stage that does what a test tells it, in place of the detector: for tests of the node around it."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
from sensor_msgs.msg import Image

from face1d_ros.types import FaceLandmarks, FaceLandmarksArray, Frame, StageInfo


class StageForTests:
    name = "landmarks"

    def __init__(self, config: Any, faces: int = 1, duration_s: float = 0.0) -> None:
        self.config = config
        self.faces = faces
        self.duration_s = duration_s
        self.error: Exception | None = None
        self.hold = threading.Event()
        self.hold.set()
        self.calls: list[str] = []
        self.processed = 0

    def process(self, frame: Frame) -> FaceLandmarksArray:
        self.hold.wait(20.0)
        self.processed += 1
        time.sleep(self.duration_s)
        if self.error is not None:
            raise self.error
        height, width = frame.image.shape[:2]
        faces = tuple(FaceLandmarks(points=np.zeros((478, 3), np.float32), track_id=i + 1) for i in range(self.faces))
        return FaceLandmarksArray(
            header=frame.header,
            image_width=width,
            image_height=height,
            faces=faces,
            info=StageInfo(stage=self.name, model="test 1", engine="none"),
        )

    def reset(self) -> None:
        self.calls.append("reset")

    def prepare(self, config: Any) -> None:
        pass

    def diagnostics(self) -> dict[str, object]:
        return {}

    def configure(self, config: Any) -> None:
        self.config = config

    def close(self) -> None:
        self.calls.append("close")


def image(index: int = 0, width: int = 64, height: int = 48, stamp_ns: int | None = None, **fields: Any) -> Image:
    """A grey image whose frame_id is its number."""
    message = Image(height=height, width=width, encoding="rgb8", step=3 * width, data=bytes(3 * width * height))
    message.header.frame_id = str(index)
    stamp_ns = time.time_ns() if stamp_ns is None else stamp_ns
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp_ns, 1_000_000_000)
    for name, value in fields.items():
        setattr(message, name, value)
    return message
