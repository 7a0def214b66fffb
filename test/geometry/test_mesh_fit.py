"""Closed form: alignment, and coefficients in turn with the pose."""

from __future__ import annotations

import numpy as np
import pytest

from face1d_ros.errors import GeometryError
from face1d_ros.geometry.canonical import canonical_face
from face1d_ros.geometry.curve_order import curves_first
from face1d_ros.geometry.mesh_alignment import align_to_canonical, unprojected
from face1d_ros.geometry.mesh_fit import RESTS_MM, MeshFitter, PointBasis, Prior
from face1d_ros.types import Topology

TURN = np.array([[0.8, -0.6, 0.0], [0.6, 0.8, 0.0], [0.0, 0.0, 1.0]])
FOCAL_PX, CENTRE_PX = 700.0, (320.0, 240.0)


def basis() -> PointBasis:
    """Six bumps at places of their own on the canonical face, three of them identity."""
    points = 10.0 * canonical_face().points_cm
    middles = points[[4, 50, 280, 152, 10, 61]]
    bumps = np.exp(-((points[None] - middles[:, None]) ** 2).sum(axis=2) / (2.0 * 20.0**2))
    return PointBasis(points, bumps[..., None] * np.array([1.0, 2.0, 6.0]), identity=3)


def coefficients() -> np.ndarray:
    rng = np.random.default_rng(3)
    return np.concatenate([rng.standard_normal((4, 3)), rng.uniform(0.1, 0.9, (4, 3))], axis=1)


def test_perspective_is_undone_at_any_distance() -> None:
    head = canonical_face().points_cm @ TURN.T
    for distance_cm in (30.0, 80.0):
        space = head + np.array([10.0, -5.0, distance_cm])
        mean = space[:, 2].mean()
        plane = space[:, :2] / space[:, 2:] * FOCAL_PX + CENTRE_PX
        depth = (space[:, 2:] - mean) * FOCAL_PX / mean
        found = unprojected(np.concatenate([plane, depth], axis=1), FOCAL_PX, CENTRE_PX)
        np.testing.assert_allclose(found * mean, space, atol=1e-9)


def test_alignment_takes_turn_size_and_place_off() -> None:
    face = canonical_face().points_cm
    found = align_to_canonical(3.0 * face @ TURN.T + [1.0, 2.0, 50.0])
    np.testing.assert_allclose(found.points_cm, face, atol=1e-9)
    np.testing.assert_allclose(found.pose.rotation, TURN, atol=1e-9)
    np.testing.assert_allclose(found.turn_rad, [0.0, 0.0, np.arctan2(0.6, 0.8)], atol=1e-9)


def test_a_camera_without_focal_length_is_refused() -> None:
    with pytest.raises(GeometryError, match="focal length 0"):
        unprojected(np.zeros((478, 3)), 0.0, CENTRE_PX)


def test_clean_faces_give_their_coefficients_and_pose() -> None:
    truth = coefficients()
    points = 0.5 * basis().points_mm(truth) @ TURN.T + [5.0, 6.0, 70.0]
    found = MeshFitter(basis(), Prior.ridge(6), 0.01).fit(points, rounds=200)
    assert found.last_step_mm < RESTS_MM
    np.testing.assert_allclose(basis().points_mm(found.coefficients), basis().points_mm(truth), atol=1.0)
    np.testing.assert_allclose(found.pose.rotation, np.broadcast_to(TURN, (4, 3, 3)), atol=0.01)


def test_what_is_measured_badly_stays_at_what_is_known_before() -> None:
    prior = Prior(np.full(6, 0.3), np.eye(6))
    found = MeshFitter(basis(), prior, 1e6).fit(basis().points_mm(coefficients()))
    np.testing.assert_allclose(found.coefficients, 0.3, atol=1e-3)


def test_a_covariance_of_equal_errors_is_the_same_as_one_number() -> None:
    points, count = basis().points_mm(coefficients()), 3 * 478
    one = MeshFitter(basis(), Prior.ridge(6), 4.0).fit(points)
    other = MeshFitter(basis(), Prior.ridge(6), 16.0 * np.eye(count)).fit(points)
    np.testing.assert_allclose(one.coefficients, other.coefficients, atol=1e-9)


def test_landmarks_without_weight_do_not_count() -> None:
    points, weights = basis().points_mm(coefficients()), np.ones(478)
    weights[468:] = 0.0
    fitter = MeshFitter(basis(), Prior.ridge(6), 1.0, weights)
    moved = points.copy()
    moved[:, 468:] += 40.0
    np.testing.assert_allclose(fitter.fit(points).coefficients, fitter.fit(moved).coefficients, atol=1e-9)


def test_expressions_stay_within_their_bounds_and_a_point_has_no_pose() -> None:
    found = MeshFitter(basis(), Prior.ridge(6), 0.1).fit(basis().points_mm(np.full((1, 6), -2.0)))
    assert (found.coefficients[:, 3:] >= 0.0).all()
    assert not MeshFitter(basis(), Prior.ridge(6), 0.1).fit(np.zeros((1, 478, 3))).finite.any()


def test_a_basis_of_other_points_is_refused() -> None:
    with pytest.raises(GeometryError, match="face model at landmarks"):
        PointBasis(np.zeros((478, 3)), np.zeros((6, 68, 3)), 3)


@pytest.mark.parametrize("topology", [Topology.MESH_478, Topology.FACE_68])
def test_every_landmark_stands_once_along_the_curves(topology: Topology) -> None:
    order = curves_first(topology, 16)
    assert len(order) % 16 == 0
    assert sorted(order[: int(topology)]) == list(range(int(topology)))
    assert set(order[int(topology) :]) <= {order[int(topology) - 1]}
