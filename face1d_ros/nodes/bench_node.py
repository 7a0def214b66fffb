"""The two ends of `face1d bench graph`: a camera of frames rendered before, or who listens to the results.

Each prints lines of JSON on stdout: "progress" once a second, "done" with all it has seen at its end. What an image
is for stands in its frame_id, which goes through the graph untouched: `WARM_UP`, `MEASURED` or `LAST`.
"""

from __future__ import annotations

import sys
import threading
from typing import Any

from face1d_ros.graph import BENCH, IMAGE, LANDMARKS_RAW
from face1d_ros.msg import FaceLandmarksArray
from face1d_ros.nodes.base import EXIT_FAILED, EXIT_OK, FaceNode
from face1d_ros.nodes.bench_chain import ChainCamera, ChainListener
from face1d_ros.nodes.bench_images import PARTNERS_S, ImagePublisher, say
from face1d_ros.nodes.qos import result_qos
from face1d_ros.nodes.runner import run_node

WARM_UP, MEASURED, LAST = "warm_up", "measured", "last"
WARM_UP_FRAMES, WARM_UP_HZ = 30, 15.0
DRAIN_S = 0.6
"""After it, whatever was on the way has arrived."""
DEPTH = 100
"""Results that may wait for the listener: what is measured is whether they were sent."""


class BenchNode(FaceNode):
    """One end, as its `role` says."""

    def __init__(self, **options: Any) -> None:
        super().__init__(BENCH, **options)
        self._end: Any = None

    def set_up(self) -> None:
        """Make what is expensive: the camera's images."""
        self._end = ROLES[self.config.role](self)

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


class _Camera:
    """One rate: images to warm up, those that are measured, and a last one."""

    def __init__(self, node: BenchNode) -> None:
        self._node = node
        self._images = ImagePublisher(node, node.config.width, node.config.height)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def count(self) -> int:
        return self._images.count

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(1.0)

    def _run(self) -> None:
        if not self._images.await_partners({LANDMARKS_RAW.name: 1}, self._stopping):
            self._node.get_logger().error(f"nobody works on {IMAGE.name} after {PARTNERS_S:g} s")
            self._node.end(EXIT_FAILED)
            return
        config = self._node.config
        self._images.publish(WARM_UP, WARM_UP_FRAMES, WARM_UP_HZ, self._stopping)
        self._stopping.wait(DRAIN_S)
        stamps_ns, late = self._images.publish(MEASURED, config.frames, config.rate_hz, self._stopping)
        self._stopping.wait(DRAIN_S)
        self._images.publish(LAST, 1, config.rate_hz, self._stopping)
        self._stopping.wait(DRAIN_S)
        say("done", {"role": "camera", "stamps_ns": stamps_ns, "late": late, "sha256": self._images.sha256()})
        self._node.end(EXIT_OK)


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
ROLES: dict[str, Any] = {
    "camera": _Camera,
    "listener": _Listener,
    "chain_camera": ChainCamera,
    "chain_listener": ChainListener,
}

if __name__ == "__main__":
    sys.exit(run_node(BenchNode))
