"""B-splines, Bézier curves and Fourier descriptors of single curves, against what is known by hand."""

from __future__ import annotations

import numpy as np
import pytest

from face1d_ros.errors import GeometryError
from face1d_ros.geometry.representations.basis import Basis
from face1d_ros.geometry.representations.bezier import bernstein, bezier_basis
from face1d_ros.geometry.representations.fourier import fourier_basis, frequencies, magnitudes
from face1d_ros.geometry.representations.splines import bspline_basis

UNEVEN = np.array([0.0, 0.07, 0.2, 0.26, 0.4, 0.55, 0.6, 0.81, 0.9, 1.0])
ROUND = UNEVEN[:-1]
MAKERS = [bspline_basis, bezier_basis, fourier_basis]


def circle(places: np.ndarray, radius: float = 2.0, middle: complex = 5 + 3j, start_rad: float = 0.4) -> np.ndarray:
    """(S, 2) once around, counter-clockwise in x, y."""
    z = middle + radius * np.exp(1j * (2 * np.pi * places + start_rad))
    return np.stack([z.real, z.imag], axis=1)


def blob(seed: int, count: int = 9) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 2)) * 30 + 200


def turned(points: np.ndarray, angle_rad: float) -> np.ndarray:
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    return points @ np.array([[cos, sin], [-sin, cos]])


@pytest.mark.parametrize("make", [bspline_basis, bezier_basis])
def test_a_straight_line_is_a_line_of_control_points(make) -> None:
    line = np.array([1.0, 2.0]) + UNEVEN[:, None] * np.array([8.0, -4.0])
    basis = make(UNEVEN, 2)
    np.testing.assert_allclose(basis.encode(line), [[1.0, 2.0], [9.0, -2.0]], atol=1e-12)
    more = make(UNEVEN, 6)
    control = more.encode(line)
    np.testing.assert_allclose(control[:, 1] - 2.0, -(control[:, 0] - 1.0) / 2.0, atol=1e-9)
    np.testing.assert_allclose(more.decode(control), line, atol=1e-9)


@pytest.mark.parametrize("make", [bspline_basis, bezier_basis])
def test_an_open_curve_ends_at_its_first_and_last_control_point(make) -> None:
    basis = make(UNEVEN, 5)
    control = blob(1, 5)
    curve = basis.decode(control)
    np.testing.assert_allclose(curve[[0, -1]], control[[0, -1]], atol=1e-12)


def test_a_quadratic_bezier_curve_is_at_its_middle_where_the_formula_says() -> None:
    basis = bezier_basis([0.0, 0.5, 1.0], 3)
    middle = basis.decode(np.array([[0.0, 0.0], [2.0, 4.0], [4.0, 0.0]]))[1]
    np.testing.assert_allclose(middle, [2.0, 2.0])
    np.testing.assert_allclose(bernstein(np.array([0.5]), 2), [[0.25, 0.5, 0.25]])


def test_a_closed_bezier_curve_comes_back_to_its_first_control_point() -> None:
    basis = bezier_basis(ROUND, 5, closed=True)
    control = blob(2, 5)
    np.testing.assert_allclose(basis.decode(control)[0], control[0], atol=1e-12)


def test_a_cubic_of_four_control_points_is_the_same_as_spline_and_as_bezier_curve() -> None:
    np.testing.assert_allclose(bspline_basis(UNEVEN, 4).matrix, bezier_basis(UNEVEN, 4).matrix, atol=1e-12)


def test_uniform_cubic_b_splines_at_their_knots_weigh_one_four_one() -> None:
    matrix = bspline_basis(np.arange(8) / 8, 8, closed=True).matrix
    weights = np.sort(matrix, axis=1)[:, ::-1][:, :4]
    np.testing.assert_allclose(weights, np.tile([4 / 6, 1 / 6, 1 / 6, 0.0], (8, 1)), atol=1e-12)


def test_a_closed_spline_does_not_know_where_it_starts() -> None:
    basis = bspline_basis(np.arange(12) / 12, 6, closed=True)
    points = blob(3, 12)
    around = basis.decode(basis.encode(np.roll(points, 4, axis=0)))
    np.testing.assert_allclose(around, np.roll(basis.decode(basis.encode(points)), 4, axis=0), atol=1e-9)


@pytest.mark.parametrize("degree", [1, 2, 3, 4])
@pytest.mark.parametrize("closed", [False, True])
def test_splines_of_any_degree_go_through_all_points_with_as_many_control_points(degree: int, closed: bool) -> None:
    places = ROUND if closed else UNEVEN
    basis = bspline_basis(places, len(places), degree=degree, closed=closed)
    points = blob(4, len(places))
    np.testing.assert_allclose(basis.decode(basis.encode(points)), points, atol=1e-6)
    np.testing.assert_allclose(basis.matrix.sum(axis=1), 1.0)


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("closed", [False, True])
def test_with_as_many_numbers_as_came_in_nothing_is_lost(make, closed: bool) -> None:
    places = ROUND if closed else UNEVEN
    basis = make(places, len(places), closed=closed)
    points = blob(5, len(places))
    np.testing.assert_allclose(basis.decode(basis.encode(points)), points, atol=1e-6)


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("closed", [False, True])
def test_no_nearby_coefficients_fit_better(make, closed: bool) -> None:
    places = ROUND if closed else UNEVEN
    basis, points = make(places, 4, closed=closed), blob(6, len(places))
    weights = np.linspace(0.2, 3.0, len(places))
    for given, counted in ((None, np.ones(len(places))), (weights, weights)):
        found = basis.encode(points, given)

        def cost(coefficients: np.ndarray, counted: np.ndarray = counted) -> float:
            return float((counted * ((basis.decode(coefficients) - points) ** 2).sum(axis=1)).sum())

        rng = np.random.default_rng(7)
        assert all(cost(found + rng.normal(scale=0.3, size=found.shape)) > cost(found) for _ in range(50))


def test_the_descriptors_of_a_circle_are_its_middle_and_one_frequency() -> None:
    for places in (np.arange(8) / 8, ROUND):
        found = fourier_basis(places, 7, closed=True).encode(circle(places))
        z = found[:, 0] + 1j * found[:, 1]
        expected = np.where(frequencies(7) == 0, 5 + 3j, np.where(frequencies(7) == 1, 2 * np.exp(0.4j), 0.0))
        np.testing.assert_allclose(z, expected, atol=1e-10)


def test_a_circle_that_runs_the_other_way_is_the_negative_frequency() -> None:
    places = np.arange(10) / 10
    found = fourier_basis(places, 5, closed=True).encode(circle(places)[::-1])
    np.testing.assert_allclose(np.hypot(*found.T), [np.hypot(5, 3), 0, 2, 0, 0], atol=1e-12)


def test_evenly_spaced_descriptors_are_the_discrete_transform() -> None:
    points = blob(8, 9)
    found = fourier_basis(np.arange(9) / 9, 9, closed=True).encode(points)
    transform = np.fft.fft(points[:, 0] + 1j * points[:, 1]) / 9
    np.testing.assert_allclose(found[:, 0] + 1j * found[:, 1], transform[frequencies(9).astype(int)], atol=1e-10)


def test_an_open_curve_is_a_contour_traced_there_and_back() -> None:
    way = np.linspace(0.0, 1.0, 9)
    points = np.stack([3.0 + 2.0 * np.cos(np.pi * way), np.cos(2.0 * np.pi * way)], axis=1)
    found = fourier_basis(way, 4).encode(points)
    np.testing.assert_allclose(found, [[3.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, 0.0]], atol=1e-12)


@pytest.mark.parametrize("closed", [False, True])
def test_magnitudes_know_nothing_of_place_and_turn_and_scale_with_size(closed: bool) -> None:
    places = ROUND if closed else UNEVEN
    basis, points = fourier_basis(places, 5, closed=closed), blob(9, len(places))
    plain = magnitudes(basis.encode(points))
    assert plain.shape == (4,) and (plain > 1.0).all()
    np.testing.assert_allclose(magnitudes(basis.encode(turned(points, 1.1) + np.array([40.0, -7.0]))), plain, rtol=1e-9)
    np.testing.assert_allclose(magnitudes(basis.encode(3.0 * points)), 3.0 * plain, rtol=1e-9)


def test_magnitudes_of_a_closed_contour_do_not_know_its_start() -> None:
    basis, points = fourier_basis(np.arange(9) / 9, 5, closed=True), blob(10)
    shifted = magnitudes(basis.encode(np.roll(points, 2, axis=0)))
    np.testing.assert_allclose(shifted, magnitudes(basis.encode(points)), rtol=1e-9)


@pytest.mark.parametrize("make", MAKERS)
def test_every_curve_turns_and_moves_with_its_points(make) -> None:
    basis, points, shift = make(UNEVEN, 5), blob(11, 10), np.array([9.0, 1.0])
    moved = basis.decode(basis.encode(turned(points, 0.7) + shift))
    np.testing.assert_allclose(moved, turned(basis.decode(basis.encode(points)), 0.7) + shift, atol=1e-9)


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("closed", [False, True])
def test_a_batch_of_any_shape_is_a_loop(make, closed: bool) -> None:
    places = ROUND if closed else UNEVEN
    basis = make(places, 4, closed=closed)
    points = np.random.default_rng(12).normal(size=(3, 5, len(places), 2))
    points[1, 2, 4] = np.nan
    found = basis.encode(points)
    assert found.shape == (3, 5, 4, 2)
    for index in np.ndindex(3, 5):
        np.testing.assert_allclose(found[index], basis.encode(points[index]), atol=1e-9)
        np.testing.assert_allclose(basis.decode(found)[index], basis.decode(found[index]), atol=1e-9)


@pytest.mark.parametrize("make", [bspline_basis, bezier_basis])
def test_curves_in_space_have_control_points_in_space(make) -> None:
    points = np.random.default_rng(13).normal(size=(10, 3))
    found = make(UNEVEN, 5).encode(points)
    assert found.shape == (5, 3)
    np.testing.assert_allclose(found[:, :2], make(UNEVEN, 5).encode(points[:, :2]))


def test_a_missing_point_of_a_straight_line_is_found_on_it() -> None:
    line = np.array([1.0, 2.0]) + UNEVEN[:, None] * np.array([8.0, -4.0])
    gap = line.copy()
    gap[[3, 6]] = np.nan
    for make in (bspline_basis, bezier_basis):
        basis = make(UNEVEN, 5)
        np.testing.assert_allclose(basis.decode(basis.encode(gap)), line, atol=0.05)


def test_missing_points_of_a_circle_are_found_near_it() -> None:
    places = np.arange(16) / 16
    gap = circle(places)
    gap[[2, 9, 10]] = np.nan
    for make, count in ((bspline_basis, 8), (fourier_basis, 5)):
        basis = make(places, count, closed=True)
        found = basis.decode(basis.encode(gap))
        assert np.linalg.norm(found - circle(places), axis=1).max() < 0.15


def test_weight_0_is_missing_and_equal_weights_are_none() -> None:
    basis, points = bspline_basis(UNEVEN, 5), blob(14, 10)
    far = points.copy()
    far[4] = 1e6
    weights = np.ones(10)
    weights[4] = 0.0
    gap = points.copy()
    gap[4] = np.nan
    np.testing.assert_allclose(basis.encode(far, weights), basis.encode(gap), atol=1e-6)
    np.testing.assert_array_equal(basis.encode(points, np.full(10, 0.3)), basis.encode(points))


@pytest.mark.parametrize("make", MAKERS)
def test_a_heavy_point_draws_the_curve_nearer(make) -> None:
    basis, points = make(UNEVEN, 4), blob(15, 10)
    weights = np.ones(10)
    weights[5] = 100.0
    off = [np.linalg.norm((basis.decode(basis.encode(points, w)) - points)[5]) for w in (None, weights)]
    assert off[1] < 0.3 * off[0]


def test_too_few_points_spoil_their_own_item_only() -> None:
    basis = bspline_basis(UNEVEN, 4)
    points = np.random.default_rng(16).normal(size=(4, 10, 2))
    points[1] = np.nan
    points[2, 1:] = np.nan
    found = basis.encode(points)
    assert np.isnan(found).all(axis=(1, 2)).tolist() == [False, True, True, False]
    np.testing.assert_allclose(found[[0, 3]], basis.encode(points[[0, 3]]))
    weighted = basis.encode(points, np.linspace(1, 2, 10))
    assert np.isnan(weighted).all(axis=(1, 2)).tolist() == [False, True, True, False]


@pytest.mark.parametrize("make", MAKERS)
def test_numbers_that_cannot_be_kept_are_refused(make) -> None:
    with pytest.raises(GeometryError, match="expected"):
        make(UNEVEN, 11)
    with pytest.raises(GeometryError, match="expected"):
        make(UNEVEN, 0)
    with pytest.raises(GeometryError, match="ascending"):
        make(UNEVEN[::-1], 4)


@pytest.mark.parametrize(
    ("points", "weights", "match"),
    [
        (np.zeros((9, 2)), None, r"points: got shape \(9, 2\), expected \(..., 10, any\)"),
        (np.zeros(10), None, "points: got shape"),
        (np.zeros((10, 2)), np.ones(9), r"weights: got shape \(9,\)"),
        (np.zeros((10, 2)), -np.ones(10), "at least 0"),
        (np.zeros((10, 2)), np.full(10, np.nan), "finite"),
    ],
)
def test_shapes_and_weights_are_checked(points: np.ndarray, weights: np.ndarray | None, match: str) -> None:
    with pytest.raises(GeometryError, match=match):
        bspline_basis(UNEVEN, 4).encode(points, weights)


def test_coefficients_and_bases_of_wrong_shape_are_refused() -> None:
    with pytest.raises(GeometryError, match="coefficients"):
        bspline_basis(UNEVEN, 4).decode(np.zeros((5, 2)))
    with pytest.raises(GeometryError, match=r"points: got shape \(9, 3\), expected \(..., 9, 2\)"):
        fourier_basis(ROUND, 4, closed=True).encode(np.zeros((9, 3)))
    with pytest.raises(GeometryError, match="basis and places"):
        Basis(np.zeros((4, 2)), np.arange(3))
    with pytest.raises(GeometryError, match="from 0 to below 1"):
        Basis(np.ones((3, 1)), [0.0, 0.5, 1.0], closed=True)
    with pytest.raises(GeometryError, match="degree"):
        bspline_basis(UNEVEN, 4, degree=0)
