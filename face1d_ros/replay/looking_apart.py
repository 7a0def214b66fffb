"""Looking in a process of its own: Python's stages and MediaPipe's models then have a processor core each.

Threads of one process would take turns: half of a replay's work is Python's own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import ExitStack, suppress
from functools import cached_property
from multiprocessing import Pipe
from types import TracebackType
from typing import Any

from face1d_ros.errors import LookingDiedError, LookingError
from face1d_ros.replay.checkpoint import Checkpoint
from face1d_ros.replay.looking import Account, Facts, Look, Task
from face1d_ros.replay.looking_words import ENDED, LOOKED, OPENED, REFUSED, STOP, TAKEN
from face1d_ros.replay.shared_images import SharedImages
from face1d_ros.types import Frame

START = """
import sys
connection, images, *sys.path = sys.argv[1:]
from face1d_ros.replay.looking_process import main
main(int(connection), int(images))
"""
"""A bare interpreter with our path: `multiprocessing` would run the user's main module once more, and lets workers of
Dask have no processes of their own."""
END_S = 5.0


class LookingApart:
    """As `LookingHere`. What goes wrong in the other process is raised here as LookingError, in the same words."""

    def __init__(self, task: Task) -> None:
        """Nothing is begun yet."""
        self._task = task
        self.account = Account()
        """What is known after the last look."""

    def __enter__(self) -> LookingApart:
        """Returns at once: source and models are opened while this process does something else."""
        with ExitStack() as stack:
            self._connection, theirs = Pipe()
            images = os.memfd_create("face1d images")
            stack.callback(os.close, images)
            with theirs:
                self._process = _start_process(theirs.fileno(), images)
            stack.callback(self._wait)
            stack.callback(self._connection.close)  # which tells it to end
            self._images = SharedImages(images)
            self._send(self._task)
            self._opened = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    @cached_property
    def facts(self) -> Facts:
        """Waits until source and stage are opened. Raises LookingError."""
        kind, given = self._received()
        if kind == REFUSED:
            raise LookingError(given)
        assert kind == OPENED
        found: Facts = given
        return found

    def looks(self, after: Checkpoint | None) -> Generator[Look, None, None]:
        """As `LookingHere.looks`; `facts` must have been asked for. Closing the generator ends the looking."""
        self._send(after)
        try:
            while (told := self._received())[0] == LOOKED:
                header, place, result, duration_s, state = told[1]
                yield Look(Frame(header, self._images.image(place)), result, duration_s, state)
                self._send_word(TAKEN)
        except GeneratorExit:
            self._stop()
            raise
        self._end(told)

    def _stop(self) -> None:
        self._send_word(STOP)
        with suppress(LookingError):
            while (told := self._received())[0] == LOOKED:
                pass
            self._end(told)

    def _end(self, told: tuple[str, Any]) -> None:
        assert told[0] == ENDED
        self.account, problem = told[1]
        if problem:
            raise LookingError(problem)

    def _received(self) -> tuple[str, Any]:
        try:
            kind, given = self._connection.recv()
        except (EOFError, OSError) as error:
            raise LookingDiedError(self._wait()) from error
        return kind, given

    def _send(self, what: object) -> None:
        with suppress(OSError):  # it has ended: what comes from it says so
            self._connection.send(what)

    def _send_word(self, word: bytes) -> None:
        with suppress(OSError):
            self._connection.send_bytes(word)

    def _wait(self) -> int:
        """Until the process has ended, as `Popen.wait` tells it."""
        try:
            return self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


def _start_process(connection: int, images: int) -> subprocess.Popen[bytes]:
    shared = (connection, images)
    path = [entry for entry in sys.path if isinstance(entry, str) and "\0" not in entry]  # as Python itself passes over
    try:
        return subprocess.Popen(
            [sys.executable, "-c", START, *map(str, shared), *path],
            pass_fds=shared,
            start_new_session=True,  # it hears no Ctrl-C: it ends when this process says so, or has died
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
    except OSError as error:
        raise LookingError(f"cannot start a process that looks at the frames: {error.strerror or error}") from error
