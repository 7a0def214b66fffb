"""A canonical head before the camera, for the tests of the noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from face1d_ros.geometry.canonical import canonical_face
from face1d_ros.synth.noise.conditions import rotations
from face1d_ros.synth.noise.observe import NoiseModel, NoisePlan, Observed, observe

CLEAR = NoisePlan(seed=1, person_seed=2, grain=4.0, losses=False)


@dataclass(frozen=True, eq=False)
class Scene:
    """Clean points and what is known of them."""

    clean: np.ndarray
    stamps_s: np.ndarray
    angles_rad: np.ndarray
    present: np.ndarray

    def observed(self, model: NoiseModel, plan: NoisePlan = CLEAR, **more: object) -> Observed:
        return observe(model, plan, self.clean, self.stamps_s, self.angles_rad, self.present, **more)  # type: ignore[arg-type]

    def errors_percent(self, model: NoiseModel, plan: NoisePlan = CLEAR) -> np.ndarray:
        size = np.ptp(self.clean[..., :2], axis=1).max(axis=1)[:, None, None]
        return 100.0 * (self.observed(model, plan).points - self.clean) / size


def scene(
    frames: int = 200,
    rate_hz: float = 30.0,
    size_px: float = 200.0,
    roll_rad: float = 0.0,
    yaw_rad: float = 0.0,
    sway: float = 0.06,
) -> Scene:
    """A head of that size that sways by a share of it."""
    stamps = np.arange(frames) / rate_hz
    angles = np.zeros((frames, 3))
    angles[:, 0], angles[:, 2] = yaw_rad, roll_rad
    face = canonical_face().points_cm
    scale = size_px / np.ptp(face[:, :2], axis=0).max()
    middle = np.zeros((frames, 1, 3))
    middle[:, 0, 0] = 320.0 + sway * size_px * np.sin(2.0 * np.pi * stamps / 5.0)
    middle[:, 0, 1] = 240.0
    clean = scale * face @ rotations(angles).swapaxes(1, 2) + middle
    return Scene(clean.astype(np.float32), stamps, angles, np.ones(frames, bool))
