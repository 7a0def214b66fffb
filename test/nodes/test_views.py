from __future__ import annotations

import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from harness import Ros, wait_for
from sensor_msgs.msg import CompressedImage, Image
from stage_bench import Bench
from stage_for_tests import StageForTests, image
from visualization_msgs.msg import Marker, MarkerArray

from face1d_ros.cli.demo import TOPICS
from face1d_ros.convert import frame_to_compressed, image_to_frame
from face1d_ros.geometry.topology import edges
from face1d_ros.graph import IMAGE, LANDMARK_MARKERS, LANDMARKS, LANDMARKS_RAW, LANDMARKS_SMOOTHED, OVERLAY, PIPELINE
from face1d_ros.nodes import views
from face1d_ros.nodes.landmarks_node import LandmarksNode
from face1d_ros.nodes.mailbox import Mailbox
from face1d_ros.nodes.markers import FaceMarkers, to_metres
from face1d_ros.nodes.pipeline_node import PipelineNode
from face1d_ros.nodes.qos import image_qos, view_qos
from face1d_ros.nodes.recorder_node import RecorderNode
from face1d_ros.nodes.stage_base import VIEW_GIVES_WAY_S
from face1d_ros.types import FaceLandmarks, FaceLandmarksArray, Frame, Header, Topology

WIDTH, HEIGHT = 64, 48


def face(track_id: int = 1, topology: Topology = Topology.MESH_478) -> FaceLandmarks:
    points = np.random.default_rng(track_id).uniform((0, 0, -5), (WIDTH, HEIGHT, 5), (int(topology), 3))
    box = np.array([10, 10, 40, 30], np.float32)
    return FaceLandmarks(points=points.astype(np.float32), topology=topology, track_id=track_id, box=box)


class StageWithAFace(StageForTests):
    def process(self, frame):
        return replace(super().process(frame), faces=(face(),))


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one whenever an overlay is drawn or markers are made."""
    calls: list[int] = []
    for target, name in ((views, "draw_faces"), (FaceMarkers, "message")):
        original = getattr(target, name)
        monkeypatch.setattr(target, name, lambda *a, original=original: (calls.append(1), original(*a))[1])
    return calls


def view(ros: Ros, kind: type, topic: str, qos=None) -> list:
    seen: list = []
    ros.node("viewer").create_subscription(kind, topic, seen.append, qos or view_qos())
    return seen


@pytest.mark.parametrize("node_class", [LandmarksNode, PipelineNode])
def test_the_overlay_is_the_image_with_the_face_and_the_images_own_header(bench: Bench, ros: Ros, node_class: type):
    overlays = view(ros, Image, OVERLAY.name, image_qos())
    bench.start(node_class, stage=StageWithAFace)
    bench.listen()
    wait_for(lambda: bench.node._links[0].views.wanted, "a viewer")
    bench.send_until_answered(bench.camera(), lambda: image(5, stamp_ns=1_700_000_000_123_456_789))
    overlay = wait_for(lambda: overlays, "an overlay")[0]
    assert (overlay.header.stamp.sec, overlay.header.stamp.nanosec) == (1_700_000_000, 123_456_789)
    assert (overlay.header.frame_id, overlay.encoding, overlay.step) == ("5", "rgb8", 3 * WIDTH)
    pixels = image_to_frame(overlay).image
    assert pixels.shape == (HEIGHT, WIDTH, 3)
    assert (pixels > 0).any(axis=2).mean() > 0.3


def test_nothing_is_drawn_while_nobody_looks(bench: Bench, ros: Ros, drawn: list[int]):
    bench.start(stage=StageWithAFace)
    bench.listen()
    camera = bench.camera()
    for _ in range(10):
        bench.send_until_answered(camera, image)
    assert not drawn
    viewer = ros.node("viewer")
    subscription = viewer.create_subscription(MarkerArray, LANDMARK_MARKERS.name, lambda _: None, view_qos())
    wait_for(lambda: (camera.publish(image()), time.sleep(0.02), drawn)[2], "a drawing")
    viewer.destroy_subscription(subscription)
    wait_for(lambda: not bench.node._links[0].views.wanted, "nobody")
    bench.send_until_answered(camera, image)
    count = len(drawn)
    for _ in range(5):
        bench.send_until_answered(camera, image)
    assert len(drawn) == count


def test_the_landmarks_of_a_frame_do_not_wait_for_its_overlay(bench: Bench, ros: Ros, monkeypatch: pytest.MonkeyPatch):
    go_on = threading.Event()
    monkeypatch.setattr(views, "draw_faces", lambda pixels, _: (go_on.wait(5.0), pixels)[1])
    overlays = view(ros, Image, OVERLAY.name)
    bench.start(stage=StageWithAFace)
    bench.listen()
    wait_for(lambda: bench.node._links[0].views.wanted, "a viewer")
    bench.send_until_answered(bench.camera(), image)
    assert not overlays
    go_on.set()
    wait_for(lambda: overlays, "an overlay")


def test_an_overlay_gives_way_to_a_frame_that_waits_but_not_for_long(
    bench: Bench, ros: Ros, drawn: list[int], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Mailbox, "waiting", True)  # as in a flood, however busy this machine is
    view(ros, Image, OVERLAY.name)
    bench.start(stage=StageWithAFace)
    bench.listen()
    camera = bench.camera()
    wait_for(lambda: bench.node._links[0].views.wanted, "a viewer")
    bench.send_until_answered(camera, image)
    seen, drawings, start_s = len(bench.results), len(drawn), time.monotonic()
    wait_for(lambda: (camera.publish(image()), len(drawn) >= drawings + 4)[1], "four drawings")
    elapsed_s = time.monotonic() - start_s
    frames, drawings = len(bench.results) - seen, len(drawn) - drawings
    assert drawings <= 1 + elapsed_s / VIEW_GIVES_WAY_S
    assert frames > drawings


def test_a_view_that_fails_costs_no_frame(
    bench: Bench, ros: Ros, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(views, "draw_faces", lambda *_: 1 / 0)
    view(ros, Image, OVERLAY.name)
    node = bench.start(stage=StageWithAFace)
    bench.listen()
    wait_for(lambda: node._links[0].views.wanted, "a viewer")
    camera = bench.camera()
    for _ in range(3):
        bench.send_until_answered(camera, image)
    accounts = node._worker.mailbox.accounts()
    assert "failed" not in dict(accounts.reasons)
    assert "an overlay or its like failed" in capfd.readouterr().err


def test_a_viewer_alone_makes_the_node_listen_also_to_compressed_images(bench: Bench, ros: Ros):
    node = bench.start(parameters={"on_demand": True, "transport": "compressed"}, stage=StageWithAFace)
    topic = "camera/image_raw/compressed"
    time.sleep(0.5)
    assert node.count_subscribers(topic) == 0
    overlays = view(ros, Image, OVERLAY.name)
    camera = bench.camera(CompressedImage, topic)
    message = frame_to_compressed(image_to_frame(image(3)))
    wait_for(lambda: (camera.publish(message), time.sleep(0.05), overlays)[2], "an overlay")
    assert (overlays[0].width, overlays[0].height, overlays[0].header.frame_id) == (WIDTH, HEIGHT, "3")


def test_markers_come_over_the_topic(bench: Bench, ros: Ros):
    arrays = view(ros, MarkerArray, LANDMARK_MARKERS.name)
    bench.start(stage=StageWithAFace)
    bench.listen()
    wait_for(lambda: bench.node._links[0].views.wanted, "a viewer")
    bench.send_until_answered(bench.camera(), lambda: image(7))
    mesh, label = wait_for(lambda: arrays, "markers")[0].markers
    assert (mesh.type, label.type, label.text) == (Marker.LINE_LIST, Marker.TEXT_VIEW_FACING, "1")
    assert mesh.header.frame_id == label.header.frame_id == "7"
    assert 0.0 < mesh.lifetime.sec + mesh.lifetime.nanosec * 1e-9 <= 1.0


def result(*faces: FaceLandmarks) -> FaceLandmarksArray:
    return FaceLandmarksArray(Header(5, "camera"), WIDTH, HEIGHT, faces)


def test_the_image_is_a_plane_one_metre_wide_one_metre_ahead():
    corners = np.array([[0, 0, 0], [640, 480, 0], [320, 240, -64]], np.float32)
    expected = [[-0.5, -0.375, 1.0], [0.5, 0.375, 1.0], [0.0, 0.0, 0.9]]
    np.testing.assert_allclose(to_metres(corners, 640, 480), expected, atol=1e-12)


@pytest.mark.parametrize("topology", [Topology.FACE_68, Topology.MESH_468, Topology.MESH_478])
def test_a_mesh_has_the_topologys_lines_and_none_at_unknown_points(topology: Topology):
    one = face(1, topology)
    lines = edges(topology)
    mesh = FaceMarkers().message(result(one)).markers[0]
    at = to_metres(one.points, WIDTH, HEIGHT)
    np.testing.assert_array_equal([[p.x, p.y, p.z] for p in mesh.points], at[lines.ravel()])
    points = one.points.copy()
    points[lines[0, 0]] = np.nan
    mesh = FaceMarkers().message(result(replace(one, points=points))).markers[0]
    assert len(mesh.points) == 2 * (lines != lines[0, 0]).all(axis=1).sum()
    assert np.isfinite([[p.x, p.y, p.z] for p in mesh.points]).all()


def test_markers_of_faces_that_are_gone_are_deleted_once():
    faces = FaceMarkers()
    large = 2**40 + 3
    faces.message(result(face(1), face(large)))
    second = faces.message(result(face(1))).markers
    deleted = [(marker.ns, marker.id) for marker in second if marker.action == Marker.DELETE]
    assert deleted == [("id", 3), ("mesh", 3)]
    assert len(faces.message(result(face(1))).markers) == 2
    assert {marker.action for marker in faces.message(result()).markers} == {Marker.DELETE}
    assert not faces.message(result()).markers


def test_a_face_whose_points_are_all_unknown_has_no_marker():
    points = np.full((478, 3), np.nan, np.float32)
    assert not FaceMarkers().message(result(replace(face(), points=points))).markers


def test_views_are_not_recorded_unless_asked_for(ros: Ros):
    recorder = ros.make(RecorderNode, spin=False)
    wanted = recorder._wanted_topics()
    assert "face1d/landmarks_raw" in wanted
    assert not {OVERLAY.name, LANDMARK_MARKERS.name} & {*wanted, *TOPICS}
    assert {OVERLAY, LANDMARK_MARKERS} <= set(PIPELINE.publishes) - set(PIPELINE.results)


@pytest.mark.parametrize(("later_ns", "shown"), [(5, "smoothed"), (4, "raw"), (None, "raw")])
def test_steady_landmarks_of_the_same_frame_are_shown_where_they_are_there(
    monkeypatch: pytest.MonkeyPatch, later_ns: int | None, shown: str
):
    seen: list[FaceLandmarksArray] = []
    view = SimpleNamespace(
        publishers=(SimpleNamespace(get_subscription_count=lambda: 1),),
        show=lambda frame, result: seen.append(result),
    )
    monkeypatch.setattr(views, "VIEWS", {OVERLAY.name: lambda node: view, LANDMARK_MARKERS.name: lambda node: view})
    results = {"raw": FaceLandmarksArray(Header(5)), "smoothed": FaceLandmarksArray(Header(later_ns or 0))}
    values = {IMAGE.name: Frame(Header(5), np.zeros((4, 4, 3), np.uint8)), LANDMARKS_RAW.name: results["raw"]}
    if later_ns is not None:
        values[LANDMARKS_SMOOTHED.name] = results["smoothed"]
    views.Views(None, LANDMARKS).show(values)
    assert seen == [results[shown]] * 2
