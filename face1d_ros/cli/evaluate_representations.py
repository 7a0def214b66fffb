"""`face1d evaluate representations`: what the review's Table 2 states of 1D representations, measured."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from face1d_ros.cli.tables import print_measurement, rows_table, wide_console
from face1d_ros.datasets import open_dataset
from face1d_ros.detect.quiet_start import quiet_start
from face1d_ros.evaluate import representations as measured
from face1d_ros.evaluate.landmark_windows import (
    FRAMES,
    Windows,
    dataset_windows,
    fewer,
    portrait_windows,
    sequence_windows,
    video_windows,
)
from face1d_ros.evaluate.measurement import Measurement, conditions
from face1d_ros.synth.corpus.fixed_sets import load_small_test_set
from face1d_ros.synth.corpus.reader import MANIFEST, Corpus

SYNTHETIC, PORTRAIT = "synthetic", "portrait"
VIDEOS = ("300vw", "ck+")
"""Real datasets with 68 points marked in videos."""
BATCHES = (1, 64)
REPEATS = {1: 200, 64: 40}
WARM_UP = 5
GAPS = 0.2
MOST_WINDOWS = 100
NAMES = {"representation": "representation", "size": "size", "numbers": "numbers"}
QUALITY = {
    **NAMES,
    "nme_percent": "NME",
    "noise_nme_percent": "noisy",
    "noise_ratio": "÷ raw",
    "observed_ratio": "detector",
    "turned_nme_percent": "turned",
    "features_turned_percent": "features",
    "missing_10_nme_percent": "10 %",
    "missing_20_nme_percent": "20 %",
    "missing_30_nme_percent": "30 %",
    "missing_back_percent": "of 30 % back",
    "hidden_nme_percent": "hidden",
    "hidden_back_percent": "of it back",
}
SPEED = {
    **NAMES,
    "encode_1_us": "encode 1",
    "decode_1_us": "decode 1",
    "encode_64_us": "encode 64",
    "decode_64_us": "decode 64",
    "encode_gaps_us": "with gaps",
}
"""What the tables show of a row, under which heading; the JSON has all."""


@click.command("representations")
@click.option(
    "--dataset",
    default=SYNTHETIC,
    show_default=True,
    help=f"Or '{PORTRAIT}', a corpus folder, a video (which has no truth), or with --root one of {', '.join(VIDEOS)}.",
)
@click.option("--root", type=click.Path(file_okay=False), help="The folder of a real dataset.")
@click.option("--json", "path", type=click.Path(dir_okay=False), help="Write the measurement to this file.")
@click.option("--picture", type=click.Path(dir_okay=False), help="Draw error against numbers kept: .png, .svg, .pdf.")
@click.option(
    "--windows", "most", type=click.IntRange(2, 10_000), default=MOST_WINDOWS, show_default=True, help="At most."
)
@click.option("--frames", type=click.IntRange(14, 1024), default=FRAMES, show_default=True, help="Of a window.")
@click.option("--seed", type=click.IntRange(0), default=measured.SEED, show_default=True, help="Of noise and gaps.")
def command(
    dataset: str, root: str | None, path: str | None, picture: str | None, most: int, frames: int, seed: int
) -> None:
    """Encode and decode windows of 68 landmarks, and compare what comes back.

    \b
    numbers         kept for a face in a frame (136 came in)
    NME             % of √(box width · box height), after encoding and decoding the truth
    noisy, ÷ raw    with white noise of 1 % on each coordinate; beside the noise's own error
    detector        error of the detector's points, encoded and decoded, beside their own
    turned          NME of faces turned by 30°
    features        change of the description of shape under that turn, in %
    10, 20, 30 %    NME of so many points that were missing
    hidden          NME of a whole curve hidden for half of the window
    of … back       % of the missing points that came back
    encode, decode  median µs a frame, for batches of 1 and of 64 frames (windows, of what is encoded over time)
    with gaps       the same for one frame (window) of which 20 % of the points are missing

    Principal components are learned on one half of the subjects (or of the time) and measured on the other.
    """  # noqa: D301
    with Progress(console=Console(stderr=True), transient=True) as progress:
        windows = fewer(load(dataset, root, frames), most)
        task = progress.add_task("measuring", total=measured.count_cases(windows))
        rows = []
        for case in measured.cases(windows):
            rows.append(measured.row(case, windows, seed) | times_us(case, windows.clean))
            progress.advance(task)
    whole = Measurement("evaluate representations", under(windows, seed), rows)
    quality = [shortened(row, QUALITY) for row in rows]
    wide_console().print(rows_table(Measurement("", {}, quality), f"1D representations on {windows.name}"))
    print_measurement(replace(whole, rows=[shortened(row, SPEED) for row in rows]), "Microseconds a frame")
    if picture:
        from face1d_ros.cli.representation_picture import write_picture

        write_picture(Path(picture), rows, windows)
        click.echo(f"wrote {picture}")
    if path:
        whole.write_json(path)
        click.echo(f"wrote {path}")


def load(dataset: str, root: str | None, frames: int) -> Windows:
    """The windows of a data set by its name."""
    if dataset == SYNTHETIC:
        return sequence_windows("the small synthetic test set", load_small_test_set(), frames)
    if dataset in VIDEOS:
        if root is None:
            raise click.UsageError(f"--dataset {dataset} needs --root, the folder that holds it")
        return dataset_windows(open_dataset(dataset, root), frames=frames)
    if (Path(dataset) / MANIFEST).is_file():
        return sequence_windows(f"the corpus {Path(dataset).name}", Corpus(dataset), frames)
    if dataset != PORTRAIT and not Path(dataset).exists():
        known = ", ".join((SYNTHETIC, PORTRAIT, *VIDEOS))
        raise click.UsageError(
            f"--dataset '{dataset}' is not known and no file here; give {known}, a corpus or a video"
        )
    with quiet_start():
        return portrait_windows(frames) if dataset == PORTRAIT else video_windows(dataset, frames)


def under(windows: Windows, seed: int) -> dict[str, Any]:
    """The conditions that are written."""
    return conditions(
        seed=seed,
        data_sha256=windows.sha256,
        dataset=windows.name,
        truth="known" if windows.truth else "none: the detector's own landmarks stand for it",
        windows=len(windows.clean),
        frames_a_window=windows.clean.shape[1],
        learned_on="one half of the groups, measured on the other, then the other way round",
        noise_percent=100.0 * measured.NOISE,
        turned_deg=float(np.rad2deg(measured.TURN_RAD)),
        repeats_of_time=REPEATS,
    )


def times_us(case: measured.Case, clean: NDArray[np.float64]) -> dict[str, float]:
    """Medians for a frame."""
    made = case.halves[0][0]
    items = clean if case.family.over_time else clean.reshape(-1, *clean.shape[2:])
    frames = clean.shape[1] if case.family.over_time else 1
    found = {}
    for batch in BATCHES:
        points = np.resize(items, (batch, *items.shape[1:]))
        coefficients = made.encode(points)
        found[f"encode_{batch}_us"] = _median_us(made.encode, points, REPEATS[batch]) / (batch * frames)
        found[f"decode_{batch}_us"] = _median_us(made.decode, coefficients, REPEATS[batch]) / (batch * frames)
        if batch == 1:
            gone = np.random.default_rng(measured.SEED).random(points.shape[:-1]) < GAPS
            with_gaps = np.where(gone[..., None], np.nan, points)
            found["encode_gaps_us"] = _median_us(made.encode, with_gaps, REPEATS[batch]) / frames
    return found


def shortened(row: dict[str, Any], columns: dict[str, str]) -> dict[str, Any]:
    """A row as a table shows it; errors that are only the arithmetic's are 0."""
    return {
        name: 0.0 if isinstance(value := row[key], float) and abs(value) < 1e-6 else value
        for key, name in columns.items()
        if row[key] is not None
    }


def _median_us(function: Callable[[Any], Any], argument: Any, repeats: int) -> float:
    times_s = []
    for index in range(-WARM_UP, repeats):
        began_s = time.perf_counter()
        function(argument)
        if index >= 0:
            times_s.append(time.perf_counter() - began_s)
    return float(np.median(times_s) * 1e6)
