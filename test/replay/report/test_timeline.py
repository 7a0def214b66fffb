"""Stamps become seconds that go on, whatever the stamps do."""

from __future__ import annotations

import pytest

from face1d_ros.replay.report.timeline import Timeline

NS = 1_000_000_000
STEP_NS = 100_000_000


def placed(stamps_ns: list[int]) -> tuple[Timeline, list[float]]:
    timeline = Timeline()
    return timeline, [timeline.lead(stamp) for stamp in stamps_ns]


def test_time_counts_from_the_first_stamp_without_losing_digits() -> None:
    first = 1_700_000_000 * NS + 123_456_789
    timeline, at_s = placed([first + index * STEP_NS for index in range(5)])
    assert at_s == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4], abs=1e-9)
    assert timeline.step_s == pytest.approx(0.1) and (timeline.jumps, timeline.late) == (0, 0)


@pytest.mark.parametrize("jump_ns", [-3600 * NS, 3600 * NS])
def test_after_a_jump_time_goes_on_one_step_behind_what_was_before(jump_ns: int) -> None:
    stamps = [index * STEP_NS for index in range(5)]
    timeline, at_s = placed([*stamps, *(jump_ns + stamp for stamp in stamps)])
    assert at_s == pytest.approx([0.1 * index for index in range(10)])
    assert timeline.jumps == 1 and timeline.end_s == pytest.approx(0.9)


def test_a_pause_keeps_its_length() -> None:
    timeline, at_s = placed([0, STEP_NS, 30 * NS])
    assert at_s[-1] == pytest.approx(30.0) and timeline.jumps == 0


def test_frames_slightly_out_of_order_are_late_and_not_a_jump() -> None:
    timeline, at_s = placed([0, 2 * STEP_NS, STEP_NS, 3 * STEP_NS])
    assert at_s == pytest.approx([0.0, 0.2, 0.1, 0.3])
    assert (timeline.jumps, timeline.late) == (0, 1)


def test_a_result_from_before_a_jump_is_placed_before_it() -> None:
    timeline, _ = placed([0, STEP_NS, 2 * STEP_NS, 3600 * NS])
    assert timeline.place_s(STEP_NS) == pytest.approx(0.1)
    assert timeline.place_s(3600 * NS) == pytest.approx(0.3)


def test_without_a_frame_everything_is_at_the_beginning() -> None:
    timeline = Timeline()
    assert (timeline.place_s(5 * NS), timeline.end_s, timeline.step_s) == (0.0, 0.0, None)
