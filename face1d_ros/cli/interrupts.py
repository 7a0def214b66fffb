"""Ctrl-C where it must not come in the middle of something."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias, TypeVar

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


@contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """An event that is set by Ctrl-C, SIGTERM and the end of the terminal; a second signal ends at once."""
    stopping = threading.Event()
    before: dict[int, Any] = {}

    def stop(number: int, _: object) -> None:
        stopping.set()
        signal.signal(number, before[number])

    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if name is not signal.SIGHUP or signal.getsignal(name) is not signal.SIG_IGN:  # as nohup leaves it
            before[name] = signal.signal(name, stop) or signal.SIG_DFL
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def sigterm_as_ctrl_c() -> Iterator[None]:
    """`kill`, systemd and containers end a command as Ctrl-C does: no process left, no half file."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
