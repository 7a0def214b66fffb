"""What a face looks like at rest."""

from __future__ import annotations

import numpy as np
import pytest

from face1d_ros.geometry.neutral_face import adapted

SPREAD = np.array([0.1, 0.1], np.float32)
REST = np.array([1.0, 2.0], np.float32)
SMILE = np.array([1.8, 2.0], np.float32)
DT_S = 1.0 / 30.0


def after(faces: list[tuple[np.ndarray, float, float]], slow_s: float = 8.0) -> np.ndarray:
    """Neutral after (face, seconds, how likely at rest) one after the other."""
    neutral, known_s = faces[0][0].astype(np.float64), np.float64(0.0)
    for face, seconds, rests in faces:
        for _ in range(round(seconds / DT_S)):
            neutral, known_s = adapted(neutral, known_s, face, DT_S, rests, SPREAD, slow_s)
    return neutral


def test_a_face_that_rests_is_its_neutral() -> None:
    np.testing.assert_allclose(after([(REST, 1.0, 1.0)]), REST)


def test_noise_is_averaged() -> None:
    rng = np.random.default_rng(1)
    neutral, known_s = REST + 0.1, np.float64(0.0)
    for _ in range(150):
        noisy = REST + 0.05 * rng.standard_normal(2)
        neutral, known_s = adapted(neutral, known_s, noisy, DT_S, 1.0, SPREAD, 8.0)
    np.testing.assert_allclose(neutral, REST, atol=0.02)


def test_an_expression_that_is_held_for_half_a_minute_hardly_moves_it() -> None:
    neutral = after([(REST, 2.0, 1.0), (SMILE, 30.0, 0.0)])
    assert abs(neutral[0] - REST[0]) < 0.2 * (SMILE[0] - REST[0])


def test_a_track_that_begins_with_an_expression_finds_its_rest() -> None:
    neutral = after([(SMILE, 0.5, 1.0), (REST, 10.0, 1.0)])
    assert abs(neutral[0] - REST[0]) < 0.25 * (SMILE[0] - REST[0])


def test_a_gap_counts_as_one_short_step() -> None:
    one, known_s = adapted(REST, 1.0, SMILE, 60.0, 1.0, SPREAD, 8.0)
    other, _ = adapted(REST, 1.0, SMILE, 0.2, 1.0, SPREAD, 8.0)
    np.testing.assert_allclose(one, other)
    assert known_s == pytest.approx(1.2)


def test_faces_side_by_side_are_followed_as_each_alone() -> None:
    both = np.stack([REST, SMILE])
    known = np.array([[1.0], [3.0]])
    together, known_s = adapted(both, known, both + 0.05, np.full((2, 1), DT_S), np.ones((2, 1)), SPREAD, 8.0)
    alone, alone_s = adapted(both[1], 3.0, both[1] + 0.05, DT_S, 1.0, SPREAD, 8.0)
    np.testing.assert_allclose(together[1], alone)
    assert known_s[1, 0] == pytest.approx(float(alone_s))
