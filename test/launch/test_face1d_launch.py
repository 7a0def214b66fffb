"""The launch file, run by the real `launch`: nodes come up, topics carry faces, everything ends."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ros_domain import isolated

launch_pytest = pytest.importorskip(
    "launch_pytest", reason="launch_pytest comes with a native ROS 2; no Python index has it"
)

import rclpy  # noqa: E402  (only where launch_pytest is)
from diagnostic_msgs.msg import DiagnosticArray  # noqa: E402
from launch import LaunchDescription, LaunchService  # noqa: E402
from launch.actions import (  # noqa: E402
    ExecuteProcess,
    IncludeLaunchDescription,
    OpaqueFunction,
    RegisterEventHandler,
    Shutdown,
    TimerAction,
)
from launch.event_handlers import OnProcessExit, OnProcessStart  # noqa: E402
from launch_pytest.actions import ReadyToTest  # noqa: E402

from face1d_ros import graph as described  # noqa: E402
from face1d_ros.msg import FaceLandmarksArray  # noqa: E402

LAUNCH_FILE = Path(__file__).parents[2] / "launch" / "face1d.launch.py"
WITHIN_S = 30.0
SETUPS = {
    "graph": ({"mode": "graph"}, ""),
    "pipeline": ({"mode": "pipeline"}, ""),
    "namespace": ({"namespace": "robot", "source": "portrait"}, "/robot"),
}
EVERY_NODE = {node.name for node in described.NODES}
NODES = {
    "graph": EVERY_NODE,
    "pipeline": {"camera_node", "pipeline_node"},
    "namespace": EVERY_NODE,
}


def description(arguments: dict[str, str]) -> LaunchDescription:
    os.environ |= isolated()
    include = IncludeLaunchDescription(str(LAUNCH_FILE), launch_arguments=list(arguments.items()))
    return LaunchDescription([include, ReadyToTest()])


@launch_pytest.fixture
def graph() -> LaunchDescription:
    return description(SETUPS["graph"][0])


@launch_pytest.fixture
def pipeline() -> LaunchDescription:
    return description(SETUPS["pipeline"][0])


@launch_pytest.fixture
def namespace() -> LaunchDescription:
    return description(SETUPS["namespace"][0])


@pytest.fixture
def listener() -> Iterator[Any]:
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node("listener", context=context)
    executor = rclpy.executors.SingleThreadedExecutor(context=context)
    executor.add_node(node)
    node.spin = executor.spin_once
    yield node
    executor.shutdown()
    node.destroy_node()
    rclpy.shutdown(context=context)


def check_faces_and_nodes(listener: Any, name: str) -> None:
    """Faces come, each frame once, from the nodes that were asked for."""
    prefix = SETUPS[name][1]
    messages: list[FaceLandmarksArray] = []
    smoothed: list[FaceLandmarksArray] = []
    reporting: set[str] = set()
    listener.create_subscription(FaceLandmarksArray, f"{prefix}/face1d/landmarks_raw", messages.append, 5)
    listener.create_subscription(FaceLandmarksArray, f"{prefix}/face1d/landmarks", smoothed.append, 5)
    listener.create_subscription(
        DiagnosticArray, "/diagnostics", lambda m: reporting.update(s.name for s in m.status), 10
    )
    deadline = time.monotonic() + WITHIN_S
    while time.monotonic() < deadline:
        listener.spin(timeout_sec=0.1)
        if all(sum(bool(m.faces) for m in each) >= 30 for each in (messages, smoothed)) and len(reporting) >= len(
            NODES[name]
        ):
            break
    assert sum(bool(message.faces) for message in messages) >= 30
    assert sum(bool(message.faces) for message in smoothed) >= 30
    assert {face.track_id for message in messages for face in message.faces} == {1}
    stamps = [(m.header.stamp.sec, m.header.stamp.nanosec) for m in messages]
    assert stamps == sorted(set(stamps))
    assert {node for node in NODES[name] if any(node in status for status in reporting)} == NODES[name]


@pytest.mark.launch(fixture=graph)
def test_the_graph_publishes_faces(listener: Any) -> None:
    check_faces_and_nodes(listener, "graph")


@pytest.mark.launch(fixture=pipeline)
def test_the_pipeline_publishes_faces_on_the_same_topic(listener: Any) -> None:
    check_faces_and_nodes(listener, "pipeline")


@pytest.mark.launch(fixture=namespace)
def test_a_namespace_moves_nodes_and_topics(listener: Any) -> None:
    check_faces_and_nodes(listener, "namespace")


def test_a_refused_configuration_ends_our_nodes_and_no_others(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("camera_node:\n  ros__parameters:\n    calibration: /not/there.yaml\n")
    started: list[str] = []
    ended: list[tuple[str, int]] = []
    while_watched: list[tuple[str, int]] = []
    look = OpaqueFunction(function=lambda _: while_watched.extend(ended))
    watch = TimerAction(period=4.0, actions=[look, Shutdown()])  # respawning, it would start again within this time

    def on_start(event: Any, _: Any) -> None:
        started.append(event.process_name.rsplit("-", 1)[0])

    def on_exit(event: Any, _: Any) -> list[Any]:
        ended.append((event.process_name.rsplit("-", 1)[0], event.returncode))
        if started.count("camera_node") > 1:
            return [Shutdown()]
        return [watch] if len(ended) == len(EVERY_NODE) else []

    os.environ |= isolated()
    service = LaunchService(noninteractive=True)
    service.include_launch_description(
        LaunchDescription(
            [
                RegisterEventHandler(OnProcessStart(on_start=on_start)),
                RegisterEventHandler(OnProcessExit(on_exit=on_exit)),
                ExecuteProcess(cmd=["sleep", "60"], name="sleep"),
                IncludeLaunchDescription(str(LAUNCH_FILE), launch_arguments=[("config", str(config))]),
            ]
        )
    )
    assert service.run() == 0
    assert sorted(started) == sorted([*EVERY_NODE, "sleep"])
    assert while_watched[0] == ("camera_node", 2)
    assert sorted(while_watched[1:]) == sorted((name, 0) for name in EVERY_NODE - {"camera_node"})
