"""Promises of speed, measured fairly on a busy machine."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

GIVE_UP_S = 30.0
POLL_S = 0.01


class Stopwatch:
    """The time that processes take, without that in which they, or this one, were ready to run and had no core.

    On an idle machine that is the time on the clock. Descendants are watched, too.
    """

    def __init__(self, *pids: int) -> None:
        self._pids = (os.getpid(), *pids)
        self._first_s: dict[int, float] = {}
        self._last_s: dict[int, float] = {}
        self._look()
        self._began_s = time.monotonic()

    def elapsed_s(self) -> float:
        """Until now; call it often, because what a process waited is not known after its end."""
        self._look()
        waited_s = sum(self._last_s[pid] - first_s for pid, first_s in self._first_s.items())
        return time.monotonic() - self._began_s - waited_s

    def _look(self) -> None:
        own, *others = self._pids
        for pid in (own, *(each for other in others for each in _family(other))):
            waited_s = _longest_wait_s(pid)
            self._first_s.setdefault(pid, waited_s)
            self._last_s[pid] = max(waited_s, self._last_s.get(pid, 0.0))


def time_to_end_s(process: subprocess.Popen[str], *others: int) -> float:
    """How long it takes from now until a process has ended that was told to; `others` are waited for by it."""
    watch = Stopwatch(process.pid, *others)
    give_up_s = time.monotonic() + GIVE_UP_S
    while process.poll() is None:
        assert time.monotonic() < give_up_s, f"it has not ended within {GIVE_UP_S:g} s"
        watch.elapsed_s()
        time.sleep(POLL_S)
    return watch.elapsed_s()


def _family(pid: int) -> Iterator[int]:
    yield pid
    with suppress(OSError):
        for path in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in path.read_text().split():
                yield from _family(int(child))


def _longest_wait_s(pid: int) -> float:
    """Of its threads, the one that has waited longest for a core since it began."""
    longest_ns = 0
    for path in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with suppress(OSError, IndexError):  # a thread that has ended, or is ending
            longest_ns = max(longest_ns, int(path.read_text().split()[1]))
    return longest_ns * 1e-9
