"""`face1d evaluate bags`: all stages on bags, with accuracy where truth is known, and stability."""

from __future__ import annotations

import shlex
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from face1d_ros.cli.group_tables import print_groups
from face1d_ros.cli.interrupts import stop_on_signals
from face1d_ros.cli.options import GROUPS, JSON
from face1d_ros.cli.replay_jobs import absolute, make_jobs
from face1d_ros.cli.replay_screen import Board
from face1d_ros.cli.replay_summary import exit_code, print_outcomes
from face1d_ros.cli.screen import make_screen
from face1d_ros.cli.tables import print_measurement, rows_table, wide_console
from face1d_ros.evaluate.bags import MODEL, bag_rows, grouped_bag_rows
from face1d_ros.evaluate.groups import read_groups
from face1d_ros.evaluate.measurement import Measurement, conditions
from face1d_ros.replay.job import FAILED, STOPPED, Job, Outcome, Progress, run_job

OUT = "face1d_replay"
TRUTHS = (".csv", ".npz")


@click.command("bags")
@click.argument("sources", nargs=-1, required=True, metavar="BAG…")
@click.option("--out", default=OUT, show_default=True, metavar="FOLDER", help="Of results and reports, as of replay.")
@click.option("--topic", default="", help="Image topic; without it, the only one that a bag has.")
@click.option(
    "--truth",
    default="",
    metavar="FILE|FOLDER|TOPIC|none",
    help="A CSV or NPZ, a folder of them with the bags' names, or a topic.  [default: a truth topic, if there is one]",
)
@click.option("--max-frames", type=click.IntRange(min=1), metavar="N", help="End each after so many frames.")
@click.option("--anew", is_flag=True, help="Begin from the first frame, and replace what is there.")
@GROUPS
@JSON
def command(
    sources: tuple[str, ...],
    out: str,
    topic: str,
    truth: str,
    max_frames: int | None,
    anew: bool,
    groups: Path | None,
    path: str | None,
) -> None:
    """Replay every BAG through all stages, and compare what their reports say.

    Accuracy is there where truth is known: a topic of the bag, or a file. The mean is the plain mean over bags, of each
    figure over those that have it. In the file of `--groups` the sequence is the bag's name without its extension.

    What is replayed already is not replayed again. Exit codes are those of `face1d replay`.
    """
    known = read_groups(groups) if groups else None
    like = Job("", "", topic=topic, truth=truth, pictures=False, command=shlex.join(["face1d", *sys.argv[1:]]))
    jobs = [
        _with_truth(job)
        for job in make_jobs(sources, Path(absolute(out)), replace(like, max_frames=max_frames, anew=anew))
    ]
    if known is not None:
        known.check([Path(job.folder).name for job in jobs])
    with stop_on_signals() as stopping:
        outcomes = _replay(jobs, stopping)
    print_outcomes(outcomes)
    reports = {Path(one.folder).name: _report(one.folder) for one in outcomes if one.state not in (FAILED, STOPPED)}
    if reports:
        rows = bag_rows(reports)
        rows += grouped_bag_rows(reports, known) if known else []
        measurement = Measurement("evaluate bags", conditions(data="bags", bags=list(reports), truth=truth), rows)
        _print(measurement)
        if path:
            measurement.write_json(path)
            click.echo(f"wrote {path}")
    sys.exit(exit_code(outcomes))


def _replay(jobs: Sequence[Job], stopping: threading.Event) -> list[Outcome]:
    """One after the other."""
    board = Board(jobs)
    outcomes = []
    with make_screen(board.draw, board.line, board.notes) as screen:
        for number, job in enumerate(jobs):

            def tell(progress: Progress, number: int = number) -> None:
                board.tell(number, progress)
                screen.refresh()

            outcomes.append(run_job(job, tell, stopping.is_set))
    return outcomes


def _with_truth(job: Job) -> Job:
    """Of a folder of truths, the one with the job's name; none where it has none."""
    folder = Path(job.truth)
    if not job.truth or not folder.is_dir():
        return job
    name = Path(job.folder).name
    return replace(
        job, truth=next((str(file) for end in TRUTHS if (file := folder / f"{name}{end}").is_file()), "none")
    )


def _report(folder: str) -> dict[str, Any]:
    from face1d_ros.replay.report.files import read_dict

    return read_dict(Path(folder))


def _print(measurement: Measurement) -> None:
    """A line for each figure, a column for each bag and for their mean."""
    rows = [*measurement.part("sequence"), *measurement.part("mean")]
    keys = dict.fromkeys(key for row in rows for key in row if key not in ("model", "sequence", "truth"))
    lines = [{"figure": key, **{row["sequence"]: row.get(key) for row in rows}} for key in keys]
    wide_console().print(rows_table(Measurement("", {}, lines), "Bags"))
    print_groups(measurement, MODEL)
    print_measurement(Measurement(measurement.command, measurement.conditions, []))
