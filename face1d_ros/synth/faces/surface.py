"""A triangle mesh to lay points on: closest points, ways along edges, and its mirror image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import cKDTree

from face1d_ros.errors import FaceModelError
from face1d_ros.synth.faces.anchors import Anchors

Floats: TypeAlias = NDArray[np.float64]
Indices: TypeAlias = NDArray[np.intp]
CANDIDATES = 40
"""Triangles with the nearest middles that are tried for the closest point; more change nothing on face meshes."""
MIRROR_TOLERANCE_MM = 0.2


@dataclass(frozen=True, eq=False)
class Foot:
    """Where points (N, 3) meet a surface."""

    anchors: Anchors
    points: Floats
    """(N, 3)."""
    distance: Floats
    """(N,); infinite where no triangle looks the same way as the point does."""


@dataclass(frozen=True, eq=False)
class Surface:
    """Points (V, 3) and triangles (F, 3)."""

    points: Floats
    triangles: Indices

    @cached_property
    def normals(self) -> Floats:
        """(F, 3) unit vectors; 0 for triangles without area."""
        a, b, c = (self.points[self.triangles[:, corner]] for corner in range(3))
        normals = np.cross(b - a, c - a)
        lengths = np.linalg.norm(normals, axis=1, keepdims=True)
        result: Floats = normals / np.where(lengths > 0.0, lengths, 1.0)
        return result

    @cached_property
    def _middles(self) -> Any:
        return cKDTree(self.points[self.triangles].mean(axis=1))

    @cached_property
    def _edges(self) -> csr_matrix:
        """(V, V) lengths of the edges."""
        pairs = np.concatenate([self.triangles[:, [0, 1]], self.triangles[:, [1, 2]], self.triangles[:, [2, 0]]])
        pairs = np.unique(np.sort(pairs, axis=1), axis=0)
        lengths = np.linalg.norm(self.points[pairs[:, 0]] - self.points[pairs[:, 1]], axis=1)
        return csr_matrix((lengths, (pairs[:, 0], pairs[:, 1])), shape=(len(self.points),) * 2)

    @cached_property
    def partner(self) -> Indices | None:
        """(V,) the vertex at each one's mirror image in x = 0; None where the surface is not symmetric."""
        distances, partner = cKDTree(self.points).query(self.points * [-1.0, 1.0, 1.0])
        found: Indices = partner.astype(np.intp)
        mirrored = distances.max() <= MIRROR_TOLERANCE_MM and (found[found] == np.arange(len(found))).all()
        return found if mirrored else None

    def largest_part(self) -> Surface:
        """Without the triangles of smaller connected parts, such as eyeballs and teeth."""
        _, labels = connected_components(self._edges, directed=False)
        largest = np.bincount(labels[self.triangles[:, 0]]).argmax()
        return Surface(self.points, self.triangles[labels[self.triangles[:, 0]] == largest])

    def feet(self, points: Floats, normals: Floats, least_cosine: float) -> Foot:
        """The closest point of the surface for each of (N, 3), among triangles whose normal is near the point's."""
        count = min(CANDIDATES, len(self.triangles))
        _, near = self._middles.query(points, k=count)
        near = near.reshape(len(points), count)
        weights = closest_weights(points[:, None], self.points[self.triangles[near]])
        feet = (self.points[self.triangles[near]] * weights[..., None]).sum(axis=2)
        distances = np.linalg.norm(feet - points[:, None], axis=2)
        distances[(self.normals[near] * normals[:, None]).sum(axis=2) < least_cosine] = np.inf
        best, rows = distances.argmin(axis=1), np.arange(len(points))
        anchors = Anchors(self.triangles[near[rows, best]], weights[rows, best].astype(np.float32))
        return Foot(anchors, feet[rows, best], distances[rows, best])

    def way(self, stops: Sequence[int]) -> Indices:
        """(M,) vertices along the shortest edges from stop to stop."""
        way = [int(stops[0])]
        for start, end in pairwise(stops):
            lengths, before = dijkstra(self._edges, directed=False, indices=start, return_predecessors=True)
            if not np.isfinite(lengths[end]):
                raise FaceModelError(f"vertices {start} and {end} of the face model are not joined by edges")
            part = [int(end)]
            while part[-1] != start:
                part.append(int(before[part[-1]]))
            way += part[-2::-1]
        return np.array(way, np.intp)


def along(way: Indices, points: Floats, fractions: Floats) -> Anchors:
    """(N,) fractions of the length of a way over vertices, as points on its edges."""
    lengths = np.linalg.norm(np.diff(points[way], axis=0), axis=1)
    stations = np.concatenate([[0.0], np.cumsum(lengths)])
    wanted = np.clip(fractions, 0.0, 1.0) * stations[-1]
    edge = np.clip(np.searchsorted(stations, wanted, side="right") - 1, 0, len(lengths) - 1)
    share = (wanted - stations[edge]) / np.where(lengths[edge] > 0.0, lengths[edge], 1.0)
    vertices = np.stack([way[edge], way[edge + 1], way[edge]], axis=1)
    weights = np.stack([1.0 - share, share, np.zeros_like(share)], axis=1)
    return Anchors(vertices, weights.astype(np.float32))


def closest_weights(points: Floats, corners: Floats) -> Floats:
    """(..., 3) barycentric coordinates of the point of each triangle (..., 3, 3) that is closest to points (..., 3).

    The foot of the perpendicular where it lies inside, else the best point of the three sides.
    """
    a, b, c = (corners[..., corner, :] for corner in range(3))
    u, v, w = b - a, c - a, points - a
    uu, uv, vv, wu, wv = ((p * q).sum(axis=-1) for p, q in ((u, u), (u, v), (v, v), (w, u), (w, v)))
    area = uu * vv - uv * uv
    safe = np.where(area > 0.0, area, 1.0)
    s, t = (vv * wu - uv * wv) / safe, (uu * wv - uv * wu) / safe
    inside = (area > 0.0) & (s >= 0.0) & (t >= 0.0) & (s + t <= 1.0)
    best = np.stack([1.0 - s - t, s, t], axis=-1)
    least = np.where(inside, -1.0, np.inf)
    for first, second in ((0, 1), (1, 2), (2, 0)):
        weights = _on_side(points, corners[..., first, :], corners[..., second, :], first, second)
        distance = (((weights[..., None] * corners).sum(axis=-2) - points) ** 2).sum(axis=-1)
        better = distance < least
        least = np.where(better, distance, least)
        best = np.where(better[..., None], weights, best)
    return best


def _on_side(points: Floats, start: Floats, end: Floats, first: int, second: int) -> Floats:
    side = end - start
    length = (side * side).sum(axis=-1)
    share = np.clip(((points - start) * side).sum(axis=-1) / np.where(length > 0.0, length, 1.0), 0.0, 1.0)
    weights = np.zeros((*share.shape, 3))
    weights[..., first], weights[..., second] = 1.0 - share, share
    return weights
