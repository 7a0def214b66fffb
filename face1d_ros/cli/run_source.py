"""The source of `face1d run`: opened once, or, where it is a camera, whenever it comes back."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator

from face1d_ros.errors import SourceError, SourceUnreadableError
from face1d_ros.sources.base import Source
from face1d_ros.sources.reopen import BackOff, reopening
from face1d_ros.types import Frame


class PlayedSource:
    """A source whose losses and returns are noted. Files end where they break; a camera is waited for."""

    def __init__(
        self,
        open_source: Callable[[], Source],
        stopping: threading.Event,
        notes: deque[str],
        back_off: BackOff | None = None,
    ) -> None:
        """Open it, which raises SourceError if it is not there now."""
        self._open = open_source
        self._stopping = stopping
        self._notes = notes
        self._back_off = back_off or BackOff()
        self._source: Source | None = open_source()
        self._frames: Iterator[Frame] | None = None
        self._before: Counter[str] = Counter()
        self._skipped = self._source.skipped
        self.live = self._source.live
        self.description = self._source.description
        self.width, self.height = self._source.width, self._source.height
        self.camera = self._source.camera
        """Its calibration, where the source itself brings one."""
        self.rate_hz, self.length = self._source.rate_hz, self._source.length
        self.losses = 0
        """How often it was there and went away."""
        self._lost = False

    @property
    def skipped(self) -> Counter[str]:
        """Frames left out so far, by reason."""
        return self._before + self._skipped

    def frames(self) -> Iterator[Frame]:
        """All frames; ask for them once."""
        if self.live:
            self._frames = reopening(
                self._open_again,
                sleep=self._stopping.wait,
                failed=self._on_failed,
                opened=self._on_opened,
                back_off=self._back_off,
            )
        else:
            assert self._source is not None
            self._frames = self._source.frames()
        return self._frames

    def close(self) -> None:
        """Free it; not while another thread still asks for frames."""
        if isinstance(self._frames, Generator):
            self._frames.close()
        source, self._source = self._source, None
        if source is not None:
            source.__exit__(None, None, None)

    def _open_again(self) -> Source:
        """The source opened at first, later a new one; what is open is closed by `reopening`."""
        source, self._source = self._source, None
        if source is not None:
            return source
        source = self._open()
        if (source.width, source.height) != (self.width, self.height):
            source.__exit__(None, None, None)
            came, wanted = f"{source.width}×{source.height}", f"{self.width}×{self.height}"
            raise SourceUnreadableError(source.description, f"is back with {came} pixels, expected {wanted} as before")
        return source

    def _on_opened(self, source: Source) -> None:
        if self._lost:
            self._notes.append(f"the source is back: {source.description}")
            self._before, self._skipped = self.skipped, source.skipped
        self._lost = False

    def _on_failed(self, error: SourceError, pause_s: float) -> None:
        self.losses += not self._lost
        self._lost = True
        self._notes.append(f"{error}; trying again in {pause_s:g} s")
