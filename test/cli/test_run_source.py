"""A camera that goes and comes back while `face1d run` plays it."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Iterator

import numpy as np
import pytest

from face1d_ros.cli.run_source import PlayedSource
from face1d_ros.errors import SourceBrokenOffError, SourceError, SourceNotFoundError
from face1d_ros.sources.base import Opened
from face1d_ros.sources.reopen import BackOff
from face1d_ros.types import Frame, Header

QUICK = BackOff(0.001, 0.002)


class Scripted(Opened):
    """Gives so many frames, leaves one out, and ends in an error."""

    length = None
    description = "camera 7"
    rate_hz = 30.0

    def __init__(self, frames: int, error: SourceError | None, *, live: bool = True, width: int = 64) -> None:
        self.live, self.width, self.height = live, width, 48
        self.skipped: Counter[str] = Counter()
        self.closed = 0
        self._frames, self._error = frames, error

    def frames(self) -> Iterator[Frame]:
        for index in range(self._frames):
            yield Frame(Header(index), np.zeros((48, self.width, 3), np.uint8))
        self.skipped["undecodable"] += 1
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        self.closed += 1


GONE = SourceNotFoundError("/dev/video7", "the camera has vanished; plug it in again")


def play(
    *openings: Scripted | SourceError, stop_after: int = 1000
) -> tuple[PlayedSource, list[int], deque[str], list[Scripted]]:
    """The source, the stamps of its frames, the notes, and what was opened; it ends when all was opened."""
    left, notes, stopping = list(openings), deque[str](), threading.Event()

    def open_next() -> Scripted:
        following = left.pop(0)
        if not left:
            stopping.set()
        if isinstance(following, SourceError):
            raise following
        return following

    played = PlayedSource(open_next, stopping, notes, QUICK)
    stamps = [frame.header.stamp_ns for frame, _ in zip(played.frames(), range(stop_after), strict=False)]
    return played, stamps, notes, [opened for opened in openings if isinstance(opened, Scripted)]


def test_a_camera_is_picked_up_again_and_both_are_noted() -> None:
    played, stamps, notes, opened = play(Scripted(3, GONE), GONE, GONE, Scripted(2, None))
    assert stamps == [0, 1, 2, 0, 1]
    assert [note.partition(";")[0] for note in notes] == [
        *["source '/dev/video7' was not found"] * 3,
        "the source is back: camera 7",
    ]
    assert notes[0].endswith("trying again in 0.001 s")
    assert played.losses == 1
    assert played.skipped == Counter(undecodable=2)
    played.close()
    assert [source.closed for source in opened] == [1, 1]


def test_a_camera_that_comes_back_with_another_size_is_not_mixed_in() -> None:
    _, stamps, notes, opened = play(Scripted(1, GONE), Scripted(5, None, width=32), Scripted(1, None))
    assert stamps == [0, 0]
    assert "is back with 32×48 pixels, expected 64×48 as before; trying again" in notes[1]
    assert [source.closed for source in opened] == [1, 1, 1]


def test_a_camera_that_is_not_there_at_the_start_is_an_error() -> None:
    with pytest.raises(SourceNotFoundError):
        play(GONE)


def test_a_file_that_breaks_ends_in_its_error_and_is_not_opened_again() -> None:
    film = Scripted(2, SourceBrokenOffError("film.avi", "ended after 2 of 9 frames"), live=False)
    with pytest.raises(SourceBrokenOffError):
        play(film, Scripted(2, None))


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("asked", [0, 1])
def test_it_is_closed_once_whether_frames_were_asked_for_or_not(live: bool, asked: int) -> None:
    source = Scripted(5, None, live=live)
    played = PlayedSource(lambda: source, threading.Event(), deque())
    frames = played.frames()
    for _ in range(asked):
        next(frames)
    played.close()
    assert source.closed == 1
