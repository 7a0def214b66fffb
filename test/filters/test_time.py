"""Time comes from stamps: any rate, and stamps that stand still, go back or leap."""

from __future__ import annotations

import numpy as np
import pytest
from filters.faces import FACE, run, swaying

from face1d_ros.filters.filter import LONGEST_STEP_S
from face1d_ros.filters.make import FILTERS, make_filter

STAMPS_S = np.arange(60) / 30.0
SLOW = {
    "exponential": {"time_constant_s": 0.1},
    "one_euro": {"min_cutoff_hz": 1.0, "beta": 2.0},
    "kalman": {"process_noise": 0.05},
    "savitzky_golay": {"window_s": 0.3, "order": 1},
    "mediapipe": {},
}
every = pytest.mark.parametrize("name", FILTERS)


@every
@pytest.mark.parametrize("rate_hz", [15, 60, 120])
def test_the_rate_hardly_matters(name: str, rate_hz: int) -> None:
    """Against 30 Hz, at the stamps both have, after a second: by a part of what the filter does at all."""
    shared_s = np.arange(60) / 15.0
    found = []
    for hz in (30, rate_hz):
        stamps_s = np.arange(round(4 * hz)) / hz
        smooth = run(make_filter(name, **SLOW[name]), swaying(stamps_s), stamps_s)
        found.append(smooth[np.isin(np.round(stamps_s * 120), np.round(shared_s * 120))][15:])
    assert found[0].shape == (45, 20, 3) == found[1].shape
    if name != "mediapipe":  # whose constants are quick at this speed
        assert np.abs(found[0] - swaying(shared_s)[15:]).max() > 1.0
    assert np.abs(found[0] - found[1]).max() < 2.5


@every
def test_steps_of_changing_length_smooth_as_well_as_even_ones(name: str) -> None:
    uneven_s = np.cumsum(np.random.default_rng(3).uniform(0.01, 0.056, 240))
    even_s = np.arange(240) * 0.033
    errors = []
    for stamps_s in (even_s, uneven_s):
        smooth = run(make_filter(name), swaying(stamps_s, 1.0), stamps_s)
        errors.append(np.abs(smooth - swaying(stamps_s))[30:].mean())
    assert errors[1] == pytest.approx(errors[0], rel=0.2)


@every
def test_a_stamp_given_again_gives_the_last_output_and_teaches_nothing(name: str) -> None:
    points = swaying(STAMPS_S, 1.0)
    plain, disturbed = make_filter(name), make_filter(name)
    for frame, stamp_s in zip(points, STAMPS_S, strict=True):
        expected = plain(frame, stamp_s)
        assert np.array_equal(disturbed(frame, stamp_s), expected)
        for _ in range(3):
            assert np.array_equal(disturbed(frame + 1000.0, stamp_s), expected)


@every
@pytest.mark.parametrize("stamp_s", [-0.01, 0.5, STAMPS_S[-1] + LONGEST_STEP_S + 0.01])
def test_a_stamp_that_goes_back_or_leaps_begins_anew(name: str, stamp_s: float) -> None:
    points = swaying(STAMPS_S, 1.0)
    used, fresh = make_filter(name), make_filter(name)
    run(used, points, STAMPS_S)
    assert np.array_equal(used(FACE, stamp_s), FACE)
    fresh(FACE, stamp_s)
    assert np.array_equal(run(used, points, stamp_s + 0.1 + STAMPS_S), run(fresh, points, stamp_s + 0.1 + STAMPS_S))


@every
def test_a_pause_of_nearly_a_second_is_still_the_same_face(name: str) -> None:
    filter_ = make_filter(name, **SLOW[name])
    run(filter_, swaying(STAMPS_S), STAMPS_S)
    output = filter_(FACE + 50.0, STAMPS_S[-1] + 0.999 * LONGEST_STEP_S)
    assert np.isfinite(output).all()
    if name != "savitzky_golay":  # its window has been left by then
        assert not np.array_equal(output, FACE + 50.0)


@every
def test_a_stamp_that_is_no_number_begins_anew_each_time(name: str) -> None:
    filter_ = make_filter(name)
    run(filter_, swaying(STAMPS_S), STAMPS_S)
    assert np.array_equal(filter_(FACE, np.nan), FACE)
    assert np.array_equal(filter_(FACE + 9.0, 2.0), FACE + 9.0)
    assert np.isfinite(filter_(FACE, 2.033)).all()


@every
def test_a_burst_of_ten_thousand_equal_stamps_changes_nothing(name: str) -> None:
    points = swaying(STAMPS_S, 1.0)
    plain, disturbed = make_filter(name), make_filter(name)
    run(plain, points[:30], STAMPS_S[:30])
    run(disturbed, points[:30], STAMPS_S[:30])
    for _ in range(10_000):
        disturbed(FACE, STAMPS_S[29])
    assert np.array_equal(run(plain, points[30:], STAMPS_S[30:]), run(disturbed, points[30:], STAMPS_S[30:]))
