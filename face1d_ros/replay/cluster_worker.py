"""What a worker of a Dask cluster does for a replay; the one who asks is `cluster`."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import TypeAlias

from distributed import get_worker

from face1d_ros.replay.job import Job, Outcome, Progress, Tell, run_job

TELL_S = 0.25
WANTED = ("executing", "long-running")
"""States of a task in Dask's worker while somebody waits for its result."""
Run: TypeAlias = Callable[[Job, Tell, Callable[[], bool]], Outcome]
_ended: set[str] = set()
"""Replays that were told to stop."""


def stop(replay: str) -> None:
    """Jobs of this replay in this process end soon, so that they can go on."""
    _ended.add(replay)


def work(replay: str, index: int, job: Job, run: Run = run_job) -> Outcome:
    """Do the job by `run`; tell beginning, progress and outcome as events of Dask on the topic named as the replay."""
    worker = get_worker()
    key = worker.get_current_task()
    told_s, phase = 0.0, ""
    worker.log_event(replay, {"index": index})

    def tell(progress: Progress) -> None:
        nonlocal told_s, phase
        now_s = time.monotonic()
        if progress.phase != phase or now_s - told_s >= TELL_S:
            told_s, phase = now_s, progress.phase
            worker.log_event(replay, {"index": index, "progress": asdict(progress)})

    def stopped() -> bool:
        task = worker.state.tasks.get(key)
        return replay in _ended or task is None or task.state not in WANTED

    outcome = run(job, tell, stopped)
    # The result lies here until it is fetched: if this worker dies of its next job before, the work is not lost.
    worker.log_event(replay, {"index": index, "outcome": asdict(outcome)})
    return outcome
