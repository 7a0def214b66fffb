"""Clips on a grid: the same motion from any camera, offsets from the face's own rest."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from face1d_ros.errors import GeometryError
from face1d_ros.geometry.motion_clip import FRAMES, MARGIN, POINTS, RATE_HZ, Stretch, encoder_input, on_grid, rest_of

FACE_CM = np.random.default_rng(3).normal(size=(POINTS, 3))


def moved(stamps_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T, 68, 3) a face whose first landmark goes one way and back."""
    points = np.repeat(FACE_CM[None], len(stamps_s), axis=0)
    points[:, 0, 1] += np.interp(stamps_s, (1.0, 1.5, 2.0), (0.0, 1.0, 0.0))
    return points


@pytest.mark.parametrize("rate_hz", [15.0, 30.0, 60.0, 120.0])
def test_a_motion_is_the_same_at_every_rate(rate_hz: float) -> None:
    stamps_s = np.arange(round(3.0 * rate_hz) + 1) / rate_hz
    found = on_grid(moved(stamps_s), stamps_s + 1000.0)
    times_s = np.arange(len(found)) / RATE_HZ
    assert len(found) == 3.0 * RATE_HZ + 1
    np.testing.assert_allclose(found, moved(times_s), atol=0.07 if rate_hz == 15.0 else 1e-4)


def test_the_grid_begins_with_the_first_frame_and_ends_before_the_last() -> None:
    stamps_s = np.array([5.0, 5.04, 5.12])
    found = on_grid(moved(stamps_s - 4.0), stamps_s)
    assert len(found) == 3
    np.testing.assert_allclose(found[0], moved(np.array([1.0]))[0], rtol=1e-6)


def test_uneven_stamps_are_interpolated_between_the_frames_around() -> None:
    stamps_s = np.array([0.0, 0.3, 0.31, 0.9, 2.0])
    points = np.zeros((5, POINTS, 3))
    points[:, 7, 2] = stamps_s
    np.testing.assert_allclose(on_grid(points, stamps_s)[:, 7, 2], np.arange(41) / RATE_HZ, atol=1e-6)


@pytest.mark.parametrize(
    ("points", "stamps_s", "said"),
    [
        (np.zeros((3, 478, 3)), np.arange(3.0), "68"),
        (np.zeros((1, POINTS, 3)), np.zeros(1), "two frames"),
        (np.zeros((3, POINTS, 3)), np.arange(4.0), "stamp"),
        (np.full((3, POINTS, 3), np.nan), np.arange(3.0), "finite"),
        (np.zeros((3, POINTS, 3)), np.array([0.0, 1.0, 1.0]), "rise"),
        (np.zeros((3, POINTS, 3)), np.array([0.0, 2.0, 1.0]), "rise"),
        (np.zeros((3, POINTS, 3)), np.array([0.0, np.inf, 1.0]), "finite"),
    ],
)
def test_what_is_no_clip_is_refused(points: NDArray[np.float64], stamps_s: NDArray[np.float64], said: str) -> None:
    with pytest.raises(GeometryError, match=said):
        on_grid(points, stamps_s)


def test_rest_is_what_lies_beside_the_motion() -> None:
    grid = moved(np.arange(61) / RATE_HZ)
    np.testing.assert_allclose(rest_of(grid, Stretch(20, 41)), FACE_CM)


def test_a_clip_that_is_all_motion_begins_at_rest() -> None:
    grid = moved(1.0 + np.arange(11) / RATE_HZ)
    np.testing.assert_allclose(rest_of(grid, Stretch(0, 11)), grid[1])


def test_a_clip_without_motion_is_all_rest() -> None:
    grid = FACE_CM + np.arange(5)[:, None, None]
    np.testing.assert_allclose(rest_of(grid, None), FACE_CM + 2.0)


def test_an_encoder_is_given_offsets_and_a_mask() -> None:
    grid = moved(np.arange(101) / RATE_HZ)
    offsets, mask = encoder_input(grid, FACE_CM, Stretch(20, 41))
    assert offsets.shape == (FRAMES, 3 * POINTS) and offsets.dtype == np.float32
    taken = 21 + 2 * MARGIN
    assert mask.sum() == taken and (mask[:taken] == 1.0).all()
    np.testing.assert_allclose(offsets[MARGIN + 10, 1], 1.0, atol=1e-6)
    assert not offsets[taken:].any() and not offsets[:, 3:].any()


def test_beside_a_motion_no_more_is_taken_than_there_is() -> None:
    assert Stretch(3, 20).around(25) == Stretch(0, 25)


def test_a_clip_that_is_too_long_is_cut_at_its_end() -> None:
    grid = moved(np.arange(2 * FRAMES) / RATE_HZ)
    offsets, mask = encoder_input(grid, FACE_CM)
    assert mask.all()
    np.testing.assert_allclose(offsets[:, 1], grid[:FRAMES, 0, 1] - FACE_CM[0, 1], atol=1e-6)


def test_a_long_motion_is_taken_with_less_beside_it_so_that_its_end_is_not_cut() -> None:
    assert Stretch(50, 50 + FRAMES - 10).around(1000) == Stretch(45, 45 + FRAMES)
    assert Stretch(50, 50 + FRAMES).around(1000) == Stretch(50, 50 + FRAMES)
