"""Recorded frames in real time."""

from __future__ import annotations

import numpy as np
import pytest

from face1d_ros.sources.pacing import paced
from face1d_ros.types import Frame, Header

IMAGE = np.zeros((2, 2, 3), np.uint8)


def frames(*stamps_ms: int) -> list[Frame]:
    return [Frame(Header(stamp_ns=stamp * 1_000_000), IMAGE) for stamp in stamps_ms]


class Time:
    """A clock that only sleeping and working move."""

    def __init__(self) -> None:
        self.now_ns = 77_000_000_000

    def clock(self) -> int:
        return self.now_ns

    def sleep(self, pause_s: float) -> bool:
        self.now_ns += round(pause_s * 1e9)
        return False


def times_ms(stamps_ms: list[int], work_ms: list[int]) -> list[int]:
    """When each frame came out, if the user of each frame works so long."""
    time = Time()
    began_ns, came = time.now_ns, []
    for _, work in zip(paced(frames(*stamps_ms), clock=time.clock, sleep=time.sleep), work_ms, strict=True):
        came.append((time.now_ns - began_ns) // 1_000_000)
        time.now_ns += work * 1_000_000
    return came


@pytest.mark.parametrize(
    ("stamps_ms", "work_ms", "expected"),
    [
        ([500, 540, 580, 620], [0, 0, 0, 0], [0, 40, 80, 120]),
        ([0, 40, 80, 120, 160], [5, 100, 0, 0, 0], [0, 40, 140, 140, 160]),
        ([0, 40, 60_000, 60_040], [0, 0, 0, 0], [0, 40, 40, 80]),
        ([1000, 1040, 0, 40], [0, 0, 0, 0], [0, 40, 40, 80]),
    ],
    ids=["from any start", "late ones at once, then in time again", "a cut is not waited for", "a jump back"],
)
def test_frames_come_when_due(stamps_ms: list[int], work_ms: list[int], expected: list[int]) -> None:
    assert times_ms(stamps_ms, work_ms) == expected


def test_sleep_that_returns_true_ends_it() -> None:
    came = list(paced(frames(0, 40, 80), clock=lambda: 0, sleep=lambda _: True))
    assert len(came) == 1
