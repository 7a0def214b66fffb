"""Why nothing comes out of a node that works on a topic: the first reason that holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from face1d_ros.nodes.diagnostics import Level
from face1d_ros.nodes.mailbox import OVERTAKEN, STOPPED, Accounts

STUCK_WORKER_S = 3.0
WRONG_CLOCK_S = 30.0
"""Stamps further than this from the node's own time come from another clock."""


@dataclass(frozen=True)
class Situation:
    """What is known about an active node. Times in seconds of wall time."""

    topic: str
    listening: bool
    """False while it waits for somebody who wants its output."""
    stall_after_s: float
    worker_busy_s: float
    silent_s: float
    """Since the newest message came in; since activation if none did."""
    barren_s: float
    """Since the newest output went out; since activation if none did."""
    accounts: Accounts
    faces: int
    latency_s: float
    clock_problem: str
    """What is wrong with simulated time, or ''."""
    time_jump: str
    """A jump of the stamps a moment ago, or ''."""
    obstacle: Callable[[], tuple[bool, str]]
    """As `Input.obstacle`; asked only if nothing comes in."""


def verdict(now: Situation) -> tuple[Level, str]:
    """(how bad, in words)."""
    if now.worker_busy_s > max(STUCK_WORKER_S, now.stall_after_s):
        return Level.ERROR, f"the worker's thread is stuck with one frame since {now.worker_busy_s:.0f} s"
    if not now.listening:
        return Level.OK, f"nobody listens; not subscribed to {now.topic} (on_demand)"
    if now.silent_s > now.stall_after_s:
        return _silent(now)
    if now.barren_s > now.stall_after_s and (refused := _refused(now.accounts)):
        return Level.ERROR, refused
    if now.clock_problem:
        return Level.WARN, now.clock_problem
    if now.time_jump:
        return Level.WARN, now.time_jump
    if not now.accounts.used:
        return Level.OK, f"waiting for the first frame on {now.topic}"
    if abs(now.latency_s) > WRONG_CLOCK_S:
        way = "before" if now.latency_s > 0.0 else "after"
        text = f"frames are stamped {abs(now.latency_s):.0f} s {way} the node's own time"
        return Level.WARN, f"{text}: another clock, or use_sim_time is not set as it should be"
    if not now.faces:
        return Level.OK, "frames, but no face in them"
    return Level.OK, "1 face" if now.faces == 1 else f"{now.faces} faces"


def _silent(now: Situation) -> tuple[Level, str]:
    is_error, obstacle = now.obstacle()
    if obstacle:
        return Level.ERROR if is_error else Level.WARN, obstacle
    reason = f"no frames on {now.topic} since {now.silent_s:.0f} s, although it has a publisher"
    return Level.WARN, f"{reason}; {now.clock_problem}" if now.clock_problem else reason


def _refused(accounts: Accounts) -> str:
    """The most frequent reason for which frames were refused; '' if none was."""
    for reason, count in accounts.reasons:
        if reason not in (OVERTAKEN, STOPPED):
            return f"all frames are refused, most ({count}) because of '{reason}'"
    return ""
