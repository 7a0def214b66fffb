"""A face as pose and a few learned modes of its shape: principal components of aligned landmarks.

Pose is the similarity of the plane that brings the mean shape closest, as two complex numbers: points = a · shape + b.
Where points are missing, the modes are the most probable ones for those that are left (M. Tipping and C. Bishop,
"Probabilistic principal component analysis", J. R. Stat. Soc. B 61(3), 1999).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from face1d_ros.errors import GeometryError
from face1d_ros.geometry.representations.representation import Floats, Points, check_count, checked, known_weights

POSE = 4
"""Numbers of the pose, which stand before those of the modes: Re a, Im a, Re b, Im b."""
ALIGNMENTS = 5
"""Rounds of aligning all shapes to their mean; the mean stands still after three."""
ROUNDS_WITH_GAPS = 3
"""Of pose and modes in turn, where points are missing."""
CHUNK = 512
"""Faces at a time, so that their matrices stay small."""
LEAST_KNOWN = 2
"""Points that a pose needs."""
LEAST_NOISE = 0.005
"""Standard deviation of each coordinate that is never believed to be less, for a mean shape of mean square distance 1:
0.2 % of √(box width · box height). With many modes and few people to learn from, what the modes leave is less, and
hidden points would follow every tremor of those that are not."""
Complex = NDArray[np.complex128]


@dataclass(frozen=True, eq=False)
class ShapePca:
    """(..., N, 2) ↔ (..., 4 + K). Plain arrays, so that they can be stored as they are."""

    mean: Floats
    """(N, 2), about 0, of mean square distance 1, upright as the shapes it was learned from."""
    modes: Floats
    """(K, 2 N), orthonormal, by falling variance."""
    variances: Floats
    """(K,)."""
    rest_variance: float
    """Of each direction that no mode stands for."""

    @property
    def count(self) -> int:
        """4 + K."""
        return POSE + len(self.modes)

    @property
    def shape(self) -> tuple[int, ...]:
        """(4 + K,)."""
        return (self.count,)

    def encode(self, points: Points, weights: ArrayLike | None = None) -> Floats:
        """(..., N, 2) to (..., 4 + K); NaN with fewer than two known points."""
        values = checked("points", points, self.mean.shape)
        known = known_weights(values, weights)
        if known is None:
            return self._closest(_complex(values))
        z, known = _complex(values).reshape(-1, len(self.mean)), known.reshape(-1, len(self.mean))
        enough = (known > 0.0).sum(axis=-1) >= LEAST_KNOWN
        even = enough & (known == known[:, :1]).all(axis=-1)
        found = np.full((len(z), self.count), np.nan)
        found[even] = self._closest(z[even])
        uneven = np.flatnonzero(enough & ~even)
        for at in (uneven[start : start + CHUNK] for start in range(0, len(uneven), CHUNK)):
            found[at] = self._most_probable(z[at], known[at])
        return found.reshape(*values.shape[:-2], self.count)

    def decode(self, coefficients: Points) -> Floats:
        """(..., 4 + K) to (..., N, 2)."""
        values = checked("coefficients", coefficients, (self.count,))
        pose = np.ascontiguousarray(values[..., :POSE]).view(np.complex128)
        return _real(pose[..., :1] * self._shape(values[..., POSE:]) + pose[..., 1:])

    def without_pose(self, coefficients: Points) -> Floats:
        """(..., 4 + K) to (..., K): the modes, the same wherever, however turned and however large the face is."""
        return checked("coefficients", coefficients, (self.count,))[..., POSE:]

    def save(self, path: str | Path) -> None:
        """As .npz of plain arrays."""
        np.savez(path, **{name: np.asarray(value) for name, value in vars(self).items()})

    @classmethod
    def load(cls, path: str | Path) -> ShapePca:
        """What `save` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            wanted = ("mean", "modes", "variances", "rest_variance")
            if missing := [name for name in wanted if name not in stored]:
                raise GeometryError(f"shape modes in {path}", f"no {', '.join(missing)}", "a file that `save` wrote")
            mean, modes, variances = (stored[name].astype(np.float64) for name in wanted[:3])
            return cls(mean, modes, variances, float(stored["rest_variance"]))

    def _closest(self, z: Complex) -> Floats:
        """(..., N) complete to (..., 4 + K)."""
        a, b = _pose(_complex(self.mean), z, np.ones(len(self.mean)))
        return _joined(a, b, self._residual(z, a, b) @ self.modes.T)

    def _most_probable(self, z: Complex, weights: Floats) -> Floats:
        """(B, N) to (B, 4 + K), with weights of which some may be 0."""
        z = np.where(weights > 0.0, z, 0.0)
        weights = weights / weights.max(axis=-1, keepdims=True)
        twice = np.repeat(weights, 2, axis=-1)
        noise = max(self.rest_variance, LEAST_NOISE**2)
        prior = np.diag(noise / np.maximum(self.variances, np.finfo(float).tiny))
        normal = (self.modes * twice[..., None, :]) @ self.modes.T + prior
        amounts = np.zeros((len(z), len(self.modes)))
        for _ in range(ROUNDS_WITH_GAPS):
            a, b = _pose(self._shape(amounts), z, weights)
            right = (twice * self._residual(z, a, b)) @ self.modes.T
            amounts = np.linalg.solve(normal, right[..., None])[..., 0]
        a, b = _pose(self._shape(amounts), z, weights)
        return _joined(a, b, amounts)

    def _shape(self, amounts: Floats) -> Complex:
        """(..., K) to (..., N) x + jy without pose."""
        return _complex(self.mean) + _complex((amounts @ self.modes).reshape(*amounts.shape[:-1], -1, 2))

    def _residual(self, z: Complex, a: Complex, b: Complex) -> Floats:
        """(..., N) in the mean's place, without the mean, as (..., 2 N); 0 of points that all lie in one place."""
        away = (z - b[..., None]) / np.where(a == 0.0, 1.0, a)[..., None] - _complex(self.mean)
        return np.ascontiguousarray(np.where((a == 0.0)[..., None], 0.0, away)).view(np.float64)


def fit_shape_pca(shapes: Points, count: int) -> ShapePca:
    """Learn `count` modes from complete shapes (..., N, 2); those with values that are not finite are left out."""
    values = checked("shapes", shapes, (None, 2))
    z = _complex(values.reshape(-1, *values.shape[-2:]))
    z = z[np.isfinite(z).all(axis=1)]
    check_count("modes", count, 0, 2 * z.shape[1] - POSE)
    if len(z) <= count:
        raise GeometryError("shapes", f"{len(z)} complete ones", f"more than the {count} modes to learn")
    ones = np.ones(z.shape[1])
    mean = _normal(z[0])
    for _ in range(ALIGNMENTS):
        a, b = _pose(mean, z, ones)
        mean = _normal(((z - b[:, None]) / a[:, None]).mean(axis=0))
    # Upright: turned so that the shapes are on average not turned against it.
    turn = _pose(mean, z, ones)[0]
    mean = mean * np.exp(1j * np.angle((turn / np.abs(turn)).mean()))
    a, b = _pose(mean, z, ones)
    away = np.ascontiguousarray((z - b[:, None]) / a[:, None] - mean).view(np.float64)
    free = _without_pose(mean)
    away = away @ free
    variances, modes = np.linalg.eigh(away.T @ away / len(away))
    variances, modes = np.maximum(variances[::-1], 0.0), (free @ modes[:, ::-1]).T
    rest = float(variances[count:].mean()) if count < len(variances) else 0.0
    return ShapePca(_real(mean), np.ascontiguousarray(modes[:count]), variances[:count].copy(), rest)


def _without_pose(mean: Complex) -> Floats:
    """(2 N, 2 N − 4) orthonormal directions in which a shape changes without being moved, turned or scaled."""
    moves = np.stack([mean, 1j * mean, np.ones_like(mean), np.full_like(mean, 1j)])
    directions, _ = np.linalg.qr(np.ascontiguousarray(moves).view(np.float64).T, mode="complete")
    return np.asarray(directions[:, POSE:])


def _pose(shape: Complex, z: Complex, weights: Floats) -> tuple[Any, Any]:
    """a, b (...,) with the smallest Σ w |z − (a · shape + b)|²."""
    total = np.maximum(weights.sum(axis=-1), np.finfo(float).tiny)
    shape_mean, z_mean = (weights * shape).sum(axis=-1) / total, (weights * z).sum(axis=-1) / total
    centred = shape - shape_mean[..., None]
    spread = (weights * np.abs(centred) ** 2).sum(axis=-1)
    a = (weights * centred.conj() * (z - z_mean[..., None])).sum(axis=-1) / np.maximum(spread, np.finfo(float).tiny)
    return a, z_mean - a * shape_mean


def _normal(shape: Complex) -> Complex:
    """About 0, of mean square distance 1."""
    shape = shape - shape.mean()
    return np.asarray(shape / np.sqrt((np.abs(shape) ** 2).mean()))


def _joined(a: Complex, b: Complex, amounts: Floats) -> Floats:
    return np.concatenate([np.stack([a.real, a.imag, b.real, b.imag], axis=-1), amounts], axis=-1)


def _complex(values: Floats) -> Complex:
    """(..., N, 2) to (..., N)."""
    packed: Complex = np.ascontiguousarray(values).view(np.complex128)[..., 0]
    return packed


def _real(values: Complex) -> Floats:
    """(..., N) to (..., N, 2)."""
    return np.ascontiguousarray(values[..., None]).view(np.float64)
