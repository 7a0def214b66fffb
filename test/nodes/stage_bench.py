"""A node around a stage of ours, with a camera before it and a listener behind it."""

from __future__ import annotations

import time

import pytest
from harness import Ros, wait_for
from sensor_msgs.msg import Image
from stage_for_tests import StageForTests

from face1d_ros.msg import FaceLandmarksArray
from face1d_ros.nodes import chain
from face1d_ros.nodes.landmarks_node import LandmarksNode
from face1d_ros.nodes.mailbox import OVERTAKEN
from face1d_ros.nodes.qos import image_qos, result_qos


class Bench:
    """A landmarks node around a stage of ours, a camera before it, a listener behind it."""

    def __init__(self, ros: Ros, monkeypatch: pytest.MonkeyPatch) -> None:
        self._ros = ros
        self.stages: list[StageForTests] = []
        self.results: list[FaceLandmarksArray] = []
        self.sent = 0
        self._monkeypatch = monkeypatch

    def start(
        self,
        node_class: type = LandmarksNode,
        parameters: dict | None = None,
        stage: type = StageForTests,
        **stage_options,
    ):
        def make(config):
            self.stages.append(stage(config, **stage_options))
            return self.stages[-1]

        self._monkeypatch.setitem(chain.FACTORIES, "landmarks_node", make)
        self.node = self._ros.make(node_class, parameters)
        assert self.node.begin() is None
        return self.node

    def listen(self) -> None:
        """Hear every result: a busy machine may keep the listener from taking them for a while."""
        qos = result_qos()
        qos.depth = 1000
        self._ros.node("listener").create_subscription(
            FaceLandmarksArray, "face1d/landmarks_raw", self.results.append, qos
        )
        wait_for(self.node._links[0].publisher.get_subscription_count, "the listener")

    def reasons(self) -> dict[str, int]:
        """Why frames were dropped, but for those that a newer one has overtaken."""
        reasons = dict(self.node._worker.mailbox.accounts().reasons)
        reasons.pop(OVERTAKEN, None)
        return reasons

    def camera(self, message_type: type = Image, topic: str = "camera/image_raw"):
        publisher = self._ros.node("camera").create_publisher(message_type, topic, image_qos())
        wait_for(publisher.get_subscription_count, "the node's subscription")
        return publisher

    def send_until_answered(self, publisher, make) -> FaceLandmarksArray:
        """The answer to one of these images; `sent` counts them all."""
        headers = []

        def answer() -> FaceLandmarksArray | None:
            message = make()
            headers.append(message.header)
            self.sent += 1
            publisher.publish(message)
            time.sleep(0.05)
            return next((result for result in self.results if result.header in headers), None)

        return wait_for(answer, "an answer")
