"""How many messages of a topic come, how old they are when they come, and how many frames their maker has dropped."""

from __future__ import annotations

import math
import struct
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
from rclpy.serialization import deserialize_message

AGES_KEPT = 36_000
"""Percentiles are over the newest of these: twenty minutes at 30 Hz."""
STAGE_INFO = "face1d_ros/StageInfo"
_STAMP = {0: struct.Struct(">iI"), 1: struct.Struct("<iI")}
_ENCAPSULATION_BYTES = 4


@dataclass(frozen=True)
class Measure:
    """One topic over a stretch of time. None: unknown."""

    name: str
    type: str
    count: int
    rate_hz: float
    age_p50_ms: float | None
    age_p99_ms: float | None
    age_max_ms: float | None
    dropped: int | None
    stage_ms: float | None


class TopicMeter:
    """Measures one topic from its serialised messages. Only the newest is deserialised, when asked for."""

    def __init__(self, name: str, type_name: str, message_class: Any) -> None:
        self.name = name
        self.type = type_name
        self._class = message_class
        fields = message_class.get_fields_and_field_types()
        self._has_header = next(iter(fields.values()), "") == "std_msgs/Header"
        self._has_info = fields.get("info") == STAGE_INFO
        self._count = self._line_count = 0
        self._first_s = self._last_s = 0.0
        self._line_s = time.monotonic()
        self._ages_ms: deque[float] = deque(maxlen=AGES_KEPT)
        self._line_ages_ms: list[float] = []
        self._newest = b""
        self._dropped_before = self._dropped_now = 0
        self._stage_ms: float | None = None

    @property
    def total(self) -> int:
        """Messages so far."""
        return self._count

    def add(self, data: bytes, now_ns: int) -> None:
        """A message has come."""
        self._count += 1
        self._line_count += 1
        self._last_s = time.monotonic()
        self._first_s = self._first_s or self._last_s
        self._newest = data
        if self._has_header:
            seconds, nanoseconds = _STAMP[data[1] & 1].unpack_from(data, _ENCAPSULATION_BYTES)
            age_ms = (now_ns - (seconds * 1_000_000_000 + nanoseconds)) * 1e-6
            self._ages_ms.append(age_ms)
            self._line_ages_ms.append(age_ms)

    def line(self) -> Measure:
        """Since the last line."""
        now_s = time.monotonic()
        rate_hz = self._line_count / max(now_s - self._line_s, 1e-6)
        measure = self._measure(self._count, rate_hz, self._line_ages_ms)
        self._line_count, self._line_s, self._line_ages_ms = 0, now_s, []
        return measure

    def summary(self) -> Measure:
        """Since the first message."""
        span_s = self._last_s - self._first_s
        rate_hz = (self._count - 1) / span_s if span_s > 0.0 else 0.0
        return self._measure(self._count, rate_hz, list(self._ages_ms))

    def _measure(self, count: int, rate_hz: float, ages_ms: list[float]) -> Measure:
        self._read_newest()
        p50, p99, most = np.percentile(ages_ms, (50, 99, 100)).round(3).tolist() if ages_ms else (None,) * 3
        dropped = self._dropped_before + self._dropped_now if self._has_info else None
        return Measure(self.name, self.type, count, round(rate_hz, 3), p50, p99, most, dropped, self._stage_ms)

    def _read_newest(self) -> None:
        """Dropped frames and duration, as the stage says; its counts begin again when it is restarted."""
        if not self._has_info or not self._newest:
            return
        info = deserialize_message(self._newest, self._class).info
        self._newest = b""
        if info.dropped < self._dropped_now:
            self._dropped_before += self._dropped_now
        self._dropped_now = info.dropped
        self._stage_ms = round(info.duration_s * 1e3, 3) if math.isfinite(info.duration_s) else None
