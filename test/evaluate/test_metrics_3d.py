"""Meshes, coefficients, rotations and depth against values computed by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from face1d_ros.errors import GeometryError
from face1d_ros.evaluate import metrics_3d as metrics
from face1d_ros.evaluate.surface import Surface

TRIANGLE = np.array([[0.0, 0.0, 0.0], [4.0, 0.0, 0.0], [0.0, 4.0, 0.0]])
ONE = np.array([[0, 1, 2]])


def turn(axis: int, degrees: float) -> np.ndarray:
    """Rotation about one of the three axes."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    a, b = [i for i in range(3) if i != axis]
    matrix = np.eye(3)
    matrix[[a, b, a, b], [a, b, b, a]] = [c, c, -s, s]
    return matrix


def grid(side: int = 9) -> tuple[np.ndarray, np.ndarray]:
    """A flat square of side · side vertices, 1 mm apart, with its triangles."""
    y, x = np.divmod(np.arange(side * side), side)
    vertices = np.stack([x, y, np.zeros(side * side)], axis=1).astype(float)
    corner = (np.arange(side - 1)[:, None] * side + np.arange(side - 1)).ravel()
    lower = np.stack([corner, corner + 1, corner + side], axis=1)
    upper = np.stack([corner + 1, corner + side + 1, corner + side], axis=1)
    return vertices, np.concatenate([lower, upper])


@pytest.mark.parametrize(
    ("point", "distance"),
    [
        ((1, 1, 3), 3.0),  # above the inside
        ((1, 1, 0), 0.0),
        ((2, -3, 0), 3.0),  # beside an edge
        ((2, -3, 4), 5.0),
        ((3, 3, 0), math.sqrt(2.0)),  # beside the long edge
        ((-3, -4, 0), 5.0),  # off a corner
        ((7, 0, 4), 5.0),
    ],
)
def test_the_distance_to_a_triangle(point: tuple[float, ...], distance: float) -> None:
    for corners in (ONE, ONE[:, ::-1]):
        found = Surface(TRIANGLE, corners).distances(np.array([point], float))
        np.testing.assert_allclose(found, [distance], atol=1e-12)


def test_a_triangle_without_area_is_its_edge() -> None:
    flat = np.array([[0.0, 0.0, 0.0], [4.0, 0.0, 0.0], [2.0, 0.0, 0.0]])
    np.testing.assert_allclose(Surface(flat, ONE).distances(np.array([[2.0, 3.0, 0.0], [7.0, 4.0, 0.0]])), [3.0, 5.0])
    point = Surface(np.zeros((3, 3)), ONE)
    np.testing.assert_allclose(point.distances(np.array([[0.0, 3.0, 4.0]])), [5.0])


def test_the_tree_finds_the_nearest_of_all_triangles() -> None:
    """One huge triangle among many small ones: its centre is far, its surface near."""
    rng = np.random.default_rng(0)
    small = rng.uniform(0, 10, (300, 1, 3)) + rng.uniform(0, 0.5, (300, 3, 3))
    huge = np.array([[[-200.0, -200.0, 5.0], [300.0, -200.0, 5.0], [5.0, 400.0, 5.0]]])
    corners = np.concatenate([small, huge])
    surface = Surface(corners.reshape(-1, 3), np.arange(corners.shape[0] * 3).reshape(-1, 3))
    points = rng.uniform(-2, 12, (200, 3))
    every = [Surface(one, ONE).distances(points) for one in corners]
    np.testing.assert_allclose(surface.distances(points), np.min(every, axis=0), atol=1e-12)


def test_sliding_along_the_surface_is_no_surface_error() -> None:
    vertices, triangles = grid()
    inner = np.flatnonzero((vertices[:, :2] > 2).all(axis=1) & (vertices[:, :2] < 6).all(axis=1))
    bent = vertices.copy()
    bent[inner[4]] += [0.3, 0.4, 0.0]  # one of nine, within the plane
    found = metrics.mesh_error(bent, vertices, triangles, inner)
    assert found.surface_mm == pytest.approx(0.0, abs=1e-12)
    assert 0.04 < found.vertex_mm < 0.12


def test_the_mesh_error_is_measured_after_alignment_without_scale() -> None:
    vertices, triangles = grid()
    moved = vertices @ turn(0, 30.0).T @ turn(2, 50.0).T + [5.0, -7.0, 100.0]
    found = metrics.mesh_error(moved, vertices, triangles)
    assert found.surface_mm == pytest.approx(0.0, abs=1e-9)
    assert found.vertex_mm == pytest.approx(0.0, abs=1e-9)
    # Twice as large about its middle: each vertex is off by its distance from the middle.
    twice = 2.0 * vertices
    distances = np.linalg.norm(vertices - vertices.mean(axis=0), axis=1)
    assert metrics.mesh_error(twice, vertices, triangles).vertex_mm == pytest.approx(distances.mean())


def test_the_mesh_error_by_hand_of_a_square_roof() -> None:
    """Corners up and down by 1 mm in turn: no motion helps, and the truth is flat."""
    flat = np.array([[0.0, 0, 0], [10, 0, 0], [10, 10, 0], [0, 10, 0]])
    roof = flat + np.array([[0, 0, 1.0], [0, 0, -1], [0, 0, 1], [0, 0, -1]])
    found = metrics.mesh_error(roof, flat, np.array([[0, 1, 2], [0, 2, 3]]))
    assert found == metrics.MeshError(pytest.approx(1.0), pytest.approx(1.0))
    twice = metrics.mesh_error(np.stack([roof, flat]), np.stack([flat, flat]), np.array([[0, 1, 2], [0, 2, 3]]))
    assert twice.surface_mm == pytest.approx(0.5), "a mean over frames"


def test_bad_meshes_are_refused() -> None:
    vertices, triangles = grid(4)
    for wrong in (vertices[:5], vertices[:, :2], np.full_like(vertices, np.nan)):
        with pytest.raises(GeometryError):
            metrics.mesh_error(wrong, vertices, triangles)
    with pytest.raises(GeometryError, match="vertex 0 to 16"):
        metrics.mesh_error(vertices, vertices, np.array([[0, 1, 16]]))
    with pytest.raises(GeometryError, match="whole numbers"):
        metrics.mesh_error(vertices, vertices, triangles.astype(float))
    with pytest.raises(GeometryError, match="region"):
        metrics.mesh_error(vertices, vertices, triangles, np.array([0, 1, 99]))
    with pytest.raises(GeometryError, match="determines a rotation"):
        metrics.mesh_error(np.zeros_like(vertices), vertices, triangles)


def test_coefficients_have_an_error_and_a_correlation_each() -> None:
    truth = np.array([[0.0, 1.0, 0.5], [1.0, 0.0, 0.5], [2.0, 2.0, 0.5]])
    predicted = np.array([[1.0, -1.0, 0.1], [3.0, 0.0, 0.9], [5.0, -2.0, 0.5]])
    found = metrics.coefficient_errors(predicted, truth, ("jawOpen", "smile", "blink"))
    np.testing.assert_allclose(found.mean_absolute, [2.0, 2.0, 0.8 / 3.0])
    np.testing.assert_allclose(found.correlation, [1.0, -1.0, np.nan])
    assert found.mean_correlation == pytest.approx(0.0), "over those that have one"
    half = metrics.coefficient_errors(np.array([[0.0], [0.0], [1.0]]), np.array([[0.0], [1.0], [1.0]]), ("a",))
    assert half.correlation[0] == pytest.approx(0.5)


def test_coefficients_of_one_frame_have_no_correlation() -> None:
    found = metrics.coefficient_errors(np.array([[0.5]]), np.array([[0.2]]), ("a",))
    assert found.mean_absolute[0] == pytest.approx(0.3)
    assert math.isnan(found.correlation[0]) and math.isnan(found.mean_correlation)
    with pytest.raises(GeometryError, match="names"):
        metrics.coefficient_errors(np.zeros((2, 3)), np.zeros((2, 3)), ("a", "b"))
    with pytest.raises(GeometryError, match="not finite"):
        metrics.coefficient_errors(np.full((2, 1), np.nan), np.zeros((2, 1)), ("a",))


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("degrees", [0.0, 1e-5, 30.0, 90.0, 179.9999, 180.0])
def test_the_geodesic_angle(axis: int, degrees: float) -> None:
    base = turn(0, 20.0) @ turn(1, -35.0)
    assert metrics.geodesic_deg(turn(axis, degrees) @ base, base) == pytest.approx(degrees, abs=1e-7)
    assert metrics.geodesic_deg(base @ turn(axis, -degrees), base) == pytest.approx(degrees, abs=1e-7)


def test_many_rotations_at_once_and_no_others() -> None:
    many = np.stack([turn(0, 10.0), turn(2, 20.0)])
    np.testing.assert_allclose(metrics.geodesic_deg(many, np.stack([np.eye(3)] * 2)), [10.0, 20.0])
    for wrong in (2.0 * np.eye(3), np.diag([1.0, 1.0, -1.0]), np.full((3, 3), np.nan), np.eye(2)):
        with pytest.raises(GeometryError):
            metrics.geodesic_deg(wrong, np.eye(3))


def test_translation_is_a_mean_distance() -> None:
    truth = np.zeros((2, 3))
    assert metrics.translation_mm(np.array([[3.0, 4.0, 0.0], [0.0, 0.0, 1.0]]), truth) == pytest.approx(3.0)
    with pytest.raises(GeometryError):
        metrics.translation_mm(np.zeros((2, 2)), np.zeros((2, 2)))


def test_gte_is_of_all_three_coordinates_without_the_mean_depth() -> None:
    truth = np.random.default_rng(0).uniform(0, 100, (2, 68, 3))
    truth[:, 36], truth[:, 45] = [0.0, 0.0, 0.0], [30.0, 0.0, 40.0]  # 50 apart in 3D, 30 in the image
    assert metrics.gte_percent(truth + np.array([0.0, 0.0, 1000.0]), truth) == pytest.approx(0.0, abs=1e-9)
    assert metrics.gte_percent(truth + np.array([3.0, 4.0, -9.0]), truth) == pytest.approx(10.0)
    nearer = truth.copy()
    nearer[:, ::2, 2] += 1.0  # half the points by 1: without the mean all by a half
    assert metrics.gte_percent(nearer, truth) == pytest.approx(1.0)
    truth[:, 36] = truth[:, 45]
    with pytest.raises(GeometryError, match="without extent"):
        metrics.gte_percent(truth, truth)
