"""`face1d evaluate pose`: head pose of the detector's landmarks on a real dataset."""

from __future__ import annotations

import hashlib
from contextlib import closing
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.progress import Progress

from face1d_ros.cli.evaluate_landmarks import tell_skipped
from face1d_ros.cli.tables import print_measurement
from face1d_ros.datasets import open_dataset
from face1d_ros.datasets.base import Dataset
from face1d_ros.detect.quiet_start import quiet_start
from face1d_ros.errors import DatasetFileError, DatasetMissingError
from face1d_ros.evaluate.measurement import Measurement, conditions
from face1d_ros.evaluate.real_pose import LARGEST_DEG, PoseJudge, pose_summary

FACES = 4
WITH_POSE = ("biwi", "aflw2000")
SHOWN = {
    "split": "split",
    "sequence": "sequence",
    "sequences": "sequences",
    "frames": "frames",
    "outside": "outside",
    "missed": "missed",
    "geodesic_deg": "geodesic °",
    "yaw_mae_deg": "yaw °",
    "pitch_mae_deg": "pitch °",
    "roll_mae_deg": "roll °",
    "mae_deg": "mean °",
}
"""What the table shows, under which heading."""


@click.command("pose")
@click.option("--dataset", required=True, type=click.Choice(WITH_POSE), help="A real dataset with head pose.")
@click.option("--root", required=True, type=click.Path(file_okay=False), help="The dataset's folder.")
@click.option("--split", default="", help="One of the dataset's splits, such as 'yaw 0-30'; all without it.")
@click.option("--partial", is_flag=True, help="Use what is there and can be read of a dataset.")
@click.option("--faces", type=click.IntRange(1, 8), default=FACES, show_default=True, help="Looked for in an image.")
@click.option("--max-frames", type=click.IntRange(1), help="Of each sequence, at most.")
@click.option("--each", is_flag=True, help="A line for each sequence, too.")
@click.option("--json", "path", type=click.Path(dir_okay=False), help="Write the measurement to this file.")
def command(
    dataset: str,
    root: str,
    split: str,
    partial: bool,
    faces: int,
    max_frames: int | None,
    each: bool,
    path: str | None,
) -> None:
    """Compare the head pose of the detector's landmarks, image by image and without any smoothing, with a dataset's.

    \b
    outside           images left out as the protocol has it: AFLW2000-3D with an angle beyond 99°
    missed            images in which the face was not found; they are in no error
    geodesic          mean angle of the rotation between the two
    yaw, pitch, roll  mean absolute error of each, of R = Rz Ry Rx for both; mean: of the three

    No offset is taken off, though each dataset has its own idea of a head that looks straight ahead. Each figure is
    the mean over all faces that were found.
    """  # noqa: D301
    with Console(stderr=True).status(f"looking at the files of {dataset}"):
        opened = open_dataset(dataset, root, partial=partial)
    measurement = _measured(opened, split, faces, max_frames, partial)
    kinds = ("split", *(("sequence",) if each else ()))
    rows = [
        {heading: row[key] for key, heading in SHOWN.items() if key in row}
        for kind in kinds
        for row in measurement.rows
        if row["part"] == kind
    ]
    title = f"Head pose of the detector's landmarks on {measurement.conditions['title']}"
    print_measurement(Measurement(measurement.command, measurement.conditions, rows), title)
    tell_skipped(measurement.conditions["skipped"])
    if path:
        measurement.write_json(path)
        click.echo(f"wrote {path}")


def _measured(dataset: Dataset, split: str, faces: int, most: int | None, partial: bool) -> Measurement:
    card, digest = dataset.card, hashlib.sha256()
    rows: list[dict[str, Any]] = []
    skipped: list[str] = []
    skip = (lambda error: skipped.append(str(error))) if partial else None
    sequences = list(dataset.sequences(split))
    limit_deg = LARGEST_DEG.get(card.name, np.inf)
    with Progress(console=Console(stderr=True), transient=True) as progress, quiet_start():
        total = sum(min(len(one.images), most or len(one.images)) for one in sequences)
        task = progress.add_task(card.name, total=total)
        with closing(PoseJudge(faces, largest_deg=limit_deg, most_frames=most, skip=skip)) as judging:
            model = judging.model
            for one in sequences:
                assert one.read_pose is not None, "datasets with pose can read it"
                try:
                    truth = one.read_pose()
                    row = judging.row(one, truth, lambda: progress.advance(task))
                except DatasetFileError as error:
                    if skip is None:
                        raise
                    skip(error)
                    continue
                digest.update(f"{one.name} {len(truth.rotation)}".encode() + truth.rotation.tobytes())
                rows.append(row)
    if not sum(row["frames"] for row in rows):
        problem = f"holds nothing that can be read; the first is {skipped[0]}" if skipped else "holds no head pose"
        raise DatasetMissingError(card.name, dataset.root, problem, card.where)
    under = conditions(
        data_sha256=digest.hexdigest(),
        dataset=card.name,
        title=card.title,
        split=split or "all",
        partial=partial,
        skipped=skipped,
        detector=model,
        faces=faces,
        max_frames=most,
        largest_deg=limit_deg if np.isfinite(limit_deg) else None,
        data="real",
        pose="weak perspective, of each image by itself; no offset taken off; R = Rz(roll) Ry(yaw) Rx(pitch)",
        errors_over="all faces that were found",
    )
    every = [*_of_splits(rows), *({"part": "sequence", **row} for row in rows)]
    return Measurement("evaluate pose", under, every)


def _of_splits(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A row for each split, and one of all."""
    parts = list(dict.fromkeys(row["split"] for row in rows))
    found = [pose_summary([row for row in rows if row["split"] == part], part or "all") for part in parts]
    if len(parts) > 1:
        found.append(pose_summary(rows, "all"))
    return [{"part": "split", **row} for row in found]
