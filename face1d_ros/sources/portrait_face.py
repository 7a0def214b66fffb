"""The face in the photo: where its parts are, and how each of them moves.

The anchors are read off scikit-image's astronaut photo (512×512) by eye, in its pixels. They shape the
motion; the truth does not depend on how well they sit, because image and points go through the same map.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from face1d_ros.sources.portrait_motion import Channels
from face1d_ros.sources.portrait_warp import Axes, Box, Coordinates, Push, Warp, slide

Point = tuple[float, float]

FACE_CENTER: Point = (224.5, 123.5)
FACE_HEIGHT_PX = 107.0
"""Fringe to chin."""

MOUTH_CORNERS: tuple[Point, Point] = ((202.5, 139.6), (245.5, 140.6))
"""The person's right corner first: it is on the image's left."""
UPPER_LIP_EDGE: tuple[Point, ...] = (
    (207.0, 141.4), (212.0, 142.6), (217.0, 143.1), (223.0, 143.5), (229.0, 143.1),
    (235.0, 142.2), (240.0, 141.4),
)  # fmt: skip
LOWER_LIP_EDGE: tuple[Point, ...] = (
    (207.0, 144.6), (212.0, 147.8), (217.0, 149.0), (223.0, 149.5), (229.0, 149.0),
    (235.0, 147.0), (240.0, 144.3),
)  # fmt: skip
RIGHT_EYE_CORNERS: tuple[Point, Point] = ((193.5, 101.0), (214.5, 103.0))
RIGHT_UPPER_LID: tuple[Point, ...] = (
    (197.0, 99.0),
    (200.0, 98.2),
    (203.0, 97.9),
    (207.0, 98.5),
    (211.0, 100.6),
)
RIGHT_LOWER_LID: tuple[Point, ...] = (
    (197.0, 103.0),
    (200.0, 104.1),
    (203.0, 104.6),
    (207.0, 104.6),
    (211.0, 104.0),
)
LEFT_EYE_CORNERS: tuple[Point, Point] = ((236.3, 105.0), (258.0, 103.8))
LEFT_UPPER_LID: tuple[Point, ...] = (
    (240.0, 101.9),
    (244.0, 100.0),
    (248.0, 99.5),
    (252.0, 100.4),
    (255.5, 102.0),
)
LEFT_LOWER_LID: tuple[Point, ...] = (
    (240.0, 105.8),
    (244.0, 106.4),
    (248.0, 106.7),
    (252.0, 106.3),
    (255.5, 105.2),
)
RIGHT_BROW: Point = (200.5, 89.0)
LEFT_BROW: Point = (251.0, 92.0)
RIGHT_CHEEK: Point = (193.0, 122.0)
LEFT_CHEEK: Point = (255.5, 124.0)

JAW_DROP_PX = 15.0
SMILE_PX = (4.6, 4.0)
"""Out and up, of a mouth corner."""
CHEEK_PX = 1.2
BROW_PX = 4.6
CORNER_PART = 0.35
"""Of the jaw's way, at the mouth corners."""
SHUT_PART = 0.95
"""Of the gap, that closes; the rest stays as a dark line."""


@dataclass(frozen=True)
class Margin:
    """A curve between two corners, at u = ±1: v = (1 - u²)(a + bu + cu²), fitted to anchors."""

    a: float
    b: float
    c: float

    @staticmethod
    def fitted(axes: Axes, anchors: tuple[Point, ...]) -> Margin:
        """Least squares through the anchors."""
        x, y = np.array(anchors).T
        u, v = axes.enter(x, y)
        basis = (1.0 - u * u)[:, None] * np.stack([np.ones_like(u), u, u * u], axis=1)
        a, b, c = np.linalg.lstsq(basis, v, rcond=None)[0]
        return Margin(float(a), float(b), float(c))

    def at(self, u: Coordinates, falloff: Coordinates) -> Coordinates:
        """Its v at u; falloff is 1 - u², or 0 outside of the corners."""
        return falloff * (self.a + u * (self.b + u * self.c))


@dataclass(frozen=True)
class Gap:
    """Two margins that meet in two corners: the lids of an eye, the lips of the mouth."""

    axes: Axes
    upper: Margin
    lower: Margin

    @staticmethod
    def between(corners: tuple[Point, Point], upper: tuple[Point, ...], lower: tuple[Point, ...]) -> Gap:
        """From anchors on the photo."""
        axes = Axes.between(*corners)
        return Gap(axes, Margin.fitted(axes, upper), Margin.fitted(axes, lower))

    def margins(self, u: Coordinates) -> tuple[Coordinates, Coordinates, Coordinates, Coordinates]:
        """The falloff 1 - u² to the corners, v of both margins (0.02 px apart or more), their true distance."""
        falloff = np.maximum(1.0 - u * u, 0.0)
        upper = self.upper.at(u, falloff)
        apart = np.maximum(self.lower.at(u, falloff) - upper, 0.0)
        return falloff, upper, upper + np.maximum(apart, 0.02), apart


@dataclass(frozen=True)
class Sliding(ABC):
    """Skin around a gap that slides across it: knots on the v axis, and how far each of them goes."""

    gap: Gap

    @abstractmethod
    def _knots(self, u: Coordinates) -> tuple[list[Coordinates], list[Coordinates | float]]:
        """The v of the knots at u, from top to bottom, and their shifts in px."""

    def forward(self, x: Coordinates, y: Coordinates) -> tuple[Coordinates, Coordinates]:
        """The photo's skin to its place."""
        u, v = self.gap.axes.enter(x, y)
        knots, shifts = self._knots(u)
        return self.gap.axes.shifted(x, y, slide(v, knots, shifts))

    def backward(self, x: Coordinates, y: Coordinates) -> tuple[Coordinates, Coordinates]:
        """Back to the photo's place."""
        u, v = self.gap.axes.enter(x, y)
        knots, shifts = self._knots(u)
        moved = [knot + shift for knot, shift in zip(knots, shifts, strict=True)]
        return self.gap.axes.shifted(x, y, slide(v, moved, [-1.0 * shift for shift in shifts]))


@dataclass(frozen=True)
class Eyelids(Sliding):
    """The upper lid comes down with its lashes, skin stretched behind it; the lower lid comes up a little."""

    closed: float

    skin_px = 4.6
    """Above the lashes, that is stretched."""
    lashes_px = 2.4
    """Above the lid margin, that moves unstretched."""
    below_px = 7.0

    @property
    def box(self) -> Box:
        """The eye between brow and cheek."""
        return self.gap.axes.box((-1.0, 1.0), (-20.0, 16.0))

    def _knots(self, u: Coordinates) -> tuple[list[Coordinates], list[Coordinates | float]]:
        _, upper, lower, apart = self.gap.margins(u)
        way = apart * (self.closed * SHUT_PART)
        lashes = upper - self.lashes_px
        knots = [lashes - self.skin_px, lashes, upper, lower, lower + self.below_px]
        return knots, [0.0, way * 0.85, way * 0.85, way * -0.15, 0.0]

    def darkness(self, x: Coordinates, y: Coordinates) -> Coordinates:
        """0 to 1: the line of lashes where the lids meet; asked of moved coordinates."""
        u, v = self.gap.axes.enter(x, y)
        knots, shifts = self._knots(u)
        upper, lower = knots[2] + shifts[2], knots[3] + shifts[3]
        falloff = np.maximum(1.0 - u * u, 0.0)
        return self.closed**2 * _line(v, upper, lower, 0.5) * np.sqrt(falloff)


@dataclass(frozen=True)
class Mouth(Sliding):
    """The jaw drops and takes chin and lower lip along, the corners follow a part of the way; lips close.

    The photo shows teeth. They part in a thin band, 58 to 68 % down the gap, above which they stay with the
    upper lip and below which they go with the lower one. What the band is stretched to is the dark inside
    of the mouth.
    """

    jaw: float
    closed: float

    @property
    def box(self) -> Box:
        """From below the nose to below the chin, jaw to jaw."""
        return self.gap.axes.box((-2.1, 2.1), (-24.0, 72.0))

    def _knots(self, u: Coordinates) -> tuple[list[Coordinates], list[Coordinates | float]]:
        falloff, upper, lower, apart = self.gap.margins(u)
        u2 = u * u
        wide = np.maximum(1.0 - u2 * (1.0 / 2.1**2), 0.0)
        drop = JAW_DROP_PX * self.jaw * wide * wide
        height = lower - upper
        shut = apart * (SHUT_PART * self.closed)
        chin = np.maximum(36.0 - 9.0 * u2, lower + 8.0)
        nose = upper - 9.5 - 8.0 * np.minimum(u2, 2.0)
        knots = [nose, upper, upper + 0.58 * height, upper + 0.68 * height, lower, chin, chin + 30.0]
        lip = drop * (CORNER_PART * (1.0 - falloff)) + 0.3 * shut * falloff
        parted = drop * (falloff * (1.0 + u2))
        shifts = [lip, lip - 0.58 * shut, lip - 0.68 * shut + parted, lip - shut + parted]
        return knots, [0.0, *shifts, drop - 0.3 * shut, 0.0]

    def darkness(self, x: Coordinates, y: Coordinates) -> Coordinates:
        """0 to 1: the inside of the open mouth, the line of the closed one; asked of moved coordinates."""
        u, v = self.gap.axes.enter(x, y)
        knots, shifts = self._knots(u)
        top, bottom = knots[2] + shifts[2], knots[3] + shifts[3]
        inside = np.clip(np.minimum(v - top, bottom - v) / 1.2, 0.0, 1.0)
        line = self.closed**2 * _line(v, knots[1] + shifts[1], knots[4] + shifts[4], 0.6)
        return np.maximum(inside, line * np.sqrt(np.maximum(1.0 - u * u, 0.0)))


def _line(v: Coordinates, upper: Coordinates, lower: Coordinates, soft_px: float) -> Coordinates:
    """1 between the two, falling to 0 within the soft margin around them."""
    outside = np.maximum(upper - v, v - lower)
    return np.clip(1.0 - outside / soft_px, 0.0, 1.0)


MOUTH = Gap.between(MOUTH_CORNERS, UPPER_LIP_EDGE, LOWER_LIP_EDGE)
RIGHT_EYE = Gap.between(RIGHT_EYE_CORNERS, RIGHT_UPPER_LID, RIGHT_LOWER_LID)
LEFT_EYE = Gap.between(LEFT_EYE_CORNERS, LEFT_UPPER_LID, LEFT_LOWER_LID)


def face_warps(channels: Channels) -> list[Warp]:
    """The parts that move, in the order in which a point of the photo passes through them."""
    warps: list[Warp] = []
    if channels.eye_closed_right:
        warps.append(Eyelids(RIGHT_EYE, channels.eye_closed_right))
    if channels.eye_closed_left:
        warps.append(Eyelids(LEFT_EYE, channels.eye_closed_left))
    mouth = Mouth(MOUTH, channels.jaw, channels.lips_closed)
    if channels.jaw or channels.lips_closed:
        warps.append(mouth)
    warps += _smile(mouth, MOUTH_CORNERS[0], RIGHT_CHEEK, channels.smile_right, outward=-1.0)
    warps += _smile(mouth, MOUTH_CORNERS[1], LEFT_CHEEK, channels.smile_left, outward=1.0)
    for brow, raised in ((RIGHT_BROW, channels.brow_right), (LEFT_BROW, channels.brow_left)):
        if raised:
            warps.append(Push(*brow, 0.0, -BROW_PX * raised, radius_x=20.0, radius_y=14.0, level=True))
    return warps


def _smile(mouth: Mouth, corner: Point, cheek: Point, amount: float, outward: float) -> list[Warp]:
    if not amount:
        return []
    x, y = mouth.forward(np.array([corner[0]]), np.array([corner[1]]))
    out_px, up_px = SMILE_PX
    dx, dy = outward * out_px * amount, -up_px * amount
    return [
        Push(float(x[0]), float(y[0]), dx, dy, radius_x=20.0, radius_y=18.0),
        Push(*cheek, 0.0, -CHEEK_PX * amount, radius_x=16.0, radius_y=14.0),
    ]
