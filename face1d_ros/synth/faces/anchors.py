"""Points tied to a mesh: each to three vertices with weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import GeometryError


@dataclass(frozen=True, eq=False)
class Anchors:
    """N points by barycentric coordinates: they move with their vertices, however those move."""

    vertices: NDArray[np.intp]
    """(N, 3) into the mesh; a point on a vertex or an edge repeats one with weight 0."""
    weights: NDArray[np.float32]
    """(N, 3), each row adds up to 1."""

    def __post_init__(self) -> None:
        if self.vertices.ndim != 2 or self.vertices.shape[1] != 3 or self.vertices.shape != self.weights.shape:
            came = f"vertices {self.vertices.shape} and weights {self.weights.shape}"
            raise GeometryError("anchors", came, "(N, 3) both")

    def on(self, vertices: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        """(..., V, 3) vertices, or offsets of vertices, to (..., N, 3)."""
        corners = vertices[..., self.vertices, :]
        placed: NDArray[np.floating[Any]] = (corners * self.weights[..., None].astype(vertices.dtype)).sum(axis=-2)
        return placed

    def take(self, indices: Any) -> Anchors:
        """Some of the points."""
        return Anchors(self.vertices[indices], self.weights[indices])


def on_vertices(indices: Any) -> Anchors:
    """Points that are vertices of the mesh."""
    vertices = np.repeat(np.asarray(indices, np.intp)[:, None], 3, axis=1)
    weights = np.zeros(vertices.shape, np.float32)
    weights[:, 0] = 1.0
    return Anchors(vertices, weights)
