"""Faces that move, for the tests of filters."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from face1d_ros.filters.filter import Filter

FACE = np.random.default_rng(1).uniform(0.0, 200.0, (20, 3))


def swaying(stamps_s: np.ndarray, noise_px: float = 0.0, seed: int = 0) -> np.ndarray:
    """(T, 20, 3) a face that goes to and fro by 40 px."""
    way = 20.0 * np.sin(2.0 * np.pi * 0.5 * stamps_s)[:, None, None] * [1.0, 0.3, 0.1]
    return FACE + way + np.random.default_rng(seed).normal(0.0, noise_px, (len(stamps_s), *FACE.shape))


def run(filter_: Filter, points: np.ndarray, stamps_s: Iterable[float]) -> np.ndarray:
    """All outputs, one after the other."""
    return np.array([filter_(frame, stamp_s) for frame, stamp_s in zip(points, stamps_s, strict=True)])
