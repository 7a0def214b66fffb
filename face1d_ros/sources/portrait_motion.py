"""How the portrait moves: curves over time, and nothing else. The same time gives the same values, always."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import NamedTuple, Protocol, TypeAlias

import numpy as np

from face1d_ros.errors import InvalidValueError


class Curve(Protocol):
    """A value over time."""

    def value(self, t_s: float) -> float:
        """The value at this time."""
        ...


Channel: TypeAlias = "tuple[Curve, ...]"
"""Its value is the sum of its curves; without curves 0."""


def channel_value(channel: Channel, t_s: float) -> float:
    """The sum of the channel's curves."""
    return math.fsum(curve.value(t_s) for curve in channel)


def ease(x: float) -> float:
    """From 0 to 1 with no speed and no acceleration at both ends (minimum jerk, Flash & Hogan 1985)."""
    x = min(max(x, 0.0), 1.0)
    return x * x * x * (10.0 + x * (6.0 * x - 15.0))


@dataclass(frozen=True)
class Constant:
    """Always the same."""

    amount: float

    def value(self, t_s: float) -> float:
        """The amount."""
        return self.amount


@dataclass(frozen=True)
class Event:
    """Rises from 0 to an amount, holds it, and falls back."""

    start_s: float
    rise_s: float
    hold_s: float
    fall_s: float
    amount: float = 1.0

    def __post_init__(self) -> None:
        for name in ("rise_s", "fall_s"):
            if not getattr(self, name) > 0.0:
                raise InvalidValueError(f"Event.{name}", getattr(self, name), "more than 0 s")
        if not self.hold_s >= 0.0:
            raise InvalidValueError("Event.hold_s", self.hold_s, "0 s or more")

    @property
    def end_s(self) -> float:
        """When the value is back at 0."""
        return self.start_s + self.rise_s + self.hold_s + self.fall_s

    def value(self, t_s: float) -> float:
        """0 outside, the amount while held, a minimum-jerk ramp between."""
        if t_s <= self.start_s or t_s >= self.end_s:
            return 0.0
        return self.amount * ease((t_s - self.start_s) / self.rise_s) * ease((self.end_s - t_s) / self.fall_s)


@dataclass(frozen=True)
class Wave:
    """A sine."""

    amount: float
    period_s: float
    phase_rad: float = 0.0

    def value(self, t_s: float) -> float:
        """The sine at this time."""
        return self.amount * math.sin(2.0 * math.pi * t_s / self.period_s + self.phase_rad)


@dataclass(frozen=True)
class Product:
    """Curves multiplied: a wave that only sounds during an event."""

    curves: Channel

    def value(self, t_s: float) -> float:
        """The product; later curves are not asked once it is 0."""
        product = 1.0
        for curve in self.curves:
            product *= curve.value(t_s)
            if product == 0.0:
                return 0.0
        return product


@dataclass(frozen=True)
class Repeat:
    """A curve that starts again every period, from t = 0 on, each time late by a random part of `jitter_s`.

    The curve, its jitter included, must end within the period.
    """

    curve: Curve
    period_s: float
    jitter_s: float = 0.0
    seed: int = 0

    def value(self, t_s: float) -> float:
        """The curve's value in the cycle this time falls in."""
        cycle = math.floor(t_s / self.period_s)
        late_s = self.jitter_s * _random_part(self.seed, cycle) if self.jitter_s else 0.0
        return self.curve.value(t_s - cycle * self.period_s - late_s)


@lru_cache(maxsize=256)
def _random_part(seed: int, cycle: int) -> float:
    """A number from 0 to 1 that belongs to this cycle of this seed."""
    return float(np.random.default_rng((seed, cycle + 2**31)).random())


class Channels(NamedTuple):
    """What moves, at one time. Left and right are the person's own."""

    shift_x: float = 0.0
    """To the image's right, in face heights."""
    shift_y: float = 0.0
    """Down, in face heights."""
    roll_rad: float = 0.0
    """Clockwise in the image."""
    zoom: float = 0.0
    """Larger by this part: 0.1 is 10 % larger."""
    jaw: float = 0.0
    """0 as in the photo, 1 wide open."""
    lips_closed: float = 0.0
    """0 as in the photo (a smile that shows teeth), 1 lips shut."""
    smile_left: float = 0.0
    """-1 the photo's smile relaxed, 0 as in the photo, 1 broad."""
    smile_right: float = 0.0
    brow_left: float = 0.0
    """-1 lowered, 1 raised."""
    brow_right: float = 0.0
    eye_closed_left: float = 0.0
    """1 is shut."""
    eye_closed_right: float = 0.0


LIMITS = {
    "zoom": (-0.9, 9.0),
    "jaw": (0.0, 1.0),
    "lips_closed": (0.0, 1.0),
    "smile_left": (-1.0, 1.0),
    "smile_right": (-1.0, 1.0),
    "brow_left": (-1.0, 1.0),
    "brow_right": (-1.0, 1.0),
    "eye_closed_left": (0.0, 1.0),
    "eye_closed_right": (0.0, 1.0),
}
"""Sums of curves are cut to these."""


@dataclass(frozen=True)
class PortraitMotion:
    """The curves of every channel of `Channels`; a channel without curves rests."""

    shift_x: Channel = ()
    shift_y: Channel = ()
    roll_rad: Channel = ()
    zoom: Channel = ()
    jaw: Channel = ()
    lips_closed: Channel = ()
    smile_left: Channel = ()
    smile_right: Channel = ()
    brow_left: Channel = ()
    brow_right: Channel = ()
    eye_closed_left: Channel = ()
    eye_closed_right: Channel = ()

    def __post_init__(self) -> None:
        for f in fields(self):
            curves = getattr(self, f.name)
            if not isinstance(curves, tuple):
                raise InvalidValueError(f"PortraitMotion.{f.name}", curves, "a tuple of curves")

    def at(self, t_s: float) -> Channels:
        """The value of every channel at this time, within its limits."""
        values = {}
        for name in Channels._fields:
            value = channel_value(getattr(self, name), t_s)
            if name in LIMITS:
                low, high = LIMITS[name]
                value = min(max(value, low), high)
            values[name] = value
        return Channels(**values)


STILL = PortraitMotion()
"""The photo as it is."""


def demo_motion(seed: int = 0) -> PortraitMotion:
    """Somebody in front of a robot: sways gently, blinks, smiles, raises the brows, talks.

    Endless, repeats every 20 s. The seed shifts the blinks. Onsets of the others: talking 1 s to 6 s, smile
    7.5 s, both brows 12 s, left wink 15 s, crooked smile (left) 16.5 s.
    """
    blinks = (
        Repeat(Event(0.4, 0.09, 0.05, 0.16), period_s=3.4, jitter_s=2.6, seed=seed),
        Repeat(Event(15.0, 0.15, 0.4, 0.2), period_s=20.0),
    )
    smile = Repeat(Event(7.5, 0.5, 2.0, 0.8, 1.1), period_s=20.0)
    crooked = Repeat(Event(16.5, 0.4, 1.2, 0.6, 1.2), period_s=20.0)
    brows = Repeat(Event(12.0, 0.3, 1.0, 0.5, 0.9), period_s=20.0)
    talking = Repeat(Event(1.0, 0.2, 4.6, 0.3), period_s=20.0)
    syllables = (
        Product((talking, Constant(0.26))),
        Product((talking, Wave(0.17, 0.31))),
        Product((talking, Wave(0.11, 0.73, 1.0))),
    )
    part_lips = Product((Constant(-0.85), Repeat(Event(7.6, 0.5, 1.8, 0.8), period_s=20.0)))
    relaxed = Constant(-0.5)
    return PortraitMotion(
        shift_x=(Wave(0.09, 10.0), Wave(0.03, 4.0, 0.7)),
        shift_y=(Wave(0.04, 5.0, 2.0),),
        roll_rad=(Wave(0.07, 20.0 / 3.0, 1.0),),
        zoom=(Wave(0.05, 20.0, 0.5),),
        jaw=syllables,
        lips_closed=(Constant(0.95), part_lips, Product((Constant(-0.25), talking))),
        smile_left=(relaxed, smile, crooked),
        smile_right=(relaxed, smile),
        brow_left=(brows,),
        brow_right=(brows,),
        eye_closed_left=blinks,
        eye_closed_right=blinks[:1],
    )
