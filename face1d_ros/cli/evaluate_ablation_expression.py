"""`face1d evaluate ablation-expression`: what distances, angles and differences are worth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from face1d_ros.cli.options import FACE_MODEL, JSON
from face1d_ros.cli.tables import print_measurement
from face1d_ros.evaluate.measurement import Measurement, Row, conditions
from face1d_ros.geometry.expression_features import distance_count, feature_names

RECIPE = "expression_conv_lstm_landmarks"
FIGURES = ("apex_accuracy", "neutral_accuracy", "phase_f1")
ALL, DISTANCES, ANGLES, DIFFERENCES = "all", "without distances", "without angles", "without differences"
VARIANTS = (ALL, DISTANCES, ANGLES, DIFFERENCES)


@click.command("ablation-expression")
@click.option("--seeds", type=click.IntRange(1, 100), default=2, show_default=True, help="Trainings of each variant.")
@click.option("--steps", type=click.IntRange(1, 1_000_000), default=600, show_default=True, help="Of each training.")
@click.option(
    "--tracks",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the tracks that are learned from, as of `face1d train expression`.  [default: OUTPUT/tracks]",
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("runs/ablation_expression"),
    show_default=True,
    help="Folder of the trainings; one that was broken off is carried on.",
)
@JSON
@FACE_MODEL
def command(
    seeds: int, steps: int, tracks: Path | None, output: Path, path: str | None, face_model: Path | None
) -> None:
    """Train ConvLSTM1D over landmarks without distances, without angles, and without differences.

    Figures are of single frames of the validation data, other subjects than those learned from; mean over the seeds,
    and how far these scatter. About four minutes a training on one core. Needs PyTorch: requirements/train.txt.
    """
    rows = _rows(seeds, steps, tracks or output / "tracks", output, face_model)
    under = conditions(data="synthetic, validation", features=len(feature_names()), seeds=seeds, steps=steps)
    measurement = Measurement("evaluate ablation-expression", under, rows)
    print_measurement(measurement, "What features are worth")
    if path:
        measurement.write_json(path)
        click.echo(f"wrote {path}")


def _rows(seeds: int, steps: int, tracks: Path, output: Path, face_model: Path | None) -> list[Row]:
    from face1d_ros.cli.expression_tracks import tracks_of
    from face1d_ros.train.expression import Expressions
    from face1d_ros.train.loop import train
    from face1d_ros.train.recipe import FOLDER, load_recipe

    recipe = replace(load_recipe(FOLDER / f"{RECIPE}.yaml"), steps=steps, judge_every=steps)
    both = tracks_of(recipe.data, tracks, face_model)
    left_out = {
        DISTANCES: tuple(range(distance_count())),
        ANGLES: tuple(range(distance_count(), len(feature_names()))),
    }
    rows: list[Row] = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), speed_estimate_period=600.0) as progress:
        bar = progress.add_task("", total=len(VARIANTS) * seeds * steps)
        for variant in VARIANTS:
            found = []
            for seed in range(1, seeds + 1):
                progress.update(bar, description=f"{variant}, seed {seed}")
                config = {"differences": False} if variant == DIFFERENCES else {}
                variation = replace(recipe, seed=seed, config=config)
                task = Expressions(variation, *both, left_out.get(variant, ()))
                folder = output / f"{variant.replace(' ', '_')}_{seed}"
                folder.mkdir(parents=True, exist_ok=True)
                network = train(
                    task, replace(recipe, seed=seed, config=config), folder, lambda _: progress.advance(bar)
                )
                found.append(task.judge(network))
            rows.append(_row(variant, found))
    return rows


def _row(variant: str, found: list[dict[str, float]]) -> Row:
    row: dict[str, str | float | None] = {"variant": variant}
    for name in FIGURES:
        values = [one[name] for one in found]
        row[name] = float(np.mean(values))
        row[f"{name} ±"] = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return row
