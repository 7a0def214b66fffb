"""Values of acts over time: ramps up and down, all acts at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.synth.motion.types import Act, Curve, Floats

Array = NDArray[np.float64]
FIRST_STEP_ENDS = 0.42
SECOND_STEP_BEGINS = 0.55
"""Of a ramp in two steps, as parts of its duration."""

RISES: dict[str, Curve] = {
    "even": Curve(),
    "early": Curve(lean=0.6),
    "late": Curve(lean=1.6),
    "overshoot": Curve(lean=0.85, overshoot=0.12),
    "two steps": Curve(first_step=0.55),
}
FALLS: dict[str, Curve] = {
    "even": Curve(),
    "lingering": Curve(lean=1.7),
    "sudden": Curve(lean=0.6),
    "two steps": Curve(first_step=0.45),
}
"""A fall is its ramp backwards in time: one that leans late lets go quickly and lingers near rest."""


def ease(x: Floats) -> Floats:
    """From 0 to 1 with no speed and no acceleration at both ends (minimum jerk, Flash & Hogan 1985)."""
    return np.asarray(x * x * x * (10.0 + x * (6.0 * x - 15.0)))


def ramp(x: Floats, lean: Floats, overshoot: Floats, first_step: Floats) -> Floats:
    """Value of ramps at parts x of their durations, 0 to 1, all of one shape."""
    warped = x / (x + lean * (1.0 - x))
    if (first_step < 1.0).any():
        two = first_step < 1.0
        first = ease(np.minimum(warped / np.where(two, FIRST_STEP_ENDS, 1.0), 1.0))
        second = ease(np.clip((warped - SECOND_STEP_BEGINS) / (1.0 - SECOND_STEP_BEGINS), 0.0, 1.0))
        value = second + first_step * (first - second)
    else:
        value = ease(warped)
    if overshoot.any():
        late = warped**4
        bump = 4.0 * late * (1.0 - late)
        value = value + overshoot * (bump * bump * bump)
    return value


class Acts:
    """Acts as columns, to be evaluated together."""

    def __init__(self, acts: Sequence[Act]) -> None:
        rows = np.array([_row(act) for act in acts], np.float64).reshape(len(acts), 12)
        self.start_s, self.rise_s, hold_s, self.fall_s, self.left, self.right = rows[:, :6].T
        self.end_s = self.start_s + self.rise_s + hold_s + self.fall_s
        self._rise = rows[:, 6:9].T[:, None, :]
        self._fall = rows[:, 9:12].T[:, None, :]

    def rise_and_fall(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """When the first sets in and the last is there; when the first lets go and the last is gone."""
        there_s, lets_go_s = self.start_s + self.rise_s, self.end_s - self.fall_s
        return (self.start_s.min(), there_s.max()), (lets_go_s.min(), self.end_s.max())

    def values(self, stamps_s: Array, chosen: Any = slice(None)) -> Floats:
        """(T, A) from 0 at rest to 1 while held (above in an overshoot), of the chosen acts."""
        t = stamps_s[:, None]
        up = np.clip((t - self.start_s[chosen]) / self.rise_s[chosen], 0.0, 1.0)
        down = np.clip((self.end_s[chosen] - t) / self.fall_s[chosen], 0.0, 1.0)
        return ramp(up, *self._rise[..., chosen]) * ramp(down, *self._fall[..., chosen])


def _row(act: Act) -> tuple[float, ...]:
    rise, fall = act.rise, act.fall
    times = (act.start_s, act.rise_s, act.hold_s, act.fall_s, act.left, act.right)
    return (*times, rise.lean, rise.overshoot, rise.first_step, fall.lean, fall.overshoot, fall.first_step)
