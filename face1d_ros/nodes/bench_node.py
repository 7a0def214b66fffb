"""The two ends of `face1d bench graph`: a camera of frames rendered before, or who listens to the landmarks.

Each prints lines of JSON on stdout: "progress" once a second, "done" with all it has seen at its end. What an image
is for stands in its frame_id, which goes through the graph untouched: `WARM_UP`, `MEASURED` or `LAST`.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from array import array
from typing import Any

from rclpy.time import Time
from sensor_msgs.msg import Image

from face1d_ros.graph import BENCH, IMAGE, LANDMARKS_RAW
from face1d_ros.msg import FaceLandmarksArray
from face1d_ros.nodes.base import EXIT_FAILED, EXIT_OK, FaceNode
from face1d_ros.nodes.qos import create_publisher, result_qos
from face1d_ros.nodes.runner import run_node
from face1d_ros.sources.portrait import AnimatedPortrait

WARM_UP, MEASURED, LAST = "warm_up", "measured", "last"
RENDERED = 45
"""Images, shown forth and back, so that the motion has no jump."""
RENDERED_HZ = 30.0
WARM_UP_FRAMES, WARM_UP_HZ = 30, 15.0
DRAIN_S = 0.6
"""After it, whatever was on the way has arrived."""
PARTNERS_S = 30.0
DEPTH = 100
"""Results that may wait for the listener: what is measured is whether they were sent."""


class BenchNode(FaceNode):
    """One end, as its `role` says."""

    def __init__(self, **options: Any) -> None:
        super().__init__(BENCH, **options)
        self._end: Any = None

    def set_up(self) -> None:
        """Make what is expensive: the camera's images."""
        self._end = _Camera(self) if self.config.role == "camera" else _Listener(self)

    def start(self) -> None:
        """Publish, or listen."""
        self._end.start()

    def stop(self) -> None:
        """Say what was seen."""
        if self._end is not None:
            self._end.stop()

    def tear_down(self) -> None:
        """Forget it."""
        self._end = None

    def tick(self) -> None:
        """Say how far it is."""
        say("progress", {"count": self._end.count})


def say(kind: str, values: dict[str, Any]) -> None:
    """One line of JSON."""
    sys.stdout.write(json.dumps({"type": kind, **values}) + "\n")
    sys.stdout.flush()


class _Camera:
    """Publishes at a fixed rate and stamps each image the moment before."""

    def __init__(self, node: BenchNode) -> None:
        self.count = 0
        self._node = node
        self._messages = _portrait_messages(node.config.width, node.config.height)
        self._publisher = create_publisher(node, Image, IMAGE.name)
        self._stamps_ns: list[int] = []
        self._late = 0
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(1.0)

    def _run(self) -> None:
        if not self._await_partners():
            self._node.get_logger().error(f"nobody works on {IMAGE.name} after {PARTNERS_S:g} s")
            self._node.end(EXIT_FAILED)
            return
        config = self._node.config
        self._publish(WARM_UP, WARM_UP_FRAMES, WARM_UP_HZ)
        self._stamps_ns = []
        self._stopping.wait(DRAIN_S)
        self._publish(MEASURED, config.frames, config.rate_hz)
        stamps_ns = self._stamps_ns
        self._stopping.wait(DRAIN_S)
        self._publish(LAST, 1, config.rate_hz)
        self._stopping.wait(DRAIN_S)
        say("done", {"role": "camera", "stamps_ns": stamps_ns[: config.frames], "late": self._late})
        self._node.end(EXIT_OK)

    def _await_partners(self) -> bool:
        """Whether both other processes are there, and know of each other and of us."""
        node, landmarks = self._node, self._node.resolve_topic_name(LANDMARKS_RAW.name)
        end_s = time.monotonic() + PARTNERS_S
        while time.monotonic() < end_s and not self._stopping.is_set():
            there = node.count_publishers(landmarks) and node.count_subscribers(landmarks)
            if there and self._publisher.get_subscription_count():
                return not self._stopping.wait(0.5)
            self._stopping.wait(0.05)
        return False

    def _publish(self, purpose: str, count: int, rate_hz: float) -> None:
        start_s = time.monotonic()
        order = [*range(RENDERED), *range(RENDERED - 2, 0, -1)]
        for index in range(count):
            wait_s = start_s + index / rate_hz - time.monotonic()
            if self._stopping.wait(max(0.0, wait_s)):
                return
            self._late += purpose == MEASURED and wait_s < -0.5 / rate_hz
            message = self._messages[order[self.count % len(order)]]
            message.header.frame_id = purpose
            stamp_ns = self._node.now_ns()
            message.header.stamp = Time(nanoseconds=stamp_ns).to_msg()
            self._publisher.publish(message)
            self._stamps_ns.append(stamp_ns)
            self.count += 1


class _Listener:
    """Notes of every result when it came and what its stage says."""

    def __init__(self, node: BenchNode) -> None:
        self.count = 0
        self._node = node
        self._seen: list[tuple[Any, ...]] = []
        self._subscription: Any = None

    def start(self) -> None:
        qos = result_qos()
        qos.depth = DEPTH
        self._subscription = self._node.create_subscription(
            FaceLandmarksArray, LANDMARKS_RAW.name, self._on_message, qos
        )

    def stop(self) -> None:
        if self._subscription is None:
            return
        self._node.destroy_subscription(self._subscription)
        self._subscription = None
        say("done", {"role": "listener", "columns": COLUMNS, "results": self._seen})

    def _on_message(self, message: FaceLandmarksArray) -> None:
        now_ns = self._node.now_ns()
        stamp, info = message.header.stamp, message.info
        self._seen.append(
            (
                message.header.frame_id,
                stamp.sec * 1_000_000_000 + stamp.nanosec,
                now_ns,
                info.duration_s,
                info.received,
                info.used,
                info.dropped,
                len(message.faces),
            )
        )
        self.count += 1


COLUMNS = ("purpose", "stamp_ns", "received_ns", "duration_s", "received", "used", "dropped", "faces")


def _portrait_messages(width: int, height: int) -> list[Image]:
    """Images of the portrait, ready to be published."""
    messages = []
    for frame in AnimatedPortrait(width=width, height=height, rate_hz=RENDERED_HZ, length=RENDERED).frames():
        message = Image(width=width, height=height, step=3 * width, encoding="rgb8")
        message.data = array("B", frame.image.tobytes())
        messages.append(message)
    return messages


if __name__ == "__main__":
    sys.exit(run_node(BenchNode))
