"""Frames of a camera onto the grid of fixed times that motions are compared on, one frame after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import GeometryError
from face1d_ros.geometry.motion_clip import LONGEST_GAP_S, POINTS, RATE_HZ

Floats = NDArray[np.floating[Any]]
NS = 1_000_000_000
SLACK = 1e-6
"""Of a frame of the grid, by which it may lie after the newest frame of the camera: rounding."""


class MotionGrid:
    """As `motion_clip.on_grid` of all frames since it began. It begins anew where nobody knows what a face did."""

    def __init__(self) -> None:
        self.begin_ns: int | None = None
        """The stamp of its first frame."""
        self._count = 0
        self._before_cm: NDArray[np.float64] = np.empty((0, 3))
        self._before_s = 0.0

    def reaches(self, stamp_ns: int) -> bool:
        """Whether a frame with this stamp goes on with it, and does not begin it anew."""
        if self.begin_ns is None:
            return False
        return 0.0 < (stamp_ns - self.begin_ns) / NS - self._before_s <= LONGEST_GAP_S

    def stamp_ns(self, index: int) -> int:
        """Of a frame of the grid."""
        return (self.begin_ns or 0) + round(index * NS / RATE_HZ)

    def update(self, points_cm: Floats, stamp_ns: int) -> list[NDArray[np.float32]]:
        """The frames (68, 3) of the grid that are known with this one of the camera, none or several."""
        points = np.asarray(points_cm, np.float64)
        if points.shape != (POINTS, 3) or not np.isfinite(points).all():
            raise GeometryError("landmarks of a motion", f"{points.shape}, or not finite", f"finite ({POINTS}, 3)")
        if not self.reaches(stamp_ns):
            self.begin_ns, self._before_s, self._count = stamp_ns, 0.0, 1
            self._before_cm = points
            return [points.astype(np.float32)]
        now_s = (stamp_ns - (self.begin_ns or 0)) / NS
        first, self._count = self._count, int(now_s * RATE_HZ + SLACK) + 1
        shares = (np.arange(first, self._count) / RATE_HZ - self._before_s) / (now_s - self._before_s)
        found = [((1.0 - share) * self._before_cm + share * points).astype(np.float32) for share in shares]
        self._before_cm, self._before_s = points, now_s
        return found
