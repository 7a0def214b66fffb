"""A camera's lens taken out of pixels, and where a head is that it sees."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from face1d_ros.errors import GeometryError
from face1d_ros.geometry.camera_model import Camera, assumed_camera, calibrated_camera, translation_m

MATRIX = np.array([[600.0, 0.0, 310.0], [0.0, 590.0, 245.0], [0.0, 0.0, 1.0]])
BROWN = (-0.28, 0.09, 0.001, -0.0015, -0.01)


def camera(model: str = "plumb_bob", distortion: tuple[float, ...] = ()) -> Camera:
    return Camera(640, 480, (600.0, 590.0), (310.0, 245.0), model, distortion)


def pixels() -> np.ndarray:
    rng = np.random.default_rng(2)
    return np.column_stack([rng.uniform(60, 580, 200), rng.uniform(40, 440, 200), rng.uniform(-50, 50, 200)])


@pytest.mark.parametrize(
    ("model", "distortion"),
    [("plumb_bob", BROWN), ("rational_polynomial", (*BROWN, 0.02, 0.01, 0.001))],
)
def test_lenses_are_those_of_opencv(model: str, distortion: tuple[float, ...]):
    seen = pixels()
    ours = camera(model, distortion).undistorted(seen)
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 100, 1e-12)
    theirs = cv2.undistortPointsIter(seen[:, None, :2], MATRIX, np.array(distortion), None, MATRIX, criteria)
    np.testing.assert_allclose(ours[:, :2], theirs[:, 0], atol=0.01)
    np.testing.assert_array_equal(ours[:, 2], seen[:, 2])


def test_a_fisheye_is_undone():
    k = (0.05, -0.01, 0.002, -0.0005)
    straight = pixels()[:, :2]
    rays = (straight - (310.0, 245.0)) / (600.0, 590.0)
    bent = cv2.fisheye.distortPoints(rays[:, None], MATRIX, np.array(k))[:, 0]
    np.testing.assert_allclose(camera("equidistant", k).undistorted(bent), straight, atol=1e-3)


def test_without_distortion_nothing_moves():
    np.testing.assert_array_equal(camera(distortion=(0.0,) * 5).undistorted(pixels()), pixels())


def test_a_head_is_found_where_it_is():
    rng = np.random.default_rng(3)
    points_m, place = rng.normal(scale=0.05, size=(20, 3)), np.array([0.1, -0.05, 0.8])
    at = points_m + place
    seen = at[:, :2] / at[:, 2:] * (600.0, 590.0) + (310.0, 245.0)
    np.testing.assert_allclose(translation_m(points_m, seen, camera(), np.ones(20)), place, atol=1e-9)
    assert np.isnan(translation_m(points_m, np.tile(seen[:1], (20, 1)), camera(), np.ones(20))).all()


@pytest.mark.parametrize(
    ("model", "sent", "taken"),
    [
        ("", (), ()),
        ("none", (0.0,) * 5, ()),
        ("plumb_bob", (0.1, -0.2, 0.001, 0.002), (0.1, -0.2, 0.001, 0.002, 0.0)),
        ("rational_polynomial", (*BROWN, 0.02, 0.01, 0.001, *(0.0,) * 6), (*BROWN, 0.02, 0.01, 0.001)),
        ("", BROWN, BROWN),
    ],
)
def test_zeros_that_drivers_add_or_leave_out_mean_nothing(
    model: str, sent: tuple[float, ...], taken: tuple[float, ...]
):
    made = calibrated_camera((640, 480), (600.0, 600.0), (320.0, 240.0), model, sent)
    assert made is not None and made.distortion == taken


def test_what_a_model_does_not_have_is_refused_and_no_focal_length_is_no_calibration():
    with pytest.raises(GeometryError, match="'plumb_bob' with 8 coefficients"):
        calibrated_camera((640, 480), (600.0, 600.0), (320.0, 240.0), "plumb_bob", (0.1,) * 8)
    assert calibrated_camera((640, 480), (0.0, 0.0), (0.0, 0.0), "plumb_bob", ()) is None


def test_an_assumed_camera_has_the_field_of_view():
    made = assumed_camera(640, 480, np.radians(90.0))
    assert made.focal_px == pytest.approx((320.0, 320.0)) and made.is_assumed


@pytest.mark.parametrize(
    "wrong",
    [
        {"focal_px": (0.0, 600.0)},
        {"centre_px": (np.nan, 0.0)},
        {"distortion": (0.1,)},
        {"distortion_model": "other", "distortion": (0.1,) * 5},
    ],
)
def test_what_is_no_camera_is_refused(wrong: dict):
    values = {"width": 640, "height": 480, "focal_px": (600.0, 600.0), "centre_px": (320.0, 240.0), **wrong}
    with pytest.raises(GeometryError, match=r"camera|distortion model"):
        Camera(**values)
