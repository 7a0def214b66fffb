"""`face1d report`: a page, JSON and CSV of a bag with our results, and two reports compared."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.markup import escape

from face1d_ros.cli.replay_summary import EXIT_OK, EXIT_PARTLY
from face1d_ros.cli.report_compare import command as compare_command
from face1d_ros.errors import ReportError
from face1d_ros.paths import user_path

if TYPE_CHECKING:
    from face1d_ros.replay.report.content import Moment, Report, Run

RESULTS = "results"
"""The bag in a replay's folder."""
DEFAULT = "RESULTS"
SHOWN = (
    *("run.frames", "run.duration_s", "faces.with_face_percent", "faces.tracks"),
    *("stability.raw.sta2_percent", "stability.smoothed.sta2_percent", "stability.smoothed.pseudo_lag_frames"),
    *("stability.smoothed.pseudo_error_percent", "latency.all.p95_ms"),
    *("accuracy.raw.nme_percent", "accuracy.smoothed.nme_percent", "accuracy.smoothed.jitter_px"),
    *("accuracy.smoothed.lag_frames", "accuracy.expression.accuracy_percent", "accuracy.pose.rotation_deg"),
)
"""Figures that are printed; the report has all."""


class ReportGroup(click.Group):
    """`face1d report RESULTS` beside `face1d report compare A B`."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """What is no subcommand is a bag, or an option of its report."""
        if args and args[0] not in self.commands and args[0] not in context.help_option_names:
            args = [DEFAULT, *args]
        return super().parse_args(context, args)

    def format_usage(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Both ways."""
        formatter.write_usage(context.command_path, "RESULTS [OPTIONS]")
        formatter.write_usage(context.command_path, "compare A B [OPTIONS]")


@click.group(cls=ReportGroup)
def command() -> None:
    """Report what a bag with our results says, or compare two reports.

    RESULTS is the folder of a replay, or any bag that holds topics of ours, also one that was recorded on a robot. The
    report is one HTML file that needs no network; report.json, report.csv and timelines.csv hold the same.
    `face1d report RESULTS --help` lists the options.
    """


@command.command(DEFAULT, hidden=True)
@click.argument("results")
@click.option("--out", metavar="FOLDER", help="Where to write; a replay's own folder, or ./<name>_report of a bag.")
@click.option(
    "--truth",
    default="",
    metavar="FILE|TOPIC|none",
    help="A CSV or NPZ file, or a landmark topic of the bag; without it the one that the replay had, or a topic with "
    "'truth' in its name.",
)
@click.option("--no-pictures", is_flag=True, help="Leave the contact sheet out.")
def report_command(results: str, out: str | None, truth: str, no_pictures: bool) -> None:
    """Write the report of RESULTS: the folder of a replay, or a bag that holds topics of ours.

    Exit code: 0 all was read, 3 something could not be read, then or when it was replayed, and the rest is there, 1 an
    error.
    """
    given = locate(user_path(results))
    folder = user_path(out) if out else given.folder
    with Console(stderr=True).status(f"reading {escape(str(given.bag))}"):
        report = make(given, folder, truth or given.truth, pictures=not no_pictures)
    print_report(report, folder)
    sys.exit(EXIT_PARTLY if report.run.damage else EXIT_OK)


command.add_command(compare_command, "compare")


@dataclass(frozen=True)
class Given:
    """Whose report it is."""

    bag: Path
    folder: Path
    """Where the report belongs."""
    run: Run
    source: Path
    """Where a truth topic is looked for."""
    replay: bool
    """Whether it is the folder of a replay, which may have pictures."""
    truth: str = ""
    """That the replay was given."""


def locate(path: Path) -> Given:
    """A replay's folder, or a bag. Raises ReportError."""
    from face1d_ros.replay.report.build import read_run
    from face1d_ros.replay.run_file import load_run, load_run_file
    from face1d_ros.sources.bag_topics import is_bag

    if (path / RESULTS).is_dir():
        known = load_run_file(path)
        run = load_run(path) or read_run(path / RESULTS)
        source = Path(known.job["source"]) if known is not None else path / RESULTS
        truth = str(known.job.get("truth", "")) if known is not None else ""
        return Given(path / RESULTS, path, run, source, replay=True, truth=truth)
    if not path.exists():
        raise ReportError(f"{path} does not exist; name the folder of a replay, or a bag")
    if not is_bag(path):
        inside = sorted(each.name for each in path.glob("*") if (each / RESULTS).is_dir()) if path.is_dir() else []
        hint = f"; it holds the replays {', '.join(inside)}: name one of them" if inside else ""
        raise ReportError(f"{path} is no bag and no folder of a replay{hint}")
    name = path.resolve().stem if path.is_file() else path.resolve().name
    return Given(path, Path(f"{name}_report"), read_run(path), path, replay=False)


def make(given: Given, folder: Path, truth: str, *, pictures: bool) -> Report:
    """Build it and write its files."""
    from face1d_ros.replay.report.build import build_report
    from face1d_ros.replay.report.files import write_report
    from face1d_ros.replay.report.truth import load_truth

    known = load_truth(truth, given.source)
    report = build_report(given.bag, given.run, known, _moments(given, folder) if pictures else ())
    write_report(report, folder)
    return report


def print_report(report: Report, folder: Path) -> None:
    """The figures that most people look for first, and where the rest is."""
    from face1d_ros.cli.tables import shown
    from face1d_ros.replay.report.files import HTML

    figures = {figure.key: figure for figure in report.figures}
    for key in SHOWN:
        figure = figures.get(key)
        if figure is not None and figure.value is not None:
            click.echo(f"{figure.name:<34}{shown(figure.value):>8} {figure.unit}")
    for verdict in report.verdicts:
        if verdict.passed is not None:
            sign = click.style("pass", fg="green") if verdict.passed else click.style("fail", fg="red", bold=True)
            row = verdict.as_row()
            click.echo(f"{sign}  {row['verdict']} = {shown(verdict.value)}  ({row['limit']}, {verdict.data} data)")
    for line in (*report.run.damage, *report.notes):
        click.secho(line, fg="yellow")
    click.echo(f"Report  {folder / HTML}")


def _moments(given: Given, folder: Path) -> Sequence[Moment]:
    """Those of the replay, or drawn from the landmarks alone."""
    from face1d_ros.replay.report.files import PICTURES
    from face1d_ros.replay.report.moments import Moments

    kept = given.folder / PICTURES
    if given.replay and (kept / "moments.json").is_file():
        return Moments.resumed(kept).moments()
    return Moments.of_results(given.bag).moments()
