"""Images of the portrait, rendered before and published at a rate: the camera's end of `face1d bench graph`."""

from __future__ import annotations

import hashlib
import json
import sys
import threading
import time
from array import array
from typing import Any

from rclpy.time import Time
from sensor_msgs.msg import Image

from face1d_ros.graph import IMAGE
from face1d_ros.nodes.base import FaceNode
from face1d_ros.nodes.qos import create_publisher
from face1d_ros.sources.portrait import AnimatedPortrait

RENDERED = 45
"""Images, shown forth and back, so that the motion has no jump."""
RENDERED_HZ = 30.0
PARTNERS_S = 30.0
SETTLING_S = 0.5
"""After all partners were seen; they may see each other a little later than us."""


def say(kind: str, values: dict[str, Any]) -> None:
    """One line of JSON."""
    sys.stdout.write(json.dumps({"type": kind, **values}) + "\n")
    sys.stdout.flush()


class ImagePublisher:
    """Publishes at a fixed rate and stamps each image the moment before."""

    def __init__(self, node: FaceNode, width: int, height: int) -> None:
        self.count = 0
        """Published so far."""
        self._node = node
        self._messages = _portrait_messages(width, height)
        self._publisher = create_publisher(node, Image, IMAGE.name)
        self._order = [*range(RENDERED), *range(RENDERED - 2, 0, -1)]

    def sha256(self) -> str:
        """Of all images."""
        digest = hashlib.sha256()
        for message in self._messages:
            digest.update(message.data)
        return digest.hexdigest()

    def publish(
        self, purpose: str, count: int, rate_hz: float, stopping: threading.Event, start_s: float | None = None
    ) -> tuple[list[int], int]:
        """The stamps in ns, and how many images were late by more than half their distance.

        The first is due at `start_s` of the monotonic clock, or now.
        """
        stamps_ns: list[int] = []
        late = 0
        start_s = time.monotonic() if start_s is None else start_s
        for index in range(count):
            wait_s = start_s + index / rate_hz - time.monotonic()
            if stopping.wait(max(0.0, wait_s)):
                break
            late += wait_s < -0.5 / rate_hz
            message = self._messages[self._order[self.count % len(self._order)]]
            message.header.frame_id = purpose
            stamp_ns = self._node.now_ns()
            message.header.stamp = Time(nanoseconds=stamp_ns).to_msg()
            self._publisher.publish(message)
            stamps_ns.append(stamp_ns)
            self.count += 1
        return stamps_ns, late

    def await_partners(self, readers: dict[str, int], stopping: threading.Event) -> bool:
        """Whether somebody listens to the images, and each of these topics has a maker and so many readers."""
        node = self._node
        names = {node.resolve_topic_name(topic): count for topic, count in readers.items()}
        end_s = time.monotonic() + PARTNERS_S
        while time.monotonic() < end_s and not stopping.is_set():
            there = all(
                node.count_publishers(name) and node.count_subscribers(name) >= count for name, count in names.items()
            )
            if there and self._publisher.get_subscription_count():
                return not stopping.wait(SETTLING_S)
            stopping.wait(0.05)
        return False


def _portrait_messages(width: int, height: int) -> list[Image]:
    """Images of the portrait, ready to be published."""
    messages = []
    for frame in AnimatedPortrait(width=width, height=height, rate_hz=RENDERED_HZ, length=RENDERED).frames():
        message = Image(width=width, height=height, step=3 * width, encoding="rgb8")
        message.data = array("B", frame.image.tobytes())
        messages.append(message)
    return messages
