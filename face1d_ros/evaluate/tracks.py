"""What the figures of landmark motion are computed from: two tracks of one shape, checked, and which points count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import GeometryError

Points = NDArray[np.floating[Any]]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Pair:
    """A prediction and its truth."""

    p: Floats
    """(T, N, 2) predicted, 0 where not present."""
    g: Floats
    """(T, N, 2) true, 0 where not present."""
    present: Mask
    """(T, N) points that count, in both."""
    box: Floats
    """(T, 2) width and height of the truth's landmark box; NaN in frames of which no point counts."""

    @property
    def size(self) -> Floats:
        """(T,) the larger side of the box."""
        return np.asarray(self.box.max(axis=1))

    def over(self, frames: int) -> Mask:
        """(T − frames + 1, N) points present in so many frames in a row; at least one is."""
        count = self.present.shape[0] - frames + 1
        both = np.logical_and.reduce([self.present[start : start + count] for start in range(frames)])
        if not both.any():
            raise GeometryError("landmarks", f"no point present in {frames} frames in a row", "one at least")
        return both


def pair(predicted: Points, truth: Points | None, present: Mask | None = None, frames: int = 1) -> Pair:
    """Two tracks (T, N, 2) with T from `frames`; without a truth, the prediction stands in for it.

    `present` (T, N) or (T,) says which points count; what does not count may be NaN. The box is that of all the
    truth's points that are known, also of those that do not count, so that it does not depend on who predicts.
    """
    p = _track("predicted landmarks", predicted, frames)
    g = p if truth is None else _track("true landmarks", truth, frames)
    if p.shape != g.shape:
        raise GeometryError("predicted landmarks", f"shape {p.shape}", f"{g.shape}, as the true ones")
    counts = _mask(present, p.shape[:2])
    _check_finite("predicted landmarks", p, counts)
    _check_finite("true landmarks", g, counts)
    return Pair(np.where(counts[..., None], p, 0.0), np.where(counts[..., None], g, 0.0), counts, _box(g, counts))


def positive(lengths: Floats, counted: Mask) -> Floats:
    """What is divided by, checked where it counts."""
    if not (lengths[counted] > 0.0).all():
        raise GeometryError("landmarks", "a face without extent", "faces with width and height")
    return lengths


def lengths_of(vectors: Floats) -> Floats:
    """(..., C) to (...)."""
    return np.asarray(np.sqrt((vectors * vectors).sum(axis=-1)))


def mean_over_points(values: Floats, counted: Mask) -> float:
    """Mean over t, i of (T, N), over what counts."""
    return float(values[counted].mean())


def rms_percent(vectors: Floats, counted: Mask, size: Floats) -> float:
    """100 · mean over t of √(mean over i of ‖(T, N, 2)‖²) / size (T,), over what counts."""
    number = counted.sum(axis=1)
    squares = np.where(counted, (vectors * vectors).sum(axis=2), 0.0).sum(axis=1)
    seen = number > 0
    return float(100.0 * (np.sqrt(squares[seen] / number[seen]) / size[seen]).mean())


def _track(name: str, points: Points, frames: int) -> Floats:
    given: NDArray[Any] = _as_array(name, points)
    if given.dtype.kind not in "fiu":
        raise GeometryError(name, f"values of type {given.dtype}", "real numbers")
    array = given.astype(np.float64)
    if array.ndim != 3 or array.shape[2] != 2 or array.shape[0] < frames or array.shape[1] < 1:
        expected = f"(frames, landmarks, 2) with at least {frames} frame{'s' if frames > 1 else ''}"
        raise GeometryError(name, f"shape {array.shape}", expected)
    return array


def _as_array(name: str, points: Any) -> NDArray[Any]:
    try:
        return np.asarray(points)
    except ValueError as error:
        raise GeometryError(name, "rows of different lengths", "one array of real numbers") from error


def _mask(present: Mask | None, shape: tuple[int, ...]) -> Mask:
    if present is None:
        return np.ones(shape, np.bool_)
    mask = np.asarray(present)
    if mask.dtype != np.bool_ or mask.shape not in (shape, shape[:1]):
        came = f"{mask.dtype} of shape {mask.shape}"
        raise GeometryError("mask of present landmarks", came, f"bool of shape {shape} or {shape[:1]}")
    return np.broadcast_to(mask if mask.ndim == 2 else mask[:, None], shape)


def _check_finite(name: str, array: Floats, counts: Mask) -> None:
    count = int((counts & ~_known(array)).any(axis=1).sum())
    if count:
        raise GeometryError(name, f"{count} frames with values that are not finite", "finite values where they count")


def _known(points: Floats) -> Mask:
    """(T, N) of (T, N, 2)."""
    return np.asarray(np.isfinite(points[..., 0]) & np.isfinite(points[..., 1]))


def _box(truth: Floats, counts: Mask) -> Floats:
    known, plane = _known(truth)[:, None], np.ascontiguousarray(truth.swapaxes(1, 2))  # long rows are fast to search
    high, low = np.where(known, plane, -np.inf).max(axis=2), np.where(known, plane, np.inf).min(axis=2)
    counted = counts.any(axis=1)
    box = np.full(high.shape, np.nan)
    np.subtract(high, low, out=box, where=counted[:, None])
    return positive(box, counted)
