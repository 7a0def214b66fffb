"""A face's pixels as networks of facial appearance take them: upright, in a square of 112 pixels."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from face1d_ros.geometry.face_crop import SIZE_PX, Floats, crop_transform

Pixels = NDArray[np.uint8]
MOST_ENLARGED = 3.0
"""Pixels of the crop for one of the image, in each direction: 12 px between the eyes. Of less nobody is known."""
LEAST_INSIDE = 0.85
"""Of the crop's area, in the image."""
TOO_SMALL, OUTSIDE, NO_CROP = "face too small to see its appearance", "face partly outside the image", "no crop"
_PLACES = (np.stack(np.meshgrid(*2 * [np.linspace(0.0, SIZE_PX - 1.0, 12)]), axis=-1)).reshape(-1, 2)


def face_crop(image: Pixels, points_px: Floats) -> Pixels | str:
    """(112, 112, 3) of the face with landmarks (N, 3) in an image (height, width, 3), or why there is none."""
    matrix = crop_transform(points_px)
    if matrix is None:
        return NO_CROP
    turn, shift = matrix[:, :2], matrix[:, 2]
    back = np.linalg.inv(turn)
    scale = float(np.sqrt(abs(np.linalg.det(turn))))
    if scale > MOST_ENLARGED:
        return TOO_SMALL
    height, width = image.shape[:2]
    places = (_PLACES - shift) @ back.T
    inside = ((places >= -0.5) & (places <= (width - 0.5, height - 0.5))).all(axis=1)
    if inside.mean() < LEAST_INSIDE:
        return OUTSIDE
    shrink = max(int(1.0 / scale), 1)
    first = np.maximum(np.floor(places.min(axis=0)).astype(int) - shrink, 0)
    beyond = np.minimum(np.ceil(places.max(axis=0)).astype(int) + shrink + 1, (width, height))
    part = image[first[1] : beyond[1], first[0] : beyond[0]]
    if shrink > 1:  # or what is finer than a pixel of the crop would be taken at random
        part = part[: len(part) // shrink * shrink, : part.shape[1] // shrink * shrink]
        size = (part.shape[1] // shrink, len(part) // shrink)
        part = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    # Pixel p of the part lies at first + shrink (p + 1/2) - 1/2 of the image.
    moved = turn @ (first + (shrink - 1) / 2.0) + shift
    found = cv2.warpAffine(part, np.column_stack([shrink * turn, moved]), (SIZE_PX, SIZE_PX), flags=cv2.INTER_LINEAR)
    return np.asarray(found, np.uint8)
