"""Notices when the input's stamps jump, and when it falls silent and comes back."""

from __future__ import annotations

import time
from collections.abc import Callable

from face1d_ros.sources.stamps import StampWatch


class JumpWatch(StampWatch):
    """Remembers when stamps have jumped, too."""

    def __init__(self) -> None:
        super().__init__()
        self._at_s = 0.0

    def note(self, stamp_ns: int) -> bool:
        """Whether time has jumped with this stamp."""
        jumped = super().note(stamp_ns)
        if jumped:
            self._at_s = time.monotonic()
        return jumped

    def recent(self, whose: str, within_s: float) -> str:
        """The newest jump in words, '' if there was none within this time."""
        jump = self.jump
        return jump.text(whose) if jump.count and time.monotonic() - self._at_s < within_s else ""


class SilenceWatch:
    """Says once that the input has fallen silent, with the reason, and once that it is back."""

    def __init__(self, warn: Callable[[str], object], inform: Callable[[str], object]) -> None:
        self._warn = warn
        self._inform = inform
        self._silent_since_s: float | None = None

    def update(self, topic: str, came_at_s: float, stall_after_s: float, reason: Callable[[], str]) -> None:
        """`came_at_s` is the wall time (monotonic) of the newest message; `reason` is asked when it falls silent."""
        silent = time.monotonic() - came_at_s > stall_after_s
        if silent and self._silent_since_s is None:
            self._warn(reason())
            self._silent_since_s = came_at_s
        elif not silent and self._silent_since_s is not None:
            self._inform(f"frames come on {topic} again, after {came_at_s - self._silent_since_s:.1f} s")
            self._silent_since_s = None

    def reset(self) -> None:
        """It does not listen: silence means nothing."""
        self._silent_since_s = None
