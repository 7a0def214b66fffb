"""Missing points of a line, put where the smoothest line through the others has them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.geometry.representations.representation import Floats

TENSION = 0.1
"""Of slope beside bend, for points of distance 1. Beyond its ends a line goes on straight for about 1 / TENSION points
and then stays where it is: a long gap at the end of a window would otherwise run away with the last points' noise. Of
0.03 to 1 about the best on the portrait and a real clip, for single points and for long gaps."""
LEAST_KNOWN = 2
"""Points that a line needs."""
CHUNK = 512
"""Lines at a time, so that their matrices stay small."""
Indices = NDArray[np.intp]
Values = NDArray[Any]
"""Real or complex."""


def fill_gaps(values: Values, known: NDArray[np.bool_], roughness: Floats) -> Values:
    """(..., S, C) where `known` (..., S), the rest minimising Σ x* · roughness · x; NaN with fewer than two known."""
    samples, channels = values.shape[-2:]
    lines, masks = values.reshape(-1, samples, channels).copy(), known.reshape(-1, samples)
    missing = samples - masks.sum(axis=1)
    for count in np.unique(missing[missing > 0]).tolist():
        every = np.flatnonzero(missing == count)
        if samples - count < min(LEAST_KNOWN, samples):
            lines[every] = np.nan
            continue
        for start in range(0, len(every), CHUNK):
            at = every[start : start + CHUNK]
            first, of_line = _patterns(masks[at])
            gaps, rest, weights = _solved(masks[at[first]], count, roughness)
            rows = np.arange(len(at))[:, None]
            part = lines[at]
            part[rows, gaps[of_line]] = weights[of_line] @ part[rows, rest[of_line]]
            lines[at] = part
    return lines.reshape(values.shape)


def _patterns(masks: NDArray[np.bool_]) -> tuple[Indices, Indices]:
    """(P,) the first line of each pattern, (L,) each line's pattern."""
    if len(masks) == 1:
        return np.zeros(1, np.intp), np.zeros(1, np.intp)
    packed = np.packbits(masks, axis=1)
    _, first, of_line = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    return first, of_line.reshape(-1)


def _solved(masks: NDArray[np.bool_], count: int, roughness: Floats) -> tuple[Indices, Indices, Floats]:
    """(P, gaps), (P, rest) and (P, gaps, rest): where P patterns of as many gaps have them, and what fills these."""
    gaps = np.nonzero(~masks)[1].reshape(len(masks), count)
    rest = np.nonzero(masks)[1].reshape(len(masks), -1)
    inner = roughness[gaps[:, :, None], gaps[:, None, :]]
    outer = roughness[gaps[:, :, None], rest[:, None, :]]
    return gaps, rest, np.linalg.solve(inner, -outer)


def roughness(places: Floats, closed: bool) -> Floats:
    """(S, S): a line's values at the places (S,) to the sum of its squared bends and, lightly, slopes."""
    count = len(places)
    around = np.append(places, places[0] + 1.0) if closed else places
    steps = np.diff(around) * (count if closed else (count - 1) / (places[-1] - places[0]))
    slopes = np.zeros((len(steps), count))
    row = np.arange(len(steps))
    slopes[row, row] -= 1.0 / steps
    slopes[row, (row + 1) % count] += 1.0 / steps
    if closed:
        bends = (slopes - np.roll(slopes, 1, axis=0)) * (2.0 / (steps + np.roll(steps, 1)))[:, None]
    else:
        bends = np.diff(slopes, axis=0) * (2.0 / (steps[:-1] + steps[1:]))[:, None]
    whole: Floats = bends.T @ bends + TENSION * TENSION * (slopes.T @ slopes)
    return whole
