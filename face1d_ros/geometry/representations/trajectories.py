"""Every landmark's course over a window of time in a few functions of time: wavelets, splines, or learned ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from face1d_ros.errors import GeometryError
from face1d_ros.geometry.representations.basis import Basis
from face1d_ros.geometry.representations.representation import Floats, Points, check_count, checked, known_weights


class Trajectories:
    """(..., T, N, C) ↔ (..., K, N, C): the same basis over time for each coordinate of each landmark."""

    def __init__(self, basis: Basis) -> None:
        """`basis` over T frames, real."""
        if basis.complex:
            raise GeometryError("basis", "a complex one", "a real one: wavelets, splines, or learned")
        self.basis = basis

    def encode(self, points: Points, weights: ArrayLike | None = None) -> Floats:
        """(..., T, N, C), weights (..., T, N), to (..., K, N, C). A landmark seen in fewer than two frames is NaN."""
        values = checked("points", points, (self.basis.samples, None, None))
        known = known_weights(values, weights)
        if known is None:
            return _unflat(self.basis.encode(_flat(values)), values.shape[-2:])
        found = self.basis.encode(np.swapaxes(values, -3, -2), np.swapaxes(known, -2, -1))
        return np.swapaxes(found, -3, -2)

    def decode(self, coefficients: Points) -> Floats:
        """(..., K, N, C) to (..., T, N, C)."""
        values = checked("coefficients", coefficients, (self.basis.count, None, None))
        return _unflat(self.basis.decode(_flat(values)), values.shape[-2:])


def trajectory_pca(trajectories: Points, count: int) -> Basis:
    """The course that stays, and the `count` − 1 principal courses of (B, T, N, C) training trajectories.

    Each coordinate of each landmark is one example; those with a value that is not finite are left out. `matrix` (T, K)
    is all there is to store: `Basis(matrix, places)` makes it again.
    """
    values = checked("trajectories", trajectories, (None, None, None, None))
    frames = values.shape[1]
    check_count("courses", count, 1, frames)
    examples = np.moveaxis(values, 1, -1).reshape(-1, frames)
    examples = examples[np.isfinite(examples).all(axis=1)]
    if len(examples) < count:
        raise GeometryError("trajectories", f"{len(examples)} complete ones", f"at least {count} for as many courses")
    moving = examples - examples.mean(axis=1, keepdims=True)
    _, vectors = np.linalg.eigh(moving.T @ moving)
    still = np.full((frames, 1), frames**-0.5)
    # The course that stays has the eigenvalue 0: asking for one more than there are would bring it in again.
    matrix = np.concatenate([still, vectors[:, ::-1][:, : count - 1]], axis=1)
    return Basis(matrix, np.arange(frames) / max(frames - 1, 1))


def _flat(values: Floats) -> Floats:
    return values.reshape(*values.shape[:-2], values.shape[-2] * values.shape[-1])


def _unflat(values: Floats, last: tuple[int, ...]) -> Floats:
    return values.reshape(*values.shape[:-1], *last)
