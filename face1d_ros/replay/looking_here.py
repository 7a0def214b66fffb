"""The part of a replay that sees pixels, in this process."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, closing
from itertools import islice
from types import TracebackType

from face1d_ros.errors import RecordingError, SourceError
from face1d_ros.paths import printable
from face1d_ros.replay.ahead import ahead
from face1d_ros.replay.checkpoint import Checkpoint
from face1d_ros.replay.looking import Account, Facts, Look, Task
from face1d_ros.sources import open_configured
from face1d_ros.stages.landmarks import LandmarksStage
from face1d_ros.types import Frame


class LookingHere:
    """Frames are read in a thread of their own, ahead of the landmark stage."""

    def __init__(self, task: Task) -> None:
        """Nothing is opened yet."""
        self._task = task
        self._broken_off = ""

    def __enter__(self) -> LookingHere:
        """Raises SourceError, ConfigError and what else keeps source or stage from being there."""
        with ExitStack() as stack:
            self._source = stack.enter_context(open_configured(self._task.camera, clock=time.time_ns))
            self._stage = stack.enter_context(closing(LandmarksStage(self._task.landmarks)))
            self._opened = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    @property
    def facts(self) -> Facts:
        """Of the opened source and stage."""
        source = self._source
        return Facts(
            description=source.description,
            topic=getattr(source, "topic", self._task.camera.image_topic),
            width=source.width,
            height=source.height,
            length=source.length,
            camera=source.camera,
            is_resumable=self._stage.state() is not None,
        )

    def looks(self, after: Checkpoint | None) -> Generator[Look, None, None]:
        """All frames, or those after a checkpoint. A source that breaks off ends them, and `account` says why.

        Raises RecordingError where the frames until the checkpoint are not those that were there before, and
        DetectorError.
        """
        frames: Iterator[Frame] = islice(self._read(), self._task.max_frames)
        if after is not None:
            self._stage.restore(after.state)
            frames = _following(frames, after)
        with closing(ahead(frames)) as read:
            for frame in read:
                began_s = time.perf_counter()
                result = self._stage.process(frame)
                yield Look(frame, result, time.perf_counter() - began_s, self._stage.state())

    @property
    def account(self) -> Account:
        """Up to now."""
        damage = tuple(getattr(self._source, "damage", ())) or ((self._broken_off,) if self._broken_off else ())
        return Account(
            left_out={reason: count for reason, count in self._source.skipped.items() if count},
            damage=tuple(map(printable, damage)),
            notes=tuple(map(printable, getattr(self._source, "notes", ()))),
        )

    def _read(self) -> Iterator[Frame]:
        try:
            yield from self._source.frames()
        except SourceError as error:
            self._broken_off = printable(error)


def _following(frames: Iterable[Frame], checkpoint: Checkpoint) -> Iterator[Frame]:
    iterator = iter(frames)
    stamps_ns = [frame.header.stamp_ns for frame in islice(iterator, checkpoint.frames - 1, checkpoint.frames)]
    if stamps_ns != [checkpoint.stamp_ns]:
        raise RecordingError("the source gives other frames than it gave before; begin anew with --anew")
    yield from iterator
