"""Fourier descriptors of a contour z(t) = x(t) + j y(t): X(f) = ∫ z(t) e^{−j2πft} dt (review, equation 5).

On landmarks the integral is the least-squares fit of z(t) = Σ X(f) e^{j2πft}, which for evenly spaced places is the
discrete transform divided by their number. An open curve is a contour that is traced there and back: X(−f) = X(f), so
that its descriptors are those of cosines.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from face1d_ros.errors import GeometryError
from face1d_ros.geometry.representations.basis import Basis
from face1d_ros.geometry.representations.representation import Floats, Points, check_count, checked

LEAST_CLOSED = 2


def fourier_basis(places: ArrayLike, count: int, *, closed: bool = False) -> Basis:
    """The lowest frequencies at the places (S,); coefficients (..., count, 2) are X(f), real and imaginary part.

    Closed: places in [0, 1), f = 0, 1, −1, 2, −2, …; open: ascending places, f = 0, 1/2, 1, … of the way there.
    """
    t = np.asarray(places, np.float64)
    if t.ndim != 1 or len(t) < 2 or not (np.diff(t) > 0.0).all():
        raise GeometryError("places", f"shape {t.shape}", "at least 2 ascending numbers")
    check_count("descriptors", count, 1, len(t))
    if closed:
        return Basis(np.exp(2j * np.pi * t[:, None] * frequencies(count)), t, closed=True)
    way = (t - t[0]) / (t[-1] - t[0])
    return Basis(np.cos(np.pi * way[:, None] * np.arange(count)), t)


def frequencies(count: int) -> Floats:
    """(count,) of a closed contour, in the order of the descriptors: 0, 1, −1, 2, −2, …"""
    order = np.arange(count)
    return np.where(order % 2 == 1, (order + 1) // 2, -(order // 2)).astype(np.float64)


def magnitudes(descriptors: Points) -> Floats:
    """(..., K, 2) of one curve to (..., K − 1): |X(f)| without f = 0, the same wherever the curve is, however turned.

    Of a closed contour they do not depend on its starting point either. Divided by the first they do not depend on its
    size.
    """
    values = checked("descriptors", descriptors, (None, 2))
    return np.hypot(values[..., 1:, 0], values[..., 1:, 1])
