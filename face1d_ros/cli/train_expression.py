"""`face1d train expression`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from face1d_ros.cli.expression_tracks import tracks_of
from face1d_ros.cli.train_run import chosen_recipe, command_of, train_to_bundle, training_options

if TYPE_CHECKING:
    from face1d_ros.train.expression import Expressions
    from face1d_ros.train.expression_tracks import ExpressionTracks
    from face1d_ros.train.recipe import Recipe


@click.command("expression")
@training_options("expression", "cnn_both", corpora=False)
@click.option(
    "--tracks",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the tracks that are learned from, made where they are missing.  [default: OUTPUT/tracks]",
)
def command(
    model: str,
    recipe_file: Path | None,
    tracks: Path | None,
    output: Path | None,
    threads: int,
    face_model: Path | None,
) -> None:
    """Train a network that reads expressions, and make its bundle.

    It learns from tracks: what synthetic faces look like over time behind the default smoothing stage and, for models
    that read a mesh, behind the shipped mesh network. Making them takes a while, with progress; all recipes
    with the same data share them by --tracks. Runs are carried on as those of `face1d train smoothing`.
    """
    from face1d_ros.train.expression import Expressions

    path, recipe = chosen_recipe("expression", model, recipe_file)
    folder = output or Path("runs") / path.stem
    both = tracks_of(recipe.data, tracks or folder / "tracks", face_model)
    task = Expressions(recipe, *both)
    train_to_bundle(task, recipe, path, folder, lambda figures: facts(recipe, path, both, task, figures), threads)


def facts(
    recipe: Recipe,
    path: Path,
    tracks: tuple[ExpressionTracks, ExpressionTracks],
    task: Expressions,
    figures: Mapping[str, float],
) -> dict[str, Any]:
    """What the bundle's manifest says of its making, and what the stage needs to know."""
    from face1d_ros.geometry.facial_actions import ACTION_NAMES
    from face1d_ros.synth.motion.types import LABELS
    from face1d_ros.train.expression_tracks import LANDMARKS, feature_names_of, mesh_bundle

    mesh = mesh_bundle().manifest
    read = {"mesh": mesh.name, "mesh_sha256": mesh.sha256} if recipe.input != LANDMARKS else {}
    return {
        "version": "1",
        "trained_on": "synthetic",
        "data": f"{recipe.data.sequences} synthetic sequences of {recipe.data.seconds:g} s, seed {recipe.data.seed}, "
        f"{len(tracks[0])} frames",
        "command": command_of("expression", path),
        "seed": recipe.seed,
        "figures": {name: round(value, 4) for name, value in figures.items()},
        "conditions": f"{recipe.data.validation_sequences} synthetic sequences of other subjects (validation), two of "
        "three behind the default smoother; single frames, nothing filtered",
        "not_measured": "expressions of real people, but for one video of a smile",
        "licence": "Apache-2.0",
        "settings": {
            "recipe": recipe.to_json(),
            "input": recipe.input,
            **read,
            "features": list(feature_names_of(recipe.input)),
            "spread": [round(float(value), 6) for value in task.spread],
            "labels": list(LABELS),
            "actions": list(ACTION_NAMES),
        },
    }
