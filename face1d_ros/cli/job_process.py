"""A replay's job in a process of its own, whose processor time and memory are looked at all along."""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from face1d_ros.cli.process_usage import Usage, usage_with_children
from face1d_ros.errors import ProcessError
from face1d_ros.replay.job import REPORT, Job, Outcome, Progress, run_job

SAMPLE_S = 0.2
END_S = 10.0
"""How long the process may take to end after its last word."""


@dataclass(frozen=True)
class Sample:
    """The process with its children, at one time."""

    frames: int
    is_reporting: bool
    usage: Usage


@dataclass(frozen=True)
class Watched:
    """A job that is done."""

    outcome: Outcome
    wall_s: float
    """Of all of it: models loaded, frames replayed, report written."""
    samples: tuple[Sample, ...]

    @property
    def cpu_s(self) -> float:
        """Of the processor, in all threads and processes."""
        return self.samples[-1].usage.cpu_s - self.samples[0].usage.cpu_s


def watched(job: Job, tell: Callable[[int], None], run: Callable[..., Outcome] = run_job) -> Watched:
    """Run it to its end; `tell` gets the frames so far. Raises ProcessError where it fails or dies.

    A fresh process each time: what others have left in memory is not counted, nor lent to it.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, job, run), daemon=True)
    process.start()
    theirs.close()
    assert process.pid is not None
    try:
        with closing(ours):
            done = _watch(ours, process.pid, tell)
    finally:
        process.join(END_S)
        if process.is_alive():
            process.kill()
            process.join()
    return done


def _watch(connection: Connection, process_id: int, tell: Callable[[int], None]) -> Watched:
    frames, is_reporting = 0, False
    samples: list[Sample] = []
    try:
        while True:
            if connection.poll(SAMPLE_S):
                said = connection.recv()
                if said[0] == "done":
                    samples.append(Sample(frames, is_reporting, said[3]))
                    return Watched(_checked(Outcome(**said[1])), said[2], tuple(samples))
                if said[0] == "began":
                    samples.append(Sample(0, False, said[1]))
                    continue
                frames, is_reporting = said[1], said[2]
                tell(frames)
            if samples and time.monotonic() - samples[-1].usage.at_s >= SAMPLE_S:
                samples.append(Sample(frames, is_reporting, usage_with_children(process_id)))
    except EOFError as error:
        raise ProcessError(f"the replay died after {frames} frames") from error


def _checked(outcome: Outcome) -> Outcome:
    if outcome.state != "done" or outcome.damage or outcome.left_out:
        why = outcome.error or "; ".join(outcome.damage) or str(outcome.left_out)
        raise ProcessError(f"the replay of {outcome.source} ended as '{outcome.state}': {why}")
    return outcome


def _work(connection: Connection, job: Job, run: Callable[..., Outcome]) -> None:
    """In the other process. A Ctrl-C is the parent's, who closes the connection."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    teller = _Teller(connection)
    process_id = multiprocessing.current_process().pid
    assert process_id is not None
    connection.send(("began", usage_with_children(process_id)))
    began_s = time.perf_counter()
    outcome = run(job, teller.tell, lambda: teller.is_alone)
    wall_s = time.perf_counter() - began_s
    teller.say(("done", vars(outcome), wall_s, usage_with_children(process_id)))


class _Teller:
    """Says how far it is a few times a second, and notices when nobody listens any more."""

    def __init__(self, connection: Connection) -> None:
        self.is_alone = False
        self._connection = connection
        self._said_s = 0.0
        self._phase = ""

    def tell(self, progress: Progress) -> None:
        now_s = time.monotonic()
        if now_s - self._said_s >= SAMPLE_S / 2 or progress.phase != self._phase:
            self._said_s, self._phase = now_s, progress.phase
            self.say(("at", progress.frames, progress.phase == REPORT))

    def say(self, what: tuple[Any, ...]) -> None:
        try:
            self._connection.send(what)
        except OSError:
            self.is_alone = True
