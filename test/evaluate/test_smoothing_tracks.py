"""Faces as the smoothing stage gets them, and what of a stage's answers is kept."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import numpy as np
import pytest

from face1d_ros.config import SmoothingConfig
from face1d_ros.errors import InvalidValueError
from face1d_ros.evaluate.smoothing_tracks import (
    LOST_AFTER_NS,
    NS,
    Observations,
    Track,
    frames_of,
    held,
    longest_stretch,
    real_track,
    short_gaps,
    smooth,
    synthetic_track,
)
from face1d_ros.stages.smoothing import SmoothingStage
from face1d_ros.synth.corpus.fixed_sets import load_small_test_set, select
from face1d_ros.types import FaceLandmarksArray, Topology

RATE_HZ = 30.0


def observations(seen: list[bool]) -> Observations:
    frames = len(seen)
    rng = np.random.default_rng(1)
    points = rng.uniform(100.0, 300.0, (frames, 68, 3)).astype(np.float32)
    points[~np.array(seen)] = np.nan
    stamps_ns = NS + np.round(np.arange(frames) / RATE_HZ * NS).astype(np.int64)
    certainty = rng.uniform(0.5, 1.0, (frames, 68)).astype(np.float32)
    return Observations(stamps_ns, points, np.full(frames, 0.9, np.float32), certainty, (640, 480))


class Late:
    """Gives each frame out so many frames later, as a model that looks ahead does."""

    name = "late"

    def __init__(self, frames: int) -> None:
        self._frames = frames
        self._waiting: deque[FaceLandmarksArray] = deque()

    def process(self, value: FaceLandmarksArray) -> FaceLandmarksArray | None:
        self._waiting.append(value)
        return self._waiting.popleft() if len(self._waiting) > self._frames else None

    def reset(self) -> None:
        self._waiting.clear()

    def configure(self, config: object) -> None: ...

    def close(self) -> None: ...


def test_a_frame_without_a_face_is_empty_and_the_others_hold_what_was_seen() -> None:
    given = observations([True, False, True])
    frames = frames_of(given)
    assert [len(frame.faces) for frame in frames] == [1, 0, 1]
    assert [frame.header.stamp_ns for frame in frames] == given.stamps_ns.tolist()
    face = frames[2].faces[0]
    np.testing.assert_array_equal(face.points, given.points[2])
    np.testing.assert_array_equal(face.point_confidence, given.point_confidence[2])
    assert face.topology == Topology.FACE_68


def test_a_face_that_was_away_for_long_comes_back_under_another_id() -> None:
    away = round(LOST_AFTER_NS / NS * RATE_HZ) + 2
    frames = frames_of(observations([True, True, *[False] * away, True]))
    before, after = frames[1].faces[0].track_id, frames[-1].faces[0].track_id
    assert before != after
    assert [frame.ended_track_ids for frame in frames if frame.ended_track_ids] == [(before,)]


def test_only_gaps_of_ten_frames_at_most_between_seen_frames_are_dropouts() -> None:
    seen = np.array([False, True, *[False] * 10, True, *[False] * 11, True, False])
    assert np.flatnonzero(short_gaps(seen)).tolist() == list(range(2, 12))


def test_what_was_seen_last_is_held_until_something_is_seen_again() -> None:
    given = observations([False, True, False, False, True])
    points = held(given.points)
    assert np.isnan(points[0]).all()
    for frame, source in ((1, 1), (2, 1), (3, 1), (4, 4)):
        np.testing.assert_array_equal(points[frame], given.points[source])


def test_the_longest_stretch_is_found_and_there_must_be_one() -> None:
    assert longest_stretch(np.array([True, False, True, True, True, False, True])) == slice(2, 5)
    with pytest.raises(InvalidValueError, match="frames with a face"):
        longest_stretch(np.zeros(3, np.bool_))


def test_answers_that_come_late_are_put_at_the_frame_they_belong_to() -> None:
    track = real_track("late", observations([True] * 6))
    refined = smooth(Late(2), track)
    np.testing.assert_array_equal(refined[:4], track.observed[:4])
    assert np.isnan(refined[4:]).all()


def test_a_stage_without_a_model_gives_what_was_seen_and_nothing_else() -> None:
    track = real_track("plain", observations([True, True, False, True]))
    refined = smooth(SmoothingStage(SmoothingConfig(model="none")), track)
    np.testing.assert_array_equal(refined, track.observed)


def test_a_track_comes_out_the_same_whatever_was_smoothed_before_it() -> None:
    first, other = (real_track(str(i), replace(observations([True] * 8), image_size=(640, 480 + i))) for i in (0, 1))
    other.observed[:] += 40.0
    stage = SmoothingStage(SmoothingConfig(model="one_euro"))
    alone = smooth(stage, first)
    smooth(stage, other)
    np.testing.assert_array_equal(smooth(stage, first), alone)


def synthetic() -> Track:
    return synthetic_track(select(load_small_test_set(), "occlusion")[1], Topology.FACE_68)


def test_a_synthetic_track_holds_the_chosen_points_with_their_truth() -> None:
    sequence = select(load_small_test_set(), "occlusion")[1]
    whole, track = synthetic_track(sequence, sequence.topology), synthetic()
    assert track.topology == Topology.FACE_68
    assert whole.topology == sequence.topology
    error = np.abs(track.observed - np.concatenate([track.truth, track.truth[..., :1]], axis=2))[track.seen][..., :2]
    assert 0.0 < error.mean() < 0.1 * np.ptp(track.truth[..., 0])
    assert 0 < track.hidden.sum() < whole.hidden.sum()
    assert not track.hidden[~track.seen].any()
