"""`face1d synth register`: MediaPipe's canonical face laid on a 3D face model, with its errors and a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from rich.console import Console

if TYPE_CHECKING:
    from face1d_ros.synth.faces.model_arrays import ModelArrays
    from face1d_ros.synth.faces.registration import Registration

OUTLINE = 27
"""The first of the 68 points, jaw and brows, are at other places than the points that MediaPipe has for them."""


@click.command("register")
@click.option(
    "--face-model",
    metavar="PATH",
    envvar="FACE1D_FACE_MODEL",
    show_envvar=True,
    help="ICT-FaceKit's folder or pack, or an .npz of FLAME or BFM (docs/face_models.md).",
)
@click.option(
    "--picture", type=click.Path(dir_okay=False, path_type=Path), help="Draw the result to this .jpg or .png."
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Store the correspondence. As MODEL.anchors.npz beside MODEL.npz it is used from then on.",
)
@click.option("--json", "json_path", type=click.Path(dir_okay=False), help="Write the table to this file.")
def command(face_model: str | None, picture: Path | None, output: Path | None, json_path: str | None) -> None:
    """Compute where MediaPipe's 478 points lie on a face model, and say how well they do.

    Distances in mm: of the deformed canonical points to the surface before they are put on it; of the points to the
    model's own 68 landmarks (jaw and brows apart: MediaPipe's points are elsewhere along them); of each point to its
    partner's mirror image.
    """
    from face1d_ros.cli.tables import print_measurement
    from face1d_ros.evaluate.measurement import Measurement, conditions
    from face1d_ros.synth.faces.correspondence import write_anchors
    from face1d_ros.synth.faces.model import face_model_path, read_model
    from face1d_ros.synth.faces.registration import register

    path = face_model_path(face_model)
    with Console(stderr=True).status("laying the canonical face on the model"):
        model = read_model(path)
        digest = model.sha256()
        registration = register(model)
    measured = conditions(data_sha256=digest, model=model.name, vertices=len(model.mean_mm))
    measurement = Measurement("synth register", measured, _rows(model, registration))
    print_measurement(measurement, f"MediaPipe's canonical face on {model.name}, mm")
    if output:
        write_anchors(output, registration.anchors, digest)
        click.echo(f"wrote {output}")
    if picture:
        _draw(picture, model, registration)
        click.echo(f"wrote {picture}")
    if json_path:
        measurement.write_json(json_path)
        click.echo(f"wrote {json_path}")


def _rows(model: ModelArrays, registration: Registration) -> list[dict[str, Any]]:
    from face1d_ros.synth.faces.model_arrays import UNKNOWN

    known = np.flatnonzero(model.landmarks_68 != UNKNOWN)
    distances = registration.landmarks_mm
    return [
        _row("surface, before points are put on it", registration.surface_mm),
        _row("own landmarks: eyes, nose, lips", distances[known >= OUTLINE]),
        _row("own landmarks: jaw, brows", distances[known < OUTLINE]),
        _row("mirror image of the partner", registration.symmetry_mm),
    ]


def _row(name: str, distances: Any) -> dict[str, Any]:
    if len(distances) == 0:
        return {"distance to": name, "points": 0, "mean": None, "95%": None, "max": None}
    figures = {"mean": distances.mean(), "95%": np.quantile(distances, 0.95), "max": distances.max()}
    return {"distance to": name, "points": len(distances), **{key: float(value) for key, value in figures.items()}}


def _draw(picture: Path, model: ModelArrays, registration: Registration) -> None:
    from face1d_ros.synth.faces.picture import write_picture
    from face1d_ros.synth.faces.registration_picture import registration_picture

    write_picture(picture, registration_picture(model, registration))
