"""How far eyes and mouth are open, from the lid margins and the inner border of the lips."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.geometry.topology import to_68

RIGHT_EYE_PAIRS = ((37, 41), (38, 40))
LEFT_EYE_PAIRS = ((43, 47), (44, 46))
INNER_LIP_PAIRS = ((61, 67), (62, 66), (63, 65))


def openings(points: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """(..., N, C) points to (..., 3): right eye, left eye, mouth.

    Mean distance of the points that meet when it shuts, divided by the distance of the corners: 0 is shut. In the image
    plane only, because the depth of single points is not measured well enough. NaN where a point is unknown or the
    corners coincide.
    """
    plane = to_68(points)[..., :2].astype(np.float64)
    parts = ((RIGHT_EYE_PAIRS, (36, 39)), (LEFT_EYE_PAIRS, (42, 45)), (INNER_LIP_PAIRS, (60, 64)))
    return np.stack([_opening(plane, pairs, corners) for pairs, corners in parts], axis=-1)


def _opening(
    plane: NDArray[np.float64], pairs: tuple[tuple[int, int], ...], corners: tuple[int, int]
) -> NDArray[np.float64]:
    upper, lower = np.array(pairs).T
    gaps = np.linalg.norm(plane[..., upper, :] - plane[..., lower, :], axis=-1).mean(axis=-1)
    width = np.linalg.norm(plane[..., corners[0], :] - plane[..., corners[1], :], axis=-1)
    ratio: NDArray[np.float64] = gaps / np.where(width > 0.0, width, np.nan)
    return ratio
