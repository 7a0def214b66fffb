"""Where a face lies in the square crop that networks of facial appearance are trained on.

Five points (eyes, nose tip, mouth corners) come to the places that ArcFace and those after it gave them in 112 × 112
pixels: Deng et al., "ArcFace: Additive angular margin loss for deep face recognition" (CVPR 2019), Section 3.1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.geometry.rigid import align
from face1d_ros.geometry.topology import to_68

Floats = NDArray[np.floating[Any]]
SIZE_PX = 112
TEMPLATE_PX = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)
"""The person's right eye, left eye, nose tip, right and left mouth corner."""
RIGHT_EYE, LEFT_EYE = slice(36, 42), slice(42, 48)
NOSE_TIP, RIGHT_CORNER, LEFT_CORNER = 30, 48, 54
"""Of the 68 landmarks."""


def five_points(points_px: Floats) -> NDArray[np.float64]:
    """(5, 2) of landmarks (N, 2 or 3). Eyes are the middles of their lids' lines, so that gaze does not matter."""
    found = np.asarray(to_68(points_px)[:, :2], np.float64)
    eyes = [found[eye].mean(axis=0) for eye in (RIGHT_EYE, LEFT_EYE)]
    return np.stack([*eyes, *found[[NOSE_TIP, RIGHT_CORNER, LEFT_CORNER]]])


def crop_transform(points_px: Floats) -> NDArray[np.float64] | None:
    """(2, 3) from pixels of the image to those of the crop, without a mirror; None where the points allow none."""
    found = align(five_points(points_px), TEMPLATE_PX)
    matrix = np.column_stack([found.scale * found.rotation, found.translation])
    return matrix if np.isfinite(matrix).all() else None
