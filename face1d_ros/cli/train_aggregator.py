"""`face1d train aggregator`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from face1d_ros.cli.train_run import chosen_recipe, command_of, train_to_bundle, training_options
from face1d_ros.engines.manifest import TRAINED_ON

if TYPE_CHECKING:
    from face1d_ros.train.aggregator import Aggregates
    from face1d_ros.train.embedding_sequences import EmbeddingSequences
    from face1d_ros.train.recipe import Recipe


@click.command("aggregator")
@training_options("aggregator", "lstm", corpora=False, face_model=False)
@click.option(
    "--embeddings",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="An .npz of your own: embeddings, first, subject, model (docs/appearance.md).",
)
@click.option(
    "--trained-on", type=click.Choice(TRAINED_ON[:3]), default="real", show_default=True, help="What these show."
)
def command(
    model: str, recipe_file: Path | None, output: Path | None, threads: int, embeddings: Path, trained_on: str
) -> None:
    """Train a network that joins the embeddings of a face over time, and make its bundle.

    It learns which views of a face to trust, from sequences of embeddings that you bring, and is judged on every fourth
    person, who is never trained on, beside the running mean of the same sequences. Nothing is sent or kept elsewhere.
    """
    from face1d_ros.train.aggregator import Aggregates
    from face1d_ros.train.embedding_sequences import load_sequences, split

    path, recipe = chosen_recipe("aggregator", model, recipe_file)
    sequences = load_sequences(embeddings)
    parts = split(sequences)
    task = Aggregates(recipe, *parts)
    task.operating_points(task.network)  # refused before the work, not after it
    digest = hashlib.sha256(embeddings.read_bytes()).hexdigest()
    folder = output or Path("runs") / path.stem
    found: dict[str, float] = {}

    def told(figures: Mapping[str, float]) -> dict[str, Any]:
        found.update(figures)
        return facts(recipe, path, parts, task, figures, digest) | {"trained_on": trained_on}

    train_to_bundle(task, recipe, path, folder, told, threads)
    if not found["eer"] < found["mean_eer"]:
        click.secho(
            "not better than the running mean on the people held out: leave appearance_aggregator at 'mean'",
            fg="yellow",
        )


def facts(
    recipe: Recipe,
    path: Path,
    parts: tuple[EmbeddingSequences, EmbeddingSequences],
    task: Aggregates,
    figures: Mapping[str, float],
    digest: str,
) -> dict[str, Any]:
    """What the bundle's manifest says of its making, and what the stage needs to know."""
    people = [len(set(part.subject.tolist())) for part in parts]
    return {
        "version": "1",
        "data": f"{len(parts[0])} sequences of embeddings of {people[0]} people, file of SHA-256 {digest[:16]}",
        "command": f"{command_of('aggregator', path)} --embeddings FILE.npz",
        "seed": recipe.seed,
        "figures": {name: round(value, 4) for name, value in figures.items()},
        "conditions": f"{len(parts[1])} sequences of {people[1]} other people, all pairs; mean_ is the running mean",
        "not_measured": "whatever those sequences do not show",
        "licence": "that of the embeddings",
        "settings": {
            "recipe": recipe.to_json(),
            "embeddings_of": parts[0].model,
            "operating_points": task.operating_points(task.network),
        },
    }
