from __future__ import annotations

import json
import resource
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness import DEADLINE_S, DiagnosticsListener, Output, Ros, process, wait_for
from rclpy.duration import Duration
from rclpy.publisher import Publisher
from rclpy.serialization import serialize_message
from rosbags.highlevel import AnyReader
from sensor_msgs.msg import CameraInfo
from stage_for_tests import image
from std_msgs.msg import String
from stopwatch import Stopwatch, time_to_end_s

from face1d_ros.graph import NODES
from face1d_ros.msg import FaceLandmarks, FaceLandmarksArray, StageInfo
from face1d_ros.nodes.message_types import Definitions, definition_file, message_class
from face1d_ros.nodes.qos import image_qos, result_qos
from face1d_ros.nodes.recorder_node import RecorderNode
from face1d_ros.nodes.topic_meter import TopicMeter

RECORDER = "face1d_ros.nodes.recorder_node"
READ_WITHOUT_ROS = """
import json, sys
from rosbags.highlevel import AnyReader
from pathlib import Path
found = {}
with AnyReader([Path(sys.argv[1])]) as reader:
    for connection, time_ns, data in reader.messages():
        message = reader.deserialize(data, connection.msgtype)
        values = found.setdefault(connection.topic, [])
        if connection.msgtype == "face1d_ros/msg/FaceLandmarksArray":
            values.append([message.header.frame_id, message.info.received, float(message.faces[0].points[5])])
assert not {"face1d_ros", "rclpy", "sensor_msgs"} & set(sys.modules)
print(json.dumps(found))
"""


def landmarks(index: int, age_ms: float = 10.0, dropped: int = 0) -> FaceLandmarksArray:
    message = FaceLandmarksArray()
    message.header.frame_id = str(index)
    stamp_ns = time.time_ns() - int(age_ms * 1e6)
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp_ns, 10**9)
    message.faces = [FaceLandmarks(points=np.arange(1434, dtype=np.float32))]
    message.info = StageInfo(received=index + 1 + dropped, used=index + 1, dropped=dropped, duration_s=0.004)
    return message


def read(path: Path) -> dict[str, list[Any]]:
    """The bag in a process that has neither ROS nor our package."""
    done = subprocess.run(
        [sys.executable, "-c", READ_WITHOUT_ROS, str(path)], capture_output=True, text=True, cwd=path.parent
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def send(ros: Ros, count: int, period_s: float = 0.01, dropped: int = 3):
    """A publisher of landmarks, all of which have reached the recorder."""
    publisher = ros.node("stage").create_publisher(FaceLandmarksArray, "face1d/landmarks_raw", result_qos())
    wait_for(publisher.get_subscription_count, "the recorder")
    send_more(publisher, count, period_s, dropped)
    return publisher


def send_more(publisher: Publisher, count: int, period_s: float = 0.01, dropped: int = 3) -> None:
    for index in range(count):
        publisher.publish(landmarks(index, dropped=dropped))
        time.sleep(period_s)
    assert publisher.wait_for_all_acked(Duration(seconds=DEADLINE_S)), "the recorder has not received all"


def times_and_ages(path: Path) -> tuple[list[int], np.ndarray]:
    """When each of the landmarks in a bag came, and how old it was then in ms."""
    times_ns, ages_ms = [], []
    with AnyReader([path]) as reader:
        for connection, time_ns, data in reader.messages():
            stamp = reader.deserialize(data, connection.msgtype).header.stamp
            times_ns.append(time_ns)
            ages_ms.append((time_ns - (stamp.sec * 10**9 + stamp.nanosec)) * 1e-6)
    return times_ns, np.array(ages_ms)


class Recorder:
    """A recorder in a process of its own."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self.child = child
        self.output, self.log = Output(child.stdout), Output(child.stderr)

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What it has said so far; Fast DDS prints to stdout too."""
        return [json.loads(line) for line in list(self.output.lines) if line.startswith("{")]

    def wait_for_line(self, told: Callable[[dict[str, Any]], object], what: str) -> None:
        """Until it has said such a line."""
        wait_for(lambda: any(told(line) for line in self.lines), what)

    def end(self) -> list[dict[str, Any]]:
        """Ctrl-C: its lines."""
        self.child.send_signal(signal.SIGINT)
        assert time_to_end_s(self.child) < 2.0
        log = self.log.whole()
        assert self.child.returncode == 0, log
        assert "Traceback" not in log
        self.output.whole()
        return self.lines


@contextmanager
def recorder(path: Path | None = None, **options: Any) -> Iterator[Recorder]:
    """A recorder that records there, or only measures."""
    arguments = ("--ros-args", "-p", f"path:={path}") if path else ()
    with process(RECORDER, *arguments, **options) as child:
        yield Recorder(child)


def test_a_bag_is_recorded_and_measured_and_read_without_ros(ros: Ros, tmp_path: Path):
    path = tmp_path / "bag"
    with recorder(path) as recording:
        send(ros, 100)
        recording.wait_for_line(lambda line: line["bag"]["messages"] == 100, "all messages in the bag")
        lines = recording.end()
    assert read(path) == {"/face1d/landmarks_raw": [[str(i), i + 4, 5.0] for i in range(100)]}
    *running, summary = lines
    assert running
    assert {line["type"] for line in running} == {"topics"}
    assert summary["type"] == "summary"
    (topic,) = summary["topics"]
    assert (topic["name"], topic["count"], topic["dropped"]) == ("/face1d/landmarks_raw", 100, 3)
    times_ns, ages_ms = times_and_ages(path)
    assert topic["rate_hz"] == pytest.approx(99e9 / (times_ns[-1] - times_ns[0]), rel=0.02)
    for key, percent in (("age_p50_ms", 50), ("age_p99_ms", 99), ("age_max_ms", 100)):
        assert topic[key] == pytest.approx(np.percentile(ages_ms, percent), abs=0.002)
    assert ages_ms.min() >= 10.0
    assert topic["stage_ms"] == 4.0
    bag = summary["bag"]
    assert (bag["path"], bag["messages"], bag["dropped"], bag["error"]) == (str(path), 100, 0, "")
    assert bag["size_bytes"] == sum(file.stat().st_size for file in path.glob("*.mcap")) > 500_000


def test_without_a_path_it_only_measures(ros: Ros, tmp_path: Path):
    with recorder(cwd=tmp_path) as recording:
        send(ros, 20)
        lines = recording.end()
    assert lines[-1]["bag"] is None
    assert lines[-1]["topics"][0]["count"] == 20
    assert list(tmp_path.iterdir()) == []


def test_chosen_topics_of_any_type_and_images_are_recorded(ros: Ros, tmp_path: Path):
    node = ros.make(RecorderNode, {"path": str(tmp_path / "bag"), "topics": "chatter", "images": True})
    assert node.begin() is None
    chatter = ros.node("talker").create_publisher(String, "chatter", 10)
    images = ros.node("camera").create_publisher(type(image()), "camera/image_raw", image_qos())
    ros.node("other").create_publisher(CameraInfo, "camera/camera_info", 1)
    wait_for(lambda: chatter.get_subscription_count() and images.get_subscription_count(), "the recorder")
    for index in range(10):
        chatter.publish(String(data=str(index)))
        images.publish(image(index))
        time.sleep(0.02)
    wait_for(lambda: node._meters["/chatter"].total == 10, "all of them")
    wait_for(lambda: node._meters["/camera/image_raw"].total, "an image")
    node.trigger_deactivate()
    node.trigger_cleanup()
    assert {topic: len(values) for topic, values in read(tmp_path / "bag").items()} == {
        "/chatter": 0,
        "/camera/image_raw": 0,
    }
    assert node._meters["/chatter"].total == 10


def test_a_best_effort_publisher_is_recorded_too(ros: Ros):
    node = ros.make(RecorderNode, {"topics": "face1d/landmarks_raw"})
    assert node.begin() is None
    publisher = ros.node("stage").create_publisher(FaceLandmarksArray, "face1d/landmarks_raw", image_qos())
    wait_for(publisher.get_subscription_count, "the recorder")
    wait_for(lambda: publisher.publish(landmarks(0)) or node._meters["/face1d/landmarks_raw"].total, "a message")


@pytest.mark.parametrize("name", ["bag", "file/bag"])
def test_a_path_that_cannot_be_used_is_refused(ros: Ros, tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]):
    (tmp_path / "bag").mkdir()
    (tmp_path / "file").touch()
    node = ros.make(RecorderNode, {"path": str(tmp_path / name)}, spin=False)
    assert node.begin() == 1
    assert f"cannot record to {tmp_path / name}: " in capfd.readouterr().err


def test_a_full_disk_ends_the_recording_but_not_the_measuring(ros: Ros, tmp_path: Path):
    def limit_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))

    path = tmp_path / "bag"
    with recorder(path, preexec_fn=limit_files) as recording:
        publisher = send(ros, 50)
        wait_for(lambda: len(messages_on_disk(path)) == 50, "the first messages on the disk")
        send_more(publisher, 250, period_s=0.004)
        recording.wait_for_line(lambda line: line["bag"]["error"], "the full disk")
        send_more(publisher, 20)
        summary = recording.end()[-1]
    bag = summary["bag"]
    assert bag["error"] == (
        f"recording to {path} has ended: File too large; the {bag['messages']} messages before it are complete"
    )
    assert f"{bag['error']}; measuring goes on, recording does not" in recording.log.whole()
    assert summary["topics"][0]["count"] == 320
    assert bag["messages"] + bag["dropped"] == 320
    (recorded,) = read(path).values()
    assert recorded[:50] == [[str(i), i + 4, 5.0] for i in range(50)]
    assert len(recorded) == bag["messages"] < 300


def test_a_killed_recorder_leaves_all_but_the_last_second(ros: Ros, tmp_path: Path):
    path = tmp_path / "bag"
    with process(RECORDER, "--ros-args", "-p", f"path:={path}") as child:
        send(ros, 50)
        watch = Stopwatch(child.pid)
        wait_for(lambda: watch.elapsed_s() and len(messages_on_disk(path)) == 50, "all messages on the disk")
        assert watch.elapsed_s() < 2.0
        child.kill()
        child.wait()
    assert len(messages_on_disk(path)) == 50


def messages_on_disk(path: Path) -> list[bytes]:
    """What recovery tools would find in a bag that is not closed."""
    return messages_in_chunks((path / "bag.mcap").read_bytes())


def messages_in_chunks(data: bytes) -> list[bytes]:
    """Messages in the complete chunks of an MCAP file without its end, as recovery tools find them."""
    magic = b"\x89MCAP0\r\n"
    assert data.startswith(magic)
    chunks = [body for opcode, body in records(data[len(magic) :]) if opcode == 0x06]
    # A chunk: start, end, size (8 bytes each), checksum (4), compression (text), length (8), records.
    return [body for chunk in chunks for opcode, body in records(chunk[28 + 4 + 0 + 8 :]) if opcode == 0x05]


def records(data: bytes) -> list[tuple[int, bytes]]:
    found, offset = [], 0
    while offset + 9 <= len(data):
        opcode, length = struct.unpack_from("<BQ", data, offset)
        if offset + 9 + length > len(data):
            break
        found.append((opcode, data[offset + 9 : offset + 9 + length]))
        offset += 9 + length
    return found


def test_diagnostics_say_what_is_recorded(ros: Ros):
    listener = DiagnosticsListener(ros, "recorder_node")
    assert ros.make(RecorderNode, {"diagnostics_period_s": 0.1}).begin() is None
    assert listener.wait_for_message("none of the topics has a publisher").level == b"\x01"
    send(ros, 1)
    assert listener.wait_for_message("measuring 1 topics").level == b"\x00"


@pytest.mark.parametrize("type_name", sorted({topic.type for node in NODES for topic in node.publishes}))
def test_definitions_have_the_hash_that_ros_gives_the_type(type_name: str):
    _, digest = Definitions().of(type_name)
    description = definition_file(type_name).with_suffix(".json")
    hashes = {entry["type_name"]: entry["hash_string"] for entry in json.loads(description.read_text())["type_hashes"]}
    assert digest == hashes[type_name]


def test_the_meter_adds_the_drops_of_a_stage_that_was_restarted():
    type_name = "face1d_ros/msg/FaceLandmarksArray"
    meter = TopicMeter("t", type_name, message_class(type_name))
    for dropped, total in ((4, 4), (7, 7), (2, 9), (3, 10)):
        meter.add(serialize_message(landmarks(0, dropped=dropped)), time.time_ns())
        assert meter.line().dropped == total
    assert meter.summary().count == 4
