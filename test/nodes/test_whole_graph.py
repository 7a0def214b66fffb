from __future__ import annotations

import numpy as np
import pytest
from harness import DiagnosticsListener, Ros, process, values_of, wait_for
from sensor_msgs.msg import CameraInfo

from face1d_ros.graph import LANDMARKS, PIPELINE, NodeSpec
from face1d_ros.msg import FaceLandmarksArray
from face1d_ros.nodes.qos import result_qos

FRAMES = 60


@pytest.mark.parametrize("node", [LANDMARKS, PIPELINE], ids=lambda node: node.name)
def test_the_portrait_becomes_landmarks_of_one_face(ros: Ros, node: NodeSpec):
    results: list[FaceLandmarksArray] = []
    infos: list[CameraInfo] = []
    viewer = ros.node("viewer")
    viewer.create_subscription(FaceLandmarksArray, "face1d/landmarks_raw", results.append, result_qos())
    viewer.create_subscription(CameraInfo, "camera/camera_info", infos.append, 1000)
    listener = DiagnosticsListener(ros, node.name)
    section = "landmarks." if node is PIPELINE else ""
    patient = ("--ros-args", "-p", f"{section}lost_after_s:=30.0")  # frames may be far apart on a busy machine
    every = ("--ros-args", "-p", "qos_overrides./camera/camera_info.publisher.depth:=1000")
    with process(node.module, *patient), process("face1d_ros.nodes.camera_node", *every):
        wait_for(lambda: len(results) >= FRAMES, f"{FRAMES} results")
        status = listener.wait_for_message("1 face")
    assert "mediapipe" in values_of(status)[f"{section}model"].lower()
    stamps = {(info.header.stamp.sec, info.header.stamp.nanosec) for info in infos}
    answered = [(r.header.stamp.sec, r.header.stamp.nanosec) for r in results]
    both = [stamp for stamp in answered if min(stamps) <= stamp <= max(stamps)]  # the topics are found one by one
    assert len(both) > FRAMES // 2
    assert set(both) <= stamps
    assert all(r.info.received == r.info.used + r.info.dropped for r in results)
    assert {face.track_id for r in results for face in r.faces} == {results[-1].faces[0].track_id}
    points = np.array([r.faces[0].points for r in results[-30:]]).reshape(-1, 478, 3)
    inside = (points[..., :2] > 0).all(axis=-1) & (points[..., 0] < 640) & (points[..., 1] < 480)
    assert inside.all()
    assert points[:, 1].std(axis=0)[:2].max() > 0.2
