"""What a learned motion encoder must beat: dynamic time warping, and the mean and spread over time.

Both see what the encoder sees: offsets of the 68 landmarks from rest on the grid of 20 Hz, in cm. Coordinates in their
standard deviations would make either worse. Letters: C clips, T frames, D = 204 coordinates, M pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from face1d_ros.evaluate.identity_protocol import Indices, Scorer, Scores
from face1d_ros.types import FloatArray

LEAST_SIZE_CM = 0.01
PAIRS_AT_ONCE = 64
FAR = np.float32(1e9)
Advance = Callable[[int], None]


def in_own_size(offsets: Sequence[FloatArray]) -> list[FloatArray]:
    """C clips (T, D), each in the root mean square of its own offsets: else all weak motions are alike."""
    return [one / np.float32(max(np.sqrt((one * one).sum(axis=1).mean()), LEAST_SIZE_CM)) for one in offsets]


def pooled_vectors(offsets: Sequence[FloatArray]) -> FloatArray:
    """(C, 2 D) of clips (T, D): mean and standard deviation over time, as a unit vector."""
    found = np.stack([np.concatenate([one.mean(axis=0), one.std(axis=0)]) for one in offsets])
    return np.asarray(found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9), np.float32)


def warping_scorer(clips: Sequence[FloatArray], advance: Advance = lambda done: None) -> Scorer:
    """Negative distances of dynamic time warping between clips (T, D)."""

    def scores(first: Indices, second: Indices) -> Scores:
        lengths = np.array([len(one) for one in clips])
        found = np.empty(len(first), np.float32)
        order = np.argsort(np.maximum(lengths[first], lengths[second]), kind="stable")
        for begin in range(0, len(order), PAIRS_AT_ONCE):
            rows = order[begin : begin + PAIRS_AT_ONCE]
            found[rows] = -warped([clips[i] for i in first[rows]], [clips[i] for i in second[rows]])
            advance(len(rows))
        return found

    return scores


def warped(first: Sequence[FloatArray], second: Sequence[FloatArray]) -> FloatArray:
    """(M,) distances of clips (T, D), pair by pair.

    Frames are compared by their Euclidean distance. The symmetric step pattern of Sakoe and Chiba (1978, slope 0)
    counts a diagonal step twice, so every path has the weight of both lengths, by which the sum is divided. No path is
    ruled out.
    """
    costs = _costs(first, second)
    rows, columns, count = costs.shape
    total = np.full((rows + 1, columns + 1, count), FAR, np.float32)
    total[0, 0] = 0.0
    flat, cost = total.reshape(-1, count), costs.reshape(-1, count)
    across = columns + 1
    for diagonal in range(rows + columns - 1):
        low, high = max(0, diagonal - columns + 1), min(diagonal, rows - 1)
        # Cell (i, j) of `costs`, i + j = diagonal, is (i + 1, j + 1) of `total`; along a diagonal cells are a row less
        # one apart.
        places = slice(low * columns + diagonal - low, high * columns + diagonal - high + 1, columns - 1 or 1)
        now = (low + 1) * across + diagonal - low + 1
        span = (high - low) * (across - 1) + 1
        step = cost[places]
        corner, above, left = (flat[now - back : now - back + span : across - 1] for back in (across + 1, across, 1))
        flat[now : now + span : across - 1] = np.minimum(np.minimum(above, left) + step, corner + 2.0 * step)
    ends = np.array([len(one) for one in first]), np.array([len(one) for one in second])
    return np.asarray(total[ends[0], ends[1], np.arange(count)] / (ends[0] + ends[1]))


def _costs(first: Sequence[FloatArray], second: Sequence[FloatArray]) -> FloatArray:
    """(T₁, T₂, M) distances between frames; beyond a clip's end whatever."""
    one, two = _padded(first), _padded(second)
    squares = (one * one).sum(axis=2)[:, :, None] + (two * two).sum(axis=2)[:, None, :]
    squares -= 2.0 * np.matmul(one, two.transpose(0, 2, 1))
    return np.ascontiguousarray(np.sqrt(np.maximum(squares, 0.0)).transpose(1, 2, 0))


def _padded(clips: Sequence[FloatArray]) -> FloatArray:
    """(M, T, D)"""
    found = np.zeros((len(clips), max(len(one) for one in clips), clips[0].shape[1]), np.float32)
    for row, one in enumerate(clips):
        found[row, : len(one)] = one
    return found
