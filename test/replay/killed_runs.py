"""Runs a job again and again in child processes that are killed at random moments; run by a test, in a process of its
own: threads of libraries do not survive a fork, so nothing may have been started before.

Arguments: folder, frames, `fake` or `real`, seed, kills. Prints a line for each run: how it ended.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import pytest
from replay_sources import CountedSource, job, use_fakes

from face1d_ros.replay import checkpoint
from face1d_ros.replay.job import Progress, run_job

LONGEST_S = 0.005
"""From a frame to the kill: in the middle of anything, and before the run is over on the fastest machine."""


def run(folder: Path, frames: int, kind: str, kill_at: int, kill_after_s: float) -> None:
    """In a child: do the job, and be killed by the system so long after this frame; never for frame 0."""
    if kind == "fake":
        use_fakes(pytest.MonkeyPatch(), CountedSource(frames))

    def tell(progress: Progress) -> None:
        if progress.frames == kill_at:
            # SIGALRM without a handler ends a process as SIGKILL does: at once, with nothing written or closed.
            signal.setitimer(signal.ITIMER_REAL, kill_after_s)

    outcome = run_job(job(folder, max_frames=frames), tell, lambda: False)
    told = {"state": outcome.state, "frames": outcome.frames, "resumed_at": outcome.resumed_at, "error": outcome.error}
    print(json.dumps({**told, "note": outcome.note}), flush=True)


def main(folder: Path, frames: int, kind: str, seed: int, kills: int) -> None:
    """The last run is not killed."""
    rng = random.Random(seed)
    for index in range(kills + 1):
        kill_at = rng.randrange(frames // 2, frames - 5) if index < kills else 0
        kill_after_s = rng.uniform(1e-4, LONGEST_S)
        child = os.fork()
        if not child:
            run(folder, frames, kind, kill_at, kill_after_s)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        kept = checkpoint.load_checkpoint(folder / "out")
        killed = {"killed": os.WIFSIGNALED(status), "checkpoint": kept.frames if kept else 0}
        print(json.dumps(killed), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
