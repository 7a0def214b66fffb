"""Distances from points to a triangle mesh: exact, by trees over the triangles' centres."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import GeometryError

Points = NDArray[np.floating[Any]]
Floats = NDArray[np.float64]
Indices = NDArray[np.integer[Any]]
FIRST_CANDIDATES = 8
"""Triangles looked at for each point; more where these cannot be proved to hold the nearest."""


class Surface:
    """A triangle mesh that can be asked how far points are from it."""

    def __init__(self, vertices: Points, triangles: Indices) -> None:
        """(V, 3) and (F, 3)."""
        from scipy.spatial import cKDTree

        corners = checked_vertices("surface vertices", vertices)[_checked_triangles(triangles, len(vertices))]
        self._corner_tree = cKDTree(corners.reshape(-1, 3))
        reach = np.sqrt(((corners - corners.mean(axis=1, keepdims=True)) ** 2).sum(axis=2)).max(axis=1)
        # A few large triangles among small ones would make every search a wide one.
        size = np.frexp(reach)[1]
        self._groups = [_Group(corners[size == one], reach[size == one]) for one in np.unique(size)]

    def distances(self, points: Points) -> Floats:
        """(M,) from each of (M, 3) to the nearest point of any triangle."""
        points = checked_vertices("points", points)
        nearest: Floats = self._corner_tree.query(points)[0]
        for group in self._groups:
            group.lower(points, nearest)
        return nearest


class _Group:
    """Triangles of about one size."""

    def __init__(self, corners: Floats, reach: Floats) -> None:
        """(F, 3, 3), and (F,) how far each one's corners, and so all its points, are from its centre at most."""
        from scipy.spatial import cKDTree

        self._corners, self._reach = corners, reach
        self._tree = cKDTree(corners.mean(axis=1))

    def lower(self, points: Floats, nearest: Floats) -> None:
        """Lowers `nearest` (M,) where one of these triangles is nearer."""
        seen, count = 0, min(FIRST_CANDIDATES, len(self._corners))
        rows = np.arange(len(points))
        while rows.size:
            furthest = float(nearest[rows].max()) + self._reach.max()
            ranks = np.arange(1, count + 1)
            to_centre, triangles = self._tree.query(points[rows], k=ranks, distance_upper_bound=furthest)
            triangles = np.minimum(triangles, len(self._corners) - 1)  # where there are no more, at infinity
            near = to_centre - self._reach[triangles] < nearest[rows, None]
            near[:, :seen] = False
            row, column = np.nonzero(near)
            found = np.sqrt(_squared_distances(points[rows[row]], self._corners[triangles[row, column]]))
            np.minimum.at(nearest, rows[row], found)
            # Triangles further down the list are at least that far away.
            open_ones = to_centre[:, -1] - self._reach.max() < nearest[rows]
            rows = rows[open_ones & (count < len(self._corners))]
            seen, count = count, min(4 * count, len(self._corners))


def checked_vertices(name: str, points: Points) -> Floats:
    """(N, 3) finite."""
    array = np.asarray(points, np.float64)
    if array.ndim != 2 or array.shape[1] != 3 or not len(array):
        raise GeometryError(name, f"shape {array.shape}", "(N, 3) with at least one")
    if not np.isfinite(array).all():
        count = int((~np.isfinite(array)).any(axis=1).sum())
        raise GeometryError(name, f"{count} that are not finite", "finite values only")
    return array


def _checked_triangles(triangles: Indices, vertices: int) -> NDArray[np.intp]:
    array = np.asarray(triangles)
    if array.ndim != 2 or array.shape[1] != 3 or not len(array) or array.dtype.kind not in "iu":
        raise GeometryError("triangles", f"{array.dtype} of shape {array.shape}", "whole numbers (F, 3), at least one")
    if array.min() < 0 or array.max() >= vertices:
        raise GeometryError("triangles", f"vertex {array.min()} to {array.max()}", f"0 to {vertices - 1}")
    return array.astype(np.intp)


def _squared_distances(points: Floats, corners: Floats) -> Floats:
    """(M,) from points (M, 3) to triangles (M, 3, 3): to the plane where the foot lies inside, else to an edge."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    ends = np.concatenate([b - a, c - b, a - c])
    starts = np.tile(points, (3, 1)) - np.concatenate([a, b, c])
    length = (ends * ends).sum(axis=1)
    along = np.clip((starts * ends).sum(axis=1) / np.where(length > 0.0, length, 1.0), 0.0, 1.0)
    beside = starts - along[:, None] * ends
    nearest = (beside * beside).sum(axis=1).reshape(3, -1).min(axis=0)
    normal = np.cross(b - a, c - a)
    area = (normal * normal).sum(axis=1)
    turn = np.cross(ends, starts).reshape(3, -1, 3)
    inside = ((turn * normal).sum(axis=2) >= 0.0).all(axis=0) & (area > 0.0)
    height = ((points - a) * normal).sum(axis=1)
    return np.where(inside, height * height / np.where(area > 0.0, area, 1.0), nearest)
