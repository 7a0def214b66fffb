"""Power spectra of error tracks, and which parts of a colour each they are made of."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from face1d_ros.synth.noise.model import Part

Floats = NDArray[np.float64]
SEGMENT = 128
"""Frames of a Welch segment: 4.3 s at 30 Hz."""
FLOOR = 1e-9
"""Of the total variance: a part is never quite absent, so that its logarithm exists."""
LEVEL_BANDS_HZ = (0.2, 0.4, 0.8, 1.4, 2.2, 3.2, 4.5, 6.0, 8.0, 10.0, 12.0, 13.5, 14.6, 15.1)
"""At 30 Hz; scaled with the rate."""


def cross_spectra(signals: Floats, rate_hz: float) -> tuple[Floats, Floats]:
    """(T, K) → frequencies (F,) and the real cross spectra (F, K, K) per Hz: Welch, Hann, mean taken off, no 0 Hz."""
    length = min(SEGMENT, len(signals))
    window = np.hanning(length + 1)[:-1]
    starts = range(0, len(signals) - length + 1, max(length // 2, 1))
    total = 0.0
    for start in starts:
        part = signals[start : start + length]
        spectrum = np.fft.rfft((part - part.mean(axis=0)) * window[:, None], axis=0)
        total = total + np.einsum("fi,fj->fij", spectrum, spectrum.conj()).real
    scale = np.full(length // 2 + 1, 2.0)
    if length % 2 == 0:
        scale[-1] = 1.0
    density = total * (scale / (rate_hz * (window**2).sum() * len(starts)))[:, None, None]
    return np.fft.rfftfreq(length, 1.0 / rate_hz)[1:], density[1:]


@lru_cache(maxsize=256)
def part_spectrum(part: Part, rate_hz: float, length: int = SEGMENT) -> Floats:
    """(F,) what `cross_spectra` finds on average in a part of unit variance."""
    lags = np.arange(length)
    window = np.hanning(length + 1)[:-1]
    correlation = part.correlation(length, 1.0 / rate_hz)[np.abs(lags[:, None] - lags)]
    without_mean = np.eye(length) - 1.0 / length
    seen = np.fft.rfft(window[:, None] * without_mean, axis=0)
    power = np.einsum("fi,ij,fj->f", seen, correlation, seen.conj(), optimize=True).real
    scale = np.full(len(power), 2.0)
    if length % 2 == 0:
        scale[-1] = 1.0
    return np.asarray((power * scale / (rate_hz * np.square(window).sum()))[1:])


def in_bands(density: Floats, rate_hz: float, length: int = SEGMENT) -> Floats:
    """(F, ...) → (bands, ...) means over `LEVEL_BANDS_HZ`."""
    frequencies = np.fft.rfftfreq(length, 1.0 / rate_hz)[1:]
    edges = np.array(LEVEL_BANDS_HZ) * rate_hz / 30.0
    rows = [density[(frequencies >= low) & (frequencies < high)] for low, high in pairwise(edges)]
    return np.stack([row.mean(axis=0) for row in rows])


def part_variances(density: Floats, parts: Sequence[Part], rate_hz: float, length: int = SEGMENT) -> Floats:
    """(C,) how much of each part a spectrum (F,) holds: least squares of relative deviations, none negative."""
    from scipy.optimize import nnls

    templates = np.stack([part_spectrum(part, rate_hz, length) for part in parts], axis=1)
    seen, bands = in_bands(density, rate_hz, length), in_bands(templates, rate_hz, length)
    variances = np.ones(len(parts))
    weights = 1.0 / seen
    for _ in range(8):  # relative to the geometric mean of both sides: close to a fit of decibels
        variances, _ = nnls(bands * weights[:, None], seen * weights)
        weights = 1.0 / np.sqrt(seen * np.maximum(bands @ variances, 0.05 * seen))
    return np.maximum(variances, FLOOR * variances.sum())
