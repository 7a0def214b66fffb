"""Keeping on when a source breaks: it is opened again, with growing pauses, until it is back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from face1d_ros.errors import InvalidValueError, SourceBrokenOffError, SourceError
from face1d_ros.sources.base import Source
from face1d_ros.types import Frame


@dataclass(frozen=True)
class BackOff:
    """Pauses between attempts: the first one, doubled each time up to the longest one."""

    first_s: float = 0.5
    longest_s: float = 8.0

    def __post_init__(self) -> None:
        if not 0.0 < self.first_s <= self.longest_s:
            raise InvalidValueError("BackOff", self, "0 < first_s <= longest_s")

    def pause_s(self, failures: int) -> float:
        """The pause after so many failures in a row, 1 or more."""
        return min(self.first_s * 2.0 ** min(failures - 1, 60), self.longest_s)


def reopening(
    open_source: Callable[[], Source],
    *,
    sleep: Callable[[float], bool | None],
    failed: Callable[[SourceError, float], None],
    opened: Callable[[Source], None],
    back_off: BackOff | None = None,
) -> Iterator[Frame]:
    """Frames of a source that is opened again whenever it breaks or is not there.

    `failed` hears of each failure and the pause that follows; `opened` of each success; `sleep` ends
    everything by returning true, as `threading.Event.wait` does. Ends with a source that ends. A file that
    broke off gave all it has: SourceBrokenOffError is passed on.
    """
    back_off = back_off or BackOff()
    failures = 0
    while True:
        try:
            with open_source() as source:
                opened(source)
                for frame in source.frames():
                    failures = 0
                    yield frame
                return
        except SourceBrokenOffError:
            raise
        except SourceError as error:
            failures += 1
            pause_s = back_off.pause_s(failures)
            failed(error, pause_s)
        if sleep(pause_s):
            return
