"""Real nodes in threads and processes, in a ROS domain of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy._rclpy_pybind11 import InvalidHandle
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from ros_domain import isolated

from face1d_ros.paths import dds_profile_environment

ROOT = Path(__file__).parents[2]
DEADLINE_S = 40.0
"""Only a test that fails waits so long: a busy machine takes its time to discover nodes."""
PATIENCE_S = 0.01


def wait_for(condition: Callable[[], Any], what: str, deadline_s: float = DEADLINE_S) -> Any:
    """The first true value of the condition; an error after the deadline."""
    end_s = time.monotonic() + deadline_s
    while time.monotonic() < end_s:
        if value := condition():
            return value
        time.sleep(PATIENCE_S)
    raise AssertionError(f"{what}: not within {deadline_s} s")


class Ros:
    """A ROS context, with nodes that are spun in threads until the end of the test."""

    def __init__(self) -> None:
        os.environ |= isolated()
        self.domain_id = int(os.environ["ROS_DOMAIN_ID"])
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=self.domain_id)
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._nodes: list[Node] = []
        self._strangers: list[rclpy.Context] = []

    def parameters(self, values: dict[str, Any]) -> list[Parameter]:
        return [Parameter(name, value=value) for name, value in values.items()]

    def make(
        self, node_class: type, parameters: dict[str, Any] | None = None, *, spin: bool = True, **options: Any
    ) -> Any:
        """A node of ours with these parameters, spun in a thread."""
        node = node_class(context=self.context, parameter_overrides=self.parameters(parameters or {}), **options)
        return self.add(node, spin)

    def node(self, name: str) -> Node:
        """A plain node to publish, listen and call with."""
        return self.add(rclpy.create_node(name, context=self.context), True)

    def stranger(self, name: str) -> Node:
        """A node in a context of its own, as in another process; it is not spun."""
        context = rclpy.Context()
        rclpy.init(context=context, domain_id=self.domain_id)
        self._strangers.append(context)
        return self.add(rclpy.create_node(name, context=context), False)

    def add(self, node: Any, spin: bool) -> Any:
        self._nodes.append(node)
        if spin:
            thread = threading.Thread(target=self._spin, args=(node,), daemon=True)
            self._threads.append(thread)
            thread.start()
        return node

    def _spin(self, node: Node) -> None:
        executor = SingleThreadedExecutor(context=self.context)
        executor.add_node(node)
        while not self._stop.is_set():
            with suppress(InvalidHandle):  # a test has destroyed what was being waited for
                executor.spin_once(timeout_sec=0.05)
        executor.shutdown(timeout_sec=0.1)

    def close(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(5.0)
        for node in self._nodes:
            node.destroy_node()
        for context in (*self._strangers, self.context):
            rclpy.shutdown(context=context)


class DiagnosticsListener:
    """What a node says on /diagnostics."""

    def __init__(self, ros: Ros, node_name: str) -> None:
        self.statuses: list[DiagnosticStatus] = []
        self.messages: list[DiagnosticArray] = []
        self._name = node_name
        ros.node("diagnostics_listener").create_subscription(DiagnosticArray, "/diagnostics", self._on_message, 10)

    def _on_message(self, message: DiagnosticArray) -> None:
        for status in message.status:
            if status.name == self._name:
                self.messages.append(message)
                self.statuses.append(status)

    def wait_for_message(self, part: str, deadline_s: float = DEADLINE_S) -> DiagnosticStatus:
        """The first status from now on whose message contains this."""
        seen = len(self.statuses)
        try:
            return wait_for(
                lambda: next((s for s in self.statuses[seen:] if part in s.message), None), part, deadline_s
            )
        except AssertionError as error:
            said = {status.message for status in self.statuses[seen:]}
            raise AssertionError(f"{error}; it said {said}") from None


def values_of(status: DiagnosticStatus) -> dict[str, str]:
    return {pair.key: pair.value for pair in status.values}


def node_environment() -> dict[str, str]:
    """The environment of a node's process: this test's domain, and our Fast DDS profile."""
    return {
        **os.environ,
        **dds_profile_environment(),
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "PYTHONUNBUFFERED": "1",
    }


@contextmanager
def process(module: str, *arguments: str, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """`python -m module` in this test's domain; ended by a Ctrl-C if it is still there at the end.

    A process that is killed leaves its shared memory behind.
    """
    command = [sys.executable, "-m", module, *arguments]
    child = subprocess.Popen(
        command, env=node_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )
    try:
        yield child
    finally:
        child.send_signal(signal.SIGINT)
        try:
            child.communicate(timeout=10.0)
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()


class Output:
    """What a process writes to a pipe, read as it comes."""

    def __init__(self, stream: IO[str]) -> None:
        self.lines: list[str] = []
        self._thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._thread.start()

    def _read(self, stream: IO[str]) -> None:
        for line in iter(stream.readline, ""):
            self.lines.append(line)

    def has(self, part: str) -> bool:
        """Whether a line contains this by now."""
        return any(part in line for line in self.lines)

    def whole(self) -> str:
        """All of it, once the process has ended."""
        self._thread.join(DEADLINE_S)
        return "".join(self.lines)
