"""Dynamic time warping and pooling over time: what learned encoders are compared with."""

from __future__ import annotations

import numpy as np
import pytest

from face1d_ros.evaluate.identity_baselines import in_own_size, pooled_vectors, warped, warping_scorer


def clips(*lengths: int, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(0.0, 1.0, (length, 5)).astype(np.float32) for length in lengths]


def plainly_warped(first: np.ndarray, second: np.ndarray) -> float:
    """Cell by cell."""
    cost = np.linalg.norm(first[:, None].astype(np.float64) - second[None], axis=2)
    total = np.full((len(first) + 1, len(second) + 1), np.inf)
    total[0, 0] = 0.0
    for i, j in np.ndindex(cost.shape):
        straight = min(total[i, j + 1], total[i + 1, j]) + cost[i, j]
        total[i + 1, j + 1] = min(straight, total[i, j] + 2.0 * cost[i, j])
    return float(total[-1, -1] / (len(first) + len(second)))


def test_all_pairs_at_once_are_as_cell_by_cell() -> None:
    first, second = clips(7, 9, 1, 12, 1), clips(11, 4, 3, 1, 1, seed=1)
    expected = [plainly_warped(one, two) for one, two in zip(first, second, strict=True)]
    assert warped(first, second) == pytest.approx(expected, rel=1e-4)
    assert warped(first[2:3], second[4:]) == pytest.approx([plainly_warped(first[2], second[4])], rel=1e-4)


def test_neither_clip_of_a_pair_is_preferred() -> None:
    first, second = clips(7, 9, 5), clips(11, 4, 9, seed=1)
    assert warped(first, second) == pytest.approx(warped(second, first), rel=1e-5)


def test_the_same_motion_made_slowly_is_nearer_than_another() -> None:
    times = np.linspace(0.0, 1.0, 30)
    course = [np.sin(np.pi * times[:, None]) * place for place in clips(1, 1)]
    slow = np.repeat(course[0], 2, axis=0)
    near, far = warped([course[0], course[1]], [slow, slow])
    assert near < 0.2 * far


def test_scores_come_in_the_order_of_the_pairs() -> None:
    made = clips(*range(3, 90))
    rng = np.random.default_rng(2)
    first, second = rng.integers(0, len(made), (2, 150))
    done: list[int] = []
    scores = warping_scorer(made, done.append)(first, second)
    for pair in range(0, 150, 30):
        assert -scores[pair] == pytest.approx(plainly_warped(made[first[pair]], made[second[pair]]), rel=1e-4)
    assert sum(done) == 150


def test_pooled_vectors_do_not_see_the_order_of_frames() -> None:
    (one,) = clips(20)
    vectors = pooled_vectors([one, one[::-1], clips(20, seed=3)[0]])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1.0] * 3)
    assert vectors[0] @ vectors[1] == pytest.approx(1.0) and vectors[0] @ vectors[2] < 0.99


def test_clips_are_measured_in_their_own_size_and_a_still_one_stays_finite() -> None:
    strong, weak, still = in_own_size([*(factor * clips(40)[0] for factor in (3.0, 0.2)), np.zeros((9, 5), np.float32)])
    assert strong == pytest.approx(weak, rel=1e-4) and (strong**2).sum(axis=1).mean() == pytest.approx(1.0, rel=1e-4)
    assert not still.any()
