"""Publishes serialised results that another process writes to its standard input, such as `face1d run --publish`."""

from __future__ import annotations

import sys
import threading
import traceback
from typing import Any

from rclpy.publisher import Publisher

from face1d_ros.nodes.base import EXIT_FAILED, EXIT_OK, FaceNode
from face1d_ros.nodes.diagnostics import Level, Rate, Report
from face1d_ros.nodes.message_types import message_class
from face1d_ros.nodes.qos import create_publisher
from face1d_ros.nodes.runner import run_node
from face1d_ros.replay.publishing import PUBLISHER, READY, read_records


class PublisherNode(FaceNode):
    """Ends with its standard input, which it reads while it is active."""

    def __init__(self, **options: Any) -> None:
        super().__init__(PUBLISHER, **options)
        self._topics: dict[str, Publisher] = {}
        self._thread: threading.Thread | None = None
        self._published = self._refused = 0
        self._rate = Rate()

    def set_up(self) -> None:
        """Make the publishers."""
        for topic in PUBLISHER.publishes:
            self._topics[topic.name] = create_publisher(self, message_class(topic.type), topic.name)

    def start(self) -> None:
        """Begin to read, once: the thread lives as long as the input."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._read, name="input", daemon=True)
            self._thread.start()
        sys.stdout.write(READY + "\n")
        sys.stdout.flush()

    def tear_down(self) -> None:
        """Free the publishers."""
        topics, self._topics = self._topics, {}
        for publisher in topics.values():
            self.destroy_publisher(publisher)

    def report(self) -> Report:
        """Rate and counts."""
        values = {
            "published": self._published,
            "refused": self._refused,
            "rate_out_hz": self._rate.update(self._published),
        }
        return Report(Level.OK, f"published {self._published} results", values)

    # In the input's thread.

    def _read(self) -> None:
        try:
            for topic, data in read_records(sys.stdin.buffer):
                self._publish(topic, data)
        except Exception as error:
            self.get_logger().error(f"the input broke: {''.join(traceback.format_exception(error))}")
            self.end(EXIT_FAILED)
            return
        self.end(EXIT_OK)

    def _publish(self, topic: str, data: bytes) -> None:
        publisher = self._topics.get(topic)
        if publisher is None or not self.is_active:
            self._refused += 1
            return
        publisher.publish(data)
        self._published += 1


if __name__ == "__main__":
    sys.exit(run_node(PublisherNode))
