"""What `face1d train` does for every task: options, the recipe, the corpora, and from a training to its bundle."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from face1d_ros.cli.options import CORPORA, FACE_MODEL

if TYPE_CHECKING:
    from face1d_ros.synth.corpus.reader import Corpus
    from face1d_ros.train.loop import Task
    from face1d_ros.train.recipe import Recipe

Function = TypeVar("Function", bound=Callable[..., Any])
CHECKPOINT = "network.safetensors"


def training_options(
    task: str, default: str, *, corpora: bool = True, face_model: bool = True
) -> Callable[[Function], Function]:
    """Those of every task: model, recipe, output, threads, and --list, which ends the command; and the corpora and the
    face model that most learn from.
    """

    def list_recipes(context: click.Context, _: click.Parameter, wanted: bool) -> None:
        if not wanted or context.resilient_parsing:
            return
        from face1d_ros.train.recipe import FOLDER, load_recipe, recipe_names

        for name in recipe_names(task):
            recipe = load_recipe(FOLDER / f"{task}_{name}.yaml")
            click.echo(f"{name:24} {recipe.family}, {recipe.landmarks} landmarks, {recipe.steps} steps")
        context.exit()

    options = (
        click.option("--model", default=default, show_default=True, help="A recipe that ships; --list names them."),
        click.option(
            "--list",
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=list_recipes,
            help="List the recipes that ship, and end.",
        ),
        click.option(
            "--recipe",
            "recipe_file",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="A recipe of your own in place of --model.",
        ),
        *((CORPORA,) if corpora else ()),
        click.option(
            "--output",
            type=click.Path(file_okay=False, path_type=Path),
            help=f"Folder of the run; one that was begun is carried on.  [default: runs/{task}_MODEL]",
        ),
        click.option("--threads", type=click.IntRange(1, 64), default=2, show_default=True, help="Of PyTorch."),
        *((FACE_MODEL,) if face_model else ()),
    )

    def add(function: Function) -> Function:
        for option in reversed(options):
            function = option(function)
        return function

    return add


def chosen_recipe(task: str, model: str, recipe_file: Path | None) -> tuple[Path, Recipe]:
    """Where the recipe is that was asked for, and what it says."""
    from face1d_ros.engines.manifest import NAME
    from face1d_ros.train.recipe import FOLDER, load_recipe, recipe_names

    names = recipe_names(task)
    if recipe_file is None and model not in names:
        raise click.BadParameter(f"'{model}'; expected one of {', '.join(names)}", param_hint="--model")
    path = recipe_file or FOLDER / f"{task}_{model}.yaml"
    recipe = load_recipe(path)
    if not NAME.fullmatch(path.stem):
        raise click.BadParameter(f"'{path.stem}' names the bundle: only a-z, 0-9 and _", param_hint="--recipe")
    if recipe.task != task:
        raise click.BadParameter(f"a recipe for '{recipe.task}', not for '{task}'", param_hint="--recipe")
    return path, recipe


def command_of(task: str, path: Path) -> str:
    """What makes the same network again."""
    from face1d_ros.train.recipe import FOLDER

    chosen = f"--model {path.stem.removeprefix(f'{task}_')}" if path.parent == FOLDER else f"--recipe {path.name}"
    return f"face1d train {task} {chosen}"


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


def train_to_bundle(
    task: Task,
    recipe: Recipe,
    path: Path,
    folder: Path,
    facts: Callable[[Mapping[str, float]], Mapping[str, Any]],
    threads: int,
    windows: int = 1000,
) -> None:
    """Train; write the checkpoint, and a bundle named as the recipe. `facts`: of the figures, for its manifest.

    `windows`: on how many the bundle is compared with PyTorch.
    """
    from face1d_ros.cli.train_screen import screen
    from face1d_ros.train.checkpoint import save_checkpoint
    from face1d_ros.train.export import export
    from face1d_ros.train.loop import train

    folder.mkdir(parents=True, exist_ok=True)
    click.echo(
        f"{path.name}: {recipe.family} of {task.network.parameter_count():,} parameters, {recipe.steps} steps, "
        f"into {folder}"
    )
    try:
        with screen(recipe) as tell:
            network = train(task, recipe, folder, tell, threads)
    except KeyboardInterrupt:
        click.echo(f"stopped; the same command carries on with {folder}", err=True)
        raise
    figures = task.judge(network)
    said = facts(figures)
    save_checkpoint(folder / CHECKPOINT, network, said)
    bundle, difference = export(network, folder / path.stem, said, windows=windows)
    click.echo(f"wrote {folder / CHECKPOINT}")
    click.echo(f"wrote {bundle.path}: {bundle.size_bytes / 1e6:.2f} MB, {difference:.1g} from PyTorch at most")
    click.echo(", ".join(f"{name} {value:.3f}" for name, value in figures.items()) + " on the validation data")
