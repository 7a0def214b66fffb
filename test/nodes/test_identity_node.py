"""The identity node: its action, services and topic, in a node of its own and in the pipeline."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from action_msgs.msg import GoalStatus
from builtin_interfaces.msg import Duration
from harness import DEADLINE_S, DiagnosticsListener, Output, Ros, process, values_of, wait_for
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.action import ActionClient
from rclpy.parameter import Parameter
from stage_for_tests import StageForTests, image
from stages.identity_faces import (
    BEGIN_NS,
    BROWS,
    JAW,
    NS,
    RATE_HZ,
    face,
    motion,
    moving,
    resting,
    write_encoder,
)

from face1d_ros import msg, srv
from face1d_ros.action import EnrollSubject
from face1d_ros.convert import from_message, to_message
from face1d_ros.graph import (
    ENROL,
    FORGET,
    IDENTIFY,
    IDENTITY,
    IDENTITY_RESULT,
    LANDMARKS_SMOOTHED,
    LIST_SUBJECTS,
    PIPELINE,
    REVOKE,
    VERIFY,
)
from face1d_ros.nodes import chain, identity_enrolling
from face1d_ros.nodes.identity_node import IdentityNode
from face1d_ros.nodes.pipeline_node import PipelineNode
from face1d_ros.nodes.qos import image_qos, result_qos
from face1d_ros.stages.identity import IdentityStage
from face1d_ros.types import Decision, FaceIdentity, FaceLandmarks, FaceLandmarksArray, Header, StageInfo

SERVICES = {
    VERIFY.name: srv.VerifySubject,
    IDENTIFY.name: srv.IdentifySubject,
    LIST_SUBJECTS.name: srv.ListSubjects,
    FORGET.name: srv.ForgetSubject,
    REVOKE.name: srv.RevokeGallery,
}
AGREED = {"consent": True, "consent_text": "I, Ada Lovelace, agree.", "repetitions": 2}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_encoder(tmp_path_factory.mktemp("bundles") / "deformation")


@pytest.fixture
def settings(bundle: Path, tmp_path: Path) -> dict[str, Any]:
    places = {"gallery": str(tmp_path / "gallery"), "key": str(tmp_path / "gallery.key")}
    return {**places, "model": str(bundle), "engine": "onnxruntime"}


class Outside:
    """Somebody who asks an identity node for things, and shows faces to it."""

    def __init__(self, ros: Ros, topic: str = LANDMARKS_SMOOTHED.name, namespace: str = "") -> None:
        self.node = ros.node("outside")
        self.results: list[Any] = []
        self.feedback: list[Any] = []
        self._stamp_ns = BEGIN_NS
        self._namespace = namespace
        self.node.create_subscription(
            msg.FaceIdentityArray,
            namespace + IDENTITY_RESULT.name,
            lambda message: self.results.append(from_message(message)),
            result_qos(),
        )
        self._landmarks = self.node.create_publisher(msg.FaceLandmarksArray, namespace + topic, result_qos())
        self.action = ActionClient(self.node, EnrollSubject, namespace + ENROL.name)
        assert self.action.wait_for_server(DEADLINE_S)
        wait_for(self._landmarks.get_subscription_count, "the node's subscription")
        wait_for(lambda: self.node.count_publishers(namespace + IDENTITY_RESULT.name), "the node's topic")

    def ask(self, name: str, **fields: Any) -> Any:
        kind = SERVICES[name]
        client = self.node.create_client(kind, self._namespace + name)
        assert client.wait_for_service(DEADLINE_S)
        future = client.call_async(kind.Request(**fields))
        wait_for(future.done, f"an answer of {name}")
        return future.result()

    def show(self, *faces: FaceLandmarks, ended: Iterable[int] = ()) -> Any:
        """A frame, and its answer."""
        self._stamp_ns += round(NS / RATE_HZ)
        stamp_ns = self._stamp_ns
        self._landmarks.publish(
            to_message(FaceLandmarksArray(Header(stamp_ns, "camera"), 640, 480, faces, tuple(ended)))
        )
        return wait_for(lambda: next((r for r in self.results if r.header.stamp_ns == stamp_ns), None), "an answer")

    def play(self, clip: list[np.ndarray]) -> FaceIdentity:
        """What is told of the face in the last frame."""
        for points in clip:
            answer = self.show(face(points))
        told: FaceIdentity = answer.faces[0]
        return told

    def goal(self, **fields: Any) -> Any:
        """The handle of an accepted one."""
        goal = EnrollSubject.Goal(**{**AGREED, **fields})
        future = self.action.send_goal_async(goal, lambda message: self.feedback.append(message.feedback))
        wait_for(future.done, "the goal's acceptance")
        handle = future.result()
        assert handle.accepted
        return handle

    def result(self, handle: Any) -> Any:
        future = handle.get_result_async()
        return wait_for(lambda: future.result() if future.done() else None, "the result")

    def enrol(self, shape: np.ndarray, **fields: Any) -> str:
        """The handle of a person who makes this motion."""
        handle = self.goal(**fields)
        for clip in (resting(), [*moving(shape), *resting(1.4)], [*moving(shape), *resting(1.4)]):
            self.play(clip)
        answer = self.result(handle)
        assert answer.status == GoalStatus.STATUS_SUCCEEDED, answer.result.message
        return str(answer.result.subject)


class Bench(Outside):
    """With the node."""

    def __init__(self, ros: Ros, settings: dict[str, Any], **parameters: Any) -> None:
        self.identity = ros.make(IdentityNode, {"diagnostics_period_s": 0.1, **settings, **parameters})
        assert self.identity.begin() is None
        super().__init__(ros)


@pytest.fixture
def bench(ros: Ros, settings: dict[str, Any]) -> Bench:
    made = Bench(ros, settings)
    made.play(resting(0.2))
    return made


def test_until_somebody_enrols_every_face_is_unknown_and_nothing_is_stored(bench: Bench, tmp_path: Path):
    told = bench.play(motion(JAW))
    assert (told.track_id, told.decision) == (1, Decision.UNKNOWN)
    assert bench.results[-1].header.frame_id == "camera" and bench.results[-1].info.stage == "identity"
    assert bench.ask(LIST_SUBJECTS.name).subjects == [] and list(tmp_path.iterdir()) == []
    answer = bench.ask(IDENTIFY.name)
    assert (answer.accepted, answer.message) == (False, "nobody is enrolled; enrol somebody first")


def test_a_person_enrols_is_listed_verified_identified_and_forgotten(bench: Bench):
    subject = bench.enrol(JAW)
    (listed,) = bench.ask(LIST_SUBJECTS.name).subjects
    assert (listed.handle, listed.templates, listed.algorithm, listed.damaged) == (subject, 2, "deformation 1", False)
    answer = bench.ask(VERIFY.name, subject=subject)
    assert (answer.accepted, answer.message, answer.track_id) == (True, "", 1)
    told = bench.play(motion(JAW))
    assert (told.decision, told.subject, told.claimed) == (Decision.VERIFIED, subject, True)
    assert BEGIN_NS < told.judged_from_ns < told.judged_to_ns < bench.results[-1].header.stamp_ns
    assert bench.ask(IDENTIFY.name, timeout_s=5.0).accepted
    assert bench.play(motion(BROWS)).decision is Decision.NO_MATCH
    gone = bench.ask(FORGET.name, subject=subject)
    assert (gone.success, gone.message, gone.templates_removed) == (True, "", 2)
    assert bench.ask(LIST_SUBJECTS.name).subjects == []
    again = bench.ask(FORGET.name, subject=subject)
    assert not again.success and subject in again.message


def test_an_enrolment_tells_how_far_it_is_at_every_change(bench: Bench):
    subject = bench.enrol(JAW)
    assert len(subject) == 16
    feedback = EnrollSubject.Feedback
    told = [(one.state, one.captured) for one in bench.feedback]
    for expected in (
        (feedback.STATE_WAITING_FOR_MOTION, 0),
        (feedback.STATE_WAITING_FOR_MOTION, 1),
        (feedback.STATE_COMPARING, 2),
    ):
        assert expected in told
    last = bench.feedback[-1]
    assert (last.repetitions, last.track_id, last.hint) == (2, 1, "") and 0.9 < last.quality <= 1.0


def test_feedback_goes_on_while_nothing_changes(bench: Bench):
    handle = bench.goal()
    wait_for(lambda: len(bench.feedback) >= 4, "feedback", 10.0)
    assert len({(one.state, one.hint) for one in bench.feedback}) == 1
    wait_for(handle.cancel_goal_async().done, "the cancelling")


def test_while_somebody_enrols_the_executor_rests(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    bench.goal()
    looks: list[float] = []
    look = identity_enrolling.EnrolmentServer._watch_frames
    monkeypatch.setattr(
        identity_enrolling.EnrolmentServer,
        "_watch_frames",
        lambda server, enrolment: (looks.append(time.monotonic()), look(server, enrolment)),
    )
    wait_for(lambda: len(looks) >= 3, "three looks")
    waiting = [task for task, *_ in bench.identity.executor._tasks if not task.done()]
    assert waiting == [], "the executor would poll it without a pause"
    assert np.diff(looks).min() > 0.02


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"consent": False}, "the person's consent is missing; ask the person, and give both"),
        ({"consent_text": " "}, "the text that the person agreed to is missing"),
        ({"repetitions": 1}, "1 repetitions; ask for 2 to 20"),
        ({"timeout_s": -2.0}, "a timeout of -2 s"),
        ({"expires_after": Duration(sec=-1)}, "an expiry in the past"),
        ({"subject": "Ada"}, "no subject of this handle is enrolled"),
    ],
)
def test_what_is_refused_ends_at_once_and_says_why(bench: Bench, tmp_path: Path, fields: dict[str, Any], said: str):
    answer = bench.result(bench.goal(**fields))
    assert answer.status == GoalStatus.STATUS_ABORTED
    assert not answer.result.success and said in answer.result.message
    assert (answer.result.subject, answer.result.templates) == ("", 0) and math.isnan(answer.result.quality)
    assert list(tmp_path.iterdir()) == []


def test_a_second_enrolment_is_refused_and_the_first_goes_on(bench: Bench):
    first = bench.goal()
    refused = bench.result(bench.goal())
    assert refused.status == GoalStatus.STATUS_ABORTED and "another enrolment is going on" in refused.result.message
    assert first.status in (GoalStatus.STATUS_ACCEPTED, GoalStatus.STATUS_EXECUTING)
    bench.play([*resting(), *moving(JAW), *resting(1.4), *moving(JAW), *resting(1.4)])
    assert bench.result(first).result.success


def test_one_that_has_just_ended_is_told_before_the_next_begins(
    ros: Ros, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(identity_enrolling, "LOOK_EVERY_S", 600.0)
    bench = Bench(ros, settings)
    bench.play(resting(0.2))
    first = bench.goal()
    bench.play(resting(0.2))
    bench.show(ended=(1,))
    bench.goal()
    assert "the face was lost" in bench.result(first).result.message


def test_while_one_is_being_stored_no_other_begins(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    may_store, store = threading.Event(), IdentityStage.store

    def slow(stage: IdentityStage, enrolment: Any) -> Any:
        may_store.wait(DEADLINE_S)
        return store(stage, enrolment)

    monkeypatch.setattr(IdentityStage, "store", slow)
    first = bench.goal()
    bench.play([*resting(), *moving(JAW), *resting(1.4), *moving(JAW), *resting(1.4)])
    wait_for(lambda: bench.feedback[-1].state == EnrollSubject.Feedback.STATE_COMPARING, "the end of the repetitions")
    assert "another enrolment is going on" in bench.result(bench.goal()).result.message
    may_store.set()
    assert bench.result(first).result.success


def test_a_node_that_is_shut_down_during_an_enrolment_goes_quietly(bench: Bench, capfd: pytest.CaptureFixture[str]):
    handle = bench.goal()
    bench.play(resting(0.2))
    change = bench.node.create_client(ChangeState, "identity_node/change_state")
    assert change.wait_for_service(DEADLINE_S)
    request = ChangeState.Request(transition=Transition(id=Transition.TRANSITION_ACTIVE_SHUTDOWN))
    future = change.call_async(request)
    wait_for(future.done, "the shutdown")
    assert future.result().success
    wait_for(lambda: handle.status in (GoalStatus.STATUS_ABORTED, GoalStatus.STATUS_UNKNOWN), "the goal's end", 10.0)
    logged = capfd.readouterr().err
    assert "finalized" in logged and "Traceback" not in logged, logged


def test_an_enrolment_can_be_cancelled_and_nothing_is_stored(bench: Bench):
    handle = bench.goal()
    bench.play([*resting(), *moving(JAW), *resting(1.4)])
    future = handle.cancel_goal_async()
    wait_for(future.done, "the cancelling")
    assert len(future.result().goals_canceling) == 1
    answer = bench.result(handle)
    assert answer.status == GoalStatus.STATUS_CANCELED and answer.result.message == "cancelled; begin anew"
    assert bench.ask(LIST_SUBJECTS.name).subjects == []
    bench.enrol(JAW)


def test_whose_face_is_lost_is_not_enrolled(bench: Bench):
    handle = bench.goal()
    bench.play(resting())
    bench.show(ended=(1,))
    answer = bench.result(handle)
    assert answer.status == GoalStatus.STATUS_ABORTED and "the face was lost" in answer.result.message


def test_an_enrolment_without_frames_ends_and_says_so(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(identity_enrolling, "NO_FRAMES_S", 0.5)
    answer = bench.result(bench.goal())
    assert answer.result.message == "no frame has come for 0.5 s; /diagnostics says why"


def test_a_subject_expires_after_the_time_that_the_goal_names(bench: Bench):
    bench.enrol(JAW, expires_after=Duration(sec=3600))
    # By the frames' stamps, which are long past for the node's own time: it removes the subject when it looks.
    assert bench.ask(LIST_SUBJECTS.name).subjects == []


def test_revoking_asks_for_the_word(bench: Bench):
    bench.enrol(JAW)
    refused = bench.ask(REVOKE.name, confirm="yes")
    assert not refused.success and "write 'revoke' in `confirm`" in refused.message
    assert len(bench.ask(LIST_SUBJECTS.name).subjects) == 1
    done = bench.ask(REVOKE.name, confirm="revoke")
    assert (done.success, done.subjects_revoked) == (True, 1)
    assert bench.ask(LIST_SUBJECTS.name).subjects == []


def test_requests_for_faces_that_are_not_there_say_so(bench: Bench):
    subject = bench.enrol(JAW)
    answer = bench.ask(VERIFY.name, subject=subject, track_id=9)
    assert (answer.accepted, answer.track_id) == (False, 0) and "face 9 is not seen (in view: 1)" in answer.message


def test_a_failure_inside_is_said_and_the_node_goes_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    def fail(*given: object) -> None:
        raise RuntimeError("an error of ours")

    with monkeypatch.context() as broken:
        for name in ("identify", "enrol"):
            broken.setattr(IdentityStage, name, fail)
        assert bench.ask(IDENTIFY.name).message == "this failed inside the node; its log says why"
        assert bench.result(bench.goal()).result.message == "this failed inside the node; its log says why"
    assert capfd.readouterr().err.count("RuntimeError: an error of ours") == 2
    bench.enrol(JAW)


def test_where_storing_fails_the_result_says_so(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    def fail(*given: object) -> None:
        raise RuntimeError("an error of ours")

    monkeypatch.setattr(IdentityStage, "store", fail)
    handle = bench.goal()
    bench.play([*resting(), *moving(JAW), *resting(1.4), *moving(JAW), *resting(1.4)])
    answer = bench.result(handle)
    assert answer.status == GoalStatus.STATUS_ABORTED and "failed inside the node" in answer.result.message


def test_a_node_that_is_not_active_refuses_and_one_that_is_deactivated_ends_what_goes_on(bench: Bench):
    subject = bench.enrol(JAW)
    handle = bench.goal()
    bench.identity.trigger_deactivate()
    answer = bench.result(handle)
    assert answer.status == GoalStatus.STATUS_ABORTED
    assert answer.result.message == "identity was stopped; begin anew"
    assert bench.ask(VERIFY.name, subject=subject).message == "the node is not active; activate it"
    assert bench.result(bench.goal()).result.message == "the node is not active; activate it"
    assert len(bench.ask(LIST_SUBJECTS.name).subjects) == 1
    bench.identity.trigger_cleanup()
    wait_for(lambda: not bench.action.server_is_ready(), "the action's end")


def test_diagnostics_tell_the_gallery_its_subjects_and_what_is_going_on(
    ros: Ros, bench: Bench, settings: dict[str, Any], tmp_path: Path
):
    listener = DiagnosticsListener(ros, "identity_node")

    def told(key: str, value: str) -> bool:
        return bool(listener.statuses) and values_of(listener.statuses[-1]).get(key) == value

    wait_for(lambda: told("subjects", "0"), "no subjects")
    subject = bench.enrol(JAW)
    wait_for(lambda: told("subjects", "1") and told("enrolment", "none"), "one subject")
    assert told("gallery", settings["gallery"]) and told("subjects damaged", "none")
    bench.goal()
    wait_for(lambda: told("enrolment", "waiting_for_face"), "an enrolment")
    (record,) = (tmp_path / "gallery").glob(f"{subject}.*")
    record.write_bytes(b"rubbish")
    (tmp_path / "gallery" / "header").touch()
    wait_for(lambda: told("subjects damaged", subject), "a damaged subject")


def test_no_log_names_a_handle_or_what_a_person_agreed_to(bench: Bench, capfd: pytest.CaptureFixture[str]):
    subject = bench.enrol(JAW)
    bench.ask(VERIFY.name, subject=subject)
    bench.play(motion(JAW))
    bench.ask(FORGET.name, subject=subject)
    logged = capfd.readouterr()
    assert "Ada" not in logged.out + logged.err and subject not in logged.out + logged.err


def test_a_rate_that_was_not_measured_is_refused_at_the_start_and_while_it_runs(
    ros: Ros, bench: Bench, settings: dict[str, Any], capfd: pytest.CaptureFixture[str]
):
    (refused,) = bench.identity.set_parameters([Parameter("false_match_rate", value=0.4)])
    assert not refused.successful and "from 0.0001 to 0.1, as measured for deformation 1" in refused.reason
    assert bench.identity.set_parameters([Parameter("false_match_rate", value=0.01)])[0].successful
    node = ros.make(IdentityNode, {**settings, "false_match_rate": 1e-5}, spin=False, node_name="other")
    assert node.begin() == 2
    assert "false_match_rate: got 1e-05" in capfd.readouterr().err


def test_a_namespace_moves_the_topic_the_services_and_the_action(ros: Ros, settings: dict[str, Any]):
    node = ros.make(IdentityNode, settings, namespace="/robot")
    assert node.begin() is None
    outside = Outside(ros, namespace="/robot/")
    outside.play(resting(0.2))
    assert len(outside.enrol(JAW)) == 16


# In the pipeline.


def test_the_pipeline_offers_the_same(ros: Ros, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch):
    """Its stages before it are stood in for: frames are the images' numbers."""
    clip = [*resting(), *(points for _ in range(3) for points in motion(JAW))]

    class Detector(StageForTests):
        def process(self, frame: Any) -> FaceLandmarksArray:
            shown = face(clip[int(frame.header.frame_id)])
            return FaceLandmarksArray(frame.header, 640, 480, (shown,), info=StageInfo("landmarks", "test"))

    class Same(StageForTests):
        def process(self, value: Any) -> Any:
            return replace(value, info=StageInfo("smoothing", "same"))

    monkeypatch.setitem(chain.FACTORIES, "landmarks_node", Detector)
    monkeypatch.setitem(chain.FACTORIES, "smoothing_node", Same)
    own = {f"identity.{key}": value for key, value in settings.items()}
    node = ros.make(PipelineNode, {"stages": "landmarks,smoothing,identity", **own})
    assert node.begin() is None
    outside = ros.node("outside")
    results: list[Any] = []
    outside.create_subscription(
        msg.FaceIdentityArray, IDENTITY_RESULT.name, lambda message: results.append(from_message(message)), result_qos()
    )
    camera = outside.create_publisher(type(image()), "camera/image_raw", image_qos())
    wait_for(camera.get_subscription_count, "the node's subscription")
    wait_for(node._links[-1].publisher.get_subscription_count, "the listener")

    def show(index: int) -> Any:
        stamp_ns = BEGIN_NS + round(index * NS / RATE_HZ)
        camera.publish(image(index, stamp_ns=stamp_ns))
        return wait_for(lambda: next((r for r in results if r.header.stamp_ns == stamp_ns), None), "an answer")

    client = ActionClient(outside, EnrollSubject, ENROL.name)
    assert client.wait_for_server(DEADLINE_S)
    show(0)
    sent = client.send_goal_async(EnrollSubject.Goal(**AGREED))
    wait_for(sent.done, "the goal's acceptance")
    for index in range(1, len(clip)):
        show(index)
    got = sent.result().get_result_async()
    wait_for(got.done, "the result")
    assert got.result().result.success, got.result().result.message
    verify = outside.create_client(srv.VerifySubject, VERIFY.name)
    asked = verify.call_async(srv.VerifySubject.Request(subject=got.result().result.subject))
    wait_for(asked.done, "an answer")
    assert asked.result().accepted and node._links[-1].spec.name == IDENTITY.name
    assert set(PIPELINE.offers) == set(IDENTITY.offers)


# As a process.


def test_a_ctrl_c_during_an_enrolment_ends_the_process_cleanly_and_stores_nothing(
    ros: Ros, settings: dict[str, Any], tmp_path: Path
):
    given = {"diagnostics_period_s": "0.2", **settings}
    arguments = [word for key, value in given.items() for word in ("-p", f"{key}:={value}")]
    with process(IDENTITY.module, "--ros-args", *arguments) as child:
        log = Output(child.stderr)
        outside = Outside(ros)
        outside.play(resting(0.2))
        outside.goal()
        outside.play([*resting(), *moving(JAW), *resting(1.4), *moving(JAW)])
        wait_for(lambda: any(one.captured == 1 for one in outside.feedback), "a repetition")
        child.send_signal(2)
        assert child.wait(timeout=10.0) == 0
        assert "Traceback" not in log.whole() and "without it" not in log.whole(), log.whole()
    names = sorted(path.name for path in (tmp_path / "gallery").iterdir())
    assert set(names) <= {"header", "header.copy", "lock"}, "an empty gallery"
