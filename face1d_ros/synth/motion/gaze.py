"""Gaze: fixations and the saccades between them.

A saccade of A degrees lasts 2.2 · A + 21 ms (Carpenter, Movements of the Eyes, 1988). Fixations last 0.15 s to some
seconds, with a long tail while somebody is looked at. As in ARKit, looking moves the lids: the coefficients `eyeLook…`
follow the angles in proportion, 1 at 0.61 rad; the capture in the project's test data gives 0.605 to 0.613 rad.
Eyes counter-rotate to stay on the camera while the head turns a little, and go along when it turns away; in that
capture their speed is -0.74 times the head's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from face1d_ros.synth.motion import draws
from face1d_ros.synth.motion.curves import ease
from face1d_ros.synth.motion.types import Fixation, PersonStyle, Stamps

FIXATION_S: draws.Quantiles = (0.15, 0.25, 0.35, 0.6, 2.5)
AWAY_SHARE = 0.3
"""Of gaze shifts that leave the partner (the camera) altogether."""
AWAY_YAW_RAD: draws.Quantiles = (0.05, 0.12, 0.2, 0.4)
AWAY_PITCH_RAD: draws.Quantiles = (0.0, 0.04, 0.1, 0.22)
ON_FACE_RAD = 0.035
"""Within a partner's face at 1 m."""
SACCADE_BASE_S = 0.021
SACCADE_S_PER_RAD = 2.2e-3 * 180.0 / np.pi
FULL_LOOK_RAD = 0.61
COUNTER_ROTATION = 0.75
LETS_GO_RAD = 0.6
"""The larger the head's angle compared to this, the less it still looks at the camera."""


def draw_gaze(rng: Generator, duration_s: float, person: PersonStyle) -> tuple[Fixation, ...]:
    """Fixations from time 0 on."""
    found = []
    time_s = 0.0
    while time_s < duration_s:
        yaw, pitch = _target(rng, person.restlessness)
        found.append(Fixation(draws.rounded(time_s), yaw, pitch))
        time_s += draws.quantile(rng, FIXATION_S) / person.restlessness
    return tuple(found)


def _target(rng: Generator, restlessness: float) -> tuple[float, float]:
    if not draws.chance(rng, AWAY_SHARE):
        return draws.between(rng, -ON_FACE_RAD, ON_FACE_RAD), draws.between(rng, -ON_FACE_RAD, ON_FACE_RAD)
    size = min(restlessness, 1.3)
    yaw, pitch = size * draws.quantile(rng, AWAY_YAW_RAD), size * draws.quantile(rng, AWAY_PITCH_RAD)
    return draws.rounded(yaw * draws.pick(rng, (-1, 1))), draws.rounded(pitch * draws.pick(rng, (-1, 1)))


def gaze_rad(fixations: Sequence[Fixation], stamps_s: Stamps) -> NDArray[np.float64]:
    """(T, 2) yaw and pitch; straight ahead without fixations."""
    if not fixations:
        return np.zeros((len(stamps_s), 2))
    rows = np.array([(fixation.start_s, fixation.yaw_rad, fixation.pitch_rad) for fixation in fixations])
    here = np.maximum(np.searchsorted(rows[:, 0], stamps_s, side="right") - 1, 0)
    to = rows[:, 1:]
    way = np.diff(to, axis=0, prepend=to[:1])
    saccade_s = SACCADE_BASE_S + SACCADE_S_PER_RAD * np.sqrt((way * way).sum(axis=1))
    left = 1.0 - ease(np.clip((stamps_s - rows[here, 0]) / saccade_s[here], 0.0, 1.0))
    return np.asarray(to[here] - way[here] * left[:, None])


def counter_rotation(head_rad: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """(T, 2) what head angles (T, 3) add to the eyes' angles in the head."""
    angles = head_rad[:, :2].astype(np.float64)
    away = (angles / LETS_GO_RAD) ** 2
    return np.asarray(-COUNTER_ROTATION * angles * np.exp(-away.sum(axis=1, keepdims=True)))


def look_coefficients(gaze: NDArray[np.float64]) -> tuple[tuple[str, NDArray[np.float64]], ...]:
    """What the lids and the skin around the eyes do as the eyes look there, (T,) by coefficient."""
    to_right, down = gaze.T / FULL_LOOK_RAD
    right, left = np.maximum(to_right, 0.0), np.maximum(-to_right, 0.0)
    lower, upper = np.maximum(down, 0.0), np.maximum(-down, 0.0)
    return (
        ("eyeLookIn_L", right),
        ("eyeLookOut_R", right),
        ("eyeLookOut_L", left),
        ("eyeLookIn_R", left),
        ("eyeLookDown_L", lower),
        ("eyeLookDown_R", lower),
        ("eyeLookUp_L", upper),
        ("eyeLookUp_R", upper),
    )
