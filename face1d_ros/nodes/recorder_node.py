"""Records topics to an MCAP bag, and measures them: one line of JSON a second on stdout, and a summary at the end.

Each is an object with `type` ("topics" or "summary"), `elapsed_s`, `topics` (fields of
`face1d_ros.nodes.topic_meter.Measure`) and `bag` (fields of `face1d_ros.nodes.bag_writer.BagState`, or null).
Lines that do not begin with "{" are not ours: Fast DDS prints its errors to stdout.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from functools import partial
from typing import Any

from rclpy.qos import QoSDurabilityPolicy, QoSHistoryPolicy, QoSProfile, QoSReliabilityPolicy
from rclpy.subscription import Subscription

from face1d_ros.errors import MissingDependencyError
from face1d_ros.graph import IMAGE, NODES, RECORDER
from face1d_ros.nodes.bag_writer import BagState, BagWriter
from face1d_ros.nodes.base import FaceNode
from face1d_ros.nodes.diagnostics import Level, Report
from face1d_ros.nodes.message_types import message_class
from face1d_ros.nodes.runner import run_node
from face1d_ros.nodes.topic_meter import TopicMeter

LINE_S = 1.0
DEPTH = 100
"""Messages that may wait for this node; of images 10, or they would fill the shared memory."""
IMAGE_DEPTH = 10


class RecorderNode(FaceNode):
    """Subscribes to each wanted topic as soon as it has a publisher, with what that publisher offers."""

    def __init__(self, **options: Any) -> None:
        super().__init__(RECORDER, **options)
        self._wanted: list[str] = []
        self._meters: dict[str, TopicMeter] = {}
        self._inputs: dict[str, Subscription] = {}
        self._unusable: set[str] = set()
        self._bag: BagWriter | None = None
        self._began_s = self._line_at_s = 0.0
        self._told_error = False

    def set_up(self) -> None:
        """Make the bag."""
        self._wanted = [self.resolve_topic_name(topic) for topic in self._wanted_topics()]
        self._meters, self._unusable, self._told_error = {}, set(), False
        self._bag = BagWriter(self.config.path) if self.config.path else None
        self._began_s = self._line_at_s = time.monotonic()

    def start(self) -> None:
        """Subscribe to what is there."""
        self._subscribe()

    def stop(self) -> None:
        """Stop to listen, once what has arrived is taken."""
        inputs, self._inputs = self._inputs, {}
        for subscription in inputs.values():
            _take_all(subscription)
            self.destroy_subscription(subscription)

    def tear_down(self) -> None:
        """Close the bag and say what is in it."""
        bag, self._bag = self._bag, None
        if not self._wanted:
            return
        self._wanted = []
        self._say("summary", bag.close() if bag is not None else None)

    def tick(self) -> None:
        """Look for new topics, and say the line when it is due."""
        self._subscribe()
        if time.monotonic() - self._line_at_s >= LINE_S:
            self._line_at_s += LINE_S
            state = self._bag.state() if self._bag is not None else None
            self._say("topics", state)
            if state is not None and state.error and not self._told_error:
                self._told_error = True
                self.get_logger().error(f"{state.error}; measuring goes on, recording does not")

    def report(self) -> Report:
        """What is being recorded."""
        state = self._bag.state() if self._bag is not None else None
        values: dict[str, object] = {meter.name: meter.total for meter in list(self._meters.values())}
        if state is not None:
            values |= {"path": state.path, "size_bytes": state.size_bytes, "dropped": state.dropped}
        if state is not None and state.error:
            return Report(Level.ERROR, state.error, values)
        missing = [topic for topic in self._wanted if topic not in self._inputs]
        if not self._inputs:
            return Report(Level.WARN, f"none of the topics has a publisher: {', '.join(missing)}", values)
        doing = "recording" if state is not None else "measuring"
        lacking = f"; no publisher yet on {', '.join(missing)}" if missing else ""
        if state is not None and state.dropped:
            return Report(Level.WARN, f"{doing}; the disk is too slow: {state.dropped} messages dropped", values)
        return Report(Level.OK, f"{doing} {len(self._inputs)} topics{lacking}", values)

    def _wanted_topics(self) -> list[str]:
        chosen = [name.strip() for name in self.config.topics.split(",") if name.strip()]
        if not chosen:
            chosen = [topic.name for node in NODES for topic in node.results if topic is not IMAGE]
        if self.config.images and IMAGE.name not in chosen:
            chosen.append(IMAGE.name)
        return chosen

    def _subscribe(self) -> None:
        for topic in self._wanted:
            if topic in self._inputs or topic in self._unusable:
                continue
            publishers = self.get_publishers_info_by_topic(topic)
            if not publishers:
                continue
            type_name = publishers[0].topic_type
            try:
                kind = message_class(type_name)
                if self._bag is not None:
                    self._bag.add_topic(topic, type_name)
            except MissingDependencyError as error:
                self._unusable.add(topic)
                self.get_logger().error(f"{topic} is not recorded: {error}")
                continue
            meter = self._meters.setdefault(topic, TopicMeter(topic, type_name, kind))
            qos = _matching([publisher.qos_profile for publisher in publishers], type_name)
            callback = partial(self._on_message, meter)
            self._inputs[topic] = self.create_subscription(kind, topic, callback, qos, raw=True)

    def _on_message(self, meter: TopicMeter, data: bytes) -> None:
        now_ns = self.now_ns()
        meter.add(data, now_ns)
        if self._bag is not None:
            self._bag.put(meter.name, now_ns, data)

    def _say(self, kind: str, bag: BagState | None) -> None:
        measures = [m.line() if kind == "topics" else m.summary() for m in self._meters.values()]
        line = {
            "type": kind,
            "elapsed_s": round(time.monotonic() - self._began_s, 3),
            "topics": [dataclasses.asdict(measure) for measure in measures],
            "bag": dataclasses.asdict(bag) if bag is not None else None,
        }
        try:
            sys.stdout.write(json.dumps(line, allow_nan=False) + "\n")
            sys.stdout.flush()
        except OSError as error:  # whoever read it has gone; the recording goes on
            self.get_logger().warning(f"nobody reads the measurements: {error}", once=True)


def _take_all(subscription: Subscription) -> None:
    """Handle the messages that wait in the middleware: it drops them with the subscription."""
    with subscription.handle:
        while taken := subscription.handle.take_message(subscription.msg_type, subscription.raw):
            subscription.callback(taken[0])


def _matching(offered: list[QoSProfile], type_name: str) -> QoSProfile:
    """The strongest profile that all these publishers match."""
    reliable = all(qos.reliability == QoSReliabilityPolicy.RELIABLE for qos in offered)
    lasting = all(qos.durability == QoSDurabilityPolicy.TRANSIENT_LOCAL for qos in offered)
    return QoSProfile(
        history=QoSHistoryPolicy.KEEP_LAST,
        depth=IMAGE_DEPTH if type_name == IMAGE.type else DEPTH,
        reliability=QoSReliabilityPolicy.RELIABLE if reliable else QoSReliabilityPolicy.BEST_EFFORT,
        durability=QoSDurabilityPolicy.TRANSIENT_LOCAL if lasting else QoSDurabilityPolicy.VOLATILE,
    )


if __name__ == "__main__":
    sys.exit(run_node(RecorderNode))
