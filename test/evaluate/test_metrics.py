"""Every figure against a value computed by hand, on a face 100 px wide and 50 px high."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from face1d_ros.errors import GeometryError
from face1d_ros.evaluate import metrics

FACE = np.array([[0.0, 0.0], [100.0, 50.0]])
LEG = np.array([3.0, 4.0])
"""5 px long."""


def over_time(*shifts: tuple[float, float]) -> np.ndarray:
    """(T, 2, 2) the face, shifted as a whole."""
    return np.array([FACE + shift for shift in shifts])


STILL = over_time((0, 0), (0, 0), (0, 0))
TWITCH = over_time((0, 0), (3, 4), (0, 0))


def test_nme_is_the_error_over_the_root_of_the_box_area() -> None:
    assert metrics.nme_percent(STILL + LEG, STILL) == pytest.approx(500.0 / math.sqrt(5000.0))
    one_of_two = STILL.copy()
    one_of_two[:, 0] += LEG
    assert metrics.nme_percent(one_of_two, STILL) == pytest.approx(250.0 / math.sqrt(5000.0))


def test_nme_takes_each_frames_own_box() -> None:
    truth = np.array([FACE, 2.0 * FACE])
    assert metrics.nme_percent(truth + LEG, truth) == pytest.approx(0.75 * 500.0 / math.sqrt(5000.0))


@pytest.mark.parametrize("count", [68, 468, 478])
def test_nrmse_is_the_error_over_the_distance_of_the_outer_eye_corners(count: int) -> None:
    truth = np.random.default_rng(0).uniform(0, 100, (2, count, 2))
    corners = (36, 45) if count == 68 else (33, 263)
    truth[:, corners] = [[10.0, 20.0], [40.0, 60.0]]  # 50 px apart
    assert metrics.nrmse_percent(truth + LEG, truth) == pytest.approx(10.0)


def test_sta1_is_the_distance_to_the_middle_of_the_neighbours() -> None:
    assert metrics.sta1_percent(TWITCH) == pytest.approx(5.0)
    assert metrics.sta1_percent(over_time((0, 0), (3, 4), (10, 0))) == pytest.approx(math.hypot(2, 4))
    assert metrics.sta1_percent(over_time((0, 0), (5, 7), (10, 14))) == pytest.approx(0.0, abs=1e-12)


def test_sta1_is_a_root_mean_square_over_landmarks_and_a_mean_over_frames() -> None:
    twitch = STILL.copy()
    twitch[1, 0] += LEG[::-1] * [0, 1]  # one of two landmarks by 3 px; the box stays 100 px wide
    assert metrics.sta1_percent(twitch) == pytest.approx(math.sqrt(9 / 2))
    longer = over_time((0, 0), (3, 4), (0, 0), (0, 0))
    assert metrics.sta1_percent(longer) == pytest.approx((5.0 + 2.5) / 2)


def test_sta1_takes_the_size_of_the_truth_where_there_is_one() -> None:
    assert metrics.sta1_percent(TWITCH, 2.0 * STILL) == pytest.approx(2.5)


def test_sta2_is_the_distance_to_the_way_between_the_neighbours() -> None:
    assert metrics.sta2_percent(over_time((0, 0), (3, 4), (10, 0))) == pytest.approx(4.0)
    assert metrics.sta2_percent(over_time((0, 0), (-3, 4), (10, 0))) == pytest.approx(5.0), "not beyond its ends"
    assert metrics.sta2_percent(over_time((0, 0), (13, 4), (10, 0))) == pytest.approx(5.0)
    assert metrics.sta2_percent(TWITCH) == pytest.approx(5.0), "no way at all"


def test_sta2_has_one_place_on_the_way_for_all_landmarks() -> None:
    """One landmark is at the start of its way, one at the end: together they are in the middle."""
    moved = over_time((0, 0), (0, 0), (10, 0))
    moved[1, 1] += [10.0, 0.0]
    # Their boxes are 100, 110 and 100 px wide.
    assert metrics.sta2_percent(moved) == pytest.approx(100.0 * 5.0 / 110.0)


def test_stability_compares_displacements() -> None:
    truth = over_time((0, 0), (10, 0))
    assert metrics.stability_percent(over_time((0, 0), (13, 4)), truth) == pytest.approx(5.0)
    assert metrics.stability_percent(truth + LEG, truth) == pytest.approx(0.0, abs=1e-12)


def test_jitter_is_that_of_a_face_256_px_wide() -> None:
    truth = over_time((0, 0), (10, 0))
    assert metrics.jitter_px(over_time((0, 0), (13, 4)), truth) == pytest.approx(5.0 * 2.56)
    one_of_two = truth.copy()
    one_of_two[1, 0] += LEG
    assert metrics.jitter_px(one_of_two, truth) == pytest.approx(2.5 * 2.56), "a mean, not a root mean square"


def test_acceleration_error_is_that_of_second_differences() -> None:
    assert metrics.acceleration_px(TWITCH, STILL) == pytest.approx(10.0 * 2.56)
    moving = over_time((0, 0), (5, 0), (10, 0))
    assert metrics.acceleration_px(moving, STILL) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("lag", [-1.0, 0.0, 0.4, 2.0])
def test_lag_counts_frames_behind(lag: float) -> None:
    truth = over_time(*((7.0 * t, -2.0 * t) for t in range(5)))
    late = over_time(*((7.0 * (t - lag), -2.0 * (t - lag)) for t in range(5)))
    assert metrics.lag_frames(late, truth) == pytest.approx(lag)


def test_lag_is_of_moving_frames_only_and_unknown_without_one() -> None:
    truth = over_time((0, 0), (0, 0.09), (10, 0.09))  # 0.09 % of the face's size, then 10 %
    late = truth + np.array([[[0.0, 0.0]], [[0.0, -50.0]], [[-5.0, 0.0]]])
    assert metrics.lag_frames(late, truth) == pytest.approx(0.5)
    assert math.isnan(metrics.lag_frames(TWITCH, STILL))


def test_a_perfect_prediction_has_no_error() -> None:
    truth = np.random.default_rng(0).uniform(0, 100, (1, 68, 2)) + np.linspace(0, 30, 4)[:, None, None]
    found = metrics.landmark_motion(truth, truth)
    assert set(found) == {
        *("nrmse_percent", "nme_percent", "stability_percent", "jitter_px"),
        *("sta1_percent", "sta2_percent", "acceleration_px", "lag_frames"),
    }
    np.testing.assert_allclose(list(found.values()), 0.0, atol=1e-9)


PAIRED = (metrics.nme_percent, metrics.stability_percent, metrics.jitter_px, metrics.acceleration_px)
EVERY = (*PAIRED, metrics.nrmse_percent, metrics.lag_frames, metrics.sta1_percent, metrics.sta2_percent)
Metric = Callable[[np.ndarray, np.ndarray], float]


@pytest.mark.parametrize("metric", EVERY)
def test_what_is_not_finite_or_of_another_shape_is_refused(metric: Metric) -> None:
    good = np.random.default_rng(0).uniform(0, 100, (4, 68, 2))
    assert math.isfinite(metric(good + 1.0, good))
    for spoil in (np.nan, np.inf):
        bad = good.copy()
        bad[2, 5, 1] = spoil
        for pair in ((bad, good), (good, bad)):
            with pytest.raises(GeometryError, match="1 frames with values that are not finite"):
                metric(*pair)
    for wrong in (good[:3], good[:, :, :1], np.concatenate([good, good], axis=2), good[0], good[:0], good[:, :0]):
        with pytest.raises(GeometryError, match="shape"):
            metric(wrong, good)
    with pytest.raises(GeometryError, match="without extent"):
        metric(good, np.zeros_like(good))


@pytest.mark.parametrize("wrong", [np.full((4, 68, 2), "1.5"), np.full((4, 68, 2), 1.0 + 2.0j), [[1.0], [1.0, 2.0]]])
def test_what_is_no_array_of_real_numbers_is_refused(wrong: np.ndarray) -> None:
    good = np.random.default_rng(0).uniform(0, 100, (4, 68, 2))
    for pair in ((wrong, good), (good, wrong)):
        with pytest.raises(GeometryError, match=r"expected .*real numbers"):
            metrics.nme_percent(*pair)
    assert metrics.nme_percent(good.astype(np.int64), good.astype(np.int64)) == 0.0


@pytest.mark.parametrize(
    ("metric", "frames"),
    [
        (metrics.stability_percent, 2),
        (metrics.jitter_px, 2),
        (metrics.lag_frames, 2),
        (metrics.acceleration_px, 3),
        (metrics.sta1_percent, 3),
        (metrics.sta2_percent, 3),
    ],
)
def test_too_few_frames_are_refused(metric: Metric, frames: int) -> None:
    short = over_time(*((10.0 * t, 0.0) for t in range(frames - 1)))
    with pytest.raises(GeometryError, match=f"at least {frames} frame"):
        metric(short, short)
