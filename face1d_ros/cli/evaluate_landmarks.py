"""`face1d evaluate landmarks`: the detector on a real dataset, or on the portrait with its known motion."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from face1d_ros.cli.tables import print_measurement, rows_table, wide_console
from face1d_ros.datasets import DATASETS, open_dataset
from face1d_ros.datasets.base import Dataset, RealSequence
from face1d_ros.detect.quiet_start import quiet_start
from face1d_ros.errors import DatasetFileError, DatasetMissingError
from face1d_ros.evaluate.measurement import Measurement, conditions
from face1d_ros.evaluate.portrait_truth import VARIANTS, PortraitJudge
from face1d_ros.evaluate.real_landmarks import RealJudge, balanced, summary
from face1d_ros.evaluate.verdicts import judge

FACES = 4
PORTRAIT_FRAMES = 300
SKIPPED = 20
BY_YAW = "aflw2000"
"""Its splits are of yaw, which the papers give with their balanced mean."""
WITH_LANDMARKS = [name for name in DATASETS if name not in ("biwi", "oulu-casia", "mmi")]
NAMES = {"split": "split", "variant": "variant", "sequence": "sequence"}
ERRORS = {
    "sequences": "sequences",
    "frames": "frames",
    "missed": "missed",
    "nme_percent": "NME %",
    "nrmse_percent": "NRMSE %",
    "gte_percent": "GTE %",
    "nme_auc_8": "AUC@8",
    "nme_auc_10": "AUC@10",
    "nme_fr_8": "FR@8",
    "nme_fr_10": "FR@10",
    "nrmse_auc_8": "AUC@8 of NRMSE",
    "nrmse_fr_8": "FR@8 of NRMSE",
}
MOTION = {
    "stability_percent": "stability %",
    "sta1_percent": "sta1 %",
    "sta2_percent": "sta2 %",
    "jitter_px": "jitter px",
    "acceleration_px": "accel px",
    "lag_frames": "lag frames",
}
"""What the tables show of a row, under which heading; the JSON has all."""


@click.command("landmarks")
@click.option("--dataset", type=click.Choice(WITH_LANDMARKS), help="A real dataset; without it, the animated portrait.")
@click.option("--root", type=click.Path(file_okay=False), help="The dataset's folder.")
@click.option("--split", default="", help="One of the dataset's splits, such as 'scenario 3'; all without it.")
@click.option("--partial", is_flag=True, help="Use what is there and can be read of a dataset.")
@click.option("--faces", type=click.IntRange(1, 8), default=FACES, show_default=True, help="Looked for in an image.")
@click.option("--max-frames", type=click.IntRange(1), help="Of each sequence, at most.")
@click.option("--each", is_flag=True, help="A line for each sequence, too.")
@click.option("--portrait-frames", type=click.IntRange(3, 100_000), default=PORTRAIT_FRAMES, show_default=True)
@click.option("--json", "path", type=click.Path(dir_okay=False), help="Write the measurement to this file.")
def command(
    dataset: str | None,
    root: str | None,
    split: str,
    partial: bool,
    faces: int,
    max_frames: int | None,
    each: bool,
    portrait_frames: int,
    path: str | None,
) -> None:
    """Compare the detector's landmarks, without any smoothing, with marked ones.

    \b
    NME          % of √(box width · box height) of the marked points
    NRMSE        % of the distance of the outer eye corners
    AUC@8, FR@8  area under the cumulative error curve up to 8 %, share of images above; a missed face is above
    GTE          % of the 3D distance of the outer eye corners, with depth, where a dataset has it
    balanced     mean of AFLW2000's three ranges of yaw, each counting the same
    stability    displacement error, % of face size;  jitter, accel: px of a face 256 px wide
    sta1, sta2   distance from between the neighbouring frames, % of face size
    lag          frames behind the truth

    Each figure is the plain mean over sequences. `face1d datasets` lists the datasets and where to get them.
    """  # noqa: D301
    if dataset is None:
        measurement = _portrait(portrait_frames)
        title, data = "The detector against the portrait's known motion", "synthetic"
        judged = next(row for row in measurement.rows if row["part"] == "truth")
    else:
        if root is None:
            raise click.UsageError(f"--dataset {dataset} needs --root, the folder that holds it")
        with Console(stderr=True).status(f"looking at the files of {dataset}"):
            opened = open_dataset(dataset, root, partial=partial)
        measurement = _dataset(opened, split, faces, max_frames, partial)
        title, data = f"The detector on {measurement.conditions['title']}", "real"
        judged = [row for row in measurement.rows if row["part"] == "split"][-1]
    verdicts = _verdicts(dict(judged), data)
    _print(measurement, title, each)
    tell_skipped(measurement.conditions.get("skipped", ()))
    shown = [{key: value for key, value in row.items() if key != "part"} for row in verdicts]
    wide_console().print(rows_table(Measurement("", {}, shown), "Verdicts (review, Table 7) of what is measured here"))
    if path:
        whole = Measurement(measurement.command, measurement.conditions, [*measurement.rows, *verdicts])
        whole.write_json(path)
        click.echo(f"wrote {path}")


def _dataset(dataset: Dataset, split: str, faces: int, most: int | None, partial: bool) -> Measurement:
    usable = [one for one in dataset.sequences(split) if one.point_count == 68]
    if not usable:
        problem = f"holds no image with 68 landmarks{f' in split {split}' if split else ''}"
        raise DatasetMissingError(dataset.card.name, dataset.root, problem, dataset.card.where)
    digest = hashlib.sha256()
    rows: list[dict[str, Any]] = []
    skipped: list[str] = []
    skip = (lambda error: skipped.append(str(error))) if partial else None
    with Progress(console=Console(stderr=True), transient=True) as progress, quiet_start():
        total = sum(min(len(one.images), most or len(one.images)) for one in usable)
        advance = _bar(progress, dataset.card.name, total)
        with closing(RealJudge(faces, most, skip)) as judging:
            model = judging.model
            for sequence in usable:
                try:
                    truth = _truth(sequence)
                except DatasetFileError as error:
                    if skip is None:
                        raise
                    skip(error)
                    continue
                digest.update(f"{sequence.name} {truth.shape}".encode() + np.ascontiguousarray(truth).tobytes())
                rows.append({"part": "sequence", **judging.row(sequence, truth, advance)})
    if not any(row["frames"] for row in rows):
        problem = f"holds nothing that can be read; the first is {skipped[0]}" if skipped else "holds nothing marked"
        raise DatasetMissingError(dataset.card.name, dataset.root, problem, dataset.card.where)
    under = conditions(
        data_sha256=digest.hexdigest(),
        dataset=dataset.card.name,
        title=dataset.card.title,
        split=split or "all",
        partial=partial,
        skipped=skipped,
        detector=model,
        faces=faces,
        max_frames=most,
        data="real",
        errors_over="frames whose face was found; AUC and FR over all marked frames",
    )
    return Measurement("evaluate landmarks", under, [*_of_splits(dataset, rows), *rows])


def _of_splits(dataset: Dataset, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A row for each split, the balanced mean where there is one, and one of all."""
    parts = list(dict.fromkeys(row["split"] for row in rows))
    bare = [{key: value for key, value in row.items() if key != "part"} for row in rows]
    found = [summary([row for row in bare if row["split"] == part], part or "all") for part in parts]
    if len(parts) > 1:
        found.append(summary(bare, "all"))
    if dataset.card.name == BY_YAW and len(parts) == len(dataset.card.splits):
        found.insert(-1, balanced(found[:-1]))
    return [{"part": "split", **row} for row in found]


def _truth(sequence: RealSequence) -> NDArray[np.float64]:
    """(T, 68, 2) px, or (T, 68, 3) where the dataset has depth."""
    assert sequence.read_landmarks is not None, "sequences with points can read them"
    return sequence.read_landmarks()


def tell_skipped(skipped: Sequence[str]) -> None:
    """What --partial left out because it cannot be read."""
    if not skipped:
        return
    console = wide_console()
    console.print(f"[yellow]{len(skipped)} skipped[/], which cannot be read:", highlight=False)
    for line in skipped[:SKIPPED]:
        console.print(f"          {line}", highlight=False, markup=False)
    if len(skipped) > SKIPPED:
        console.print(f"          and {len(skipped) - SKIPPED} more (all of them with --json)", highlight=False)


def _portrait(frames: int) -> Measurement:
    rows: list[dict[str, Any]] = []
    with Progress(console=Console(stderr=True), transient=True) as progress, quiet_start():
        advance = _bar(progress, "portrait", len(VARIANTS))
        measured = PortraitJudge(frames)
        for variant in VARIANTS:
            rows.append({"part": "truth", **measured.row(variant)})
            advance()
    under = conditions(
        dataset="portrait",
        data="synthetic",
        frames=frames,
        truth="the detector's landmarks on the photo at rest, moved by the known motion",
    )
    return Measurement("evaluate landmarks", under, rows)


def _verdicts(row: dict[str, Any], data: str) -> list[dict[str, Any]]:
    """Of the figures that are in Table 7."""
    values = {key: row.get(key) for key in ("nme_percent", "jitter_px")}
    where = str(row.get("split") or row.get("variant"))
    judged = judge(values, data=data, conditions=where)
    return [{"part": "verdict", **verdict.as_row()} for verdict in judged if verdict.value is not None]


def _print(measurement: Measurement, title: str, each: bool) -> None:
    kinds = ("split", "truth", *(("sequence",) if each else ()))
    rows = [row for kind in kinds for row in measurement.rows if row["part"] == kind]
    errors, motion = (
        [
            {heading: row[key] for key, heading in (NAMES | shown).items() if key in row}
            for row in rows
            if shown.keys() & row.keys()
        ]
        for shown in (ERRORS, MOTION)
    )
    wide_console().print(rows_table(Measurement("", {}, errors), title))
    print_measurement(Measurement(measurement.command, measurement.conditions, motion), "How it moves")


def _bar(progress: Progress, name: str, total: int) -> Callable[[], None]:
    task = progress.add_task(name, total=total)
    return lambda: progress.advance(task)
