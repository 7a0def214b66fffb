"""Grids of filter settings over tracks made here: a face that sways, with noise of a known size."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from face1d_ros.errors import GeometryError
from face1d_ros.evaluate.frontier import (
    GRIDS,
    Outcome,
    Track,
    best_at,
    best_setting,
    best_within,
    frontier_ratio,
    outcomes,
    raw_outcome,
    track_of,
)
from face1d_ros.evaluate.metrics import jitter_px, lag_frames, nme_percent
from face1d_ros.filters.make import make_filter
from face1d_ros.geometry.topology import to_68

FACE = np.random.default_rng(0).uniform(0.0, 100.0, (68, 2))


def swaying(frames: int, rate_hz: float, seed: int) -> Track:
    stamps_s = np.arange(frames) / rate_hz
    truth = FACE + 30.0 * np.sin(2.0 * stamps_s)[:, None, None]
    return Track(stamps_s, truth + np.random.default_rng(seed).normal(0.0, 0.5, truth.shape), truth)


TRACKS = [swaying(60, 30.0, 1), swaying(90, 60.0, 2), swaying(45, 15.0, 3)]


def alone(track: Track, name: str, **settings: float) -> np.ndarray:
    """(T, 68, 2) frame by frame, in which nothing was seen left out."""
    filter_, smooth = make_filter(name, **settings), np.full(track.truth.shape, np.nan)
    for frame in np.flatnonzero(track.seen):
        smooth[frame] = filter_(track.observed[frame].astype(np.float32), track.stamps_s[frame])[:, :2]
    return smooth


@pytest.mark.parametrize("name", ["one_euro", "kalman", "savitzky_golay"])
def test_all_tracks_at_once_give_the_metrics_of_each_alone(name: str) -> None:
    gappy = swaying(70, 30.0, 4)
    gappy.observed[:3] = gappy.observed[20:26] = np.nan
    tracks = [*TRACKS, gappy]
    (outcome,) = outcomes(tracks, name, [{}])
    for measure, found in [
        (jitter_px, outcome.jitter_px),
        (lag_frames, outcome.lag_frames),
        (nme_percent, outcome.nme_percent),
    ]:
        one_by_one = [measure(alone(track, name), track.truth, track.seen) for track in tracks]
        assert found == pytest.approx(np.mean(one_by_one), abs=1e-4)


def test_smoothing_more_takes_jitter_away_and_brings_lag() -> None:
    raw = raw_outcome(TRACKS)
    slow, quick = outcomes(TRACKS, "exponential", [{"time_constant_s": 0.05}, {"time_constant_s": 0.01}])
    assert (raw.filter, raw.lag_frames) == ("raw", pytest.approx(0.0, abs=0.05))
    assert quick.jitter_px < raw.jitter_px
    assert slow.lag_frames > quick.lag_frames > raw.lag_frames
    assert quick.settings == {"time_constant_s": 0.01}


def test_a_track_without_motion_has_no_part_in_the_lag() -> None:
    truth = np.broadcast_to(FACE, (30, 68, 2))
    still = Track(np.arange(30) / 30.0, truth.copy(), truth)
    (moving,), (both,) = outcomes(TRACKS, "kalman", [{}]), outcomes([*TRACKS, still], "kalman", [{}])
    assert both.lag_frames == pytest.approx(moving.lag_frames)
    assert both.jitter_px == pytest.approx(moving.jitter_px * 3 / 4, rel=1e-6)


def point(jitter: float, lag: float) -> Outcome:
    return Outcome("kalman", {}, jitter, lag, 1.0)


def test_the_best_at_a_lag_may_lag_more_and_the_best_within_it_may_not() -> None:
    tried = [point(1.0, 0.0), point(0.8, 0.2), point(0.6, 0.5), point(0.9, 2.0)]
    assert best_at(tried, 0.1).jitter_px == 0.6
    assert best_at(tried, 0.5).jitter_px == 0.6
    assert best_at(tried, 0.6).jitter_px == 0.9
    assert best_at(tried, 3.0).jitter_px == 0.6
    assert best_within(tried, 0.1).jitter_px == 1.0
    assert best_within(tried, 0.2).jitter_px == 0.8
    assert best_within(tried, -0.1).jitter_px == 0.6
    assert frontier_ratio(0.3, 0.1, tried) == pytest.approx(0.5)


def test_the_best_setting_is_on_time() -> None:
    tried = [point(1.0, 0.0), point(0.8, 0.25), point(0.7, -0.31), point(0.6, 0.5)]
    assert best_setting(tried).jitter_px == 0.8
    assert best_setting(tried, 0.4).jitter_px == 0.7
    assert best_setting([point(0.5, 0.9), point(0.6, -0.6)]).jitter_px == 0.6


def test_each_grid_holds_settings_that_its_filter_takes() -> None:
    assert set(GRIDS) == {"one_euro", "kalman", "exponential", "savitzky_golay"}
    for name, grid in GRIDS.items():
        assert len({tuple(settings.items()) for settings in grid}) == len(grid) > 20
        for settings in grid:
            make_filter(name, **settings)


def test_a_sequence_becomes_a_track_by_its_68_points_without_the_frames_of_an_absent_head() -> None:
    rng = np.random.default_rng(5)
    observed, clean = rng.uniform(0.0, 100.0, (2, 6, 478, 3))
    observed[2] = np.nan
    present = np.array([True, True, True, True, False, True])
    sequence = SimpleNamespace(
        stamps_s=np.arange(6.0), observed=observed, clean_px=clean, present=present, subject_id=1
    )
    track = track_of(sequence)
    assert track.seen.tolist() == [True, True, False, True, False, True]
    assert np.array_equal(track.truth, to_68(clean)[..., :2])
    assert np.array_equal(track.observed[3], to_68(observed)[3])


def test_it_tells_of_each_setting() -> None:
    told: list[str] = []
    outcomes(TRACKS, "exponential", [{"time_constant_s": 0.05}, {"time_constant_s": 0.01}], told.append)
    assert told == ["exponential 1 of 2", "exponential 2 of 2"]


def test_nothing_to_run_over_or_to_choose_from_is_refused() -> None:
    with pytest.raises(GeometryError, match="one at least"):
        outcomes([], "kalman")
    with pytest.raises(GeometryError, match="one at least"):
        best_setting([])
    unseen = Track(np.arange(3.0), np.full((3, 68, 2), np.nan), np.zeros((3, 68, 2)))
    with pytest.raises(GeometryError, match="nothing was seen"):
        outcomes([unseen], "kalman")
    with pytest.raises(GeometryError, match="as many in each"):
        outcomes([TRACKS[0], Track(np.arange(2.0), np.zeros((2, 5, 2)), np.zeros((2, 5, 2)))], "kalman")
