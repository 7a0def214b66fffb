"""How little jitter classical filters leave at what lag: whole grids of their settings, run over the same tracks.

Every track is measured by `metrics`, then the plain mean over tracks is taken. A track in which nothing moves has no
lag and is left out of that mean.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import GeometryError
from face1d_ros.evaluate.landmark_windows import TrueSequence
from face1d_ros.evaluate.metrics import jitter_px, lag_frames, nme_percent
from face1d_ros.filters.filter import Filter
from face1d_ros.filters.make import make_filter
from face1d_ros.geometry.topology import to_68

Floats = NDArray[np.float64]
Settings = Mapping[str, float]
GRIDS: dict[str, tuple[Settings, ...]] = {
    "one_euro": tuple(
        {"min_cutoff_hz": cutoff, "beta": beta}
        for cutoff, beta in product((0.05, 0.5, 1, 2, 4, 6, 8, 12, 16, 24), (0, 5, 10, 20, 40, 80, 160, 320))
    ),
    "kalman": tuple({"process_noise": float(noise)} for noise in np.geomspace(0.03, 30.0, 25).round(3)),
    "exponential": tuple({"time_constant_s": float(time_s)} for time_s in np.geomspace(0.002, 0.2, 21).round(4)),
    "savitzky_golay": tuple(
        {"window_s": window_s, "order": order}
        for order, window_s in product((0, 1, 2), (0.034, 0.05, 0.067, 0.1, 0.134, 0.167, 0.2, 0.3, 0.4))
    ),
}
"""What is tried of each filter that has settings of its own; MediaPipe's are MediaPipe's."""
ON_TIME_FRAMES = 0.3
"""A filter within this is on time."""


@dataclass(frozen=True, eq=False)
class Track:
    """One face: when, what was seen, and what is true."""

    stamps_s: Floats
    """(T,) strictly increasing."""
    observed: NDArray[np.floating[Any]]
    """(T, N, C) px, x and y first; NaN in frames in which nothing was seen."""
    truth: NDArray[np.floating[Any]]
    """(T, N, 2) px."""

    @property
    def seen(self) -> NDArray[np.bool_]:
        """(T,)"""
        return np.asarray(np.isfinite(self.observed).all(axis=(1, 2)))


class TimedSequence(TrueSequence, Protocol):
    """What is taken of a synthetic sequence."""

    @property
    def stamps_s(self) -> Floats:
        """(T,) strictly increasing."""
        ...


def track_of(sequence: TimedSequence) -> Track:
    """A synthetic sequence by its 68 points; the head's absence counts as not seen."""
    seen = np.where(sequence.present[:, None, None], to_68(sequence.observed), np.nan)
    return Track(sequence.stamps_s, seen, to_68(sequence.clean_px)[..., :2])


@dataclass(frozen=True)
class Outcome:
    """What a filter with these settings makes of all tracks."""

    filter: str
    settings: Settings
    jitter_px: float
    lag_frames: float
    nme_percent: float


def outcomes(
    tracks: Sequence[Track],
    name: str,
    grid: Iterable[Settings] | None = None,
    tell: Callable[[str], None] | None = None,
) -> list[Outcome]:
    """One of each of the settings: of `GRIDS`, or of the defaults where that has none. `tell` hears of each."""
    found: list[Outcome] = []
    tried = tuple(GRIDS.get(name, ({},)) if grid is None else grid)
    side_by_side = _SideBySide(tracks)
    for settings in tried:
        smooth = side_by_side.filtered(make_filter(name, **settings))
        found.append(_measured(name, settings, tracks, smooth))
        if tell is not None:
            tell(f"{name} {len(found)} of {len(tried)}")
    return found


def raw_outcome(tracks: Sequence[Track]) -> Outcome:
    """What was seen, as it is."""
    return _measured("raw", {}, tracks, (track.observed[..., :2] for track in tracks))


def best_at(tried: Iterable[Outcome], lag_frames: float) -> Outcome:
    """The least jitter of all with this lag or a larger one; of all, where none lags so much.

    Whoever may lag more can smooth more: to be compared with this one is harder than with one of just the same lag.
    """
    return _least_jitter(tried, lambda outcome: outcome.lag_frames >= lag_frames)


def best_within(tried: Iterable[Outcome], lag_frames: float) -> Outcome:
    """The least jitter of all with this lag or a smaller one; of all, where none is so quick."""
    return _least_jitter(tried, lambda outcome: outcome.lag_frames <= lag_frames)


def best_setting(tried: Iterable[Outcome], on_time_frames: float = ON_TIME_FRAMES) -> Outcome:
    """The least jitter of all that are on time; where none is, the one nearest to it. For validation data alone."""
    every = _all_of(tried)
    near = max(on_time_frames, min(abs(outcome.lag_frames) for outcome in every))
    return _least_jitter(every, lambda outcome: abs(outcome.lag_frames) <= near)


def frontier_ratio(jitter_px: float, lag_frames: float, tried: Iterable[Outcome]) -> float:
    """Jitter, divided by that of the best filter of equal or larger lag."""
    return jitter_px / best_at(tried, lag_frames).jitter_px


class _SideBySide:
    """Tracks of one number of landmarks, padded to one length, so that a filter takes a frame of all at once."""

    def __init__(self, tracks: Sequence[Track]) -> None:
        if not tracks:
            raise GeometryError("tracks", "none", "one at least")
        shapes = sorted({track.observed.shape[1] for track in tracks})
        if len(shapes) > 1:
            raise GeometryError("tracks", f"{shapes} landmarks", "as many in each")
        self.seen = [track.seen for track in tracks]
        if not all(seen.any() for seen in self.seen):
            raise GeometryError("tracks", "one in which nothing was seen", "a frame with a face in each")
        frames = max(len(track.stamps_s) for track in tracks)
        # What a filter is not to see comes again under the last stamp: it learns nothing from it.
        self.order = [_last_seen(seen, frames) for seen in self.seen]
        self.points = np.stack(
            [track.observed[order, :, :2] for track, order in zip(tracks, self.order, strict=True)], axis=1
        ).astype(np.float32)
        self.stamps_s = np.stack([track.stamps_s[order] for track, order in zip(tracks, self.order, strict=True)], 1)

    def filtered(self, smoother: Filter) -> Iterator[Floats]:
        """Each track (T, N, 2), NaN where nothing was seen."""
        smooth = np.empty(self.points.shape)
        for frame, (points, stamps_s) in enumerate(zip(self.points, self.stamps_s, strict=True)):
            smooth[frame] = smoother(points, stamps_s)
        for number, seen in enumerate(self.seen):
            yield np.where(seen[:, None, None], smooth[: len(seen), number], np.nan)


def _last_seen(seen: NDArray[np.bool_], frames: int) -> NDArray[np.intp]:
    """(frames,) for each frame the last one up to it in which something was seen, at the beginning the first."""
    here = np.where(seen, np.arange(len(seen)), int(seen.argmax()))
    return np.pad(np.maximum.accumulate(here), (0, frames - len(seen)), mode="edge")


def _measured(name: str, settings: Settings, tracks: Sequence[Track], smooth: Iterable[Any]) -> Outcome:
    rows = np.array(
        [
            [measure(points, track.truth, track.seen) for measure in (jitter_px, lag_frames, nme_percent)]
            for track, points in zip(tracks, smooth, strict=True)
        ]
    )
    moving = np.isfinite(rows[:, 1])
    lag = float(rows[moving, 1].mean()) if moving.any() else math.nan
    return Outcome(name, dict(settings), float(rows[:, 0].mean()), lag, float(rows[:, 2].mean()))


def _least_jitter(tried: Iterable[Outcome], admits: Callable[[Outcome], bool]) -> Outcome:
    every = _all_of(tried)
    return min([outcome for outcome in every if admits(outcome)] or every, key=lambda outcome: outcome.jitter_px)


def _all_of(tried: Iterable[Outcome]) -> list[Outcome]:
    every = list(tried)
    if not every:
        raise GeometryError("settings", "none that were tried", "one at least")
    return every
