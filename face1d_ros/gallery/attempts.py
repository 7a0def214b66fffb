"""Rate limit and lock-out after failures, by the stamps that are given in."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, fields

from face1d_ros.errors import GalleryValueError

SECOND_NS = 1_000_000_000
MOST_KEYS = 4096
LARGEST = 10_000_000


@dataclass(frozen=True)
class AttemptLimits:
    """When attempts are refused, and for how long."""

    failures: int = 5
    """So many of one claimed subject within the window lock that subject."""
    overall_failures: int = 20
    """So many of anybody within the window lock everything."""
    window_s: float = 300.0
    pause_s: float = 1.0
    """After each failure, before the same subject may be tried again."""
    lock_s: float = 30.0
    """The first lock; each further one takes twice as long, until an attempt succeeds or none has failed for long."""
    longest_lock_s: float = 3600.0

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            smallest = 1 if one.type == "int" else 0.0
            if not smallest <= value <= LARGEST:
                raise GalleryValueError(one.name, value, f"{smallest:g} to {LARGEST:g}")
        if self.longest_lock_s < self.lock_s:
            raise GalleryValueError("longest_lock_s", self.longest_lock_s, f"at least lock_s ({self.lock_s:g})")


@dataclass
class _Counter:
    """Failures of one claimed subject, or of all, in nanoseconds of time passed."""

    failed_at: deque[int]
    locked_until: int = 0
    paused_until: int = 0
    locks: int = 0

    @property
    def refused_until(self) -> int:
        return max(self.locked_until, self.paused_until)

    def fail(self, at: int, limits: AttemptLimits, pause_ns: int) -> None:
        window, longest = round(limits.window_s * SECOND_NS), round(limits.longest_lock_s * SECOND_NS)
        if self.failed_at and at - max(self.failed_at[-1], self.locked_until) > window + longest:
            self.locks = 0
        self.failed_at.append(at)
        self.paused_until = max(self.paused_until, at + pause_ns)
        is_too_often = len(self.failed_at) == self.failed_at.maxlen and self.failed_at[0] >= at - window
        if is_too_often and at >= self.locked_until:
            self.locked_until = at + min(round(limits.lock_s * SECOND_NS) << min(self.locks, 40), longest)
            self.locks += 1
            self.failed_at.clear()
            self.failed_at.append(at)


class Attempts:
    """Who may be tried now. A key is a claimed subject; "" stands for nobody in particular, as in identification.

    Only time that passes forwards counts: stamps that jump back neither end a lock nor make it longer. A success
    clears the failures of its own key, never those of others or the overall ones: whoever is enrolled could otherwise
    go on trying to be somebody else.
    """

    def __init__(self, limits: AttemptLimits | None = None) -> None:
        self._limits = limits or AttemptLimits()
        self._overall = _Counter(deque(maxlen=self._limits.overall_failures))
        self._counters: dict[str, _Counter] = {}
        self._last_ns: int | None = None
        self._passed = 0

    def __repr__(self) -> str:
        return f"Attempts({self._limits})"

    def allowed(self, key: str, now_ns: int) -> bool:
        """Whether an attempt may be made."""
        return self._refused_ns(key, now_ns) == 0

    def locked_until_ns(self, key: str, now_ns: int) -> int:
        """The stamp from which an attempt may be made, 0 for now."""
        refused = self._refused_ns(key, now_ns)
        return now_ns + refused if refused else 0

    def failed(self, key: str, now_ns: int) -> None:
        """Count a failure, also one of an attempt that was under way when attempts began to be refused."""
        self._refused_ns(key, now_ns)
        limits, at = self._limits, self._passed
        pause_ns = round(limits.pause_s * SECOND_NS)
        self._overall.fail(at, limits, pause_ns=0 if key else pause_ns)
        if key:
            if key not in self._counters:
                self._make_room()
                self._counters[key] = _Counter(deque(maxlen=limits.failures))
            self._counters[key].fail(at, limits, pause_ns)

    def succeeded(self, key: str) -> None:
        """Clear the failures of a key."""
        self._counters.pop(key, None)

    def _refused_ns(self, key: str, now_ns: int) -> int:
        if self._last_ns is not None:
            self._passed += max(0, now_ns - self._last_ns)
        self._last_ns = now_ns
        own = self._counters.get(key)
        return max(0, self._overall.refused_until - self._passed, own.refused_until - self._passed if own else 0)

    def _make_room(self) -> None:
        """Claims may be made up: of too many, those go that bind least."""
        if len(self._counters) >= MOST_KEYS:
            least = min(self._counters, key=lambda key: self._counters[key].refused_until)
            del self._counters[least]
