"""Giving out recorded frames in real time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from face1d_ros.types import Frame

LONGEST_GAP_NS = 5_000_000_000
"""A longer pause between two stamps is a cut in the recording, not waited for."""


def paced(
    frames: Iterable[Frame], *, clock: Callable[[], int], sleep: Callable[[float], bool | None]
) -> Iterator[Frame]:
    """Each frame when it is due by its stamp. Late frames come at once; a jump in time starts the count anew.

    `clock` gives ns, `sleep` waits for s and ends all by returning true, as `threading.Event.wait` does.
    """
    start_ns = first_ns = last_ns = None
    for frame in frames:
        stamp_ns = frame.header.stamp_ns
        if last_ns is None or not 0 <= stamp_ns - last_ns <= LONGEST_GAP_NS:
            start_ns, first_ns = clock(), stamp_ns
        last_ns = stamp_ns
        wait_ns = (stamp_ns - (first_ns or 0)) - (clock() - (start_ns or 0))
        if wait_ns > 0 and sleep(wait_ns * 1e-9):
            return
        yield frame
