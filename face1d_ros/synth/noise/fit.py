"""From measured error tracks to the noise model (what is measured: `evaluate/detector_noise*.py`).

1. Modes: the principal fields of all errors and of their differences from frame to frame, every condition alike.
2. Parts: each condition's spectrum is split into a few autoregressive colours; what is constant is a part of its own.
3. The parts' variances over size and grain are a table; what speed, blur, … add to it are curves.
4. The spatial pattern of each part: its share of the cross spectra of all modes, all conditions together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.evaluate.detector_noise import POINTS, Track
from face1d_ros.synth.noise.model import STILL, Part
from face1d_ros.synth.noise.spectra import cross_spectra, part_spectrum, part_variances

Floats = NDArray[np.float64]
PARTS = (
    Part(STILL, 0.0),
    Part("slow", 0.0, time_s=0.7, order=2),
    Part("quick", 0.0, time_s=0.15, order=2),
    Part("brief", 0.0, time_s=0.05, order=2),
    Part("white", 0.0),
    Part("alternating", -0.9),
)
"""Slow to brief errors go with where the face is, so they last as long as its motion takes; white noise is the
sensor's; the detector's crop follows from its last result, so that its errors tend to alternate."""
MODES = 32
VALUES = 3 * POINTS
SMOOTH = 1e-12


@dataclass(frozen=True, eq=False)
class Spread:
    """Errors in terms of modes."""

    modes: Floats
    """(K, 1434) root mean square 1."""

    def coefficients(self, errors: Floats) -> Floats:
        """(T, 478, 3) percent → (T, K)."""
        return errors.reshape(len(errors), VALUES) @ self.modes.T / VALUES


@dataclass(frozen=True, eq=False)
class Split:
    """One condition, split into parts."""

    track: Track
    variances: Floats
    """(C,) percent²."""
    spectra: Floats
    """(F, K, K)."""
    mean: Floats
    """(K,) percent."""


def find_modes(errors: Sequence[Floats], count: int = MODES) -> Spread:
    """From errors (T, 478, 3) of each condition, percent, without frames in which nothing was seen."""
    total = np.zeros((VALUES, VALUES))
    for one in errors:
        flat = one.reshape(len(one), VALUES)
        for part in (flat - flat.mean(axis=0), np.diff(flat, axis=0)):
            total += part.T @ part / max(float(np.square(part).sum()), SMOOTH)
    from scipy.linalg import eigh

    _, vectors = eigh(total, subset_by_index=(VALUES - count, VALUES - 1))
    vectors = vectors[:, ::-1]
    # Signs are free: the largest entry is made positive, so that a fit made again gives the same file.
    signs = np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(count)])
    return Spread((vectors * signs).T * np.sqrt(VALUES))


def share_held(errors: Floats, spread: Spread) -> float:
    """Of the variance of errors (T, 478, 3) around their mean, what lies in the modes."""
    centred = errors - errors.mean(axis=0)
    return float(np.square(spread.coefficients(centred)).sum(axis=1).mean() / np.square(centred).mean())


def split(track: Track, spread: Spread, errors: Floats | None = None) -> Split:
    """A condition's parts; errors (T, 478, 3) in place of the track's own where something was taken off them."""
    errors = track.errors_percent() if errors is None else errors
    errors = errors[track.seen]
    rate_hz = track.condition.rate_hz
    mean = errors.mean(axis=0)
    coefficients = spread.coefficients(errors - mean)
    _, spectra = cross_spectra(coefficients, rate_hz)
    density: Floats = np.einsum("fii->f", spectra)
    # What the modes leave out is shared out among the parts.
    density *= np.square(errors - mean).mean() / max(np.square(coefficients).sum(axis=1).mean(), SMOOTH)
    moving = part_variances(density, PARTS[1:], rate_hz, 2 * spectra.shape[0])
    return Split(track, np.array([np.square(mean).mean(), *moving]), spectra, spread.coefficients(mean[None])[0])


def size_grain_table(splits: Sequence[Split]) -> tuple[list[float], list[float], Floats]:
    """Sizes, grains and the variances (S, G, C) of a grid of conditions."""
    values = [one.track.condition.values for one in splits]
    sizes, grains = (sorted({value[name] for value in values}) for name in ("size", "grain"))
    table = np.zeros((len(sizes), len(grains), len(PARTS)))
    for one, value in zip(splits, values, strict=True):
        table[sizes.index(value["size"]), grains.index(value["grain"])] = one.variances
    return sizes, grains, table


def added(knots: Sequence[float], splits: Sequence[Split], expected: Sequence[Floats]) -> dict[str, Any]:
    """A factor: what the variances of conditions are above those expected (C,) from the rest; knots may repeat."""
    rows: dict[float, list[Floats]] = {}
    for knot, one, usual in zip(knots, splits, expected, strict=True):
        rows.setdefault(round(float(knot), 6), []).append(one.variances - usual)
    order = sorted(rows)
    means = np.array([np.mean(rows[knot], axis=0) for knot in order])
    return {
        "knots": order,
        "added_percent2": {part.name: rounded(column) for part, column in zip(PARTS, means.T, strict=True)},
    }


def part_mixes(splits: Sequence[Split]) -> Floats:
    """(C, K, K) unit signals → modes, each with trace 1 as its covariance."""
    count = splits[0].spectra.shape[1]
    moving = PARTS[1:]
    design, target = np.zeros((len(moving), len(moving))), np.zeros((len(moving), count, count))
    for one in splits:
        rate_hz = one.track.condition.rate_hz
        shapes = np.stack([part_spectrum(part, rate_hz, 2 * len(one.spectra)) for part in moving], axis=1)
        shapes *= one.variances[1:]
        weight = 1.0 / np.square(np.einsum("fii->f", one.spectra))
        design += shapes.T @ (shapes * weight[:, None])
        target += np.einsum("fc,f,fij->cij", shapes, weight, one.spectra)
    solved = np.linalg.solve(design, target.reshape(len(moving), -1)).reshape(target.shape)
    means = np.stack([one.mean / max(float(np.linalg.norm(one.mean)), SMOOTH) for one in splits])
    return np.stack([root(means.T @ means), *(root(covariance) for covariance in solved)])


def root(covariance: Floats) -> Floats:
    """(K, K) a matrix L with LᵀL the nearest covariance without negative variances, of trace 1."""
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2.0)
    values = np.maximum(values, 0.0)
    values /= max(values.sum(), SMOOTH)
    return np.asarray(np.sqrt(values)[::-1, None] * vectors.T[::-1])


def gust_sd(tracks: Sequence[Track], spread: Spread) -> float:
    """How unevenly strong the noise of single frames is, beyond what noise of even strength would be."""
    excess = []
    for track in tracks:
        bends = np.diff(spread.coefficients(track.errors_percent()[track.seen]), n=2, axis=0)
        power = np.square(bends).sum(axis=1)
        covariance = bends.T @ bends / len(bends)
        even = 2.0 * np.square(covariance).sum() / np.square(np.trace(covariance))
        seen = power.var() / power.mean() ** 2
        # The power of m · x, x Gaussian and m² = exp(2 sd g − 2 sd²), has 1 + CV² = (1 + CV² of x) exp(4 sd²).
        excess.append(np.log((1.0 + seen) / (1.0 + even)) / 4.0)
    return float(np.sqrt(max(np.median(excess), 0.0)))


def rounded(values: Any, digits: int = 4) -> Any:
    """Significant digits that are worth reading."""
    array = np.asarray(values, float)
    flat = [float(f"{value:.{digits}g}") for value in array.ravel()]
    return np.array(flat).reshape(array.shape).tolist()


def tables(named: Mapping[str, Floats]) -> dict[str, NDArray[Any]]:
    """Arrays as they are stored: half precision is far finer than what is known."""
    return {name: np.asarray(array, np.float16) for name, array in named.items()}
