"""`face1d evaluate ablation-1dformer`: what each part of 1DFormer is worth, beside the paper's table."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from face1d_ros.cli.options import CORPORA, FACE_MODEL
from face1d_ros.cli.tables import print_measurement
from face1d_ros.evaluate.measurement import Measurement, Row, conditions

if TYPE_CHECKING:
    from face1d_ros.train.ablation import Run
    from face1d_ros.train.recipe import Recipe

MODEL = "one_d_former_68"
ROWS, FRAMES = 16, 8
"""Of each step: fewer than the recipe has, as there are many trainings."""
Figures = dict[str, list[dict[str, float]]]


@click.command("ablation-1dformer")
@click.option("--seeds", type=click.IntRange(1, 100), default=3, show_default=True, help="Trainings of each variant.")
@click.option("--steps", type=click.IntRange(1, 1_000_000), default=150, show_default=True, help="Of each training.")
@click.option("--windows", is_flag=True, help="Figure 7 in place of Table 1: windows of 2 to 16 frames.")
@CORPORA
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("runs/ablation_1dformer"),
    show_default=True,
    help="Folder of the trainings; those that are there are not made again.",
)
@click.option("--json", "path", type=click.Path(dir_okay=False), help="Write the measurement to this file.")
@FACE_MODEL
def command(
    seeds: int, steps: int, windows: bool, corpus: Path | None, output: Path, path: str | None, face_model: Path | None
) -> None:
    """Train 1DFormer with its parts left out by turns, and print our table beside the paper's.

    68 landmarks; figures are of the small test set that ships, of its blocks smoothing, occlusion and dropout: NRMSE
    and stability in percent, mean over the seeds and their standard deviation. About half an hour for Table 1 with
    three seeds on one core; Ctrl-C loses little, the same command carries on. Needs PyTorch: requirements/train.txt.
    """
    from face1d_ros.train.ablation import judged, table_runs, window_runs
    from face1d_ros.train.recipe import FOLDER, load_recipe

    recipe = _shortened(load_recipe(FOLDER / f"smoothing_{MODEL}.yaml"), steps)
    runs = window_runs(seeds) if windows else table_runs(seeds)
    test = _test_sequences()
    figures = _trained(runs, recipe, corpus or output / "corpus", output, test, face_model)
    rows = _rows(figures, {"landmarks as they come": [judged(None, test)]})
    measurement = Measurement(
        "evaluate ablation-1dformer",
        conditions(data="small test set, 68 landmarks", sequences=len(test), seeds=seeds, steps=steps),
        rows,
    )
    print_measurement(measurement, "windows (Figure 7)" if windows else "parts (Table 1)")
    if not windows:
        _say_where_the_order_differs(figures)
    if path:
        measurement.write_json(path)
        click.echo(f"wrote {path}")


def _shortened(recipe: Recipe, steps: int) -> Recipe:
    from dataclasses import replace

    return replace(recipe, steps=steps, judge_every=steps, rows=ROWS, frames=FRAMES)


def _test_sequences() -> list[Any]:
    from face1d_ros.synth.corpus.fixed_sets import load_small_test_set
    from face1d_ros.train.ablation import BLOCKS

    return [sequence for sequence in load_small_test_set() if sequence.name.split("/")[0] in BLOCKS]


def _trained(
    runs: list[Run], recipe: Recipe, corpus: Path, output: Path, test: list[Any], face_model: Path | None
) -> Figures:
    from face1d_ros.cli.train_run import corpora_of
    from face1d_ros.train.ablation import figures_of

    corpora = corpora_of(recipe, corpus, face_model)
    found: Figures = {}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), speed_estimate_period=600.0) as progress:
        task = progress.add_task("", total=len(runs) * recipe.steps)
        for number, run in enumerate(runs):
            progress.update(task, description=f"{run.name}, seed {run.seed}", completed=number * recipe.steps)
            figures = figures_of(run, recipe, corpora, test, output, lambda step: progress.advance(task))
            found.setdefault(run.name, []).append(figures)
    return found


def _rows(figures: Figures, raw: Figures) -> list[Row]:
    from face1d_ros.train.ablation import VARIANTS

    paper = {variant.name: variant for variant in VARIANTS}
    rows: list[Row] = []
    for name, runs in (raw | figures).items():
        row: dict[str, str | float | None] = {"variant": name}
        for figure in ("nrmse", "stability"):
            values = [run[figure] for run in runs]
            row[f"{figure}_percent"] = float(np.mean(values))
            row[f"{figure}_spread"] = float(np.std(values, ddof=1)) if len(values) > 1 else None
        if name in paper:
            row["paper_nrmse_percent"] = float(np.mean(paper[name].nrmse))
            row["paper_stability_percent"] = float(np.mean(paper[name].stability))
        rows.append(row)
    return rows


def _say_where_the_order_differs(figures: Figures) -> None:
    """Pairs that the paper orders the other way, where the difference is more than what seeds make."""
    from face1d_ros.train.ablation import VARIANTS

    found = []
    for figure in ("nrmse", "stability"):
        for one, other in itertools.combinations(VARIANTS, 2):
            if one.name not in figures or other.name not in figures:
                continue
            paper = np.mean(getattr(one, figure)) - np.mean(getattr(other, figure))
            left, right = ([run[figure] for run in figures[variant.name]] for variant in (one, other))
            ours = np.mean(left) - np.mean(right)
            noise = np.hypot(np.std(left), np.std(right))
            if paper * ours < 0.0 and abs(ours) > 2.0 * noise:
                better, worse = (one.name, other.name) if ours < 0.0 else (other.name, one.name)
                found.append(
                    f"{figure}: {better} is better than {worse} by {abs(ours):.3f}; the paper has it the other way"
                )
    click.echo("\n".join(found) if found else "nowhere is the order other than the paper's by more than seeds explain")
