"""Motion spotting: where a face moves, though it trembles, blinks and pauses."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from face1d_ros.geometry.motion_clip import FRAMES, POINTS, RATE_HZ, Stretch
from face1d_ros.geometry.motion_spotting import QUIET, MotionWatch, spotted

LIPS, BROWS, RIGHT_EYE = slice(48, 68), slice(17, 27), slice(36, 42)
NOISE_CM = 0.01
NEAR = 0.3
"""Seconds by which a stretch may begin or end beside the motion: windows are half a second long."""


def face(seconds: float, noise_cm: float = NOISE_CM) -> NDArray[np.float64]:
    """(G, 68, 3) one that trembles."""
    return noise_cm * np.random.default_rng(5).normal(size=(round(seconds * RATE_HZ), POINTS, 3))


def move(grid: NDArray[np.float64], part: slice, times_s: tuple[float, ...], way_cm: tuple[float, ...]) -> None:
    grid[:, part, 1] += np.interp(np.arange(len(grid)) / RATE_HZ, times_s, way_cm)[:, None]


def seconds(stretch: Stretch) -> tuple[float, float]:
    return stretch.begin / RATE_HZ, stretch.end / RATE_HZ


@pytest.mark.parametrize("part", [LIPS, BROWS])
@pytest.mark.parametrize("noise_cm", [0.0, NOISE_CM, 0.02])
def test_a_motion_is_found_where_it_is(part: slice, noise_cm: float) -> None:
    grid = face(5.0, noise_cm)
    move(grid, part, (1.5, 1.9, 2.4, 2.8), (0.0, 0.6, 0.6, 0.0))
    found = spotted(grid)
    assert found is not None
    np.testing.assert_allclose(seconds(found), (1.5, 2.8), atol=NEAR)


@pytest.mark.parametrize("noise_cm", [0.0, NOISE_CM, 0.02])
def test_a_face_at_rest_does_not_move(noise_cm: float) -> None:
    assert spotted(face(10.0, noise_cm)) is None


def test_a_noisy_camera_raises_what_counts_as_motion() -> None:
    grid = face(10.0, 0.06)
    assert (grid[:, LIPS].std(axis=0) ** 2).sum(axis=1).mean() ** 0.5 > 0.09, "more than moves a face that is seen well"
    moving = [stretch for stretch in [spotted(grid[40:])] if stretch]
    assert all(stretch.seconds < 1.0 for stretch in moving)


def test_flash_motions_are_found() -> None:
    grid = face(4.0)
    move(grid, LIPS, (2.0, 2.1, 2.15, 2.25), (0.0, 0.5, 0.5, 0.0))
    found = spotted(grid)
    assert found is not None
    assert found.begin / RATE_HZ <= 2.05 and found.end / RATE_HZ >= 2.2


def test_a_pause_within_a_motion_does_not_end_it() -> None:
    grid = face(7.0)
    move(grid, LIPS, (1.0, 1.3, 1.6), (0.0, 0.6, 0.0))
    move(grid, BROWS, (2.2, 2.5, 2.8), (0.0, 0.5, 0.0))
    watch = MotionWatch()
    found = [stretch for stretch in (watch.update(points) for points in grid) if stretch]
    assert len(found) == 1
    np.testing.assert_allclose(seconds(found[0]), (1.0, 2.8), atol=NEAR)


def test_two_motions_with_rest_between_are_two() -> None:
    grid = face(9.0)
    for start_s in (1.0, 5.0):
        move(grid, LIPS, (start_s, start_s + 0.4, start_s + 0.8), (0.0, 0.6, 0.0))
    watch = MotionWatch()
    found = [stretch for stretch in (watch.update(points) for points in grid) if stretch]
    assert len(found) == 2


def test_a_face_that_is_held_still_has_not_ended_its_motion() -> None:
    grid = face(6.0)
    move(grid, LIPS, (1.0, 1.3, 4.0, 4.3), (0.0, 0.8, 0.8, 0.0))
    found = spotted(grid)
    assert found is not None
    np.testing.assert_allclose(seconds(found), (1.0, 4.3), atol=NEAR)


def test_a_motion_that_never_ends_is_ended() -> None:
    grid = face(12.0)
    grid[20:, LIPS, 1] += np.sin(np.arange(len(grid) - 20))[:, None]
    watch = MotionWatch()
    found = [stretch for stretch in (watch.update(points) for points in grid) if stretch]
    assert found and all(stretch.end - stretch.begin <= FRAMES for stretch in found)


def test_a_clip_that_ends_at_the_peak_moves_to_its_end() -> None:
    grid = face(2.0)
    move(grid, LIPS, (1.5, 2.0), (0.0, 0.8))
    found = spotted(grid)
    assert found is not None and len(grid) - found.end <= 6


def test_a_stretch_is_told_after_as_many_quiet_frames_as_said() -> None:
    grid = face(5.0)
    move(grid, LIPS, (1.0, 1.4, 1.8), (0.0, 0.6, 0.0))
    watch, told = MotionWatch(), 0
    for number, points in enumerate(grid):
        if watch.update(points):
            told = number
    assert 1.8 * RATE_HZ + QUIET <= told <= 1.8 * RATE_HZ + QUIET + 12
    assert not watch.is_moving and watch.moving_s == 0.0


def test_frames_of_a_stretch_are_those_that_were_given() -> None:
    grid = face(5.0)
    move(grid, LIPS, (1.0, 1.4, 1.8), (0.0, 0.6, 0.0))
    watch = MotionWatch()
    stretch = next(found for found in (watch.update(points) for points in grid) if found)
    kept, place = watch.frames(stretch)
    np.testing.assert_allclose(kept[place.begin : place.end], grid[stretch.begin : stretch.end], atol=1e-6)


def test_nothing_has_begun_in_an_empty_watch() -> None:
    assert MotionWatch().finish() is None
    assert spotted(np.zeros((0, POINTS, 3))) is None


def test_one_held_motion_after_the_other_is_found_from_its_begin_to_its_end() -> None:
    grid = face(18.0)
    starts_s = (1.0, 5.5, 10.0)
    for start_s in starts_s:
        move(grid, LIPS, (start_s, start_s + 0.3, start_s + 3.0, start_s + 3.3), (0.0, 0.8, 0.8, 0.0))
    watch = MotionWatch()
    found = [stretch for stretch in (watch.update(points) for points in grid) if stretch]
    assert len(found) == 3
    for stretch, start_s in zip(found, starts_s, strict=True):
        np.testing.assert_allclose(seconds(stretch), (start_s, start_s + 3.3), atol=NEAR)


def test_what_is_held_for_too_long_is_told_as_long_as_a_clip_can_be() -> None:
    grid = face(12.0)
    move(grid, LIPS, (1.0, 1.3, 11.0, 11.3), (0.0, 0.8, 0.8, 0.0))
    watch = MotionWatch()
    first = next(stretch for stretch in (watch.update(points) for points in grid) if stretch)
    assert first.end - first.begin == FRAMES
