"""The work of a replay's job: what is there already, the frames, the report."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path

from face1d_ros.errors import PathError, RecordingError, ReplayMismatchError
from face1d_ros.paths import printable, user_path
from face1d_ros.replay import run_file
from face1d_ros.replay.checkpoint import FILE as CHECKPOINT
from face1d_ros.replay.checkpoint import PARTIAL, PICTURES, REMOVED, RESULTS, remove_checkpoint
from face1d_ros.replay.fingerprint import Fingerprint, differences, fingerprint
from face1d_ros.replay.frames import Frames, check_source
from face1d_ros.replay.job import DONE, FAILED, REPORT, WAS_DONE, Job, Outcome, Progress, Tell
from face1d_ros.replay.reporting import REPORT_FILES, Reporting
from face1d_ros.replay.run_file import RunFile, begun, load_run_file
from face1d_ros.sources import PORTRAIT

OURS = (CHECKPOINT, PARTIAL, REMOVED, RESULTS, PICTURES, *REPORT_FILES)
"""What a replay puts into its folder beside run.json, and replaces."""


class Work:
    """One job, once."""

    def __init__(
        self, job: Job, tell: Tell, stopped: Callable[[], bool], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._job, self._tell, self._stopped, self._clock = job, tell, stopped, clock
        self._folder = user_path(job.folder).absolute()
        self._reporting = Reporting(job, self._folder)
        self.looking_died = False
        """Whether it failed because the process has died that looks at the frames."""

    def run(self) -> Outcome:
        """Raises Face1dError where nothing could be begun; the folder is as it was then."""
        check_source(self._job)
        now = fingerprint(self._job)
        with _alone_in(self._folder):
            self._check_ours()
            before = self._before()
            if before is None:
                return self._go(now, goes_on=False)
            if different := differences(before.fingerprint, now):
                raise ReplayMismatchError(printable(self._folder), different)
            if before.is_worked_through and (self._folder / RESULTS).exists():
                return self._was_done(before)
            return self._go(now, goes_on=True)

    def _go(self, now: Fingerprint, goes_on: bool) -> Outcome:
        frames = Frames(self._job, self._folder, self._reporting, self._tell, self._stopped, self._clock)
        with frames.opened():
            if self._job.anew and not goes_on:
                self._clear()
            file = begun(self._job, now)
            file.save(self._folder)
            outcome = frames.work_through(goes_on)
            self.looking_died = frames.looking_died
            if outcome.state == DONE:
                file = replace(file, run=asdict(frames.run(outcome)))
        return self._ended(file, outcome)

    def _before(self) -> RunFile | None:
        """What was run here, if it counts; `anew` puts aside all but an earlier try of the same request."""
        if not self._job.anew:
            return load_run_file(self._folder)
        with suppress(RecordingError):
            before = load_run_file(self._folder)
            if before is not None and self._job.request and before.job.get("request") == self._job.request:
                return before
        return None

    def _was_done(self, before: RunFile) -> Outcome:
        """Only a report that is missing, or of another truth, is made."""
        assert before.outcome is not None
        now = {"source": self._job.source, "folder": self._job.folder, "error": "", "resumed_at": 0, "note": ""}
        outcome = Outcome(**{**before.outcome, **now})
        is_same = before.state == DONE and before.job.get("truth") == self._job.truth and self._is_reported()
        if not self._job.report or is_same:
            return replace(outcome, state=WAS_DONE)
        return self._ended(replace(before, job=asdict(self._job)), replace(outcome, state=DONE))

    def _is_reported(self) -> bool:
        """All files are there, and none is older than the file with the truth."""
        truth_s = 0.0
        with suppress(OSError, PathError):  # it is a topic, or `load_truth` tells what is wrong
            truth_s = user_path(self._job.truth).stat().st_mtime if self._job.truth else 0.0
        try:
            return all((self._folder / name).stat().st_mtime >= truth_s for name in REPORT_FILES)
        except OSError:
            return False

    def _ended(self, file: RunFile, outcome: Outcome) -> Outcome:
        """After the report, where there shall be one."""
        try:
            if file.is_worked_through:
                # Whoever is interrupted from here on finds complete results, and makes the report alone.
                replace(file, outcome=asdict(outcome)).save(self._folder)
                remove_checkpoint(self._folder)
                outcome = self._reported(file, outcome)
            file.ended(outcome).save(self._folder)
        except RecordingError as error:
            return replace(outcome, state=FAILED, error=outcome.error or printable(error))
        return outcome

    def _reported(self, file: RunFile, outcome: Outcome) -> Outcome:
        if not self._job.report:
            return outcome
        assert file.run is not None
        self._tell(Progress(outcome.frames, outcome.announced, outcome.duration_s, REPORT))
        error = self._reporting.make(run_file.as_run(file.run))
        return replace(outcome, state=FAILED, error=error) if error else outcome

    def _check_ours(self) -> None:
        """Nothing that somebody else has put there may be replaced, and no recording added to."""
        source = user_path(self._job.source).absolute()
        if self._job.source != PORTRAIT and self._folder in (source, *source.parents):
            raise RecordingError(
                f"{printable(self._folder)} holds the recording itself; name another folder with --out"
            )
        if (self._folder / run_file.FILE).exists():
            return
        for path in (self._folder / name for name in OURS):
            if path.exists():
                raise RecordingError(f"{printable(path)} was not made by a replay; name another folder with --out")

    def _clear(self) -> None:
        # run.json goes last: without it nothing here counts as ours.
        for name in (*OURS, run_file.FILE):
            path = self._folder / name
            try:
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
            except OSError as error:
                raise RecordingError(f"cannot remove {printable(path)}: {error.strerror or error}") from error


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """The folder, made where it is not there; gone again if nothing was put into it. Raises RecordingError."""
    descriptor = _locked(folder)
    try:
        yield
    finally:
        with suppress(OSError):
            folder.rmdir()
        os.close(descriptor)


def _locked(folder: Path) -> int:
    """A descriptor of the folder that keeps others out until it is closed."""
    while True:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(folder, os.O_RDONLY)
        except OSError as error:
            why = error.strerror or str(error)
            told = f"cannot write to {printable(folder)}: {why}; name another folder with --out"
            raise RecordingError(told) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise RecordingError(f"another process is replaying into {printable(folder)}; wait for it") from error
        except OSError:
            pass  # some network disks know no locks
        # Whoever had it before may have removed it, empty, in between.
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), os.stat(folder)):
                return descriptor
        os.close(descriptor)
