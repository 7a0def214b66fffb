"""Looking in a process of its own: Python's stages and MediaPipe's models then have a processor core each.

Threads of one process would do for MediaPipe alone, but take turns in running Python; measured, a replay of all stages
takes a fifth less time with two processes.
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

from face1d_ros.errors import LookingError
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
DIED = (
    "the process that looks at the frames ended unexpectedly (killed, or out of memory);"
    " the same command goes on where it was"
)


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
            stack.callback(self._connection.close)
            stack.callback(theirs.close)
            images = os.memfd_create("face1d images")
            stack.callback(os.close, images)
            self._process = _started(theirs.fileno(), images)
            theirs.close()
            self._images = SharedImages(images)
            self._opened = stack.pop_all()
        self._send(self._task)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

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
        """As `LookingHere.looks`; closing the generator ends the looking."""
        assert self.facts
        self._send(after)
        try:
            while (told := self._received())[0] == LOOKED:
                header, place, result, duration_s, state = told[1]
                yield Look(Frame(header, self._images.image(place)), result, duration_s, state)
                self._say(TAKEN)
        except GeneratorExit:
            self._stop()
            raise
        self._end(told)

    def _stop(self) -> None:
        self._say(STOP)
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
            raise LookingError(DIED) from error
        return kind, given

    def _send(self, what: object) -> None:
        with suppress(OSError):  # it has ended: what comes from it says so
            self._connection.send(what)

    def _say(self, word: bytes) -> None:
        with suppress(OSError):
            self._connection.send_bytes(word)


def _started(connection: int, images: int) -> subprocess.Popen[bytes]:
    shared = (connection, images)
    try:
        return subprocess.Popen(
            [sys.executable, "-c", START, *map(str, shared), *sys.path],
            pass_fds=shared,
            start_new_session=True,  # it hears no Ctrl-C: it ends when this process says so, or has died
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
    except OSError as error:
        raise LookingError(f"cannot start a process that looks at the frames: {error.strerror or error}") from error
