"""Frames through the stages of one process on two processor cores: reading, detecting and the rest at the same time.

One thread reads and decodes frames, one runs the first stage, and whoever asks for results runs the others. Each
frame meets each stage in the order of the source, so the values are those of `Pipeline.process`, bit for bit.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import closing
from typing import Any

from face1d_ros.replay.ahead import AHEAD, ahead
from face1d_ros.replay.pipeline import Begun, Pipeline
from face1d_ros.types import Frame

READING, FIRST_STAGE = "reading", "first stage"
"""What the threads are called."""


def overlapped(
    frames: Iterable[Frame], pipeline: Pipeline, *, longest: int = AHEAD
) -> Generator[tuple[Frame, dict[str, Any]], None, None]:
    """Every frame with its results by topic, as `Pipeline.process` gives them.

    What an iteration or a stage raises is raised here, after the results of all frames before it. `longest`: so many
    frames wait before each part at most. Closing the generator ends the threads after the frames they have in hand.
    """
    with closing(ahead(_begun(frames, pipeline, longest), longest=longest, name=FIRST_STAGE)) as begun:
        for frame, first in begun:
            yield frame, pipeline.go_on(first)


def _begun(frames: Iterable[Frame], pipeline: Pipeline, longest: int) -> Generator[tuple[Frame, Begun], None, None]:
    with closing(ahead(frames, longest=longest, name=READING)) as read:
        for frame in read:
            yield frame, pipeline.begin(frame)
