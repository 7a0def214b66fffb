"""A small face model made from MediaPipe's canonical face: warped, subdivided, with named movements."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from face1d_ros.geometry import tables
from face1d_ros.geometry.canonical import canonical_face
from face1d_ros.geometry.topology import curve, region, triangles
from face1d_ros.types import Topology

ICT_PACK = Path(__file__).parents[3] / "shared" / "data" / "ict_facekit" / "ict_narrow_f16.npz"
POINTS = 468
NAMES = ("jawOpen", "eyeBlink_L")
BLINK = 0.97
OPENING_MM = 20.0
Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


def true_points() -> Floats:
    """(468, 3) mm in the facing frame: the canonical face, wider, longer and rounder."""
    x, y, z = (10.0 * canonical_face().points_cm[:POINTS]).T
    return np.stack([1.04 * x, 1.06 * y + 0.0004 * y * y, z + 0.0006 * x * x + 5.0], axis=1)


def surface() -> tuple[Floats, Indices]:
    """Vertices (V, 3), the 468 points first, and triangles without eyes and mouth, each cut into four."""
    every = triangles(Topology.MESH_468)
    for hole in ("right_eye", "left_eye", "inner_lips"):
        every = every[~np.isin(every, curve(hole).indices).all(axis=1)]
    return _cut(true_points(), every)


def offsets() -> tuple[Floats, Floats]:
    """Identity (2, V, 3): wider, longer; expression (2, V, 3): NAMES."""
    points, _ = surface()
    wider, longer = np.zeros_like(points), np.zeros_like(points)
    wider[:, 0], longer[:, 1] = 0.05 * points[:, 0], 0.04 * points[:, 1]
    jaw, blink = np.zeros((POINTS, 3)), np.zeros((POINTS, 3))
    lower = [*curve("lower_inner_lip").indices[1:-1], *region("jaw"), 17, 84, 314, 181, 405]
    jaw[lower, 1] = OPENING_MM
    upper = curve("left_upper_lid").indices[1:-1]
    blink[upper] = BLINK * (true_points()[curve("left_lower_lid").indices[1:-1]] - true_points()[upper])
    every = triangles(Topology.MESH_468)
    for hole in ("right_eye", "left_eye", "inner_lips"):
        every = every[~np.isin(every, curve(hole).indices).all(axis=1)]
    return np.stack([wider, longer]), np.stack([_cut(part, every)[0] for part in (jaw, blink)])


def landmarks_68() -> Indices:
    """(68,) vertices."""
    return np.array(tables.MESH_TO_68, np.intp)


def flame_arrays() -> dict[str, NDArray[np.generic]]:
    """As FLAME has them: metres, y up, z out of the face."""
    points, faces = surface()
    identity, expression = offsets()
    flip = np.array([1.0, -1.0, -1.0]) * 1e-3
    directions = np.moveaxis(np.concatenate([identity, expression]) * flip, 0, 2)
    return {
        "v_template": (points * flip).astype(np.float64),
        "shapedirs": directions.astype(np.float64),
        "f": faces.astype(np.uint32),
        "expression_count": np.array(2),
        "expression_names": np.array(NAMES),
        "landmarks_68": landmarks_68(),
    }


def bfm_arrays() -> dict[str, NDArray[np.generic]]:
    """As `bfm` reads them: mm, y up, z out of the face, expressions without names."""
    points, faces = surface()
    identity, expression = offsets()
    flip = np.array([1.0, -1.0, -1.0])
    return {
        "shape_mean": (points * flip).astype(np.float32),
        "shape_basis": (identity * flip).astype(np.float32),
        "expression_basis": (expression * flip).astype(np.float32),
        "triangles": faces.astype(np.int32),
        "landmarks_68": landmarks_68(),
    }


def write(path: Path, arrays: dict[str, NDArray[np.generic]], **others: NDArray[np.generic]) -> Path:
    """An .npz of the arrays, some of them replaced or added."""
    np.savez(path, **{**arrays, **others})
    return path


def _cut(points: Floats, faces: Indices) -> tuple[Floats, Indices]:
    """Each triangle in four, with new vertices in the middle of the edges."""
    pairs = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    unique, number = np.unique(pairs, axis=0, return_inverse=True)
    middles = points[unique].mean(axis=1)
    ab, bc, ca = (len(points) + number.reshape(3, -1)).astype(np.intp)
    a, b, c = faces.T
    parts = [np.stack(part, axis=1) for part in ((a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca))]
    return np.concatenate([points, middles]), np.concatenate(parts)
