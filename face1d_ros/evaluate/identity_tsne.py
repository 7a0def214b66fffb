"""t-SNE (van der Maaten & Hinton, JMLR 2008), exact, for a few hundred points. Letters: C points, E dimensions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import GeometryError

Floats = NDArray[np.floating[Any]]
MOST = 1000
STEPS, EARLY = 600, 150
EXAGGERATION = 8.0
RATE, MOMENTUM = 100.0, (0.5, 0.8)
SEARCH_STEPS = 50
SMALLEST = 1e-12


def tsne(points: Floats, perplexity: float = 20.0, seed: int = 0) -> Floats:
    """(C, 2) places in which neighbours of (C, E) are neighbours."""
    count = len(points)
    if not (points.ndim == 2 and 4 <= count <= MOST and np.isfinite(points).all()):
        raise GeometryError("points", f"an array of shape {points.shape}", f"4 to {MOST} rows of finite numbers")
    joint = _joint(np.asarray(points, np.float64), min(perplexity, (count - 1) / 3.0))
    placed = np.random.default_rng(seed).normal(0.0, 1e-4, (count, 2))
    speed, gains = np.zeros_like(placed), np.ones_like(placed)
    for step in range(STEPS):
        is_early = step < EARLY
        slope = _slope(placed, joint * (EXAGGERATION if is_early else 1.0))
        gains = np.maximum(np.where(slope * speed < 0.0, gains + 0.2, gains * 0.8), 0.01)
        speed = MOMENTUM[not is_early] * speed - RATE * gains * slope
        placed = placed + speed
        placed -= placed.mean(axis=0)
    return np.asarray(placed)


def _slope(placed: Floats, joint: Floats) -> Floats:
    """(C, 2) of the Kullback-Leibler divergence (their equation 5)."""
    near = 1.0 / (1.0 + _squares(placed))
    np.fill_diagonal(near, 0.0)
    pull = (joint - near / max(near.sum(), SMALLEST)) * near
    return 4.0 * (pull.sum(axis=1)[:, None] * placed - pull @ placed)


def _joint(points: Floats, perplexity: float) -> Floats:
    """(C, C) symmetric neighbourhoods, their sum 1."""
    squares = _squares(points)
    shares = np.stack([_shares(np.delete(row, index), perplexity) for index, row in enumerate(squares)])
    full = np.zeros_like(squares)
    full[~np.eye(len(points), dtype=bool)] = shares.ravel()
    return np.maximum((full + full.T) / (2.0 * len(points)), SMALLEST)


def _shares(squares: Floats, perplexity: float) -> Floats:
    """(C − 1,) of one point's neighbours; the width of the Gaussian is found by halving."""
    low, high, sharpness = 0.0, np.inf, 1.0 / max(float(np.median(squares)), SMALLEST)
    off = squares - squares.min()
    for _ in range(SEARCH_STEPS):
        weights = np.exp(-off * sharpness)
        shares = weights / weights.sum()
        entropy = -(shares * np.log(np.maximum(shares, SMALLEST))).sum()
        if entropy > np.log(perplexity):
            low, sharpness = sharpness, 2.0 * sharpness if np.isinf(high) else (sharpness + high) / 2.0
        else:
            high, sharpness = sharpness, (sharpness + low) / 2.0
    return np.asarray(shares)


def _squares(points: Floats) -> Floats:
    """(C, C) squared distances."""
    length = (points * points).sum(axis=1)
    return np.asarray(np.maximum(length[:, None] + length[None, :] - 2.0 * (points @ points.T), 0.0))
