"""Frames on their way out: where a smoother looks ahead, each waits for its answer, all for as many frames."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from face1d_ros.stages.smoothing_tracks import NS, Row
from face1d_ros.types import FaceLandmarks, FaceLandmarksArray, FloatArray


@dataclass(eq=False)
class Waiting:
    """A frame, and what is known of its faces."""

    frame: FaceLandmarksArray
    rows: Sequence[Row]
    """Those that the smoother has seen."""
    others: Sequence[FaceLandmarks]
    """Those that go out as they were measured."""
    step: int | None
    """Which step of the smoother it was; None: it was none."""
    answers: dict[int, FloatArray] = field(default_factory=dict)
    """(N, 3) by key, valid until the smoother's next step."""
    delay_s: float = 0.0


class Delay:
    """A queue as long as the smoother looks ahead."""

    def __init__(self, frames: int = 0) -> None:
        self._frames = frames
        self._queue: deque[Waiting] = deque()
        self._steps = 0

    def put(self, frame: FaceLandmarksArray, rows: Sequence[Row], others: Sequence[FaceLandmarks]) -> Waiting:
        """A frame that the smoother has seen, or not where `rows` is empty."""
        step = None
        if rows:
            step, self._steps = self._steps, self._steps + 1
        waiting = Waiting(frame, rows, others, step)
        self._queue.append(waiting)
        return waiting

    def answer(self, rows: Sequence[Row], refined: Sequence[FloatArray]) -> None:
        """The answers of the newest step, for the frame to which they belong."""
        wanted = self._steps - 1 - self._frames
        for waiting in self._queue:
            if waiting.step == wanted:
                keys = {row.key for row in waiting.rows}
                answers = zip(rows, refined, strict=True)
                waiting.answers = {row.key: points for row, points in answers if row.key in keys}

    def take(self) -> Waiting | None:
        """The frame whose time has come; None while the first ones wait."""
        if len(self._queue) <= self._frames:
            return None
        newest = self._queue[-1]
        waiting = self._queue.popleft()
        waiting.delay_s = max(0.0, (newest.frame.header.stamp_ns - waiting.frame.header.stamp_ns) / NS)
        return waiting
