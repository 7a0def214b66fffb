"""A bounded way between two threads."""

from __future__ import annotations

import threading

import pytest

from face1d_ros.replay.lane import Lane

LONG_S = 20.0


def fill(lane: Lane[int], count: int, put: list[int], error: Exception | None = None) -> threading.Thread:
    def work() -> None:
        with lane.filling():
            for item in range(count):
                if not lane.put(item):
                    return
                put.append(item)
            if error is not None:
                raise error

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_items_come_out_in_their_order_and_then_it_ends() -> None:
    put: list[int] = []
    lane: Lane[int] = Lane(3)
    thread = fill(lane, 1000, put)
    assert list(lane) == list(range(1000))
    thread.join(LONG_S)
    assert not thread.is_alive()


def test_no_more_wait_in_it_than_it_is_long() -> None:
    put: list[int] = []
    lane: Lane[int] = Lane(3)
    thread = fill(lane, 10, put)
    thread.join(0.2)
    assert len(put) <= 3 and thread.is_alive()
    lane.close()
    thread.join(LONG_S)
    assert not thread.is_alive()


def test_what_is_raised_comes_after_all_items() -> None:
    lane: Lane[int] = Lane(8)
    fill(lane, 5, [], KeyError("broken")).join(LONG_S)
    found = []
    with pytest.raises(KeyError, match="broken"):
        for item in lane:
            found.append(item)
    assert found == list(range(5))


def test_nothing_comes_out_of_one_that_is_closed() -> None:
    lane: Lane[int] = Lane(8)
    fill(lane, 5, []).join(LONG_S)
    lane.close()
    assert list(lane) == [] and not lane.put(1)
