"""Distances and angles of an aligned face."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from face1d_ros.geometry.canonical import canonical_face
from face1d_ros.geometry.expression_features import distance_count, expression_features, feature_names
from face1d_ros.geometry.facial_actions import ACTION_NAMES, mirror_indices
from face1d_ros.geometry.mesh_alignment import align_to_canonical
from face1d_ros.geometry.topology import indices_in, partner
from face1d_ros.types import Topology

RIGHT_CORNER, LEFT_CORNER = 48, 54
PLACES = indices_in(Topology.FACE_68, Topology.MESH_478)


def face() -> NDArray[np.float64]:
    """(478, 3) cm."""
    return canonical_face().points_cm.astype(np.float64)


def test_each_feature_has_a_name_of_its_own() -> None:
    names = feature_names()
    assert len(set(names)) == len(names) == expression_features(face()[None]).shape[1]
    assert 0 < distance_count() < len(names)


def test_turning_the_head_is_no_expression() -> None:
    angle = 0.6
    turn = np.array([[np.cos(angle), 0.0, np.sin(angle)], [0.0, 1.0, 0.0], [-np.sin(angle), 0.0, np.cos(angle)]])
    turned = 0.02 * face() @ turn.T + [0.1, -0.05, 1.0]
    straight, away = (align_to_canonical(points).points_cm[None] for points in (face(), turned))
    np.testing.assert_allclose(expression_features(away), expression_features(straight), atol=1e-4)


@pytest.mark.parametrize("topology", [Topology.MESH_478, Topology.FACE_68])
def test_a_mirror_swaps_left_and_right(topology: Topology) -> None:
    rng = np.random.default_rng(3)
    points = (face() + 0.2 * rng.standard_normal((478, 3)))[indices_in(topology, Topology.MESH_478)]
    mirrored = points[partner(topology)] * [-1.0, 1.0, 1.0]
    found, other = expression_features(points[None])[0], expression_features(mirrored[None])[0]
    np.testing.assert_allclose(other, found[mirror_indices(feature_names())], atol=1e-4)


def test_one_side_smiles() -> None:
    smiling = face()
    smiling[PLACES[LEFT_CORNER]] += [0.5, -0.5, 0.0]
    moved = expression_features(smiling[None])[0] - expression_features(face()[None])[0]
    changes = dict(zip(feature_names(), moved, strict=True))
    left = abs(changes["left mouth corner to outer eye corner"])
    assert left > 0.1 and abs(changes["right mouth corner to outer eye corner"]) < 1e-6


def test_many_faces_are_read_as_each_is() -> None:
    several = np.stack([face(), 1.1 * face()])
    np.testing.assert_allclose(expression_features(several)[1], expression_features(several[1:])[0], atol=1e-6)


def test_points_that_meet_give_no_nan() -> None:
    assert np.isfinite(expression_features(np.zeros((1, 478, 3)))).all()


def test_actions_have_partners_where_they_have_sides() -> None:
    other = mirror_indices(ACTION_NAMES)
    for place, name in enumerate(ACTION_NAMES):
        assert other[other[place]] == place
        assert (other[place] == place) != name.endswith(("left", "right"))
