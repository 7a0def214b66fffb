"""What a frame of one face costs in the smoothing stage, at a camera's pace."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from face1d_ros.evaluate.smoothing_tracks import NS, Track, longest_stretch
from face1d_ros.stages.base import Stage
from face1d_ros.types import FaceLandmarksArray, Header

RATE_HZ = 30.0
WARM_UP_FRAMES = 15


def paced_times_s(
    stages: Sequence[Stage], track: Track, frames: int, advance: Callable[[], None] = lambda: None
) -> list[list[float]]:
    """Of each stage the times of so many frames at 30 Hz.

    The stages take turns within each frame's time, with sleeps between: each of them runs at 30 Hz, with the caches as
    the others have left them. That is harder than to run alone, and the same for all.
    """
    given = _at_30_hz(track, WARM_UP_FRAMES + frames)
    times_s: list[list[float]] = [[] for _ in stages]
    for stage in stages:
        stage.reset()
    pause_s = 1.0 / (RATE_HZ * max(len(stages), 1))
    began_s = time.perf_counter()
    for index, frame in enumerate(given):
        for turn, (stage, times) in enumerate(zip(stages, times_s, strict=True)):
            due_s = began_s + (index * len(stages) + turn) * pause_s
            time.sleep(max(0.0, due_s - time.perf_counter()))
            started_s = time.perf_counter()
            stage.process(frame)
            if index >= WARM_UP_FRAMES:
                times.append(time.perf_counter() - started_s)
        advance()
    return times_s


def _at_30_hz(track: Track, frames: int) -> list[FaceLandmarksArray]:
    """The frames of the track's longest stretch, forwards and backwards in turn, with stamps at that rate."""
    shown = track.frames[longest_stretch(track.seen)]
    there_and_back = (*shown, *shown[::-1])
    return [
        replace(there_and_back[index % len(there_and_back)], header=Header(round((1 + index / RATE_HZ) * NS)))
        for index in range(frames)
    ]
