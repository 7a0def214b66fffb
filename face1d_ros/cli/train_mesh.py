"""`face1d train mesh`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from face1d_ros.cli.options import FACE_MODEL

if TYPE_CHECKING:
    from face1d_ros.train.loop import Task
    from face1d_ros.train.recipe import Recipe

LSTM = "coefficient_lstm"
CHECKPOINT = "network.safetensors"


@click.command("mesh")
@click.option("--model", default="curve_cnn_478", show_default=True, help="A recipe that ships; --list names them.")
@click.option("--list", "only_list", is_flag=True, help="List the recipes that ship, and end.")
@click.option(
    "--corpus",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder with the corpora `train` and `validation`.  [default: OUTPUT/corpus, made where it is missing]",
)
@click.option(
    "--frame",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Checkpoint of the trained curve_cnn that an LSTM stands behind; coefficient_lstm needs it.",
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the run; one that was begun is carried on.  [default: runs/mesh_MODEL]",
)
@click.option("--threads", type=click.IntRange(1, 64), default=2, show_default=True, help="Of PyTorch.")
@FACE_MODEL
def command(
    model: str,
    only_list: bool,
    corpus: Path | None,
    frame: Path | None,
    output: Path | None,
    threads: int,
    face_model: Path | None,
) -> None:
    """Train a network that reads a 3D face model's coefficients from landmarks, and make its bundle.

    The default of the mesh node is coefficient_lstm_478: train curve_cnn_478 first, and name its network.safetensors
    by --frame.
    """
    from face1d_ros.train.recipe import FOLDER, load_recipe, recipe_names

    names = recipe_names("mesh")
    if only_list:
        for name in names:
            recipe = load_recipe(FOLDER / f"mesh_{name}.yaml")
            click.echo(f"{name:24} {recipe.family}, {recipe.landmarks} landmarks, {recipe.steps} steps")
        return
    if model not in names:
        raise click.BadParameter(f"'{model}'; expected one of {', '.join(names)}", param_hint="--model")
    path = FOLDER / f"mesh_{model}.yaml"
    recipe = load_recipe(path)
    if (recipe.family == LSTM) != (frame is not None):
        raise click.BadParameter(f"{LSTM} needs it, and no other network", param_hint="--frame")
    folder = output or Path("runs") / path.stem
    _run(recipe, path, folder, corpus or folder / "corpus", frame, face_model, threads)


def _run(
    recipe: Recipe, path: Path, folder: Path, corpus: Path, frame: Path | None, face_model: Path | None, threads: int
) -> None:
    from face1d_ros.cli.train_screen import screen
    from face1d_ros.cli.train_smoothing import corpora_of
    from face1d_ros.synth.faces.model import load_face_model
    from face1d_ros.synth.faces.point_model import point_model
    from face1d_ros.train.checkpoint import save_checkpoint
    from face1d_ros.train.export import export
    from face1d_ros.train.loop import train
    from face1d_ros.train.mesh import MeshFrames
    from face1d_ros.train.mesh_facts import mesh_facts
    from face1d_ros.train.mesh_tracks import MeshTracks

    folder.mkdir(parents=True, exist_ok=True)
    model = load_face_model(face_model)
    points, corpora = point_model(model, recipe.landmarks), corpora_of(recipe, corpus, face_model)
    task: Task
    if frame is None:
        task = MeshFrames.from_corpora(recipe, *corpora, points, model)
    else:
        task = MeshTracks.from_corpora(recipe, frame, *corpora, points, model)
    click.echo(f"{path.name}: {recipe.family} of {task.network.parameter_count():,} parameters, {recipe.steps} steps")
    try:
        with screen(recipe) as tell:
            network = train(task, recipe, folder, tell, threads)
    except KeyboardInterrupt:
        click.echo(f"stopped; the same command carries on with {folder}", err=True)
        raise
    figures = task.judge(network)
    facts = mesh_facts(recipe, path, corpora, points, figures)
    save_checkpoint(folder / CHECKPOINT, network, facts)
    bundle, difference = export(network, folder / path.stem, facts)
    click.echo(f"wrote {bundle.path}: {bundle.size_bytes / 1e6:.2f} MB, {difference:.1g} from PyTorch at most")
    click.echo(", ".join(f"{name} {value:.3f}" for name, value in figures.items()) + " on the validation data")
