"""The pixels of a face's crop: what is at a landmark comes to the same place of it, at every size and turn."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from face1d_ros.geometry.canonical import canonical_face
from face1d_ros.geometry.face_crop import TEMPLATE_PX, five_points
from face1d_ros.stages.appearance_crop import NO_CROP, OUTSIDE, TOO_SMALL, face_crop

FACE = canonical_face().points_cm[:468]
WIDTH, HEIGHT = 1200, 900
COLOURS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255))


def placed(px_per_cm: float, degrees: float = 0.0, at: tuple[float, float] = (600.0, 450.0)) -> NDArray[np.float64]:
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.column_stack([px_per_cm * FACE[:, :2] @ turn.T + at, FACE[:, 2]])


def with_dots(points: NDArray[np.float64], radius: int) -> NDArray[np.uint8]:
    """A grey picture with a disc of its own colour at each of the five points."""
    image = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    for (x, y), colour in zip(five_points(points), COLOURS, strict=True):
        cv2.circle(image, (round(x), round(y)), radius, colour, -1)
    return image


@pytest.mark.parametrize(("px_per_cm", "degrees"), [(4.0, 0.0), (8.0, 0.0), (20.0, 30.0), (32.0, -80.0), (37.0, 180.0)])
def test_each_point_comes_to_its_place_in_the_template(px_per_cm: float, degrees: float) -> None:
    points = placed(px_per_cm, degrees)
    crop = face_crop(with_dots(points, max(round(px_per_cm * 0.6), 2)), points)
    assert not isinstance(crop, str) and crop.shape == (112, 112, 3) and crop.dtype == np.uint8
    for (x, y), colour in zip(TEMPLATE_PX, COLOURS, strict=True):
        far = np.abs(crop.astype(int) - colour).sum(axis=2)
        rows, columns = np.nonzero(far < 200)
        assert abs(columns.mean() - x) < 2.0 and abs(rows.mean() - y) < 2.0, colour


def test_a_large_face_is_averaged_not_sampled() -> None:
    points = placed(37.0)
    stripes = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    stripes[:, ::2] = 255
    crop = face_crop(stripes, points)
    assert not isinstance(crop, str)
    inner = crop[20:90, 20:90].astype(int)
    assert abs(inner.mean() - 127.5) < 5.0 and inner.std() < 70.0


def test_a_view_that_cannot_be_written_to_is_enough() -> None:
    points = placed(20.0)
    image = with_dots(points, 5)
    image.setflags(write=False)
    assert not isinstance(face_crop(image, points), str)


@pytest.mark.parametrize(
    ("points", "reason"),
    [
        (placed(1.0), TOO_SMALL),
        (placed(20.0, at=(20.0, 300.0)), OUTSIDE),
        (placed(20.0, at=(600.0, 1300.0)), OUTSIDE),
        (np.full((468, 3), np.nan), NO_CROP),
    ],
)
def test_what_shows_too_little_of_a_face_gives_a_reason_in_place_of_a_crop(
    points: NDArray[np.float64], reason: str
) -> None:
    assert face_crop(np.zeros((HEIGHT, WIDTH, 3), np.uint8), points) == reason


def test_a_face_that_touches_the_border_is_taken() -> None:
    crop = face_crop(np.full((HEIGHT, WIDTH, 3), 9, np.uint8), placed(20.0, at=(170.0, 300.0)))
    assert not isinstance(crop, str) and crop.max() == 9
