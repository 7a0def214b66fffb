"""Measured and synthetic noise side by side, condition by condition, in the figures everything else is judged by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.evaluate.detector_noise import Track, in_face_axes
from face1d_ros.evaluate.detector_noise_run import Measured
from face1d_ros.evaluate.metrics import jitter_px, sta1_percent, stability_percent
from face1d_ros.sources.portrait_motion import channel_value
from face1d_ros.synth.noise.model import NoiseModel
from face1d_ros.synth.noise.observe import observe
from face1d_ros.synth.noise.plan import NoisePlan
from face1d_ros.synth.noise.spectra import SEGMENT, in_bands

Floats = NDArray[np.float64]
FIGURES: dict[str, Callable[[Floats, Floats], float]] = {
    "sta1_percent": sta1_percent,
    "jitter_px": jitter_px,
    "stability_percent": stability_percent,
}
SEEDS = 3
LEAST_SEEN = 100


@dataclass(frozen=True, eq=False)
class Compared:
    """One condition both ways."""

    name: str
    measured: dict[str, float]
    synthetic: dict[str, float]
    """Means over `SEEDS` seeds."""
    band_db: Floats
    """(bands,) power of synthetic over measured noise, dB."""

    def row(self) -> dict[str, Any]:
        """For a table."""
        values: dict[str, Any] = {"condition": self.name}
        for name in FIGURES:
            values[name] = self.measured[name]
            values[f"{name}_synthetic"] = self.synthetic[name]
            values[f"{name}_ratio"] = self.synthetic[name] / self.measured[name]
        return values | {"spectrum_db_rms": float(np.sqrt(np.square(self.band_db).mean()))}


def plan_of(track: Track, seed: int) -> NoisePlan:
    """The plan that says what the track's condition was."""
    condition = track.condition
    imaging = condition.imaging
    return NoisePlan(
        seed=seed,
        grain=imaging.noise,
        light=1.0 + channel_value(imaging.light, 0.0),
        exposure_s=imaging.exposure_s,
        defocus_share=imaging.defocus_px / condition.size_px,
        losses=False,
    )


def synthetic_errors(model: NoiseModel, track: Track, seed: int) -> tuple[Floats, Floats]:
    """(T, 478, 3) observed px, and their errors in percent, for the truth of a track."""
    stamps = np.arange(len(track.true)) / track.condition.rate_hz
    angles = np.column_stack([track.turn_rad, track.roll_rad])
    present = np.ones(len(stamps), np.bool_)
    found = observe(model, plan_of(track, seed), track.true, stamps, angles, present).points.astype(np.float64)
    return found, in_face_axes(found - track.true, track.roll_rad, track.size_px)


def compare(model: NoiseModel, track: Track) -> Compared:
    """A condition, measured and synthetic; frames in which the face was lost count on neither side."""
    seen, rate_hz = track.seen, track.condition.rate_hz
    true = track.true[seen][..., :2]
    figures, bands = [], []
    for seed in range(SEEDS):
        found, errors = synthetic_errors(model, track, seed)
        figures.append({name: of(found[seen][..., :2], true) for name, of in FIGURES.items()})
        bands.append(in_bands(mean_spectrum(errors[seen], rate_hz), rate_hz, min(SEGMENT, int(seen.sum()))))
    measured = in_bands(mean_spectrum(track.errors_percent()[seen], rate_hz), rate_hz, min(SEGMENT, int(seen.sum())))
    return Compared(
        track.condition.name,
        {name: of(track.found[seen][..., :2], true) for name, of in FIGURES.items()},
        {name: float(np.mean([row[name] for row in figures])) for name in FIGURES},
        10.0 * np.log10(np.mean(bands, axis=0) / measured),
    )


def compared_tracks(measured: Measured) -> list[Track]:
    """Every condition but covers, in which the face was seen for long enough."""
    kinds = ("speed", "blur", "defocus", "light", "roll", "rate", "turn")
    tracks = [*measured.grid, *(track for kind in kinds for track in measured.factors[kind])]
    return [track for track in [*tracks, measured.demo, measured.all_expressions] if track.seen.sum() >= LEAST_SEEN]


def mean_spectrum(errors: Floats, rate_hz: float) -> Floats:
    """(F,) percent² per Hz, mean over points and axes of (T, N, 3)."""
    flat = errors.reshape(len(errors), -1)
    length = min(SEGMENT, len(flat))
    window = np.hanning(length + 1)[:-1]
    starts = range(0, len(flat) - length + 1, max(length // 2, 1))
    total = np.zeros(length // 2 + 1)
    for start in starts:
        part = flat[start : start + length]
        total += np.square(np.abs(np.fft.rfft((part - part.mean(axis=0)) * window[:, None], axis=0))).mean(axis=1)
    scale = np.full(len(total), 2.0)
    if length % 2 == 0:
        scale[-1] = 1.0
    return np.asarray((total * scale / (rate_hz * np.square(window).sum() * len(starts)))[1:])


def correlation_by_distance(
    errors: Floats, points: Floats, edges: Sequence[float], pairs: int = 4000
) -> tuple[Floats, Floats]:
    """Correlation between the frame-to-frame changes of two points against their distance.

    From errors (T, N, 3) and the points (N, 2) in face sizes: the middles of the bins and the mean over pairs in each.
    """
    change = np.diff(errors[..., :2], axis=0)
    rng = np.random.default_rng(0)
    i, j = rng.integers(points.shape[0], size=(2, pairs))
    both = (change[:, i] * change[:, j]).sum(axis=(0, 2))
    power = np.square(change).sum(axis=(0, 2))
    correlation = both / np.sqrt(power[i] * power[j])
    distance = np.hypot(*(points[i] - points[j]).T)
    bins = np.digitize(distance, edges)
    middles = [(low + high) / 2.0 for low, high in pairwise(edges)]
    parts = [correlation[bins == index + 1] for index in range(len(middles))]
    means = [part.mean() if part.size else np.nan for part in parts]  # small samples leave bins empty
    return np.array(middles), np.array(means)
