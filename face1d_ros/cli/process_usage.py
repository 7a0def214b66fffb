"""What processes take, read from /proc: the processor's time and resident memory."""

from __future__ import annotations

import os
import time
from collections import defaultdict, deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from face1d_ros.errors import ProcessError

PROC = Path("/proc")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1e6
_PARENT_AT, _USER_AT, _SYSTEM_AT, _ENDED_USER_AT, _ENDED_SYSTEM_AT = 1, 11, 12, 13, 14
"""Of /proc/PID/stat, counted after the name, which may hold spaces (proc(5): utime is field 14)."""


@dataclass(frozen=True)
class Usage:
    """Of one process or several, at one time."""

    at_s: float
    """Monotonic."""
    cpu_s: float
    """In all threads, since the start."""
    resident_mb: float


def usage_of(process_id: int) -> Usage:
    """Of one process. Raises ProcessError where there is no such process."""
    return _usage([process_id], (_USER_AT, _SYSTEM_AT))


def usage_with_children(process_id: int) -> Usage:
    """Of a process and of all that it has begun, those that have ended too. Raises ProcessError as `usage_of`.

    Memory that processes share is counted in each of them.
    """
    return _usage([process_id, *_below(process_id)], (_USER_AT, _SYSTEM_AT, _ENDED_USER_AT, _ENDED_SYSTEM_AT))


def _usage(process_ids: Sequence[int], ticks_at: Sequence[int]) -> Usage:
    ticks = pages = 0
    for process_id in process_ids:
        try:
            found = _stat(process_id)
            ticks += sum(int(found[at]) for at in ticks_at)
            pages += int((PROC / str(process_id) / "statm").read_text().split()[1])
        except (OSError, IndexError) as error:
            if process_id == process_ids[0]:  # others may have ended meanwhile
                raise ProcessError(f"process {process_id} cannot be measured: {error}") from error
    return Usage(time.monotonic(), ticks / _TICKS_PER_S, pages * _PAGE_MB)


def _below(process_id: int) -> list[int]:
    """Children, their children, and so on."""
    children: defaultdict[int, list[int]] = defaultdict(list)
    for path in PROC.glob("[0-9]*"):
        with suppress(OSError, IndexError):
            children[int(_stat(int(path.name))[_PARENT_AT])].append(int(path.name))
    found, waiting = [], deque(children[process_id])
    while waiting:
        found.append(waiting.popleft())
        waiting += children[found[-1]]
    return found


def _stat(process_id: int) -> list[str]:
    """What follows the name."""
    return (PROC / str(process_id) / "stat").read_text().rpartition(")")[2].split()


def cpu_percent(before: Usage, after: Usage) -> float:
    """Of one core; more than 100 where several threads are at work."""
    return 100.0 * (after.cpu_s - before.cpu_s) / max(after.at_s - before.at_s, 1e-9)
