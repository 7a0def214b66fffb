"""Notices when time stamps jump."""

from __future__ import annotations

from dataclasses import dataclass

TIME_JUMP_S = 5.0
"""Stamps that leap ahead further than this, or back at all, have jumped."""

SOURCE_TIME = "the source's time"
"""What has jumped, for `Jump.text`."""


@dataclass(frozen=True)
class Jump:
    """The newest jump of the stamps."""

    count: int = 0
    step_s: float = 0.0
    """Negative: back."""

    def text(self, whose: str) -> str:
        """In words; `whose` is what has jumped: 'the source's time'."""
        way = "ahead" if self.step_s > 0.0 else "back"
        times = f" ({self.count} times so far)" if self.count > 1 else ""
        return f"{whose} jumped {way} by {abs(self.step_s):.3f} s{times}"


class StampWatch:
    """Compares each stamp with the one before it."""

    def __init__(self, longest_step_s: float = TIME_JUMP_S) -> None:
        self.jump = Jump()
        self.duration_s = 0.0
        """From the first stamp on, without the jumps."""
        self._longest_step_s = longest_step_s
        self._last_ns: int | None = None

    def note(self, stamp_ns: int) -> bool:
        """Whether time has jumped with this stamp."""
        last_ns, self._last_ns = self._last_ns, stamp_ns
        step_s = 0.0 if last_ns is None else (stamp_ns - last_ns) * 1e-9
        if 0.0 <= step_s <= self._longest_step_s:
            self.duration_s += step_s
            return False
        self.jump = Jump(self.jump.count + 1, step_s)
        return True

    def begin_anew(self) -> None:
        """The next stamp is of another time line, which is no jump."""
        self._last_ns = None
