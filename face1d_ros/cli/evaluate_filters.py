"""`face1d evaluate filters`: what grids of the classical filters' settings reach, and which setting is the best."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.progress import Progress

from face1d_ros.cli.tables import rows_table, wide_console
from face1d_ros.evaluate.frontier import (
    GRIDS,
    ON_TIME_FRAMES,
    Outcome,
    Track,
    best_setting,
    outcomes,
    raw_outcome,
    track_of,
)
from face1d_ros.evaluate.measurement import Measurement, conditions
from face1d_ros.filters.make import FILTERS, make_filter
from face1d_ros.geometry.canonical import canonical_face
from face1d_ros.synth.corpus.fixed_sets import load_small_test_set
from face1d_ros.synth.corpus.reader import Corpus

TIMED_CALLS, WARM_UP = 600, 50


@click.command("filters")
@click.argument("corpus", required=False, type=click.Path(file_okay=False))
@click.option("--only", default="", help="Sequences whose name begins so, as 'smoothing/'.")
@click.option("--every", type=click.IntRange(1), default=1, show_default=True, help="Take each so-manieth sequence.")
@click.option("--filter", "names", multiple=True, type=click.Choice(list(FILTERS)), help="Only this; may be repeated.")
@click.option("--json", "path", type=click.Path(dir_okay=False), help="Write every setting's figures to this file.")
def command(corpus: str | None, only: str, every: int, names: tuple[str, ...], path: str | None) -> None:
    """Run whole grids of filter settings over a CORPUS folder, or over the small test set that ships.

    \b
    settings     those with the least jitter of all whose lag is within ±0.3 frames
    jitter, lag  px of a face 256 px wide, and frames; NME in % of the box
    µs           median of a call for one face of 478 points

    68 points of each face; frames in which nothing was seen are left out. Choose settings on a validation corpus only.
    """  # noqa: D301
    tracks = [track_of(sequence) for sequence in _chosen(corpus, only, every)]
    if not tracks:
        raise click.UsageError(f"no sequence's name begins with '{only}'; leave --only out, or give another beginning")
    wanted = names or tuple(FILTERS)
    found: dict[str, list[Outcome]] = {}
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("filtering", total=sum(len(GRIDS.get(name, ({},))) for name in wanted))
        for name in wanted:
            found[name] = outcomes(tracks, name, tell=lambda _: progress.advance(task))
    raw = raw_outcome(tracks)
    best = [_row(raw) | {"tried": 0}]
    best += [_row(best_setting(tried)) | {"tried": len(tried), "µs": call_us(name)} for name, tried in found.items()]
    title = f"{len(tracks)} sequences; the least jitter within ±{ON_TIME_FRAMES:g} frames"
    wide_console().print(rows_table(Measurement("", {}, best), title))
    if path:
        rows = [_row(outcome) for outcome in (raw, *(outcome for tried in found.values() for outcome in tried))]
        about = conditions(data_sha256=_sha256(tracks), corpus=corpus or "the small test set", only=only, every=every)
        Measurement("evaluate filters", about, rows).write_json(path)
        click.echo(f"wrote {path}")


def call_us(name: str) -> float:
    """Median of a call with one face of 478 points in single precision, at 30 Hz."""
    face = 20.0 * canonical_face().points_cm.astype(np.float32)
    noisy = face + np.random.default_rng(0).normal(0.0, 1.0, (TIMED_CALLS, *face.shape)).astype(np.float32)
    filter_ = make_filter(name)
    times_s = []
    for frame, points in enumerate(noisy):
        began_s = time.perf_counter()
        filter_(points, frame / 30.0)
        times_s.append(time.perf_counter() - began_s)
    return float(np.median(times_s[WARM_UP:]) * 1e6)


def _chosen(corpus: str | None, only: str, every: int) -> list[Any]:
    if corpus is None:
        named: Iterable[Any] = (sequence for sequence in load_small_test_set() if sequence.name.startswith(only))
        return list(named)[::every]
    opened = Corpus(Path(corpus))
    return [opened[index] for index in [i for i, name in enumerate(opened.names) if name.startswith(only)][::every]]


def _row(outcome: Outcome) -> dict[str, Any]:
    return {
        "filter": outcome.filter,
        "settings": json.dumps(outcome.settings)[1:-1].replace('"', ""),
        "jitter_px": outcome.jitter_px,
        "lag_frames": outcome.lag_frames,
        "nme_percent": outcome.nme_percent,
    }


def _sha256(tracks: Sequence[Track]) -> str:
    """Of all truths to a thousandth of a pixel."""
    digest = hashlib.sha256()
    for track in tracks:
        digest.update(np.round(np.nan_to_num(track.truth.astype(np.float64)) * 1000.0).astype(np.int64).tobytes())
    return digest.hexdigest()
