"""What a replay tells of itself: frames, time by the stamps, models. It does not grow with the source."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from typing import Any

import numpy as np

from face1d_ros.sources.stamps import StampWatch

STEPS = 10_000
"""The rate is that of so many frames."""


class Tally:
    """Notes the results of each frame."""

    def __init__(self) -> None:
        self.frames = 0
        self.stamp_ns = 0
        """Of the last frame."""
        self.models: dict[str, str] = {}
        """Model and engine by stage."""
        self._watch = StampWatch()
        self._steps_ns = array("q")

    @property
    def duration_s(self) -> float:
        """By the stamps, without jumps."""
        return self._watch.duration_s

    @property
    def rate_hz(self) -> float | None:
        """Median of the stamps' distances, inverted; None where there are none."""
        step_ns = float(np.median(np.array(self._steps_ns))) if self._steps_ns else 0.0
        return 1e9 / step_ns if step_ns > 0.0 else None

    def note(self, stamp_ns: int, values: Mapping[str, Any]) -> None:
        """Results of the next frame, by topic."""
        if self.frames and len(self._steps_ns) < STEPS:
            self._steps_ns.append(stamp_ns - self.stamp_ns)
        self._watch.note(stamp_ns)
        self.frames += 1
        self.stamp_ns = stamp_ns
        for value in values.values():
            info = value.info
            if info.stage not in self.models:
                self.models[info.stage] = ", ".join(filter(None, (info.model, info.engine)))
