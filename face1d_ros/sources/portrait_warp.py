"""Smooth maps of the plane that are known in both directions.

Rendering an image needs where each pixel comes from (`backward`), truth needs where each point goes
(`forward`). Coordinates x, y are arrays of one shape, in pixels of the still photo.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Coordinates: TypeAlias = NDArray[np.floating[Any]]
Box: TypeAlias = tuple[float, float, float, float]
"""x from, y from, x to, y to."""


class Warp(Protocol):
    """A map of the photo onto itself that moves a part of it."""

    @property
    def box(self) -> Box:
        """Outside of this both directions change nothing."""
        ...

    def forward(self, x: Coordinates, y: Coordinates) -> tuple[Coordinates, Coordinates]:
        """Where points go."""
        ...

    def backward(self, x: Coordinates, y: Coordinates) -> tuple[Coordinates, Coordinates]:
        """Where points came from."""
        ...


@dataclass(frozen=True)
class Axes:
    """Coordinates (u, v) of their own origin, direction and unit: u along it, v clockwise of it."""

    origin_x: float
    origin_y: float
    angle_rad: float
    unit_px: float = 1.0

    @staticmethod
    def between(first: tuple[float, float], last: tuple[float, float]) -> Axes:
        """With u = -1 at the first point and 1 at the last, and v in pixels."""
        dx, dy = last[0] - first[0], last[1] - first[1]
        middle = ((first[0] + last[0]) / 2.0, (first[1] + last[1]) / 2.0)
        return Axes(*middle, math.atan2(dy, dx), math.hypot(dx, dy) / 2.0)

    def enter(self, x: Coordinates, y: Coordinates) -> tuple[Coordinates, Coordinates]:
        """(x, y) to (u, v)."""
        cos, sin = math.cos(self.angle_rad), math.sin(self.angle_rad)
        dx, dy = x - self.origin_x, y - self.origin_y
        return (dx * cos + dy * sin) * (1.0 / self.unit_px), dy * cos - dx * sin

    def shifted(self, x: Coordinates, y: Coordinates, dv: Coordinates) -> tuple[Coordinates, Coordinates]:
        """(x, y) moved by dv along v."""
        return x - dv * math.sin(self.angle_rad), y + dv * math.cos(self.angle_rad)

    def box(self, u: tuple[float, float], v: tuple[float, float]) -> Box:
        """The upright box around a (u, v) box."""
        cos, sin = math.cos(self.angle_rad), math.sin(self.angle_rad)
        corners = [(a * self.unit_px, b) for a in u for b in v]
        xs = [self.origin_x + a * cos - b * sin for a, b in corners]
        ys = [self.origin_y + a * sin + b * cos for a, b in corners]
        return min(xs), min(ys), max(xs), max(ys)


@dataclass(frozen=True)
class Push:
    """Moves the point (x, y) by exactly (dx, dy) and its surroundings less and less, to nothing at the radii.

    Weight (1 - r²)³ around the moved point, with x⁴ in place of x² in r² for a level one. It does not fold
    while the shift stays below 0.58 of the radius.
    """

    x: float
    y: float
    dx: float
    dy: float
    radius_x: float
    radius_y: float
    level: bool = False
    """Shift the middle more evenly along x."""

    @property
    def box(self) -> Box:
        """The ellipse's box."""
        x, y = self.x + self.dx, self.y + self.dy
        return x - self.radius_x, y - self.radius_y, x + self.radius_x, y + self.radius_y

    def _weight(self, x: Coordinates, y: Coordinates) -> Coordinates:
        a = (x - (self.x + self.dx)) * (1.0 / self.radius_x)
        b = (y - (self.y + self.dy)) * (1.0 / self.radius_y)
        a *= a
        if self.level:
            a *= a
        inside = np.maximum(1.0 - a - b * b, 0.0)
        return inside * inside * inside

    def backward(self, x: Coordinates, y: Coordinates) -> tuple[Coordinates, Coordinates]:
        """Closed form."""
        weight = self._weight(x, y)
        return x - weight * self.dx, y - weight * self.dy

    def forward(self, x: Coordinates, y: Coordinates) -> tuple[Coordinates, Coordinates]:
        """Fixed point of p = start + weight(p) · shift, to 1e-9 px; a round gains at least a factor 0.6."""
        px, py = x, y
        for _ in range(60):
            weight = self._weight(px, py)
            next_x, next_y = x + weight * self.dx, y + weight * self.dy
            change = np.max(np.hypot(next_x - px, next_y - py), initial=0.0)
            px, py = next_x, next_y
            if change < 1e-9:
                break
        return px, py


def slide(v: Coordinates, knots: Sequence[Coordinates], shifts: Sequence[Coordinates | float]) -> Coordinates:
    """How far v is shifted when the knots are shifted so far and what lies between two is stretched evenly.

    Knots must rise; nothing moves before the first and the last knot, whose shifts are 0. With knots k,
    shifts d: sum over segments of clip((v - k_i) / (k_i+1 - k_i), 0, 1) · (d_i+1 - d_i).
    """
    total: Coordinates = np.zeros_like(v)
    for i in range(len(knots) - 1):
        part = (v - knots[i]) / (knots[i + 1] - knots[i])
        np.clip(part, 0.0, 1.0, out=part)
        part *= shifts[i + 1] - shifts[i]
        total += part
    return total
