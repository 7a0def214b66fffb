"""Faces over time as embedding sequences: E = {e_t}, t = 1 … T, of d numbers each (review, Section 3.4).

The embedding of a frame is any representation of a single frame; a network's takes its place later, and a recurrent
aggregator (equation 4) that of the running mean.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from face1d_ros.geometry.representations.basis import Basis
from face1d_ros.geometry.representations.representation import Floats, FrameRepresentation, Points, checked


class EmbeddingSequence:
    """(..., T, N, C) ↔ (..., T, d); with a basis over time (..., K, d), in which missing frames are filled."""

    def __init__(self, embedding: FrameRepresentation, time: Basis | None = None) -> None:
        """`embedding` of a frame, and what its numbers are kept in over `time`, all of them if there is none."""
        self.embedding = embedding
        self.time = time

    @property
    def count(self) -> int:
        """d: numbers of an embedding."""
        return math.prod(self.embedding.shape)

    def encode(self, points: Points, weights: ArrayLike | None = None) -> Floats:
        """(..., T, N, C), weights (..., T, N), to (..., T or K, d)."""
        frames = None if self.time is None else self.time.samples
        values = checked("points", points, (frames, None, None))
        found = self.embedding.encode(values, weights)
        sequence = found.reshape(*values.shape[:-2], self.count)
        return sequence if self.time is None else self.time.encode(sequence)

    def decode(self, coefficients: Points) -> Floats:
        """(..., T or K, d) to (..., T, N, C)."""
        frames = None if self.time is None else self.time.count
        values = checked("coefficients", coefficients, (frames, self.count))
        sequence = values if self.time is None else self.time.decode(values)
        return self.embedding.decode(sequence.reshape(*sequence.shape[:-1], *self.embedding.shape))


def running_mean(sequence: Points, *, unit: bool = False) -> Floats:
    """(..., T, d) to (..., T, d): the mean of all embeddings up to each frame, without those that are not finite.

    NaN until there is one. `unit`: each is brought to length 1 before and after, for those compared by their angle.
    """
    values = checked("embeddings", sequence, (None, None))
    known = np.isfinite(values).all(axis=-1, keepdims=True)
    values = np.where(known, _unit(values) if unit else values, 0.0)
    number = np.cumsum(known, axis=-2)
    mean: Floats = np.cumsum(values, axis=-2) / np.where(number > 0, number, np.nan)
    return _unit(mean) if unit else mean


def _unit(values: Floats) -> Floats:
    """(..., d) of length 1; of length 0 NaN."""
    length = np.linalg.norm(values, axis=-1, keepdims=True)
    return np.asarray(values / np.where(length > 0.0, length, np.nan))
