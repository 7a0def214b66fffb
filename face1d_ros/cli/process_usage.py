"""What a process takes, read from /proc: the processor's time and resident memory."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from face1d_ros.errors import ProcessError

PROC = Path("/proc")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1e6
_USER_AT, _SYSTEM_AT = 11, 12
"""Of /proc/PID/stat, counted after the name, which may hold spaces (proc(5): utime is field 14)."""


@dataclass(frozen=True)
class Usage:
    """Of one process, at one time."""

    at_s: float
    """Monotonic."""
    cpu_s: float
    """In all its threads, since its start."""
    resident_mb: float


def usage_of(process_id: int) -> Usage:
    """Raises ProcessError where there is no such process."""
    try:
        after_name = (PROC / str(process_id) / "stat").read_text().rpartition(")")[2].split()
        pages = int((PROC / str(process_id) / "statm").read_text().split()[1])
    except (OSError, IndexError) as error:
        raise ProcessError(f"process {process_id} cannot be measured: {error}") from error
    ticks = int(after_name[_USER_AT]) + int(after_name[_SYSTEM_AT])
    return Usage(time.monotonic(), ticks / _TICKS_PER_S, pages * _PAGE_MB)


def cpu_percent(before: Usage, after: Usage) -> float:
    """Of one core; more than 100 where several threads are at work."""
    return 100.0 * (after.cpu_s - before.cpu_s) / max(after.at_s - before.at_s, 1e-9)
