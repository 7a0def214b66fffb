"""`face1d evaluate mesh`: coefficients, meshes and head pose on the synthetic test set, beside closed form."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.progress import Progress

from face1d_ros.cli import mesh_run
from face1d_ros.cli.group_tables import print_groups
from face1d_ros.cli.mesh_input import check_face_model, smoothing_of
from face1d_ros.cli.mesh_run import Run, Settings
from face1d_ros.cli.options import FACE_MODEL, GROUPS
from face1d_ros.cli.smoothing_run import SMALL, open_sequences
from face1d_ros.cli.tables import chosen_table, print_measurement, rows_table, wide_console
from face1d_ros.detect.quiet_start import quiet_start
from face1d_ros.evaluate.measurement import Measurement, conditions
from face1d_ros.evaluate.mesh_prior import GRID_ERRORS_MM, GRID_OTHERS, grid
from face1d_ros.evaluate.mesh_report import RIDGE
from face1d_ros.evaluate.mesh_tracks import RAW, SMOOTHED
from face1d_ros.synth.faces.model import load_face_model
from face1d_ros.synth.faces.point_model import point_model

TABLE_5 = {
    "model": "method",
    "vertices": "3D vertices",
    "p50_ms": "latency p50 ms",
    "error_mm_frame": "mesh error mm, one frame",
    "error_mm_1s": "1 s",
    "error_mm_3s": "3 s",
    "size_mb": "size MB",
}
ACCURACY = {
    "model": "method",
    "own_size_mm": "own size mm",
    "vertex_mm": "vertex mm",
    "correlation": "correlation",
    "coefficient_error": "coeff. error",
    "rotation_deg": "rotation °",
    "translation_mm": "place mm",
    "distance_percent": "distance %",
    "flicker": "flicker",
}
ROUGH_AND_COST = {
    "model": "method",
    "rough_mm": "rough: mesh mm",
    "rough_correlation": "correlation",
    "rough_deg": "rotation °",
    "p50_ms": "p50 ms",
    "p95_ms": "p95 ms",
    "mac_m": "M MAC",
    "parameters": "weights",
}
"""What the tables show of a row, under which heading; the JSON has all."""
GRID_SEQUENCES = 32


@click.command("mesh")
@click.argument("what", default=SMALL)
@click.option("--models", multiple=True, metavar="NAME", help="A mesh bundle; again for more. [all shipped]")
@click.option(
    "--input",
    "given",
    type=click.Choice([SMOOTHED, RAW]),
    default=SMOOTHED,
    show_default=True,
    help="Landmarks behind the default smoothing stage, as the mesh node gets them, or as detected.",
)
@click.option(
    "--training",
    type=click.Path(file_okay=False, path_type=Path),
    help="A corpus of training data, whose covariances MAP takes. [MAP is left out]",
)
@click.option(
    "--capture",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A CSV of a real face's ARKit coefficients, drawn through the noise model.",
)
@click.option(
    "--clips",
    type=click.Path(file_okay=False, path_type=Path),
    help="A folder of videos with a face, for the real detector.",
)
@click.option("--coefficients", is_flag=True, help="Print error and correlation of each coefficient.")
@click.option("--pictures", type=click.Path(file_okay=False, path_type=Path), help="Draw pictures into this folder.")
@click.option("--json", "path", type=click.Path(dir_okay=False), help="Write the measurement to this file.")
@GROUPS
@click.option("--quick", is_flag=True, help="A part of the sequences and frames: to see that it works.")
@click.option(
    "--grid", "only_grid", is_flag=True, help="Instead: ridge with other parameters; WHAT is validation data."
)
@FACE_MODEL
def command(
    what: str,
    models: tuple[str, ...],
    given: str,
    training: Path | None,
    capture: Path | None,
    clips: Path | None,
    coefficients: bool,
    pictures: Path | None,
    path: str | None,
    groups: Path | None,
    quick: bool,
    only_grid: bool,
    face_model: Path | None,
) -> None:
    """Compare mesh networks with closed form, all in the mesh stage and from the same landmarks.

    WHAT is `small`, the test set that ships with the package, or the folder of a corpus that `face1d synth make FOLDER
    --test-set synthetic-test-v1` wrote (its part `general`). Sequences of the block `mesh` count. It needs the face
    model that the sequences were made with.

    \b
    one frame, 1 s, 3 s   mesh error in mm, point to surface, after so much video of a face never seen before
    own size              as for one frame, with the size that the model takes the head to be of
    vertex                as for one frame, vertex to vertex
    correlation           mean over the coefficients that landmarks show; coeff. error: mean over all
    rotation, place       error of the head's pose within 40° of yaw and pitch; distance: % of that to the camera
    flicker               change of coefficients from frame to frame while the true ones keep still
    rough                 one frame, correlation and rotation, each point besides off by itself

    One camera does not tell how large a head is: all meshes but those of `own size` are first brought to the true
    distance of the outer eye corners at rest, whoever made them. Then they are aligned without scale.
    """  # noqa: D301
    if only_grid and (models or training or capture or clips or coefficients or pictures or groups):
        raise click.UsageError("--grid takes --input, --quick, --json and --face-model alone")
    with Progress(console=Console(stderr=True), transient=True) as progress, quiet_start():
        if only_grid:
            measurement = _grid(what, given, quick, face_model, progress)
        else:
            settings = Settings(what, models, given, training, capture, clips, quick, groups)
            run = mesh_run.measure(settings, face_model, progress)
            measurement = run.measurement
    if only_grid:
        print_measurement(measurement, f"Ridge on {what}, single frames")
    else:
        _print(run, coefficients)
        if pictures:
            from face1d_ros.cli.mesh_picture import write_pictures

            for written in write_pictures(pictures, run):
                click.echo(f"wrote {written}")
    if path:
        measurement.write_json(path)
        click.echo(f"wrote {path}")


def _grid(what: str, given: str, quick: bool, face_model: Path | None, progress: Progress) -> Measurement:
    """Ridge with all settings of its grid."""
    face = load_face_model(face_model)
    points = point_model(face)
    source, name = open_sequences(what)
    check_face_model(source, points)
    count = 2 if quick else min(GRID_SEQUENCES, len(source))
    chosen = np.linspace(0, len(source) - 1, count).round().astype(int).tolist()
    task = progress.add_task("settings", total=len(GRID_ERRORS_MM) * len(GRID_OTHERS))
    with ExitStack() as opened:
        smoothing = smoothing_of(given, opened)
        tried = grid([source[i] for i in chosen], face, points, smoothing, lambda: progress.advance(task))
    rows = [{**asdict(setting), "mesh_mm": mesh_mm} for setting, mesh_mm in tried]
    under = conditions(data="synthetic", what=name, sequences=count, input=given)
    return Measurement("evaluate mesh --grid", under, rows)


def _print(run: Run, coefficients: bool) -> None:
    console, part = wide_console(), run.measurement.part
    rows = part("model")
    console.print(chosen_table(rows, TABLE_5, f"3D faces from landmarks on {run.name}, as Table 5 of the review"))
    console.print(chosen_table(rows, ACCURACY, "Coefficients and pose"))
    console.print(chosen_table(rows, ROUGH_AND_COST, "With errors that the noise model has not; cost"))
    if coefficients:
        console.print(rows_table(Measurement("", {}, by_coefficient(part("coefficient"))), "Each coefficient"))
    for name, title in (("capture", "On a real capture"), ("clip", "Real video"), ("asymmetry", "Left and right")):
        if found := part(name):
            console.print(rows_table(Measurement("", {}, found), title))
    verdicts = [row for row in part("verdict") if run.default is None or row["model"] == run.default.name]
    measured = [{key: row[key] for key in ("model", "verdict", "value", "limit", "pass")} for row in verdicts]
    if run.default is not None:
        console.print(rows_table(Measurement("", {}, measured), "Verdicts (review, Table 7), synthetic data"))
    for note in run.notes:
        console.print(f"[yellow]not measured[/] {note}", highlight=False)
    whole = run.measurement
    print_groups(whole, run.default.name if run.default else RIDGE)
    print_measurement(Measurement(whole.command, whole.conditions, [], whole.targets))


def by_coefficient(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A line for each coefficient, two columns for each model."""
    lines: dict[str, dict[str, Any]] = {}
    for row in rows:
        line = lines.setdefault(row["coefficient"], {"coefficient": row["coefficient"], "counts": row["visible"]})
        line |= {f"{row['model']} error": row["error"], f"{row['model']} correlation": row["correlation"]}
    return list(lines.values())
