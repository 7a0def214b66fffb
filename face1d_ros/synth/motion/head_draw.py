"""Plans of heads: who looks where, how near, and who leaves."""

from __future__ import annotations

from numpy.random import Generator

from face1d_ros.errors import InvalidValueError
from face1d_ros.synth.motion import draws
from face1d_ros.synth.motion.head import PITCH, YAW, Absence, HeadPlan, Nod, Step, Turn

HALF_FIELD_RAD = (0.5, 0.4)
"""Horizontal and vertical half of the field of view of a common camera."""
AMPLITUDE: draws.Quantiles = (0.4, 0.8, 1.0, 1.4, 2.2)
MEAN_TURN_GAP_S = 2.5
YAW_RAD: draws.Quantiles = (0.0, 0.08, 0.2, 0.4, 0.65, 0.93)
PITCH_RAD: draws.Quantiles = (0.0, 0.05, 0.12, 0.2, 0.4)
ROLL_RAD: draws.Quantiles = (0.0, 0.03, 0.08, 0.15, 0.3)
BACK_SHARE = 0.45
"""Of turns that come back towards the camera."""
NODS_A_MINUTE = 4.0
CYCLE_S: draws.Quantiles = (0.3, 0.45, 0.6, 0.9)
NOD_RAD: draws.Quantiles = (0.05, 0.1, 0.16, 0.26)
MEAN_STEP_GAP_S = 8.0
STEP_S: draws.Quantiles = (0.8, 1.2, 1.8, 3.0)
LEAVES_SHARE = 0.15
"""Of sequences of 10 s in which the person leaves; longer ones in proportion."""
MOVE_S: draws.Quantiles = (0.5, 0.8, 1.2)
HEAD_HALF_MM = 110.0
"""What must fit into the picture on each side of the face's middle."""


def draw_head(
    rng: Generator,
    duration_s: float,
    amplitude: float = 1.0,
    distance_m: tuple[float, float] = (0.3, 3.0),
    half_field_rad: tuple[float, float] = HALF_FIELD_RAD,
    leaves: bool | None = None,
) -> HeadPlan:
    """A head before a camera; `amplitude` scales sway and turns, `leaves` None: now and then."""
    near_m, far_m = distance_m
    if not duration_s > 0.0 or not amplitude >= 0.0 or not 0.0 < near_m <= far_m:
        came = (duration_s, amplitude, distance_m)
        raise InvalidValueError("duration_s, amplitude, distance_m", came, "above 0 s, 0 or more, 0 < near <= far")
    if leaves is None:
        leaves = draws.chance(rng, min(LEAVES_SHARE * duration_s / 10.0, 0.6))
    return HeadPlan(
        duration_s=draws.rounded(duration_s),
        seed=draws.seed(rng),
        amplitude=draws.rounded(amplitude * draws.quantile(rng, AMPLITUDE)),
        half_field_x_rad=draws.rounded(half_field_rad[0]),
        turns=_turns(rng, duration_s, amplitude),
        steps=_steps(rng, duration_s, (1000.0 * near_m, 1000.0 * far_m), half_field_rad),
        nods=_nods(rng, duration_s, amplitude),
        absences=(_absence(rng, duration_s),) if leaves else (),
    )


def _times(rng: Generator, duration_s: float, mean_gap_s: float, shortest_s: float) -> list[float]:
    times = []
    time_s = mean_gap_s * draws.quantile(rng, draws.EXPONENTIAL)
    while time_s < duration_s:
        times.append(draws.rounded(time_s))
        time_s += shortest_s + mean_gap_s * draws.quantile(rng, draws.EXPONENTIAL)
    return times


def _turns(rng: Generator, duration_s: float, amplitude: float) -> tuple[Turn, ...]:
    """Towards the camera, away from it, and back; a turn may begin before the one before has ended."""
    first = Turn(0.0, *_direction(rng, 0.3 * amplitude))
    found = [first]
    for start_s in _times(rng, duration_s, MEAN_TURN_GAP_S, 0.3):
        size = 0.15 if draws.chance(rng, BACK_SHARE) else 1.0
        found.append(Turn(start_s, *_direction(rng, size * min(amplitude, 1.1))))
    return tuple(found)


def _direction(rng: Generator, size: float) -> tuple[float, float, float]:
    yaw, pitch, roll = (
        draws.rounded(size * draws.pick(rng, (-1, 1)) * draws.quantile(rng, table))
        for table in (YAW_RAD, PITCH_RAD, ROLL_RAD)
    )
    return yaw, pitch, roll


def _steps(
    rng: Generator, duration_s: float, distance_mm: tuple[float, float], half_field_rad: tuple[float, float]
) -> tuple[Step, ...]:
    """A place in the picture, from time to time another one nearby. Faces of all sizes are equally likely."""
    low, high = distance_mm
    distance = 1.0 / float(rng.uniform(1.0 / high, 1.0 / low))
    found = [_step(rng, 0.0, distance, half_field_rad)]
    for start_s in _times(rng, duration_s, MEAN_STEP_GAP_S, 1.0):
        distance = min(max(distance * draws.between(rng, 0.7, 1.4), low), high)
        found.append(_step(rng, start_s, distance, half_field_rad))
    return tuple(found)


def _step(rng: Generator, start_s: float, distance_mm: float, half_field_rad: tuple[float, float]) -> Step:
    """Small angles stand for their tangents: a little of the edge stays free."""
    x, y = (max(half - HEAD_HALF_MM / distance_mm, 0.0) * draws.between(rng, -1.0, 1.0) for half in half_field_rad)
    return Step(start_s, draws.quantile(rng, STEP_S), draws.rounded(x), draws.rounded(y), draws.rounded(distance_mm))


def _nods(rng: Generator, duration_s: float, amplitude: float) -> tuple[Nod, ...]:
    found = []
    for start_s in _times(rng, duration_s, 60.0 / NODS_A_MINUTE, 3.0):
        shakes = draws.chance(rng, 0.3)
        sign = draws.pick(rng, (-1, 1)) if shakes else 1
        amount = draws.rounded(sign * min(amplitude, 1.3) * draws.quantile(rng, NOD_RAD))
        cycles = draws.pick(rng, (2, 3, 4) if shakes else (1, 1, 2, 2, 3))
        found.append(Nod(start_s, YAW if shakes else PITCH, cycles, draws.quantile(rng, CYCLE_S), amount))
    return tuple(found)


def _absence(rng: Generator, duration_s: float) -> Absence:
    """Out at any time of the middle part, away for a while or for good; or not there at first."""
    move_s = draws.quantile(rng, MOVE_S)
    away_s = move_s + draws.between(rng, 0.3, 3.0)
    kind = draws.pick(rng, ("leaves", "leaves for good", "enters"))
    if kind == "enters":
        leave_s, back_s = -2.0 * move_s, draws.between(rng, 0.1, 0.4) * duration_s
    else:
        leave_s = draws.between(rng, 0.2, 0.7) * duration_s
        back_s = duration_s + 1.0 if kind == "leaves for good" else leave_s + away_s
    return Absence(draws.rounded(leave_s), draws.rounded(back_s), move_s, draws.pick(rng, (-1, 1)))
