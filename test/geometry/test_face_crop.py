"""Where a face comes to lie in the crop that networks of appearance know."""

from __future__ import annotations

import numpy as np
import pytest

from face1d_ros.errors import GeometryError
from face1d_ros.geometry.canonical import canonical_face
from face1d_ros.geometry.face_crop import SIZE_PX, TEMPLATE_PX, crop_transform, five_points
from face1d_ros.geometry.topology import to_68

FACE_PX = canonical_face().points_cm * 20.0 + (320.0, 240.0, 0.0)


def turned(points: np.ndarray, degrees: float, scale: float = 1.0, shift: tuple[float, float] = (0.0, 0.0)):
    angle = np.radians(degrees)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    found = points.copy()
    found[:, :2] = points[:, :2] @ turn.T + shift
    return found


@pytest.mark.parametrize("points", [FACE_PX, FACE_PX[:468], to_68(FACE_PX)], ids=["478", "468", "68"])
def test_the_five_points_are_the_same_for_all_numbers_of_landmarks(points: np.ndarray) -> None:
    np.testing.assert_allclose(five_points(points), five_points(FACE_PX))
    right_eye, left_eye, nose, right_corner, left_corner = five_points(points)
    assert right_eye[0] < nose[0] < left_eye[0] and right_corner[0] < left_corner[0]
    assert right_eye[1] < nose[1] < right_corner[1]


@pytest.mark.parametrize("degrees", [0.0, 25.0, -90.0, 180.0])
@pytest.mark.parametrize("scale", [0.2, 1.0, 7.0])
def test_an_average_face_lies_on_the_template_however_it_is_turned_and_large(degrees: float, scale: float) -> None:
    points = turned(FACE_PX, degrees, scale, (400.0, -30.0))
    matrix = crop_transform(points)
    assert matrix is not None
    found = five_points(points) @ matrix[:, :2].T + matrix[:, 2]
    assert np.abs(found - TEMPLATE_PX).max() < 2.0, "an average face is nearly the template's"
    assert np.linalg.det(matrix[:, :2]) > 0.0, "nobody is seen in a mirror"
    assert np.linalg.norm(matrix[0, :2]) == pytest.approx(np.linalg.norm(matrix[1, :2]))
    assert ((found > 0.0) & (found < SIZE_PX)).all()


def test_points_that_are_one_or_not_finite_allow_no_crop() -> None:
    assert crop_transform(np.zeros((68, 3))) is None
    assert crop_transform(np.full((478, 3), np.nan)) is None


def test_another_number_of_points_is_refused() -> None:
    with pytest.raises(GeometryError, match="number of landmarks"):
        crop_transform(np.zeros((5, 3)))
