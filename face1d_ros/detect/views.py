"""Which parts of an image the face detection models are shown.

A model shrinks what it is shown to a small square, so that faces below a certain share of its longer side are lost:
an eighth with short range (128×128), a fifteenth with full range (192×192). In a wide image that is a face near the
camera: 240 px in 1920×1080. So the models see square tiles, too: with short range as large as the image's shorter side
and half as large, with full range just small enough for the smallest face that is asked for.

A view costs about 1 ms with short range and 3 ms with full range, so that not all are looked at in each image. Those
that are must stay few in images of any shape: no tile for every image is smaller than `THINNEST` of the longer side.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

SHORT_RANGE_SHRINK = 128 / 17
FULL_RANGE_SHRINK = 192 / 13
"""Longer side of what a model is shown over the size of a face that it finds surely. Measured on scikit-image's
astronaut: full range scores 0.9 with 13 px of its input and 0.5 with 10; short range 0.8 with 20 and 0.7 with 17."""
MIN_TILE_PX = 192.0
"""Smaller tiles would only be enlarged."""
THINNEST = 1 / 8
"""Images thinner than that are looked at as if they were wider: a line of pixels would be thousands of tiles. So no
image has more than 16 views that are always looked at; beyond 8:1 these show faces from 1/60 of the longer side on."""
OVERLAP_MARGIN = 1.5
"""Tiles overlap by so many times the smallest face that the larger views show well, so no face falls between them."""
SLACK = 0.1
"""A tile grows by up to that share of its side where this saves a second row or column."""
IN_TURN, IN_TURN_AT_FULL_RANGE_START = 1, 8
"""Views in turn that are looked at in each image while no face is known, and with full range in the first one: in
1280×720 that are all for faces from 32 px, 30 ms once and 7 ms from then on."""


@dataclass(frozen=True)
class View:
    """A part of the image, upright, in pixels."""

    x_px: float
    y_px: float
    width_px: float
    height_px: float


@dataclass(frozen=True)
class Views:
    """Of images of one size."""

    always: tuple[View, ...]
    """The whole image first. Looked at in every image while no face is known."""
    in_turn: tuple[View, ...]
    """For small faces."""
    at_start: int = IN_TURN
    """So many of those in turn are looked at in the first image."""


@lru_cache(maxsize=8)
def short_range_views(width: int, height: int, min_face_px: float) -> Views:
    """In turn only where faces are asked for that are lost in the others."""
    shorter = max(float(min(width, height)), MIN_TILE_PX, max(width, height) * THINNEST)
    large = _tiles(width, height, shorter, max(width, height) / SHORT_RANGE_SHRINK)
    lost_below_px = shorter / SHORT_RANGE_SHRINK
    half = shorter / 2.0
    small = _tiles(width, height, half, lost_below_px) if min_face_px < lost_below_px and half >= MIN_TILE_PX else ()
    return Views((_whole(width, height), *large), small)


@lru_cache(maxsize=8)
def full_range_views(width: int, height: int, min_face_px: float) -> Views:
    """The whole image, and in turn tiles for the smallest faces."""
    side = max(FULL_RANGE_SHRINK * min_face_px, MIN_TILE_PX)
    small = _tiles(width, height, side, max(width, height) / FULL_RANGE_SHRINK)
    return Views((_whole(width, height),), small, IN_TURN_AT_FULL_RANGE_START)


def _whole(width: int, height: int) -> View:
    return View(0.0, 0.0, float(width), float(height))


def _tiles(width: int, height: int, side: float, lost_below_px: float) -> tuple[View, ...]:
    """Squares from top left to bottom right; none where the whole image is hardly larger."""
    if side * (1.0 + SLACK) >= max(width, height):
        return ()
    step = side - min(OVERLAP_MARGIN * lost_below_px, side / 2.0)
    columns, rows = _spans(width, side, step), _spans(height, side, step)
    return tuple(View(x, y, w, h) for y, h in rows for x, w in columns)


def _spans(length: int, side: float, step: float) -> list[tuple[float, float]]:
    """Start and length of the tiles along one axis, evenly spread from edge to edge."""
    free = length - side
    if free <= SLACK * side:
        return [(0.0, float(length))]
    count = math.ceil(free / step)
    return [(free * i / count, side) for i in range(count + 1)]


class Rotation:
    """Chooses the views of each image, so that the cost of one is bounded and every view has its turn."""

    def __init__(self) -> None:
        self.images = 0
        """So many it has chosen views for."""
        self._next = 0

    def choose(self, views: Views, any_face: bool) -> list[View]:
        """One view while a face is known, to find who else comes; else all that are for every image, and some more."""
        self.images += 1
        if not any_face:
            return [*views.always, *self._some(views.in_turn, views.at_start if self.images == 1 else IN_TURN)]
        if views.in_turn and self.images % 2:
            return self._some(views.in_turn, 1)
        return [views.always[self.images // 2 % len(views.always)]]

    def state(self) -> tuple[int, int]:
        """As `restore` takes it."""
        return self.images, self._next

    def restore(self, state: Sequence[int]) -> None:
        """Go on from there."""
        self.images, self._next = state

    def _some(self, views: tuple[View, ...], count: int) -> list[View]:
        chosen = [views[(self._next + i) % len(views)] for i in range(min(count, len(views)))]
        self._next += len(chosen)
        return chosen
