from __future__ import annotations

import time
from contextlib import contextmanager
from threading import Event, Thread

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from harness import DiagnosticsListener, Ros, values_of, wait_for
from rclpy.qos import QoSProfile, QoSReliabilityPolicy
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image
from stage_for_tests import StageForTests, image
from std_msgs.msg import String

from face1d_ros.nodes import chain
from face1d_ros.nodes.landmarks_node import LandmarksNode
from face1d_ros.nodes.qos import image_qos

OK, WARN, ERROR = b"\x00", b"\x01", b"\x02"
QUICK = {"diagnostics_period_s": 0.1, "stall_after_s": 0.4}


class Graph:
    def __init__(self, ros: Ros, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ros = ros
        self.stage: StageForTests | None = None
        self.published = 0
        monkeypatch.setitem(chain.FACTORIES, "landmarks_node", self._make)

    def _make(self, config) -> StageForTests:
        self.stage = StageForTests(config)
        return self.stage

    def start(self, **parameters):
        self.listener = DiagnosticsListener(self.ros, "landmarks_node")
        self.node = self.ros.make(LandmarksNode, {**QUICK, **parameters})
        assert self.node.begin() is None

    @contextmanager
    def camera(self, make_image=image, period_s: float = 0.02):
        """Publishes images all the time."""
        publisher = self.ros.node("camera").create_publisher(Image, "camera/image_raw", image_qos())
        wait_for(publisher.get_subscription_count, "the node's subscription")
        stop = Event()

        def run() -> None:
            while not stop.wait(period_s):
                self.published += 1
                publisher.publish(make_image())

        thread = Thread(target=run)
        thread.start()
        try:
            yield publisher
        finally:
            stop.set()
            thread.join()


def waiting(status: DiagnosticStatus) -> int:
    """How many frames wait in the mailbox: received, but neither used nor dropped so far."""
    values = values_of(status)
    return int(values["received"]) - int(values["used"]) - int(values["dropped"]) if "received" in values else 0


@pytest.fixture
def graph(ros: Ros, monkeypatch: pytest.MonkeyPatch) -> Graph:
    return Graph(ros, monkeypatch)


def test_the_reasons_follow_each_other_as_things_get_better(graph: Graph):
    graph.start()
    assert graph.listener.wait_for_message("no publisher on /camera/image_raw").level == WARN
    publisher = graph.ros.node("silent_camera").create_publisher(Image, "camera/image_raw", image_qos())
    assert graph.listener.wait_for_message("no frames on /camera/image_raw since").level == WARN
    wait_for(lambda: publisher.get_subscription_count() == 1, "the node's subscription")
    with graph.camera(lambda: image(encoding="nonsense")):
        status = graph.listener.wait_for_message("all frames are refused")
        assert status.level == ERROR
        assert "'encoding'" in status.message
    began_s = time.monotonic()
    with graph.camera():
        status = graph.listener.wait_for_message("1 face")
        assert status.level == OK
        graph.stage.faces = 0
        assert graph.listener.wait_for_message("no face in them").level == OK
    wait_for(lambda: waiting(graph.listener.statuses[-1]) == 0, "an account of all frames")
    assert {waiting(status) for status in list(graph.listener.statuses)} <= {0, 1}
    values = values_of(graph.listener.statuses[-1])
    assert values["model"] == "test 1"
    assert int(values["dropped.encoding"]) > 0
    assert 0.0 < float(values["latency_ms"]) < 1e3 * (time.monotonic() - began_s)


def test_rates_and_counts_are_those_of_the_frames(graph: Graph):
    graph.start()
    with graph.camera(period_s=0.05):
        graph.listener.wait_for_message("1 face")
        first = len(graph.listener.messages)
        wait_for(lambda: len(graph.listener.messages) > first + 15, "diagnostics")
    said = [(m.header.stamp, values_of(m.status[0])) for m in list(graph.listener.messages)[first:]]
    times_s = np.array([stamp.sec + stamp.nanosec * 1e-9 for stamp, _ in said])
    for rate, count in (("rate_in_hz", "received"), ("rate_out_hz", "used")):
        counts = np.array([int(values[count]) for _, values in said])
        rates_hz = np.array([float(values[rate]) for _, values in said])
        # Told every 0.1 s, which a busy machine stretches: the frames between two are the rate times their distance.
        np.testing.assert_allclose(np.median(rates_hz[1:] * np.diff(times_s) - np.diff(counts)), 0.0, atol=0.1)
        assert (rates_hz[1:] * np.diff(times_s)).sum() == pytest.approx(counts[-1] - counts[0], rel=0.2)
    assert 0 < counts[-1] <= graph.published


def test_a_publisher_of_another_quality_of_service_is_named_with_the_policy(graph: Graph):
    graph.start(**{"qos_overrides./camera/image_raw.subscription.reliability": "reliable"})
    best_effort = QoSProfile(depth=1, reliability=QoSReliabilityPolicy.BEST_EFFORT)
    graph.ros.node("other_camera").create_publisher(Image, "camera/image_raw", best_effort)
    status = graph.listener.wait_for_message("quality of service")
    assert status.level == ERROR
    assert "/other_camera" in status.message
    assert "RELIABILITY" in status.message.upper() or "RELIABLE" in status.message.upper()
    assert "qos_overrides./camera/image_raw.subscription" in status.message


def test_a_publisher_of_another_type_is_named(graph: Graph):
    graph.ros.stranger("talker").create_publisher(String, "camera/image_raw", 1)
    graph.start()
    status = graph.listener.wait_for_message("carries std_msgs/msg/String, not sensor_msgs/msg/Image")
    assert status.level == ERROR


def test_a_stuck_worker_is_reported(graph: Graph, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("face1d_ros.nodes.verdict.STUCK_WORKER_S", 0.5)
    graph.start()
    graph.stage.hold.clear()
    with graph.camera():
        assert graph.listener.wait_for_message("the worker's thread is stuck").level == ERROR
        graph.stage.hold.set()
        assert graph.listener.wait_for_message("1 face").level == OK


def test_a_stuck_executor_is_reported(graph: Graph, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("face1d_ros.nodes.base.STUCK_AFTER_S", 0.5)
    graph.start()
    release = Event()
    graph.node.create_timer(0.01, lambda: release.wait(10.0))
    assert graph.listener.wait_for_message("the executor's thread is stuck").level == ERROR
    release.set()


def test_stamps_are_simulated_time_also_when_it_stands_still_or_jumps_back(graph: Graph):
    graph.start(use_sim_time=True)
    with graph.camera(lambda: image(stamp_ns=99_950_000_000)):
        assert graph.listener.wait_for_message("nothing came on /clock").level == WARN
        clock = graph.ros.node("clock").create_publisher(Clock, "/clock", 1)

        def tell(seconds: int) -> None:
            message = Clock()
            message.clock.sec = seconds

            def told() -> bool:
                clock.publish(message)
                return bool(graph.listener.messages[-1].header.stamp.sec == seconds)

            wait_for(told, f"diagnostics at {seconds} s of simulated time")

        tell(100)
        status = graph.listener.wait_for_message("simulated time stands still")
        assert status.level == WARN
        assert float(values_of(status)["newest_output_age_s"]) == pytest.approx(0.05, abs=1e-6)
        tell(50)
        assert graph.listener.messages[-1].header.stamp.sec == 50


def test_stamps_of_another_clock_are_reported(graph: Graph):
    graph.start()
    with graph.camera(lambda: image(stamp_ns=time.time_ns() - 3600 * 10**9)):
        status = graph.listener.wait_for_message("before the node's own time")
        assert status.level == WARN
        assert "use_sim_time" in status.message


def test_a_jump_in_time_is_said_and_counted(graph: Graph, capfd: pytest.CaptureFixture[str]):
    now_s = 10
    graph.start()
    with graph.camera(lambda: image(stamp_ns=now_s * 10**9)):
        for now_s in (10, 11, 9, 10, 30, 31):
            wait_for(lambda now_s=now_s: graph.node._stamps._last_ns == now_s * 10**9, f"a frame of {now_s} s")
    assert graph.node._stamps.jump.count == 2
    assert "stamps on /camera/image_raw jumped back by 2.000 s" in capfd.readouterr().err


@pytest.mark.parametrize("jump_s", [-3600.0, 3e8])
def test_a_jump_in_time_is_a_warning_for_a_while_and_frames_go_on(graph: Graph, jump_s: float):
    shift_ns = 0
    graph.start(stall_after_s=1.5)  # also how long a jump is told
    with graph.camera(lambda: image(stamp_ns=time.time_ns() + shift_ns)):
        assert graph.listener.wait_for_message("1 face").level == OK
        for shift_ns, way in ((int(jump_s * 1e9), "back" if jump_s < 0 else "ahead"), (0, "")):
            used = graph.node._worker.mailbox.accounts().used
            status = graph.listener.wait_for_message(f"stamps on /camera/image_raw jumped {way}")
            assert status.level == WARN
            wait_for(lambda used=used: graph.node._worker.mailbox.accounts().used > used + 10, "frames")
            expected = "1 face" if not shift_ns else f"{'after' if jump_s > 0 else 'before'} the node's own time"
            graph.listener.wait_for_message(expected)
    assert graph.node._stamps.jump.count == 2


def test_an_input_that_falls_silent_and_its_return_are_logged_once_each(
    graph: Graph, capfd: pytest.CaptureFixture[str]
):
    graph.start(stall_after_s=1.2)  # no silence of a busy machine's making
    for _ in range(2):
        with graph.camera():
            graph.listener.wait_for_message("1 face")
            wait_for(lambda: graph.node._silence._silent_since_s is None, "a good word")
        graph.listener.wait_for_message("no frames on /camera/image_raw since")
        wait_for(lambda: graph.node._silence._silent_since_s, "a warning")
    said = capfd.readouterr().err
    assert said.count("no frames on /camera/image_raw since") == 2
    assert said.count("frames come on /camera/image_raw again, after") >= 1


def test_a_camera_that_goes_is_missed_by_name_and_welcomed_back(graph: Graph, capfd: pytest.CaptureFixture[str]):
    graph.start()
    with graph.camera() as publisher:
        graph.listener.wait_for_message("1 face")
    publisher.destroy()
    assert graph.listener.wait_for_message("no publisher on /camera/image_raw").level == WARN
    wait_for(lambda: graph.node._silence._silent_since_s, "a warning in the log")
    with graph.camera():
        assert graph.listener.wait_for_message("1 face").level == OK
        wait_for(lambda: graph.node._silence._silent_since_s is None, "a good word in the log")
    warning, good_word = "no publisher on /camera/image_raw", "frames come on /camera/image_raw again"
    said = capfd.readouterr().err
    assert warning in said
    assert good_word in said[said.rindex(warning) :]


def test_on_demand_waiting_is_no_fault(graph: Graph):
    graph.start(on_demand=True)
    assert graph.listener.wait_for_message("nobody listens").level == OK
