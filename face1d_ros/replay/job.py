"""One source through all stages into a folder: results, report, and enough to go on after an interruption."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

from face1d_ros.errors import Face1dError
from face1d_ros.paths import printable

Settings: TypeAlias = Mapping[str, Mapping[str, Any]]
"""By node, as `config.build` takes them; of camera_node too."""
RESUMING, REPLAYING, REPORT = "resuming", "replaying", "report"
RUNNING, DONE, STOPPED, FAILED, WAS_DONE = "running", "done", "stopped", "failed", "was_done"


@dataclass(frozen=True)
class Job:
    """What is to be done. Plain JSON values, so that it travels to other machines."""

    source: str
    """As `sources.open_source` takes it, but for cameras; the portrait needs `max_frames`."""
    folder: str
    """Of this source alone. Made where it is not there."""
    topic: str = ""
    """The image topic of a bag; '' for the only one."""
    settings: Settings = field(default_factory=dict)
    truth: str = ""
    """A file, a topic or 'none', as `report.truth.load_truth` takes it."""
    pictures: bool = True
    """Keep annotated pictures of interesting moments."""
    report: bool = True
    anew: bool = False
    """Replace what was made there before, whatever it was made with."""
    request: str = ""
    """Who asks for it, in a word of their own: a job that is tried again for the same one goes on, also `anew`."""
    command: str = ""
    """For the report: what the user typed."""
    max_frames: int | None = None
    """End after so many."""


@dataclass(frozen=True)
class Outcome:
    """What came of it. Plain JSON values."""

    source: str
    folder: str
    state: str
    """`done`, `stopped` (the same job goes on), `failed`, or `was_done` (nothing had to be replayed)."""
    frames: int = 0
    """Whose results are in the bag."""
    announced: int | None = None
    """Frames that the source says it has."""
    duration_s: float = 0.0
    """By the stamps, without jumps."""
    wall_s: float = 0.0
    """Of all runs that it took, without the report."""
    realtime_factor: float | None = None
    left_out: dict[str, int] = field(default_factory=dict)
    """Frames of the source, by reason."""
    damage: list[str] = field(default_factory=list)
    """What could not be read, a sentence each."""
    oddities: list[str] = field(default_factory=list)
    """What is odd about the source although nothing is lost by it, such as stamps that go back."""
    error: str = ""
    """Why it failed; '' where it did not."""
    resumed_at: int = 0
    """Frames that were there from before."""
    note: str = ""
    """Why it could not go on where it was."""


@dataclass(frozen=True)
class Progress:
    """How far it is."""

    frames: int
    announced: int | None
    stamp_s: float
    """Seconds of the source that are worked through."""
    phase: str
    """`resuming`, `replaying` or `report`."""


Tell: TypeAlias = Callable[[Progress], None]


def run_job(
    job: Job, tell: Tell, stopped: Callable[[], bool], *, clock: Callable[[], float] = time.monotonic
) -> Outcome:
    """Do it, or go on with it where it was interrupted, or tell that it was done before.

    Where the process dies that looks at the frames, it is tried once more. `tell` is called after each frame, `stopped`
    too: once it says so, the job ends so that it can go on there. What is wrong is told in the outcome, never raised:
    other jobs go on.
    """
    from face1d_ros.replay.work import Work

    try:
        work = Work(job, tell, stopped, clock)
        outcome = work.run()
        if not work.looking_died:
            return outcome
        # It goes on from the last checkpoint. If that frame is the cause, it dies once more, and that is told.
        again = Work(job, tell, stopped, clock).run()
        return replace(again, oddities=[*again.oddities, f"{outcome.error}: tried again"])
    except Face1dError as error:
        return Outcome(job.source, job.folder, FAILED, error=printable(error))
    except Exception as error:  # the border of a job, as `main` is that of a command
        return Outcome(job.source, job.folder, FAILED, error=unexpected(error))


def unexpected(error: BaseException) -> str:
    """An error that nobody has foreseen, and where it was raised."""
    places = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(places[-1].filename).name}, line {places[-1].lineno})" if places else ""
    return printable(f"{type(error).__name__}: {error}{where}")
