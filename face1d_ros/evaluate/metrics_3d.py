"""3D faces against their truth: meshes, coefficients, head pose, landmarks with depth. Lengths in mm.

T frames, V vertices, N landmarks, K coefficients. Bad shapes and values that are not finite are refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import GeometryError
from face1d_ros.evaluate.metrics import OUTER_EYE_CORNERS
from face1d_ros.evaluate.surface import Indices, Points, Surface
from face1d_ros.geometry.rigid import align
from face1d_ros.geometry.topology import to_68

Floats = NDArray[np.float64]
ROTATION_TOLERANCE = 1e-3
"""How far a rotation's RᵀR may be from the identity in any element."""


@dataclass(frozen=True)
class MeshError:
    """Of one sequence: mean over vertices and frames, after rigid alignment of each frame without scale."""

    surface_mm: float
    """From each predicted vertex to the truth's surface."""
    vertex_mm: float
    """From each predicted vertex to the true one."""


def mesh_error(predicted: Points, truth: Points, triangles: Indices, region: Indices | None = None) -> MeshError:
    """Meshes (T, V, 3) or (V, 3) of one topology; triangles (F, 3).

    `region` (M,) says which vertices are aligned and measured (the narrow face); the surface is the truth's whole one.
    """
    p, g = _pair("vertices", predicted, truth, 3)
    chosen = np.arange(p.shape[1]) if region is None else _checked_region(region, p.shape[1])
    surface, vertex = [], []
    for one, true in zip(p, g, strict=True):
        moved = laid_on(one[chosen], true[chosen])
        surface.append(Surface(true, triangles).distances(moved).mean())
        vertex.append(np.sqrt(((moved - true[chosen]) ** 2).sum(axis=1)).mean())
    return MeshError(float(np.mean(surface)), float(np.mean(vertex)))


def laid_on(predicted: Points, truth: Points) -> Floats:
    """(V, 3) predicted vertices, turned and moved onto the true ones (V, 3), without scale."""
    moved = align(predicted, truth, with_scale=False).apply(predicted)
    if not np.isfinite(moved).all():
        raise GeometryError("vertices", "points on one line", "a face that determines a rotation")
    return moved


@dataclass(frozen=True, eq=False)
class CoefficientErrors:
    """Of each coefficient over all frames."""

    names: tuple[str, ...]
    mean_absolute: Floats
    """(K,)."""
    correlation: Floats
    """(K,) Pearson's; NaN where the truth or the prediction never changes."""

    @property
    def mean_correlation(self) -> float:
        """Over the coefficients that have one; NaN if none has."""
        known = self.correlation[np.isfinite(self.correlation)]
        return float(known.mean()) if known.size else float("nan")


def coefficient_errors(predicted: Points, truth: Points, names: Sequence[str]) -> CoefficientErrors:
    """Mean absolute error and correlation of each of (T, K)."""
    p, g = _pair("coefficients", predicted, truth, 2)
    if len(names) != p.shape[1]:
        raise GeometryError("coefficient names", len(names), f"{p.shape[1]}, one for each coefficient")
    still = (np.ptp(p, axis=0) == 0.0) | (np.ptp(g, axis=0) == 0.0)
    dp, dg = p - p.mean(axis=0), g - g.mean(axis=0)
    scale = np.sqrt((dp * dp).sum(axis=0) * (dg * dg).sum(axis=0))
    correlation = np.where(still, np.nan, (dp * dg).sum(axis=0) / np.where(scale > 0.0, scale, np.nan))
    return CoefficientErrors(tuple(names), np.abs(p - g).mean(axis=0), correlation)


def geodesic_deg(predicted: Points, truth: Points) -> Floats:
    """(...) the angle in degrees of the rotation between two (..., 3, 3): 0 to 180."""
    p, g = _rotations("predicted rotation", predicted), _rotations("true rotation", truth)
    if p.shape != g.shape:
        raise GeometryError("predicted rotation", f"shape {p.shape}", f"{g.shape}, as the true one")
    between = p @ np.swapaxes(g, -1, -2)
    axis = np.stack([between[..., i, j] - between[..., j, i] for i, j in ((2, 1), (0, 2), (1, 0))], axis=-1)
    # Both sine and cosine: the arc cosine alone is blind near 0, the arc sine near 90 degrees.
    sine, cosine = np.linalg.norm(axis, axis=-1), np.trace(between, axis1=-2, axis2=-1) - 1.0
    return np.asarray(np.degrees(np.arctan2(sine, cosine)))


def translation_mm(predicted: Points, truth: Points) -> float:
    """Mean distance of head positions (T, 3)."""
    p, g = _pair("translations", predicted, truth, 2)
    if p.shape[1] != 3:
        raise GeometryError("translations", f"shape {p.shape}", "(frames, 3)")
    return float(np.sqrt(((p - g) ** 2).sum(axis=1)).mean())


def gte_percent(predicted: Points, truth: Points) -> float:
    """100 · mean over t, i of ‖p − g‖ / 3D distance of the outer eye corners, mean z removed from each face.

    Of (T, N, 3) with 68, 468 or 478 points.
    """
    p, g = _pair("landmarks", predicted, truth, 3)
    p, g = p.copy(), g.copy()
    for points in (p, g):
        points[..., 2] -= points[..., 2].mean(axis=1, keepdims=True)
    right, left = (to_68(g)[:, corner] for corner in OUTER_EYE_CORNERS)
    distance = np.sqrt(((left - right) ** 2).sum(axis=1))
    if not (distance > 0.0).all():
        raise GeometryError("landmarks", "a face without extent", "outer eye corners in two places")
    return float(100.0 * (np.sqrt(((p - g) ** 2).sum(axis=2)) / distance[:, None]).mean())


def _pair(what: str, predicted: Points, truth: Points, dimensions: int) -> tuple[Floats, Floats]:
    """Both of one shape, finite: (T, N, 3) for 3 dimensions (T may be left out), (T, K) for 2."""
    both = []
    for name, given in ((f"predicted {what}", predicted), (f"true {what}", truth)):
        array: NDArray[Any] = np.asarray(given, np.float64)
        if dimensions == 3 and array.ndim == 2:
            array = array[None]
        wrong_last = dimensions == 3 and array.shape[-1:] != (3,)
        if array.ndim != dimensions or wrong_last or not array.size:
            expected = "(frames, points, 3)" if dimensions == 3 else "(frames, values)"
            raise GeometryError(name, f"shape {np.shape(given)}", f"{expected}, at least one of each")
        if not np.isfinite(array).all():
            raise GeometryError(name, "values that are not finite", "finite values only")
        both.append(array)
    if both[0].shape != both[1].shape:
        raise GeometryError(f"predicted {what}", f"shape {both[0].shape}", f"{both[1].shape}, as the true ones")
    return both[0], both[1]


def _checked_region(region: Indices, count: int) -> NDArray[np.intp]:
    array = np.asarray(region)
    if array.ndim != 1 or len(array) < 3 or array.dtype.kind not in "iu" or array.min() < 0 or array.max() >= count:
        raise GeometryError("region", f"{array.dtype} of shape {array.shape}", f"3 indices or more, 0 to {count - 1}")
    return array.astype(np.intp)


def _rotations(name: str, given: Points) -> Floats:
    array = np.asarray(given, np.float64)
    if array.shape[-2:] != (3, 3):
        raise GeometryError(name, f"shape {array.shape}", "(..., 3, 3)")
    off = np.abs(np.swapaxes(array, -1, -2) @ array - np.eye(3))
    if not (off <= ROTATION_TOLERANCE).all() or not (np.linalg.det(array) > 0.0).all():
        raise GeometryError(name, "a matrix that is no rotation", "orthonormal columns, determinant +1, finite")
    return array
