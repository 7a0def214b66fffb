"""`face1d evaluate smoothing`: filters and networks on the synthetic test set, and behind the real detector."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress

from face1d_ros.cli import smoothing_run
from face1d_ros.cli.group_tables import print_groups
from face1d_ros.cli.options import GROUPS
from face1d_ros.cli.smoothing_run import Run, Settings
from face1d_ros.cli.tables import chosen_table, print_measurement, rows_table, wide_console
from face1d_ros.detect.quiet_start import quiet_start
from face1d_ros.evaluate.measurement import Measurement
from face1d_ros.evaluate.smoothing_report import verdict_rows
from face1d_ros.types import Topology

SMOOTHER = {
    "model": "model",
    "nme_percent": "NME %",
    "nrmse_percent": "NRMSE %",
    "stability_percent": "stability",
    "sta1_percent": "sta1",
    "sta2_percent": "sta2",
    "lag_frames": "lag",
    "delay_frames": "delay",
    "jitter_px": "jitter",
    "acceleration_px": "accel",
    "hidden_percent": "hidden",
    "missing_percent": "missing",
    "occlusion_ratio": "÷ raw",
    "mac_m": "M MAC",
    "parameters": "params",
    "size_mb": "MB",
    "p50_ms": "p50 ms",
    "p95_ms": "p95 ms",
}
REAL = {
    "recording": "recording",
    "model": "model",
    "sta1_percent": "sta1 %",
    "sta2_percent": "sta2 %",
    "pseudo_lag_frames": "pseudo-lag",
    "pseudo_error_percent": "pseudo-error %",
    "onset_delay_frames": "smile later",
    "blinks": "blinks",
    "blink_depth": "depth kept",
    "blink_depth_worst": "least",
    "nme_percent": "NME %",
    "jitter_px": "jitter",
    "lag_frames": "lag",
}
"""What the tables show of a row, under which heading; the JSON has all."""


@click.command("smoothing")
@click.argument("what", default=smoothing_run.SMALL)
@click.option(
    "--models", multiple=True, metavar="NAME", help="A bundle, or a folder of them; again for more. [all shipped]"
)
@click.option(
    "--points", type=click.Choice(["478", "68"]), default="478", show_default=True, help="Landmarks of a face."
)
@click.option(
    "--clips", type=click.Path(file_okay=False), help="A folder of videos with a face, for the real detector."
)
@click.option("--json", "path", type=click.Path(dir_okay=False), help="Write the measurement to this file.")
@click.option("--plot", type=click.Path(dir_okay=False), help="Draw jitter against lag: .png, .svg, .pdf.")
@click.option("--tracks", type=click.Path(dir_okay=False), help="Draw an eye and a lip over time: .png, .svg, .pdf.")
@GROUPS
@click.option("--quick", is_flag=True, help="A part of the sequences and frames: to see that it works.")
def command(
    what: str,
    models: tuple[str, ...],
    points: str,
    clips: str | None,
    path: str | None,
    plot: str | None,
    tracks: str | None,
    groups: Path | None,
    quick: bool,
) -> None:
    """Compare filters and networks as the smoothing node runs them.

    WHAT is `small`, the test set that ships with the package, or the folder of a corpus that `face1d synth make FOLDER
    --test-set synthetic-test-v1` wrote (its part `general`).

    \b
    NME, NRMSE     error in % of √(box width · box height), and of the distance of the outer eye corners
    stability      displacement error, % of face size;  jitter, accel: px of a face 256 px wide
    sta1, sta2     distance from between the neighbouring frames, % of face size
    lag            frames behind the truth;  delay: frames by which the output is published later
    hidden         NME of points that something hides;  missing: of frames that are lost, ten in a row at most
    ÷ raw          both, beside the raw points and the last measurement held
    p50, p95       of the stage, one face, at 30 Hz with sleeps between

    Each figure is the plain mean over sequences. Filters have the settings that are best on validation data.
    """  # noqa: D301
    with Progress(console=Console(stderr=True), transient=True) as progress, quiet_start():
        run = smoothing_run.measure(Settings(what, models, clips, quick, Topology(int(points)), groups), progress)
    _print(run)
    if plot:
        from face1d_ros.cli.smoothing_picture import write_frontier

        write_frontier(Path(plot), run)
        click.echo(f"wrote {plot}")
    if tracks:
        from face1d_ros.cli.smoothing_picture import write_tracks

        write_tracks(Path(tracks), run)
        click.echo(f"wrote {tracks}")
    if path:
        run.measurement.write_json(path)
        click.echo(f"wrote {path}")


def _print(run: Run) -> None:
    console, part = wide_console(), run.measurement.part
    rows = part("smoother")
    console.print(_table(rows, SMOOTHER, f"Smoothing on {run.name}, {int(run.blocks.topology)} landmarks"))
    console.print(_table(part("other faces"), SMOOTHER | {"nme_ratio": "NME ÷ raw"}, "Outside the face model"))
    if real := part("real"):
        console.print(_table(real, REAL, "Behind the real detector"))
    for note in run.notes:
        console.print(f"[yellow]not measured[/] {note}", highlight=False)
    console.print(_verdict_table(rows))
    whole = run.measurement
    print_groups(whole, run.default.name)
    print_measurement(Measurement(whole.command, whole.conditions, part("summary"), whole.targets), "The default")


def _verdict_table(rows: list[dict[str, Any]]) -> Any:
    """A line for each smoother, a column for each verdict."""
    lines: dict[str, dict[str, str]] = {}
    for row in verdict_rows(rows):
        heading = f"{row['verdict'].split(' (')[0]} {row['limit']}"
        word = {True: "pass", False: "fail", None: "n/a"}[row["pass"]]
        lines.setdefault(row["model"], {"model": row["model"]})[heading] = word
    return rows_table(Measurement("", {}, list(lines.values())), "Verdicts (review, Table 7), synthetic data")


def _table(rows: list[dict[str, Any]], columns: dict[str, str], title: str) -> Any:
    there = {key: name for key, name in columns.items() if any(key in row for row in rows)}
    return chosen_table(rows, there, title)
