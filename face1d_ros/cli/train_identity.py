"""`face1d train identity`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from face1d_ros.cli.identity_clips import clips_of
from face1d_ros.cli.train_run import chosen_recipe, command_of, train_to_bundle, training_options

if TYPE_CHECKING:
    from face1d_ros.train.identity import Motions
    from face1d_ros.train.identity_clips import IdentityClips
    from face1d_ros.train.recipe import Recipe


@click.command("identity")
@training_options("identity", "n_pair", corpora=False)
@click.option(
    "--clips",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the clips that are learned from, made where they are missing.  [default: OUTPUT/clips]",
)
def command(
    model: str,
    recipe_file: Path | None,
    clips: Path | None,
    output: Path | None,
    threads: int,
    face_model: Path | None,
) -> None:
    """Train a network that turns a facial motion into a vector, and make its bundle.

    It learns from clips: motions that synthetic people choose and repeat, behind the default smoothing stage. Making
    them takes a while, with progress; all recipes with the same data share them by --clips. Runs are carried on as
    those of `face1d train smoothing`.
    """
    from face1d_ros.train.identity import Motions

    path, recipe = chosen_recipe("identity", model, recipe_file)
    folder = output or Path("runs") / path.stem
    both = clips_of(recipe.data, clips or folder / "clips", face_model)
    task = Motions(recipe, *both)
    train_to_bundle(task, recipe, path, folder, lambda figures: facts(recipe, path, both, task, figures), threads)


def facts(
    recipe: Recipe,
    path: Path,
    clips: tuple[IdentityClips, IdentityClips],
    task: Motions,
    figures: Mapping[str, float],
) -> dict[str, Any]:
    """What the bundle's manifest says of its making, and what the stage needs to know."""
    from face1d_ros.geometry.motion_clip import FRAMES, RATE_HZ
    from face1d_ros.train.identity import operating_points

    subjects = [len(set(part.subject.tolist())) for part in clips]
    return {
        "version": "1",
        "trained_on": "synthetic",
        "data": f"{len(clips[0])} clips of motions that {subjects[0]} synthetic people chose, seed {recipe.data.seed}",
        "command": command_of("identity", path),
        "seed": recipe.seed,
        "figures": {name: round(value, 4) for name, value in figures.items()},
        "conditions": f"{len(clips[1])} clips of {subjects[1]} other synthetic people (validation), two of three "
        "behind the default smoother; whole clips, all pairs within a person",
        "not_measured": "motions of real people",
        "licence": "Apache-2.0",
        "settings": {
            "recipe": recipe.to_json(),
            "spatial": task.network.config.spatial,
            "loss": recipe.loss,
            "trimming": recipe.trimming,
            "rate_hz": RATE_HZ,
            "frames": FRAMES,
            "operating_points": operating_points(task.network, clips[1]),
        },
    }
