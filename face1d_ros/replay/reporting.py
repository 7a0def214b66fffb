"""The report of a replay's folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from face1d_ros.errors import Face1dError
from face1d_ros.paths import printable, user_path
from face1d_ros.replay.checkpoint import PICTURES, RESULTS
from face1d_ros.replay.job import Job, unexpected

if TYPE_CHECKING:
    from face1d_ros.replay.report.build import Builder
    from face1d_ros.replay.report.content import Report, Run
    from face1d_ros.replay.report.truth import Truth

REPORT_FILES = ("report.html", "report.json", "report.csv", "timelines.csv")


class Reporting:
    """Makes a job's report of the results that it was shown, or of the bag where it was not shown them."""

    def __init__(self, job: Job, folder: Path) -> None:
        self._job, self._folder = job, folder
        self._builder: Builder | None = None
        self._problem = ""

    def begin(self) -> None:
        """All results will be shown, from the first frame on."""
        from face1d_ros.replay.report.build import Builder

        if self._job.report:
            try:
                self._builder = Builder(self._truth())
            except (Face1dError, OSError) as error:
                self._problem = printable(error)

    def take(self, values: Mapping[str, Any]) -> None:
        """The results of the next frame, by topic, as they are recorded."""
        from face1d_ros.replay.report.results import results_of

        if self._builder is None:
            return
        try:
            for result in results_of(values):
                self._builder.take(result)
        except Exception as error:  # the results are worth more: they go on
            self._builder, self._problem = None, unexpected(error)

    def make(self, run: Run) -> str:
        """Why there is none; '' if there is."""
        from face1d_ros.replay.report.files import write_report

        if not self._problem:
            try:
                write_report(self._report(run), self._folder)
            except (Face1dError, OSError) as error:
                self._problem = printable(error)
            except Exception as error:  # as in `take`
                self._problem = unexpected(error)
        return self._problem and f"the results are complete, but the report was not made: {self._problem}"

    def _report(self, run: Run) -> Report:
        from face1d_ros.replay.report.build import build_report
        from face1d_ros.replay.report.moments import Moments

        moments = Moments.resumed(self._folder / PICTURES).moments() if self._job.pictures else ()
        if self._builder is not None:
            return self._builder.report(run, moments)
        return build_report(self._folder / RESULTS, run, self._truth(), moments)

    def _truth(self) -> Truth | None:
        from face1d_ros.replay.report.truth import load_truth

        return load_truth(self._job.truth, user_path(self._job.source))
