"""`face1d synth baselines`: what averaging alone makes of the synthetic landmarks."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence as Many
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from face1d_ros.cli.tables import print_measurement
from face1d_ros.evaluate.measurement import Measurement, Row, conditions
from face1d_ros.evaluate.metrics import jitter_px, lag_frames, nme_percent, sta1_percent
from face1d_ros.geometry.topology import indices_in
from face1d_ros.synth.corpus.fixed_sets import SMALL, load_small_test_set
from face1d_ros.synth.corpus.reader import Corpus
from face1d_ros.synth.sequence import Sequence
from face1d_ros.types import Topology

AS_THEY_COME = "as they come"
AVERAGES = {
    AS_THEY_COME: (0, 0),
    "average of the last 5 frames": (4, 0),
    "average of the last 9 frames": (8, 0),
    "average of 5 frames around": (2, 2),
    "average of 9 frames around": (4, 4),
}
"""Frames before and after that are averaged; those after are not known in time."""
SHORTEST = 12
"""Frames in a row that a figure is taken of."""
JUDGED = ("nme_percent", "jitter_px")
"""What a smoother is judged by, as a part of that of the landmarks as they come."""
MOVING_POINTS = ("mouth and lids", (37, 38, 40, 41, 43, 44, 46, 47, *range(48, 68)))
Floats = NDArray[np.float64]


@click.command("baselines")
@click.argument("what", default=SMALL)
@click.option("--json", "path", type=click.Path(dir_okay=False), help="Write the measurement to this file.")
def command(what: str, path: str | None) -> None:
    """Errors, jitter and lag of detected landmarks as they come, and averaged over 5 and 9 frames.

    WHAT is `small` (the test set that ships with the package) or a corpus folder. A test set that can tell models apart
    has an average lose in error and lag what it gains in jitter. The 68 points, in the image plane; per sequence the
    longest stretch in which the face was seen; the mean over sequences.
    """
    sequences: Any = load_small_test_set() if what == SMALL else Corpus(Path(what))
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in AVERAGES}
    with Progress(console=Console(stderr=True), transient=True) as progress:
        for sequence in progress.track(sequences, total=len(sequences), description="measuring"):
            for name, figures in _figures(sequence):
                rows[name].append(figures)
    means = {name: _means(figures) for name, figures in rows.items()}
    table: list[Row] = [{"landmarks": name, **row, **_ratios(row, means[AS_THEY_COME])} for name, row in means.items()]
    used = len(next(iter(rows.values())))
    measurement = Measurement("synth baselines", conditions(data=what, sequences=len(sequences), used=used), table)
    print_measurement(measurement, f"{used} sequences of {what}")
    if path:
        measurement.write_json(path)
        click.echo(f"wrote {path}")


def _figures(sequence: Sequence) -> Iterable[tuple[str, dict[str, float]]]:
    """Of each average; none where the face was never seen long enough."""
    part = longest_run(sequence.seen)
    if part.stop - part.start < SHORTEST:
        return
    points = indices_in(Topology.FACE_68, sequence.topology)
    truth = sequence.clean_px[part][:, points, :2].astype(np.float64)
    seen = sequence.observed[part][:, points, :2].astype(np.float64)
    moving = list(MOVING_POINTS[1])
    for name, (before, after) in AVERAGES.items():
        averaged = moving_average(seen, before, after)
        figures = {
            "nme_percent": nme_percent(averaged, truth),
            "lag_frames": lag_frames(averaged, truth),
            "jitter_px": jitter_px(averaged, truth),
            "sta1_percent": sta1_percent(averaged, truth),
            f"nme_percent, {MOVING_POINTS[0]}": nme_percent(averaged[:, moving], truth[:, moving]),
        }
        yield name, figures


def _ratios(row: dict[str, float], raw: dict[str, float]) -> dict[str, float]:
    return {f"{key}_ratio": row[key] / raw[key] for key in JUDGED if key in raw}


def longest_run(flags: NDArray[np.bool_]) -> slice:
    """Of frames that are all true."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    if not len(edges):
        return slice(0, 0)
    starts, ends = edges[::2], edges[1::2]
    longest = int(np.argmax(ends - starts))
    return slice(int(starts[longest]), int(ends[longest]))


def moving_average(points: Floats, before: int, after: int = 0) -> Floats:
    """(T, N, C) mean of each frame, so many before and so many after it, of fewer at the ends."""
    total = np.concatenate([np.zeros_like(points[:1]), np.cumsum(points, axis=0)])
    frames = np.arange(len(points))
    first, last = np.maximum(frames - before, 0), np.minimum(frames + after + 1, len(points))
    return np.asarray((total[last] - total[first]) / (last - first)[:, None, None])


def _means(figures: Many[dict[str, float]]) -> dict[str, float]:
    return {key: float(np.nanmean([row[key] for row in figures])) for key in figures[0]} if figures else {}
