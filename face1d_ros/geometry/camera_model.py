"""A camera as its calibration describes it: a pinhole behind a lens; and where a head is that it sees."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import GeometryError

Points = NDArray[np.floating[Any]]
Floats = NDArray[np.float64]
PLUMB_BOB, RATIONAL, EQUIDISTANT = "plumb_bob", "rational_polynomial", "equidistant"
COEFFICIENTS = {PLUMB_BOB: 5, RATIONAL: 8, EQUIDISTANT: 4}
"""How many each distortion model of sensor_msgs/distortion_models has."""
STEPS = 12
STRAIGHT_AHEAD = 1e-8


@dataclass(frozen=True)
class Camera:
    """A calibrated camera; pixels as in OpenCV and camera_info."""

    width: int
    height: int
    focal_px: tuple[float, float]
    centre_px: tuple[float, float]
    distortion_model: str = PLUMB_BOB
    distortion: tuple[float, ...] = ()
    """Of the model; none: no distortion."""
    is_assumed: bool = False
    """Whether it stands in for a camera that is not calibrated."""

    def __post_init__(self) -> None:
        numbers = (*self.focal_px, *self.centre_px, *self.distortion)
        if not all(map(math.isfinite, numbers)) or min(*self.focal_px, self.width, self.height) <= 0.0:
            raise GeometryError("camera", self, "a size and focal lengths above 0, all numbers finite")
        if self.distortion and len(self.distortion) != COEFFICIENTS.get(self.distortion_model):
            known = ", ".join(f"{name} with {count}" for name, count in COEFFICIENTS.items())
            came = f"{self.distortion_model!r} with {len(self.distortion)} coefficients"
            raise GeometryError("distortion model", came, f"one of {known}")

    def undistorted(self, points_px: Points) -> Floats:
        """(..., N, 2 or more) pixels as a camera without distortion would have them; further columns stay."""
        points = points_px.astype(np.float64)
        if not any(self.distortion):
            return points
        focal, centre = np.array(self.focal_px), np.array(self.centre_px)
        seen = (points[..., :2] - centre) / focal
        straight = _fisheye(seen, self.distortion) if self.distortion_model == EQUIDISTANT else self._lens(seen)
        points[..., :2] = straight * focal + centre
        return points

    def _lens(self, seen: Floats) -> Floats:
        """Brown's model has no inverse in closed form: what it would add is taken off, again and again."""
        k1, k2, p1, p2, k3, k4, k5, k6 = (*self.distortion, *(0.0,) * (8 - len(self.distortion)))
        found = seen.copy()
        for _ in range(STEPS):
            x, y = found[..., 0], found[..., 1]
            r2 = x * x + y * y
            stretch = (1.0 + r2 * (k1 + r2 * (k2 + r2 * k3))) / (1.0 + r2 * (k4 + r2 * (k5 + r2 * k6)))
            aside = np.stack(
                [2.0 * p1 * x * y + p2 * (r2 + 2.0 * x * x), p1 * (r2 + 2.0 * y * y) + 2.0 * p2 * x * y], axis=-1
            )
            found = (seen - aside) / stretch[..., None]
        return found


def calibrated_camera(
    size: tuple[int, int],
    focal_px: tuple[float, float],
    centre_px: tuple[float, float],
    distortion_model: str,
    distortion: Sequence[float],
) -> Camera | None:
    """A camera as a calibration names it; None where a focal length of 0 says that there is no calibration.

    Drivers send coefficients of 0 of any number and model where there is no distortion, and leave out or add zeros
    at the end: that is taken for what it means.
    """
    if focal_px[0] == 0.0:
        return None
    known = list(distortion)
    while known and known[-1] == 0.0:
        known.pop()
    if not known:
        return Camera(*size, focal_px, centre_px)
    model = distortion_model or PLUMB_BOB
    zeros = [0.0] * (COEFFICIENTS.get(model, 0) - len(known))
    return Camera(*size, focal_px, centre_px, model, (*known, *zeros))


@lru_cache(maxsize=8)
def assumed_camera(width: int, height: int, field_of_view_rad: float) -> Camera:
    """A pinhole of this horizontal field of view."""
    focal = width / 2.0 / math.tan(field_of_view_rad / 2.0)
    return Camera(width, height, (focal, focal), ((width - 1) / 2.0, (height - 1) / 2.0), is_assumed=True)


def translation_m(turned_m: Points, points_px: Points, camera: Camera, weights: Points) -> Floats:
    """(3,) where a head is whose landmarks (M, 3), turned already, are seen at (M, 2) undistorted pixels.

    Least squares of x (Z + t_z) = X + t_x, and the same for y, each divided by the head's distance: linear in t. NaN
    where the landmarks do not tell.
    """
    rays = (points_px - np.array(camera.centre_px)) / np.array(camera.focal_px)
    w = weights / max(float(weights.sum()), STRAIGHT_AHEAD)
    mean_ray = w @ rays
    x = rays - mean_ray
    along = rays * turned_m[:, 2:] - turned_m[:, :2]
    weighted = w[:, None] * x
    spread = float(np.vdot(weighted, x))
    if not spread > STRAIGHT_AHEAD:
        return np.full(3, np.nan)
    # The shift across drops out: x has no weighted mean any more.
    depth = -float(np.vdot(weighted, along)) / spread
    across = mean_ray * depth + w @ along
    return np.array([across[0], across[1], depth])


def _fisheye(seen: Floats, coefficients: tuple[float, ...]) -> Floats:
    """theta_d = theta (1 + k1 theta^2 + …), by Newton's method."""
    k = np.array(coefficients)
    bent = np.linalg.norm(seen, axis=-1)
    angle = bent.copy()
    for _ in range(STEPS):
        t2 = angle * angle
        powers = np.stack([t2, t2**2, t2**3, t2**4], axis=-1)
        value = angle * (1.0 + powers @ k) - bent
        angle = np.clip(angle - value / (1.0 + powers @ (k * (3.0, 5.0, 7.0, 9.0))), 0.0, math.radians(89.0))
    factor = np.where(bent > STRAIGHT_AHEAD, np.tan(angle) / np.where(bent > STRAIGHT_AHEAD, bent, 1.0), 1.0)
    found: Floats = seen * factor[..., None]
    return found
