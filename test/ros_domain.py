"""ROS domains that no other test uses at the same time, in this or another run on this machine."""

from __future__ import annotations

import fcntl
import os
import random
import tempfile
from pathlib import Path

DOMAINS = range(1, 101)
"""Beyond 101, ROS 2's ports meet those that Linux gives to anybody."""
_held: list[int] = []


def fresh_domain() -> int:
    """Another domain than the last, kept from other processes by a lock until the next call or the end."""
    for domain in random.SystemRandom().sample(DOMAINS, len(DOMAINS)):
        lock = os.open(Path(tempfile.gettempdir(), f"ros_domain_{os.getuid()}_{domain}.lock"), os.O_CREAT | os.O_RDWR)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue
        for earlier in _held:
            os.close(earlier)
        _held[:] = [lock]
        return domain
    raise RuntimeError("every ROS domain is reserved by another test run")


def isolated() -> dict[str, str]:
    """Environment variables that keep the processes of a test to themselves."""
    return {"ROS_DOMAIN_ID": str(fresh_domain()), "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}
