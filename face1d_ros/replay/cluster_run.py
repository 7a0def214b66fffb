"""Many jobs at once on the workers of a Dask cluster. One that dies costs what was done since the last checkpoint."""

from __future__ import annotations

import queue
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from face1d_ros.errors import ClusterError
from face1d_ros.paths import printable
from face1d_ros.replay.cluster import UNREACHABLE, workers_of
from face1d_ros.replay.job import FAILED, STOPPED, Job, Outcome, Progress, run_job, unexpected

if TYPE_CHECKING:
    from distributed import Client, Future

    from face1d_ros.replay.cluster_worker import Run

TRIES = 2
"""So often is a job begun whose worker dies."""
IDLE_S = 0.1
COUNT_S = 2.0
"""How often the workers are counted."""
Stopped: TypeAlias = Callable[[], bool]


class Watcher(Protocol):
    """Is told what happens; all in the thread that called `run_on_cluster`."""

    def tell(self, index: int, progress: Progress) -> None:
        """How far a job is."""

    def note(self, text: str) -> None:
        """Something that people should know."""

    def end(self, index: int, outcome: Outcome) -> None:
        """A job has ended."""


def run_on_cluster(
    client: Client,
    jobs: Sequence[Job],
    watcher: Watcher,
    idle: Callable[[], None],
    stopped: Stopped,
    run: Run = run_job,
) -> list[Outcome]:
    """The outcomes of all jobs, each done by `run`, in their order. Once `stopped` says so, all end to go on later.

    `idle` is called about ten times a second. Raises ClusterError where the scheduler is lost.
    """
    return _Replay(client, jobs, watcher, stopped, run).run(idle)


class _Replay:
    """Hands each worker a job when it is free, so that one that dies takes only its own job with it."""

    def __init__(self, client: Client, jobs: Sequence[Job], watcher: Watcher, stopped: Stopped, run: Run) -> None:
        self._client = client
        self._jobs = jobs
        self._run = run
        self._watcher = watcher
        self._stopped = stopped
        self._name = f"face1d-replay-{uuid.uuid4().hex}"
        self._waiting = deque(range(len(jobs)))
        self._running: dict[Future, int] = {}
        self._outcomes: dict[int, Outcome] = {}
        self._begun: Counter[int] = Counter()
        self._events: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._is_told_to_stop = False
        self._places, self._counted_s = 1, -COUNT_S

    def run(self, idle: Callable[[], None]) -> list[Outcome]:
        """All of them."""
        self._client.subscribe_topic(self._name, lambda event: self._events.put(event[1]))
        try:
            while self._waiting or self._running:
                if self._stopped():
                    self._stop()
                self._submit()
                self._take_events()
                self._take_results()
                idle()
        finally:
            with suppress(*UNREACHABLE):
                self._client.cancel(list(self._running), force=True)
                self._client.unsubscribe_topic(self._name)
        return [self._outcomes[index] for index in range(len(self._jobs))]

    def _submit(self) -> None:
        from face1d_ros.replay.cluster_worker import work

        while self._waiting and len(self._running) < self._free_places():
            index = self._waiting.popleft()
            future = self._client.submit(work, self._name, index, self._jobs[index], self._run, pure=False)
            self._running[future] = index

    def _free_places(self) -> int:
        """One job a worker, whatever its threads; workers may come and go."""
        now_s = time.monotonic()
        if now_s - self._counted_s >= COUNT_S:
            self._counted_s = now_s
            self._places = max(1, len(self._workers()))
        return self._places

    def _workers(self) -> list[str]:
        try:
            return workers_of(self._client)
        except UNREACHABLE as error:
            raise self._lost() from error

    def _take_events(self) -> None:
        """Wait a moment for the first, and take all that are there."""
        with suppress(queue.Empty):
            event = self._events.get(timeout=IDLE_S)
            while True:
                self._take(event)
                event = self._events.get_nowait()

    def _take(self, event: dict[str, Any]) -> None:
        index = event["index"]
        if index in self._outcomes:
            return
        if (told := event.get("progress")) is not None:
            self._watcher.tell(index, Progress(**told))
            return
        if (outcome := event.get("outcome")) is not None:
            self._end(index, Outcome(**outcome))
            return
        self._begun[index] += 1
        if self._is_told_to_stop:
            self._tell_workers_to_stop()  # this one has come since
        name = printable(self._jobs[index].source)
        if self._begun[index] > TRIES:
            self._end(index, self._died(index))
        elif self._begun[index] > 1:
            self._watcher.note(f"a worker has died; {name} is tried again, and goes on where it was")

    def _take_results(self) -> None:
        from distributed.scheduler import KilledWorker

        for future, index in [item for item in self._running.items() if item[0].done()]:
            if future.status == "finished":
                self._end(index, future.result())
            elif future.status == "error":
                error = future.exception()
                died = isinstance(error, KilledWorker)
                self._end(index, self._died(index) if died else self._failed(index, unexpected(error)))
            elif index not in self._outcomes:
                raise self._lost()
        if self._client.status != "running":
            raise self._lost()

    def _end(self, index: int, outcome: Outcome) -> None:
        if index in self._outcomes:
            return
        self._outcomes[index] = outcome
        for future in [future for future, of in self._running.items() if of == index]:
            del self._running[future]
            if not future.done():
                self._client.cancel([future], force=True)
        self._watcher.end(index, outcome)

    def _stop(self) -> None:
        """Those that wait are not begun; those at work end soon."""
        if self._is_told_to_stop:
            return
        self._is_told_to_stop = True
        while self._waiting:
            index = self._waiting.popleft()
            self._end(index, Outcome(self._jobs[index].source, self._jobs[index].folder, STOPPED))
        self._tell_workers_to_stop()

    def _tell_workers_to_stop(self) -> None:
        from face1d_ros.replay.cluster_worker import stop

        self._client.run(stop, self._name, on_error="ignore")

    def _died(self, index: int) -> Outcome:
        return self._failed(index, f"the worker that replayed it has died {TRIES} times; see the system's log")

    def _failed(self, index: int, error: str) -> Outcome:
        return Outcome(self._jobs[index].source, self._jobs[index].folder, FAILED, error=error)

    def _lost(self) -> ClusterError:
        return ClusterError("the connection to the Dask scheduler is lost; the same command goes on where it was")
