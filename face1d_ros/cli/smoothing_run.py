"""The parts of `face1d evaluate smoothing`, one after the other."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import Progress

from face1d_ros.cli.smoothing_contenders import choose, stages_of
from face1d_ros.cli.smoothing_timing import RATE_HZ, paced_times_s
from face1d_ros.errors import DetectorError, MissingDependencyError
from face1d_ros.evaluate import real_smoothing
from face1d_ros.evaluate.frontier import GRIDS as FRONTIER
from face1d_ros.evaluate.frontier import Outcome, best_within, frontier_ratio, outcomes
from face1d_ros.evaluate.group_studies import grouped_rows
from face1d_ros.evaluate.groups import read_groups
from face1d_ros.evaluate.measurement import Measurement, conditions
from face1d_ros.evaluate.portrait_truth import PortraitJudge
from face1d_ros.evaluate.real_smoothing import PORTRAIT_VARIANTS, Recording, real_figures
from face1d_ros.evaluate.smoothing import (
    MOTION,
    Blocks,
    Judged,
    frontier_tracks,
    judge_smoother,
    load_blocks,
    mean_figures,
    motion_figures,
    raw,
)
from face1d_ros.evaluate.smoothing_report import (
    RAW,
    Contender,
    robustness_row,
    sequence_rows,
    smoother_row,
    targets,
    verdict_rows,
)
from face1d_ros.evaluate.smoothing_shapes import LENGTH_CM, STRENGTH, other_face
from face1d_ros.evaluate.smoothing_tracks import Track, smooth
from face1d_ros.stages.smoothing import SmoothingStage
from face1d_ros.synth.corpus.fixed_sets import load_small_test_set, select
from face1d_ros.synth.corpus.reader import Corpus
from face1d_ros.synth.sequence import Sequence
from face1d_ros.types import FloatArray, Topology

SMALL = "small"
GRIDS = ("one_euro", "kalman")
QUICK_SEQUENCES, QUICK_GRID, QUICK_PORTRAIT_FRAMES = 3, 7, 150
"""Every seventh setting of a grid."""
TIMED_FRAMES, QUICK_TIMED_FRAMES = 200, 30


@dataclass(frozen=True)
class Settings:
    """What was asked for."""

    what: str
    models: tuple[str, ...] = ()
    clips: str | None = None
    quick: bool = False
    topology: Topology = Topology.MESH_478
    groups: Path | None = None
    """Of sequences, for figures by group."""


@dataclass(frozen=True, eq=False)
class Run:
    """What came out."""

    name: str
    blocks: Blocks
    contenders: tuple[Contender, ...]
    default: Contender
    grid: tuple[Outcome, ...]
    measurement: Measurement
    notes: tuple[str, ...]
    """What was not measured, and why."""


def measure(settings: Settings, progress: Progress) -> Run:
    """All of it."""
    groups = read_groups(settings.groups) if settings.groups else None
    sequences, name = open_sequences(settings.what)
    most = QUICK_SEQUENCES if settings.quick else None
    bar = progress.add_task("reading", total=None)
    blocks = load_blocks(sequences, settings.topology, most)
    if groups is not None:
        groups.check([track.name for track in blocks.all])
    contenders, default = choose(settings.models, settings.topology)
    progress.remove_task(bar)
    with stages_of(contenders) as stages:
        rows, each = _synthetic(blocks, contenders, stages, settings, progress)
        grid = _grid(blocks, settings, progress)
        ours = next(row for row in rows if row["model"] == default.name)
        others = _other_faces(sequences, stages[default.name], default, settings, progress)
        real, notes = _real(stages, settings, progress)
    summary = _summary(ours, grid)
    every = [*rows, others, *real, *summary, *verdict_rows(rows), *map(_grid_row, grid)]
    for smoother, one in each.items():
        every += sequence_rows(smoother, one)
    if groups is not None:
        every += grouped_rows(groups, every)
    judged = targets(ours, frontier_ratio(ours["jitter_px_of_68"], ours["lag_frames_of_68"], grid), real)
    measurement = Measurement("evaluate smoothing", _under(name, blocks, default, settings, notes), every, judged)
    return Run(name, blocks, contenders, default, grid, measurement, notes)


def open_sequences(what: str) -> tuple[tuple[Sequence, ...] | Corpus, str]:
    """The sequences of `small` or of a corpus folder, and what they are."""
    if what == SMALL:
        return load_small_test_set(), "the small synthetic test set"
    corpus = Corpus(what)
    return corpus, f"the corpus {Path(what).absolute().name}"


def names_of(sequences: tuple[Sequence, ...] | Corpus) -> list[str]:
    """In their order."""
    return list(sequences.names) if isinstance(sequences, Corpus) else [one.name for one in sequences]


def _synthetic(
    blocks: Blocks,
    contenders: tuple[Contender, ...],
    stages: dict[str, SmoothingStage],
    settings: Settings,
    progress: Progress,
) -> tuple[list[dict[str, Any]], dict[str, Judged]]:
    """A row for the raw track and each contender, and what was judged of each."""
    judged: dict[str, Judged] = {}
    advance = _bar(progress, "smoothing", (1 + len(contenders)) * len(blocks.all))
    baseline = judge_smoother(raw, blocks, advance)
    for one in contenders:
        judged[one.name] = judge_smoother(partial(smooth, stages[one.name]), blocks, advance)
    frames = QUICK_TIMED_FRAMES if settings.quick else TIMED_FRAMES
    advance = _bar(progress, "timing at 30 Hz", frames)
    times = paced_times_s([stages[one.name] for one in contenders], blocks.motion[0], frames, advance)
    rows = [smoother_row(Contender(RAW, RAW, "none"), baseline, baseline, ())]
    for one, times_s in zip(contenders, times, strict=True):
        rows.append(smoother_row(one, judged[one.name], baseline, times_s))
    return [dict(row) for row in rows], {RAW: baseline} | judged


def _grid(blocks: Blocks, settings: Settings, progress: Progress) -> tuple[Outcome, ...]:
    """Whole grids of the two filters that are to be beaten everywhere."""
    advance = _bar(progress, "grids of filters", None)
    tracks = frontier_tracks(blocks)
    step = QUICK_GRID if settings.quick else 1
    return tuple(
        one for name in GRIDS for one in outcomes(tracks, name, FRONTIER[name][::step], lambda told: advance())
    )


def _other_faces(
    sequences: tuple[Sequence, ...] | Corpus,
    stage: SmoothingStage,
    default: Contender,
    settings: Settings,
    progress: Progress,
) -> dict[str, Any]:
    """The default on faces that no face model makes."""
    chosen = select(sequences, MOTION)[: QUICK_SEQUENCES if settings.quick else None]
    advance = _bar(progress, "other faces", len(chosen))
    ours, theirs = [], []
    for sequence in chosen:
        track = other_face(sequence, settings.topology)
        ours.append(motion_figures(smooth(stage, track), track))
        theirs.append(motion_figures(raw(track), track))
        advance()
    return robustness_row(default.name, mean_figures(ours), mean_figures(theirs))


def _real(
    stages: dict[str, SmoothingStage], settings: Settings, progress: Progress
) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """Rows behind the real detector, and what there was not."""
    rows: list[dict[str, Any]] = []
    try:
        recordings, notes = _recordings(settings, progress)
    except (MissingDependencyError, DetectorError) as error:
        return rows, (f"anything behind the real detector: {error}",)
    advance = _bar(progress, "smoothing recordings", len(recordings) * (1 + len(stages)))
    smoothers: dict[str, Callable[[Track], FloatArray]] = {RAW: raw}
    smoothers |= {name: partial(smooth, stage) for name, stage in stages.items()}
    for recording in recordings:
        for name, refine in smoothers.items():
            figures = real_figures(refine(recording.track), recording)
            rows.append({"part": "real", "recording": recording.track.name, "model": name, **figures})
            advance()
    return rows, notes


def _recordings(settings: Settings, progress: Progress) -> tuple[list[Recording], tuple[str, ...]]:
    """The portrait, and the clips of the user."""
    paths = real_smoothing.clips(settings.clips) if settings.clips else []
    advance = _bar(progress, "detecting faces", len(PORTRAIT_VARIANTS) + len(paths))
    frames = QUICK_PORTRAIT_FRAMES if settings.quick else real_smoothing.PORTRAIT_FRAMES
    found: list[Recording] = []
    notes = [] if paths else ["real clips: name a folder of videos with --clips"]
    places = PortraitJudge(frames).places
    for variant in PORTRAIT_VARIANTS:
        found.append(real_smoothing.record_portrait(variant, settings.topology, places, frames))
        advance()
    for path in paths:
        recorded = real_smoothing.record_clip(path, settings.topology)
        if isinstance(recorded, str):
            notes.append(recorded)
        else:
            found.append(recorded)
        advance()
    return found, tuple(notes)


def _summary(row: dict[str, Any], grid: tuple[Outcome, ...]) -> list[dict[str, Any]]:
    """The parts of what the targets say in one number."""
    lag, jitter = row["lag_frames_of_68"], row["jitter_px_of_68"]
    quicker = best_within(grid, lag)
    parts = {
        "error of hidden points ÷ raw": row["hidden_ratio"],
        "error of missing frames ÷ last held": row["missing_ratio"],
        "both": row["occlusion_ratio"],
        "jitter ÷ best filter of equal or larger lag": frontier_ratio(jitter, lag, grid),
        "jitter ÷ best filter of equal or smaller lag": jitter / quicker.jitter_px,
    }
    return [{"part": "summary", "model": row["model"], "figure": key, "value": value} for key, value in parts.items()]


def _grid_row(outcome: Outcome) -> dict[str, Any]:
    row: dict[str, Any] = {"part": "grid", "filter": outcome.filter, **outcome.settings}
    return row | {key: getattr(outcome, key) for key in ("jitter_px", "lag_frames", "nme_percent")}


def _under(name: str, blocks: Blocks, default: Contender, settings: Settings, notes: tuple[str, ...]) -> dict[str, Any]:
    """The conditions that are written."""
    digest = hashlib.sha256()
    for track in blocks.all:
        digest.update(np.round(track.truth * 1000.0).astype(np.int64).tobytes())
    return conditions(
        data_sha256=digest.hexdigest(),
        data="synthetic",
        test_set=name,
        landmarks=int(blocks.topology),
        default=default.name,
        sequences={"motion": len(blocks.motion), "occlusion": len(blocks.occlusion), "dropout": len(blocks.dropout)},
        quick=settings.quick,
        timed=f"the stage, one face, {RATE_HZ:g} Hz with sleeps between, all smoothers in turn within a frame's time",
        frontier="whole grids of One-Euro and Kalman on the 68 points of the motion block",
        other_faces=f"points moved by a smooth field of {STRENGTH:.0%} of the face's size, {LENGTH_CM:g} cm long",
        not_measured=list(notes),
    )


def _bar(progress: Progress, name: str, total: int | None) -> Callable[[], None]:
    task = progress.add_task(name, total=total)
    return lambda: progress.advance(task)
