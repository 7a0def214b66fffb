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


MAP_WINDOWS = 1
"""On which a network of features is compared with PyTorch: each is 100 MB."""


@click.command("identity")
@training_options("identity", "n_pair", corpora=False)
@click.option(
    "--clips",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the clips that are learned from, made where they are missing.  [default: OUTPUT/clips]",
)
@click.option(
    "--maps",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="For --model maps: an .npz of features of your own videos (docs/appearance.md).",
)
def command(
    model: str,
    recipe_file: Path | None,
    clips: Path | None,
    maps: Path | None,
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
    if (recipe.config.get("spatial") == "maps") != (maps is not None):
        raise click.UsageError("--maps and a recipe of `spatial: maps` go together: --model maps --maps FILE.npz")
    if maps is not None:
        _train_on_maps(recipe, path, folder, maps, threads)
        return
    both = clips_of(recipe.data, clips or folder / "clips", face_model)
    task = Motions(recipe, *both)
    train_to_bundle(task, recipe, path, folder, lambda figures: facts(recipe, path, both, task, figures), threads)


def _train_on_maps(recipe: Recipe, path: Path, folder: Path, maps: Path, threads: int) -> None:
    """From clips of the user's own."""
    from face1d_ros.train.identity_maps import MapMotions, load_map_clips

    clips = load_map_clips(maps)
    task = MapMotions(recipe, clips)
    task.operating_points(task.network)  # refused before the work, not after it

    def told(figures: Mapping[str, float]) -> dict[str, Any]:
        learned, judged = task.people
        return {
            "version": "1",
            "trained_on": "real",
            "data": f"{len(clips.subject)} clips of the user's own, {learned} people",
            "command": f"{command_of('identity', path)} --maps FILE.npz",
            "seed": recipe.seed,
            "figures": {name: round(value, 4) for name, value in figures.items()},
            "conditions": f"{judged} other people, whole clips, all pairs within a person",
            "not_measured": "whatever those clips do not show",
            "licence": "that of the clips",
            "settings": _settings(recipe, task.network.config.spatial, task.operating_points(task.network)),
        }

    train_to_bundle(task, recipe, path, folder, told, threads, windows=MAP_WINDOWS)


def _settings(recipe: Recipe, spatial: str, points: list[list[float]]) -> dict[str, Any]:
    from face1d_ros.geometry.motion_clip import FRAMES, RATE_HZ

    return {
        "recipe": recipe.to_json(),
        "spatial": spatial,
        "loss": recipe.loss,
        "trimming": recipe.trimming,
        "rate_hz": RATE_HZ,
        "frames": FRAMES,
        "operating_points": points,
    }


def facts(
    recipe: Recipe,
    path: Path,
    clips: tuple[IdentityClips, IdentityClips],
    task: Motions,
    figures: Mapping[str, float],
) -> dict[str, Any]:
    """What the bundle's manifest says of its making, and what the stage needs to know."""
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
        "settings": _settings(recipe, task.network.config.spatial, operating_points(task.network, clips[1])),
    }
