"""Child processes: started, watched, restarted when they die, ended together."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from face1d_ros.graph import EXIT_REFUSED

FIRST_BACK_OFF_S = 0.5
LONGEST_BACK_OFF_S = 10.0
HEALTHY_AFTER_S = 30.0
"""A process that lived this long starts again with the shortest back-off."""
GRACE_S = 1.5
"""Time to end after SIGTERM before SIGKILL; with it, everything has ended within two seconds."""

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LINE_LIMIT_BYTES = 1 << 20


@dataclass(frozen=True)
class Child:
    """One process to run."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    restart: bool = True


class Supervisor:
    """Runs children until it is told to stop, or until one that must not fail has failed.

    `on_line(name, line)` gets each line a child prints; `on_event(name, text)` what happens to it.
    """

    def __init__(
        self, children: list[Child], on_line: Callable[[str, str], None], on_event: Callable[[str, str], None]
    ) -> None:
        self._children = children
        self._on_line = on_line
        self._on_event = on_event
        self._stop = asyncio.Event()
        self.restarts = 0
        self.exit_code = 0
        self.is_interrupted = False
        """Whether a signal has ended it."""

    def stop(self) -> None:
        """End everything; safe to call more than once."""
        self._stop.set()

    async def run(self) -> int:
        """Run until stopped. The exit code is 0 unless a child refused to run.

        What `on_line` or `on_event` raises (nobody reads our output any more) ends everything, and is raised here.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._interrupt)
        tasks = [asyncio.create_task(self._keep_running(child)) for child in self._children]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            self.stop()
            await asyncio.wait(tasks)
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)
        for problem in [task.exception() for task in tasks]:
            if problem is not None:
                raise problem
        return self.exit_code

    def _interrupt(self) -> None:
        self.is_interrupted = True
        self.stop()

    async def _keep_running(self, child: Child) -> None:
        back_off_s = FIRST_BACK_OFF_S
        while not self._stop.is_set():
            started = time.monotonic()
            code = await self._run_once(child)
            if self._stop.is_set() or code is None:
                return
            if code == 0:
                self._on_event(child.name, "finished")
                return
            if code == EXIT_REFUSED or not child.restart:
                self._on_event(child.name, f"ended with {_reason(code)}; stopping everything")
                self.exit_code = 1
                self.stop()
                return
            if time.monotonic() - started > HEALTHY_AFTER_S:
                back_off_s = FIRST_BACK_OFF_S
            self._on_event(child.name, f"died with {_reason(code)}; starting again in {back_off_s:g} s")
            self.restarts += 1
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._stop.wait(), back_off_s)
            back_off_s = min(2 * back_off_s, LONGEST_BACK_OFF_S)

    async def _run_once(self, child: Child) -> int | None:
        """Start the process and wait for its end. None: it could not be started."""
        try:
            process = await asyncio.create_subprocess_exec(
                *child.command,
                env=dict(child.environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                limit=_LINE_LIMIT_BYTES,
                start_new_session=True,  # a Ctrl-C in the terminal reaches the children through us, once
                preexec_fn=_die_with_parent,
            )
        except OSError as error:
            self._on_event(child.name, f"cannot be started: {error}; stopping everything")
            self.exit_code = 1
            self.stop()
            return None
        self._on_event(child.name, f"started, process {process.pid}")
        reader = asyncio.create_task(self._read(child.name, process))
        ended = asyncio.create_task(process.wait())
        stopped = asyncio.create_task(self._stop.wait())
        await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        try:
            if not ended.done():
                await self._end(child.name, process)
        finally:
            code = await ended
            with contextlib.suppress(asyncio.TimeoutError):
                # A grandchild may hold the pipe open; what the child itself printed has arrived long before.
                await asyncio.wait_for(reader, 0.2)
        return code

    async def _read(self, name: str, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while True:
            try:
                line = await process.stdout.readline()
            except ValueError:  # longer than the limit: the stream has dropped it
                continue
            if not line:
                return
            try:
                self._on_line(name, line.decode(errors="replace").rstrip("\r\n"))
            except BaseException:
                self.stop()
                raise

    async def _end(self, name: str, process: asyncio.subprocess.Process) -> None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()  # not SIGINT, which a Python that still imports answers with a traceback
        try:
            await asyncio.wait_for(process.wait(), GRACE_S)
        except asyncio.TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            self._on_event(name, f"did not end within {GRACE_S:g} s; killed")


def _die_with_parent() -> None:
    """Linux sends SIGTERM to this process when the one that started it dies, however it dies."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _reason(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
