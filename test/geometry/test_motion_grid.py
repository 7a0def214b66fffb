"""The grid that grows with the camera's frames is that of the whole clip."""

from __future__ import annotations

import numpy as np
import pytest

from face1d_ros.errors import GeometryError
from face1d_ros.geometry.motion_clip import LONGEST_GAP_S, RATE_HZ, on_grid
from face1d_ros.geometry.motion_grid import MotionGrid

BEGIN_NS = 1_767_225_600_000_000_000
NS = 1_000_000_000


def clip(stamps_s: np.ndarray) -> np.ndarray:
    """(T, 68, 3) that change with time."""
    phases = np.linspace(0.0, 3.0, 204).reshape(68, 3)
    return np.sin(2.0 * stamps_s[:, None, None] + phases)


def stamps(rate_hz: float, seconds: float = 3.0) -> np.ndarray:
    """With a little jitter, in whole nanoseconds."""
    even = np.arange(round(rate_hz * seconds)) / rate_hz
    return np.round((even + np.random.default_rng(1).uniform(0.0, 0.2 / rate_hz, len(even))) * 1e9) / 1e9


def grown(points: np.ndarray, stamps_s: np.ndarray) -> np.ndarray:
    grid = MotionGrid()
    found = [one for p, t in zip(points, stamps_s, strict=True) for one in grid.update(p, BEGIN_NS + round(t * NS))]
    return np.stack(found)


@pytest.mark.parametrize("rate_hz", [7.0, 15.0, 20.0, 30.0, 60.0])
def test_it_is_that_of_the_whole_clip_at_any_rate_of_the_camera(rate_hz: float) -> None:
    times_s = stamps(rate_hz)
    points = clip(times_s)
    found, whole = grown(points, times_s), on_grid(points, times_s)
    assert len(found) == len(whole) > 50
    assert np.abs(found - whole).max() < 1e-5


def test_each_frame_of_it_has_its_stamp() -> None:
    grid = MotionGrid()
    grid.update(clip(np.zeros(1))[0], BEGIN_NS)
    assert [grid.stamp_ns(index) for index in (0, 1, 20)] == [BEGIN_NS, BEGIN_NS + NS // round(RATE_HZ), BEGIN_NS + NS]


@pytest.mark.parametrize("gap_s", [LONGEST_GAP_S + 0.01, -0.1, 0.0])
def test_it_begins_anew_where_nobody_knows_what_was_between(gap_s: float) -> None:
    grid, (first, second) = MotionGrid(), clip(np.array([0.0, 1.0]))
    grid.update(first, BEGIN_NS)
    later_ns = BEGIN_NS + round(gap_s * NS)
    assert not grid.reaches(later_ns)
    (only,) = grid.update(second, later_ns)
    assert np.allclose(only, second) and grid.begin_ns == later_ns


def test_a_short_gap_is_filled() -> None:
    grid, (first, second) = MotionGrid(), clip(np.array([0.0, 1.0]))
    assert len(grid.update(first, BEGIN_NS)) == 1
    filled = grid.update(second, BEGIN_NS + NS // 2)
    assert len(filled) == 10 and np.allclose(filled[4], (first + second) / 2.0, atol=1e-6)


@pytest.mark.parametrize("points", [np.zeros((67, 3)), np.full((68, 3), np.nan)])
def test_what_are_no_landmarks_is_refused(points: np.ndarray) -> None:
    with pytest.raises(GeometryError, match="landmarks of a motion"):
        MotionGrid().update(points, BEGIN_NS)
