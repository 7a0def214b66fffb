"""What a frame of one face costs in a stage, at a camera's pace."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from face1d_ros.evaluate.smoothing_tracks import NS, Track, longest_stretch
from face1d_ros.stages.base import Stage
from face1d_ros.types import Header

RATE_HZ = 30.0
WARM_UP_FRAMES = 15


def paced_times_s(
    stages: Sequence[Stage], track: Track, frames: int, advance: Callable[[], None] = lambda: None
) -> list[list[float]]:
    """Of each stage the times of so many frames of a track, as `times_in_turn_s` takes them."""
    given = at_30_hz(track.frames[longest_stretch(track.seen)], frames)
    return times_in_turn_s([(stage, given) for stage in stages], advance)


def times_in_turn_s(
    given: Sequence[tuple[Stage, Sequence[Any]]], advance: Callable[[], None] = lambda: None
) -> list[list[float]]:
    """Of each stage the times of its frames at 30 Hz, but of those that warm up.

    The stages take turns within each frame's time, with sleeps between: each of them runs at 30 Hz, with the caches as
    the others have left them. That is harder than to run alone, and the same for all.
    """
    times_s: list[list[float]] = [[] for _ in given]
    for stage, _ in given:
        stage.reset()
    pause_s = 1.0 / (RATE_HZ * max(len(given), 1))
    began_s = time.perf_counter()
    for index in range(min((len(frames) for _, frames in given), default=0)):
        for turn, ((stage, frames), times) in enumerate(zip(given, times_s, strict=True)):
            due_s = began_s + (index * len(given) + turn) * pause_s
            time.sleep(max(0.0, due_s - time.perf_counter()))
            started_s = time.perf_counter()
            stage.process(frames[index])
            if index >= WARM_UP_FRAMES:
                times.append(time.perf_counter() - started_s)
        if index >= WARM_UP_FRAMES:
            advance()
    return times_s


def at_30_hz(shown: Sequence[Any], frames: int) -> list[Any]:
    """So many frames, and those that warm up, forwards and backwards in turn, with stamps at that rate."""
    there_and_back = (*shown, *shown[::-1])
    return [
        replace(there_and_back[index % len(there_and_back)], header=Header(round((1 + index / RATE_HZ) * NS)))
        for index in range(WARM_UP_FRAMES + frames)
    ]
