from __future__ import annotations

import time
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from harness import Ros, wait_for
from rclpy.parameter import Parameter
from sensor_msgs.msg import CompressedImage
from stage_bench import Bench
from stage_for_tests import StageForTests, image

from face1d_ros.config import LandmarksConfig
from face1d_ros.convert import frame_to_compressed, image_to_frame
from face1d_ros.graph import LANDMARKS, NodeSpec, Topic
from face1d_ros.msg import FaceLandmarks, FaceLandmarksArray
from face1d_ros.nodes import chain, pipeline_node
from face1d_ros.nodes.landmarks_node import LandmarksNode
from face1d_ros.nodes.pipeline_node import PipelineNode
from face1d_ros.nodes.qos import result_qos
from face1d_ros.nodes.stage_base import StageNode


def test_the_header_goes_through_and_the_stage_is_described(bench: Bench):
    bench.start(duration_s=0.02)
    bench.listen()
    stamp_ns, began_s = 1_700_000_000_123_456_789, time.monotonic()
    result = bench.send_until_answered(bench.camera(), partial(image, 7, stamp_ns=stamp_ns))
    stamp = result.header.stamp
    assert (stamp.sec * 1_000_000_000 + stamp.nanosec, result.header.frame_id) == (stamp_ns, "7")
    assert (result.image_width, result.image_height, len(result.faces)) == (64, 48, 1)
    assert (result.info.stage, result.info.model, result.info.engine) == ("landmarks", "test 1", "none")
    assert 0.02 <= result.info.duration_s < time.monotonic() - began_s


@pytest.mark.parametrize("node_class", [LandmarksNode, PipelineNode])
def test_a_flood_at_120_hz_is_accounted_for_exactly(bench: Bench, node_class: type):
    every = {"qos_overrides./camera/image_raw.subscription.depth": 1000}  # a busy machine lets none be lost before us
    node = bench.start(node_class, every, duration_s=0.02)
    bench.listen()
    publisher = bench.camera()
    bench.send_until_answered(publisher, image)
    start_s = time.monotonic()
    for index in range(240):
        time.sleep(max(0.0, start_s + index / 120 - time.monotonic()))
        publisher.publish(image(index))
    wait_for(lambda: bench.results[-1].header.frame_id == "239", "the newest frame")
    infos = [result.info for result in bench.results]
    assert all(info.received == info.used + info.dropped for info in infos)
    used = [info.used for info in infos]
    assert used == list(range(used[0], used[0] + len(used)))
    assert infos[-1].dropped > 100
    assert infos[-1].received == bench.sent + 240
    indices = [int(result.header.frame_id) for result in bench.results[bench.sent :]]
    assert indices == sorted(set(indices))
    assert 0.02 <= np.median([info.duration_s for info in infos]) < 0.1
    accounts = node._worker.mailbox.accounts()
    assert accounts.received == accounts.used + accounts.dropped == infos[-1].received


MALFORMED = [
    {"step": 10},
    {"step": 2**31},
    {"data": b"short"},
    {"width": 0},
    {"height": 2**31},
    {"encoding": "nonsense"},
    {"encoding": "16UC1"},
    {"encoding": ""},
]


def test_malformed_images_are_counted_by_reason_and_the_next_good_one_is_answered(bench: Bench):
    node = bench.start()
    bench.listen()
    publisher = bench.camera()
    bench.send_until_answered(publisher, image)
    for count, fields in enumerate(MALFORMED, 1):
        message = image()
        for name, value in fields.items():
            setattr(message, name, value)
        publisher.publish(message)
        wait_for(lambda count=count: sum(bench.reasons().values()) == count, str(fields))
    result = bench.send_until_answered(publisher, partial(image, 99))
    assert result.header.frame_id == "99"
    assert result.info.received == result.info.used + result.info.dropped
    reasons = bench.reasons()
    assert sum(reasons.values()) == len(MALFORMED)
    assert "failed" not in reasons
    assert len(reasons) >= 3
    assert node._worker.mailbox.accounts().received == bench.sent + len(MALFORMED)


def test_an_error_in_the_stage_is_logged_and_counted_and_the_next_frame_processed(
    bench: Bench, capfd: pytest.CaptureFixture[str]
):
    bench.start()
    bench.listen()
    publisher = bench.camera()
    bench.stages[0].error = ZeroDivisionError("in the stage")
    wait_for(lambda: (publisher.publish(image()), time.sleep(0.05), bench.reasons().get("failed"))[2], "the failure")
    bench.stages[0].error = None
    bench.send_until_answered(publisher, image)
    assert "ZeroDivisionError: in the stage" in capfd.readouterr().err


def test_compressed_images_come_from_the_topic_of_image_transport(bench: Bench):
    bench.start(parameters={"transport": "compressed"})
    bench.listen()
    publisher = bench.camera(CompressedImage, "camera/image_raw/compressed")
    frame = image_to_frame(image(3))
    result = bench.send_until_answered(publisher, lambda: frame_to_compressed(frame))
    assert (result.image_width, result.image_height) == (64, 48)
    assert result.header.frame_id == "3"


def test_on_demand_it_subscribes_only_while_somebody_listens(bench: Bench, ros: Ros):
    node = bench.start(parameters={"on_demand": True})
    time.sleep(0.6)
    assert node.count_subscribers("camera/image_raw") == 0
    listener = ros.node("visitor")
    subscription = listener.create_subscription(
        FaceLandmarksArray, "face1d/landmarks_raw", lambda _: None, result_qos()
    )
    wait_for(lambda: node.count_subscribers("camera/image_raw") == 1, "subscription")
    listener.destroy_subscription(subscription)
    wait_for(lambda: node.count_subscribers("camera/image_raw") == 0, "no subscription")


def test_a_dynamic_parameter_reaches_the_stage_before_the_next_frame(bench: Bench):
    node = bench.start()
    bench.listen()
    publisher = bench.camera()
    node.set_parameters([Parameter("lost_after_s", value=0.5)])
    bench.send_until_answered(publisher, image)
    assert bench.stages[0].config.lost_after_s == 0.5


def test_deactivated_it_is_silent_and_counts_anew_when_activated_again(bench: Bench):
    node = bench.start()
    bench.listen()
    publisher = bench.camera()
    bench.send_until_answered(publisher, image)
    node.trigger_deactivate()
    wait_for(lambda: bench.results[-1].info.used == bench.stages[0].processed, "the last answer")
    seen = len(bench.results)
    for _ in range(5):
        publisher.publish(image())
        time.sleep(0.02)
    assert len(bench.results) == seen
    node.trigger_activate()
    wait_for(publisher.get_subscription_count, "subscription")
    before = bench.sent
    assert bench.send_until_answered(publisher, image).info.received <= bench.sent - before
    assert bench.stages[0].calls == ["reset", "reset"]
    node.trigger_deactivate()
    node.trigger_cleanup()
    assert bench.stages[0].calls == ["reset", "reset", "close"]


def test_quality_of_service_is_overridden_by_parameters(bench: Bench):
    bench.start(
        parameters={
            "qos_overrides./camera/image_raw.subscription.reliability": "reliable",
            "qos_overrides./face1d/landmarks_raw.publisher.depth": 9,
        }
    )
    info = bench.node.get_subscriptions_info_by_topic("camera/image_raw")[0]
    assert info.qos_profile.reliability.name == "RELIABLE"
    assert bench.node.get_parameter("qos_overrides./face1d/landmarks_raw.publisher.depth").value == 9


def test_the_pipeline_refuses_a_stage_that_does_not_exist(ros: Ros, capfd: pytest.CaptureFixture[str]):
    node = ros.make(PipelineNode, {"stages": "landmarks,smile"}, spin=False)
    assert node.begin() == 2
    assert "stages: got 'smile', expected some of landmarks" in capfd.readouterr().err


def test_the_pipeline_refuses_stages_whose_input_nobody_makes(ros: Ros, monkeypatch: pytest.MonkeyPatch):
    def spec(stage: str, takes: str, gives: str) -> NodeSpec:
        topics = [(Topic(name, "face1d_ros/msg/FaceLandmarksArray", ""),) for name in (takes, gives)]
        return NodeSpec(f"{stage}_node", LandmarksConfig, "", *topics)

    stages = (LANDMARKS, spec("smoothing", "face1d/landmarks_raw", "b"), spec("expression", "b", "c"))
    monkeypatch.setattr(pipeline_node, "STAGES", stages)
    for stage in stages:
        monkeypatch.setitem(chain.FACTORIES, stage.name, StageForTests)
    for chosen, code in (("", None), ("smoothing,expression", None), ("landmarks,expression", 2)):
        node = ros.make(PipelineNode, {"stages": chosen}, spin=False)
        assert node.begin() == code
        node.trigger_shutdown()


def test_in_the_pipeline_every_stage_gets_what_the_one_before_gave(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    class Second(StageForTests):
        def process(self, value):
            return replace(value, ended_track_ids=(77,))

    raw, smooth = (Topic(name, "face1d_ros/msg/FaceLandmarksArray", "") for name in ("face1d/landmarks_raw", "smooth"))
    second = NodeSpec("second_node", LandmarksConfig, "", (raw,), (smooth,))
    monkeypatch.setattr(pipeline_node, "STAGES", (LANDMARKS, second))
    monkeypatch.setitem(chain.FACTORIES, "second_node", Second)
    bench.start(PipelineNode)
    bench.listen()
    smoothed: list[FaceLandmarksArray] = []
    bench.node.create_subscription(FaceLandmarksArray, "smooth", smoothed.append, result_qos())
    wait_for(bench.node._links[-1].publisher.get_subscription_count, "the second listener")
    result = bench.send_until_answered(bench.camera(), image)
    after = wait_for(lambda: next((s for s in smoothed if s.header == result.header), None), "the second stage")
    assert list(result.ended_track_ids) == []
    assert list(after.ended_track_ids) == [77]
    assert after.info.received == result.info.received
    assert {"landmarks.duration_ms", "second.duration_ms"} <= set(bench.node.report().values)


@pytest.fixture
def smoothing(monkeypatch: pytest.MonkeyPatch) -> NodeSpec:
    """A stage that takes landmarks."""
    topics = [(Topic(name, "face1d_ros/msg/FaceLandmarksArray", ""),) for name in ("face1d/landmarks_raw", "smooth")]
    spec = NodeSpec("smoothing_node", LandmarksConfig, "", *topics)

    class Same(StageForTests):
        def process(self, value):
            return value

    monkeypatch.setitem(chain.FACTORIES, spec.name, Same)
    return spec


@pytest.mark.parametrize("fields", [{"topology": 99}, {"state": 7}, {"topology": 68}])
def test_a_message_that_cannot_be_taken_in_is_refused_and_the_next_one_answered(
    ros: Ros, smoothing: NodeSpec, fields: dict
):
    node = ros.add(StageNode(smoothing, (smoothing,), context=ros.context), True)
    assert node.begin() is None
    smooth: list[FaceLandmarksArray] = []
    outside = ros.node("outside")
    outside.create_subscription(FaceLandmarksArray, "smooth", smooth.append, result_qos())
    publisher = outside.create_publisher(FaceLandmarksArray, "face1d/landmarks_raw", result_qos())
    wait_for(publisher.get_subscription_count, "the node's subscription")
    publisher.publish(FaceLandmarksArray(faces=[FaceLandmarks(**fields)]))
    wait_for(lambda: dict(node._worker.mailbox.accounts().reasons) == {"malformed": 1}, "a refusal")
    wait_for(node._links[0].publisher.get_subscription_count, "the listener")
    publisher.publish(FaceLandmarksArray())
    answer = wait_for(lambda: smooth, "an answer")[0]
    assert (answer.info.received, answer.info.used, answer.info.dropped) == (2, 1, 1)


def test_a_result_that_fits_no_message_is_our_failure_not_the_images(bench: Bench, capfd: pytest.CaptureFixture[str]):
    class Wrong(StageForTests):
        def process(self, frame):
            return replace(super().process(frame), image_width=-1)

    bench.start(stage=Wrong)
    camera = bench.camera()
    # The second one is counted after the first one is logged.
    wait_for(lambda: (camera.publish(image()), time.sleep(0.05), sum(bench.reasons().values()) > 1)[2], "two losses")
    assert bench.reasons().keys() == {"failed"}
    assert "what stage 'landmarks' made fits no message" in capfd.readouterr().err
