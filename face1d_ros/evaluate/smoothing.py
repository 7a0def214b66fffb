"""How good a smoother is: error, jitter and lag of what was seen, and its error where a face was hidden or lost.

Every row goes through the smoothing stage as the node runs it. All figures are of `metrics.py`: of each sequence
first, then the plain mean over sequences. They count frames in which the face was measured, so that all rows answer the
same question; what happens in between is counted by itself:

- hidden: the NME of the points that something stood before, beside that of the raw points there;
- missing: the NME of frames that were lost, ten in a row at most, beside that of the last measurement held. A row that
  gives nothing there is taken to hold its own last output.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Sequence as Many
from dataclasses import dataclass
from typing import Any

import numpy as np

from face1d_ros.errors import InvalidValueError
from face1d_ros.evaluate import frontier, metrics
from face1d_ros.evaluate.smoothing_tracks import NS, Track, held, longest_stretch, synthetic_track
from face1d_ros.evaluate.tracks import Floats
from face1d_ros.geometry.topology import to_68
from face1d_ros.synth.corpus.fixed_sets import select
from face1d_ros.synth.corpus.reader import Corpus
from face1d_ros.synth.sequence import Sequence
from face1d_ros.types import FloatArray, Topology

MOTION, OCCLUSION, DROPOUT = "smoothing", "occlusion", "dropout"
LEAST_FRAMES = 9
"""Of a sequence that is measured."""
Refine = Callable[[Track], FloatArray]
Advance = Callable[[], None]


@dataclass(frozen=True, eq=False)
class Blocks:
    """The parts of the test set that smoothers are judged on."""

    motion: tuple[Track, ...]
    occlusion: tuple[Track, ...]
    dropout: tuple[Track, ...]

    @property
    def topology(self) -> Topology:
        """Of all tracks."""
        return self.motion[0].topology

    @property
    def all(self) -> tuple[Track, ...]:
        """One block after the other."""
        return (*self.motion, *self.occlusion, *self.dropout)


def load_blocks(sequences: Many[Sequence] | Corpus, topology: Topology, most: int | None = None) -> Blocks:
    """Of the test set, with the points of a topology; of each block so many sequences at most, evenly spread."""
    found = (_spread(select(sequences, block), most) for block in (MOTION, OCCLUSION, DROPOUT))
    motion, occlusion, dropout = (tuple(synthetic_track(one, topology) for one in block) for block in found)
    return Blocks(tuple(track for track in motion if _is_long(track)), occlusion, dropout)


@dataclass(frozen=True, eq=False)
class Judged:
    """What came out of one smoother."""

    motion: Mapping[str, float]
    """Figures of `metrics.landmark_motion`."""
    hidden_percent: Floats
    """(sequences with hidden points,) NME of these points."""
    missing_percent: Floats
    """(sequences with missing frames,) NME of these frames."""
    of_68: Mapping[str, float]
    """Jitter, lag and NME as `frontier` measures the grids of filters."""
    sequences: tuple[Mapping[str, Any], ...] = ()
    """Of each sequence its name and what it tells."""


def judge_smoother(refine: Refine, blocks: Blocks, advance: Advance = lambda: None) -> Judged:
    """All figures of one smoother. `advance` is called after each track."""
    motion, of_68 = [], []
    for track in blocks.motion:
        refined = refine(track)
        motion.append(motion_figures(refined, track))
        of_68.append(figures_68(refined, track))
        advance()
    hidden = [hidden_error(refine(track), track) for track in _counted(blocks.occlusion, advance)]
    missing = [missing_error(refine(track), track) for track in _counted(blocks.dropout, advance)]
    sequences: list[Mapping[str, Any]] = [
        {"sequence": track.name, **figures} for track, figures in zip(blocks.motion, motion, strict=True)
    ]
    for tracks, key, errors in (
        (blocks.occlusion, "hidden_percent", hidden),
        (blocks.dropout, "missing_percent", missing),
    ):
        sequences += [{"sequence": track.name, key: error} for track, error in zip(tracks, errors, strict=True)]
    return Judged(mean_figures(motion), _known(hidden), _known(missing), mean_figures(of_68), tuple(sequences))


def raw(track: Track) -> FloatArray:
    """The measured points as they are, the last held where there are none: what a smoother has to beat."""
    return held(track.observed)


def motion_figures(refined: FloatArray, track: Track) -> dict[str, float]:
    """Over the frames that were measured and given out."""
    counted = track.seen & np.isfinite(refined[:, 0, 0])
    return metrics.landmark_motion(refined[..., :2], track.truth, counted)


def figures_68(refined: FloatArray, track: Track) -> dict[str, float]:
    """Of the 68 points, over the same frames: the grids of filters are measured on them."""
    counted = track.seen & np.isfinite(refined[:, 0, 0])
    points, truth = to_68(refined)[..., :2], to_68(track.truth)
    return {
        "jitter_px": metrics.jitter_px(points, truth, counted),
        "lag_frames": metrics.lag_frames(points, truth, counted),
        "nme_percent": metrics.nme_percent(points, truth, counted),
    }


def frontier_tracks(blocks: Blocks) -> list[frontier.Track]:
    """What the grids of filters run on: the 68 points of the motion block."""
    return [
        frontier.Track(
            np.array([frame.header.stamp_ns for frame in track.frames]) / NS, to_68(track.observed), to_68(track.truth)
        )
        for track in blocks.motion
    ]


def hidden_error(refined: FloatArray, track: Track) -> float:
    """NME of the hidden points in percent; NaN where there are none."""
    counted = track.hidden & np.isfinite(refined[:, :1, 0])
    return metrics.nme_percent(refined[..., :2], track.truth, counted) if counted.any() else float("nan")


def missing_error(refined: FloatArray, track: Track) -> float:
    """NME of the missing frames in percent; NaN where there are none."""
    given = held(refined)
    counted = track.missing & np.isfinite(given[:, 0, 0])
    return metrics.nme_percent(given[..., :2], track.truth, counted) if counted.any() else float("nan")


def ratio(values: Floats, baseline: Floats) -> float:
    """Of the means over sequences; NaN where there are none."""
    if len(values) != len(baseline) or not len(values):
        return float("nan")
    return float(values.mean() / baseline.mean())


def mean_figures(rows: Many[Mapping[str, float]]) -> dict[str, float]:
    """The plain mean of each figure over the sequences that have it."""
    found = {}
    for key in rows[0]:
        values = [row[key] for row in rows if np.isfinite(row[key])]
        found[key] = float(np.mean(values)) if values else float("nan")
    return found


def _counted(tracks: Iterable[Track], advance: Advance) -> Iterable[Track]:
    for track in tracks:
        yield track
        advance()


def _known(values: Many[float]) -> Floats:
    array = np.array(values, np.float64)
    return array[np.isfinite(array)]


def _spread(sequences: Many[Sequence], most: int | None) -> list[Sequence]:
    if most is not None and most < 1:
        raise InvalidValueError("sequences of a block", most, "at least 1")
    if most is None or len(sequences) <= most:
        return list(sequences)
    chosen = np.linspace(0, len(sequences) - 1, most).round().astype(int)
    return [sequences[index] for index in chosen.tolist()]


def _is_long(track: Track) -> bool:
    stretch = longest_stretch(track.seen)
    return stretch.stop - stretch.start >= LEAST_FRAMES
