from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from harness import DiagnosticsListener, Ros, values_of, wait_for
from rclpy.parameter import Parameter
from rclpy.qos import QoSReliabilityPolicy
from stage_for_tests import StageForTests
from stages.smoothing_bundles import HALVE, LATE, write_smoother
from stages.smoothing_frames import face, frame, shape

from face1d_ros import msg
from face1d_ros.convert import from_message, to_message
from face1d_ros.nodes import chain
from face1d_ros.nodes.pipeline_node import PipelineNode
from face1d_ros.nodes.qos import result_qos
from face1d_ros.nodes.smoothing_node import SmoothingNode
from face1d_ros.types import FaceLandmarksArray, TrackState

QUICK = {"diagnostics_period_s": 0.1}


class Bench:
    """A smoothing node, with a detector before it and a listener behind it."""

    def __init__(self, ros: Ros, **parameters: object) -> None:
        self.results: list[FaceLandmarksArray] = []
        self.node = ros.make(SmoothingNode, {**QUICK, **parameters})
        assert self.node.begin() is None
        outside = ros.node("outside")
        outside.create_subscription(
            msg.FaceLandmarksArray, "face1d/landmarks", lambda m: self.results.append(from_message(m)), result_qos()
        )
        self._detector = outside.create_publisher(msg.FaceLandmarksArray, "face1d/landmarks_raw", result_qos())
        wait_for(self._detector.get_subscription_count, "the node's subscription")
        wait_for(self.node._links[0].publisher.get_subscription_count, "the listener")

    def send(self, value: FaceLandmarksArray) -> None:
        self._detector.publish(to_message(value))

    def answer(self, value: FaceLandmarksArray) -> FaceLandmarksArray:
        """What becomes of this frame."""
        self.send(value)
        stamp_ns = value.header.stamp_ns
        return wait_for(lambda: next((r for r in self.results if r.header.stamp_ns == stamp_ns), None), "an answer")

    def set(self, **parameters: object) -> str:
        """Set parameters; why that is refused, or ''."""
        results = self.node.set_parameters([Parameter(name, value=value) for name, value in parameters.items()])
        return next((each.reason for each in results if not each.successful), "")


@pytest.fixture
def tiny(tmp_path: Path) -> str:
    return str(write_smoother(tmp_path / "tiny", HALVE))


def test_landmarks_come_out_steadied_with_their_header_and_losses_bridged(ros: Ros, tiny: str):
    bench = Bench(ros, model=tiny, engine="onnxruntime")
    bench.answer(frame(0, [face()]))
    answer = bench.answer(frame(1, [face(shift_px=4.0)], ended=(9,)))
    assert (answer.header.frame_id, answer.ended_track_ids) == ("camera", (9,))
    np.testing.assert_allclose(answer.faces[0].points, shape() + 2.0, atol=1e-3)
    info = answer.info
    assert (info.stage, info.model, info.engine, info.received) == ("smoothing", "tiny 1", "onnxruntime-cpu", 2)
    assert 0.0 < info.duration_s < 1.0
    (predicted,) = bench.answer(frame(2)).faces
    assert predicted.state is TrackState.BRIDGED and predicted.confidence == pytest.approx(0.8 * (1 - 0.04 / 0.4))


def test_its_topic_is_reliable(ros: Ros, tiny: str):
    node = Bench(ros, model=tiny).node
    (info,) = node.get_publishers_info_by_topic("face1d/landmarks")
    assert info.qos_profile.reliability == QoSReliabilityPolicy.RELIABLE
    assert node.get_parameter("qos_overrides./face1d/landmarks.publisher.depth").value == 5


def test_model_and_strength_change_while_it_runs(ros: Ros, tiny: str):
    bench = Bench(ros, model=tiny)
    bench.answer(frame(0, [face()]))
    assert bench.set(strength=0) == ""
    np.testing.assert_array_equal(bench.answer(frame(1, [face(shift_px=4.0)])).faces[0].points, shape() + 4.0)
    assert bench.set(model="kalman", strength=1.0) == ""
    assert bench.answer(frame(2, [face()])).info.model == "kalman"


def test_a_model_that_cannot_be_had_is_refused_with_the_reason_and_the_old_one_goes_on(ros: Ros, tiny: str):
    bench = Bench(ros, model=tiny)
    bench.answer(frame(0, [face()]))
    assert "expected one of auto, none, exponential" in bench.set(model="kalmann")
    Path(tiny, "golden.npz").write_bytes(b"")
    assert bench.set(model="one_euro") == ""
    assert bench.answer(frame(1, [face()])).info.model == "one_euro"
    reason = bench.set(model=tiny)
    assert reason.startswith(f"model: got '{tiny}'") and "SHA-256 of golden.npz" in reason
    assert bench.node.get_parameter("model").value == "one_euro"
    assert bench.answer(frame(2, [face()])).info.model == "one_euro"
    assert bench.set(engine="tensorrt") != ""


def test_in_the_pipeline_it_is_refused_under_the_name_of_its_stage(ros: Ros, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(chain.FACTORIES, "landmarks_node", StageForTests)
    node = ros.make(PipelineNode, {"smoothing.model": "one_euro"})
    assert node.begin() is None
    refused, taken = node.set_parameters(
        [Parameter("smoothing.model", value="kalmann"), Parameter("smoothing.model", value="kalman")]
    )
    assert not refused.successful and "model: got 'kalmann'" in refused.reason
    assert taken.successful and node.section_configs["smoothing"].model == "kalman"


def test_a_model_that_cannot_be_had_at_the_start_refuses_the_configuration(ros: Ros, capfd: pytest.CaptureFixture[str]):
    node = ros.make(SmoothingNode, {"model": "/nowhere/model"}, spin=False)
    assert node.begin() == 2
    assert "configuring failed: model: got '/nowhere/model', expected one of auto" in capfd.readouterr().err


def test_diagnostics_say_which_engine_why_and_what_was_refused(ros: Ros, tiny: str):
    listener = DiagnosticsListener(ros, "smoothing_node")
    bench = Bench(ros, model=tiny)
    bench.answer(frame(0, [face(), face(2, points=np.full((68, 3), np.inf, np.float32))]))
    values = values_of(listener.wait_for_message("frames are stamped"))
    assert (values["model"], values["engine"]) == ("tiny 1", "onnxruntime-cpu")
    assert values["engine chosen because"].startswith("ONNX Runtime on the CPU, golden run within")
    assert "not TensorRT" in values["engine chosen because"]
    assert values["smoothing.landmarks not finite"] == "1"
    assert values["faces remembered"] == "1"


def test_without_a_shipped_model_it_says_that_a_filter_is_in_its_place(
    ros: Ros, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("face1d_ros.stages.smoothing_choice.shipped_bundles", list)
    listener = DiagnosticsListener(ros, "smoothing_node")
    bench = Bench(ros)
    assert bench.answer(frame(0, [face()])).info.model == "one_euro"
    values = values_of(listener.wait_for_message("frames are stamped"))
    assert values["notice"] == "no model smoothing_gru_68 comes with this version: the filter one_euro is in its place"
    told = "smoothing: no model smoothing_gru_478 comes with this version"
    time.sleep(0.6)
    assert capfd.readouterr().err.count(told) == 1


def test_a_model_that_looks_ahead_answers_with_the_older_frame(ros: Ros, tmp_path: Path):
    bench = Bench(ros, model=str(write_smoother(tmp_path / "late", LATE)))
    frames = [frame(index, [face(shift_px=index)]) for index in range(4)]
    for value in frames:
        bench.send(value)
        wait_for(lambda value=value: bench.node._seen.stamp_ns == value.header.stamp_ns, "the frame")
    wait_for(lambda: len(bench.results) == 2, "two answers")
    assert [r.header.stamp_ns for r in bench.results] == [value.header.stamp_ns for value in frames[:2]]
    assert [r.faces[0].delay_s for r in bench.results] == pytest.approx([0.08, 0.08])
