from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from face1d_ros.detect.confidence import inside, point_confidence, visibility
from face1d_ros.geometry.canonical import canonical_face
from face1d_ros.geometry.pose import head_pose
from face1d_ros.geometry.topology import curve, indices_in, partner
from face1d_ros.types import Topology

EVERY = (Topology.FACE_68, Topology.MESH_468, Topology.MESH_478)
WIDTH, HEIGHT = 640, 480


def turned(yaw_deg: float, topology: Topology = Topology.MESH_478, x: float = 320.0) -> np.ndarray:
    """A face of 10 px/cm; positive yaw turns it to the person's right."""
    rotation = Rotation.from_euler("y", yaw_deg, degrees=True).as_matrix()
    face = canonical_face().points_cm[indices_in(topology, Topology.MESH_478)]
    return (face @ rotation.T * 10.0 + [x, 240, 0]).astype(np.float32)


@pytest.mark.parametrize("topology", EVERY)
def test_a_face_that_looks_at_the_camera_is_seen_on_both_sides_alike(topology: Topology) -> None:
    seen = visibility(turned(0.0, topology))
    assert seen.shape == (int(topology),)
    assert (seen >= 0.5).all() and seen[curve("nose_bridge", topology).indices].min() == 1.0
    np.testing.assert_allclose(seen[partner(topology)], seen, atol=1e-3)


@pytest.mark.parametrize(("yaw_deg", "near", "far"), [(60, "left", "right"), (-60, "right", "left")])
def test_the_side_turned_away_is_not_seen(yaw_deg: float, near: str, far: str) -> None:
    """Turned to their right, a person shows the left side."""
    cheek = {"right": 234, "left": 454}
    seen = visibility(turned(yaw_deg))
    assert seen[cheek[near]] > 0.99 and seen[cheek[far]] < 0.01
    assert seen[curve(f"{near}_eye").indices].mean() > seen[curve(f"{far}_eye").indices].mean()


def test_visibility_changes_smoothly_with_the_pose() -> None:
    over_yaw = np.stack([visibility(turned(yaw)) for yaw in np.arange(-90, 90.5, 0.5)])
    assert np.abs(np.diff(over_yaw, axis=0)).max() < 0.03
    assert np.ptp(over_yaw[:, 234]) > 0.99


def test_only_points_inside_the_image_count() -> None:
    points = np.array([[-0.5, 100, 0], [639.5, 100, 0], [320, -0.5, 0], [320, 479.5, 0], [-20, 100, 0], [320, 240, 0]])
    np.testing.assert_allclose(inside(points, WIDTH, HEIGHT), [0.5, 0.5, 0.5, 0.5, 0.0, 1.0], atol=1e-9)
    ramp = inside(np.array([[x, 200.0, 0] for x in np.linspace(-30, 70, 201)]), WIDTH, HEIGHT)
    assert (np.diff(ramp) >= 0).all() and ramp[0] == 0.0 and ramp[-1] == 1.0
    assert ((ramp > 0) & (ramp < 1)).sum() >= 3


def test_confidence_is_the_product() -> None:
    points = turned(30.0, x=40.0)
    expected = 0.7 * visibility(points) * inside(points, WIDTH, HEIGHT)
    found = point_confidence(points, WIDTH, HEIGHT, 0.7)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert found.max() <= 0.7 and found.min() == 0.0
    np.testing.assert_allclose(point_confidence(points, WIDTH, HEIGHT), expected / 0.7, rtol=1e-6)


def test_faces_of_a_batch_do_not_mix() -> None:
    faces = np.stack([turned(0), turned(50), turned(-50, x=600)])
    confidence = np.array([0.9, math.nan, 0.5])
    together = point_confidence(faces, WIDTH, HEIGHT, confidence)
    for points, known, found in zip(faces, confidence, together, strict=True):
        np.testing.assert_allclose(found, point_confidence(points, WIDTH, HEIGHT, known), atol=1e-6)


def test_without_a_pose_it_is_unknown() -> None:
    assert np.isnan(point_confidence(np.full((478, 3), 5.0), WIDTH, HEIGHT, 0.9)).all()


def test_known_boxes_change_nothing() -> None:
    for x in (-30.0, 60.0, 86.0, 88.0, 320.0, 552.0, 555.0, 600.0, 700.0):
        points = turned(20.0, x=x)
        low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
        box = np.concatenate([low, high - low])
        expected = point_confidence(points, WIDTH, HEIGHT, 0.9)
        np.testing.assert_allclose(point_confidence(points, WIDTH, HEIGHT, 0.9, box), expected, atol=1e-6)


def test_how_deep_the_detector_draws_a_face_does_not_change_what_is_seen() -> None:
    points = turned(35.0)
    np.testing.assert_allclose(visibility(points * [1, 1, 0.6]), visibility(points), atol=1e-4)


def test_visibility_is_that_of_the_head_pose() -> None:
    """With the landmarks of a mean face, the fitted depth and the pose say the same."""
    for yaw in (-70.0, -20.0, 0.0, 45.0):
        cosine = -head_pose(turned(yaw)).rotation[2] @ canonical_face().normals.T
        share = np.clip((cosine / math.cos(math.radians(70.0)) + 1.0) / 2.0, 0.0, 1.0)
        np.testing.assert_allclose(visibility(turned(yaw)), share * share * (3.0 - 2.0 * share), atol=1e-4)
