from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from geometry_msgs.msg import PoseArray
from harness import DiagnosticsListener, Ros, values_of, wait_for
from rclpy.qos import QoSReliabilityPolicy
from sensor_msgs.msg import CameraInfo, Image
from stages.mesh_faces import BEGIN_NS, frame, frame_of, seen
from visualization_msgs.msg import Marker, MarkerArray

from face1d_ros import msg
from face1d_ros.config import MeshConfig
from face1d_ros.convert import from_message, to_message
from face1d_ros.convert.camera_info import camera_of
from face1d_ros.graph import HEAD_POSES, MESH
from face1d_ros.nodes.mesh_node import MeshNode
from face1d_ros.nodes.mesh_views import MeshMarkers, metres_of, transform
from face1d_ros.nodes.qos import image_qos, result_qos
from face1d_ros.stages.mesh import MeshStage
from face1d_ros.synth.corpus.fixed_sets import load_small_test_set, select
from face1d_ros.synth.sequence import Sequence
from face1d_ros.types import FaceLandmarksArray, FaceMeshArray

QUICK = {"diagnostics_period_s": 0.1, "model": "none"}


@pytest.fixture
def sequence() -> Sequence:
    return select(load_small_test_set(), "mesh")[0]


class Bench:
    """A mesh node, with landmarks and a camera before it and a listener behind it."""

    def __init__(self, ros: Ros) -> None:
        self.results: list[FaceMeshArray] = []
        self.node = ros.make(MeshNode, QUICK)
        assert self.node.begin() is None
        self.outside = ros.node("outside")
        self.outside.create_subscription(
            msg.FaceMeshArray, "face1d/mesh", lambda m: self.results.append(from_message(m)), result_qos()
        )
        self._landmarks = self.outside.create_publisher(msg.FaceLandmarksArray, "face1d/landmarks", result_qos())
        self._camera = self.outside.create_publisher(CameraInfo, "camera/camera_info", image_qos())
        wait_for(self._landmarks.get_subscription_count, "the node's subscription")
        wait_for(self._camera.get_subscription_count, "the node's subscription to camera_info")
        wait_for(self.node._links[0].publisher.get_subscription_count, "the listener")

    def publish(self, given: FaceLandmarksArray) -> None:
        self._landmarks.publish(to_message(given))

    def answer(self, sequence: Sequence, index: int) -> FaceMeshArray:
        given = frame(sequence, index)
        self.publish(given)
        stamp_ns = given.header.stamp_ns
        return wait_for(lambda: next((r for r in self.results if r.header.stamp_ns == stamp_ns), None), "an answer")

    def calibrate(self, sequence: Sequence) -> None:
        plan = sequence.plan.camera
        k = [plan.focal_px, 0.0, plan.centre_x_px, 0.0, plan.focal_px, plan.centre_y_px, 0.0, 0.0, 1.0]
        self._camera.publish(CameraInfo(width=plan.width, height=plan.height, k=k, distortion_model="plumb_bob"))
        wait_for(lambda: self.node._links[0].values()["camera"] == "calibrated", "the calibration")


def test_head_poses_come_out_in_metres_once_camera_info_is_there(ros: Ros, sequence: Sequence):
    bench, (first, second) = Bench(ros), seen(sequence)[:2]
    assumed = bench.answer(sequence, first)
    assert assumed.faces[0].intrinsics_assumed
    bench.calibrate(sequence)
    (face,) = bench.answer(sequence, second).faces
    assert not face.intrinsics_assumed
    distance_m = sequence.translation_mm[second, 2] / 1000
    assert face.pose.position[2] == pytest.approx(distance_m, rel=0.15)
    info = bench.results[-1].info
    assert (info.stage, info.received) == ("mesh", 2) and 0.0 < info.duration_s < 1.0


def test_head_poses_come_with_every_frame_as_results_do(ros: Ros, sequence: Sequence):
    bench, poses = Bench(ros), []
    bench.outside.create_subscription(PoseArray, "face1d/head_poses", poses.append, result_qos())
    wait_for(lambda: bench.node.count_subscribers("face1d/head_poses"), "the listener")
    (mesh,) = bench.answer(sequence, int(seen(sequence)[0])).faces
    bench.publish(frame_of([], BEGIN_NS + 10**10, sequence))
    wait_for(lambda: len(poses) == 2, "a message for each frame")
    (pose,) = poses[0].poses
    assert [pose.position.x, pose.position.y, pose.position.z] == pytest.approx(mesh.pose.position.tolist())
    assert poses[0].header.frame_id == "camera"
    assert poses[1].poses == [] and HEAD_POSES in MESH.results


def test_markers_and_bars_are_made_while_somebody_listens(ros: Ros, sequence: Sequence):
    bench, came = Bench(ros), {}
    topics = {"face1d/mesh_markers": MarkerArray, "face1d/mesh_bars": Image}
    for name, kind in topics.items():
        bench.outside.create_subscription(kind, name, lambda m, name=name: came.setdefault(name, m), result_qos())
    views = bench.node._links[0].views._views
    wait_for(lambda: all(view.publishers[0].get_subscription_count() for view in views), "listeners")
    (mesh,) = bench.answer(sequence, int(seen(sequence)[0])).faces
    wait_for(lambda: len(came) == len(topics), "all views")
    assert {marker.ns for marker in came["face1d/mesh_markers"].markers} == {"face", "axes"}
    axes = next(marker for marker in came["face1d/mesh_markers"].markers if marker.ns == "axes").pose.position
    assert [axes.x, axes.y, axes.z] == pytest.approx(mesh.pose.position.tolist())
    points = next(marker for marker in came["face1d/mesh_markers"].markers if marker.ns == "face").points
    extent_m = np.ptp([[p.x, p.y, p.z] for p in points], axis=0)
    assert (extent_m > 0.05).all() and (extent_m < 0.35).all()
    assert came["face1d/mesh_bars"].encoding == "rgb8"


def test_a_face_stands_with_its_eyes_at_the_heads_origin_and_is_taken_back_when_it_is_gone(
    ros: Ros, sequence: Sequence
):
    stage, given = MeshStage(MeshConfig(model="none")), frame(sequence, int(seen(sequence)[0]))
    result = stage.process(given)
    metres = metres_of(given.faces[0], result.faces[0])
    np.testing.assert_allclose(metres[[33, 263]].mean(axis=0), result.faces[0].pose.position, atol=1e-9)
    node, came = ros.node("marks"), []
    node.create_subscription(MarkerArray, "face1d/mesh_markers", came.append, result_qos())
    markers = MeshMarkers(node)
    wait_for(markers.publishers[0].get_subscription_count, "the listener")
    markers.show(given, result)
    markers.show(given, dataclasses.replace(result, faces=()))
    wait_for(lambda: len(came) == 2, "both messages")
    assert {(marker.ns, marker.action) for marker in came[1].markers} == {
        ("face", Marker.DELETE),
        ("axes", Marker.DELETE),
    }


def test_each_head_is_a_transform_from_the_images_frame(ros: Ros, sequence: Sequence):
    given = frame(sequence, int(seen(sequence)[0]))
    result = MeshStage(MeshConfig(model="none")).process(given)
    (face,) = result.faces
    made = transform(face, to_message(result.header))
    assert (made.header.frame_id, made.child_frame_id) == ("camera", "face_1")
    moved, turned = made.transform.translation, made.transform.rotation
    assert [moved.x, moved.y, moved.z] == face.pose.position.tolist()
    assert [turned.x, turned.y, turned.z, turned.w] == face.pose.orientation.tolist()


def test_transforms_are_on_tf_where_tf2_is_installed(ros: Ros, sequence: Sequence):
    tf2_msgs = pytest.importorskip("tf2_msgs.msg", reason="tf2_msgs comes with a native ROS 2; no Python index has it")
    bench, came = Bench(ros), []
    bench.outside.create_subscription(tf2_msgs.TFMessage, "/tf", came.append, result_qos())
    wait_for(lambda: bench.node.count_subscribers("/tf"), "the listener")
    bench.answer(sequence, int(seen(sequence)[0]))
    wait_for(lambda: came, "a transform")
    assert came[0].transforms[0].child_frame_id == "face_1"


def test_results_are_reliable_and_diagnostics_say_which_camera(ros: Ros):
    bench = Bench(ros)
    (info,) = bench.node.get_publishers_info_by_topic("face1d/mesh")
    assert info.qos_profile.reliability == QoSReliabilityPolicy.RELIABLE
    listener = DiagnosticsListener(ros, "mesh_node")
    wait_for(lambda: listener.statuses, "diagnostics")
    assert values_of(listener.statuses[-1])["camera"] == "assumed"


def camera_info(**fields: Any) -> CameraInfo:
    k = [600.0, 0.0, 319.5, 0.0, 600.0, 239.5, 0.0, 0.0, 1.0]
    return CameraInfo(**{"width": 640, "height": 480, "k": k, **fields})


def test_binning_and_a_region_of_interest_change_the_camera():
    binned = camera_of(camera_info(binning_x=2, binning_y=2))
    assert binned is not None
    assert (binned.width, binned.height, binned.focal_px) == (320, 240, (300.0, 300.0))
    assert binned.centre_px == (159.5, 119.5), "the middle stays the middle"
    message = camera_info()
    message.roi.x_offset, message.roi.width, message.roi.height = 100, 200, 480
    cut = camera_of(message)
    assert cut is not None and (cut.width, cut.centre_px[0]) == (200, 219.5)


def test_zeros_say_that_a_camera_is_not_calibrated():
    assert camera_of(CameraInfo(width=640, height=480)) is None
