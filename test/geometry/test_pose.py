from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from face1d_ros.errors import GeometryError
from face1d_ros.geometry.canonical import canonical_face
from face1d_ros.geometry.pose import head_pose, yaw_pitch_roll_rad
from face1d_ros.geometry.topology import curve, indices_in
from face1d_ros.types import Topology

EVERY = (Topology.FACE_68, Topology.MESH_468, Topology.MESH_478)


def posed(topology: Topology, count: int = 20) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points (B, N, 3) in pixels, rotations (B, 3, 3) within 60°, scales (B,) in px/cm."""
    rng = np.random.default_rng(0)
    turns = Rotation.from_rotvec(rng.uniform(-0.6, 0.6, (count, 3))).as_matrix()
    scale = rng.uniform(2, 30, count)
    face = canonical_face().points_cm[indices_in(topology, Topology.MESH_478)]
    points = scale[:, None, None] * face @ turns.swapaxes(1, 2) + [320, 240, 0]
    return points.astype(np.float32), turns, scale


@pytest.mark.parametrize("topology", EVERY)
@pytest.mark.parametrize("depth", ["known", "unknown", "mixed"])
def test_the_pose_of_a_turned_canonical_face_is_found(topology: Topology, depth: str) -> None:
    points, turns, scale = posed(topology)
    if depth != "known":
        points[:: 1 if depth == "unknown" else 2, :, 2] = np.nan
    found = head_pose(points)
    np.testing.assert_allclose(found.rotation, turns, atol=1e-4)
    np.testing.assert_allclose(found.scale, scale, rtol=1e-4)
    np.testing.assert_allclose(found.translation[:, :2], [[320, 240]] * len(points), atol=1e-2)


def test_a_moving_mouth_and_jaw_turn_no_head() -> None:
    points, turns, _ = posed(Topology.MESH_478)
    points[:, np.concatenate([curve("inner_lips").indices, curve("jaw").indices[9:14]])] += [0, 20, 5]
    np.testing.assert_allclose(head_pose(points).rotation, turns, atol=1e-4)


def test_one_face_needs_no_batch_axis() -> None:
    points, turns, _ = posed(Topology.MESH_478, 1)
    assert head_pose(points[0]).rotation.shape == (3, 3)
    np.testing.assert_allclose(head_pose(points[0]).rotation, turns[0], atol=1e-4)


@pytest.mark.parametrize("depth", [0.0, np.nan])
def test_points_in_one_place_give_nan(depth: float) -> None:
    points = np.full((2, 68, 3), 7.0)
    points[..., 2] = depth
    found = head_pose(points)
    assert np.isnan(found.rotation).all() and np.isnan(found.scale).all()
    assert np.isnan(head_pose(np.full((68, 3), np.nan)).rotation).all()


def test_points_without_depth_axis_are_refused() -> None:
    with pytest.raises(GeometryError, match="landmarks: got shape"):
        head_pose(np.zeros((68, 2)))


@pytest.mark.parametrize(
    ("axis", "moved"),
    [
        (0, (-1, 0)),  # yaw to the person's right: the nose goes to the image's left
        (1, (0, 1)),  # pitch: it goes down
    ],
)
def test_angles_have_the_signs_they_promise(axis: int, moved: tuple[int, int]) -> None:
    angles = np.zeros(3)
    angles[axis] = 0.3
    rotation = Rotation.from_euler("ZYX", [angles[2], angles[0], angles[1]]).as_matrix()
    nose, ears = 4, [234, 454]
    face = canonical_face().points_cm @ rotation.T
    shift = face[nose, :2] - face[ears, :2].mean(axis=0)
    frontal = canonical_face().points_cm
    shift = shift - (frontal[nose, :2] - frontal[ears, :2].mean(axis=0))
    assert np.dot(shift, moved) > 1.0
    np.testing.assert_allclose(yaw_pitch_roll_rad(rotation), angles, atol=1e-12)


def test_angles_of_random_rotations_give_them_back() -> None:
    turns = Rotation.random(100, random_state=0).as_matrix()
    yaw, pitch, roll = yaw_pitch_roll_rad(turns).T
    again = Rotation.from_euler("ZYX", np.stack([roll, yaw, pitch], axis=1)).as_matrix()
    np.testing.assert_allclose(again, turns, atol=1e-9)
    clockwise = Rotation.from_rotvec([0, 0, 0.2]).as_matrix()
    assert (clockwise @ [1.0, 0, 0])[1] > 0 and yaw_pitch_roll_rad(clockwise)[2] == pytest.approx(0.2)
