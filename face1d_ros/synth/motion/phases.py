"""Phases of expressions: neutral, onset, apex, offset, as times and by frame.

How much of an expression is there is one number, the activation of all its units as a part of what they reach together.
The onset begins where it leaves rest (5 %), the apex is from where it first to where it last has 95 %, the offset ends
at 5 %. The times are exact to a tenth of a millisecond, and do not depend on any frames.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face1d_ros.synth.motion.curves import Acts
from face1d_ros.synth.motion.types import LABELS, NEUTRAL, Expression, Floats, MotionPlan, PhaseTimes, Stamps
from face1d_ros.types import Phase

LEAVES_REST = 0.05
FULLY_THERE = 0.95
STEPS = 200
"""Of the rise, and of the fall, in which crossings are looked for; they are interpolated within a step."""


@dataclass(frozen=True, eq=False)
class FramePhases:
    """Of all expressions of a plan at time stamps."""

    label: NDArray[np.int8]
    intensity: NDArray[np.float32]
    phase: NDArray[np.int8]


def phase_times(plan: MotionPlan) -> tuple[PhaseTimes, ...]:
    """Of each expression in the plan, in its order."""
    return tuple(_times(expression, Acts(expression.acts), plan.duration_s) for expression in plan.expressions)


def frame_phases(plan: MotionPlan, stamps_s: Stamps) -> FramePhases:
    """(T,) label, intensity and phase of the plan's expressions; neutral elsewhere."""
    count = len(stamps_s)
    label = np.full(count, NEUTRAL, np.int8)
    intensity = np.zeros(count, np.float32)
    phase = np.full(count, Phase.NEUTRAL, np.int8)
    for expression in plan.expressions:
        acts = Acts(expression.acts)
        times = _times(expression, acts, plan.duration_s)
        first, last = np.searchsorted(stamps_s, (acts.start_s.min(), acts.end_s.max()))
        t = stamps_s[first:last]
        intensity[first:last] = expression.strength * np.minimum(_presence(acts, t), 1.0)
        shown = (t >= times.onset_s) & (t <= times.end_s)
        label[first:last][shown] = LABELS.index(expression.label)
        where = np.where(t < times.apex_s, Phase.ONSET, np.where(t <= times.offset_s, Phase.APEX, Phase.OFFSET))
        phase[first:last][shown] = where[shown]
    return FramePhases(label, intensity, phase)


def _presence(acts: Acts, t: Stamps) -> Floats:
    """(T,) 0 at rest, 1 where all units are held."""
    weights = acts.left + acts.right
    return np.asarray(acts.values(t) @ (weights / weights.sum()))


def _times(expression: Expression, acts: Acts, duration_s: float) -> PhaseTimes:
    grid = np.sort(np.concatenate([np.linspace(*span, STEPS + 1) for span in acts.rise_and_fall()]))
    presence = _presence(acts, grid)
    full_level = FULLY_THERE * min(float(presence.max()), 1.0)
    there, full = np.flatnonzero(presence >= LEAVES_REST), np.flatnonzero(presence >= full_level)
    crossings = (
        _crossing(grid, presence, there[0] - 1, LEAVES_REST),
        _crossing(grid, presence, full[0] - 1, full_level),
        _crossing(grid, presence, full[-1], full_level),
        _crossing(grid, presence, there[-1], LEAVES_REST),
    )
    return PhaseTimes(expression.label, *(time if time <= duration_s else math.inf for time in crossings))


def _crossing(grid: Floats, presence: Floats, before: int, level: float) -> float:
    """Where the straight line to the next step meets the level."""
    low, high = presence[before], presence[before + 1]
    return float(grid[before] + (grid[before + 1] - grid[before]) * (level - low) / (high - low))
