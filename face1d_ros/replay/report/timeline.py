"""Stamps as seconds of a report: from the first frame on, also where the stamps jump or go backwards."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

NS = 1e-9
LATE_S = 1.0
"""A stamp that lies no further than this behind the newest one is late; one further behind has jumped back."""
LEAP_S = 60.0
"""A stamp further ahead than this has jumped."""
STEPS = 4096
"""Of the first so many steps the median is taken."""
SEGMENTS = 8
"""Stretches between jumps in which a late result is still placed."""


@dataclass
class Segment:
    """Frames between two jumps."""

    first_ns: int
    newest_ns: int
    begins_s: float
    """Where its first frame lies in the report."""

    def holds(self, stamp_ns: int) -> bool:
        """Whether the stamp lies among its frames."""
        return self.first_ns <= stamp_ns <= self.newest_ns

    def place_s(self, stamp_ns: int) -> float:
        """Seconds of the report; integers first, as stamps have more digits than a float."""
        return self.begins_s + (stamp_ns - self.first_ns) * NS


class Timeline:
    """Time goes on where stamps have jumped: what follows stands one step behind what was before."""

    def __init__(self) -> None:
        self.frames = 0
        self.jumps = 0
        """How often time has leapt ahead or back."""
        self.late = 0
        """Frames that came after one with a later stamp."""
        self._segments: deque[Segment] = deque(maxlen=SEGMENTS)
        self._steps_s: list[float] = []
        self._step_s = 0.0

    @property
    def end_s(self) -> float:
        """Where the newest frame lies."""
        return self._segments[-1].place_s(self._segments[-1].newest_ns) if self._segments else 0.0

    @property
    def step_s(self) -> float | None:
        """Median distance of the stamps; None where there are fewer than two frames."""
        return float(np.median(self._steps_s)) if self._steps_s else None

    def lead(self, stamp_ns: int) -> float:
        """Where a frame lies of the topic that tells the time; all its frames in their order."""
        self.frames += 1
        if not self._segments:
            self._segments.append(Segment(stamp_ns, stamp_ns, 0.0))
            return 0.0
        segment = self._segments[-1]
        ahead_s = (stamp_ns - segment.newest_ns) * NS
        if not -LATE_S <= ahead_s <= LEAP_S:
            self.jumps += 1
            begins_s = self.end_s + self._step_s
            self._segments.append(Segment(stamp_ns, stamp_ns, begins_s))
            return begins_s
        if ahead_s < 0.0:
            self.late += 1
        elif ahead_s > 0.0:
            self._step_s = ahead_s
            if len(self._steps_s) < STEPS:
                self._steps_s.append(ahead_s)
            segment.newest_ns = stamp_ns
        return max(segment.place_s(stamp_ns), 0.0)

    def place_s(self, stamp_ns: int) -> float:
        """Where a stamp of any other topic lies, 0 for what was before the first frame."""
        if not self._segments:
            return 0.0
        holding = (segment for segment in reversed(self._segments) if segment.holds(stamp_ns))
        segment = next(holding, self._segments[-1])
        return max(segment.place_s(stamp_ns), 0.0)
