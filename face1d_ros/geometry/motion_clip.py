"""A stretch of facial motion as motion encoders take it: offsets from rest on a grid of fixed times.

The grid makes clips of any camera comparable: 15 and 60 Hz give the same numbers but for noise. Landmarks are the 68
that every topology has, with the head's pose taken off. Letters: T frames of a camera, G frames of the grid.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import GeometryError

Floats = NDArray[np.floating[Any]]
RATE_HZ = 20.0
FRAMES = 128
"""Of the grid in the longest clip: 6.4 s. What is longer is cut at its end."""
POINTS = 68
LONGEST_GAP_S = 0.5
"""Between two frames of a camera: nobody knows what a face did in a longer one."""
MARGIN = 16
"""Frames of the grid beside a motion that are taken with it where they are there: its ends are never certain."""
FIRST = 3
"""Frames of the grid that stand for rest where no other is at rest."""


@dataclass(frozen=True)
class Stretch:
    """Frames of a grid from `begin` to before `end`."""

    begin: int
    end: int

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return (self.end - self.begin) / RATE_HZ

    def around(self, count: int) -> Stretch:
        """With some of what lies beside it, within so many frames; of a long one less, so that its end is not cut."""
        beside = min(MARGIN, max(FRAMES - (self.end - self.begin), 0) // 2)
        return Stretch(max(self.begin - beside, 0), min(self.end + beside, count))


def on_grid(points_cm: Floats, stamps_s: Floats) -> NDArray[np.float32]:
    """(G, 68, 3) of landmarks (T, 68, 3) at rising stamps (T,), interpolated; the grid begins with the first frame."""
    points, stamps = np.asarray(points_cm), np.asarray(stamps_s, np.float64)
    if points.shape != (len(stamps), POINTS, 3) or len(stamps) < 2:
        came = f"landmarks {points.shape} at {len(stamps)} stamps"
        raise GeometryError("clip", came, f"(T, {POINTS}, 3), with a stamp for each of two frames or more")
    if not np.isfinite(points).all() or not (np.diff(stamps) > 0.0).all():
        raise GeometryError("clip", "landmarks or stamps that are not finite, or do not rise", "finite, rising stamps")
    times_s = stamps[0] + np.arange(int((stamps[-1] - stamps[0]) * RATE_HZ + 1e-6) + 1) / RATE_HZ
    after = np.clip(np.searchsorted(stamps, times_s), 1, len(stamps) - 1)
    share = ((times_s - stamps[after - 1]) / (stamps[after] - stamps[after - 1]))[:, None, None]
    found: NDArray[np.float32] = ((1.0 - share) * points[after - 1] + share * points[after]).astype(np.float32)
    return found


def rest_of(grid_cm: Floats, moving: Stretch | None) -> Floats:
    """(68, 3) the face at rest: the median of what lies beside the motion, or the first frames where nothing does."""
    beside = grid_cm if moving is None else np.concatenate([grid_cm[: moving.begin], grid_cm[moving.end :]])
    chosen = beside if len(beside) >= FIRST else grid_cm[:FIRST]
    return np.asarray(np.median(chosen, axis=0))


def encoder_input(
    grid_cm: Floats, rest_cm: Floats, moving: Stretch | None = None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(FRAMES, 204) offsets from rest and (FRAMES,) whether there is a frame, around a motion or of the whole clip."""
    taken = Stretch(0, len(grid_cm)) if moving is None else moving.around(len(grid_cm))
    chosen = grid_cm[taken.begin : taken.end][:FRAMES]
    offsets, mask = np.zeros((FRAMES, POINTS * 3), np.float32), np.zeros(FRAMES, np.float32)
    offsets[: len(chosen)] = (chosen - rest_cm).reshape(len(chosen), -1)
    mask[: len(chosen)] = 1.0
    return offsets, mask
