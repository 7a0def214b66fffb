"""Which face has which id."""

from __future__ import annotations

import numpy as np
import pytest
from tracker_faces import FRAME_NS, SIZE_PX, face, ids, ids_by_x, in_topology

from face1d_ros.detect.tracker import Tracker
from face1d_ros.types import Topology, TrackState


def test_a_face_is_given_out_at_its_first_frame_with_all_fields() -> None:
    given = face(300)
    (out,), ended = Tracker().update(5, [given])
    assert (out.track_id, out.tracked_s, out.state, ended) == (1, 0.0, TrackState.MEASURED, ())
    low, high = given.points[:, :2].min(axis=0), given.points[:, :2].max(axis=0)
    np.testing.assert_allclose(out.box, [*low, *(high - low)], rtol=1e-6)
    assert out.box.dtype == np.float32
    assert out.points is given.points and out.confidence == given.confidence
    assert given.track_id == 0


def test_time_tracked_comes_from_the_stamps() -> None:
    tracker = Tracker()
    tracker.update(10**18, [face(300)])
    (out,), _ = tracker.update(10**18 + 250_000_000, [face(301)])
    assert out.track_id == 1 and out.tracked_s == pytest.approx(0.25, abs=1e-12)


def test_time_tracked_is_a_number_that_a_message_carries_whole() -> None:
    tracker = Tracker()
    tracker.update(0, [face(300)])
    for index in range(1, 50):
        (out,), _ = tracker.update(index * FRAME_NS, [face(300)])
        assert isinstance(out.tracked_s, float) and out.tracked_s == np.float32(out.tracked_s)
        assert out.tracked_s == pytest.approx(index * FRAME_NS * 1e-9, rel=1e-7)


def test_no_faces_give_no_faces() -> None:
    tracker = Tracker()
    assert tracker.update(0, []) == ((), ())
    assert tracker.update(FRAME_NS, []) == ((), ())


def test_new_ids_go_from_left_to_right_whatever_the_order() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        detections = [face(120.0 * k, 200 + 40 * (k % 2)) for k in range(8)]
        faces, _ = Tracker().update(0, [detections[i] for i in rng.permutation(8)])
        assert ids(faces) == ids_by_x(faces) == list(range(1, 9))


@pytest.mark.parametrize("seed", range(5))
def test_order_of_detections_changes_nothing(seed: int) -> None:
    rng, shuffler = np.random.default_rng(seed), np.random.default_rng(seed + 100)
    ordered, shuffled = Tracker(0.3), Tracker(0.3)
    positions, speeds = rng.uniform(0, 1900, (8, 2)), rng.normal(0, 200, (8, 2))
    for frame in range(120):
        positions += speeds * FRAME_NS * 1e-9
        detections = [face(*p, rng=rng) for p in positions if rng.random() > 0.2]
        first = ordered.update(frame * FRAME_NS, detections)
        second = shuffled.update(frame * FRAME_NS, [detections[i] for i in shuffler.permutation(len(detections))])
        assert ids(first[0]) == ids(second[0]) and first[1] == second[1]
        for a, b in zip(first[0], second[0], strict=True):
            assert a.points is b.points


def test_a_group_keeps_five_ids_over_a_hundred_shuffled_frames() -> None:
    rng = np.random.default_rng(0)
    tracker = Tracker()
    for frame in range(100):
        detections = [face(100 + 90 * k, 200 + 30 * (k % 3), 80, rng=rng) for k in range(5)]
        faces, ended = tracker.update(frame * FRAME_NS, [detections[i] for i in rng.permutation(5)])
        assert ids_by_x(faces) == [1, 2, 3, 4, 5] and ended == ()


@pytest.mark.parametrize("speed", [2.0, 5.0, 12.0, 25.0])
@pytest.mark.parametrize("apart", [0.0, 15.0, 50.0])
@pytest.mark.parametrize("seed", range(3))
def test_crossing_faces_keep_their_ids(speed: float, apart: float, seed: int) -> None:
    """They pass each other, in front of each other too: `speed` px a frame each, `apart` px in height."""
    rng = np.random.default_rng(seed)
    tracker = Tracker()
    seen: set[int] = set()
    for frame in range(-60, 61):
        left, right = face(800 + speed * frame, 240, rng=rng), face(800 - speed * frame, 240 + apart, rng=rng)
        pair = [left, right] if rng.random() < 0.5 else [right, left]
        faces, ended = tracker.update((frame + 60) * FRAME_NS, pair)
        assert ended == ()
        seen |= set(ids(faces))
        if abs(frame * speed) > SIZE_PX:
            expected = [1, 2] if frame < 0 else [2, 1]
            assert ids_by_x(faces) == expected, f"at frame {frame}"
    assert seen == {1, 2}


def test_crossing_faces_of_which_the_hidden_one_is_lost_keep_their_ids() -> None:
    rng = np.random.default_rng(0)
    tracker = Tracker()
    for frame in range(-40, 41):
        detections = [face(800 + 8 * frame, rng=rng)]
        if abs(16 * frame) > 0.8 * SIZE_PX:
            detections.append(face(800 - 8 * frame, rng=rng))
        faces, _ = tracker.update((frame + 40) * FRAME_NS, detections)
    assert {f.track_id: round(float(f.points[:, 0].mean()) / 10) for f in faces} == {1: 112, 2: 48}


def test_heads_close_together_are_two() -> None:
    tracker = Tracker()
    for frame in range(10):
        faces, _ = tracker.update(frame * FRAME_NS, [face(300), face(300 + 0.7 * SIZE_PX)])
        assert ids(faces) == [1, 2]


def test_a_face_elsewhere_is_another_face() -> None:
    tracker = Tracker()
    tracker.update(0, [face(300)])
    assert ids(tracker.update(FRAME_NS, [face(600)])[0]) == [2]


def test_a_newcomer_beside_a_face_does_not_push_ids_along() -> None:
    """Assigning as many as possible would give A's id to the newcomer and B's, just gone, to A."""
    tracker = Tracker()
    tracker.update(0, [face(300), face(380)])
    tracker.update(FRAME_NS, [face(300), face(380)])
    faces, _ = tracker.update(2 * FRAME_NS, [face(300), face(220)])
    assert {f.track_id: round(float(f.points[:, 0].mean())) // 10 for f in faces}[1] in (29, 30)


def test_changing_the_topology_keeps_the_ids() -> None:
    tracker = Tracker()
    for frame, count in enumerate((478, 468, 478, 68, 478)):
        detections = [in_topology(face(x), Topology(count)) for x in (300, 600)]
        assert ids(tracker.update(frame * FRAME_NS, detections)[0]) == [1, 2]


def test_reset_ends_all_in_the_next_frame_and_ids_go_on() -> None:
    tracker = Tracker()
    tracker.update(10**12, [face(300), face(600)])
    tracker.reset()
    tracker.reset()
    faces, ended = tracker.update(0, [face(300)])
    assert ids(faces) == [3] and ended == (1, 2)
    assert tracker.update(FRAME_NS, [face(300)])[1] == ()
