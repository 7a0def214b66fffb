"""The system calls of the gallery, counted, and made to fail or to end the process at a chosen one."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import Any

import pytest

from face1d_ros.gallery import disk, keys

COUNTED = ("open", "write", "fsync", "rename", "replace", "link", "unlink")
NEEDS_ROOM = ("write", "fsync", "rename", "replace", "link")
DIED = 17


class Calls:
    """In the place of `os`: `before` is called with the number and name of each call, and may raise."""

    def __init__(self) -> None:
        self.made: list[tuple[str, Any]] = []
        self.before: Callable[[int, str, tuple[Any, ...]], None] = lambda number, name, arguments: None

    @classmethod
    def installed(cls, monkeypatch: pytest.MonkeyPatch) -> Calls:
        calls = cls()
        monkeypatch.setattr(disk, "os", calls)
        monkeypatch.setattr(keys, "os", calls)
        return calls

    def __getattr__(self, name: str) -> Any:
        function = getattr(os, name)
        if name not in COUNTED:
            return function

        def counted(*arguments: Any, **more: Any) -> Any:
            number = len(self.made)
            self.made.append((name, arguments[0]))
            self.before(number, name, arguments)
            return None if name == "fsync" else function(*arguments, **more)

        return counted

    def begin(self) -> None:
        """Count from here, and let nothing fail."""
        self.made.clear()
        self.before = lambda number, name, arguments: None

    def fail_at(self, failing: int, code: int = errno.ENOSPC) -> None:
        """Let one call fail."""
        self.begin()

        def before(number: int, name: str, arguments: tuple[Any, ...]) -> None:
            if number == failing:
                raise OSError(code, os.strerror(code))

        self.before = before

    def fill_at(self, failing: int) -> None:
        """From a call on, let all fail that may need room, after half of what was to be written."""
        self.begin()

        def before(number: int, name: str, arguments: tuple[Any, ...]) -> None:
            if number >= failing and name in NEEDS_ROOM:
                if name == "write":
                    os.write(arguments[0], arguments[1][: len(arguments[1]) // 2])
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        self.before = before

    def die_at(self, dying: int, how: str) -> None:
        """End the process before a call; with 'half', after half of what a write was to write.

        To end it after a call is to end it before the next one.
        """
        self.begin()

        def before(number: int, name: str, arguments: tuple[Any, ...]) -> None:
            if number == dying:
                if how == "half" and name == "write":
                    os.write(arguments[0], arguments[1][: len(arguments[1]) // 2])
                os._exit(DIED)

        self.before = before
