"""`face1d train mesh`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from face1d_ros.cli.train_run import chosen_recipe, command_of, corpora_of, train_to_bundle, training_options

if TYPE_CHECKING:
    from face1d_ros.train.loop import Task

LSTM = "coefficient_lstm"


@click.command("mesh")
@training_options("mesh", "curve_cnn_478")
@click.option(
    "--frame",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Checkpoint of the trained curve_cnn that an LSTM stands behind; coefficient_lstm needs it.",
)
def command(
    model: str,
    recipe_file: Path | None,
    corpus: Path | None,
    frame: Path | None,
    output: Path | None,
    threads: int,
    face_model: Path | None,
) -> None:
    """Train a network that reads a 3D face model's coefficients from landmarks, and make its bundle.

    The default of the mesh node is curve_cnn_478. An LSTM, coefficient_lstm_478, stands behind it: name its
    network.safetensors by --frame. Runs are carried on as those of `face1d train smoothing`.
    """
    from face1d_ros.synth.faces.model import load_face_model
    from face1d_ros.synth.faces.point_model import point_model
    from face1d_ros.train.mesh import MeshFrames
    from face1d_ros.train.mesh_facts import mesh_facts
    from face1d_ros.train.mesh_tracks import JUDGED_SEQUENCES, MeshTracks

    path, recipe = chosen_recipe("mesh", model, recipe_file)
    if (recipe.family == LSTM) != (frame is not None):
        raise click.BadParameter(f"{LSTM} needs it, and no other network", param_hint="--frame")
    folder = output or Path("runs") / path.stem
    face = load_face_model(face_model)
    points = point_model(face, recipe.landmarks)
    corpora = corpora_of(recipe, corpus or folder / "corpus", face_model)
    judged = len(corpora[1])
    task: Task
    if frame is None:
        task = MeshFrames.from_corpora(recipe, *corpora, points, face)
    else:
        judged = min(judged, JUDGED_SEQUENCES)
        task = MeshTracks.from_corpora(recipe, frame, *corpora, points, face)
    made_by = command_of("mesh", path) + (" --frame network.safetensors" if frame is not None else "")
    train_to_bundle(
        task,
        recipe,
        path,
        folder,
        lambda figures: mesh_facts(recipe, made_by, corpora[0], judged, points, figures),
        threads,
    )
