"""B-spline curves through landmarks: C(t) = Σ p_i B_{i,k}(t), a sum over control points (review, equation 3)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from face1d_ros.errors import GeometryError
from face1d_ros.geometry.representations.basis import Basis
from face1d_ros.geometry.representations.representation import Floats, check_count

DEGREE = 3
LEAST_CLOSED = 3
"""Control points of a closed curve that encloses something."""


def bspline_basis(places: ArrayLike, control_points: int, *, degree: int = DEGREE, closed: bool = False) -> Basis:
    """B-splines at the places (S,); the coefficients are the control points.

    Open: ascending places, clamped, so that the curve begins and ends at its first and last control point. Closed:
    places in [0, 1), periodic. Of fewer control points than a degree needs, the degree is the highest there is. Knots
    follow the places, so that as many control points as places go through every point.
    """
    t = np.asarray(places, np.float64)
    least = LEAST_CLOSED if closed else 2
    if t.ndim != 1 or len(t) < least or not (np.diff(t) > 0.0).all():
        raise GeometryError("places", f"shape {t.shape}", f"at least {least} ascending numbers")
    check_count("control points", control_points, least, len(t))
    if degree < 1:
        raise GeometryError("degree", degree, "1 or more")
    degree = min(degree, control_points - 1)
    if closed:
        return Basis(_periodic(t, control_points, degree), t, closed=True)
    return Basis(_design(t, _clamped_knots(t, control_points, degree), degree), t)


def _clamped_knots(t: Floats, control_points: int, degree: int) -> Floats:
    """(control points + degree + 1,). Every span holds a place (L. Piegl, W. Tiller, The NURBS Book, 9.8 and 9.69)."""
    inner = control_points - degree - 1
    if control_points == len(t):
        between = np.array([t[j + 1 : j + 1 + degree].mean() for j in range(inner)])
    else:
        between = np.interp(np.arange(1, inner + 1) * len(t) / (inner + 1) - 1.0, np.arange(len(t)), t)
    return np.concatenate([np.full(degree + 1, t[0]), between, np.full(degree + 1, t[-1])])


def _periodic(t: Floats, control_points: int, degree: int) -> Floats:
    """(S, control points): B-splines over one period, those that reach over its end folded back."""
    steps = np.arange(-degree, control_points + degree + 1)
    turns, step = np.divmod(steps, control_points)
    # Of even degree a knot lies half way between places, because there the interpolation through all of them exists.
    shift = 0.0 if degree % 2 else 0.5
    place = np.append(t, t[0] + 1.0)
    knots = np.interp(step * len(t) / control_points + shift, np.arange(len(t) + 1), place) + turns
    start = knots[degree]
    inside = start + np.mod(t - start, 1.0)
    every = _design(inside, knots, degree)
    folded = every[:, :control_points].copy()
    folded[:, :degree] += every[:, control_points:]
    return folded


def _design(t: Floats, knots: Floats, degree: int) -> Floats:
    from scipy.interpolate import BSpline

    return np.asarray(BSpline.design_matrix(t, knots, degree).toarray(), np.float64)
