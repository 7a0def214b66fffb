"""Jumps in time."""

from __future__ import annotations

import math

import pytest

from face1d_ros.sources.stamps import StampWatch

S = 1_000_000_000


def test_steps_add_up_and_jumps_do_not() -> None:
    watch = StampWatch()
    jumps = [watch.note(stamp_s * S) for stamp_s in (10, 11, 13, 13, 10, 12, 18, 19)]
    assert jumps == [False, False, False, False, True, False, True, False]
    assert watch.duration_s == pytest.approx(1 + 2 + 0 + 2 + 1)
    assert watch.jump.count == 2
    assert watch.jump.text("the source's time") == "the source's time jumped ahead by 6.000 s (2 times so far)"


def test_a_jump_back_is_told_with_its_size() -> None:
    watch = StampWatch()
    watch.note(10 * S)
    assert watch.note(6_667_000_000)
    assert watch.jump.text("stamps on /x") == "stamps on /x jumped back by 3.333 s"


def test_a_new_time_line_and_a_long_pause_can_be_no_jump() -> None:
    watch = StampWatch(longest_step_s=math.inf)
    assert not any(watch.note(stamp_s * S) for stamp_s in (10, 1000))
    watch.begin_anew()
    assert not watch.note(5 * S)
    assert watch.note(4 * S)
    assert watch.duration_s == pytest.approx(990.0)
