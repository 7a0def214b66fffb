"""Every frame, or the newest one with exact counts; ends and errors reach the one who iterates."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from face1d_ros.errors import SourceUnreadableError
from face1d_ros.replay.feed import EveryFrame, Feed, NewestFrame
from face1d_ros.types import Frame

MakeFrame = Callable[[int], Frame]
DEADLINE_S = 10.0


def indices(feed: Feed, work: Callable[[], object] = lambda: None) -> list[int]:
    """Which frames come, as their images tell, to somebody who works on each of them."""
    found = []
    for frame in feed:
        if frame is not None:
            found.append(int(frame.image[0, 0, 0]))
            work()
    return found


def test_every_frame_comes_once_and_in_order(frame: MakeFrame) -> None:
    feed = EveryFrame(map(frame, range(20)), threading.Event())
    assert indices(feed) == list(range(20))
    assert (feed.received, feed.overtaken) == (20, 0)


def test_who_is_slower_than_the_source_gets_the_newest_and_the_last(frame: MakeFrame) -> None:
    given = 0

    def frames() -> Iterator[Frame]:
        nonlocal given
        for index in range(60):
            time.sleep(0.001)
            given = index + 1
            yield frame(index)

    def work() -> None:
        """As long as the source takes for ten frames."""
        goal, give_up_s = min(given + 10, 60), time.monotonic() + DEADLINE_S
        while given < goal and time.monotonic() < give_up_s:
            time.sleep(0.001)

    feed = NewestFrame(frames(), threading.Event())
    found = indices(feed, work)
    assert found == sorted(set(found))
    assert found[-1] == 59
    assert len(found) <= 8
    assert (feed.received, feed.overtaken) == (60, 60 - len(found))


def test_who_is_fast_enough_misses_nothing(frame: MakeFrame) -> None:
    taken = threading.Semaphore(0)

    def frames() -> Iterator[Frame]:
        for index in range(30):
            yield frame(index)
            assert taken.acquire(timeout=DEADLINE_S)

    feed, found = NewestFrame(frames(), threading.Event()), []
    for each in feed:
        if each is not None:
            found.append(int(each.image[0, 0, 0]))
            taken.release()
    assert found == list(range(30))
    assert feed.overtaken == 0


def test_none_comes_while_the_source_is_silent(frame: MakeFrame) -> None:
    silent = threading.Event()

    def frames() -> Iterator[Frame]:
        yield frame(1)
        silent.wait(DEADLINE_S)

    feed = NewestFrame(frames(), threading.Event())
    iterator = iter(feed)
    assert any(next(iterator) is not None for _ in range(50))
    assert next(iterator) is None
    silent.set()
    assert feed.close(DEADLINE_S)


@pytest.mark.parametrize("kind", [EveryFrame, NewestFrame])
def test_what_breaks_the_source_is_raised_after_its_last_frame(
    kind: type[EveryFrame | NewestFrame], frame: MakeFrame
) -> None:
    def frames() -> Iterator[Frame]:
        yield frame(1)
        raise SourceUnreadableError("film", "is damaged")

    found = []
    with pytest.raises(SourceUnreadableError, match="is damaged"):
        for each in kind(frames(), threading.Event()):
            found.append(each)
    assert [int(each.image[0, 0, 0]) for each in found if each is not None] == [1]


@pytest.mark.parametrize("kind", [EveryFrame, NewestFrame])
def test_it_ends_when_it_is_told_to(kind: type[EveryFrame | NewestFrame], frame: MakeFrame) -> None:
    stopping = threading.Event()
    count = 0
    for each in kind((frame(index) for index in iter(int, 1)), stopping):
        count += each is not None
        if count == 3:
            stopping.set()
    assert count == 3


def test_a_source_that_holds_its_thread_is_not_waited_for_for_long(frame: MakeFrame) -> None:
    release = threading.Event()

    def frames() -> Iterator[Frame]:
        release.wait(DEADLINE_S)
        yield frame(0)

    feed = NewestFrame(frames(), threading.Event())
    assert next(iter(feed)) is None
    assert not feed.close(0.05)
    release.set()
    assert feed.close(DEADLINE_S)
