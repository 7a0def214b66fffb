"""What the nodes say while they run, as a picture for a terminal and a line for a log."""

from __future__ import annotations

import json
import re
import time
from collections import deque
from typing import Any, TextIO

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from face1d_ros.cli.screen import Bar, Fitting
from face1d_ros.graph import CAMERA, RECORDER

LAST_LINES = 5
TROUBLE = ("[WARN]", "[ERROR]", "[FATAL]")
ERROR_LINE = re.compile(r"\[(?:ERROR|FATAL)\] \[[\d.]+\] \[[^]]*\]: (?P<text>.+)")
"""As rclpy logs an error."""


class Dashboard:
    """Collects the recorder's measurements, the nodes' warnings, and what happens to their processes."""

    def __init__(self, source: str, duration_s: float, log: TextIO) -> None:
        self.source = source
        self.duration_s = duration_s
        self.topics: list[dict[str, Any]] = []
        self.bag: dict[str, Any] | None = None
        self.summary: dict[str, Any] | None = None
        self.notes: deque[str] = deque(maxlen=LAST_LINES)
        self.errors: dict[str, str] = {}
        """The last error that each node has logged."""
        self.source_ended = False
        self.started_s: float | None = None
        """When the first result came: the time counts from there."""
        self._log = log

    def line(self, name: str, line: str) -> None:
        """What a process printed."""
        if name == RECORDER.name and (message := _measurements(line)) is not None:
            self._take(message)
            return
        self._write(name, line)
        if error := ERROR_LINE.search(line):
            self.errors[name] = error["text"]
        if any(sign in line for sign in TROUBLE) or line.startswith("Traceback"):
            self.notes.append(f"{name}: {line}")

    def event(self, name: str, text: str) -> None:
        """What happened to a process."""
        self._write(name, text)
        if name == CAMERA.name and text == "finished":
            self.source_ended = True
        if not text.startswith("started") and self.summary is None:
            self.notes.append(f"{name} {text}")

    def elapsed_s(self, now_s: float) -> float:
        """Since the first result."""
        return now_s - self.started_s if self.started_s is not None else 0.0

    def is_over(self, now_s: float) -> bool:
        """Whether the wanted time has passed."""
        return self.duration_s > 0.0 and self.elapsed_s(now_s) >= self.duration_s

    def draw(self) -> RenderableType:
        """The table, how far it is, and the last notes."""
        parts: list[RenderableType] = []
        if self.topics:
            parts.append(Fitting(topic_table(self.topics)))
        if self.started_s is None:
            parts.append(Text("starting the nodes…", style="dim"))
        elapsed_s = self.elapsed_s(time.monotonic())
        if self.duration_s:
            parts.append(Bar(elapsed_s / self.duration_s))
        parts.append(Text(f"{elapsed_s:.0f} s, {self._bag_text()}   Ctrl-C ends", style="dim"))
        parts += [Text(note, style="yellow", no_wrap=True, overflow="ellipsis") for note in self.notes]
        return Group(*parts)

    def status(self) -> str:
        """Rates and ages in a line."""
        rates = ", ".join(
            f"{topic['name']} {topic['rate_hz']:.1f} Hz, age {_number(topic['age_p50_ms'])} ms" for topic in self.topics
        )
        return f"{self.elapsed_s(time.monotonic()):5.0f} s  {rates or 'starting the nodes'}"

    def _bag_text(self) -> str:
        if self.bag is None:
            return "no bag yet"
        return f"{self.bag['messages']} messages, {self.bag['size_bytes'] / 1e6:.1f} MB in the bag"

    def _take(self, message: dict[str, Any]) -> None:
        self.topics, self.bag = message["topics"], message["bag"]
        if message["type"] == "summary":
            self.summary = message
        if self.started_s is None and any(topic["stage_ms"] is not None for topic in self.topics):
            self.started_s = time.monotonic()

    def _write(self, name: str, line: str) -> None:
        self._log.write(f"{name} | {line}\n")
        self._log.flush()


def _measurements(line: str) -> dict[str, Any] | None:
    """The recorder's JSON, if this line is some."""
    if not line.startswith('{"type"'):
        return None
    try:
        message = json.loads(line)
    except json.JSONDecodeError:
        return None
    return message if isinstance(message, dict) else None


def topic_table(topics: list[dict[str, Any]], title: str = "") -> Table:
    """Rate, age (median and 99th percentile), time of the stage for the newest frame, and drops of each topic."""
    table = Table(title=title or None, title_justify="left", box=None, padding=(0, 1, 0, 0))
    table.add_column("topic", no_wrap=True)
    for column in ("messages", "Hz", "age ms", "p99 ms", "stage ms", "dropped"):
        table.add_column(column, justify="right", no_wrap=True)
    for topic in sorted(topics, key=lambda topic: str(topic["name"])):
        table.add_row(
            topic["name"],
            str(topic["count"]),
            f"{topic['rate_hz']:.1f}",
            *(_number(topic[key]) for key in ("age_p50_ms", "age_p99_ms", "stage_ms")),
            "-" if topic["dropped"] is None else str(topic["dropped"]),
        )
    return table


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
