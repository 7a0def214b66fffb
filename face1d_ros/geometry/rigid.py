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
LEAST = float(np.finfo(np.float64).tiny)
"""In place of a divisor of 0."""
PLANE, SPACE = 2, 3
"""Channels."""


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

    def undo(self, points: Points) -> Floats:
        """(..., N, C) points moved back."""
        back: Floats = self.rotation / self.scale[..., None, None]
        return np.matmul(points - self.translation[..., None, :], back)

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
    pairs, w = _checked(source, target, weights)
    channels = pairs.shape[-1] // 2
    known = np.isfinite(pairs)
    if not known.all():
        known = known.all(axis=-1)
        w, pairs = np.where(known, w, 0.0), np.where(known[..., None], pairs, 0.0)
    w = w / np.maximum(w.sum(axis=-1, keepdims=True), LEAST)
    mean = w[..., None, :] @ pairs
    pairs -= mean
    # All second moments in one product: of the source, of the target, and between them.
    moments = np.swapaxes(pairs, -1, -2) @ (w[..., None] * pairs)
    variances = moments.reshape(*moments.shape[:-2], -1)[..., :: 2 * channels + 1]
    variance_a, variance_b = variances[..., :channels].sum(axis=-1), variances[..., channels:].sum(axis=-1)
    nearest = _nearest_in_space if channels == SPACE else _nearest_in_plane
    rotation, along, singular = nearest(moments[..., channels:, :channels])
    good = (singular > DEGENERATE * np.sqrt(variance_a * variance_b)) & (variance_a > 0.0)
    scale = np.ones(good.shape)
    if with_scale:
        scale = along / np.maximum(variance_a, LEAST)
        good &= scale > 0.0
    if not good.all():
        scale, rotation = np.where(good, scale, np.nan), np.where(good[..., None, None], rotation, np.nan)
    mean_a, mean_b = mean[..., 0, :channels], mean[..., 0, channels:]
    translation = mean_b - scale[..., None] * (rotation @ mean_a[..., None])[..., 0]
    return Similarity(scale, rotation, translation)


def rotation_vectors(rotation: Floats) -> Floats:
    """(B, 3, 3) to (B, 3) axis times angle, below a half turn; zeros where there is no rotation."""
    from scipy.spatial.transform import Rotation

    known = np.isfinite(rotation).all(axis=(1, 2))
    found = np.zeros((len(rotation), 3))
    found[known] = Rotation.from_matrix(rotation[known]).as_rotvec()
    return found


def _nearest_in_space(covariance: Floats) -> tuple[Floats, Floats, Floats]:
    """The rotation (..., 3, 3) along which a covariance is largest, how large (...,), and the second singular value.

    B. K. P. Horn, "Closed-form solution of absolute orientation using unit quaternions", JOSA A 4(4), 1987: the
    quaternion is the first eigenvector of a symmetric (4, 4) matrix without trace. With singular values a, b, c (c
    below 0 for a mirror image) the eigenvalues are a + b + c, a - b - c, b - a - c and c - a - b.

    Where the first is well apart from the others, as of faces, a high power of the matrix has that eigenvector alone,
    much faster than LAPACK finds it; b then is at least `LEAST_GAP`.
    """
    batch = covariance.shape[:-2]
    entries = covariance.reshape(*batch, 9) @ ROTATION_FORMS
    size = np.sqrt((entries * entries).sum(axis=-1, keepdims=True))
    power = (entries / np.maximum(size, LEAST) + UNIT).reshape(*batch, 4, 4) / 2.0
    for _ in range(SQUARINGS):
        power = power @ power
    squares = power.reshape(*batch, 16)
    trace = squares[..., ::5].sum(axis=-1, keepdims=True)
    squares = squares / trace
    if ((squares * squares).sum(axis=-1) > 1.0 - PURE).all():
        along = (squares * entries).sum(axis=-1)
        singular = LEAST_GAP * size[..., 0]
    else:
        values, vectors = np.linalg.eigh(entries.reshape(*batch, 4, 4))
        q = vectors[..., -1]
        squares = (q[..., :, None] * q[..., None, :]).reshape(*batch, 16)
        along, singular = values[..., 3], 0.5 * (values[..., 3] + values[..., 1])
    return (squares @ ROTATION_FORMS.T).reshape(*batch, 3, 3), along, singular


def _nearest_in_plane(covariance: Floats) -> tuple[Floats, Floats, Floats]:
    """The same for (..., 2, 2), with the first singular value."""
    (xx, xy), (yx, yy) = np.moveaxis(covariance, (-2, -1), (0, 1))
    along, mirrored = np.hypot(xx + yy, yx - xy), np.hypot(xx - yy, yx + xy)
    angle = np.arctan2(yx - xy, xx + yy)
    cosine, sine = np.cos(angle), np.sin(angle)
    rotation = np.moveaxis(np.array([[cosine, -sine], [sine, cosine]]), (0, 1), (-2, -1))
    return rotation, along, 0.5 * (along + mirrored)


def _rotation_forms() -> Floats:
    """(9, 16) for each entry of a rotation the (4, 4) form of its unit quaternion w x y z that gives it."""
    axes, forms = np.eye(3), np.zeros((3, 3, 4, 4))
    for i, j in np.ndindex(3, 3):
        forms[i, j, 0, 0] = i == j
        forms[i, j, 1:, 1:] = np.outer(axes[i], axes[j]) + np.outer(axes[j], axes[i]) - (i == j) * np.eye(3)
        forms[i, j, 0, 1:] = forms[i, j, 1:, 0] = -np.cross(axes[i], axes[j])
    return forms.reshape(9, 16)


ROTATION_FORMS = _rotation_forms()
UNIT = np.eye(4).reshape(16)
SQUARINGS = 8
PURE = 1e-13
"""So little of other eigenvectors is rounding."""
LEAST_GAP = 0.03
"""Of the matrix's size, that b has where so many squarings leave so little of the others."""


def _checked(source: Points, target: Points, weights: ArrayLike | None) -> tuple[Floats, Floats]:
    """Both sets side by side, (..., N, 2 C) in float64, and the weights."""
    a, b = np.asarray(source), np.asarray(target)
    for name, points in (("source points", a), ("target points", b)):
        if points.ndim < 2 or points.shape[-1] not in (PLANE, SPACE):
            raise GeometryError(name, f"shape {points.shape}", "(..., N, 2) or (..., N, 3)")
    if a.shape[-2:] != b.shape[-2:]:
        raise GeometryError("target points", f"shape {b.shape}", f"(..., {a.shape[-2]}, {a.shape[-1]}) as the source")
    w = np.ones(a.shape[-2]) if weights is None else np.asarray(weights, np.float64)
    if w.ndim < 1 or w.shape[-1] != a.shape[-2]:
        raise GeometryError("weights", f"shape {w.shape}", f"(..., {a.shape[-2]}), one for each point")
    least, most = np.minimum.reduce(w, axis=None, initial=0.0), np.maximum.reduce(w, axis=None, initial=0.0)
    if not 0.0 <= least <= most < np.inf:
        raise GeometryError("weights", "negative or not finite ones", "finite values of at least 0")
    try:
        shape = np.broadcast(a[..., 0], b[..., 0], w).shape
    except ValueError as error:
        raise GeometryError("batch axes", f"{a.shape}, {b.shape} and {w.shape}", "axes that broadcast") from error
    channels = a.shape[-1]
    pairs = np.empty((*shape, 2 * channels))
    pairs[..., :channels], pairs[..., channels:] = a, b
    return pairs, w
