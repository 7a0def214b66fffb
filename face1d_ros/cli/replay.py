"""`face1d replay`: recordings through all stages, as fast as possible, into bags of results and reports."""

from __future__ import annotations

import shlex
import sys
import threading
import uuid
from collections.abc import Sequence
from pathlib import Path

import click

from face1d_ros.cli.interrupts import stop_on_signals
from face1d_ros.cli.options import JSON, node_options_without, take_overrides
from face1d_ros.cli.replay_jobs import absolute, make_jobs
from face1d_ros.cli.replay_screen import Board
from face1d_ros.cli.replay_summary import exit_code, measurement, print_outcomes
from face1d_ros.cli.screen import Screen, make_screen
from face1d_ros.errors import RecordingError
from face1d_ros.replay.job import Job, Outcome, Progress

NOT_HERE = (
    *("camera.source", "camera.image_topic", "camera.loop", "camera.end_with_source"),
    *("landmarks.transport", "landmarks.on_demand", "identity.transport"),
)
"""Settings of nodes that mean nothing here, or have an option of their own."""


@click.command("replay")
@click.argument("sources", nargs=-1, required=True, metavar="BAG…")
@click.option("--out", default="face1d_replay", show_default=True, metavar="FOLDER", help="Where all goes.")
@click.option("--topic", default="", help="Image topic; without it, the only one that a bag has.")
@click.option(
    "--jobs",
    "processes",
    type=click.IntRange(min=1),
    metavar="N",
    help="Sources at once, each in a process of its own. [default: half as many as there are cores]",
)
@click.option("--scheduler", metavar="ADDRESS", help="Use the workers of this Dask scheduler: tcp://HOST:8786.")
@click.option(
    "--truth",
    default="",
    metavar="FILE|TOPIC|none",
    help="What the landmarks should be: a CSV or NPZ, or a topic of the bag. [default: a truth topic, if there is one]",
)
@click.option("--max-frames", type=click.IntRange(min=1), metavar="N", help="End each after so many frames.")
@click.option("--anew", is_flag=True, help="Begin from the first frame, and replace what is there.")
@click.option("--no-report", is_flag=True, help="Leave the report out.")
@click.option("--no-pictures", is_flag=True, help="Keep no images: without them the report has no contact sheet.")
@JSON
@node_options_without(*NOT_HERE)
def command(
    sources: tuple[str, ...],
    out: str,
    topic: str,
    processes: int | None,
    scheduler: str | None,
    truth: str,
    max_frames: int | None,
    anew: bool,
    no_report: bool,
    no_pictures: bool,
    path: str | None,
    **options: object,
) -> None:
    """Replay every BAG through all stages, and write a bag of results and a report for each.

    BAG is a rosbag2 (folder or file), a video file or an image folder. No frame is dropped, and the same frames give
    the same values each time. Ctrl-C ends it so that the same command goes on where it was; a second one ends it at
    once, which costs up to a second of the recording. What is done already is not done again.

    Exit code: 0 all was read, 3 something could not be read and the rest is there, 1 an error or nothing at all,
    130 interrupted.
    """
    if scheduler and processes:
        raise click.UsageError("--jobs is of this machine; with --scheduler its workers decide how many run at once")
    like = Job(
        "",
        "",
        topic=topic,
        settings=take_overrides(options),
        truth=truth,
        pictures=not no_pictures,
        report=not no_report,
        anew=anew,
        request=uuid.uuid4().hex,
        command=shlex.join(["face1d", *sys.argv[1:]]),
        max_frames=max_frames,
    )
    folder = Path(absolute(out))
    jobs = make_jobs(sources, folder, like)
    _make(folder)
    with stop_on_signals() as stopping:
        outcomes = _replay(jobs, processes, scheduler, stopping)
    print_outcomes(outcomes, anew=anew)
    if path:
        measurement(outcomes).write_json(path)
    sys.exit(exit_code(outcomes))


def _replay(
    jobs: Sequence[Job], processes: int | None, scheduler: str | None, stopping: threading.Event
) -> list[Outcome]:
    board = Board(jobs)
    with make_screen(board.draw, board.line, board.notes) as screen:
        if len(jobs) == 1 and not scheduler:
            return [_replay_here(jobs[0], board, screen, stopping)]
        return _replay_on_cluster(jobs, processes, scheduler, board, screen, stopping)


def _replay_here(job: Job, board: Board, screen: Screen, stopping: threading.Event) -> Outcome:
    from face1d_ros.replay.job import run_job

    def tell(progress: Progress) -> None:
        board.tell(0, progress)
        screen.refresh()

    return run_job(job, tell, stopping.is_set)


def _replay_on_cluster(
    jobs: Sequence[Job],
    processes: int | None,
    scheduler: str | None,
    board: Board,
    screen: Screen,
    stopping: threading.Event,
) -> list[Outcome]:
    from face1d_ros.replay.cluster import check_workers, connected, default_processes, local_cluster
    from face1d_ros.replay.cluster_run import run_on_cluster

    opened = connected(scheduler) if scheduler else local_cluster(min(processes or default_processes(), len(jobs)))
    with opened as client:
        if scheduler:
            check_workers(client, jobs)
        return run_on_cluster(client, jobs, board, screen.refresh, stopping.is_set)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RecordingError(f"cannot write to {folder}: {error.strerror}; choose another --out") from error
