"""The two ends of `face1d bench graph` around the whole chain of stages.

The camera publishes take after take: some rates, then in search of the highest one, and so on for each round. After
each take it asks the listener what has arrived, who tells how many frames each topic answered and prints the rest.
Lines of JSON on stdout: "begin" and "end" of a take's measured images, which were "published", "results" of a topic,
"highest" of a round.
"""

from __future__ import annotations

import json
import struct
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from typing import Any

from rclpy.serialization import deserialize_message
from std_msgs.msg import String

from face1d_ros import msg as messages
from face1d_ros.evaluate.rate_search import MOST_LOSS, highest_rate
from face1d_ros.graph import IMAGE, STAGES, NodeSpec, Topic
from face1d_ros.nodes.base import EXIT_FAILED, EXIT_OK, FaceNode
from face1d_ros.nodes.bench_images import PARTNERS_S, ImagePublisher, say
from face1d_ros.nodes.qos import result_qos

ASK, TOLD = "bench/ask", "bench/told"
ANSWER_S = 20.0
"""How long the listener may take to tell."""
WARM_UP, AROUND = "warm_up", "around"
"""Purposes of images that are not measured; those that are have the number of their take."""
WARM_UP_FRAMES, WARM_UP_HZ, WARM_UPS = 30, 15.0, 10
LEAD_S, TAIL_FRAMES = 0.5, 10
"""Before and after the measured images at the same rate: nothing begins or ends with them, and what looks ahead can."""
DRAIN_S = 0.4
SEARCHED_S = 5.0
"""Longest take while the highest rate is searched."""
KEPT = 0.97
"""Share of the rate that the camera has to keep itself."""
DEPTH = 500


def chosen_stages(names: str) -> tuple[NodeSpec, ...]:
    """The stages of these names with commas between; all for ''."""
    wanted = [name for name in names.split(",") if name]
    return tuple(spec.configured(spec.config()) for spec in STAGES if not wanted or spec.stage in wanted)


@dataclass(frozen=True)
class Take:
    """Images at one rate, and what became of them."""

    rate_hz: float
    kept_hz: float
    loss: float
    """Share of them that the topic with the fewest results did not answer."""

    @property
    def borne(self) -> bool:
        """Whether the stages keep up. A rate that the camera itself did not keep says nothing for it."""
        return self.loss < MOST_LOSS and self.kept_hz >= KEPT * self.rate_hz


class ChainCamera:
    """Publishes the takes and searches the highest rate."""

    def __init__(self, node: FaceNode) -> None:
        self._node = node
        self._images = ImagePublisher(node, node.config.width, node.config.height)
        self._specs = chosen_stages(node.config.stages)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._told: dict[str, Any] | None = None
        self._heard = threading.Event()
        self._ask = node.create_publisher(String, ASK, result_qos())
        node.create_subscription(String, TOLD, self._on_told, result_qos())
        self._takes = 0

    @property
    def count(self) -> int:
        """Images so far."""
        return self._images.count

    def start(self) -> None:
        """In a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Within about a second."""
        self._stopping.set()
        self._heard.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(1.0)

    def _run(self) -> None:
        problem = self._problem() or self._rounds()
        if problem and not self._stopping.is_set():
            self._node.get_logger().error(problem)
        self._node.end(EXIT_FAILED if problem else EXIT_OK)

    def _problem(self) -> str:
        """Why no take can begin; '' if one can: all are there, and each topic has had a result."""
        readers = {spec.publishes[0].name: 1 for spec in self._specs}
        for spec in self._specs:
            for topic in spec.subscribes:
                if topic.name in readers:
                    readers[topic.name] += 1
        if not self._images.await_partners(readers, self._stopping):
            return f"not all stages work on {IMAGE.name} after {PARTNERS_S:g} s"
        silent: list[str] = []
        for _ in range(WARM_UPS):
            self._images.publish(WARM_UP, WARM_UP_FRAMES, WARM_UP_HZ, self._stopping)
            silent = [topic for topic, count in self._answered(-1, WARM_UP).items() if not count]
            if not silent:
                return ""
        return f"nothing came on {', '.join(silent)} in {WARM_UPS * WARM_UP_FRAMES} frames"

    def _rounds(self) -> str:
        """Why they ended early; '' if they did not."""
        config = self._node.config
        say("images", {"sha256": self._images.sha256()})
        for number in range(config.rounds):
            known: dict[float, bool] = {}
            for rate_hz in [float(rate) for rate in config.rates.split(",") if rate]:
                known[rate_hz] = self._take("fixed", number, rate_hz, config.seconds).borne
            if config.highest:
                searched_s = min(config.seconds, SEARCHED_S)
                bears = lambda rate_hz: self._take("search", number, rate_hz, searched_s).borne  # noqa: E731, B023
                say("highest", {"round": number, "rate_hz": highest_rate(bears, known)})
            if self._stopping.is_set():
                return "stopped"
        return ""

    def _take(self, kind: str, number: int, rate_hz: float, seconds: float) -> Take:
        """Lead, measured images and tail in one pace; then ask."""
        take, self._takes = self._takes, self._takes + 1
        frames, lead = max(2, round(seconds * rate_hz)), max(2, round(LEAD_S * rate_hz))
        publish = partial(self._images.publish, rate_hz=rate_hz, stopping=self._stopping)
        start_s = time.monotonic()
        publish(AROUND, lead, start_s=start_s)
        say("begin", {"take": take, "kind": kind, "round": number, "rate_hz": rate_hz, "frames": frames})
        stamps_ns, late = publish(str(take), frames, start_s=start_s + lead / rate_hz)
        say("end", {"take": take})
        publish(AROUND, TAIL_FRAMES, start_s=start_s + (lead + frames) / rate_hz)
        say("published", {"take": take, "stamps_ns": stamps_ns, "late": late})
        answered = self._answered(take, str(take))
        span_s = (stamps_ns[-1] - stamps_ns[0]) * 1e-9 if len(stamps_ns) > 1 else 0.0
        kept_hz = (len(stamps_ns) - 1) / span_s if span_s > 0.0 else 0.0
        return Take(rate_hz, kept_hz, (frames - min(answered.values())) / frames)

    def _answered(self, take: int, purpose: str) -> dict[str, int]:
        """Results by topic; 0 of each where the listener does not answer."""
        self._stopping.wait(DRAIN_S)
        self._heard.clear()
        self._told = None
        self._ask.publish(String(data=json.dumps({"take": take, "purpose": purpose})))
        self._heard.wait(ANSWER_S)
        told: dict[str, Any] = self._told or {}
        return {spec.publishes[0].name: int(told.get(spec.publishes[0].name, 0)) for spec in self._specs}

    def _on_told(self, message: String) -> None:
        self._told = json.loads(message.data)
        self._heard.set()


COLUMNS = ("stamp_ns", "received_ns", "duration_s", "dropped", "faces")


class ChainListener:
    """Keeps the serialised results with the time at which they came; they are looked into after each take."""

    def __init__(self, node: FaceNode) -> None:
        self.count = 0
        self._node = node
        self._topics = [spec.publishes[0] for spec in chosen_stages(node.config.stages)]
        self._classes = {topic.name: getattr(messages, topic.type.rsplit("/", 1)[1]) for topic in self._topics}
        self._seen: dict[tuple[str, str], list[tuple[int, bytes]]] = defaultdict(list)
        """By topic and purpose."""
        self._subscriptions: list[Any] = []
        self._tell: Any = None

    def start(self) -> None:
        """Listen to every stage's result, and for questions."""
        node, qos = self._node, result_qos()
        qos.depth = DEPTH
        self._tell = node.create_publisher(String, TOLD, result_qos())
        self._subscriptions = [node.create_subscription(String, ASK, self._on_ask, result_qos())]
        for topic in self._topics:
            listen = partial(self._on_result, topic)
            kind = self._classes[topic.name]
            self._subscriptions.append(node.create_subscription(kind, topic.name, listen, qos, raw=True))

    def stop(self) -> None:
        """No more."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self._subscriptions = []

    def _on_result(self, topic: Topic, data: bytes) -> None:
        now_ns = self._node.now_ns()
        self._seen[topic.name, frame_id_of(data)].append((now_ns, data))
        self.count += 1

    def _on_ask(self, message: String) -> None:
        asked = json.loads(message.data)
        counts = {}
        for topic in self._topics:
            seen = self._seen.get((topic.name, asked["purpose"]), [])
            counts[topic.name] = len(seen)
            if asked["take"] >= 0:
                rows = [self._row(topic, received_ns, data) for received_ns, data in seen]
                say("results", {"take": asked["take"], "topic": topic.name, "columns": COLUMNS, "results": rows})
        self._seen.clear()
        self._tell.publish(String(data=json.dumps(counts)))

    def _row(self, topic: Topic, received_ns: int, data: bytes) -> tuple[Any, ...]:
        message = deserialize_message(data, self._classes[topic.name])
        stamp, info = message.header.stamp, message.info
        stamp_ns = stamp.sec * 1_000_000_000 + stamp.nanosec
        return stamp_ns, received_ns, round(info.duration_s, 6), info.dropped, len(message.faces)


_LENGTH = {0: struct.Struct(">I"), 1: struct.Struct("<I")}
_FRAME_ID_AT = 4 + 4 + 4
"""Encapsulation, seconds and nanoseconds come before it."""


def frame_id_of(data: bytes) -> str:
    """Of a serialised message that begins with a header."""
    length = _LENGTH[data[1] & 1].unpack_from(data, _FRAME_ID_AT)[0]
    begin = _FRAME_ID_AT + 4
    return data[begin : begin + length - 1].decode()
