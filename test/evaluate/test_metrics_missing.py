"""Missing points and faces, cumulative errors, and the figures of real video; by hand on a face 100 px by 50 px."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.signal import savgol_filter

from face1d_ros.errors import GeometryError
from face1d_ros.evaluate import metrics

FACE = np.array([[0.0, 0.0], [100.0, 50.0], [50.0, 25.0]])
LEG = np.array([3.0, 4.0])
"""5 px long."""
ROOT = math.sqrt(5000.0)
"""Of the area of the face's box."""


def over_time(*shifts: tuple[float, float]) -> np.ndarray:
    """(T, 3, 2) the face, shifted as a whole."""
    return np.array([FACE + shift for shift in shifts])


def seen(*frames: str) -> np.ndarray:
    """(T, 3) from one word a frame, x for a point that is present."""
    return np.array([[letter == "x" for letter in frame] for frame in frames])


def spoilt(points: np.ndarray, present: np.ndarray) -> np.ndarray:
    """NaN where not present."""
    return np.where(present[..., None], points, np.nan)


def test_the_error_is_of_the_points_that_are_present() -> None:
    truth = over_time((0, 0), (0, 0))
    predicted = truth.copy()
    predicted[0, 2] += LEG  # of 4 points present in 2 frames one is off by 5 px
    present = seen("x-x", "xx-")
    expected = pytest.approx(100.0 * 5.0 / 4.0 / ROOT)
    assert metrics.nme_percent(spoilt(predicted, present), truth, present) == expected
    assert metrics.nme_percent(predicted, truth, present) == expected


def test_the_box_is_the_truths_whatever_was_missed() -> None:
    truth = over_time((0, 0))
    present = seen("--x")
    assert metrics.nme_percent(truth + LEG, truth, present) == pytest.approx(500.0 / ROOT)
    unknown = truth.copy()
    unknown[0, 1] = np.nan  # the box is now 50 by 25 px
    assert metrics.nme_percent(truth + LEG, unknown, seen("x-x")) == pytest.approx(2.0 * 500.0 / ROOT)


def test_a_frame_that_was_missed_does_not_count() -> None:
    truth = over_time((0, 0), (0, 0), (0, 0))
    predicted = truth + LEG
    predicted[1] = np.nan
    found = np.array([True, False, True])
    assert metrics.nme_percent(predicted, truth, found) == pytest.approx(500.0 / ROOT)
    errors = metrics.frame_nme_percent(predicted, truth, found)
    np.testing.assert_allclose(errors, [500.0 / ROOT, np.inf, 500.0 / ROOT])


def test_nrmse_of_missing_points_is_over_the_true_eye_corners() -> None:
    truth = np.random.default_rng(0).uniform(0, 100, (1, 68, 2))
    truth[:, [36, 45]] = [[10.0, 20.0], [40.0, 60.0]]  # 50 px apart
    present = np.zeros((1, 68), bool)
    present[0, :2] = True
    predicted = truth.copy()
    predicted[0, 1] += LEG
    assert metrics.nrmse_percent(predicted, truth, present) == pytest.approx(100.0 * 2.5 / 50.0)
    np.testing.assert_allclose(metrics.frame_nrmse_percent(predicted, truth, present), [5.0])


def test_figures_over_time_take_points_present_in_all_their_frames() -> None:
    truth = over_time((0, 0), (0, 0), (0, 0), (0, 0))
    predicted = truth.copy()
    predicted[1, 0] += LEG
    predicted[2, 1] += [0.0, 7.0]
    present = seen("xxx", "xxx", "x-x", "xxx")
    # Displacements off: frame 1: 5, 0, 0 of three; frame 2: 5, 0 of two; frame 3: 0, 0 of two.
    assert metrics.jitter_px(predicted, truth, present) == pytest.approx(2.56 * 10.0 / 7.0)
    expected = (math.sqrt(25.0 / 3.0) + math.sqrt(25.0 / 2.0)) / 3.0
    assert metrics.stability_percent(predicted, truth, present) == pytest.approx(expected)
    # Second differences at 1: −10, 0 of two; at 2: 5, 0 of two.
    assert metrics.acceleration_px(predicted, truth, present) == pytest.approx(2.56 * 15.0 / 4.0)
    # Distances to the middle: at 1: 5, 0; at 2: 2.5, 0.
    expected = (math.sqrt(25.0 / 2.0) + math.sqrt(6.25 / 2.0)) / 2.0
    assert metrics.sta1_percent(predicted, truth, present) == pytest.approx(expected)
    # Start and end are one place at 1; at 2 the way is (−3, −4) and point 0 already at its end.
    assert metrics.sta2_percent(predicted, truth, present) == pytest.approx(math.sqrt(25.0 / 2.0) / 2.0)


def test_lag_of_missing_points() -> None:
    truth = over_time(*((7.0 * t, 0.0) for t in range(4)))
    late = truth - [3.5, 0.0]
    late[:, 0] += 1000.0
    present = seen("-xx", "-xx", "-xx", "-xx")
    assert metrics.lag_frames(late, truth, present) == pytest.approx(0.5)


def test_everything_present_is_the_same_as_no_mask() -> None:
    rng = np.random.default_rng(1)
    truth = np.cumsum(rng.normal(0, 1, (12, 68, 2)), axis=0) + rng.uniform(0, 100, (68, 2))
    predicted = truth + rng.normal(0, 1, truth.shape)
    whole = np.ones((12, 68), bool)
    assert metrics.landmark_motion(predicted, truth, whole) == metrics.landmark_motion(predicted, truth)
    assert metrics.landmark_motion(predicted, truth, whole[:, 0]) == metrics.landmark_motion(predicted, truth)


Metric = Callable[[np.ndarray, np.ndarray, np.ndarray], float]
OVER_TIME: tuple[tuple[Metric, int], ...] = (
    (metrics.stability_percent, 2),
    (metrics.jitter_px, 2),
    (metrics.lag_frames, 2),
    (metrics.acceleration_px, 3),
    (metrics.sta1_percent, 3),
    (metrics.sta2_percent, 3),
)


@pytest.mark.parametrize(("metric", "frames"), OVER_TIME)
def test_without_a_point_in_enough_frames_in_a_row_there_is_no_figure(metric: Metric, frames: int) -> None:
    truth = over_time((0, 0), (9, 0), (0, 0), (9, 0))
    with pytest.raises(GeometryError, match=f"no point present in {frames} frames in a row"):
        metric(truth, truth, seen("x--", "-x-", "x--", "-x-"))


@pytest.mark.parametrize("metric", [metrics.nme_percent, *(metric for metric, _ in OVER_TIME)])
def test_a_bad_mask_and_nan_where_it_counts_are_refused(metric: Metric) -> None:
    truth = over_time((0, 0), (9, 0), (0, 0))
    for wrong in (np.ones((3, 3), int), np.ones((3, 2), bool), np.ones(2, bool)):
        with pytest.raises(GeometryError, match="mask of present landmarks"):
            metric(truth, truth, wrong)
    bad = truth.copy()
    bad[1, 1] = np.nan
    present = seen("xxx", "xxx", "xx-")
    for pair in ((bad, truth), (truth, bad)):
        with pytest.raises(GeometryError, match="1 frames with values that are not finite"):
            metric(*pair, present)


def test_a_still_face_is_perfect_and_its_lag_unknown() -> None:
    still = np.tile(np.random.default_rng(2).uniform(0, 100, (68, 2)), (4, 1, 1))
    found = metrics.landmark_motion(still, still)
    assert math.isnan(found.pop("lag_frames"))
    assert set(found.values()) == {0.0}


def test_the_area_under_the_curve_is_exact() -> None:
    # The curve rises by a half at 2 % and at 6 %: up to 8 % its area is 0.5 · 6 + 0.5 · 2.
    assert metrics.area_under_curve([2.0, 6.0], 8.0) == pytest.approx(4.0 / 8.0)
    assert metrics.area_under_curve([2.0, 6.0], 4.0) == pytest.approx(0.5 * 2.0 / 4.0)
    assert metrics.area_under_curve([0.0], 8.0) == 1.0
    assert metrics.area_under_curve([8.0, np.inf], 8.0) == 0.0


def test_the_failure_rate_is_the_share_above_the_limit() -> None:
    assert metrics.failure_rate([1.0, 8.0, 8.1, np.inf], 8.0) == 0.5
    found = metrics.cumulative_errors([1.0, 9.0, 11.0, 4.0])
    assert found == pytest.approx(
        {"auc_8": (7 + 4) / 32, "fr_8": 0.5, "auc_10": (9 + 1 + 6) / 40, "fr_10": 0.25},
    )


@pytest.mark.parametrize("errors", [[], [[1.0]], [np.nan, 1.0], [-1.0]])
def test_bad_errors_are_refused(errors: list[float]) -> None:
    for figure in (metrics.area_under_curve, metrics.failure_rate):
        with pytest.raises(GeometryError, match="errors in percent"):
            figure(errors, 8.0)
    with pytest.raises(GeometryError, match="limit"):
        metrics.area_under_curve([1.0], 0.0)


def cubic(frames: int) -> np.ndarray:
    """(T, 3, 2) motion that a filter of order 3 leaves as it is."""
    t = np.arange(frames) - 6.0
    return FACE + np.stack([4.0 * t + 0.01 * t**3, 0.1 * t**2], axis=1)[:, None]


def test_a_smooth_track_is_its_own_pseudo_truth() -> None:
    raw = cubic(15)
    np.testing.assert_allclose(metrics.pseudo_truth(raw), raw, atol=1e-9)
    assert metrics.pseudo_error_percent(raw + LEG, raw) == pytest.approx(500.0 / ROOT)
    assert metrics.pseudo_lag_frames(raw, raw) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("frames", [9, 10, 40])
def test_the_pseudo_truth_is_that_of_savitzky_and_golay(frames: int) -> None:
    raw = np.random.default_rng(frames).standard_normal((frames, 5, 2)).cumsum(axis=0)
    np.testing.assert_allclose(metrics.pseudo_truth(raw), savgol_filter(raw, 9, 3, axis=0), atol=1e-10)


def test_a_late_track_lags_behind_the_pseudo_truth() -> None:
    line = over_time(*((6.0 * t, 0.0) for t in range(12)))
    assert metrics.pseudo_lag_frames(line - [3.0, 0.0], line) == pytest.approx(0.5)


def test_one_spike_is_weighted_as_the_filter_weighs_its_middle() -> None:
    """Window 9, order 3: the middle weight is 59 / 231."""
    raw = over_time(*([(0.0, 0.0)] * 17))
    raw[8, 2] += [0.0, 23.1]
    assert metrics.pseudo_truth(raw)[8, 2, 1] - FACE[2, 1] == pytest.approx(5.9)


def test_each_stretch_is_smoothed_by_itself_and_short_ones_are_left_out() -> None:
    raw = cubic(24)
    raw[9, 0] = np.nan
    raw[21:, 1] = np.nan
    raw[3, 2] = np.nan  # 3 frames, then 20
    present = np.isfinite(raw).all(axis=2)
    smooth = metrics.pseudo_truth(raw, present)
    known = np.isfinite(smooth).all(axis=2)
    assert known[:, 0].tolist() == [t != 9 for t in range(24)]
    assert known[:, 1].tolist() == [t < 21 for t in range(24)]
    assert known[:, 2].tolist() == [t > 3 for t in range(24)]
    np.testing.assert_allclose(smooth[known], raw[known], atol=1e-9)
    assert metrics.pseudo_error_percent(raw, raw, present) == pytest.approx(0.0, abs=1e-9)


def test_too_short_tracks_have_no_pseudo_truth() -> None:
    with pytest.raises(GeometryError, match="at least 9 frames"):
        metrics.pseudo_truth(cubic(8))
    present = np.ones((16, 3), bool)
    present[8] = False
    with pytest.raises(GeometryError, match="no point present in 9 frames in a row"):
        metrics.pseudo_truth(cubic(16), present)
