from __future__ import annotations

import itertools

import numpy as np
import pytest

from face1d_ros.errors import GeometryError
from face1d_ros.geometry import tables
from face1d_ros.geometry.canonical import canonical_face
from face1d_ros.geometry.opening import INNER_LIP_PAIRS, LEFT_EYE_PAIRS, RIGHT_EYE_PAIRS, openings
from face1d_ros.geometry.topology import (
    contours,
    curve,
    curve_names,
    edges,
    indices_in,
    partner,
    region,
    region_names,
    to_68,
    topology_of,
    triangles,
)
from face1d_ros.types import Topology

EVERY = (Topology.FACE_68, Topology.MESH_468, Topology.MESH_478)
MESHES = EVERY[1:]
# How 300W's own mirror table pairs the 68 points.
MIRROR_68 = [
    *range(16, -1, -1),
    *range(26, 16, -1),
    *(27, 28, 29, 30, 35, 34, 33, 32, 31),
    *(45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40),
    *(54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55),
    *(64, 63, 62, 61, 60, 67, 66, 65),
]


def canonical_points(topology: Topology) -> np.ndarray:
    return canonical_face().points_cm[indices_in(topology, Topology.MESH_478)]


@pytest.mark.parametrize("topology", EVERY)
def test_partners_are_mirror_images_on_the_canonical_face(topology: Topology) -> None:
    points = canonical_points(topology)
    np.testing.assert_allclose(points[partner(topology)], points * [-1, 1, 1], atol=1e-4)
    np.testing.assert_array_equal(partner(topology)[partner(topology)], np.arange(int(topology)))


def test_partners_of_the_68_points_are_those_of_300w() -> None:
    assert partner(Topology.FACE_68).tolist() == MIRROR_68


def test_the_68_points_are_each_another_mesh_point() -> None:
    assert len(set(tables.MESH_TO_68)) == 68


@pytest.mark.parametrize("topology", MESHES)
def test_to_68_takes_any_leading_and_trailing_axes(topology: Topology) -> None:
    points = np.random.default_rng(0).normal(size=(2, 3, int(topology), 2)).astype(np.float32)
    taken = to_68(points)
    assert taken.shape == (2, 3, 68, 2) and taken.dtype == np.float32
    np.testing.assert_array_equal(taken[1, 2, 30], points[1, 2, 4])
    np.testing.assert_array_equal(to_68(taken), taken)


def test_on_the_canonical_face_the_68_points_lie_as_in_300w() -> None:
    x, y = canonical_points(Topology.FACE_68)[:, :2].T
    assert (np.diff(x[:17]) > 0).sum() >= 15 and y[8] == y.max()
    assert (np.diff(x[17:27]) > 0).all()
    assert (np.diff(y[27:31]) > 0).all() and (np.diff(x[31:36]) > 0).all()
    for corner, upper, inner, lower in ((36, (37, 38), 39, (41, 40)), (42, (43, 44), 45, (47, 46))):
        assert x[corner] < x[upper[0]] < x[upper[1]] < x[inner]
        assert all(y[up] < y[low] for up, low in zip(upper, lower, strict=True))
    assert (np.diff(x[48:55]) > 0).all() and (np.diff(x[[54, *range(55, 60), 48]]) < 0).all()
    assert (np.diff(x[60:65]) > 0).all() and (np.diff(x[[64, 65, 66, 67, 60]]) < 0).all()
    assert y[51] < y[62] < y[66] < y[57]


def test_a_wrong_number_of_points_is_named() -> None:
    with pytest.raises(GeometryError, match="number of landmarks: got 70, expected 68, 468 or 478"):
        to_68(np.zeros((70, 3)))
    with pytest.raises(GeometryError, match="MESH_468"):
        indices_in(Topology.MESH_478, Topology.MESH_468)
    assert topology_of(468) is Topology.MESH_468


@pytest.mark.parametrize("topology", EVERY)
def test_curves_run_along_neighbours_and_left_mirrors_right(topology: Topology) -> None:
    for name in curve_names(topology):
        indices = curve(name, topology).indices
        assert len(set(indices.tolist())) == len(indices) and indices.max() < int(topology)
        if name.startswith("right_"):
            left = curve(name.replace("right_", "left_"), topology)
            np.testing.assert_array_equal(left.indices, partner(topology)[indices])
            assert left.closed == curve(name, topology).closed
    assert topology is Topology.FACE_68 or ("right_iris" in curve_names(topology)) == (topology is Topology.MESH_478)


def test_mesh_curves_follow_mesh_edges() -> None:
    lines = set(map(tuple, edges(Topology.MESH_478).tolist()))
    drawn = set(map(tuple, contours(Topology.MESH_478).tolist()))
    irises = {i for name in ("right_iris", "left_iris") for i in curve(name).indices.tolist()}
    off_mesh = {line for line in drawn - lines if not set(line) <= irises}
    assert not off_mesh, f"curve neighbours that no mesh edge joins: {sorted(off_mesh)}"


def test_sides_are_the_persons_own() -> None:
    x = canonical_points(Topology.MESH_478)[:, 0]
    for name in curve_names(Topology.MESH_478):
        if name.startswith(("right_", "left_")):
            assert (x[curve(name).indices] < 0).all() == name.startswith("right_")
    assert x[curve("jaw").indices[0]] < 0 < x[curve("jaw").indices[-1]]


def test_an_unknown_curve_or_region_lists_the_known() -> None:
    with pytest.raises(GeometryError, match=r"'chin' of FACE_68, expected one of .*jaw"):
        curve("chin", Topology.FACE_68)
    with pytest.raises(GeometryError, match="expected one of forehead"):
        region("ear")


@pytest.mark.parametrize("topology", EVERY)
def test_regions_part_the_face_symmetrically(topology: Topology) -> None:
    parts = [region(name, topology) for name in region_names()]
    assert sorted(np.concatenate(parts).tolist()) == list(range(int(topology)))
    for name, part in zip(region_names(), parts, strict=True):
        other = name.replace("right_", "LEFT_").replace("left_", "right_").replace("LEFT_", "left_")
        assert set(partner(topology)[part].tolist()) == set(region(other, topology).tolist())


def test_regions_hold_their_curves() -> None:
    for topology in EVERY:
        for name, inside in (("outer_lips", "mouth"), ("inner_lips", "mouth"), ("jaw", "jaw"), ("nose_bridge", "nose")):
            assert set(curve(name, topology).indices.tolist()) <= set(region(inside, topology).tolist())
        for name in ("right_brow", "right_eye", "left_eye"):
            assert set(curve(name, topology).indices.tolist()) <= set(region(name, topology).tolist())


def test_mesh_edges_and_triangles() -> None:
    assert triangles(Topology.MESH_468).shape == (898, 3) and triangles(Topology.MESH_478).shape == (906, 3)
    assert edges(Topology.MESH_468).max() == 467
    # Euler: a disc has one piece and one border: points − edges + triangles = 1.
    assert 468 - len(edges(Topology.MESH_468)) + 898 == 1
    assert edges(Topology.FACE_68).max() == 67
    with pytest.raises(GeometryError, match="triangles"):
        triangles(Topology.FACE_68)


def test_shared_tables_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        partner(Topology.MESH_478)[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        canonical_face().points_cm[0] = 1.0


@pytest.mark.parametrize("topology", EVERY)
def test_openings_are_zero_when_shut_and_do_not_depend_on_size(topology: Topology) -> None:
    points = canonical_points(topology).copy()
    np.testing.assert_allclose(openings(points * 7.0 + 3.0), openings(points))
    assert (openings(points)[:2] > 0.15).all() and openings(points)[2] > 0.05
    in_topology = np.arange(68) if topology is Topology.FACE_68 else indices_in(Topology.FACE_68, topology)
    for part, pairs in enumerate((RIGHT_EYE_PAIRS, LEFT_EYE_PAIRS, INNER_LIP_PAIRS)):
        shut = points.copy()
        for upper, lower in pairs:
            shut[in_topology[upper]] = shut[in_topology[lower]]
        changed = openings(shut)
        assert changed[part] == 0.0
        np.testing.assert_array_equal(np.delete(changed, part), np.delete(openings(points), part))


def test_openings_of_unknown_or_collapsed_points_are_nan() -> None:
    points = canonical_points(Topology.FACE_68).copy()
    points[37] = np.nan
    assert np.isnan(openings(points)).tolist() == [True, False, False]
    assert np.isnan(openings(np.zeros((68, 2)))).all()


def test_no_other_choice_of_mesh_points_spaces_the_jaw_more_evenly() -> None:
    line = np.array(tables.MESH_CENTRE_CURVES["jaw"])[:12]
    place = np.concatenate([[0.0], np.linalg.norm(np.diff(canonical_face().points_cm[line], axis=0), axis=1).cumsum()])
    choices = [(0, *middle, 11) for middle in itertools.combinations(range(1, 11), 7)]
    most_even = min(choices, key=lambda choice: float(np.std(np.diff(place[list(choice)]))))
    assert list(tables.MESH_TO_68[:9]) == line[list(most_even)].tolist()
