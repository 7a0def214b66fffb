"""Keeps account of what a source leaves out and of its jumps in time, however often it is opened."""

from __future__ import annotations

import time
from collections import Counter

from face1d_ros.nodes.input_watch import JumpWatch
from face1d_ros.sources.base import Source, told
from face1d_ros.sources.stamps import SOURCE_TIME


class SourceWatch:
    """The source's thread writes, any thread reads."""

    def __init__(self) -> None:
        self._stamps = JumpWatch()
        self._before: Counter[str] = Counter()
        self._skipped: Counter[str] = Counter()
        self._known = 0
        self._grew_at_s = 0.0

    def opened(self, source: Source) -> None:
        """It was opened (again): what it leaves out is counted on, its time begins anew."""
        self._before, self._skipped = self.skipped, source.skipped
        self._stamps.begin_anew()

    def note(self, stamp_ns: int) -> str:
        """A jump in time with this stamp, in words; '' for none."""
        return self._stamps.jump.text(SOURCE_TIME) if self._stamps.note(stamp_ns) else ""

    @property
    def skipped(self) -> Counter[str]:
        """Frames left out, by reason."""
        return self._before + self._skipped

    def grown(self) -> str:
        """What was left out, in words, if it has become more since the last call; else ''."""
        skipped = self.skipped
        count = sum(skipped.values())
        if count <= self._known:
            return ""
        self._known, self._grew_at_s = count, time.monotonic()
        return f"the source leaves frames out: {told(skipped)}"

    def recent(self, within_s: float) -> str:
        """What went wrong within this time, in words; '' for nothing."""
        if self._known and time.monotonic() - self._grew_at_s < within_s:
            return f"the source leaves frames out: {told(self.skipped)}"
        return self._stamps.recent(SOURCE_TIME, within_s)

    def values(self) -> dict[str, object]:
        """For diagnostics."""
        skipped = {f"skipped.{reason}": count for reason, count in sorted(self.skipped.items())}
        return {"source_time_jumps": self._stamps.jump.count, **skipped}
