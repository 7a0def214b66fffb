"""Files that a camera node plays: their end, what is wrong with them, and when they are away for a while."""

from __future__ import annotations

import errno
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from camera_bench import QUICK, Listener, Webcam, stamp_ns, write_images
from harness import DiagnosticsListener, Ros, values_of, wait_for

from face1d_ros.errors import SourceBrokenOffError
from face1d_ros.nodes import camera_node
from face1d_ros.nodes.camera_node import CameraNode
from face1d_ros.sources.reopen import BackOff
from face1d_ros.types import Frame, Header


def test_the_end_of_a_source_is_said(ros: Ros, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    write_images(tmp_path, 5)
    listener = DiagnosticsListener(ros, "camera_node")
    node = ros.make(CameraNode, {**QUICK, "source": str(tmp_path)})
    assert node.begin() is None
    status = listener.wait_for_message("the source has ended after 5 frames")
    assert values_of(status)["published"] == "5"
    node.trigger_deactivate()
    assert "the source has ended after 5 frames" in capfd.readouterr().err
    node.trigger_activate()
    listener.wait_for_message("the source has ended after 5 frames")


def test_files_that_vanish_are_said_and_picked_up_again(
    ros: Ros, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(camera_node, "BACK_OFF", BackOff(0.05, 0.2))
    folder, away = tmp_path / "frames", tmp_path / "away"
    folder.mkdir()
    write_images(folder, 3)
    listener, images = DiagnosticsListener(ros, "camera_node"), Listener(ros).images
    node = ros.make(CameraNode, {**QUICK, "source": str(folder), "loop": True})
    assert node.begin() is None
    wait_for(lambda: len(images) > 5, "images")
    folder.rename(away)
    status = listener.wait_for_message(f"source '{folder}' was not found")
    assert status.level == b"\x02"
    seen = len(images)
    away.rename(folder)
    wait_for(lambda: len(images) > seen + 5, "images again")
    wait_for(lambda: listener.statuses[-1].level == b"\x00", "a good word")
    said = capfd.readouterr().err
    assert f"source '{folder}' was not found" in said
    assert "the source is back" in said


@pytest.mark.parametrize("error", [PermissionError(errno.EACCES, "Permission denied"), OSError(errno.EIO, "I/O error")])
def test_files_that_must_not_be_read_for_a_while_are_said_and_picked_up_again(
    ros: Ros, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], error: OSError
):
    monkeypatch.setattr(camera_node, "BACK_OFF", BackOff(0.05, 0.2))
    write_images(tmp_path, 3)
    listener, images = DiagnosticsListener(ros, "camera_node"), Listener(ros).images
    node = ros.make(CameraNode, {**QUICK, "source": str(tmp_path), "loop": True})
    assert node.begin() is None
    wait_for(lambda: len(images) > 5, "images")

    def deny(path: Path, *_: object, **__: object) -> None:
        raise error

    with monkeypatch.context() as denied:
        denied.setattr(Path, "iterdir", deny)
        denied.setattr(np, "fromfile", deny)
        status = listener.wait_for_message(f"source '{tmp_path}'")
        assert status.level == b"\x02"
        assert "trying again" in status.message
        wait_for(lambda: node._trouble and "any more" not in node._trouble[1], "the second attempt")
    seen = len(images)
    wait_for(lambda: len(images) > seen + 5, "images again")
    said = capfd.readouterr().err
    assert "the source is back" in said
    assert "Traceback" not in said


def test_an_error_of_ours_does_not_stop_a_camera_for_good(
    ros: Ros, webcam: type[Webcam], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    images, errors = Listener(ros).images, [ZeroDivisionError("ours"), ZeroDivisionError("ours again")]
    publish = camera_node.CameraTopics.publish

    def fail_at_first(topics: camera_node.CameraTopics, *arguments: object) -> None:
        if errors:
            raise errors.pop()
        publish(topics, *arguments)

    monkeypatch.setattr(camera_node.CameraTopics, "publish", fail_at_first)
    assert ros.make(CameraNode, QUICK).begin() is None
    wait_for(lambda: images, "an image")
    said = capfd.readouterr().err
    assert "ZeroDivisionError: ours" in said
    assert "trying again in 0.05 s" in said


def test_what_a_source_leaves_out_is_said(ros: Ros, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    write_images(tmp_path, 4)
    cv2.imwrite(str(tmp_path / "2.png"), np.zeros((24, 32, 3), np.uint8))
    (tmp_path / "3.png").write_text("no image")
    listener = DiagnosticsListener(ros, "camera_node")
    node = ros.make(CameraNode, {**QUICK, "source": str(tmp_path), "loop": True})
    assert node.begin() is None
    status = listener.wait_for_message("the source leaves frames out: ")
    assert status.level == b"\x01"
    values = values_of(status)
    assert int(values["skipped.size"]) > 0
    assert "skipped.undecodable" in values
    node.trigger_deactivate()
    assert "the source leaves frames out: " in capfd.readouterr().err


def test_what_a_source_left_out_is_said_at_its_end(ros: Ros, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    write_images(tmp_path, 4)
    (tmp_path / "3.png").write_text("no image")
    listener = DiagnosticsListener(ros, "camera_node")
    assert ros.make(CameraNode, {**QUICK, "source": str(tmp_path)}).begin() is None
    listener.wait_for_message("the source has ended after 3 frames; it left out: 1 undecodable")
    assert "the source has ended after 3 frames; it left out: 1 undecodable" in capfd.readouterr().err


def test_frames_keep_their_own_frame_id_and_jumps_of_their_time_are_said(
    ros: Ros, webcam: type[Webcam], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    def frames(self: Webcam):
        for index, taken_ns in enumerate((10**9, 2 * 10**9, 5 * 10**8, 6 * 10**8, 7 * 10**8)):
            time.sleep(0.02)
            frame_id = "" if index == 0 else "left_eye"
            yield Frame(Header(taken_ns, frame_id), np.zeros((48, 64, 3), np.uint8))

    monkeypatch.setattr(webcam, "frames", frames)
    monkeypatch.setattr(webcam, "live", False)
    monkeypatch.setattr(camera_node, "paced", lambda frames, **_: frames)
    listener, diagnostics = Listener(ros), DiagnosticsListener(ros, "camera_node")
    began_ns = time.time_ns()
    # It begins when both ends know each other.
    assert ros.make(CameraNode, {**QUICK, "end_with_source": True}).begin() is None
    status = diagnostics.wait_for_message("the source has ended after 5 frames")
    assert values_of(status)["source_time_jumps"] == "1"
    infos = wait_for(lambda: len(listener.infos) >= 4 and listener.infos, "camera_info")
    assert {info.header.frame_id for info in infos[-4:]} == {"left_eye"}
    assert began_ns < stamp_ns(infos[0]) <= time.time_ns()
    assert "the source's time jumped back by 1.500 s" in capfd.readouterr().err


def test_a_truncated_film_that_is_played_once_ends_in_an_error(ros: Ros, webcam: type[Webcam], monkeypatch: Any):
    def frames(self: Webcam):
        yield Frame(Header(0, ""), np.zeros((48, 64, 3), np.uint8))
        raise SourceBrokenOffError("film.avi", "ended after 1 of 9 frames")

    monkeypatch.setattr(webcam, "frames", frames)
    listener = DiagnosticsListener(ros, "camera_node")
    node = ros.make(CameraNode, {**QUICK, "end_with_source": True})
    assert node.begin() is None
    assert listener.wait_for_message("ended after 1 of 9 frames").level == b"\x02"
    assert node.exit_code == 1
