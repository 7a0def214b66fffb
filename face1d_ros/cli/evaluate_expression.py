"""`face1d evaluate expression`: labels, phases and their beginnings, on synthetic and real faces."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from face1d_ros.cli import expression_run
from face1d_ros.cli.expression_dataset_run import CACHE_HELP, run_datasets
from face1d_ros.cli.expression_run import Run, Settings
from face1d_ros.cli.group_tables import print_groups
from face1d_ros.cli.options import GROUPS, JSON
from face1d_ros.cli.smoothing_run import SMALL
from face1d_ros.cli.tables import chosen_table, print_measurement, rows_table, wide_console
from face1d_ros.detect.quiet_start import quiet_start
from face1d_ros.evaluate.measurement import Measurement

READING = {
    "model": "model",
    "reads": "reads",
    "accuracy": "accuracy",
    "macro_f1": "macro F1",
    "phase_f1": "phases F1",
    "phase_f1_afterwards": "told afterwards",
    "onset_ms": "onset ms",
    "apex_ms": "apex ms",
    "onsets_found": "onsets found",
    "false_per_min": "false a minute",
    "false_per_min_free": "free motion",
}
COST = {
    "model": "model",
    "p50_ms": "p50 ms",
    "p95_ms": "p95 ms",
    "mac_m": "M MAC",
    "parameters": "weights",
    "size_mb": "MB",
}
"""What the tables show of a row, under which heading; the JSON has all."""
STEPS = 300
"""Of a training for one fold."""


@click.command("expression")
@click.argument("what", default=SMALL)
@click.option("--models", multiple=True, metavar="NAME", help="An expression bundle; again for more. [all shipped]")
@click.option(
    "--clips",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of videos with a face, for the real detector.",
)
@click.option("--pictures", type=click.Path(file_okay=False, path_type=Path), help="Draw pictures into this folder.")
@JSON
@GROUPS
@click.option("--quick", is_flag=True, help="A part of the sequences and frames: to see that it works.")
@click.option("--dataset", "datasets", multiple=True, metavar="NAME", help="A real dataset; again for more, together.")
@click.option(
    "--root", "roots", multiple=True, type=click.Path(path_type=Path), help="Its folder; one for each --dataset."
)
@click.option("--input", "given", type=click.Choice(["landmarks", "mesh"]), help="Of --dataset.  [default: landmarks]")
@click.option("--cache", type=click.Path(file_okay=False, path_type=Path), help=f"Of --dataset. {CACHE_HELP}")
@click.option("--steps", type=click.IntRange(1, 100_000), help="Of --dataset: of each training.  [default: 300]")
@click.option("--partial", is_flag=True, help="Of --dataset: take what is there of an incomplete one.")
def command(
    what: str,
    models: tuple[str, ...],
    clips: Path | None,
    pictures: Path | None,
    path: str | None,
    groups: Path | None,
    quick: bool,
    datasets: tuple[str, ...],
    roots: tuple[Path, ...],
    given: str | None,
    cache: Path | None,
    steps: int | None,
    partial: bool,
) -> None:
    """Measure how well expressions are read, and by which model.

    WHAT is `small`, the test set that ships with the package, or the folder of a corpus that `face1d synth make FOLDER
    --test-set synthetic-test-v1` wrote (its part `general`). Every model runs in the expression stage, behind the
    default smoothing and mesh stages.

    \b
    accuracy          unfiltered label in the middle of each apex, and of each rest of half a second or more
    phases F1         macro F1 over all frames: as said in the frame itself, and as the events tell afterwards
    onset, apex       median error of when events say that these began, at 30 Hz
    false a minute    decided expressions in speech and head motion, which show none; free motion: in chosen gestures
    portrait          frames by which motions of the animated portrait, behind the real detector, are told too late

    With --dataset (ck+, oulu-casia, mmi) the protocol of the published method runs instead: ten folds without a person
    in two, a network trained for each, and accuracy at the apex beside what was published. docs/expression.md has more.
    """  # noqa: D301
    if datasets:
        if models or clips or pictures or quick or groups or len(roots) != len(datasets):
            raise click.UsageError("--dataset takes --root, one each, --input, --cache, --steps, --partial and --json")
        measurement = run_datasets(
            datasets, roots, given or "landmarks", cache, steps or STEPS, Console(stderr=True), partial=partial
        )
        _print_datasets(measurement)
        if path:
            measurement.write_json(path)
            click.echo(f"wrote {path}")
        return
    if roots or given or cache or steps or partial:
        raise click.UsageError("--root, --input, --cache, --steps and --partial belong to --dataset")
    with Progress(console=Console(stderr=True), transient=True) as progress, quiet_start():
        run = expression_run.measure(Settings(what, models, clips, quick, groups), progress)
    _print(run)
    if path:
        run.measurement.write_json(path)
        click.echo(f"wrote {path}")
    if pictures:
        from face1d_ros.cli.expression_picture import write_pictures

        for written in write_pictures(pictures, run):
            click.echo(f"wrote {written}")


def _print_datasets(measurement: Measurement) -> None:
    console = wide_console()
    for part, title in (("fold", "Folds"), ("across", "Trained on one, tested on another"), ("all", "All folds")):
        rows = measurement.part(part)
        if rows:
            console.print(rows_table(Measurement("", {}, rows), title))


def _print(run: Run) -> None:
    console, part = wide_console(), run.measurement.part
    rows = part("model")
    console.print(chosen_table(rows, READING, f"Expressions on {run.name}"))
    console.print(chosen_table(rows, COST, "Cost"))
    if run.default is not None:
        ours = [row for row in part("confusion") if row.pop("model") == run.default.name]
        console.print(rows_table(Measurement("", {}, ours), f"What {run.default.name} takes for what"))
    for name, title in (("rate", "The same sequences at other rates"), ("portrait", "Portrait"), ("clip", "Video")):
        if found := part(name):
            console.print(rows_table(Measurement("", {}, found), title))
    for note in run.notes:
        console.print(f"[yellow]note[/] {note}", highlight=False)
    whole = run.measurement
    print_groups(whole, run.default.name if run.default else "")
    print_measurement(Measurement(whole.command, whole.conditions, [], whole.targets))
