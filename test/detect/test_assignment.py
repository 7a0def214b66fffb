from __future__ import annotations

import math

import numpy as np
import pytest

from face1d_ros.detect.assignment import Shape, assign, distances, furthest, nearest, shape_of


def square(x: float, size: float, count: int = 478) -> np.ndarray:
    """Points filling a square, its corners among them."""
    points = np.random.default_rng(1).uniform(0, 1, (count, 3))
    points[:4, :2] = [[0, 0], [1, 0], [0, 1], [1, 1]]
    return points * size + [x, 0, 0]


def sound(points: np.ndarray) -> Shape:
    shape = shape_of(points)
    assert shape is not None
    return shape


def test_distance_is_in_face_sizes() -> None:
    for size in (10.0, 1000.0):
        shapes = [sound(square(0, size)), sound(square(0.5 * size, size))]
        # Half of the box's sides move by 0.5, all landmarks do.
        np.testing.assert_allclose(distances(shapes[:1], shapes), [[0.0, (0.25 + 0.5) / 2]], atol=1e-12)


def test_a_face_twice_as_large_is_at_a_distance() -> None:
    small, large = sound(square(0, 50)), sound(square(-25, 100) - [0, 25, 0])
    assert distances([small], [large])[0, 0] > 0.2


def test_faces_of_468_and_478_points_compare_by_the_points_they_share() -> None:
    points = square(0, 100)
    assert distances([sound(points)], [sound(points[:468])])[0, 0] < 0.01


def test_where_points_differ_the_box_decides() -> None:
    mesh, few = square(0, 100), square(20, 100, 68)
    assert distances([sound(mesh)], [sound(few)])[0, 0] == pytest.approx(0.1)


def test_the_assignment_is_the_best_of_all() -> None:
    costs = np.array([[0.1, 0.2], [0.15, 0.9]])
    assert assign(costs, 1.0) == [(0, 1), (1, 0)]


def test_pairs_at_the_limit_are_none() -> None:
    assert assign(np.array([[1.0, 0.3], [1.5, 1.2]]), 1.0) == [(0, 1)]
    assert assign(np.zeros((0, 3)), 1.0) == [] == assign(np.zeros((3, 0)), 1.0)


def test_leaving_one_alone_can_be_better_than_two_poor_pairs() -> None:
    assert assign(np.array([[0.0, 0.7], [0.7, 3.0]]), 1.0) == [(0, 0)]


def test_landmarks_that_are_unsound_have_no_shape() -> None:
    good = square(0, 100)
    for bad in (np.nan, np.inf, -np.inf):
        spoilt = good.copy()
        spoilt[300, 2] = bad
        assert shape_of(spoilt) is None
    for none in (np.empty((0, 3)), np.zeros(3), good[:, :1], np.full((478, 3), 7.0)):
        assert shape_of(none) is None
    assert sound(good).box == (0.0, 0.0, 100.0, 100.0)
    assert sound(good).size_px == 100.0 and sound(good).centre == (50.0, 50.0)


def test_the_distance_lies_within_its_bounds_whatever_the_landmarks() -> None:
    rng = np.random.default_rng(0)
    for _ in range(500):
        # Corners of both squares are hit, and each landmark may be anywhere in its box.
        one = square(0, 100)[rng.permutation(478)] * rng.uniform(0.5, 2.0, 3)
        other = square(0, 100)[rng.permutation(478)] * rng.uniform(0.5, 2.0, 3) + rng.uniform(-200, 200, 3)
        a, b, moved = sound(one), sound(other), (float(rng.normal()) * 50.0, 20.0)
        distance = distances([a], [b], [moved])[0, 0]
        assert nearest(a, b, moved) <= distance + 1e-12
        assert distance <= furthest(a, b, moved)
    here, there = sound(square(0, 100)), sound(square(300, 100))
    assert nearest(here, there) == pytest.approx(distances([here], [there])[0, 0]), "nothing but a shift"
    assert furthest(here, here) == pytest.approx(math.sqrt(2.0) / 2.0)
    assert nearest(here, sound(square(300, 100, 68))) == 0.0, "not the same points"


def test_a_face_expected_elsewhere_is_compared_from_there() -> None:
    here, there = sound(square(0, 100)), sound(square(30, 100) + np.array([0, 20, 0]))
    assert distances([here], [there], [(30.0, 20.0)])[0, 0] == pytest.approx(0.0, abs=1e-12)
