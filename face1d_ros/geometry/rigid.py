"""Weighted similarity and rigid alignment of point sets, many at once.

S. Umeyama, "Least-squares estimation of transformation parameters between two point patterns", PAMI 13(4), 1991.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from face1d_ros.errors import GeometryError

Points = NDArray[np.floating[Any]]
Floats = NDArray[np.float64]
DEGENERATE = 1e-7
"""Smallest second (in the plane: first) singular value, relative to the spread of both sets, that gives a rotation."""


@dataclass(frozen=True, eq=False)
class Similarity:
    """x → scale · rotation · x + translation, for each of a batch; all NaN where there is none."""

    scale: Floats
    """(...,)."""
    rotation: Floats
    """(..., C, C), determinant +1."""
    translation: Floats
    """(..., C)."""

    def apply(self, points: Points) -> Floats:
        """(..., N, C) points moved."""
        turned = points @ np.swapaxes(self.rotation, -1, -2)
        moved: Floats = self.scale[..., None, None] * turned + self.translation[..., None, :]
        return moved

    def inverse(self) -> Similarity:
        """The way back."""
        rotation = np.swapaxes(self.rotation, -1, -2)
        shift = (rotation @ self.translation[..., None])[..., 0]
        return Similarity(1.0 / self.scale, rotation, -shift / self.scale[..., None])


def align(source: Points, target: Points, weights: ArrayLike | None = None, *, with_scale: bool = True) -> Similarity:
    """The similarity that brings source (..., N, C) closest to target (..., N, C); C is 2 or 3.

    Minimises Σ w ‖target − (s R source + t)‖², in float64. weights (..., N), none: all 1. Leading axes
    broadcast. Points that are not finite in either set do not count. A member of the batch whose points do not
    determine a rotation (too few, all in one place, in 3D all on one line) or whose scale would be 0 gives NaN.
    """
    a, b, w = _checked(source, target, weights)
    known = np.isfinite(a).all(axis=-1) & np.isfinite(b).all(axis=-1)
    w = np.where(known, w, 0.0)
    a, b = np.where(known[..., None], a, 0.0), np.where(known[..., None], b, 0.0)
    total = w.sum(axis=-1)
    w = w / np.where(total > 0.0, total, 1.0)[..., None]
    mean_a, mean_b = (w[..., None, :] @ a)[..., 0, :], (w[..., None, :] @ b)[..., 0, :]
    a, b = a - mean_a[..., None, :], b - mean_b[..., None, :]
    covariance = np.swapaxes(b, -1, -2) @ (w[..., None] * a)
    u, s, vt = np.linalg.svd(covariance)
    sign = np.ones_like(s)
    sign[..., -1] = np.where(np.linalg.det(u) * np.linalg.det(vt) < 0.0, -1.0, 1.0)
    rotation = (u * sign[..., None, :]) @ vt
    variance_a, variance_b = ((w[..., None] * x * x).sum(axis=(-1, -2)) for x in (a, b))
    good = s[..., -2] > DEGENERATE * np.sqrt(variance_a * variance_b)
    good &= (total > 0.0) & (variance_a > 0.0)
    scale = np.ones_like(total)
    if with_scale:
        scale = (s * sign).sum(axis=-1) / np.where(good, variance_a, 1.0)
        good &= scale > 0.0
    scale = np.where(good, scale, np.nan)
    rotation = np.where(good[..., None, None], rotation, np.nan)
    translation = mean_b - scale[..., None] * (rotation @ mean_a[..., None])[..., 0]
    return Similarity(scale, rotation, translation)


def rotation_vectors(rotation: Floats) -> Floats:
    """(B, 3, 3) to (B, 3) axis times angle, below a half turn; zeros where there is no rotation."""
    from scipy.spatial.transform import Rotation

    known = np.isfinite(rotation).all(axis=(1, 2))
    found = np.zeros((len(rotation), 3))
    found[known] = Rotation.from_matrix(rotation[known]).as_rotvec()
    return found


def _checked(source: Points, target: Points, weights: ArrayLike | None) -> tuple[Floats, Floats, Floats]:
    """All three in float64 and broadcast to each other."""
    a, b = np.asarray(source, np.float64), np.asarray(target, np.float64)
    for name, points in (("source points", a), ("target points", b)):
        if points.ndim < 2 or points.shape[-1] not in (2, 3):
            raise GeometryError(name, f"shape {points.shape}", "(..., N, 2) or (..., N, 3)")
    if a.shape[-2:] != b.shape[-2:]:
        raise GeometryError("target points", f"shape {b.shape}", f"(..., {a.shape[-2]}, {a.shape[-1]}) as the source")
    w = np.ones(a.shape[-2]) if weights is None else np.asarray(weights, np.float64)
    if w.ndim < 1 or w.shape[-1] != a.shape[-2]:
        raise GeometryError("weights", f"shape {w.shape}", f"(..., {a.shape[-2]}), one for each point")
    if not (np.isfinite(w).all() and (w >= 0.0).all()):
        raise GeometryError("weights", "negative or not finite ones", "finite values of at least 0")
    try:
        batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2], w.shape[:-1])
    except ValueError as error:
        raise GeometryError("batch axes", f"{a.shape}, {b.shape} and {w.shape}", "axes that broadcast") from error
    return (
        np.broadcast_to(a, batch + a.shape[-2:]),
        np.broadcast_to(b, batch + b.shape[-2:]),
        np.broadcast_to(w, batch + w.shape[-1:]),
    )
