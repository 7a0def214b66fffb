"""Real clips beside the noise model: how strong the grain is under which the model trembles as they do."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.evaluate.detector_noise_people import Clip, rest_of_smoothing
from face1d_ros.evaluate.detector_noise_run import Measured
from face1d_ros.evaluate.metrics import sta1_percent
from face1d_ros.geometry.pose import head_pose, yaw_pitch_roll_rad
from face1d_ros.synth.noise.model import NoiseModel
from face1d_ros.synth.noise.observe import observe
from face1d_ros.synth.noise.plan import NoisePlan

Floats = NDArray[np.float64]
GRAINS = (0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0)
SEEDS = 3


def clip_rows(measured: Measured, model: NoiseModel) -> list[dict[str, Any]]:
    """What is known of each clip."""
    return [_row(clip, model) for clip in measured.people.clips]


def rest_percent(points: Floats) -> float:
    """Root mean square of what smoothing takes off (T, N, 3), percent of the size, in the image plane."""
    size = np.ptp(points[..., :2], axis=1).max(axis=1).mean()
    return float(100.0 * np.sqrt(np.square(rest_of_smoothing(points)[..., :2]).mean()) / size)


def smoothed(points: Floats) -> Floats:
    """(T, N, 3) without what smoothing takes off: stands for the truth that nobody knows."""
    margin = (len(points) - len(rest_of_smoothing(points))) // 2
    return points[margin:-margin] - rest_of_smoothing(points)


def angles_of(points: Floats) -> Floats:
    """(T, 3) yaw, pitch and roll."""
    return yaw_pitch_roll_rad(head_pose(points).rotation)


def _row(clip: Clip, model: NoiseModel) -> dict[str, Any]:
    points = clip.longest()
    angles = np.degrees(angles_of(points))
    rest = rest_percent(points)
    return {
        "clip": clip.name,
        "frames": len(points),
        "size_px": float(np.ptp(points[..., :2], axis=1).max(axis=1).mean()),
        "yaw_from_deg": float(angles[:, 0].min()),
        "yaw_to_deg": float(angles[:, 0].max()),
        "pitch_from_deg": float(angles[:, 1].min()),
        "pitch_to_deg": float(angles[:, 1].max()),
        "sta1_percent": sta1_percent(points[..., :2]),
        "rest_percent": rest,
        "equal_grain": _equal_grain(smoothed(points), clip.rate_hz, rest, model),
    }


def _equal_grain(true: Floats, rate_hz: float, rest: float, model: NoiseModel) -> float:
    """The grain with which the model leaves as much to smoothing, on the clip's own smoothed motion."""
    stamps, angles = np.arange(len(true)) / rate_hz, angles_of(true)
    here = np.ones(len(true), np.bool_)
    rests = []
    for grain in GRAINS:
        seen = [
            observe(model, NoisePlan(seed=seed, grain=grain, losses=False), true, stamps, angles, here).points
            for seed in range(SEEDS)
        ]
        rests.append(float(np.mean([rest_percent(points.astype(np.float64)) for points in seen])))
    return float(np.interp(rest, np.maximum.accumulate(rests), GRAINS))
