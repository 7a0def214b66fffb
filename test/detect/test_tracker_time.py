"""Losses, jumps in time, and long runs."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from tracker_faces import FRAME_NS, face, ids

from face1d_ros.detect.tracker import Tracker
from face1d_ros.errors import InvalidValueError


@pytest.mark.parametrize("gap_s", [0.1, 0.5, 0.99])
def test_an_id_survives_a_short_loss(gap_s: float) -> None:
    tracker = Tracker(1.0)
    stamp = 0
    for _ in range(10):
        tracker.update(stamp, [face(300)])
        stamp += FRAME_NS
    last_seen = stamp - FRAME_NS
    while stamp < last_seen + gap_s * 1e9 - FRAME_NS:
        assert tracker.update(stamp, []) == ((), ())
        stamp += FRAME_NS
    faces, ended = tracker.update(last_seen + round(gap_s * 1e9), [face(330)])
    assert ids(faces) == [1] and ended == ()


def test_a_moving_face_is_found_again_where_it_went() -> None:
    tracker = Tracker(1.0)
    for frame in range(40):
        x = 100 + 10.0 * frame
        hidden = 20 <= frame < 34
        faces, ended = tracker.update(frame * FRAME_NS, [] if hidden else [face(x)])
        assert ended == () and ids(faces) == ([] if hidden else [1])


def test_a_loss_of_exactly_the_limit_is_survived_and_a_longer_one_is_not() -> None:
    for beyond_ns, expected in ((0, ([1], ())), (1, ([2], (1,)))):
        tracker = Tracker(0.5)
        tracker.update(0, [face(300)])
        tracker.update(250_000_000, [])
        faces, ended = tracker.update(500_000_000 + beyond_ns, [face(300)])
        assert (ids(faces), ended) == expected


def test_an_ended_id_is_listed_once_in_the_frame_in_which_it_ends() -> None:
    tracker = Tracker(0.2)
    tracker.update(0, [face(300), face(600)])
    listed = [tracker.update(frame * FRAME_NS, [face(600)])[1] for frame in range(1, 60)]
    assert [frame for frame, ended in enumerate(listed, 1) if ended] == [7]
    assert listed[6] == (1,)


def test_without_patience_an_id_ends_with_the_first_frame_without_its_face() -> None:
    tracker = Tracker(0.0)
    for frame in range(5):
        faces, ended = tracker.update(frame * FRAME_NS, [face(300)])
        assert ids(faces) == [1] and ended == ()
    assert tracker.update(5 * FRAME_NS, []) == ((), (1,))
    assert ids(tracker.update(6 * FRAME_NS, [face(300)])[0]) == [2]


def test_patience_can_be_changed_while_running() -> None:
    tracker = Tracker(10.0)
    tracker.update(0, [face(300)])
    assert tracker.update(900_000_000, []) == ((), ())
    tracker.lost_after_s = 0.5
    assert tracker.update(900_000_001, []) == ((), (1,))
    for wrong in (-0.1, math.nan, math.inf):
        with pytest.raises(InvalidValueError, match="lost_after_s"):
            tracker.lost_after_s = wrong
    assert tracker.lost_after_s == 0.5


def test_a_jump_back_in_time_ends_all_and_begins_anew() -> None:
    tracker = Tracker()
    tracker.update(10**10, [face(300), face(600)])
    faces, ended = tracker.update(10**10 - 1, [face(300), face(600)])
    assert ids(faces) == [3, 4] and ended == (1, 2)
    assert all(f.tracked_s == 0.0 for f in faces)
    faces, ended = tracker.update(10**10 - 1 + FRAME_NS, [face(300), face(600)])
    assert ids(faces) == [3, 4] and ended == ()


@pytest.mark.parametrize("step_ns", [1_000_000_001, 10**12, 2**62])
def test_a_jump_ahead_ends_all_and_begins_anew(step_ns: int) -> None:
    tracker = Tracker(1.0)
    tracker.update(0, [face(300)])
    faces, ended = tracker.update(step_ns, [face(300)])
    assert ids(faces) == [2] and ended == (1,)


def test_the_same_stamp_twice_changes_neither_ids_nor_motion() -> None:
    tracker = Tracker()
    for frame in range(20):
        for shift in (0.0, 3.0):
            faces, ended = tracker.update(frame * FRAME_NS, [face(100 + 20 * frame + shift)])
            assert ids(faces) == [1] and ended == ()
            assert faces[0].tracked_s == pytest.approx(frame * FRAME_NS * 1e-9)


def test_slow_streams_are_tracked() -> None:
    tracker = Tracker(0.2)
    for frame in range(10):
        assert ids(tracker.update(frame * 10**9, [face(300 + 5 * frame)])[0]) == [1]


@pytest.mark.parametrize("seed", range(3))
def test_no_id_is_used_twice_and_each_ends_once_over_a_long_run(seed: int) -> None:
    """People come, go, hide and move; stamps stutter and jump; detections double and spoil."""
    rng = np.random.default_rng(seed)
    tracker = Tracker(0.3)
    alive: set[int] = set()
    ended_ever: set[int] = set()
    newest = stamp = 0
    positions = rng.uniform(0, 1500, (8, 2))
    for frame in range(1500):
        stamp += int(rng.choice([FRAME_NS, 0, 5 * FRAME_NS, -(10**9), 10**11], p=[0.9, 0.04, 0.04, 0.01, 0.01]))
        positions += rng.normal(0, 10, positions.shape)
        moved = rng.random(8) < 0.01
        positions[moved] = rng.uniform(0, 1500, (int(moved.sum()), 2))
        detections = [face(*p, rng=rng) for p in positions if rng.random() < 0.8]
        detections += detections[:1] if rng.random() < 0.1 else []
        if detections and rng.random() < 0.1:
            detections[-1] = dataclasses.replace(detections[-1], points=detections[-1].points * np.nan)
        if frame % 500 == 499:
            tracker.reset()
        faces, ended = tracker.update(stamp, detections)
        now = ids(faces)
        assert len(set(now)) == len(now) == len(set(now) - ended_ever) and len(now) <= 8
        assert not set(now) & set(ended)
        assert all(np.isfinite(f.points).all() and np.isfinite(f.box).all() and f.tracked_s >= 0.0 for f in faces)
        began = sorted(set(now) - alive)
        assert began == list(range(newest + 1, newest + 1 + len(began)))
        newest += len(began)
        assert len(set(ended)) == len(ended) and set(ended) <= alive and not set(ended) & ended_ever
        alive = (alive | set(now)) - set(ended)
        ended_ever |= set(ended)
    tracker.reset()
    last = tracker.update(stamp, [])[1]
    assert set(last) == alive and alive | ended_ever == set(range(1, newest + 1))
    assert newest > 50
