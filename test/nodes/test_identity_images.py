"""The identity node where a model looks at faces: images by exact stamp, and only while somebody is asked about."""

from __future__ import annotations

import copy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from action_msgs.msg import GoalStatus
from harness import Ros, wait_for
from sensor_msgs.msg import CompressedImage, Image
from stages.appearance_bundles import portrait, write_embedder
from stages.identity_faces import JAW, face, motion, moving, resting, write_encoder
from test_identity_node import Bench

from face1d_ros.convert.images import frame_to_compressed, frame_to_image
from face1d_ros.graph import IDENTIFY, IMAGE, VERIFY
from face1d_ros.nodes import images_beside
from face1d_ros.nodes.pipeline_node import PipelineNode
from face1d_ros.nodes.qos import image_qos
from face1d_ros.types import Decision, FaceIdentity, Factor, Frame, Header

ADA, BOB = 1, 2
NS = 1_000_000_000


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("bundles")
    return write_encoder(folder / "deformation"), write_embedder(folder / "projection")


@pytest.fixture
def settings(bundles: tuple[Path, Path], tmp_path: Path) -> dict[str, Any]:
    places = {"gallery": str(tmp_path / "gallery"), "key": str(tmp_path / "gallery.key")}
    encoder, embedder = map(str, bundles)
    return {**places, "model": encoder, "appearance_model": embedder, "engine": "onnxruntime"}


@cache
def picture(person: int, is_compressed: bool) -> Any:
    frame = Frame(Header(1, "camera"), portrait(person))
    return frame_to_compressed(frame) if is_compressed else frame_to_image(frame)


class Scene(Bench):
    """Images before the landmarks, as a camera and the other nodes bring them."""

    def __init__(self, ros: Ros, settings: dict[str, Any], **parameters: Any) -> None:
        super().__init__(ros, settings, **parameters)
        self.is_compressed = parameters.get("transport") == "compressed"
        kind, topic = (CompressedImage, f"{IMAGE.name}/compressed") if self.is_compressed else (Image, IMAGE.name)
        self.camera = self.node.create_publisher(kind, topic, image_qos())
        wait_for(self.camera.get_subscription_count, "the node's subscription to images")
        self.person = ADA

    def show(self, *faces: Any, ended: Any = ()) -> Any:
        next_ns = self._stamp_ns + round(NS / 25.0)
        if self.person:
            self.camera.publish(self.message(next_ns))
            images = self.identity._images
            if self.identity._links[0].wants_frames:
                wait_for(lambda: next_ns in images._messages, "the image at the node")
        return super().show(*faces, ended=ended)

    def message(self, stamp_ns: int) -> Any:
        message = picture(self.person, self.is_compressed)
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp_ns, NS)
        return message

    def play_as(self, person: int, clip: list[Any]) -> FaceIdentity:
        self.person = person
        for points in clip:
            answer = self.show(face(points))
        told: FaceIdentity = answer.faces[0]
        return told

    def enrolled(self) -> str:
        handle = self.goal()
        self.play_as(ADA, [*resting(), *moving(JAW), *resting(1.4), *moving(JAW), *resting(1.4)])
        answer = self.result(handle)
        assert answer.status == GoalStatus.STATUS_SUCCEEDED, answer.result.message
        return str(answer.result.subject)


@pytest.mark.parametrize("transport", ["raw", "compressed"])
def test_a_person_is_enrolled_and_verified_by_motion_and_face(
    ros: Ros, settings: dict[str, Any], transport: str
) -> None:
    scene = Scene(ros, settings, transport=transport)
    scene.play_as(ADA, resting(0.2))
    subject = scene.enrolled()
    for person, decision in ((ADA, Decision.VERIFIED), (BOB, Decision.REJECTED)):
        assert scene.ask(VERIFY.name, subject=subject).accepted
        told = scene.play_as(person, motion(JAW))
        assert (told.decision, told.factors) == (decision, Factor.MOTION | Factor.APPEARANCE)


def test_without_images_nobody_is_verified_and_images_are_decoded_only_while_asked(
    ros: Ros, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[int] = []
    real = images_beside.to_item

    def noted(message: Any) -> Any:
        decoded.append(message.header.stamp.nanosec)
        return real(message)

    monkeypatch.setattr(images_beside, "to_item", noted)
    scene = Scene(ros, settings)
    scene.play_as(ADA, resting(0.5))
    assert decoded == [] and not scene.identity._images._messages
    subject = scene.enrolled()
    seen = len(decoded)
    assert seen > 50
    scene.play_as(ADA, resting(0.5))
    assert len(decoded) == seen and not scene.identity._images._messages
    scene.ask(VERIFY.name, subject=subject, timeout_s=2.0)
    assert scene.play_as(0, [*motion(JAW), *resting(1.0)]).decision is Decision.NOT_ENOUGH_MOTION


def test_an_image_that_cannot_be_read_is_left_out_and_said(
    ros: Ros, settings: dict[str, Any], capfd: pytest.CaptureFixture[str]
) -> None:
    scene = Scene(ros, settings)
    scene.play_as(ADA, resting(0.2))
    scene.enrolled()
    real = scene.message

    def broken(stamp_ns: int) -> Any:
        message = copy.copy(real(stamp_ns))
        message.encoding = "rubbish"
        return message

    scene.message = broken  # type: ignore[method-assign]
    assert scene.ask(IDENTIFY.name, timeout_s=2.0).accepted
    assert scene.play_as(ADA, [*motion(JAW), *resting(1.0)]).decision is Decision.NOT_ENOUGH_MOTION
    scene.identity._images._messages[1] = real(1)
    scene.play_as(0, resting(0.1))
    assert not scene.identity._images._messages, "they are let go though no other image comes"
    wait_for(lambda: "an image beside the landmarks is refused" in capfd.readouterr().err, "a word in the log")


def test_a_pipeline_that_begins_with_the_smoothing_takes_images_beside_the_landmarks(
    ros: Ros, settings: dict[str, Any]
) -> None:
    given = {f"identity.{key}": value for key, value in settings.items()}
    node = ros.make(PipelineNode, {"stages": "smoothing,identity", "identity.transport": "compressed", **given})
    assert node.begin() is None
    topics = {name for name, _ in node.get_subscriber_names_and_types_by_node("pipeline_node", "/")}
    assert {"/face1d/landmarks_raw", f"/{IMAGE.name}/compressed"} <= topics and f"/{IMAGE.name}" not in topics
    assert node._images is not None and not node._links[-1].wants_frames


def test_without_a_model_that_looks_there_is_no_subscription_to_images(ros: Ros, settings: dict[str, Any]) -> None:
    bench = Bench(ros, {**settings, "appearance_model": ""})
    bench.play(resting(0.2))
    topics = {name for name, _ in bench.identity.get_subscriber_names_and_types_by_node("identity_node", "/")}
    assert "/face1d/landmarks" in topics and not any(name.startswith("/camera/image_raw") for name in topics)
