"""What the left and the right half of a face do, as pairs of numbers that are equal while both do the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from face1d_ros.geometry.topology import curve, indices_in, partner, region
from face1d_ros.types import Topology

Floats = NDArray[np.float64]
Row = tuple[int, Sequence[int], float]
"""An axis, points whose mean along it is taken, and a factor."""
REGIONS = ("brow", "eye", "nose", "cheek", "mouth")
"""In the order of the message."""
X, Y = 0, 1
NOSE_TOP = (27,)
NOSTRILS_LEFT = (35, 34)
MOUTH_CORNER_LEFT = (54, 64)
LIP_MIDDLE = (51, 57, 62, 66)
"""Of the 68 points. Lips are measured from their middle, because the stronger side pulls all of them over."""


@dataclass(frozen=True, eq=False)
class Signals:
    """F pairs of signals of a topology, linear in the landmarks."""

    weights: Floats
    """(2 F, 3 N): first the left ones, then the right ones."""
    region: NDArray[np.intp]
    """(F,) the place of each in `REGIONS`."""

    def of(self, aligned_cm: NDArray[np.floating]) -> Floats:
        """(2 F,) in cm, of landmarks (N, 3) brought onto the canonical face."""
        values: Floats = self.weights @ aligned_cm.reshape(-1).astype(np.float64)
        return values


@cache
def signals(topology: Topology) -> Signals:
    """Height of the brow over the eye, opening of the lids, height of the nostril and the cheek, corner of the mouth.

    The 68 points have no cheeks.
    """
    left = [(name, rows) for name, rows in _left(topology) if all(len(points) for _, points, _ in rows)]
    other = partner(topology)
    weights = np.zeros((2, len(left), int(topology), 3))
    for index, (_, rows) in enumerate(left):
        # What points to the left on one side points to the right on the other.
        mirrored = -1.0 if rows[0][0] == X else 1.0
        for axis, points, factor in rows:
            np.add.at(weights[0, index, :, axis], np.asarray(points), factor / len(points))
            np.add.at(weights[1, index, :, axis], other[np.asarray(points)], mirrored * factor / len(points))
    weights.flags.writeable = False
    regions = np.array([REGIONS.index(name) for name, _ in left], np.intp)
    return Signals(weights.reshape(2 * len(left), 3 * int(topology)), regions)


def _left(topology: Topology) -> list[tuple[str, list[Row]]]:
    """The left ones: region, and what is added up. y points down."""
    in_68 = indices_in(Topology.FACE_68, topology)

    def of_68(points: Sequence[int]) -> list[int]:
        return [int(in_68[point]) for point in points]

    upper, lower = (curve(f"left_{edge}_lid", topology).indices for edge in ("upper", "lower"))
    corners = [int(upper[0]), int(upper[-1])]
    brow = curve("left_brow", topology).indices.tolist()
    corner, middle = of_68(MOUTH_CORNER_LEFT), of_68(LIP_MIDDLE)
    return [
        ("brow", [(Y, brow, -1.0), (Y, corners, 1.0)]),
        ("eye", [(Y, lower[1:-1].tolist(), 1.0), (Y, upper[1:-1].tolist(), -1.0)]),
        ("nose", [(Y, of_68(NOSTRILS_LEFT), -1.0), (Y, of_68(NOSE_TOP), 1.0)]),
        ("cheek", [(Y, region("left_cheek", topology).tolist(), -1.0)]),
        ("mouth", [(X, corner, 1.0), (X, middle, -1.0)]),
        ("mouth", [(Y, corner, -1.0), (Y, middle, 1.0)]),
    ]
