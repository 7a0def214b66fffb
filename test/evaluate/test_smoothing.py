"""Figures of smoothers that are known by hand: the raw track, the truth, and what is off by so much."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from face1d_ros.errors import InvalidValueError
from face1d_ros.evaluate import frontier
from face1d_ros.evaluate.smoothing import (
    Blocks,
    frontier_tracks,
    hidden_error,
    judge_smoother,
    load_blocks,
    mean_figures,
    missing_error,
    motion_figures,
    ratio,
    raw,
)
from face1d_ros.evaluate.smoothing_report import occlusion_ratio
from face1d_ros.evaluate.smoothing_tracks import Track
from face1d_ros.synth.corpus.fixed_sets import load_small_test_set
from face1d_ros.types import FloatArray, Topology


@cache
def blocks() -> Blocks:
    return load_blocks(load_small_test_set(), Topology.FACE_68, 2)


def true(track: Track) -> FloatArray:
    return np.concatenate([track.truth, track.observed[..., 2:]], axis=2)


def moved(track: Track, share: float) -> FloatArray:
    """The truth, moved to the right by this share of √(box width · box height)."""
    points = true(track)
    points[..., 0] += share * np.sqrt(np.ptp(track.truth, axis=1).prod(axis=1))[:, None]
    return points


def test_so_many_sequences_of_each_block_are_taken_and_none_is_refused() -> None:
    assert [len(block) for block in (blocks().motion, blocks().occlusion, blocks().dropout)] == [2, 2, 2]
    with pytest.raises(InvalidValueError, match="sequences of a block"):
        load_blocks(load_small_test_set(), Topology.FACE_68, 0)


def test_the_truth_itself_is_without_any_error() -> None:
    told: list[None] = []
    judged = judge_smoother(true, blocks(), lambda: told.append(None))
    for key in ("nme_percent", "jitter_px", "stability_percent", "lag_frames", "acceleration_px"):
        assert judged.motion[key] == pytest.approx(0.0, abs=1e-4)
    assert judged.hidden_percent == pytest.approx(0.0, abs=1e-4)
    assert len(told) == len(blocks().all)


def test_the_raw_track_is_as_good_as_itself() -> None:
    judged = judge_smoother(raw, blocks())
    assert judged.motion["nme_percent"] > 0.1
    assert occlusion_ratio(judged, judged) == pytest.approx(1.0)


def test_an_offset_is_an_error_of_its_length_and_no_jitter() -> None:
    track = blocks().motion[0]
    figures = motion_figures(moved(track, 0.01), track)
    assert figures["nme_percent"] == pytest.approx(1.0, rel=1e-3)
    assert figures["jitter_px"] < 0.2


def test_only_hidden_points_count_as_hidden() -> None:
    track = next(track for track in blocks().occlusion if track.hidden.any())
    points = np.where(track.hidden[..., None], moved(track, 0.03), moved(track, 0.5))
    assert hidden_error(points, track) == pytest.approx(3.0, rel=1e-3)
    assert np.isnan(hidden_error(raw(blocks().dropout[0]), blocks().dropout[0]))


def test_only_missing_frames_count_as_missing() -> None:
    track = next(track for track in blocks().dropout if track.missing.any())
    points = np.where(track.missing[:, None, None], moved(track, 0.02), moved(track, 0.5))
    assert missing_error(np.nan_to_num(points), track) == pytest.approx(2.0, rel=1e-3)


def test_a_smoother_that_gives_nothing_holds_its_own_last_output() -> None:
    track = next(track for track in blocks().dropout if track.missing.any())
    silent = np.where(track.missing[:, None, None], np.float32(np.nan), true(track))
    gone = np.flatnonzero(track.missing)
    assert missing_error(silent, track) > 0.0
    still = true(track)
    still[gone] = still[gone[0] - 1]
    first = gone[gone < gone[0] + 10]
    only = np.zeros(len(track.seen), np.bool_)
    only[first] = True
    one = Track(track.name, track.frames, track.observed, track.truth, track.hidden, only)
    assert missing_error(silent, one) == pytest.approx(missing_error(np.nan_to_num(still), one))


def test_the_grid_of_filters_is_measured_on_the_same_points_and_frames_as_a_smoother() -> None:
    outcome = frontier.raw_outcome(frontier_tracks(blocks()))
    judged = judge_smoother(raw, Blocks(blocks().motion, (), ()))
    for key, value in judged.of_68.items():
        assert getattr(outcome, key) == pytest.approx(value, abs=1e-4)


def test_means_leave_out_what_a_sequence_does_not_tell() -> None:
    assert mean_figures([{"lag": 1.0}, {"lag": float("nan")}, {"lag": 3.0}]) == {"lag": 2.0}
    assert np.isnan(mean_figures([{"lag": float("nan")}])["lag"])


def test_a_ratio_is_one_of_means_and_unknown_without_sequences() -> None:
    assert ratio(np.array([1.0, 2.0]), np.array([2.0, 4.0])) == pytest.approx(0.5)
    assert np.isnan(ratio(np.array([]), np.array([])))
