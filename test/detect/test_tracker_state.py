"""A tracker that goes on from a saved state is the one that was saved."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pytest
from tracker_faces import FRAME_NS, face, in_topology

from face1d_ros.detect.tracker import Tracker
from face1d_ros.types import FaceLandmarks, Topology

FRAMES = 150


def crowd(seed: int) -> list[list[FaceLandmarks]]:
    """Five people who walk about, jitter, vanish and come back, one of them seen with fewer landmarks."""
    rng = np.random.default_rng(seed)
    positions, speeds = rng.uniform(0, 900, (5, 2)), rng.normal(0, 200, (5, 2))
    frames = []
    for _ in range(FRAMES):
        positions += speeds * FRAME_NS * 1e-9
        seen = [face(*p, rng=rng) for p in positions if rng.random() > 0.3]
        frames.append([in_topology(f, Topology.MESH_468) if i == 4 else f for i, f in enumerate(seen)])
    return frames


def through_json(tracker: Tracker) -> Tracker:
    """Another one with the same settings and the saved state."""
    other = Tracker(tracker.lost_after_s)
    other.restore(json.loads(json.dumps(tracker.state())))
    return other


def told(tracker: Tracker, frames: Sequence[list[FaceLandmarks]], first: int) -> list[object]:
    """Ids, times, boxes and ends of every frame, exactly."""
    found: list[object] = []
    for index, detections in enumerate(frames, first):
        faces, ended = tracker.update(index * FRAME_NS, detections)
        found.append(([(f.track_id, f.tracked_s, f.box.tobytes(), f.points.tobytes()) for f in faces], ended))
    return found


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("split", [1, 7, 60, 149])
def test_it_gives_the_same_ids_and_ends_as_if_it_had_gone_on(seed: int, split: int) -> None:
    frames = crowd(seed)
    whole, first = Tracker(0.2), Tracker(0.2)
    wanted = told(whole, frames, 0)
    assert told(first, frames[:split], 0) == wanted[:split]
    second = through_json(first)
    assert told(second, frames[split:], split) == wanted[split:]
    assert (second.invalid, second.duplicates) == (whole.invalid, whole.duplicates)
    assert second.state() == whole.state()


def test_every_frame_may_be_the_last_before_it() -> None:
    frames = crowd(9)[:60]
    wanted = told(Tracker(0.2), frames, 0)
    tracker, found = Tracker(0.2), []
    for index, detections in enumerate(frames):
        found += told(tracker, [detections], index)
        tracker = through_json(tracker)
    assert found == wanted


def test_ids_that_are_about_to_be_listed_as_ended_are_listed() -> None:
    tracker = Tracker()
    tracker.update(0, [face(300)])
    tracker.reset()
    assert through_json(tracker).update(FRAME_NS, [])[1] == (1,)


def test_what_is_saved_of_an_unused_one_is_an_unused_one() -> None:
    (out,), ended = through_json(Tracker()).update(FRAME_NS, [face(300)])
    assert (out.track_id, ended) == (1, ())
