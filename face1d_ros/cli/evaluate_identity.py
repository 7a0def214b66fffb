"""`face1d evaluate identity`: whether a chosen facial motion is known again, of whom, and of whom not."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from face1d_ros.cli import identity_eval_run
from face1d_ros.cli.group_tables import print_groups
from face1d_ros.cli.identity_eval_run import MADE, Run, Settings
from face1d_ros.cli.options import FACE_MODEL, GROUPS
from face1d_ros.cli.smoothing_run import SMALL
from face1d_ros.cli.tables import chosen_table, print_measurement, rows_table, wide_console
from face1d_ros.detect.quiet_start import quiet_start
from face1d_ros.evaluate.identity_report import ACROSS, DRAWN, LIP_MOVEMENTS, MOTIONS, WITH_TWINS, WITHIN
from face1d_ros.evaluate.measurement import Measurement

FIGURES = {
    "model": "model",
    "loss": "loss",
    "trimming": "trimming",
    "encoded": "encoded",
    "ap": "AP",
    "f1": "F1",
    "ap_pooled": "AP all",
    "f1_pooled": "F1 all",
    "eer": "EER",
    "fnmr_1e-2": "FNMR 1e-2",
    "fnmr_1e-3": "FNMR 1e-3",
    "genuine": "genuine",
    "impostors": "impostors",
    "supported_1e-3": "1e-3 told",
}
CASES = {
    "attempt": "attempt",
    "should": "should",
    "encoded": "encoded",
    "attempts": "attempts",
    "rejected_1e-2": "rejected at 1e-2",
    "rejected_1e-3": "at 1e-3",
    "accepted_1e-2": "accepted at 1e-2",
    "accepted_1e-3": "at 1e-3 ",
    "median_similarity": "median similarity",
}
PORTRAIT = {
    "model": "model",
    "encoded": "encoded",
    "clips": "clips",
    "same_lowest": "same, lowest",
    "same_median": "median",
    "other_median": "other, median",
    "other_highest": "highest",
    "separate": "separate",
    "threshold": "threshold",
    "wrongly_rejected": "same rejected",
    "wrongly_accepted": "other accepted",
}
"""What the tables show of a row, under which heading; the JSON has all."""
TABLES = {
    "operating point": "Thresholds that ship with the model",
    "robust": "Harder conditions: the same pairs",
    "seen": "Pairs of the test set with such a clip",
    "cost": "Encoding a clip of 4 s",
}
"""Parts of the measurement that are shown as they are."""


@click.command("identity")
@click.argument("what", default=SMALL)
@click.option("--models", multiple=True, metavar="NAME", help="An identity bundle; again for more. [all shipped]")
@click.option(
    "--lips",
    metavar="DIR",
    help=f"Lip movements too: a corpus of the scenario `lips`, or `{MADE}` to make 59 subjects' on the fly.",
)
@FACE_MODEL
@click.option("--portrait", is_flag=True, help="Motions of the animated portrait too, behind the real detector.")
@click.option("--pictures", type=click.Path(file_okay=False, path_type=Path), help="Draw pictures into this folder.")
@click.option("--json", "path", type=click.Path(dir_okay=False), help="Write the measurement to this file.")
@GROUPS
@click.option("--quick", is_flag=True, help="A part of the subjects: to see that it works.")
def command(
    what: str,
    models: tuple[str, ...],
    lips: str | None,
    face_model: Path | None,
    portrait: bool,
    pictures: Path | None,
    path: str | None,
    groups: Path | None,
    quick: bool,
) -> None:
    """Measure how well chosen facial motions are told apart, after the paper of Sun et al. (2022).

    WHAT is `small`, the test set that ships with the package, or the folder of a corpus that `face1d synth make FOLDER
    --test-set synthetic-test-v1` wrote (its part `identity`). Every clip goes through the default smoothing stage.

    \b
    AP, F1         (its peak) of all pairs of one subject's clips, mean over ten folds of subjects; all: of all at once
    FNMR 1e-2      genuine pairs refused at a threshold that one of a hundred impostor pairs passes
    1e-3 told      whether there are impostor pairs enough to tell one of a thousand
    spotted        only the stretch in which the face moves is encoded, as the node does
    attempts       the paper's failure cases, against the first three repetitions of the motion

    With a face model the same motions are made anew at 60 Hz and with turned heads, and motions made in a flash.
    docs/identity.md says how to read the tables.
    """  # noqa: D301
    with Progress(console=Console(stderr=True), transient=True) as progress, quiet_start():
        run = identity_eval_run.measure(Settings(what, models, lips, face_model, portrait, quick, groups), progress)
    _print(run)
    if pictures:
        from face1d_ros.cli.identity_eval_picture import write_pictures

        for written in write_pictures(pictures, run):
            click.echo(f"wrote {written}")
    if path:
        run.measurement.write_json(path)
        click.echo(f"wrote {path}")


def _print(run: Run) -> None:
    console, part = wide_console(), run.measurement.part
    for test, pairs in product((MOTIONS, LIP_MOVEMENTS), (WITHIN, WITH_TWINS, ACROSS, DRAWN)):
        rows = [row for row in part("figures") if (row["test"], row["pairs"]) == (test, pairs)]
        if any("eer" in row for row in rows):
            console.print(chosen_table(rows, FIGURES, f"{test.capitalize()}, {pairs}: {run.name}"))
    if cases := part("case"):
        console.print(chosen_table(cases, CASES, f"Attempts against three templates: {run.default}"))
    for kind, title in TABLES.items():
        if rows := part(kind):
            console.print(rows_table(Measurement("", {}, rows), title))
    if shown := part("portrait"):
        title = "Two motions of the animated portrait, behind the real detector: similarities"
        console.print(chosen_table(shown, PORTRAIT, title))
    for note in run.notes:
        console.print(f"[yellow]note[/] {note}", highlight=False)
    whole = run.measurement
    print_groups(whole, run.default or "")
    print_measurement(Measurement(whole.command, whole.conditions, [], whole.targets))
