from __future__ import annotations

import numpy as np
import pytest
from mediapipe.framework.formats.landmark_pb2 import NormalizedLandmarkList

from face1d_ros.detect.confidence import point_confidence
from face1d_ros.detect.landmark_list import boxes, measured_faces, normalized_points, points_px
from face1d_ros.geometry.canonical import canonical_face
from face1d_ros.types import Topology, TrackState


def serialized(values: np.ndarray, **more: float) -> bytes:
    message = NormalizedLandmarkList()
    for x, y, z in values.tolist():
        message.landmark.add(x=x, y=y, z=z, **more)
    return message.SerializeToString()


@pytest.mark.parametrize("more", [{}, {"visibility": 0.3}], ids=["x y z", "a field more"])
@pytest.mark.parametrize("faces", [1, 3])
def test_bytes_of_faces_become_their_points(faces: int, more: dict[str, float]) -> None:
    values = np.random.default_rng(0).normal(size=(faces, 468, 3)).astype(np.float32)
    values[0, 0] = 0.0
    read = normalized_points([serialized(face, **more) for face in values])
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, values)


def test_no_half_pixel_is_taken_off_and_depth_has_the_scale_of_x() -> None:
    points = points_px(np.full((1, 1, 3), 0.5, np.float32), 640, 480)
    np.testing.assert_array_equal(points, [[[320.0, 240.0, 320.0]]])


def test_boxes_are_around_x_and_y_of_each_face() -> None:
    points = np.array([[[1, 5, 90], [4, -2, 0], [2, 3, -9]], [[0, 0, 0], [10, 20, 0], [5, 30, 0]]], np.float32)
    assert boxes(points) == [(1.0, -2.0, 3.0, 7.0), (0.0, 0.0, 10.0, 30.0)]


def test_each_face_has_the_confidences_of_its_own_points() -> None:
    canonical = canonical_face().points_cm.astype(np.float32)
    points = points_px(np.stack([canonical * 0.02 + 0.5, canonical * 0.02 + np.float32([1.0, 0.5, 0.0])]), 640, 480)
    inner, halved = measured_faces(points, (640, 480), [0.9, 0.5])
    assert inner.topology == Topology(len(canonical)) and inner.state is TrackState.MEASURED
    np.testing.assert_array_equal(inner.point_confidence, point_confidence(inner.points, 640, 480, 0.9))
    np.testing.assert_array_equal(halved.point_confidence, point_confidence(halved.points, 640, 480, 0.5))
    assert inner.point_confidence[4] == pytest.approx(0.9, abs=1e-6)
    assert halved.point_confidence[454] == 0.0
    np.testing.assert_allclose(inner.box, boxes(points)[0])
    assert inner.box.dtype == np.float32


def test_no_faces_are_no_faces() -> None:
    assert measured_faces(np.empty((0, 478, 3), np.float32), (640, 480), []) == ()
