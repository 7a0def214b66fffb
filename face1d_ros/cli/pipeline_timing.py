"""Rounds of all stages and bare MediaPipe, one after the other in a tight loop, and by turns at a camera's pace."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from face1d_ros.cli.pipeline_sides import PROCESSOR, WALL, BareSide, Clock, Image, PipelineSide, Side, Times
from face1d_ros.config import LandmarksConfig
from face1d_ros.graph import LANDMARKS, NodeSpec

Advance: TypeAlias = Callable[[], None]
"""Called after each frame of a block, or of both sides at camera pace; it may raise."""
STAMPS_HZ = 30.0
"""Of frames in the tight loop, as the portrait's motion has it."""
PACED_WARM_UP_FRAMES = 15
SETTLING_FRAMES = 5
"""At the beginning of a block; what the other side's threads and memory leave behind is not this one's."""


@dataclass(frozen=True)
class Turn:
    """What a round says of one side."""

    wall_s: Times
    cpu_s: Times


@dataclass(frozen=True)
class Throughput:
    """What a round says of all stages, overlapped: seconds a frame."""

    wall_s: float
    cpu_s: float


class Contest:
    """Both sides on one case: all frames of a round, one side after the other."""

    def __init__(
        self, images: Sequence[Image], specs: Sequence[NodeSpec], configs: Mapping[str, Any], max_faces: int
    ) -> None:
        """`configs` as `make_steps` takes them."""
        self.max_faces = max_faces
        landmarks = replace(configs.get(LANDMARKS.name) or LandmarksConfig(), max_faces=max_faces)
        self.bare = BareSide(images, max_faces)
        try:
            self.ours = PipelineSide(images, specs, {**configs, LANDMARKS.name: landmarks})
        except BaseException:
            self.bare.close()
            raise
        self.rounds: list[tuple[Turn, Turn]] = []
        """Bare MediaPipe's and ours."""
        self.overlapped: list[Throughput] = []
        """Ours once more, in the same rounds."""

    @property
    def sides(self) -> tuple[Side, Side]:
        """Both."""
        return self.bare, self.ours

    def warm_up(self, frames: int, advance: Advance) -> None:
        """Frames that do not count."""
        for side in self.sides:
            _block(side, frames, WALL, advance)
            side.found.clear()

    def run(self, frames: int, advance: Advance) -> None:
        """A turn for each, the one and the other side first in turn."""
        if len(self.rounds) % 2:
            ours = self._run_ours(frames, advance)
            self.rounds.append((turn_of(self.bare, frames, advance), ours))
        else:
            self.rounds.append((turn_of(self.bare, frames, advance), self._run_ours(frames, advance)))

    def _run_ours(self, frames: int, advance: Advance) -> Turn:
        """One stage after the other, and overlapped."""
        turn = turn_of(self.ours, frames, advance)
        wall_s, cpu_s = self.ours.overlapped(frames, SETTLING_FRAMES, STAMPS_HZ, advance)
        self.overlapped.append(Throughput(wall_s / frames, cpu_s / frames))
        return turn

    def close(self) -> None:
        """Free both sides."""
        for side in self.sides:
            side.close()


def frames_of_a_run(frames: int) -> int:
    """How often `Contest.run` advances."""
    return 2 * (SETTLING_FRAMES + 2 * frames) + SETTLING_FRAMES + frames


def turn_of(side: Side, frames: int, advance: Advance) -> Turn:
    """A block of frames by the clock, and one by the processor's."""
    _block(side, SETTLING_FRAMES, WALL, advance)
    return Turn(_block(side, frames, WALL, advance), _block(side, frames, PROCESSOR, advance))


def _block(side: Side, frames: int, clock: Clock, advance: Advance) -> Times:
    for _ in range(frames):
        side.step(STAMPS_HZ, clock)
        advance()
    return side.take()


@dataclass(frozen=True)
class Paced:
    """What one side took at a camera's pace."""

    wall_s: Times
    cpu_s: float
    """A frame's mean, of the whole."""


def paced(sides: Sequence[Side], frames: int, rate_hz: float, advance: Advance) -> tuple[list[Paced], float]:
    """The times of so many frames at this rate, with sleeps between; and the rate that was kept.

    The sides take turns within each frame's time: each of them runs at the rate, with the caches as the other has left
    them. That is harder than to run alone, and the same for both.
    """
    _at_pace(sides, PACED_WARM_UP_FRAMES, rate_hz, advance)
    for side in sides:
        side.take()
    began_s = WALL()
    cpu_s = _at_pace(sides, frames, rate_hz, advance)
    kept_hz = frames / (WALL() - began_s)
    return [Paced(side.take(), spent_s / frames) for side, spent_s in zip(sides, cpu_s, strict=True)], kept_hz


def _at_pace(sides: Sequence[Side], frames: int, rate_hz: float, advance: Advance) -> list[float]:
    """The processor's time that each side took."""
    pause_s = 1.0 / (rate_hz * len(sides))
    spent_s = [0.0] * len(sides)
    began_s = WALL()
    for index in range(frames):
        for turn, side in enumerate(sides):
            _sleep_until(began_s + (index * len(sides) + turn) * pause_s)
            before_s = PROCESSOR()
            side.step(rate_hz)
            spent_s[turn] += PROCESSOR() - before_s
        advance()
    _sleep_until(began_s + frames * len(sides) * pause_s)
    return spent_s


def _sleep_until(due_s: float) -> None:
    time.sleep(max(0.0, due_s - WALL()))
