"""What every filter is, and what all of them share: time, its jumps, and many faces side by side."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from face1d_ros.errors import GeometryError

Points: TypeAlias = NDArray[np.floating[Any]]
Flags: TypeAlias = NDArray[np.bool_]
State: TypeAlias = tuple[NDArray[Any], ...]
"""The output (..., N, C) first, then what else a filter remembers; each begins with the same leading axes."""

LONGEST_STEP_S = 1.0
"""After a longer pause, what was before says nothing of now."""
SHORTEST_STEP_S = 1e-6
"""What is divided by, at least."""
FARTHEST_PX = 1e12
"""Coordinates are cut off here, so that no difference, speed or product of them overflows single precision."""
SMALLEST_FACE_PX = 1e-3


class Filter(Protocol):
    """One face over time, or several side by side, each for itself."""

    @property
    def name(self) -> str:
        """As `make_filter` knows it."""
        ...

    def __call__(self, points: Points, stamp_s: ArrayLike, confidence: ArrayLike | None = None) -> Points:
        """Points (..., N, C) at their stamps (...) to where the face is: (..., N, C)."""
        ...

    def reset(self) -> None:
        """Forgets everything."""
        ...


class TimedFilter(ABC):
    """A filter made of two functions without side effects: how its state begins, and how it goes on."""

    name: ClassVar[str]

    def __init__(self) -> None:
        self._state: State | None = None
        self._stamp_s = np.array(np.nan)

    def __call__(self, points: Points, stamp_s: ArrayLike, confidence: ArrayLike | None = None) -> Points:
        """Points (..., N, C) px, finite, x and y first; stamps () or broadcast over (...); confidence (..., N), 0 to 1,
        NaN of a point of which none is known.

        The first call gives the points themselves. A stamp equal to the last gives the last output and teaches
        nothing; a stamp before the last, or more than `LONGEST_STEP_S` after it, begins anew.
        """
        here, now_s = checked_points(points), np.asarray(stamp_s, np.float64)
        if self._state is None:
            self._state = self.start(here)
            self._stamp_s = now_s.copy()
            return self._state[0].copy()
        if here.shape != self._state[0].shape:
            expected = f"{self._state[0].shape}, as before; call reset() for other faces"
            raise GeometryError("points", f"shape {here.shape}", expected)
        step_s = now_s - self._stamp_s
        again, anew = step_s == 0.0, ~((step_s >= 0.0) & (step_s <= LONGEST_STEP_S))
        if not again.all():
            self._state = self._next(self._state, here, step_s, again, anew, confidence)
            self._stamp_s = now_s.copy()
        return self._state[0].copy()

    def reset(self) -> None:
        """Forgets everything: the next call is a first one, of any shape."""
        self._state = None

    @abstractmethod
    def start(self, points: Points) -> State:
        """The state after a first frame (..., N, C), whose output is the points."""

    @abstractmethod
    def advance(self, state: State, points: Points, step_s: NDArray[np.float64], weight: Points | None) -> State:
        """The state a step (..., 1, 1) later, with a confidence (..., N, 1) where one is known."""

    def _next(
        self, state: State, points: Points, step_s: Any, again: Flags, anew: Flags, confidence: ArrayLike | None
    ) -> State:
        if anew.all():
            return self.start(points)
        usual = not again.any() and not anew.any()
        step_s = np.maximum(step_s if usual else np.where(anew, LONGEST_STEP_S, step_s), SHORTEST_STEP_S)
        weight = None if confidence is None else _weights(confidence, points)
        after = self.advance(state, points, step_s[..., None, None], weight)
        if usual:
            return after
        begun = self.start(points) if anew.any() else after
        leading = points.ndim - 2
        return tuple(
            np.where(_over(again, old, leading), old, np.where(_over(anew, new, leading), first, new))
            for old, new, first in zip(state, after, begun, strict=True)
        )


def checked_points(points: Points) -> Points:
    """(..., N, C) in floating point, cut off at `FARTHEST_PX`."""
    here = np.asarray(points)
    if here.ndim < 2 or here.shape[-1] < 2 or not here.shape[-2] or here.dtype.kind not in "fiu":
        came = f"{here.dtype} of shape {here.shape}"
        raise GeometryError("points", came, "numbers of shape (..., landmarks, 2 or more)")
    if here.dtype not in (np.float32, np.float64):
        here = here.astype(np.float64)
    return np.clip(here, -FARTHEST_PX, FARTHEST_PX)


def _weights(confidence: ArrayLike, points: Points) -> Points:
    """(..., N, 1), 1 where none is known."""
    weights = np.asarray(confidence, points.dtype)
    if weights.shape != points.shape[:-1]:
        raise GeometryError("confidence", f"shape {weights.shape}", f"{points.shape[:-1]}, one of each point")
    return np.where(np.isnan(weights), 1.0, weights).astype(points.dtype)[..., None]


def box_px(points: Points) -> Points:
    """(..., N, C) to (..., 2) width and height of the landmark box."""
    # Two contiguous rows are reduced several times faster than two columns.
    plane = np.ascontiguousarray(np.swapaxes(points[..., :2], -1, -2))
    return np.asarray(plane.max(axis=-1) - plane.min(axis=-1))


def _over(flags: Flags, values: NDArray[Any], leading: int) -> Flags:
    """Flags of faces, shaped to choose among values of `leading` leading axes and any others."""
    return flags.reshape(flags.shape + (1,) * (values.ndim - leading))
