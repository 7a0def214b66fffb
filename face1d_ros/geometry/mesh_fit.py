"""Identity and expression of a linear face model from landmarks in closed form, in turn with the pose, until both rest.

The landmarks are y = mean + shapes · c + error, once pose and size are taken off. With c of mean c0 and covariance S,
and errors of covariance N, the most probable coefficients are c0 + S Bᵀ (B S Bᵀ + N)⁻¹ (y − mean − B c0). With S and N
multiples of the identity that is ridge regression; with those of data it is what is meant by MAP here.
Letters: B faces, N landmarks, C coefficients.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import GeometryError
from face1d_ros.geometry.rigid import Similarity, align

Points = NDArray[np.floating[Any]]
Floats = NDArray[np.float64]
RESTS_MM = 0.01
"""Mean motion of the fitted landmarks from one round to the next at which both are taken to rest."""
MOST_ROUNDS = 20
MOST_IDENTITY = 5.0
"""Standard deviations: without a bound, size and identity could carry each other away."""


@dataclass(frozen=True, eq=False)
class PointBasis:
    """A face model at the landmarks, in mm, in the head's facing frame."""

    mean_mm: Floats
    """(N, 3)"""
    shapes_mm: Floats
    """(C, N, 3) identity first, then expression."""
    identity: int
    """How many of the C are identity; what follows is expression, bounded by 0 and 1."""

    def __post_init__(self) -> None:
        if self.mean_mm.ndim != 2 or self.shapes_mm.shape[1:] != self.mean_mm.shape:
            came = f"mean {self.mean_mm.shape}, shapes {self.shapes_mm.shape}"
            raise GeometryError("face model at landmarks", came, "(N, 3) and (C, N, 3)")

    def points_mm(self, coefficients: Points) -> Floats:
        """(B, N, 3) of coefficients (B, C)."""
        flat = self.shapes_mm.reshape(len(self.shapes_mm), -1)
        found: Floats = self.mean_mm + (coefficients @ flat).reshape(-1, *self.mean_mm.shape)
        return found


@dataclass(frozen=True, eq=False)
class Prior:
    """What is known of coefficients before a face is seen."""

    mean: Floats
    """(C,)"""
    covariance: Floats
    """(C, C)"""

    @classmethod
    def ridge(cls, count: int, deviation: float = 1.0) -> Prior:
        """All alike, and unrelated."""
        return cls(np.zeros(count), deviation**2 * np.eye(count))


@dataclass(frozen=True, eq=False)
class MeshFit:
    """Of B faces."""

    coefficients: Floats
    """(B, C)"""
    pose: Similarity
    """From the head's facing frame in mm to the frame of the landmarks that were given."""
    last_step_mm: float
    """Mean motion of the fitted landmarks in the last round: above `RESTS_MM` the rounds ran out."""

    @property
    def finite(self) -> NDArray[np.bool_]:
        """(B,) false where the landmarks determine no pose."""
        return np.asarray(np.isfinite(self.pose.scale))


class MeshFitter:
    """Fits faces; what depends on the model alone is worked out once."""

    def __init__(self, basis: PointBasis, prior: Prior, error: Floats | float, weights: Points | None = None) -> None:
        """`error`: standard deviation of each coordinate in mm, or their covariance (3 N, 3 N).

        weights (N,) are those of the pose. Landmarks with weight 0 do not count at all.
        """
        self.basis, self.prior = basis, prior
        self._weights = np.ones(len(basis.mean_mm)) if weights is None else np.asarray(weights, np.float64)
        count = np.repeat(self._weights > 0.0, 3)
        flat = basis.shapes_mm.reshape(len(basis.shapes_mm), -1)[:, count]
        spread = error**2 * np.eye(flat.shape[1]) if isinstance(error, (int, float)) else error[np.ix_(count, count)]
        own = basis.identity
        self._gain = np.zeros((len(flat), count.size))
        self._gain[:, count] = _gain(flat, prior.covariance, spread)
        self._identity_gain = np.zeros((own, count.size))
        self._identity_gain[:, count] = _gain(flat[:own], prior.covariance[:own, :own], spread)

    def fit(self, points: Points, confidence: Points | None = None, rounds: int = MOST_ROUNDS) -> MeshFit:
        """Points (B, N, 3) of any place, size and turn; confidence (B, N), without it all 1."""
        weights = self._weights if confidence is None else self._weights * np.clip(confidence, 1e-3, 1.0)
        coefficients = np.repeat(self.prior.mean[None], len(points), axis=0)
        model = self.basis.points_mm(coefficients)
        for _ in range(rounds):
            to_head = align(points, model, weights)
            placed = np.nan_to_num(to_head.apply(points))
            coefficients = self.coefficients_of(placed)
            moved = self.basis.points_mm(coefficients)
            step = np.abs(moved - model).mean()
            model = moved
            if step < RESTS_MM:
                break
        return MeshFit(coefficients, to_head.inverse(), float(step))

    def coefficients_of(self, placed_mm: Floats) -> Floats:
        """(B, C) from points (B, N, 3) in the head's facing frame."""
        own = self.basis.identity
        found = self.prior.mean + (placed_mm - self._usual).reshape(len(placed_mm), -1) @ self._gain.T
        found[:, own:] = np.clip(found[:, own:], 0.0, 1.0)
        # Identity once more, beside the expression within its bounds: else it makes up for what was cut off.
        found[:, :own] = self.prior.mean[:own]
        rest = (placed_mm - self.basis.points_mm(found)).reshape(len(placed_mm), -1)
        found[:, :own] = np.clip(found[:, :own] + rest @ self._identity_gain.T, -MOST_IDENTITY, MOST_IDENTITY)
        return found

    @property
    def _usual(self) -> Floats:
        """(N, 3) the face of the prior's mean."""
        return self.basis.points_mm(self.prior.mean[None])[0]


def _gain(flat: Floats, covariance: Floats, spread: Floats) -> Floats:
    """(C, 3 N) from how far landmarks are off to coefficients; flat (C, 3 N)."""
    carried = covariance @ flat
    found: Floats = np.linalg.solve(flat.T @ carried + spread, carried.T).T
    return found
