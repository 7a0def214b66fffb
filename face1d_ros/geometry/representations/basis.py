"""A line of points as a sum of a few fixed functions: what splines, Fourier descriptors and wavelets share.

The least-squares fit is one product with a matrix that is made once, whatever the batch. Missing points are first put
where the smoothest line through the others has them; where points count differently each item is fitted by itself.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from face1d_ros.errors import GeometryError
from face1d_ros.geometry.representations.gaps import fill_gaps, roughness
from face1d_ros.geometry.representations.representation import Floats, Points, checked, even, known_weights

SINGULAR = 1e-10
"""Singular values below this part of the largest are noise of the arithmetic."""
Matrix = NDArray[Any]
"""Real or complex."""


class Basis:
    """K functions at S places of a line: values (..., S, C) ≈ matrix · coefficients (..., K, C).

    A complex matrix takes points of the plane as x + jy; its coefficients are (..., K, 2), real and imaginary parts.
    """

    def __init__(self, matrix: Matrix, places: ArrayLike, *, closed: bool = False) -> None:
        """`matrix` (S, K); `places` (S,) ascending, of a closed line in [0, 1), where its end at 1 is its start."""
        self.matrix = _fixed(matrix)
        self.places = _fixed(np.asarray(places, np.float64))
        if self.matrix.ndim != 2 or self.matrix.shape[0] < 2 or self.places.shape != self.matrix.shape[:1]:
            came = f"shapes {self.matrix.shape} and {self.places.shape}"
            raise GeometryError("basis and places", came, "(S, K) and (S,) with S of 2 or more")
        if not (np.diff(self.places) > 0.0).all() or (closed and not 0.0 <= self.places[0] <= self.places[-1] < 1.0):
            raise GeometryError("places", "others", "ascending ones, of a closed line from 0 to below 1")
        self.closed = closed
        self.complex = np.iscomplexobj(self.matrix)
        self.inverse = _fixed(np.linalg.pinv(self.matrix, rcond=SINGULAR))

    @property
    def samples(self) -> int:
        """S: points of the line."""
        return int(self.matrix.shape[0])

    @property
    def count(self) -> int:
        """K: functions."""
        return int(self.matrix.shape[1])

    def encode(self, points: Points, weights: ArrayLike | None = None) -> Floats:
        """(..., S, C) to (..., K, C); all NaN for an item with fewer than two known points."""
        values = checked("points", points, (self.samples, 2 if self.complex else None))
        known = known_weights(values, weights)
        if known is None:
            return product(self.inverse, values)
        values = fill_gaps(values, known > 0.0, self.roughness)
        if even(known):
            return product(self.inverse, values)
        # What was filled in counts as an ordinary point: it holds the line where no other does.
        ordinary = known.sum(axis=-1, keepdims=True) / np.maximum((known > 0.0).sum(axis=-1, keepdims=True), 1)
        return self._weighted(values, np.where(known > 0.0, known, ordinary))

    def decode(self, coefficients: Points) -> Floats:
        """(..., K, C) to (..., S, C)."""
        return product(self.matrix, checked("coefficients", coefficients, (self.count, 2 if self.complex else None)))

    def _weighted(self, values: Floats, weights: Floats) -> Floats:
        """Each item's own weighted least squares; weights above 0, or 0 of an item that is NaN."""
        roots = np.sqrt(weights / np.maximum(weights.max(axis=-1, keepdims=True), np.finfo(float).tiny))[..., None]
        inverse = np.linalg.pinv(roots * self.matrix, rcond=SINGULAR)
        if self.complex:
            return _unpacked(inverse @ (roots * _packed(values)))
        return np.asarray(inverse @ (roots * values))

    @cached_property
    def roughness(self) -> Floats:
        """(S, S) what `fill_gaps` makes small."""
        return roughness(self.places, self.closed)


def product(matrix: Matrix, values: Floats) -> Floats:
    """(M, S) · (..., S, C); of a complex matrix (..., S, 2) as x + jy."""
    if np.iscomplexobj(matrix):
        return _unpacked(matrix @ _packed(values))
    return np.asarray(matrix @ values)


def _packed(values: Floats) -> Matrix:
    """(..., 2) to (..., 1) x + jy."""
    packed: Matrix = np.ascontiguousarray(values).view(np.complex128)
    return packed


def _unpacked(values: Matrix) -> Floats:
    """(..., 1) x + jy to (..., 2)."""
    return np.ascontiguousarray(values, np.complex128).view(np.float64)


def _fixed(array: Matrix) -> Matrix:
    array = np.array(array, np.complex128 if np.iscomplexobj(array) else np.float64)
    array.flags.writeable = False
    return array
