"""What the detector would report: clean landmarks, disturbed as was measured (docs/detector_noise.md).

    observed = clean · (lag, depth gain) + size · turned by roll( modes · coefficients )
    coefficients = Σ parts amplitude(size, grain, speed, blur, light, defocus, turn) · gusts · coloured noise
                   + what is always wrong on this person, and with its turning
                   + the detector's imperfect following of expressions
                   + shifts while a region is hidden

Coloured noise is a function of the frame's number, as the detector's own is: its crop follows from its last result.
Only parts that come from the face's motion have a time constant in seconds; irregular stamps enter there by their
median. Letters: T frames, N points, K modes, C parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import GeometryError
from face1d_ros.geometry.topology import indices_in, topology_of
from face1d_ros.synth.noise.conditions import Conditions, conditions_of
from face1d_ros.synth.noise.confidence import confidences, losses
from face1d_ros.synth.noise.hidden import hidden_points, hide
from face1d_ros.synth.noise.model import STILL, NoiseModel, Part, load_noise_model
from face1d_ros.synth.noise.plan import Gap, NoisePlan, Occlusion, draw_noise
from face1d_ros.types import FloatArray, Topology

__all__ = [
    "Gap",
    "NoiseModel",
    "NoisePlan",
    "Observed",
    "Occlusion",
    "draw_noise",
    "load_noise_model",
    "observe",
]

Points = NDArray[np.floating[Any]]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
BLOCK = 64
"""Frames at once: what is worked on stays in the processor's cache."""
PERCENT = 0.01


@dataclass(frozen=True, eq=False)
class Observed:
    """What the detector reports."""

    points: FloatArray
    """(T, N, 3) px; NaN in frames in which nothing was seen."""
    confidence: FloatArray
    """(T,) of the face; 0 where nothing was seen."""
    point_confidence: FloatArray
    """(T, N); 0 where nothing was seen."""
    seen: Flags
    """(T,)."""
    occluded: Flags
    """(T, N) points behind something of the plan's occlusions."""


def observe(
    model: NoiseModel,
    plan: NoisePlan,
    clean_px: Points,
    stamps_s: Floats,
    yaw_pitch_roll_rad: Points,
    present: Flags,
    image_size: tuple[int, int] | None = None,
) -> Observed:
    """Clean landmarks (T, N, 3), N 478, 468 or 68, as the detector would report them.

    With stamps (T,), the head's angles (T, 3) and whether it is there (T,). Where the image's (width, height) is given,
    points near its edge and beyond lose their confidence, and a face whose middle is outside is not seen.
    """
    clean, stamps, angles, here = _checked(clean_px, stamps_s, yaw_pitch_roll_rad, present)
    state = conditions_of(model, plan, clean, stamps, angles)
    hidden = hidden_points(plan, stamps, clean.shape[1])
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence((plan.seed, 0x0B))))
    modes = _modes(model, clean.shape[1])
    coefficients = coloured(model, state, rng)
    coefficients += _always_wrong(model, plan, angles)
    coefficients += state.deformation @ model.response
    points = _disturbed(model, plan, clean, state, coefficients, modes)
    hide(model, points, clean, state, hidden, modes, rng)
    if plan.strength != 1.0:
        points = np.asarray(clean + (points - clean) * np.float32(plan.strength), np.float32)
    seen = here & ~losses(model, plan, state, hidden, stamps, image_size, rng)
    confidence, of_points = confidences(model, state, points, seen, hidden, image_size, rng)
    points[~seen] = np.nan
    return Observed(points, confidence, of_points, seen, hidden.any_of_points(here))


def coloured(model: NoiseModel, state: Conditions, rng: np.random.Generator) -> FloatArray:
    """(T, K) the parts' noise in percent in each mode."""
    amplitude = state.amplitude.astype(np.float32)
    frames, count = len(amplitude), len(model.modes)
    gusts = coloured_signals(Part("gusts", model.gust_pole), state.frame_s, frames, 1, rng)
    # The mean of exp(2 sd g) is exp(2 sd²): so gusts leave the variance what it is.
    strength = np.exp(model.gust_sd * gusts - model.gust_sd**2)
    total = np.zeros((frames, count), np.float32)
    for index, part in enumerate(model.parts):
        scale = amplitude[:, index : index + 1]
        if part.name == STILL:
            signals = rng.standard_normal((1, count), np.float32)
        else:
            signals = coloured_signals(part, state.frame_s, frames, count, rng)
            scale = scale * strength
        total += scale * (signals @ model.mixes[index])
    return total


def coloured_signals(part: Part, frame_s: float, frames: int, count: int, rng: np.random.Generator) -> FloatArray:
    """(T, K) the part's unit noise in its stationary state: x_t = b w_t + 2a x_t−1 − a² x_t−2, or of first order."""
    white = rng.standard_normal((frames, count), np.float32)
    pole = part.pole_at(frame_s)
    if pole == 0.0:
        return white
    from scipy.signal import lfilter

    last, before = rng.standard_normal((2, count), np.float32)
    if part.order == 1:
        gain, feedback = np.sqrt(1.0 - pole * pole), [1.0, -pole]
        state = (pole * last)[None]
    else:
        gain, feedback = np.sqrt((1.0 - pole * pole) ** 3 / (1.0 + pole * pole)), [1.0, -2.0 * pole, pole * pole]
        together = 2.0 * pole / (1.0 + pole * pole)
        before = together * last + np.sqrt(1.0 - together * together) * before
        state = np.stack([2.0 * pole * last - pole * pole * before, -pole * pole * last])
    b, a = np.array([gain], np.float32), np.array(feedback, np.float32)
    return np.asarray(lfilter(b, a, white, axis=0, zi=state.astype(np.float32))[0], np.float32)


def _always_wrong(model: NoiseModel, plan: NoisePlan, angles: Floats) -> FloatArray:
    """(T, K) percent: this person's bias, and what is wrong when the head turns."""
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence((plan.person_seed, 0xB1))))
    person = rng.standard_normal(len(model.modes), np.float32) @ model.person_mix
    factors = 1.0 + model.turn_spread * rng.standard_normal((2, 2, 1), np.float32)
    sines = np.sin(angles[:, :2]).astype(np.float32)
    sides = np.stack([np.minimum(sines, 0.0), np.maximum(sines, 0.0)], axis=2).reshape(len(angles), 4)
    bias = sides @ (factors * model.turn_slope).reshape(4, -1)
    return np.asarray(bias + np.float32(model.person_percent) * person, np.float32)


def _disturbed(
    model: NoiseModel,
    plan: NoisePlan,
    clean: FloatArray,
    state: Conditions,
    coefficients: Points,
    modes: FloatArray,
) -> FloatArray:
    """(T, N, 3) clean points with their errors, a block of frames at a time."""
    points = np.empty_like(clean)
    flat = modes.reshape(len(modes), -1)
    scaled = (coefficients * (PERCENT * state.size_px[:, None])).astype(np.float32)
    length = np.hypot(state.rotation[:, 0, 0], state.rotation[:, 1, 0])
    cos, sin = (state.rotation[:, row, 0] / length for row in (0, 1))
    depth = np.float32(model.depth_gain - 1.0)
    for start in range(0, len(clean), BLOCK):
        part = slice(start, start + BLOCK)
        true = clean[part]
        error = (scaled[part] @ flat).reshape(true.shape)
        c, s = cos[part, None], sin[part, None]
        out = points[part]
        out[..., 0] = true[..., 0] + c * error[..., 0] - s * error[..., 1]
        out[..., 1] = true[..., 1] + s * error[..., 0] + c * error[..., 1]
        out[..., 2] = true[..., 2] + depth * true[..., 2] + error[..., 2]
    if model.lag_frames:
        points[1:] -= np.float32(model.lag_frames) * np.diff(clean, axis=0)
    return points


@cache
def _modes_of(model: NoiseModel, count: int) -> FloatArray:
    return np.ascontiguousarray(model.modes[:, indices_in(topology_of(count), Topology.MESH_478)])


def _modes(model: NoiseModel, count: int) -> FloatArray:
    """(K, N, 3) of the topology with so many points."""
    return model.modes if count == len(model.modes[0]) else _modes_of(model, count)


def _checked(
    clean_px: Points, stamps_s: Floats, angles_rad: Points, present: Flags
) -> tuple[FloatArray, Floats, Floats, Flags]:
    clean = np.ascontiguousarray(clean_px, np.float32)
    if clean.ndim != 3 or clean.shape[2] != 3 or len(clean) < 1:
        raise GeometryError("clean landmarks", f"shape {clean.shape}", "(frames, landmarks, 3) with at least one frame")
    topology_of(clean.shape[1])
    stamps, angles = np.asarray(stamps_s, np.float64), np.asarray(angles_rad, np.float64)
    here = np.asarray(present, np.bool_)
    expected = {
        "stamps": (stamps, (len(clean),)),
        "angles": (angles, (len(clean), 3)),
        "present": (here, (len(clean),)),
    }
    for name, (array, shape) in expected.items():
        if array.shape != shape:
            raise GeometryError(name, f"shape {array.shape}", f"{shape}, as there are {len(clean)} frames")
        if not np.isfinite(array).all():
            raise GeometryError(name, "values that are not finite", "finite values only")
    if not np.isfinite(clean).all():
        raise GeometryError("clean landmarks", "values that are not finite", "finite values, also where not present")
    if not (np.diff(stamps) > 0.0).all():
        raise GeometryError("stamps", "some that do not rise", "strictly rising seconds")
    return clean, stamps, angles, here
