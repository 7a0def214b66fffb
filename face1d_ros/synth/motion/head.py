"""Where the head is: sway that never stops, turns, nods and shakes, coming near and going away, leaving the picture.

Camera's optical frame, mm (x right, y down, z away), angles as `geometry.pose.yaw_pitch_roll_rad`. The head turns about
the neck, so its place moves as it turns. What is known and used:

- Sway of a standing head is slow, 0.34 Hz to and fro and 0.39 Hz sideways on average (a study of 20 healthy adults with
  a light on the helmet); head motion in speech goes with the rhythm of phrases, 1 to 2 Hz (PLoS Computational Biology
  2022, 10.1371/journal.pcbi.1010273). Hence sines from 0.03 to 4 Hz whose power falls as 1/f².
- Even vigorous shaking stays below 2.6 Hz, and heads below 90 °/s in walking and running (Grossman et al., Experimental
  Brain Research 1988); in the capture of the project's test data, a lively face, yaw reaches 147 °/s. Turns here are
  minimum-jerk ramps of 0.35 s + 12 ms a degree: 60° in 1.07 s with at most 105 °/s, 20° in 0.59 s with at most 64 °/s.
- Cycles of a nod get smaller one by one, the last most of all (Mori et al., PLoS ONE 2025).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import InvalidValueError
from face1d_ros.synth.motion.curves import ease
from face1d_ros.synth.motion.drift import Band, Waves
from face1d_ros.synth.motion.types import Stamps

Array = NDArray[np.float64]
YAW, PITCH, ROLL = range(3)
BAND = Band(0.03, 4.0, 2.0)
SWAY_RAD = (0.045, 0.03, 0.022)
SWAY_MM = (11.0, 6.0, 14.0)
"""Standard deviations of yaw, pitch, roll and of x, y, z at amplitude 1 (our choice)."""
NECK_MM = (0.0, 110.0, 90.0)
"""From between the eyes to where the head turns, in the facing frame."""
TURN_BASE_S, TURN_S_PER_RAD = 0.35, 0.012 * 180.0 / pi
LARGEST_RAD = pi / 3.0


@dataclass(frozen=True)
class Turn:
    """The head goes to another direction and stays there until the next turn."""

    start_s: float
    yaw_rad: float
    pitch_rad: float
    roll_rad: float


@dataclass(frozen=True)
class Nod:
    """Cycles of nodding (axis PITCH, down first) or shaking (axis YAW)."""

    start_s: float
    axis: int
    cycles: int
    cycle_s: float
    amount_rad: float
    """Of the first cycle; - begins the other way."""


@dataclass(frozen=True)
class Step:
    """The head goes to another place and stays there until the next step."""

    start_s: float
    duration_s: float
    tangent_x: float
    """Direction from the camera: x / z."""
    tangent_y: float
    distance_mm: float


@dataclass(frozen=True)
class Absence:
    """The head goes out of the picture sideways and comes back."""

    leave_s: float
    back_s: float
    """When it begins to come back; beyond the end if it never does."""
    move_s: float
    side: int
    """1 leaves where x is positive, -1 where it is negative."""


@dataclass(frozen=True)
class HeadPlan:
    """All parameters of a head's motion."""

    duration_s: float
    seed: int
    amplitude: float
    half_field_x_rad: float
    """Half of the camera's horizontal field of view, so that leaving means leaving."""
    turns: tuple[Turn, ...]
    steps: tuple[Step, ...]
    nods: tuple[Nod, ...] = ()
    absences: tuple[Absence, ...] = ()


@dataclass(frozen=True, eq=False)
class HeadMotion:
    """The values of a plan."""

    yaw_pitch_roll_rad: NDArray[np.float32]
    """(T, 3)."""
    translation_mm: NDArray[np.float32]
    """(T, 3) of the point midway between the outer eye corners."""
    present: NDArray[np.bool_]
    """(T,) false while the whole face is out of the picture because the person left."""


def evaluate_head(plan: HeadPlan, stamps_s: Stamps) -> HeadMotion:
    """The head at ascending stamps (T,), whatever the rate."""
    stamps_s = np.asarray(stamps_s, np.float64)
    if stamps_s.ndim != 1 or not np.isfinite(stamps_s).all():
        raise InvalidValueError("stamps_s", f"an array of shape {stamps_s.shape}", "(T,) finite seconds")
    sway = plan.amplitude * Waves(plan.seed, 6, BAND).values(stamps_s)
    angles = sway[:, :3] * SWAY_RAD + _held([_turn_row(turn) for turn in plan.turns], stamps_s)
    for nod in plan.nods:
        angles[:, nod.axis] += _nod(nod, stamps_s)
    angles = np.clip(angles, -LARGEST_RAD, LARGEST_RAD)
    tangents = _held([(step.start_s, step.duration_s, *_place(step)) for step in plan.steps], stamps_s)
    distance_mm = tangents[:, 2]
    present = np.ones(len(stamps_s), bool)
    for absence in plan.absences:
        gone = _gone(absence, stamps_s)
        tangents[:, 0] += gone * (absence.side * _out_tangent(plan, distance_mm) - tangents[:, 0])
        present &= gone < 1.0
    place = np.stack([tangents[:, 0] * distance_mm, tangents[:, 1] * distance_mm, distance_mm], axis=1)
    place += sway[:, 3:] * SWAY_MM * np.minimum(distance_mm / 600.0, 1.0)[:, None]
    place += _neck_shift(angles)
    return HeadMotion(angles.astype(np.float32), place.astype(np.float32), present)


def _turn_row(turn: Turn) -> tuple[float, ...]:
    return (turn.start_s, 0.0, turn.yaw_rad, turn.pitch_rad, turn.roll_rad)


def _place(step: Step) -> tuple[float, float, float]:
    return step.tangent_x, step.tangent_y, step.distance_mm


def _held(rows: list[tuple[float, ...]], stamps_s: Stamps) -> Array:
    """(T, C) of rows (start, duration, C values): each value is gone to and held; a duration of 0 is a turn's own."""
    table = np.array(rows, np.float64)
    start_s, duration_s, to = table[:, 0], table[:, 1], table[:, 2:]
    way = np.diff(to, axis=0, prepend=to[:1])
    length = np.sqrt((way * way).sum(axis=1))
    duration_s = np.where(duration_s > 0.0, duration_s, TURN_BASE_S + TURN_S_PER_RAD * length)
    done = ease(np.clip((stamps_s[:, None] - start_s) / duration_s, 0.0, 1.0))
    return np.asarray(to[0] + done @ way)


def _nod(nod: Nod, stamps_s: Stamps) -> Array:
    """(T,) each cycle goes out and back, smaller than the one before."""
    cycle = np.clip((stamps_s - nod.start_s) / nod.cycle_s, 0.0, float(nod.cycles))
    number = np.minimum(np.floor(cycle), nod.cycles - 1)
    size = np.where((number == nod.cycles - 1) & (nod.cycles > 1), 0.6, 1.0) * 0.85**number
    sign = np.where(nod.axis == YAW, 1.0 - 2.0 * (number % 2.0), 1.0)
    wave = np.sin(pi * (cycle - number)) ** 2
    return np.asarray(nod.amount_rad * sign * size * wave)


def _gone(absence: Absence, stamps_s: Stamps) -> Array:
    """(T,) 0 in its place, 1 out of the picture."""
    out = ease(np.clip((stamps_s - absence.leave_s) / absence.move_s, 0.0, 1.0))
    back = ease(np.clip((stamps_s - absence.back_s) / absence.move_s, 0.0, 1.0))
    return np.asarray(out - back)


def _out_tangent(plan: HeadPlan, distance_mm: Array) -> Array:
    """Beyond the edge of the picture by more than half a head."""
    return np.asarray(np.tan(plan.half_field_x_rad) + 160.0 / distance_mm)


def _neck_shift(angles: Array) -> Array:
    """(T, 3) by how much the point between the eyes moves when the head turns about the neck."""
    yaw, pitch, roll = angles.T
    x, y, z = NECK_MM
    y, z = y * np.cos(pitch) - z * np.sin(pitch), y * np.sin(pitch) + z * np.cos(pitch)
    x, z = x * np.cos(yaw) + z * np.sin(yaw), z * np.cos(yaw) - x * np.sin(yaw)
    x, y = x * np.cos(roll) - y * np.sin(roll), x * np.sin(roll) + y * np.cos(roll)
    return np.stack([NECK_MM[0] - x, NECK_MM[1] - y, NECK_MM[2] - z], axis=1)
