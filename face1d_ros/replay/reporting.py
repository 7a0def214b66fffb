"""The report of a replay's folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from face1d_ros.errors import Face1dError
from face1d_ros.paths import printable, user_path
from face1d_ros.replay.checkpoint import PICTURES, RESULTS
from face1d_ros.replay.job import Job, unexpected

if TYPE_CHECKING:
    from face1d_ros.replay.report.content import Run

REPORT_FILES = ("report.html", "report.json", "report.csv", "timelines.csv")


def make_report(job: Job, folder: Path, run: Run) -> str:
    """Why there is none; '' if there is."""
    from face1d_ros.replay.report.build import build_report
    from face1d_ros.replay.report.files import write_report
    from face1d_ros.replay.report.moments import Moments
    from face1d_ros.replay.report.truth import load_truth

    try:
        truth = load_truth(job.truth, user_path(job.source))
        moments = Moments.resumed(folder / PICTURES).moments() if job.pictures else ()
        write_report(build_report(folder / RESULTS, run, truth, moments), folder)
    except (Face1dError, OSError) as error:
        return f"the results are complete, but the report was not made: {printable(error)}"
    except Exception as error:  # the results are there and worth more than the report
        return f"the results are complete, but the report was not made: {unexpected(error)}"
    return ""
