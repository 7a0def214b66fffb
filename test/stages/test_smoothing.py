"""The smoothing stage: steadier landmarks, a memory for each face, bridges over short losses."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from smoothing_bundles import ECHO, HALVE, LATE, write_smoother
from smoothing_frames import BEGIN_NS, STEP_NS, face, frame, noisy, shape

from face1d_ros.config import SmoothingConfig
from face1d_ros.filters.make import FILTERS, make_filter
from face1d_ros.stages.smoothing import SmoothingStage
from face1d_ros.types import FaceLandmarksArray, Topology, TrackState

STEP_S = STEP_NS / 1e9
Make = Callable[..., SmoothingStage]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """A stage around one of the networks, or with a model by name."""
    made: list[SmoothingStage] = []

    def stage(model: Any, **settings: Any) -> SmoothingStage:
        name = model if isinstance(model, str) else str(write_smoother(tmp_path / f"tiny_{len(made)}", model))
        made.append(SmoothingStage(SmoothingConfig(model=name, engine="onnxruntime", **settings)))
        return made[-1]

    yield stage
    for each in made:
        each.close()


def given(stage: SmoothingStage, value: FaceLandmarksArray) -> FaceLandmarksArray:
    answer = stage.process(value)
    assert answer is not None
    return answer


def points_of(stage: SmoothingStage, value: FaceLandmarksArray, track_id: int = 1) -> np.ndarray:
    return next(each.points for each in given(stage, value).faces if each.track_id == track_id)


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_steadies_a_face_at_rest_as_it_does_by_itself(make: Make, name: str) -> None:
    stage, alone, generator = make(name), make_filter(name), np.random.default_rng(5)
    raw, steady = [], []
    for index in range(60):
        seen = noisy(1, generator)
        raw.append(seen.points)
        steady.append(points_of(stage, frame(index, [seen])))
        np.testing.assert_allclose(steady[-1], alone(seen.points, index * STEP_S), rtol=0.0, atol=1e-4)
    assert np.std(steady[20:], axis=0).mean() < np.std(raw[20:], axis=0).mean()


def test_a_frame_keeps_its_header_ids_and_what_else_is_known(make: Make) -> None:
    stage = make(HALVE)
    given(stage, frame(0, [face(7)]))
    value = frame(1, [face(7, 4.0, blendshapes=np.ones(52, np.float32), tracked_s=1.5)], ended=(3,))
    answer = given(stage, value)
    assert answer.header is value.header and answer.ended_track_ids == (3,)
    assert (answer.image_width, answer.image_height) == (640, 480)
    assert (answer.info.stage, answer.info.model, answer.info.engine) == ("smoothing", "tiny 1", "onnxruntime-cpu")
    (steady,) = answer.faces
    assert (steady.track_id, steady.state, steady.confidence) == (7, TrackState.MEASURED, 0.8)
    assert (steady.tracked_s, steady.delay_s, len(steady.blendshapes)) == (1.5, 0.0, 52)
    np.testing.assert_allclose(steady.points, shape() + 2.0, atol=1e-4)
    np.testing.assert_allclose(steady.box, [102.0, 102.0, 100.0, 100.0], atol=1e-4)


@pytest.mark.parametrize(("strength", "moved_px"), [(0.0, 4.0), (0.5, 3.0), (1.0, 2.0)])
def test_strength_goes_from_the_measurement_to_the_answer(make: Make, strength: float, moved_px: float) -> None:
    stage = make(HALVE, strength=strength)
    given(stage, frame(0, [face()]))
    np.testing.assert_allclose(points_of(stage, frame(1, [face(shift_px=4.0)])), shape() + moved_px, atol=1e-4)


def test_strength_changes_from_the_next_frame_on(make: Make) -> None:
    stage = make(HALVE)
    given(stage, frame(0, [face()]))
    config = SmoothingConfig(model=stage._config.model, engine="onnxruntime", strength=0.0)
    stage.configure(config)
    np.testing.assert_array_equal(points_of(stage, frame(1, [face(shift_px=4.0)])), shape() + np.float32(4.0))


def test_without_a_model_faces_go_through_untouched_and_none_is_predicted(make: Make) -> None:
    stage, seen = make("none"), face()
    assert given(stage, frame(0, [seen])).faces == (seen,)
    assert given(stage, frame(1)).faces == ()


def test_the_network_is_told_time_and_confidence(make: Make) -> None:
    stage = make(ECHO)
    each = np.linspace(0.0, 1.0, 68).astype(np.float32)
    each[5] = np.nan
    known = np.where(np.isnan(each), np.float32(0.8), each)[:, None]
    cases = [({}, 0.0, 0.8), ({"confidence": np.nan}, STEP_S, 1.0), ({"point_confidence": each}, 2 * STEP_S, known)]
    for index, (fields, dt_s, confidence) in zip((0, 1, 3), cases, strict=True):
        added = points_of(stage, frame(index, [face(**fields)])) - shape()
        np.testing.assert_allclose(added, np.broadcast_to(dt_s + confidence, (68, 3)), atol=1e-4)


def test_every_face_has_its_own_memory_whoever_else_is_there(make: Make) -> None:
    alone = {track_id: make(HALVE) for track_id in (1, 2, 3)}
    together, generator = make(HALVE), np.random.default_rng(2)
    for index in range(30):
        there = [track_id for track_id in (1, 2, 3) if index % 7 or track_id != 1 + index % 3]
        faces = [noisy(track_id, generator, shift_px=50.0 * track_id) for track_id in there]
        generator.shuffle(faces)  # type: ignore[arg-type]
        answer = given(together, frame(index, faces))
        for track_id in (1, 2, 3):
            mine = [each for each in faces if each.track_id == track_id]
            expected = given(alone[track_id], frame(index, mine)).faces
            found = [each for each in answer.faces if each.track_id == track_id]
            assert [each.state for each in found] == [each.state for each in expected]
            for one, other in zip(found, expected, strict=True):
                np.testing.assert_allclose(one.points, other.points, atol=1e-4)


def test_more_faces_than_an_engine_takes_are_all_published(make: Make) -> None:
    stage = make(HALVE)
    for index in range(3):
        faces = [face(track_id, 4.0 * index) for track_id in range(1, 12)]
        answer = given(stage, frame(index, faces))
    assert sorted(each.track_id for each in answer.faces) == list(range(1, 12))
    moved = {each.track_id: float((each.points - shape()).mean()) for each in answer.faces}
    assert [round(moved[track_id], 3) for track_id in range(1, 12)] == [5.0] * 8 + [8.0] * 3
    assert stage.diagnostics()["smoothing.faces left as measured"] == 9
    assert len(given(stage, frame(3, [face(1)])).faces) == 8


def test_a_face_without_an_id_stays_as_measured(make: Make) -> None:
    stage = make(HALVE)
    given(stage, frame(0, [face(0)]))
    seen = face(0, 4.0)
    assert given(stage, frame(1, [seen])).faces == (seen,)


def test_a_loss_is_bridged_with_confidence_that_falls_to_nothing(make: Make) -> None:
    stage = make(HALVE, bridge_s=0.2)
    each = np.full(68, 0.5, np.float32)
    given(stage, frame(0, [face(point_confidence=each, blendshapes=np.ones(52, np.float32), tracked_s=3.0)]))
    for missed in range(1, 6):
        (predicted,) = given(stage, frame(missed)).faces
        left = 1.0 - missed * STEP_S / 0.2
        assert predicted.state is TrackState.BRIDGED and len(predicted.blendshapes) == 0
        assert predicted.confidence == pytest.approx(0.8 * left, abs=1e-6)
        np.testing.assert_allclose(predicted.point_confidence, 0.5 * left, atol=1e-6)
        assert predicted.tracked_s == pytest.approx(3.0 + missed * STEP_S)
        np.testing.assert_allclose(predicted.points, shape() + missed, atol=1e-4)
        np.testing.assert_allclose(predicted.box[:2], 100.0 + missed, atol=1e-4)
    assert given(stage, frame(6)).faces == ()
    assert stage.diagnostics()["faces remembered"] == 0
    np.testing.assert_array_equal(points_of(stage, frame(7, [face(shift_px=9.0)])), shape() + np.float32(9.0))


def test_a_face_seen_again_in_time_goes_on_from_its_prediction(make: Make) -> None:
    stage = make(HALVE)
    for index in range(3):
        given(stage, frame(index, [face()] if not index else []))
    np.testing.assert_allclose(points_of(stage, frame(3, [face()])), shape() + 1.0, atol=1e-4)


@pytest.mark.parametrize("model", ["one_euro", HALVE])
def test_a_track_that_has_ended_is_not_predicted(make: Make, model: Any) -> None:
    stage = make(model)
    given(stage, frame(0, [face(1), face(2)]))
    assert [each.track_id for each in given(stage, frame(1, ended=(2,))).faces] == [1]


def test_a_bridge_of_no_time_is_none(make: Make) -> None:
    stage = make(HALVE, bridge_s=0.0)
    given(stage, frame(0, [face()]))
    np.testing.assert_allclose(points_of(stage, frame(1, [face(shift_px=4.0)])), shape() + 2.0, atol=1e-4)
    assert given(stage, frame(2)).faces == ()


def test_with_a_filter_the_motion_of_the_face_goes_on_and_dies_down(make: Make) -> None:
    stage = make("exponential", bridge_s=2.0)
    for index in range(40):
        last = points_of(stage, frame(index, [face(shift_px=2.0 * index)]))
    way = [float((points_of(stage, frame(index)) - last).mean()) for index in range(40, 80)]
    assert np.std(points_of(stage, frame(80)) - last) < 1e-3
    steps = np.diff([0.0, *way])
    assert 1.0 < steps[0] < 2.0 and (np.diff(steps) < 0.0).all() and steps[-1] < 0.01
    assert way[-1] < 50.0 * 0.2


@pytest.mark.parametrize("jump_s", [-10.0, -STEP_S, 0.5, 5.0])
def test_after_a_jump_in_time_a_face_begins_anew(make: Make, jump_s: float) -> None:
    stage = make(HALVE)
    for index in range(5):
        given(stage, frame(index, [face()]))
    stamp_ns = BEGIN_NS + 4 * STEP_NS + round(jump_s * 1e9)
    seen = face(shift_px=8.0)
    np.testing.assert_array_equal(points_of(stage, frame(0, [seen], stamp_ns=stamp_ns)), seen.points)
    later = frame(0, [face(shift_px=8.0)], stamp_ns=stamp_ns + STEP_NS)
    np.testing.assert_allclose(points_of(stage, later), shape() + 8.0, atol=1e-4)


def test_after_a_reset_nothing_is_remembered(make: Make) -> None:
    stage = make(HALVE)
    given(stage, frame(0, [face()]))
    stage.reset()
    assert given(stage, frame(1)).faces == ()
    np.testing.assert_array_equal(points_of(stage, frame(2, [face(shift_px=4.0)])), shape() + np.float32(4.0))


def test_where_it_looks_ahead_a_frame_waits_for_its_answer(make: Make) -> None:
    stage = make(LATE)
    frames = [frame(index, [face(shift_px=index)]) for index in range(6)]
    answers = [stage.process(value) for value in frames]
    assert answers[:2] == [None, None]
    for sent, answer in zip(frames, answers[2:], strict=False):
        assert answer is not None and answer.header is sent.header
        np.testing.assert_allclose(answer.faces[0].points, sent.faces[0].points + 0.5, atol=1e-4)
        assert answer.faces[0].delay_s == pytest.approx(2 * STEP_S)


def test_where_it_looks_ahead_each_frame_keeps_its_own_faces(make: Make) -> None:
    stage = make(LATE, bridge_s=2 * STEP_S)
    there = [(1,), (1,), (1, 2), (1, 2), (2,), (), (), (), (), ()]
    frames = [frame(i, [face(t, 10.0 * t + i) for t in ids]) for i, ids in enumerate(there)]
    answers = [answer for answer in map(stage.process, frames) if answer is not None]
    measured = [[f.track_id for f in a.faces if f.state is TrackState.MEASURED] for a in answers]
    assert measured == [list(ids) for ids in there[:8]]
    for sent, answer in zip(frames, answers, strict=False):
        for seen in sent.faces:
            found = next(each for each in answer.faces if each.track_id == seen.track_id)
            np.testing.assert_allclose(found.points, seen.points + 0.5, atol=1e-4)


def test_faces_of_another_topology_get_the_model_for_it(make: Make) -> None:
    stage = make("one_euro")
    for topology in (Topology.MESH_478, Topology.MESH_468, Topology.FACE_68):
        value = frame(int(topology), [face(topology=topology)])
        assert given(stage, value).faces[0].points.shape == (int(topology), 3)


def test_the_same_frames_give_the_same_values(make: Make) -> None:
    def run() -> list[Any]:
        stage, generator = make(HALVE), np.random.default_rng(8)
        frames = [frame(i, [noisy(1, generator)] if i % 5 else []) for i in range(40)]
        return [dataclasses.astuple(each)[:5] for value in frames for each in given(stage, value).faces]

    for one, other in zip(run(), run(), strict=True):
        assert one[1:] == other[1:]
        np.testing.assert_array_equal(one[0], other[0])
