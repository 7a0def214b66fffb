"""Work for the processes of a cluster that takes no face and no time; imported by them, too."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from face1d_ros.replay.job import DONE, REPLAYING, STOPPED, Job, Outcome, Progress, Tell

FRAMES = 30
FRAME_S = 0.01
DEADLINE_S = 60.0


def counted(job: Job, tell: Tell, stopped: Callable[[], bool]) -> Outcome:
    """Goes on where it was, and dies in the middle as often as its topic says: killed like a process without memory."""
    folder = Path(job.folder)
    folder.mkdir(parents=True, exist_ok=True)
    lives = sorted(folder.glob("life_*"))
    (folder / f"life_{len(lives)}").write_text(str(os.getpid()))
    begun = sum(int(path.read_text()) for path in folder.glob("frames_*"))
    for frame in range(begun, FRAMES):
        if stopped():
            return Outcome(job.source, job.folder, STOPPED, frame, FRAMES)
        if frame == FRAMES // 2 and len(lives) < int(job.topic or "0"):
            (folder / f"frames_{len(lives)}").write_text(str(frame - begun))
            os.kill(os.getpid(), signal.SIGKILL)
        tell(Progress(frame + 1, FRAMES, (frame + 1) / 30.0, REPLAYING))
        time.sleep(FRAME_S)
    return Outcome(job.source, job.folder, DONE, FRAMES, FRAMES, resumed_at=begun)


def endless(job: Job, tell: Tell, stopped: Callable[[], bool]) -> Outcome:
    """Works until it is stopped, or nobody waits for it any more; leaves a file when it begins and when it ends."""
    folder = Path(job.folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "began").touch()
    end_s = time.monotonic() + DEADLINE_S
    frames = 0
    while not stopped() and time.monotonic() < end_s:
        frames += 1
        tell(Progress(frames, None, frames / 30.0, REPLAYING))
        time.sleep(FRAME_S)
    (folder / "ended").touch()
    return Outcome(job.source, job.folder, STOPPED if stopped() else DONE, frames)


def dying_of_a_stop(job: Job, tell: Tell, stopped: Callable[[], bool]) -> Outcome:
    """The first time, its worker is killed when it is told to stop."""
    begins = not Path(job.folder, "began").exists()
    outcome = endless(job, tell, stopped)
    if begins:
        os.kill(os.getpid(), signal.SIGKILL)
    return outcome


def broken(job: Job, tell: Tell, stopped: Callable[[], bool]) -> Outcome:
    """An error of ours."""
    raise ZeroDivisionError("nobody has thought of this")


def environment_of(job: Job, tell: Tell, stopped: Callable[[], bool]) -> Outcome:
    """Which libraries it computes with, as its note."""
    return Outcome(job.source, job.folder, DONE, 1, note=os.environ.get("OMP_NUM_THREADS", "none"))
