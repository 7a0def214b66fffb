"""The values of a motion plan at any time stamps: a pure function, whatever the frame rate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import InvalidValueError
from face1d_ros.synth.motion.capture import Capture, captured
from face1d_ros.synth.motion.curves import Acts
from face1d_ros.synth.motion.drift import idle_coefficients
from face1d_ros.synth.motion.gaze import counter_rotation, gaze_rad, look_coefficients
from face1d_ros.synth.motion.person import person_map
from face1d_ros.synth.motion.phases import frame_phases
from face1d_ros.synth.motion.speech import Sounds
from face1d_ros.synth.motion.types import NONE, Act, Motion, MotionPlan, Stamps
from face1d_ros.synth.motion.units import index_of, unit_weights
from face1d_ros.types import Phase

BLOCK = 256
"""Frames that are evaluated at a time: only what moves near them is."""
NO_CAPTURES: Mapping[str, Capture] = {}


def evaluate(
    plan: MotionPlan,
    stamps_s: Stamps,
    names: Sequence[str],
    captures: Mapping[str, Capture] = NO_CAPTURES,
    head_rad: NDArray[np.floating[Any]] | None = None,
) -> Motion:
    """Motion at ascending stamps (T,), its coefficients in the order of the names.

    A plan that a capture drives finds its values under their name in `captures`. With the head's angles (T, 3) the eyes
    stay on the camera while the head turns.
    """
    stamps_s = _checked(stamps_s)
    names = tuple(names)
    index = index_of(names)
    gaze = gaze_rad(plan.gaze, stamps_s)
    if head_rad is not None:
        gaze += counter_rotation(_checked_head(head_rad, len(stamps_s)))
    intended = np.zeros((len(stamps_s), len(names)), np.float32)
    _add_acts(intended, all_acts(plan), stamps_s, names)
    _add_speech(intended, plan, stamps_s, names)
    if plan.capture is not None:
        values, eyes = captured(plan.capture, captures, stamps_s, names)
        intended += values
        gaze += eyes
    if plan.idle is not None:
        added, factor = idle_coefficients(plan.idle, stamps_s, names)
        intended += intended * factor + added
    for name, value in look_coefficients(gaze):
        intended[:, index[name]] += value
    return _motion(plan, stamps_s, _shown(plan, intended, names), gaze.astype(np.float32))


def all_acts(plan: MotionPlan) -> tuple[Act, ...]:
    """Of expressions, free motions, speech and blinks."""
    return (
        *(act for expression in plan.expressions for act in expression.acts),
        *(act for motion in plan.free for act in motion.acts),
        *(act for utterance in plan.speech for act in utterance.stress),
        *plan.blinks,
    )


def _checked(stamps_s: Stamps) -> Stamps:
    stamps_s = np.asarray(stamps_s, np.float64)
    if stamps_s.ndim != 1 or not np.isfinite(stamps_s).all() or (np.diff(stamps_s) < 0.0).any():
        raise InvalidValueError("stamps_s", f"an array of shape {stamps_s.shape}", "(T,) finite, ascending seconds")
    return stamps_s


def _checked_head(head_rad: NDArray[np.floating[Any]], count: int) -> NDArray[np.floating[Any]]:
    if head_rad.shape != (count, 3) or not np.isfinite(head_rad).all():
        raise InvalidValueError("head_rad", f"an array of shape {head_rad.shape}", f"({count}, 3) finite radians")
    return head_rad


def _blocks(count: int) -> Iterator[slice]:
    return (slice(start, min(start + BLOCK, count)) for start in range(0, count, BLOCK))


def _add_acts(total: NDArray[np.float32], acts: Sequence[Act], stamps_s: Stamps, names: tuple[str, ...]) -> None:
    if not acts:
        return
    row, weights = unit_weights(names)
    table = Acts(acts)
    sides = weights[[row[act.unit] for act in acts]]
    columns = table.left[:, None] * sides[:, 0] + table.right[:, None] * sides[:, 1]
    for block in _blocks(len(stamps_s)):
        t = stamps_s[block]
        near = (table.start_s < t[-1]) & (table.end_s > t[0])
        if near.any():
            total[block] += table.values(t, near) @ columns[near]


def _add_speech(total: NDArray[np.float32], plan: MotionPlan, stamps_s: Stamps, names: tuple[str, ...]) -> None:
    all_sounds = [sound for utterance in plan.speech for sound in utterance.sounds]
    if not all_sounds:
        return
    sounds = Sounds(all_sounds, names)
    for block in _blocks(len(stamps_s)):
        values = sounds.values(stamps_s[block])
        if values is not None:
            total[block] += values


def _shown(plan: MotionPlan, intended: NDArray[np.float32], names: tuple[str, ...]) -> NDArray[np.float32]:
    """What this person's face makes of the intended coefficients, 0 to 1."""
    matrix, rest = person_map(plan.person, names)
    np.minimum(intended, 1.0, out=intended)
    shown = intended @ matrix + rest
    np.clip(shown, 0.0, 1.0, out=shown)
    index = index_of(names)
    for side in "LR":
        # An eye that shuts is not wide open, and the lid of a shut eye stays where it is, wherever the eye looks.
        opening = 1.0 - shown[:, index[f"eyeBlink_{side}"]]
        for name in ("eyeWide", "eyeLookDown", "eyeLookUp"):
            shown[:, index[f"{name}_{side}"]] *= opening
    return np.asarray(shown)


def _motion(plan: MotionPlan, stamps_s: Stamps, expression: NDArray[np.float32], gaze: NDArray[np.float32]) -> Motion:
    phases = frame_phases(plan, stamps_s)
    label, phase = phases.label, phases.phase
    motion_id = np.zeros(len(stamps_s), np.int32)
    for utterance in plan.speech:
        _mark(label, stamps_s, utterance.start_s, utterance.end_s, NONE)
    for motion in plan.free:
        span = min(act.start_s for act in motion.acts), max(act.end_s for act in motion.acts)
        _mark(label, stamps_s, *span, NONE)
        _mark(motion_id, stamps_s, *span, motion.motion_id)
    if plan.capture is not None:
        label[:] = NONE
    phase[label == NONE] = Phase.NEUTRAL
    phases.intensity[label == NONE] = 0.0
    return Motion(expression, gaze, label, phases.intensity, phase, motion_id)


def _mark(values: NDArray[Any], stamps_s: Stamps, start_s: float, end_s: float, value: int) -> None:
    first, last = np.searchsorted(stamps_s, (start_s, end_s))
    values[first:last] = value
