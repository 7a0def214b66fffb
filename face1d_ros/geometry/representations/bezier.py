"""Bézier curves through landmarks: the B-spline of equation 3 (review) without inner knots, one polynomial for all."""

from __future__ import annotations

from math import comb

import numpy as np
from numpy.typing import ArrayLike

from face1d_ros.errors import GeometryError
from face1d_ros.geometry.representations.basis import Basis
from face1d_ros.geometry.representations.representation import Floats, check_count

LEAST_CLOSED = 3


def bezier_basis(places: ArrayLike, control_points: int, *, closed: bool = False) -> Basis:
    """Bernstein polynomials at the places (S,); the coefficients are the control points.

    Open: the curve runs over all places and begins and ends at its first and last control point. Closed: places in
    [0, 1); the curve returns to its first control point, where it may have a corner, as eyes and lips have at theirs.
    """
    t = np.asarray(places, np.float64)
    least = LEAST_CLOSED if closed else 2
    if t.ndim != 1 or len(t) < least or not (np.diff(t) > 0.0).all():
        raise GeometryError("places", f"shape {t.shape}", f"at least {least} ascending numbers")
    check_count("control points", control_points, least, len(t))
    if closed:
        whole = bernstein(t, control_points)
        whole[:, 0] += whole[:, -1]
        return Basis(whole[:, :-1], t, closed=True)
    return Basis(bernstein((t - t[0]) / (t[-1] - t[0]), control_points - 1), t)


def bernstein(t: Floats, degree: int) -> Floats:
    """(S,) in [0, 1] to (S, degree + 1)."""
    return np.stack([comb(degree, i) * t**i * (1.0 - t) ** (degree - i) for i in range(degree + 1)], axis=1)
