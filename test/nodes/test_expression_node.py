"""The expression node: what it listens to, what it publishes, what it refuses. A scripted stage stands in for the
real one wherever the wiring alone is looked at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from harness import DiagnosticsListener, Ros, process, values_of, wait_for
from rclpy.parameter import Parameter
from rclpy.qos import QoSReliabilityPolicy
from stage_for_tests import StageForTests, image
from stages.mesh_faces import BEGIN_NS, frame

from face1d_ros import msg
from face1d_ros.config import MeshConfig
from face1d_ros.convert import from_message, to_message
from face1d_ros.graph import EXPRESSION, EXPRESSION_EVENTS, EXPRESSION_RESULT, LANDMARKS_SMOOTHED, MESH_RESULT
from face1d_ros.nodes import chain
from face1d_ros.nodes.expression_node import ExpressionNode
from face1d_ros.nodes.pipeline_node import PipelineNode
from face1d_ros.nodes.qos import event_qos, image_qos, result_qos
from face1d_ros.stages.mesh import MeshStage
from face1d_ros.synth.corpus.fixed_sets import load_small_test_set, select
from face1d_ros.synth.motion.types import LABELS
from face1d_ros.synth.sequence import Sequence
from face1d_ros.types import (
    FaceExpression,
    FaceExpressionArray,
    FaceExpressionEvent,
    FaceLandmarksArray,
    FaceMesh,
    FaceMeshArray,
    Header,
    Phase,
    StageInfo,
)

QUICK = {"diagnostics_period_s": 0.1}
KINDS = {MESH_RESULT: msg.FaceMeshArray, LANDMARKS_SMOOTHED: msg.FaceLandmarksArray}
INPUTS = {"mesh": (MESH_RESULT,), "landmarks": (LANDMARKS_SMOOTHED,), "both": (MESH_RESULT, LANDMARKS_SMOOTHED)}
EIGHT = tuple(range(1, 9))


class Scripted(StageForTests):
    """Every face of a frame begins to smile in it."""

    name = "expression"

    def process(self, value: Any) -> FaceExpressionArray:
        self.processed += 1
        begun = [
            FaceExpressionEvent(value.header, face.track_id, "happiness", Phase.ONSET, Phase.NEUTRAL)
            for face in value.faces
        ]
        faces = tuple(FaceExpression(face.track_id, "happiness", phase=Phase.ONSET) for face in value.faces)
        info = StageInfo(self.name, "scripted 1", "none")
        return FaceExpressionArray(value.header, ("happiness",), faces=faces, events=tuple(begun), info=info)


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(chain.FACTORIES, EXPRESSION.name, Scripted)


class Bench:
    """An expression node with what it reads before it, and listeners to its result and its events."""

    def __init__(self, ros: Ros, **parameters: Any) -> None:
        self.results: list[FaceExpressionArray] = []
        self.events: list[FaceExpressionEvent] = []
        parameters = {"input": "mesh", **parameters}
        self.node = ros.make(ExpressionNode, {**QUICK, **parameters})
        assert self.node.begin() is None
        self.outside = ros.node("outside")
        topics = INPUTS[parameters["input"]]
        self._inputs = {
            topic.type: self.outside.create_publisher(KINDS[topic], topic.name, result_qos()) for topic in topics
        }
        self._listen(msg.FaceExpressionArray, EXPRESSION_RESULT.name, self.results)
        self._listen(msg.FaceExpressionEvent, EXPRESSION_EVENTS.name, self.events)
        for publisher in self._inputs.values():
            wait_for(publisher.get_subscription_count, "the node's subscription")

    def _listen(self, kind: type, topic: str, came: list[Any]) -> None:
        self.outside.create_subscription(kind, topic, lambda message: came.append(from_message(message)), event_qos())
        wait_for(lambda: self.node.count_subscribers(topic), f"the listener to {topic}")

    def publish(self, value: FaceMeshArray | FaceLandmarksArray) -> None:
        self._inputs[f"face1d_ros/msg/{type(value).__name__}"].publish(to_message(value))

    def answer(self, *values: FaceMeshArray | FaceLandmarksArray) -> FaceExpressionArray:
        """To what it reads of one frame."""
        for value in values:
            self.publish(value)
        stamp_ns = values[0].header.stamp_ns
        return wait_for(lambda: next((r for r in self.results if r.header.stamp_ns == stamp_ns), None), "an answer")


def meshes(index: int = 0, tracks: tuple[int, ...] = (1,)) -> FaceMeshArray:
    faces = tuple(FaceMesh(track_id=track) for track in tracks)
    return FaceMeshArray(Header(BEGIN_NS + index * 40_000_000, "camera"), faces=faces)


def test_a_result_comes_with_every_frame_and_its_header(ros: Ros, scripted: None):
    bench = Bench(ros)
    first, empty = bench.answer(meshes()), bench.answer(meshes(1, ()))
    assert (first.header.frame_id, first.faces[0].track_id, first.faces[0].label) == ("camera", 1, "happiness")
    assert (empty.faces, empty.events) == ((), ())
    assert (empty.info.stage, empty.info.model, empty.info.received) == ("expression", "scripted 1", 2)
    assert 0.0 < first.info.duration_s < 1.0


def test_each_phase_that_begins_is_a_message_of_its_own_however_many_begin_at_once(ros: Ros, scripted: None):
    bench = Bench(ros)
    for index in range(4):
        bench.answer(meshes(index, EIGHT))
    wait_for(lambda: len(bench.events) == 4 * len(EIGHT), "every event")
    told = [(event.header.stamp_ns, event.track_id) for event in bench.events]
    assert told == [(result.header.stamp_ns, track) for result in bench.results for track in EIGHT]
    one = bench.events[0]
    assert (one.label, one.phase, one.previous_phase) == ("happiness", Phase.ONSET, Phase.NEUTRAL)
    assert [event.track_id for event in bench.results[0].events] == list(EIGHT)


def test_events_are_published_whether_somebody_listens_or_not_and_are_reliable(ros: Ros, scripted: None):
    bench = Bench(ros)
    for topic in (EXPRESSION_RESULT, EXPRESSION_EVENTS):
        (info,) = bench.node.get_publishers_info_by_topic(topic.name)
        assert info.qos_profile.reliability == QoSReliabilityPolicy.RELIABLE
    assert bench.node.get_parameter("qos_overrides./face1d/expression_events.publisher.depth").value == 50
    assert {EXPRESSION_RESULT, EXPRESSION_EVENTS} == set(EXPRESSION.results)


@pytest.mark.parametrize("given", INPUTS)
def test_it_listens_to_the_topics_that_input_names(ros: Ros, scripted: None, given: str):
    node = Bench(ros, input=given).node
    heard = {topic: node.count_subscribers(topic.name) for topic in KINDS}
    assert heard == {topic: int(topic in INPUTS[given]) for topic in KINDS}


def test_it_reads_both_of_one_frame_in_whichever_order_they_come(ros: Ros, smile: Sequence, coefficients: list[Any]):
    bench = Bench(ros, input="both")
    for index, mesh in enumerate(coefficients[:6]):
        landmarks = frame(smile, index)
        (face,) = bench.answer(*((landmarks, mesh) if index % 2 else (mesh, landmarks))).faces
        assert len(face.probabilities) == len(bench.results[-1].labels) > 1
    assert len(bench.results) == 6


def test_a_mesh_whose_landmarks_never_come_is_left_out(ros: Ros, smile: Sequence, coefficients: list[Any]):
    bench = Bench(ros, input="both")
    bench.publish(coefficients[0])
    bench.answer(frame(smile, 1), coefficients[1])
    assert [result.header.stamp_ns for result in bench.results] == [coefficients[1].header.stamp_ns]


@pytest.mark.parametrize("is_other_stamp", [False, True])
def test_diagnostics_say_why_two_topics_make_no_pair(
    ros: Ros, smile: Sequence, coefficients: list[Any], is_other_stamp: bool
):
    bench = Bench(ros, input="both", stall_after_s=0.3)
    listener = DiagnosticsListener(ros, "expression_node")
    bench.publish(coefficients[0])
    if is_other_stamp:
        bench.publish(frame(smile, 1))
        listener.wait_for_message("but none of the same stamp on both")
    else:
        listener.wait_for_message("but none on /face1d/landmarks, although it has a publisher")
    assert bench.results == []


def test_it_reads_landmarks_where_it_is_told_to(ros: Ros, scripted: None, smile: Sequence):
    bench = Bench(ros, input="landmarks")
    listener = DiagnosticsListener(ros, "expression_node")
    (face,) = bench.answer(frame(smile, 0)).faces
    assert face.track_id == 1
    wait_for(lambda: listener.statuses, "diagnostics")
    assert values_of(listener.statuses[-1])["input"] == "/face1d/landmarks"


def test_what_does_not_fit_together_is_refused_at_the_start(ros: Ros, scripted: None):
    for parameters, said in (
        (("leave:=0.9",), "leave: got 0.9, expected at most expression_node.enter, which is "),
        (("input:=image",), "input: got 'image', expected one of both, landmarks, mesh"),
        (("hold_s:=3.0",), "hold_s: got 3.0, expected a number from 0 to 2"),
        (("labels:=off",), "labels: got False, expected text; YAML takes on, off, yes and no for that without quotes"),
        (("label:=off",), "unknown key 'label'; did you mean 'labels'?"),
    ):
        code, log = refusal(*parameters)
        assert code == 2 and said in log, log


def refusal(*parameters: str) -> tuple[int, str]:
    """The exit code of a node with these parameters, and what it logged."""
    arguments = [word for parameter in parameters for word in ("-p", parameter)]
    with process(EXPRESSION.module, "--ros-args", *arguments) as child:
        _, log = child.communicate(timeout=40.0)
    return child.returncode, log


def test_changes_while_it_runs_must_fit_together(ros: Ros, scripted: None):
    node = Bench(ros).node
    (refused,) = node.set_parameters([Parameter("enter", value=0.1)])
    assert not refused.successful and "expected at most expression_node.enter, which is 0.1" in refused.reason
    both = [Parameter("enter", value=0.1), Parameter("leave", value=0.05)]
    assert node.set_parameters_atomically(both).successful
    assert (node.config.enter, node.config.leave) == (0.1, 0.05)


@pytest.fixture
def pipeline_stages(monkeypatch: pytest.MonkeyPatch, scripted: None) -> None:
    """No detector, no networks: the landmarks as they come, and expressions by the script."""

    class Same(StageForTests):
        def process(self, value: Any) -> Any:
            return replace(value, info=StageInfo("smoothing", "same"))

    monkeypatch.setitem(chain.FACTORIES, "landmarks_node", StageForTests)
    monkeypatch.setitem(chain.FACTORIES, "smoothing_node", Same)


def test_a_pipeline_without_the_mesh_says_what_expression_needs(
    ros: Ros, pipeline_stages: None, capfd: pytest.CaptureFixture[str]
):
    node = ros.make(PipelineNode, {"stages": "landmarks,smoothing,expression", "expression.input": "mesh"}, spin=False)
    assert node.begin() == 2
    said = "expected also the stage that makes face1d/mesh (mesh), or expression.input: landmarks"
    assert said in capfd.readouterr().err


def test_a_pipeline_without_the_mesh_reads_expressions_from_landmarks(ros: Ros, pipeline_stages: None):
    node = ros.make(PipelineNode, {"stages": "landmarks,smoothing,expression", "expression.input": "landmarks"})
    assert node.begin() is None
    outside, results = ros.node("outside"), []
    outside.create_subscription(msg.FaceExpressionArray, EXPRESSION_RESULT.name, results.append, result_qos())
    camera = outside.create_publisher(INPUT_IMAGE, "camera/image_raw", image_qos())
    wait_for(camera.get_subscription_count, "the node's subscription")
    wait_for(node._links[-1].publisher.get_subscription_count, "the listener")
    wait_for(lambda: (camera.publish(image()), results)[1], "an answer", 10.0)
    assert [face.track_id for face in results[0].faces] == [1]


INPUT_IMAGE = type(image())


# With the stage itself, and the models that come with the package.


@pytest.fixture
def smile() -> Sequence:
    """Of the small test set, one that shows a posed expression."""
    shown = (one for one in select(load_small_test_set(), "expressions") if (one.label > 0).any() and one.seen.all())
    return next(shown)


@pytest.fixture
def coefficients(smile: Sequence) -> Iterator[list[FaceMeshArray]]:
    """What the mesh stage says of its landmarks."""
    with closing(MeshStage(MeshConfig(engine="onnxruntime"))) as stage:
        yield [stage.process(frame(smile, index)) for index in range(len(smile))]


def answers(bench: Bench, given: list[Any]) -> list[FaceExpression]:
    return [bench.answer(value).faces[0] for value in given]


def test_expressions_of_coefficients_come_out_with_their_events(ros: Ros, coefficients: list[FaceMeshArray]):
    bench = Bench(ros)
    faces = answers(bench, coefficients)
    labels = bench.results[-1].labels
    assert set(labels) <= set(LABELS) and len(labels) > 1
    assert {len(face.probabilities) for face in faces} <= {0, len(labels)}
    assert {face.label for face in faces} <= {*labels, "none", ""}
    assert len(faces[-1].actions) == len(bench.results[-1].action_names) > 0
    expected = [event for result in bench.results for event in result.events]
    wait_for(lambda: len(bench.events) == len(expected), "every event")
    assert expected, "a face that makes an expression begins one"
    stamps = [result.header.stamp_ns for result in bench.results]
    for event in expected:
        assert event.phase is not event.previous_phase and event.header.stamp_ns in stamps
        assert event.began_ns <= event.header.stamp_ns


def test_expressions_of_landmarks_come_out_without_a_mesh(ros: Ros, smile: Sequence):
    bench = Bench(ros, input="landmarks")
    faces = answers(bench, [frame(smile, index) for index in range(len(smile))])
    assert any(face.label in LABELS for face in faces)
    assert bench.results[-1].info.stage == "expression"


@pytest.mark.parametrize("given", INPUTS)
def test_without_labels_no_message_names_an_emotion(
    ros: Ros, smile: Sequence, coefficients: list[FaceMeshArray], given: str
):
    bench = Bench(ros, input=given, labels="off")
    read = {MESH_RESULT: coefficients, LANDMARKS_SMOOTHED: [frame(smile, index) for index in range(len(smile))]}
    faces = [bench.answer(*values).faces[0] for values in zip(*(read[topic] for topic in INPUTS[given]), strict=True)]
    assert {(result.labels, result.events) for result in bench.results} == {((), ())} and not bench.events
    assert {face.label for face in faces} == {""}
    assert all(
        len(face.probabilities) == 0 and np.isnan([face.confidence, face.none_probability]).all() for face in faces
    )
    assert np.isfinite(faces[-1].actions).any()


def test_some_labels_are_told_and_the_others_are_none_of_these(ros: Ros, coefficients: list[FaceMeshArray]):
    bench = Bench(ros, labels="happiness,surprise")
    faces = answers(bench, coefficients[:30])
    told = ("neutral", "happiness", "surprise")
    assert {result.labels for result in bench.results} == {told}
    assert {face.label for face in faces} <= {*told, "none"}


@pytest.mark.parametrize(
    ("parameter", "said"),
    [("model:=/nowhere/model", "model: got '/nowhere/model'"), ("labels:=happiness,boredom", "boredom")],
)
def test_a_model_or_a_label_that_is_not_there_is_refused(ros: Ros, parameter: str, said: str):
    code, log = refusal(parameter)
    assert code == 2 and said in log, log
    assert "Traceback" not in log
