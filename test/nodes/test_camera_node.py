from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import yaml
from camera_bench import QUICK, Listener, Webcam, stamp_ns
from harness import DiagnosticsListener, Ros, wait_for

from face1d_ros.errors import ConfigError
from face1d_ros.nodes.camera_node import CameraNode
from face1d_ros.sources.calibration import load_calibration

SMALL = {"width": 160, "height": 120}
CALIBRATION = {
    "image_width": 160,
    "image_height": 120,
    "camera_name": "test",
    "camera_matrix": {"rows": 3, "cols": 3, "data": [150.0, 0, 79.5, 0, 150.0, 59.5, 0, 0, 1]},
    "distortion_model": "plumb_bob",
    "distortion_coefficients": {"rows": 1, "cols": 5, "data": [0.1, -0.2, 0.001, 0.002, 0]},
    "rectification_matrix": {"rows": 3, "cols": 3, "data": [1, 0, 0, 0, 1, 0, 0, 0, 1]},
    "projection_matrix": {"rows": 3, "cols": 4, "data": [150, 0, 79.5, 0, 0, 150, 59.5, 0, 0, 0, 1, 0]},
}


def write_calibration(tmp_path: Path, **changes: object) -> str:
    path = tmp_path / "calibration.yaml"
    path.write_text(yaml.safe_dump({**CALIBRATION, **changes}))
    return str(path)


def test_the_portrait_comes_in_real_time_with_stamps_of_now(ros: Ros):
    listener, began_ns = Listener(ros), time.time_ns()
    node = ros.make(CameraNode, SMALL)
    assert node.begin() is None
    wait_for(lambda: len(listener.images) > 5, "images")
    seen, start_s = len(listener.images), time.monotonic()
    wait_for(lambda: len(listener.images) >= seen + 45, "45 images")
    assert time.monotonic() - start_s > 1.2
    stamps = [stamp_ns(message) for message in listener.images]
    assert stamps == sorted(set(stamps))
    assert np.median(np.diff(stamps[seen:])) == pytest.approx(1e9 / 30, rel=0.25)
    assert began_ns < stamps[0] <= stamps[-1] <= time.time_ns()
    newest = listener.images[-1]
    assert (newest.width, newest.height, newest.step, newest.encoding) == (160, 120, 480, "rgb8")
    assert newest.header.frame_id == "camera_optical_frame"
    assert np.frombuffer(newest.data, np.uint8).std() > 20
    wait_for(lambda: set(stamps) <= {stamp_ns(info) for info in listener.infos}, "a camera_info with each stamp")
    info = listener.infos[-1]
    assert (info.width, info.height, list(info.k)) == (160, 120, [0.0] * 9)


def test_a_calibration_is_published(ros: Ros, tmp_path: Path):
    listener = Listener(ros)
    assert ros.make(CameraNode, {**SMALL, "calibration": write_calibration(tmp_path)}).begin() is None
    wait_for(lambda: listener.infos, "camera_info")
    info = listener.infos[-1]
    assert info.distortion_model == "plumb_bob"
    for name, key in (("k", "camera_matrix"), ("d", "distortion_coefficients"), ("p", "projection_matrix")):
        assert list(getattr(info, name)) == CALIBRATION[key]["data"]
    assert info.header.frame_id == "camera_optical_frame"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"image_width": 640}, "made for 640×120 px', expected one for the source's images of 160×120 px"),
        ({"image_width": "160"}, "image_width: got '160', expected int"),
        ({"camera_matrix": {"data": [1, 2]}}, "camera_matrix.data: got [1, 2], expected 9 numbers"),
        ({"camera_matrix": {"data": [0.0] * 9}}, "expected focal lengths above 0"),
        ({"camera_matrix": None}, "camera_matrix.data: got None"),
        ({"projection_matrix": {"data": [float("nan")] * 12}}, "projection_matrix.data"),
        ({"distortion_coefficients": {"data": [0.1]}}, "got 1, 'plumb_bob' has 5"),
        ({"distortion_model": 3}, "distortion_model: got 3"),
    ],
)
def test_a_bad_calibration_is_refused(tmp_path: Path, changes: dict, said: str):
    with pytest.raises(ConfigError) as caught:
        load_calibration(write_calibration(tmp_path, **changes), 160, 120)
    assert said in str(caught.value)


@pytest.mark.parametrize("text", ["", "[1, 2]", "a: [", "\x00"])
def test_a_calibration_that_is_none_is_refused(tmp_path: Path, text: str):
    path = tmp_path / "calibration.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"calibration\.yaml"):
        load_calibration(str(path), 160, 120)


def test_a_calibration_that_is_not_there_refuses_the_configuration(ros: Ros, capfd: pytest.CaptureFixture[str]):
    node = ros.make(CameraNode, {**SMALL, "calibration": "/not/there.yaml"}, spin=False)
    assert node.begin() == 2
    assert "configuration file /not/there.yaml: cannot be read: No such file" in capfd.readouterr().err


def test_a_camera_that_stalls_or_vanishes_is_said_and_picked_up_again(ros: Ros, webcam: type[Webcam]):
    listener = DiagnosticsListener(ros, "camera_node")
    images = Listener(ros).images
    node = ros.make(CameraNode, QUICK)
    assert node.begin() is None
    assert listener.wait_for_message("webcam").level == b"\x00"
    webcam.gives.clear()
    assert listener.wait_for_message("the source gives no frames since").level == b"\x01"
    webcam.gives.set()
    assert listener.wait_for_message("webcam").level == b"\x00"
    webcam.plugged.clear()
    status = listener.wait_for_message("source 'webcam' was not found; plug it in; trying again")
    assert status.level == b"\x02"
    seen = len(images)
    webcam.plugged.set()
    wait_for(lambda: len(images) > seen, "images again")
    wait_for(lambda: listener.statuses[-1].message == "webcam", "a good word")


def test_frames_of_a_camera_keep_the_time_they_were_taken(ros: Ros, webcam: type[Webcam]):
    images = Listener(ros).images
    assert ros.make(CameraNode, QUICK).begin() is None
    wait_for(lambda: images, "an image")
    assert time.time_ns() - stamp_ns(images[-1]) >= 5_000_000


def test_a_camera_that_is_not_there_at_the_start_may_be_tried_again(ros: Ros, webcam: type[Webcam]):
    webcam.plugged.clear()
    assert ros.make(CameraNode, QUICK, spin=False).begin() == 1
