"""Motion that never stops: sums of sines with random phases whose spectrum falls as a power of the frequency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import NDArray

from face1d_ros.synth.motion.types import Drift, Stamps
from face1d_ros.synth.motion.units import PAIRED, SINGLE, index_of

Values: TypeAlias = NDArray[np.float32]
SINES = 20


@dataclass(frozen=True)
class Band:
    """Frequencies, and how the power density falls between them: as f to the power of −`falls`."""

    low_hz: float
    high_hz: float
    falls: float


class Waves:
    """Independent channels of standard deviation 1 over a long time, all made of the same frequencies.

    These are spaced evenly on a logarithmic axis, so that equal amplitudes are a spectrum of 1/f.
    """

    def __init__(self, seed: int, channels: int, band: Band) -> None:
        rng = Generator(PCG64(SeedSequence(seed)))
        places = (np.arange(SINES) + rng.random(SINES)) / SINES
        self._frequency_hz = band.low_hz * (band.high_hz / band.low_hz) ** places
        amplitude = self._frequency_hz ** (0.5 * (1.0 - band.falls))
        amplitude *= np.sqrt(2.0 / (amplitude * amplitude).sum())
        phase = 2.0 * np.pi * rng.random((SINES, channels))
        self.mixing = np.concatenate([amplitude[:, None] * np.cos(phase), amplitude[:, None] * np.sin(phase)])
        """(2 · SINES, C) from `basis` to the channels."""

    def basis(self, stamps_s: Stamps) -> NDArray[np.float64]:
        """(T, 2 · SINES) sines and cosines."""
        angle = stamps_s[:, None] * (2.0 * np.pi * self._frequency_hz)
        return np.concatenate([np.sin(angle), np.cos(angle)], axis=1)

    def values(self, stamps_s: Stamps) -> NDArray[np.float64]:
        """(T, C)."""
        return np.asarray(self.basis(stamps_s) @ self.mixing)


IDLE_BAND = Band(0.08, 6.0, 1.0)
IDLE = {
    "browDown": 0.012,
    "browInnerUp": 0.012,
    "browOuterUp": 0.01,
    "cheekSquint": 0.008,
    "eyeSquint": 0.015,
    "eyeWide": 0.01,
    "mouthDimple": 0.01,
    "mouthFrown": 0.01,
    "mouthPress": 0.015,
    "mouthRollLower": 0.01,
    "mouthShrugLower": 0.01,
    "mouthSmile": 0.012,
    "noseSneer": 0.006,
    "jawOpen": 0.006,
}
"""Standard deviation of idle motion by coefficient: a face at rest moves by hundredths of its range (our choice)."""
LIDS = ("eyeBlink", "eyeLook")
OWN_PART = 0.35
"""Of a side's idle motion that its other side does not share."""


UNSTEADY = 0.035
"""Standard deviation of a held coefficient as a part of it: noise of muscles grows with what they do (Harris & Wolpert,
Nature 1998); the size is our choice."""


def idle_coefficients(drift: Drift, stamps_s: Stamps, names: tuple[str, ...]) -> tuple[Values, Values]:
    """(T, K) what is added to coefficients, and the factor of those that are held; both small, above and below 0."""
    rest, held = _weights(names)
    waves = Waves(drift.seed, len(rest) + len(held), IDLE_BAND)
    mixing = drift.amount * waves.mixing
    both = np.concatenate([mixing[:, : len(rest)] @ rest, mixing[:, len(rest) :] @ held], axis=1)
    values = waves.basis(stamps_s).astype(np.float32) @ both.astype(np.float32)
    return values[:, : len(names)], values[:, len(names) :]


@lru_cache(maxsize=8)
def _weights(names: tuple[str, ...]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(channels, K) of idle motion, and of what is held."""
    held = dict.fromkeys((name for name in (*PAIRED, *SINGLE) if not name.startswith(LIDS)), UNSTEADY)
    return _side_weights(IDLE, names), _side_weights(held, names)


def _side_weights(sizes: Mapping[str, float], names: tuple[str, ...]) -> NDArray[np.float64]:
    """(3 · coefficients, K): of each three channels one moves both sides, two move one side each."""
    index = index_of(names)
    shared = np.sqrt(1.0 - OWN_PART * OWN_PART)
    weights = np.zeros((len(sizes), 3, len(names)))
    for place, (name, size) in enumerate(sizes.items()):
        if name in index:
            weights[place, 0, index[name]] = size
            continue
        for side, letter in enumerate("LR"):
            column = index[f"{name}_{letter}"]
            weights[place, [0, 1 + side], column] = size * shared, size * OWN_PART
    return weights.reshape(3 * len(sizes), len(names))
