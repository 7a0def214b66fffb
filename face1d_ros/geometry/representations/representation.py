"""What all representations have in common, and the checks of what comes in."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from face1d_ros.errors import GeometryError

Floats: TypeAlias = NDArray[np.float64]
Points: TypeAlias = NDArray[np.floating[Any]]


class Representation(Protocol):
    """Points to fewer numbers and back.

    Leading axes are a batch of any shape, so (B, T, N, C) serves as well as (B, N, C); what is encoded along time
    takes (..., T, N, C) as one item. Points that are not finite are missing. `weights` (..., N) or (..., T, N), at
    least 0, say how much each point counts; 0 is missing, too. What an item does not determine is NaN.
    """

    def encode(self, points: Points, weights: ArrayLike | None = None) -> Floats:
        """(..., N, C) to the coefficients, as few as the representation keeps."""
        ...

    def decode(self, coefficients: Points) -> Floats:
        """The coefficients of `encode` to (..., N, C)."""
        ...


class FrameRepresentation(Representation, Protocol):
    """One of a single frame, whose coefficients have a known shape."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Axes of one item's coefficients."""
        ...


def checked(name: str, values: ArrayLike, expected: tuple[int | None, ...]) -> Floats:
    """The values in float64, if their last axes are as expected; None stands for any length."""
    array = np.asarray(values, np.float64)
    last = array.shape[array.ndim - len(expected) :] if array.ndim >= len(expected) else ()
    if not last or any(wanted not in (None, came) for wanted, came in zip(expected, last, strict=True)):
        axes = ", ".join("any" if wanted is None else str(wanted) for wanted in expected)
        raise GeometryError(name, f"shape {array.shape}", f"(..., {axes})")
    return array


def known_weights(points: Floats, weights: ArrayLike | None) -> Floats | None:
    """(..., N) how much each of (..., N, C) counts, 0 where it is not finite; None if all count the same."""
    finite = np.isfinite(points)
    if weights is None:
        return None if finite.all() else finite.all(axis=-1).astype(np.float64)
    given = np.asarray(weights, np.float64)
    try:
        given = np.broadcast_to(given, points.shape[:-1])
    except ValueError as error:
        raise GeometryError("weights", f"shape {given.shape}", f"{points.shape[:-1]}, one for each point") from error
    if not (np.isfinite(given).all() and (given >= 0.0).all()):
        raise GeometryError("weights", "negative or not finite ones", "finite values of at least 0")
    if finite.all() and given.size and given.min() == given.max() > 0.0:
        return None
    return np.where(finite.all(axis=-1), given, 0.0)


def even(known: Floats) -> bool:
    """Whether all points that are known count the same."""
    least = known.min(initial=np.inf, where=known > 0.0)
    return bool(least >= known.max(initial=0.0))


def check_count(name: str, count: int, least: int, most: int) -> None:
    """Refuse a number of coefficients that cannot be kept."""
    if not least <= count <= most:
        raise GeometryError(name, count, f"{least} to {most}" if most > least else str(least))
