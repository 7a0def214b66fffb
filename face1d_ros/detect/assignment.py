"""Which detection continues which track: distances in face sizes, and the best assignment of all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

Floats = NDArray[np.float64]
Points = NDArray[np.floating[Any]]
Box: TypeAlias = tuple[float, float, float, float]
MESH_POINTS = 468
"""What 468 and 478 points have in common."""
SAMPLES = 32
"""Landmarks compared of each face, evenly spread over its indices: 8 × 8 faces × 478 would cost more than it tells."""
_SIDES_MEAN = np.full(4, 0.25)
_SAMPLES_MEAN = np.full(SAMPLES, 1.0 / SAMPLES)


@dataclass(frozen=True, eq=False)
class Shape:
    """Where a face is in the image plane.

    Single numbers are Python's: while the detector's models fill the caches, each call of numpy takes some 10 µs.
    """

    points: Points
    """(N, 2 or more) its landmarks, px."""
    box: Box
    """Left, top, right, bottom, px."""

    @property
    def centre(self) -> tuple[float, float]:
        """Of the box."""
        left, top, right, bottom = self.box
        return (left + right) / 2.0, (top + bottom) / 2.0

    @property
    def size_px(self) -> float:
        """Larger side of the box."""
        left, top, right, bottom = self.box
        return max(right - left, bottom - top)

    @property
    def kind(self) -> int:
        """Number of landmarks to sample from: only samples of one kind are the same points."""
        return min(len(self.points), MESH_POINTS)

    @cached_property
    def mean(self) -> tuple[float, float]:
        """Of the landmarks sampled."""
        x, y = (_SAMPLES_MEAN @ self.outline[2:]).tolist()
        return x, y

    @cached_property
    def outline(self) -> Floats:
        """(34, 2) x and y, px: lower and upper corner of the box, then some of the landmarks."""
        outline = np.empty((2 + SAMPLES, 2))
        outline[0], outline[1] = self.box[:2], self.box[2:]
        outline[2:] = self.points[_sampled(self.kind), :2]
        return outline


def shape_of(points: Points) -> Shape | None:
    """The shape of landmarks (N, 2 or more); None for those not all finite, or without extent."""
    if points.ndim != 2 or len(points) == 0 or points.shape[1] < 2:
        return None
    # A row for each coordinate: numpy finds extremes along rows several times faster.
    rows = np.ascontiguousarray(points.T)
    low, high = rows.min(axis=1).tolist(), rows.max(axis=1).tolist()
    # A landmark that is NaN or infinite is an extreme.
    sound = all(map(math.isfinite, low)) and all(map(math.isfinite, high))
    shape = Shape(points, (low[0], low[1], high[0], high[1]))
    return shape if sound and shape.size_px > 0.0 else None


@cache
def _sampled(kind: int) -> NDArray[np.intp]:
    """(32,) positions in the first so many landmarks."""
    return np.linspace(0, kind - 1, SAMPLES).astype(np.intp)


def nearest(first: Shape, second: Shape, moved: tuple[float, float] = (0.0, 0.0)) -> float:
    """At least so large is their distance, known without arrays: landmarks are no nearer than their means are."""
    if first.kind != second.kind:
        return 0.0
    (x, y), (other_x, other_y), (by_x, by_y) = first.mean, second.mean, moved
    apart_px = math.hypot(x + by_x - other_x, y + by_y - other_y)
    return (_box_px(first.box, second.box, moved) + apart_px) / _both_sizes_px(first, second)


def furthest(first: Shape, second: Shape, moved: tuple[float, float] = (0.0, 0.0)) -> float:
    """At most so large is their distance, known without arrays: landmarks are in their boxes."""
    (left, top, right, bottom), (by_x, by_y) = first.box, moved
    other_left, other_top, other_right, other_bottom = second.box
    span_px = math.hypot(
        max(right + by_x, other_right) - min(left + by_x, other_left),
        max(bottom + by_y, other_bottom) - min(top + by_y, other_top),
    )
    return (_box_px(first.box, second.box, moved) + span_px) / _both_sizes_px(first, second)


def _box_px(first: Box, second: Box, moved: tuple[float, float]) -> float:
    (left, top, right, bottom), (other_left, other_top, other_right, other_bottom) = first, second
    x, y = moved
    in_x = abs(left + x - other_left) + abs(right + x - other_right)
    return (in_x + abs(top + y - other_top) + abs(bottom + y - other_bottom)) / 4.0


def _both_sizes_px(first: Shape, second: Shape) -> float:
    return 2.0 * math.sqrt(first.size_px * second.size_px)


def distances(
    first: Sequence[Shape], second: Sequence[Shape], moved: Sequence[tuple[float, float]] | None = None
) -> Floats:
    """(A, B) mean of box distance and landmark distance, in sizes of the two faces (geometric mean).

    Box distance: mean over the four sides. Landmark distance: mean over the sampled points; where the two faces have
    different points, the box distance stands in for it. `moved`: the first are elsewhere by so many px.
    """
    if not first or not second:
        return np.zeros((len(first), len(second)))
    outlines = np.array([shape.outline for shape in first])
    if moved is not None:
        outlines += np.array(moved)[:, None, :]
    between = outlines[:, None] - np.array([shape.outline for shape in second])
    box_px = np.abs(between[:, :, :2]).reshape(len(first), len(second), 4) @ _SIDES_MEAN
    landmarks_px = np.hypot(between[:, :, 2:, 0], between[:, :, 2:, 1]) @ _SAMPLES_MEAN
    kinds = {shape.kind for shape in (*first, *second)}
    if len(kinds) > 1:
        other = [[a.kind != b.kind for b in second] for a in first]
        landmarks_px = np.where(other, box_px, landmarks_px)
    sizes_px = [[_both_sizes_px(a, b) for b in second] for a in first]
    result: Floats = (box_px + landmarks_px) / np.array(sizes_px)
    return result


def assign(costs: Floats, limit: float) -> list[tuple[int, int]]:
    """Pairs (row, column) that minimise the sum of costs, where a row left alone costs `limit`."""
    if not costs.size:
        return []
    if costs.size == 1:
        return [(0, 0)] if costs[0, 0] < limit else []
    rows, columns = linear_sum_assignment(np.minimum(costs, limit))
    return [(int(row), int(column)) for row, column in zip(rows, columns, strict=True) if costs[row, column] < limit]
