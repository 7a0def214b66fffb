"""A bag gives the same values, to the last bit, through replay and through the nodes at any speed."""

from __future__ import annotations

import dataclasses
import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness import Ros, wait_for
from rclpy.qos import QoSDurabilityPolicy, QoSProfile, QoSReliabilityPolicy
from rclpy.serialization import deserialize_message
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image

from face1d_ros import msg as messages
from face1d_ros.convert import from_message
from face1d_ros.convert.bag import from_bag, to_bytes
from face1d_ros.graph import CAMERA_INFO, IMAGE, STAGES
from face1d_ros.nodes.expression_node import ExpressionNode
from face1d_ros.nodes.identity_node import IdentityNode
from face1d_ros.nodes.landmarks_node import LandmarksNode
from face1d_ros.nodes.mesh_node import MeshNode
from face1d_ros.nodes.pipeline_node import PipelineNode
from face1d_ros.nodes.smoothing_node import SmoothingNode
from face1d_ros.replay.job import DONE, Job, run_job
from face1d_ros.sources.portrait import AnimatedPortrait

WIDTH, HEIGHT, RATE_HZ, FRAMES = 320, 240, 30.0, 48
BEGIN_NS = 1_700_000_000_000_000_000
FACELESS = range(20, 24)
"""Frames without a face: a short loss, which is bridged."""
GRAPH = (LandmarksNode, SmoothingNode, MeshNode, ExpressionNode, IdentityNode)
TOPICS = {spec.publishes[0].name: spec.publishes[0].type for spec in STAGES}
COMPLETE = QoSProfile(
    depth=FRAMES, reliability=QoSReliabilityPolicy.RELIABLE, durability=QoSDurabilityPolicy.TRANSIENT_LOCAL
)
"""Nothing is lost, nor what is published before the nodes have found each other."""


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images of a moving face with a calibrated camera beside them."""
    path = tmp_path_factory.mktemp("same") / "bag"
    store = get_typestore(Stores.ROS2_HUMBLE)
    types = store.types
    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        images = writer.add_connection(f"/{IMAGE.name}", IMAGE.type, typestore=store)
        infos = writer.add_connection(f"/{CAMERA_INFO.name}", CAMERA_INFO.type, typestore=store)
        for index, frame in enumerate(AnimatedPortrait(width=WIDTH, height=HEIGHT, rate_hz=RATE_HZ).frames()):
            if index == FRAMES:
                break
            pixels = np.full_like(frame.image, 90) if index in FACELESS else frame.image
            stamp_ns = BEGIN_NS + frame.header.stamp_ns
            stamp = types["builtin_interfaces/msg/Time"](*divmod(stamp_ns, 1_000_000_000))
            header = types["std_msgs/msg/Header"](stamp, "camera")
            image = types[IMAGE.type](header, HEIGHT, WIDTH, "rgb8", 0, WIDTH * 3, pixels.reshape(-1))
            k = np.array([300.0, 0.0, 160.0, 0.0, 300.0, 120.0, 0.0, 0.0, 1.0])
            roi = types["sensor_msgs/msg/RegionOfInterest"](0, 0, 0, 0, False)
            d, r, p = np.array([0.05, -0.02, 0.0, 0.0, 0.0]), np.eye(3).reshape(-1), np.zeros(12)
            info = types[CAMERA_INFO.type](header, HEIGHT, WIDTH, "plumb_bob", d, k, r, p, 0, 0, roi)
            writer.write(infos, stamp_ns, store.serialize_cdr(info, CAMERA_INFO.type))
            writer.write(images, stamp_ns, store.serialize_cdr(image, IMAGE.type))
    return path


@pytest.fixture(scope="module")
def replayed(bag: Path) -> dict[str, dict[int, bytes]]:
    """What replay makes of it: by topic and stamp, as bytes."""
    job = Job(str(bag), str(bag.parent / "out"), pictures=False, report=False)
    outcome = run_job(job, lambda _: None, lambda: False)
    assert (outcome.state, outcome.frames, outcome.error) == (DONE, FRAMES, "")
    found: dict[str, dict[int, bytes]] = defaultdict(dict)
    with AnyReader([bag.parent / "out" / "results"]) as reader:
        for connection, stamp_ns, data in reader.messages():
            value = from_bag(reader.deserialize(data, connection.msgtype))
            found[connection.topic[1:]][stamp_ns] = bits(value)
    assert found.keys() == TOPICS.keys()
    return found


def bits(value: Any) -> bytes:
    """All of a result but how long it took and how many came before."""
    info = dataclasses.replace(value.info, duration_s=math.nan, received=0, used=0, dropped=0)
    return to_bytes(dataclasses.replace(value, info=info))


class Play:
    """Publishes a bag with simulated time, as `ros2 bag play --clock` does, and collects what the nodes answer."""

    def __init__(self, ros: Ros, bag: Path) -> None:
        self._ros = ros
        self._bag = bag
        self._nodes: list[Any] = []
        self.answers: dict[str, list[Any]] = {topic: [] for topic in TOPICS}
        player, listener = ros.node("player"), ros.node("listener")
        self._clock = player.create_publisher(Clock, "/clock", 10)
        self._images = player.create_publisher(Image, IMAGE.name, COMPLETE)
        self._infos = player.create_publisher(CameraInfo, CAMERA_INFO.name, COMPLETE)
        for topic, kind in TOPICS.items():
            message_type = getattr(messages, kind.rsplit("/", 1)[1])
            listener.create_subscription(message_type, topic, self.answers[topic].append, COMPLETE)

    def start(self, node_class: type, **parameters: Any) -> None:
        """A node of ours, which has heard of the camera."""
        override = {
            f"qos_overrides./{topic}.{role}.{policy}": value
            for topic in (IMAGE.name, CAMERA_INFO.name, *TOPICS)
            for role in ("subscription", "publisher")
            for policy, value in (("reliability", "reliable"), ("durability", "transient_local"), ("depth", FRAMES))
        }
        node = self._ros.make(node_class, {"use_sim_time": True, **override, **parameters})
        assert node.begin() is None
        self._nodes.append(node)
        if node._camera_info is not None:
            self._infos.publish(next(self._recorded(CAMERA_INFO.name, CameraInfo))[1])
            wait_for(lambda: node._camera_info._before, "the camera's calibration")

    def run(self, speed: float, expected: dict[str, int]) -> None:
        """All frames at so many times the speed they were recorded with.

        Each waits for the answers to the one before: where the nodes are slower, the newest would overtake the others.
        """
        infos = self._recorded(CAMERA_INFO.name, CameraInfo)
        began_s, first_ns = time.monotonic(), BEGIN_NS
        for index, (stamp_ns, image) in enumerate(self._recorded(IMAGE.name, Image)):
            due_s = began_s + (stamp_ns - first_ns) * 1e-9 / speed
            time.sleep(max(0.0, due_s - time.monotonic()))
            self._wait_for(lambda index=index: self.answered() >= index, f"the answer to frame {index - 1}")
            self._clock.publish(Clock(clock=image.header.stamp))
            self._infos.publish(next(infos)[1])
            self._images.publish(image)
        self._wait_for(lambda: {topic: len(answers) for topic, answers in self.answers.items()} == expected, "the end")
        assert time.monotonic() - began_s >= (FRAMES - 1) / RATE_HZ / speed

    def _wait_for(self, condition: Callable[[], bool], what: str) -> None:
        try:
            wait_for(condition, what)
        except AssertionError as error:
            came = {topic: len(answers) for topic, answers in self.answers.items()}
            told = {node.get_name(): node._worker.mailbox.accounts() for node in self._nodes}
            raise AssertionError(f"{error}; came {came}, {told}") from None

    def answered(self) -> int:
        """Frames to which every stage has answered."""
        return min(map(len, self.answers.values()))

    def bits(self) -> dict[str, dict[int, bytes]]:
        """What came, by topic and stamp."""
        found: dict[str, dict[int, bytes]] = defaultdict(dict)
        for topic, answers in self.answers.items():
            for message in answers:
                value = from_message(message)
                assert value.info.dropped == 0
                found[topic][value.header.stamp_ns] = bits(value)
        return found

    def _recorded(self, topic: str, message_type: type) -> Iterator[tuple[int, Any]]:
        with AnyReader([self._bag]) as reader:
            chosen = [connection for connection in reader.connections if connection.topic == f"/{topic}"]
            for _, stamp_ns, data in reader.messages(chosen):
                yield stamp_ns, deserialize_message(bytes(data), message_type)


@pytest.fixture
def play(ros: Ros, bag: Path) -> Play:
    return Play(ros, bag)


def assert_same(play: Play, replayed: dict[str, dict[int, bytes]]) -> None:
    came = play.bits()
    for topic, expected in replayed.items():
        assert came[topic].keys() == expected.keys(), topic
        different = [
            (stamp_ns - BEGIN_NS) * 1e-9 for stamp_ns in expected if came[topic][stamp_ns] != expected[stamp_ns]
        ]
        assert not different, f"{topic} differs at {different} s"
        assert len(play.answers[topic]) == len(expected)


def counts(replayed: dict[str, dict[int, bytes]]) -> dict[str, int]:
    return {topic: len(results) for topic, results in replayed.items()}


def test_the_bag_holds_something_to_compare(replayed: dict[str, dict[int, bytes]]) -> None:
    """A face that moves and is lost for a while, and a result of every stage for each frame."""
    assert counts(replayed) == dict.fromkeys(TOPICS, FRAMES)
    raw = replayed["face1d/landmarks_raw"]
    sizes = [len(raw[stamp_ns]) for stamp_ns in sorted(raw)]
    assert [index for index, size in enumerate(sizes) if size < 1000] == list(FACELESS)
    assert len(set(replayed["face1d/mesh"].values())) == FRAMES


@pytest.mark.parametrize("speed", [0.5, 1.0, 2.0])
def test_the_graph_gives_the_values_of_replay(play: Play, replayed: dict[str, dict[int, bytes]], speed: float) -> None:
    for node_class in GRAPH:
        play.start(node_class)
    play.run(speed, counts(replayed))
    assert_same(play, replayed)


@pytest.mark.parametrize("speed", [1.0, 2.0])
def test_the_pipeline_gives_the_values_of_replay(
    play: Play, replayed: dict[str, dict[int, bytes]], speed: float
) -> None:
    play.start(PipelineNode)
    play.run(speed, counts(replayed))
    assert_same(play, replayed)
