"""Says on /diagnostics how a node is, from a thread of its own: no thread it watches can keep it from speaking."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.qos import QoSProfile

if TYPE_CHECKING:
    from rclpy.node import Node


class Level(Enum):
    """How bad it is."""

    OK = DiagnosticStatus.OK
    WARN = DiagnosticStatus.WARN
    ERROR = DiagnosticStatus.ERROR
    STALE = DiagnosticStatus.STALE
    """Nothing is wrong, but nothing is being computed either."""


@dataclass(frozen=True)
class Report:
    """What a node says about itself."""

    level: Level
    message: str
    values: Mapping[str, object] = field(default_factory=dict)


class Rate:
    """Events a second between two readings of a counter, in wall time."""

    def __init__(self) -> None:
        self._count = 0
        self._at_s = time.monotonic()

    def update(self, count: int) -> float:
        """The rate since the last update; a counter that began again counts from 0."""
        now_s = time.monotonic()
        rose = count - self._count if count >= self._count else count
        rate_hz = rose / max(now_s - self._at_s, 1e-6)
        self._count, self._at_s = count, now_s
        return rate_hz


class Diagnostics:
    """Publishes `report()` every `period_s()` seconds of wall time; stamps are the node's own time."""

    def __init__(self, node: Node, report: Callable[[], Report], period_s: Callable[[], float]) -> None:
        self._node = node
        self._report = report
        self._period_s = period_s
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", QoSProfile(depth=10))
        self._stop = threading.Event()
        self._publishing = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="diagnostics", daemon=True)

    def start(self) -> None:
        """Begin to speak."""
        self._thread.start()

    def stop(self) -> None:
        """Say a last word, and end."""
        if not self._stop.is_set():
            self._stop.set()
            self._thread.join(1.0)

    def publish(self) -> None:
        """Say it now, out of turn."""
        with self._publishing:
            message = DiagnosticArray()
            message.header.stamp = self._node.get_clock().now().to_msg()
            message.status = [self._status(self._report())]
            self._publisher.publish(message)

    def _run(self) -> None:
        while not self._stop.wait(self._period_s()):
            self.try_publish()
        self.try_publish()

    def try_publish(self) -> None:
        """Say it now, from any thread; what keeps it from being said is logged."""
        try:
            self.publish()
        except Exception as error:
            if self._node.context.ok():
                self._node.get_logger().error(f"diagnostics failed: {error!r}", throttle_duration_sec=10.0)

    def _status(self, report: Report) -> DiagnosticStatus:
        return DiagnosticStatus(
            level=report.level.value,
            name=self._node.get_fully_qualified_name().lstrip("/"),
            message=report.message,
            hardware_id=str(report.values.get("source", "")),
            values=[KeyValue(key=key, value=_text(value)) for key, value in report.values.items()],
        )


def _text(value: object) -> str:
    if isinstance(value, float) and math.isnan(value):
        return "unknown"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
