"""Frames from a source to the pipeline: every one of them, or always the newest."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from typing import Protocol

from face1d_ros.types import Frame

WAIT_S = 0.1
"""How long an iteration waits for a frame before it gives None."""


class Feed(Protocol):
    """Frames, and None now and then while none comes. Ends with the frames, or soon after `stopping` is set."""

    received: int
    """Frames that came so far."""
    overtaken: int
    """Frames that were left out, because a newer one was there."""

    def __iter__(self) -> Iterator[Frame | None]: ...

    def close(self, timeout_s: float) -> bool:
        """End it. False: the source is still at work in another thread, and must not be closed under it."""


class EveryFrame:
    """Each frame when it is asked for."""

    overtaken = 0

    def __init__(self, frames: Iterable[Frame], stopping: threading.Event) -> None:
        self.received = 0
        self._frames = frames
        self._stopping = stopping

    def __iter__(self) -> Iterator[Frame]:
        for frame in self._frames:
            if self._stopping.is_set():
                return
            self.received += 1
            yield frame

    def close(self, timeout_s: float) -> bool:
        """Nothing to end."""
        return True


class NewestFrame:
    """The newest frame that was not given yet, read in a thread of its own; what it raises is raised at the end.

    received = given + overtaken, and one more while a frame waits.
    """

    def __init__(self, frames: Iterable[Frame], stopping: threading.Event) -> None:
        self.received = 0
        self.overtaken = 0
        self._frames = frames
        self._stopping = stopping
        self._condition = threading.Condition()
        self._slot: Frame | None = None
        self._ended = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._read, name="source", daemon=True)

    def __iter__(self) -> Iterator[Frame | None]:
        self._thread.start()
        while not self._stopping.is_set():
            with self._condition:
                if self._slot is None and not self._ended:
                    self._condition.wait(WAIT_S)
                frame, self._slot = self._slot, None
                ended = self._ended
            if frame is None and ended:
                if self._error is not None:
                    raise self._error
                return
            yield frame

    def close(self, timeout_s: float) -> bool:
        """Stop to read."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _read(self) -> None:
        try:
            for frame in self._frames:
                if self._stopping.is_set():
                    break
                with self._condition:
                    self.received += 1
                    self.overtaken += self._slot is not None
                    self._slot = frame
                    self._condition.notify()
        except BaseException as error:
            self._error = error
        with self._condition:
            self._ended = True
            self._condition.notify()
