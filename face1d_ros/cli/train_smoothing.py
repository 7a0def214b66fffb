"""`face1d train smoothing`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from face1d_ros.cli.train_run import chosen_recipe, command_of, corpora_of, train_to_bundle, training_options

if TYPE_CHECKING:
    from face1d_ros.synth.corpus.reader import Corpus
    from face1d_ros.train.recipe import Recipe


@click.command("smoothing")
@training_options("smoothing", "gru_478")
def command(
    model: str,
    recipe_file: Path | None,
    corpus: Path | None,
    output: Path | None,
    threads: int,
    face_model: Path | None,
) -> None:
    """Train a smoother on synthetic faces, and make its bundle.

    The same recipe and corpus give the same network. A run that was broken off, by Ctrl-C or a kill, is carried on by
    the same command. The end is OUTPUT/network.safetensors and a bundle beside it, which `face1d evaluate smoothing
    --models OUTPUT` measures and the parameter `model` of smoothing_node takes.
    """
    from face1d_ros.train.smoothing import Smoothing

    path, recipe = chosen_recipe("smoothing", model, recipe_file)
    folder = output or Path("runs") / path.stem
    corpora = corpora_of(recipe, corpus or folder / "corpus", face_model)
    task = Smoothing(recipe, *corpora)
    train_to_bundle(task, recipe, path, folder, lambda figures: facts(recipe, path, corpora, figures), threads)


def facts(recipe: Recipe, path: Path, corpora: tuple[Corpus, Corpus], figures: Mapping[str, float]) -> dict[str, Any]:
    """What the bundle's manifest says of its making."""
    training, validation = corpora
    plans = training.manifest["plans_sha256"][:16]
    return {
        "version": "1",
        "trained_on": "synthetic",
        "data": f"{len(training)} synthetic sequences, {training.manifest['frames']} frames, plans {plans}, face model "
        f"{training.manifest['face_model']['name']}",
        "command": command_of("smoothing", path),
        "seed": recipe.seed,
        "figures": {name: round(value, 4) for name, value in figures.items()},
        "conditions": f"{len(validation)} synthetic sequences of other subjects (validation); error and jitter are "
        "parts of those of the landmarks as they come",
        "not_measured": "error on real video: it has no exact truth; steadiness there is in docs/smoothing.md",
        "licence": "Apache-2.0",
        "settings": {"recipe": recipe.to_json()},
    }
