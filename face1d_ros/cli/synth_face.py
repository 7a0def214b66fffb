"""`face1d synth face`: a contact sheet of a 3D face model with MediaPipe's points on it."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress


@click.command("face")
@click.argument("picture", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--face-model",
    metavar="PATH",
    envvar="FACE1D_FACE_MODEL",
    show_envvar=True,
    help="ICT-FaceKit's folder or pack, or an .npz of FLAME or BFM (docs/face_models.md).",
)
@click.option("--people", type=click.IntRange(0, 60), default=4, show_default=True, help="Random faces to draw.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the random faces.")
def command(picture: Path, face_model: str | None, people: int, seed: int) -> None:
    """Draw a face model to PICTURE (.jpg or .png): at rest, some people, and some expressions."""
    from face1d_ros.synth.faces.model import load_face_model
    from face1d_ros.synth.faces.picture import write_picture
    from face1d_ros.synth.faces.sheet import count_tiles, model_sheet

    console = Console(stderr=True)
    with console.status("reading the face model"):
        model = load_face_model(face_model)
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("faces", total=count_tiles(model, people))
        sheet = model_sheet(model, seed, people, lambda: progress.advance(task))
    write_picture(picture, sheet)
    names = ", ".join(model.expression_names) or "components without names"
    click.echo(f"{model.name} ({model.sha256[:12]}): {len(model.mean_mm)} vertices, {len(model.triangles)} triangles")
    click.echo(f"{len(model.identity_mm)} identity coefficients; {len(model.expression_mm)} of expression: {names}")
    click.echo(f"wrote {picture}")
