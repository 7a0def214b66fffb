"""What came of `face1d replay`: a table, what could not be read, where the reports are, and the exit code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from face1d_ros.cli.replay_screen import STATES, duration, frames_told, name_of
from face1d_ros.cli.screen import Fitting
from face1d_ros.cli.tables import wide_console
from face1d_ros.evaluate.measurement import Measurement, conditions
from face1d_ros.paths import printable
from face1d_ros.replay.job import DONE, FAILED, STOPPED, WAS_DONE, Outcome
from face1d_ros.sources.base import told

EXIT_OK, EXIT_FAILED, EXIT_PARTLY, EXIT_INTERRUPTED = 0, 1, 3, 130
COLORS = {DONE: "green", WAS_DONE: "green", STOPPED: "yellow", FAILED: "red"}
REPORT = "report.html"


def exit_code(outcomes: Iterable[Outcome]) -> int:
    """The worst of all: interrupted, then nothing came of one, then something could not be read."""
    codes = {_code(outcome) for outcome in outcomes}
    return next((code for code in (EXIT_INTERRUPTED, EXIT_FAILED, EXIT_PARTLY) if code in codes), EXIT_OK)


def print_outcomes(outcomes: Sequence[Outcome], *, anew: bool = False) -> None:
    """The table, then a line for each thing that somebody should know. `anew`: as the command was told."""
    console = wide_console()
    console.print()
    console.print(Fitting(_table(outcomes)))
    console.print()
    for outcome in outcomes:
        _print_troubles(outcome, several=len(outcomes) > 1)
    for outcome in outcomes:
        _print_places(outcome)
    if any(outcome.state == STOPPED for outcome in outcomes):
        click.echo(f"Interrupted: the same command{' without --anew' if anew else ''} goes on where it was.")


def measurement(outcomes: Sequence[Outcome]) -> Measurement:
    """All outcomes, for a file."""
    rows = [asdict(outcome) for outcome in outcomes]
    return Measurement("replay", conditions(exit_code=exit_code(outcomes)), rows)


def _code(outcome: Outcome) -> int:
    if outcome.state == STOPPED:
        return EXIT_INTERRUPTED
    if outcome.state == FAILED or outcome.error or not outcome.frames:
        return EXIT_FAILED
    return EXIT_PARTLY if outcome.damage or any(outcome.left_out.values()) else EXIT_OK


def _table(outcomes: Sequence[Outcome]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("source", no_wrap=True)
    table.add_column("")
    for column in ("frames", "length", "time", "× real time"):
        table.add_column(column, justify="right", no_wrap=True)
    for outcome in outcomes:
        factor = outcome.realtime_factor
        table.add_row(
            Text(name_of(outcome.folder)),
            Text(STATES.get(outcome.state, outcome.state), COLORS.get(outcome.state, "default")),
            frames_told(outcome.frames, outcome.announced),
            duration(outcome.duration_s),
            duration(outcome.wall_s),
            "–" if factor is None else f"{factor:.1f}",
        )
    return table


def _print_troubles(outcome: Outcome, *, several: bool) -> None:
    name = f"{name_of(outcome.folder)}: " if several else ""
    if outcome.error:
        click.secho(f"{name}{outcome.error}", fg="red")
    if reasons := told(outcome.left_out):
        click.secho(f"{name}left out by the source: {reasons}", fg="yellow")
    for sentence in outcome.damage:
        click.secho(f"{name}{printable(sentence)}", fg="yellow")
    for sentence in outcome.oddities:
        click.echo(f"{name}{printable(sentence)}")
    if outcome.resumed_at:
        click.echo(f"{name}{outcome.resumed_at} frames were there from before")
    if outcome.note:
        click.secho(f"{name}{outcome.note}", fg="yellow")


def _print_places(outcome: Outcome) -> None:
    if outcome.state not in (DONE, WAS_DONE):
        return
    report = Path(outcome.folder, REPORT)
    click.echo(f"Results {printable(Path(outcome.folder, 'results'))}")
    if report.exists():
        click.echo(f"Report  {printable(report)}")
