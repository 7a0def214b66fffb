"""Frames through the stages as fast as two processor cores allow: reading, detecting and the rest at the same time.

One thread reads and decodes frames, one runs the first stage, and whoever asks for results runs the others. Each
frame meets each stage in the order of the source, so the values are those of `Pipeline.process`, bit for bit.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, TypeAlias

from face1d_ros.replay.lane import Lane
from face1d_ros.replay.pipeline import Begun, Pipeline
from face1d_ros.stages.base import Resumable
from face1d_ros.types import Frame

AHEAD = 4
"""Frames that wait before each part at most: more would only take memory."""
State: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Overlapped:
    """The results of one frame."""

    frame: Frame
    values: dict[str, Any]
    """By topic, as `Pipeline.process` gives them."""
    state: State | None
    """What the first stage knew after this frame, where that was asked for and can be told."""


def overlapped(
    frames: Iterable[Frame], pipeline: Pipeline, *, ahead: int = AHEAD, with_state: bool = False
) -> Generator[Overlapped, None, None]:
    """The results of every frame, in their order; the frames are read in another thread.

    What an iteration or a stage raises is raised here, after the results of all frames before it. Closing the
    generator ends the threads: it waits for the frame that each of them has in hand, and no longer.
    """
    shown: Lane[Frame] = Lane(ahead)
    begun: Lane[tuple[Begun, State | None]] = Lane(ahead)
    state_of = _teller(pipeline) if with_state else lambda: None
    threads = (
        threading.Thread(target=_read, args=(frames, shown), name="reading", daemon=True),
        threading.Thread(target=_begin, args=(shown, pipeline, begun, state_of), name="first stage", daemon=True),
    )
    for thread in threads:
        thread.start()
    try:
        for first, state in begun:
            assert first.frame is not None
            yield Overlapped(first.frame, pipeline.go_on(first), state)
    finally:
        shown.close()
        begun.close()
        for thread in threads:
            thread.join()


def _read(frames: Iterable[Frame], shown: Lane[Frame]) -> None:
    iterator = iter(frames)
    with shown.filling():
        try:
            for frame in iterator:
                if not shown.put(frame):
                    return
        finally:
            # A generator is ended by the thread that has run it.
            getattr(iterator, "close", lambda: None)()


def _begin(
    shown: Lane[Frame],
    pipeline: Pipeline,
    begun: Lane[tuple[Begun, State | None]],
    state_of: Callable[[], State | None],
) -> None:
    with closing(shown), begun.filling():
        for frame in shown:
            if not begun.put((pipeline.begin(frame), state_of())):
                return


def _teller(pipeline: Pipeline) -> Callable[[], State | None]:
    stage = pipeline.steps[0].stage
    return stage.state if isinstance(stage, Resumable) else lambda: None
