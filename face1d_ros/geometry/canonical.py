"""MediaPipe's canonical face: 3D points, triangles, mirror partners and regions of the mesh.

The table is written by `scripts/make_topology.py` from MediaPipe's model files (Apache-2.0).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

TABLE = Path(__file__).with_name("canonical_face.npz")


@dataclass(frozen=True, eq=False)
class CanonicalFace:
    """The mean face in the head frame: x to the person's left, y down, z into the head; it looks along -z.

    That is the camera's optical frame for a face that looks straight into the camera.
    """

    points_cm: NDArray[np.float64]
    """(478, 3)."""
    normals: NDArray[np.float64]
    """(478, 3) unit vectors out of the face, area-weighted over the triangles at each point."""
    triangles: NDArray[np.intp]
    """(906, 3), the 898 of the 468 points first; corners clockwise seen from outside."""
    partner: NDArray[np.intp]
    """(478,) the mirror image of each point; points on the midline are their own."""
    region: NDArray[np.intp]
    """(478,) position in `tables.REGIONS`."""
    pose_weights: NDArray[np.float64]
    """(468,) MediaPipe's weights for aligning a face; 0 for points that move with expression."""


@cache
def canonical_face() -> CanonicalFace:
    """The stored face, read once."""
    with np.load(TABLE, allow_pickle=False) as table:
        points = table["points_cm"].astype(np.float64)
        triangles = table["triangles"].astype(np.intp)
        face = CanonicalFace(
            points_cm=points,
            normals=vertex_normals(points, triangles),
            triangles=triangles,
            partner=table["partner"].astype(np.intp),
            region=table["region"].astype(np.intp),
            pose_weights=table["pose_weights"].astype(np.float64),
        )
    for array in vars(face).values():
        array.flags.writeable = False
    return face


def vertex_normals(points: NDArray[np.floating[Any]], triangles: NDArray[np.intp]) -> NDArray[np.float64]:
    """(N, 3) unit normals of a mesh from its points (N, 3) and triangles (M, 3)."""
    a, b, c = (points[triangles[:, corner]] for corner in range(3))
    # Twice the triangle's area times its normal: the sum over triangles weighs them by area.
    areas = np.cross(b - a, c - a)
    normals = np.zeros(points.shape, np.float64)
    for corner in range(3):
        np.add.at(normals, triangles[:, corner], areas)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return normals
