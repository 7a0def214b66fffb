"""`face1d synth fit-noise`: measures the detector's errors and makes the noise model of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from face1d_ros.evaluate.detector_noise_run import Measured
    from face1d_ros.evaluate.measurement import Measurement
    from face1d_ros.synth.noise.compare import Compared
    from face1d_ros.synth.noise.model import NoiseModel

RATIO_WITHIN, DECIBELS_WITHIN = 0.15, 2.0
EXTRAPOLATED = (
    "errors of heads turned by more than 0.65 rad (in proportion to the sine; noise as at 0.57 rad); grain over light "
    "above 32; sizes below 40 and above 500 px (noise constant beyond); how much the response to turns differs between "
    "people (from the two sides of one face); the time constant of gusts"
)


@click.command("fit-noise")
@click.option(
    "--videos",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder with real clips (single_face.mp4, face_noface.mov, noface_face.mov) and a group (multi_face.jpg), for "
    "what differs between people. Without it the portrait alone says it.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("detector_noise.json"),
    show_default=True,
    help="The noise model; its arrays go into an .npz of the same name beside it.",
)
@click.option(
    "--picture",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Draw measured and synthetic noise into this file (.png or .svg).",
)
@click.option("--json", "json_path", type=click.Path(dir_okay=False), help="Write the comparison to this file.")
def command(videos: Path | None, output: Path, picture: Path | None, json_path: str | None) -> None:
    """Measure the landmark detector's errors, fit the noise model, and compare both.

    The detector sees the animated portrait under some hundred conditions (size, grain, speed, blur, defocus, light,
    pose, expression, covers), in which the truth is known, and real people, where it is not. Takes some minutes.
    """
    from face1d_ros.evaluate.detector_noise_run import frames_to_measure, measure
    from face1d_ros.synth.noise.build import build, write_noise_model
    from face1d_ros.synth.noise.compare import compare, compared_tracks
    from face1d_ros.synth.noise.model import read_noise_model

    for name, path in (
        ("--output", output),
        ("--picture", picture),
        ("--json", Path(json_path) if json_path else None),
    ):
        if path is not None and not path.parent.is_dir():
            raise click.BadParameter(f"folder '{path.parent}' does not exist; make it first", param_hint=name)
    with _progress() as progress:
        task = progress.add_task("measuring", total=frames_to_measure())
        measured = measure(videos, lambda frames: progress.advance(task, frames))
        task = progress.add_task("fitting", total=None)
        table, arrays = build(measured, provenance(measured))
        write_noise_model(output, table, arrays)
        progress.update(task, total=1, completed=1)
        model = read_noise_model(output)
        tracks = compared_tracks(measured)
        task = progress.add_task("comparing", total=len(tracks))
        compared = []
        for track in tracks:
            compared.append(compare(model, track))
            progress.advance(task)
    report = comparison(measured, compared)
    _print(report, measured, model)
    click.echo(f"wrote {output} and {output.with_suffix('.npz').name}")
    if picture:
        from face1d_ros.cli.synth_noise_picture import draw

        draw(picture, measured, model, compared)
        click.echo(f"wrote {picture}")
    if json_path:
        report.write_json(json_path)
        click.echo(f"wrote {json_path}")


def provenance(measured: Measured) -> dict[str, Any]:
    """What was measured with what."""
    from face1d_ros.evaluate.detector_noise_conditions import expressions
    from face1d_ros.evaluate.measurement import conditions

    tracks = list(measured.tracks())
    under = conditions(seed=1)
    return {
        "command": "face1d synth fit-noise --videos DIR --output FILE",
        "detector": measured.model,
        "versions": {name: under["versions"][name] for name in ("face1d_ros", "mediapipe", "numpy")},
        "portrait": "scikit-image's astronaut (NASA, public domain), moved by known motion",
        "conditions": len(tracks),
        "frames": sum(len(track.true) for track in tracks),
        "sensor_noise_seeds": [1, 2, 3, 4],
        "learnt_expressions_from": expressions()[0].name,
        "people": list(measured.people.names),
        "extrapolated": EXTRAPOLATED,
        "clips_sha256": {clip.name: clip.sha256 for clip in measured.people.clips},
    }


def comparison(measured: Measured, compared: list[Compared]) -> Measurement:
    """As every measurement is written, with how much of it is within what was aimed for."""
    import numpy as np

    from face1d_ros.evaluate.measurement import Measurement, conditions
    from face1d_ros.synth.noise.compare import FIGURES

    rows = [one.row() for one in compared]
    off = np.array([[abs(row[f"{name}_ratio"] - 1.0) for name in FIGURES] for row in rows])
    decibels = np.abs(np.concatenate([one.band_db for one in compared]))
    under = conditions(
        detector=measured.model,
        conditions_compared=len(rows),
        share_of_figures_within_15_percent=float((off <= RATIO_WITHIN).mean()),
        share_of_conditions_within_15_percent=float((off <= RATIO_WITHIN).all(axis=1).mean()),
        share_of_bands_within_2_db=float((decibels <= DECIBELS_WITHIN).mean()),
        spectrum_db_rms=float(np.sqrt(np.square(decibels).mean())),
    )
    return Measurement("synth fit-noise", under, rows)


def _print(report: Measurement, measured: Measured, model: NoiseModel) -> None:
    from rich.table import Table

    from face1d_ros.cli.tables import wide_console

    table = Table(title="Detector noise: measured | synthetic (synthetic over measured)")
    table.add_column("condition")
    for name in ("sta1, %", "jitter, px of 256", "stability, %", "spectrum, dB rms"):
        table.add_column(name, justify="right")
    for row in report.rows:
        cells = []
        for name in ("sta1_percent", "jitter_px", "stability_percent"):
            ratio = float(row[f"{name}_ratio"] or 0.0)
            text = f"{row[name]:.3f} | {row[f'{name}_synthetic']:.3f} ({ratio:.2f})"
            cells.append(text if abs(ratio - 1.0) <= RATIO_WITHIN else f"[bold]{text}[/bold]")
        table.add_row(str(row["condition"]), *cells, f"{row['spectrum_db_rms']:.1f}")
    console = wide_console()
    console.print(table)
    for name, value in report.conditions.items():
        if name.startswith(("share", "spectrum")):
            console.print(f"{name.replace('_', ' ')}: {value:.3f}")
    _print_people(console, measured, model)
    _print_model(console, model)


def _print_people(console: Console, measured: Measured, model: NoiseModel) -> None:
    import numpy as np

    from face1d_ros.synth.noise.clips import clip_rows

    people = measured.people
    for name, field, gain in zip(people.names, people.mirror_percent, people.depth_gains, strict=True):
        wrong = np.sqrt(np.square(field).mean(axis=0))
        console.print(
            f"{name}: disagrees with its mirror image by x {wrong[0]:.2f} y {wrong[1]:.2f} z {wrong[2]:.2f} % "
            f"of its size; depth {gain:.2f} of the canonical face's"
        )
    for row in clip_rows(measured, model):
        console.print(
            f"{row['clip']}: {row['frames']} frames, face {row['size_px']:.0f} px, yaw {row['yaw_from_deg']:.0f} to "
            f"{row['yaw_to_deg']:.0f}°, pitch {row['pitch_from_deg']:.0f} to {row['pitch_to_deg']:.0f}°; sta1 "
            f"{row['sta1_percent']:.3f} %, left by smoothing {row['rest_percent']:.3f} % of the size: as the portrait "
            f"with grain {row['equal_grain']:.1f}"
        )


def _print_model(console: Console, model: NoiseModel) -> None:
    """What has no place in the table."""
    import numpy as np

    held, explained = model.fit["held_by_modes"], model.fit["explained_by_response"]
    console.print(f"{len(model.modes)} modes hold {held[0]:.3f} of the variance at least, {held[1]:.3f} in the median")
    for name, share in explained.items():
        console.print(f"{name}: the response to expressions explains {share:.2f} of the variance")
    for region, (noise, follow) in model.occlusion.items():
        shift = np.sqrt(np.square(model.hidden_shift[region]).sum(axis=1)).mean()
        console.print(f"{region} hidden: shift {shift:.2f} %, noise {noise:.2f}, still followed {follow:.2f}")
    slopes = np.sqrt(np.square(model.turn_slope).sum(axis=2))
    for axis, (negative, positive) in zip(("yaw", "pitch"), slopes, strict=True):
        console.print(f"{axis}: error {negative:.1f} and {positive:.1f} % for a sine of 1 to either side")
    for name, (knots, shares) in model.loss_share.items():
        lost = [f"{knot:g}: {share:.2f}" for knot, share in zip(knots, shares, strict=True) if share > 0.0]
        console.print(f"lost by {name}: {', '.join(lost) or 'never'}")
    console.print(
        f"lag {model.lag_frames:.3f} frames, depth gain {model.depth_gain:.3f}, person {model.person_percent:.2f} %"
    )


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)
