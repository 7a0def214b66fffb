"""Ctrl-C where it must not come in the middle of something."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeAlias, TypeVar

Check: TypeAlias = Callable[[], None]
"""Raises KeyboardInterrupt if Ctrl-C was pressed."""
Item = TypeVar("Item")


@contextmanager
def interrupted_between_frames() -> Iterator[Check]:
    """Ctrl-C waits for the next call of what this gives: in the middle of a frame MediaPipe would abort the process."""
    pressed = False

    def press(*_: object) -> None:
        nonlocal pressed
        pressed = True

    def check() -> None:
        if pressed:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, press)
    try:
        yield check
    finally:
        signal.signal(signal.SIGINT, before)


def between(items: Iterable[Item], check: Check) -> Iterator[Item]:
    """The same items, with a check before each."""
    for item in items:
        check()
        yield item
