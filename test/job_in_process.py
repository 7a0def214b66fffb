"""A replay's job for another process, which finds it here whatever pytest calls the test's own module."""

from __future__ import annotations

import os
from collections.abc import Callable

from face1d_ros.replay.job import DONE, FAILED, REPLAYING, REPORT, Job, Outcome, Progress


def fake_job(job: Job, tell: Callable[[Progress], None], stopped: Callable[[], bool]) -> Outcome:
    """As many frames as the job's topic says, then a report; or it `dies`. The command may be that it `fails`."""
    if job.topic == "dies":
        os._exit(1)
    frames = int(job.topic)
    for frame in range(1, frames + 1):
        tell(Progress(frame, frames, frame / 30, REPLAYING))
    tell(Progress(frames, frames, frames / 30, REPORT))
    if job.command == "fails":
        return Outcome(job.source, job.folder, FAILED, frames, error="it did not work")
    return Outcome(job.source, job.folder, DONE, frames)
