"""Bad input and bad answers of the smoothing stage: nothing of either is published, and it recovers at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from smoothing_bundles import FRAGILE, FRAGILE_FROM_PX, HALVE, STRAYING, write_smoother
from smoothing_frames import BEGIN_NS, STEP_NS, face, frame, shape

from face1d_ros.config import SmoothingConfig
from face1d_ros.engines.background import ModelRunner
from face1d_ros.errors import EngineError
from face1d_ros.stages.smoothing import SmoothingStage
from face1d_ros.types import FaceLandmarks, FaceLandmarksArray, Topology, TrackState

FRAMES, FEW_FRAMES = 10_000, 400
LONG = {"all NaN", "far away", "frozen image", "frozen stamp", "every frame twice"}
RECOVERED_AFTER = 10
"""Frames of good input."""
RNG = np.random.default_rng(4)
STILL = shape()


def spoilt(value: float, part: float = 1.0) -> FaceLandmarks:
    points = STILL.copy()
    points[: max(1, round(part * len(points)))] = value
    return face(points=points)


def flickering(index: int) -> FaceLandmarksArray:
    return frame(index, [face(points=STILL * np.float32(1e3 if index % 2 else 1e-3))])


NO_NUMBER, AFAR, SEEN = spoilt(np.nan), spoilt(1.1e5, 0.2), face()
MOVED = [face(shift_px=shift) for shift in range(50)]

BAD: dict[str, Callable[[int], FaceLandmarksArray]] = {
    "all NaN": lambda i: frame(i, [NO_NUMBER]),
    "one NaN": lambda i: frame(i, [spoilt(np.nan, 0.0)]),
    "infinite": lambda i: frame(i, [spoilt(np.inf), face(2, points=-spoilt(np.inf).points)]),
    "far away": lambda i: frame(i, [AFAR]),
    "largest": lambda i: frame(i, [spoilt(3.4e38, 0.2)]),
    "all in one place": lambda i: frame(i, [spoilt(7.0)]),
    "too few points": lambda i: frame(i, [face(points=STILL[:-1])]),
    "no points": lambda i: frame(i, [face(points=STILL[:0])]),
    "no topology": lambda i: frame(i, [face(points=STILL).__class__(points=STILL, track_id=1)]),
    "id twice": lambda i: frame(i, [face(1), face(1, 30.0)]),
    "size flickers": flickering,
    "frozen image": lambda i: frame(i, [SEEN]),
    "frozen stamp": lambda i: frame(0, [MOVED[i % 50]] if i % 3 else []),
    "every frame twice": lambda i: frame(i // 2, [MOVED[i // 2 % 50]]),
    "backwards": lambda i: frame(-i, [face(shift_px=i % 50)] if i % 3 else []),
    "to and fro": lambda i: frame(i + (-1) ** i * 5, [face()] if i % 3 else []),
    "huge leaps": lambda i: frame(0, [face()] if i % 3 else [], stamp_ns=i * 400 * 10**12),
    "a new face each time": lambda i: frame(0, [face(i + 1)], stamp_ns=BEGIN_NS + i),
    "no confidence": lambda i: frame(i, [face(confidence=0.0)]),
    "confidence -9": lambda i: frame(i, [face(confidence=-9.0)]),
    "confidence infinite": lambda i: frame(i, [face(point_confidence=np.full(68, np.inf, np.float32))]),
    "confidence of others": lambda i: frame(i, [face(point_confidence=np.ones(67, np.float32))]),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_frames_let_nothing_bad_out_and_it_is_well_again_at_once(tmp_path: Path, kind: str) -> None:
    config = SmoothingConfig(model=str(write_smoother(tmp_path / "tiny", HALVE)), engine="onnxruntime")
    stage = SmoothingStage(config)
    newest_ns = 0
    for index in range(FRAMES if kind in LONG else FEW_FRAMES):
        sent = BAD[kind](index)
        newest_ns = max(newest_ns, sent.header.stamp_ns)
        answer = stage.process(sent)
        assert answer is not None and answer.header is sent.header
        _check(answer, sent)
        assert len(stage._tracks) <= 8
    for step in range(1, RECOVERED_AFTER + 1):
        seen = face(shift_px=3.0 * step)
        answer = stage.process(frame(0, [seen], stamp_ns=newest_ns + step * STEP_NS))
        assert answer is not None and 1 in [each.track_id for each in answer.faces]
    steady = next(each for each in answer.faces if each.track_id == 1)
    assert steady.state is TrackState.MEASURED
    lag_px = (seen.points - steady.points).mean()  # a lag of one frame in the end, as of an undisturbed one
    assert lag_px == pytest.approx(3.0, abs=0.1)
    assert np.ptp(seen.points - steady.points) < 0.5
    stage.close()


def _check(answer: FaceLandmarksArray, sent: FaceLandmarksArray) -> None:
    ids = [each.track_id for each in answer.faces]
    assert len(set(ids)) == len(ids)
    for each in answer.faces:
        assert each.points.shape == (68, 3) and np.abs(each.points).max() <= 1e5
        assert math.isfinite(each.box.sum()) and 0.0 <= each.confidence <= 1.0
    measured = {each.track_id for each in answer.faces if each.state is TrackState.MEASURED}
    assert measured <= {each.track_id for each in sent.faces}


@pytest.mark.parametrize(
    "kind", ["all NaN", "far away", "all in one place", "too few points", "no topology", "confidence -9"]
)
def test_a_face_that_cannot_be_used_counts_as_not_seen(tmp_path: Path, kind: str) -> None:
    stage = SmoothingStage(SmoothingConfig(model=str(write_smoother(tmp_path / "tiny", HALVE)), bridge_s=0.35))
    stage.process(frame(0, [face()]))
    states = []
    for index in range(1, 12):
        answer = stage.process(BAD[kind](index))
        assert answer is not None
        states.append([each.state for each in answer.faces])
    assert states == [[TrackState.BRIDGED]] * 8 + [[]] * 3
    refused = {key: count for key, count in stage.diagnostics().items() if key.startswith("smoothing.")}
    assert list(refused.values()) == [11]
    stage.close()


def test_with_a_repeated_stamp_faces_are_as_measured_and_none_is_predicted(tmp_path: Path) -> None:
    stage = SmoothingStage(SmoothingConfig(model=str(write_smoother(tmp_path / "tiny", HALVE))))
    stage.process(frame(0, [face(1), face(2)]))
    again = frame(0, [face(1, 6.0)])
    assert stage.process(again).faces == again.faces  # type: ignore[union-attr]
    assert stage.diagnostics()["smoothing.stamp repeated"] == 1
    answer = stage.process(frame(1, [face(1, 2.0)]))
    assert answer is not None
    assert [each.state for each in answer.faces] == [TrackState.MEASURED, TrackState.BRIDGED]
    np.testing.assert_allclose(answer.faces[0].points, STILL + 1.0, atol=1e-4)
    stage.close()


def test_two_topologies_in_a_frame_are_not_mixed() -> None:
    stage = SmoothingStage(SmoothingConfig(model="one_euro"))
    for index in range(3):
        answer = stage.process(frame(index, [face(1), face(2, topology=Topology.MESH_478)]))
        assert answer is not None and [each.track_id for each in answer.faces] == [1]
    assert stage.diagnostics()["smoothing.two topologies in a frame"] == 3


@pytest.mark.parametrize("network", [FRAGILE, STRAYING])
def test_an_answer_that_cannot_be_is_replaced_by_the_measurement(tmp_path: Path, network: list) -> None:
    stage = SmoothingStage(SmoothingConfig(model=str(write_smoother(tmp_path / "tiny", network))))
    still, there = face(1), FRAGILE_FROM_PX + 10.0
    stage.process(frame(0, [still, face(2)]))
    bad = face(1, there)
    answer = stage.process(frame(1, [bad, face(2, 4.0)]))
    assert answer is not None
    np.testing.assert_array_equal(answer.faces[0].points, bad.points)
    assert answer.faces[0].state is TrackState.MEASURED
    counted = stage.diagnostics()["smoothing.answers refused"]
    if network is FRAGILE:
        assert counted == 1
        np.testing.assert_allclose(answer.faces[1].points, STILL + 2.0, atol=1e-4)
        answer = stage.process(frame(2, [face(1, 8.0), face(2, 4.0)]))
        assert answer is not None
        moved = {each.track_id: float((each.points - STILL).mean()) for each in answer.faces}
        assert moved == pytest.approx({1: 8.0, 2: 3.0}, abs=1e-3)  # 1 has begun anew, 2 has gone on
    else:
        assert counted == 4
    stage.close()


def test_a_prediction_that_cannot_be_is_left_out(tmp_path: Path) -> None:
    stage = SmoothingStage(SmoothingConfig(model=str(write_smoother(tmp_path / "tiny", STRAYING))))
    stage.process(frame(0, [face()]))
    for index in range(1, 4):
        answer = stage.process(frame(index))
        assert answer is not None and answer.faces == ()
    stage.close()


def test_when_the_engine_fails_faces_go_on_as_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = SmoothingStage(SmoothingConfig(model=str(write_smoother(tmp_path / "tiny", HALVE))))
    stage.process(frame(0, [face()]))

    def fail(_: ModelRunner) -> None:
        raise EngineError("onnxruntime", "out of memory")

    with monkeypatch.context() as broken:
        broken.setattr(ModelRunner, "run", fail)
        seen = face(shift_px=4.0)
        answer = stage.process(frame(1, [seen]))
        assert answer is not None and answer.faces == (seen,)
        assert stage.diagnostics()["smoothing.engine failed"] == 1
    answer = stage.process(frame(2, [face(shift_px=8.0)]))
    assert answer is not None
    np.testing.assert_allclose(answer.faces[0].points, STILL + 8.0, atol=1e-4)
    stage.close()
