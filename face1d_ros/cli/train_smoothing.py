"""`face1d train smoothing`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from face1d_ros.cli.options import CORPORA, FACE_MODEL

if TYPE_CHECKING:
    from face1d_ros.synth.corpus.reader import Corpus
    from face1d_ros.train.recipe import Recipe


@click.command("smoothing")
@click.option("--model", default="gru", show_default=True, help="A recipe that ships; --list names them.")
@click.option("--list", "only_list", is_flag=True, help="List the recipes that ship, and end.")
@click.option(
    "--recipe",
    "recipe_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A recipe of your own in place of --model.",
)
@CORPORA
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the run; one that was begun is carried on.  [default: runs/MODEL]",
)
@click.option("--threads", type=click.IntRange(1, 64), default=2, show_default=True, help="Of PyTorch.")
@FACE_MODEL
def command(
    model: str,
    only_list: bool,
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
    from face1d_ros.train.recipe import FOLDER, load_recipe, recipe_names

    names = recipe_names("smoothing")
    if only_list:
        for name in names:
            recipe = load_recipe(FOLDER / f"smoothing_{name}.yaml")
            click.echo(f"{name:24} {recipe.family}, {recipe.landmarks} landmarks, {recipe.steps} steps")
        return
    if recipe_file is None and model not in names:
        raise click.BadParameter(f"'{model}'; expected one of {', '.join(names)}", param_hint="--model")
    path = recipe_file or FOLDER / f"smoothing_{model}.yaml"
    recipe = load_recipe(path)
    folder = output or Path("runs") / path.stem
    _run(recipe, path, folder, corpora_of(recipe, corpus or folder / "corpus", face_model), threads)


def corpora_of(recipe: Recipe, folder: Path, face_model: Path | None) -> tuple[Corpus, Corpus]:
    """Those that are there, or those that the recipe says, made."""
    from face1d_ros.cli.synth_make import make
    from face1d_ros.synth.corpus.plans import CorpusPlan
    from face1d_ros.synth.corpus.reader import MANIFEST, Corpus, read_manifest
    from face1d_ros.synth.corpus.writer import CorpusJob
    from face1d_ros.synth.faces.model import load_face_model
    from face1d_ros.synth.faces.point_model import point_model
    from face1d_ros.synth.noise.observe import load_noise_model
    from face1d_ros.train.plans import Eventful

    data, found = recipe.data, []
    for split, count in (("train", data.sequences), ("validation", data.validation_sequences)):
        place = folder / split
        if not (place / MANIFEST).exists() or not read_manifest(place).get("complete"):
            points = point_model(load_face_model(face_model), recipe.landmarks)
            plans = CorpusPlan(split, data.seed, count, data.seconds, per_subject=data.per_subject)
            make(CorpusJob(Eventful(plans), points, load_noise_model()), place, workers=2)
        found.append(Corpus(place))
    return found[0], found[1]


def _run(recipe: Recipe, path: Path, folder: Path, corpora: tuple[Corpus, Corpus], threads: int) -> None:
    from face1d_ros.cli.train_screen import screen
    from face1d_ros.train.checkpoint import save_checkpoint
    from face1d_ros.train.export import export
    from face1d_ros.train.loop import train
    from face1d_ros.train.smoothing import Smoothing

    folder.mkdir(parents=True, exist_ok=True)
    task = Smoothing(recipe, *corpora)
    click.echo(
        f"{path.name}: {recipe.family} of {task.network.parameter_count():,} parameters, {recipe.steps} steps of "
        f"{recipe.rows} × {recipe.frames} frames, into {folder}"
    )
    try:
        with screen(recipe) as tell:
            network = train(task, recipe, folder, tell, threads)
    except KeyboardInterrupt:
        click.echo(f"stopped; the same command carries on with {folder}", err=True)
        raise
    figures = task.judge(network)
    checkpoint = folder / "network.safetensors"
    save_checkpoint(checkpoint, network, facts(recipe, path, corpora, figures))
    bundle, difference = export(network, folder / path.stem, facts(recipe, path, corpora, figures))
    click.echo(f"wrote {checkpoint}")
    click.echo(f"wrote {bundle.path}: {bundle.size_bytes / 1e6:.2f} MB, {difference:.1g} from PyTorch at most")
    click.echo(", ".join(f"{name} {value:.3f}" for name, value in figures.items()) + " on the validation data")


def facts(recipe: Recipe, path: Path, corpora: tuple[Corpus, Corpus], figures: dict[str, float]) -> dict[str, Any]:
    """What the bundle's manifest says of its making."""
    training, validation = corpora
    plans = training.manifest["plans_sha256"][:16]
    return {
        "version": "1",
        "trained_on": "synthetic",
        "data": f"{len(training)} synthetic sequences, {training.manifest['frames']} frames, plans {plans}, face model "
        f"{training.manifest['face_model']['name']}",
        "command": f"face1d train smoothing --model {path.stem.removeprefix('smoothing_')}",
        "seed": recipe.seed,
        "figures": {name: round(value, 4) for name, value in figures.items()},
        "conditions": f"{len(validation)} synthetic sequences of other subjects (validation); error and jitter are "
        "parts of those of the landmarks as they come",
        "not_measured": "error on real video: it has no exact truth; steadiness there is in docs/smoothing.md",
        "licence": "Apache-2.0",
        "settings": {"recipe": recipe.to_json()},
    }
