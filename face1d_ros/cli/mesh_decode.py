"""`face1d mesh decode`: coefficients to vertices, with the user's own copy of the face model."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
from rich.console import Console

OUT = click.Path(dir_okay=False, path_type=Path)
PICTURE_HEIGHT_PX = 640
PICTURE_YAW_RAD = (0.0, 0.6)


@click.command("decode")
@click.argument("coefficients", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--face-model",
    metavar="PATH",
    envvar="FACE1D_FACE_MODEL",
    show_envvar=True,
    help="ICT-FaceKit's folder or pack (docs/face_models.md).",
)
@click.option("--track", type=click.IntRange(min=0), help="Face of a bag; otherwise the one that was seen most.")
@click.option("--topic", default="", help="Topic of a bag that has several of face1d/mesh.")
@click.option("--frame", type=int, default=-1, show_default=True, help="Of --obj and --picture; -1 is the last.")
@click.option("--obj", type=OUT, help="Write one frame as OBJ.")
@click.option("--gltf", type=OUT, help="Write the motion as glTF (.glb): a morph target for each coefficient.")
@click.option("--picture", type=OUT, help="Draw one frame, from the front and from the side (.png or .jpg).")
@click.option("--npz", type=OUT, help="Write the vertices of all frames (T, V, 3), mm, and the triangles.")
def command(
    coefficients: Path,
    face_model: str | None,
    track: int | None,
    topic: str,
    frame: int,
    obj: Path | None,
    gltf: Path | None,
    picture: Path | None,
    npz: Path | None,
) -> None:
    """Decode COEFFICIENTS, a bag with face1d/mesh, a JSON or an NPZ file."""
    from face1d_ros.decode import decode, read_coefficients
    from face1d_ros.decode.files import write_glb, write_npz, write_obj
    from face1d_ros.decode.vertices import is_exact
    from face1d_ros.errors import CoefficientsError
    from face1d_ros.synth.faces.model import load_face_model

    if coefficients.suffix in (".json", ".npz") and (track is not None or topic):
        raise click.UsageError("--track and --topic are for bags")
    read = read_coefficients(coefficients, track, topic)
    frames = len(read.stamps_s)
    if not -frames <= frame < frames:
        raise CoefficientsError("--frame", str(frame), f"{-frames} to {frames - 1}")
    with Console(stderr=True).status("reading the face model"):
        model = load_face_model(face_model)
    vertices = decode(read.frame(frame), model)[0]
    if not is_exact(read, model):
        click.echo(
            f"The coefficients were made with another copy of {model.name} ({read.basis_sha256[:12]}) than this one "
            f"({model.sha256[:12]}): a pack is stored less exactly than the folder, by some micrometres.",
            err=True,
        )
    if obj is not None:
        write_obj(obj, vertices, model.triangles)
    if gltf is not None:
        write_glb(gltf, read, model)
    if picture is not None:
        _draw(picture, vertices, model.triangles)
    if npz is not None:
        write_npz(npz, read, model)
    written = [str(path) for path in (obj, gltf, picture, npz) if path is not None]
    click.echo(f"{frames} frames over {read.stamps_s[-1]:.2f} s, {len(vertices)} vertices of {model.name}")
    click.echo(f"wrote {', '.join(written)}" if written else "wrote nothing: name --obj, --gltf, --picture or --npz")


def _draw(path: Path, vertices: np.ndarray, triangles: np.ndarray) -> None:
    from face1d_ros.synth.faces.picture import shaded, view_of, write_picture

    views = [view_of(vertices, yaw_rad, PICTURE_HEIGHT_PX) for yaw_rad in PICTURE_YAW_RAD]
    write_picture(path, np.concatenate([shaded(vertices, triangles, view) for view in views], axis=1))
