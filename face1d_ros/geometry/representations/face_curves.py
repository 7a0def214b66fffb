"""A whole face as its named curves, each in a few numbers: jaw, brows, eyes, nose, lips in their order."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from face1d_ros.errors import GeometryError
from face1d_ros.geometry.canonical import canonical_face
from face1d_ros.geometry.representations.basis import Basis, product
from face1d_ros.geometry.representations.bezier import bezier_basis
from face1d_ros.geometry.representations.fourier import fourier_basis, magnitudes
from face1d_ros.geometry.representations.gaps import LEAST_KNOWN, fill_gaps
from face1d_ros.geometry.representations.representation import Floats, Points, checked, even, known_weights
from face1d_ros.geometry.representations.splines import bspline_basis
from face1d_ros.geometry.topology import Curve, curve, curve_names, indices_in
from face1d_ros.types import Topology

LEAST_OPEN, LEAST_CLOSED = 2, 3
"""Coefficients of a line, and of something round."""


class MakeBasis(Protocol):
    """Places on a curve and a number of coefficients to a basis."""

    def __call__(self, places: ArrayLike, count: int, /, *, closed: bool = False) -> Basis:
        """As `bspline_basis`."""
        ...


KINDS: dict[str, MakeBasis] = {"b-spline": bspline_basis, "bézier": bezier_basis, "fourier": fourier_basis}


class FaceCurves:
    """(..., N, 2) of a topology ↔ (..., K, 2): the coefficients of all its curves, one curve after the other.

    Points on no curve are not kept: `decode` gives NaN for them. Of a curve with fewer than two known points the
    coefficients are NaN, and so are its points.
    """

    def __init__(self, topology: Topology, kind: str | MakeBasis = "b-spline", share: float = 0.5) -> None:
        """`share` of each curve's points is kept as coefficients, of an open curve 2 and of a closed one 3 at least."""
        if not 0.0 < share <= 1.0:
            raise GeometryError("share", share, "above 0, at most 1")
        if isinstance(kind, str) and kind not in KINDS:
            raise GeometryError("kind of curves", f"'{kind}'", "one of " + ", ".join(KINDS))
        make = KINDS[kind] if isinstance(kind, str) else kind
        self.topology = topology
        self.curves = separate_curves(topology)
        self.bases = tuple(make(places(one, topology), _count(one, share), closed=one.closed) for one in self.curves)
        self.indices = np.concatenate([one.indices for one in self.curves])
        self.points_of = _slices([basis.samples for basis in self.bases])
        self.coefficients_of = _slices([basis.count for basis in self.bases])
        self._inverse = _blocks([basis.inverse for basis in self.bases])
        self._matrix = _blocks([basis.matrix for basis in self.bases])
        self._roughness = _blocks([basis.roughness for basis in self.bases])

    @property
    def count(self) -> int:
        """K: coefficients, of two numbers each."""
        return int(self._matrix.shape[1])

    @property
    def shape(self) -> tuple[int, ...]:
        """(K, 2)."""
        return self.count, 2

    def encode(self, points: Points, weights: ArrayLike | None = None) -> Floats:
        """(..., N, 2) to (..., K, 2)."""
        every = checked("points", points, (int(self.topology), 2))
        values = every[..., self.indices, :]
        if weights is not None:
            weights = np.broadcast_to(checked("weights", weights, (int(self.topology),)), every.shape[:-1])
            weights = weights[..., self.indices]
        known = known_weights(values, weights)
        if known is None:
            return product(self._inverse, values)
        if even(known):
            return self._with_gaps(values, known > 0.0)
        pairs = zip(self.bases, self.points_of, strict=True)
        return np.concatenate([basis.encode(values[..., at, :], known[..., at]) for basis, at in pairs], axis=-2)

    def decode(self, coefficients: Points) -> Floats:
        """(..., K, 2) to (..., N, 2)."""
        values = checked("coefficients", coefficients, (self.count, 2))
        if np.isfinite(values).all():
            line = product(self._matrix, values)
        else:
            # A curve of its own each, because NaN times the zeros between the blocks would spoil the others.
            pairs = zip(self.bases, self.coefficients_of, strict=True)
            line = np.concatenate([basis.decode(values[..., at, :]) for basis, at in pairs], axis=-2)
        points = np.full((*values.shape[:-2], int(self.topology), 2), np.nan)
        points[..., self.indices, :] = line
        return points

    def _with_gaps(self, values: Floats, known: NDArray[np.bool_]) -> Floats:
        """All curves at once: (..., M, 2) to (..., K, 2)."""
        lost = np.add.reduceat(known, [at.start for at in self.points_of], axis=-1, dtype=np.intp) < LEAST_KNOWN
        # A curve that nothing is known of is held anywhere, so that the others can be solved for, then taken out.
        held = known | np.repeat(lost, [basis.samples for basis in self.bases], axis=-1)
        filled = fill_gaps(np.where(known[..., None], values, 0.0), held, self._roughness)
        found = product(self._inverse, filled)
        found[np.repeat(lost, [basis.count for basis in self.bases], axis=-1)] = np.nan
        return found

    def magnitudes(self, coefficients: Points) -> Floats:
        """(..., K, 2) of Fourier descriptors to (..., K − curves): |X(f)| of each curve without f = 0."""
        values = checked("coefficients", coefficients, (self.count, 2))
        return np.concatenate([magnitudes(values[..., at, :]) for at in self.coefficients_of], axis=-1)


def separate_curves(topology: Topology) -> tuple[Curve, ...]:
    """The curves that share no point with each other: of those that do, the longest."""
    every = sorted((curve(name, topology) for name in curve_names(topology)), key=lambda one: -len(one.indices))
    taken: set[int] = set()
    apart: list[Curve] = []
    for one in every:
        if taken.isdisjoint(points := set(one.indices.tolist())):
            taken |= points
            apart.append(one)
    return tuple(apart)


def places(one: Curve, topology: Topology) -> Floats:
    """(S,) where the curve's points lie along it on the mean face, from 0 to 1; there a closed one is at its start."""
    points = canonical_face().points_cm[indices_in(topology, Topology.MESH_478)[one.indices]]
    return chord_places(points, one.closed)


def chord_places(points: Points, closed: bool) -> Floats:
    """(S,) part of the way along the straight lines between points (S, C)."""
    ends = np.concatenate([points, points[:1]]) if closed else points
    way = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(ends, axis=0), axis=1))])
    part: Floats = way / way[-1]
    return part[:-1] if closed else part


def _count(one: Curve, share: float) -> int:
    least = LEAST_CLOSED if one.closed else LEAST_OPEN
    return max(round(share * len(one.indices)), least)


def _slices(counts: list[int]) -> tuple[slice, ...]:
    ends = np.cumsum(counts).tolist()
    return tuple(slice(end - count, end) for count, end in zip(counts, ends, strict=True))


def _blocks(matrices: list[np.ndarray]) -> np.ndarray:
    """The matrices along the diagonal of one."""
    rows, columns = (_slices([matrix.shape[axis] for matrix in matrices]) for axis in (0, 1))
    whole = np.zeros((rows[-1].stop, columns[-1].stop), np.result_type(*matrices))
    for matrix, row, column in zip(matrices, rows, columns, strict=True):
        whole[row, column] = matrix
    return whole
