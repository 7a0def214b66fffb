"""The pictures of `face1d evaluate smoothing`: jitter against lag, and landmarks over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from face1d_ros.cli.plots import dress, pyplot_for, save
from face1d_ros.cli.smoothing_run import GRIDS, Run
from face1d_ros.config import SmoothingConfig
from face1d_ros.errors import RecordingError
from face1d_ros.evaluate.metrics import FACE_WIDTH_PX
from face1d_ros.evaluate.smoothing_report import FILTER, LARGEST_LAG_FRAMES, NETWORK, RAW
from face1d_ros.evaluate.smoothing_tracks import NS, Track, smooth
from face1d_ros.evaluate.tracks import Floats
from face1d_ros.geometry.topology import to_68
from face1d_ros.stages.smoothing import SmoothingStage

COLOURS = {"one_euro": "#e69f00", "kalman": "#1f77b4"}
NAMES = {"one_euro": "One-Euro, all settings", "kalman": "Kalman, all settings"}
MARKS = {RAW: ("#222222", "X", 70), FILTER: ("#7a7a7a", "s", 36), NETWORK: ("#2ca02c", "o", 44)}
DEFAULT_MARK = ("#c51b8a", "*", 190)
LARGEST_SHOWN_LAG = 1.5
LINE_OF_TEXT = 0.042
"""Of the height of the axes."""
EYE_CORNER, LOWER_LIP = 36, 57
"""Of the 68 points."""
SHOWN_S = 3.0
STEP_S = 0.25
RATES_HZ = (24.0, 62.0)
"""Of sequences that are shown: those of usual cameras."""
LEAST_LIP_PX = 8.0
"""Of way on a face 256 px wide: something has to happen."""


def write_frontier(path: Path, run: Run) -> None:
    """Every setting of the grids, what they reach at best, and every smoother."""
    pyplot = pyplot_for("--plot")
    figure, axis = pyplot.subplots(figsize=(9.2, 5.6), layout="constrained")
    axis.axvspan(-LARGEST_LAG_FRAMES, LARGEST_LAG_FRAMES, color="#f1f1ee", zorder=0)
    for name in GRIDS:
        tried = np.array([(one.lag_frames, one.jitter_px) for one in run.grid if one.filter == name])
        axis.scatter(*tried.T, s=9, color=COLOURS[name], alpha=0.45, lw=0, zorder=1)
        axis.plot(*frontier(tried).T, color=COLOURS[name], lw=1.8, label=NAMES[name], zorder=2)
    rows = run.measurement.part("smoother")
    places = {row["model"]: (row["lag_frames_of_68"], row["jitter_px_of_68"]) for row in rows}
    for row in rows:
        colour, mark, size = DEFAULT_MARK if row["model"] == run.default.name else MARKS[row["kind"]]
        axis.scatter(*places[row["model"]], s=size, color=colour, marker=mark, zorder=4, ec="white", lw=0.7)
    lags, jitters = zip(*places.values(), strict=True)
    axis.set_xlim(min(-0.35, *lags) - 0.05, max(LARGEST_SHOWN_LAG, *lags) + 0.05)
    axis.set_ylim(0.0, 1.25 * max(jitters))
    _name_at_the_right(axis, places)
    axis.set_xlabel("lag behind the truth, frames (grey: on time)")
    axis.set_ylabel("jitter, px of a face 256 px wide")
    axis.set_title(f"Jitter against lag: {run.name}, {len(run.blocks.motion)} sequences", loc="left", fontsize=11)
    axis.legend(frameon=False, loc="lower right")
    dress(axis)
    save(figure, path)


def _name_at_the_right(axis: Any, places: Mapping[str, tuple[float, float]]) -> None:
    """Every name beside the axes at the height of its point, or as near as the others leave room."""
    ordered = sorted(places.items(), key=lambda item: item[1][1])
    room = axis.get_ylim()[1] * LINE_OF_TEXT
    heights = np.array([place[1] for _, place in ordered])
    steps = room * np.arange(len(heights))
    spread = np.maximum.accumulate(heights - steps) + steps
    spread -= max(0.0, spread[-1] - axis.get_ylim()[1])
    for (name, place), height in zip(ordered, spread.tolist(), strict=True):
        axis.annotate(
            name,
            place,
            xytext=(axis.get_xlim()[1], height),
            fontsize=8.5,
            va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": "#bbbbbb", "lw": 0.6, "shrinkB": 4},
        )


def frontier(tried: Floats) -> Floats:
    """(settings, 2) of lag and jitter to those of them, by lag, that none of smaller lag beats."""
    ordered = tried[np.lexsort((tried[:, 1], tried[:, 0]))]
    least = np.minimum.accumulate(ordered[:, 1])
    return ordered[ordered[:, 1] <= least]


@dataclass(frozen=True)
class Window:
    """A part of a track."""

    track: Track
    frames: slice


def write_tracks(path: Path, run: Run) -> None:
    """An eye's corner and the lower lip over time: truth, as measured, and as the default gives them."""
    pyplot = pyplot_for("--tracks")
    shown = choose_window(run.blocks.motion)
    track = shown.track
    with closing(SmoothingStage(SmoothingConfig(model=run.default.model))) as stage:
        refined = smooth(stage, track)
    stamps_s = np.array([frame.header.stamp_ns for frame in track.frames[shown.frames]]) / NS
    truth, measured, ours = (to_68(points[shown.frames])[..., 1] for points in (track.truth, track.observed, refined))
    unit = FACE_WIDTH_PX / float(np.ptp(track.truth[shown.frames, :, 0], axis=1).mean())
    figure, axes = pyplot.subplots(2, 1, figsize=(9.6, 5.2), sharex=True, layout="constrained")
    for axis, point, name in zip(axes, (EYE_CORNER, LOWER_LIP), ("outer corner of an eye", "lower lip"), strict=True):
        middle = float(np.nanmean(truth[:, point]))
        for points, style in ((measured, MEASURED), (truth, TRUE), (ours, SMOOTHED)):
            axis.plot(stamps_s - stamps_s[0], (middle - points[:, point]) * unit, **style)
        axis.set_title(f"{name}, px up on a face 256 px wide", loc="left", fontsize=10)
        dress(axis)
    axes[0].legend(frameon=False, ncols=3, loc="lower right", bbox_to_anchor=(1.0, 1.0), fontsize=9.5)
    axes[1].set_xlabel(f"s ({run.default.name}, synthetic sequence {track.name}, {_rate_hz(track):.0f} Hz)")
    save(figure, path)


MEASURED: dict[str, Any] = {"color": "#e8893c", "lw": 1.0, "marker": ".", "ms": 3.5, "label": "as measured"}
TRUE: dict[str, Any] = {"color": "#222222", "lw": 1.0, "ls": (0, (4, 2)), "label": "truth"}
SMOOTHED: dict[str, Any] = {"color": "#c51b8a", "lw": 1.7, "label": "smoothed"}


def choose_window(tracks: Sequence[Track]) -> Window:
    """Where the lip moves and the head is quiet, so that a pixel can be seen; of any where nothing is like that."""
    best: tuple[tuple[bool, float], Window] | None = None
    usual = [track for track in tracks if RATES_HZ[0] <= _rate_hz(track) <= RATES_HZ[1]]
    for track in usual or tracks:
        length, step = (max(round(span_s * _rate_hz(track)), 1) for span_s in (SHOWN_S, STEP_S))
        for start in range(0, max(len(track.frames) - length, 0) + 1, step):
            window = Window(track, slice(start, start + length))
            if not track.seen[window.frames].all():
                continue
            score = _score(window)
            if best is None or score > best[0]:
                best = score, window
    if best is None:
        raise RecordingError(f"cannot draw tracks: no sequence shows a face for {SHOWN_S:g} s in a row")
    return best[1]


def _score(window: Window) -> tuple[bool, float]:
    """Whether the lip moves enough in the face, and how quiet the eye's corner is."""
    truth = to_68(window.track.truth[window.frames])
    unit = FACE_WIDTH_PX / float(np.ptp(truth[..., 0], axis=1).mean())
    eye, lip = truth[:, EYE_CORNER, 1], truth[:, LOWER_LIP, 1]
    return bool(np.ptp(lip - eye) * unit >= LEAST_LIP_PX), -float(np.ptp(eye)) * unit


def _rate_hz(track: Track) -> float:
    stamps_ns = [frame.header.stamp_ns for frame in track.frames]
    return NS / float(np.median(np.diff(stamps_ns)))
