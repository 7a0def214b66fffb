"""Cameras: no camera is needed, OpenCV reads a video file through the same object."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path

import cv2
import pytest

from face1d_ros.errors import SourceBrokenOffError, SourceError, SourceNotFoundError, SourceUnreadableError
from face1d_ros.sources.base import Source
from face1d_ros.sources.camera import V4l2Camera, check_device, existing_devices
from face1d_ros.sources.reopen import BackOff, reopening
from face1d_ros.sources.video import VideoFile

MakeVideo = Callable[..., Path]


def camera(device: Path, width: int = 64, height: int = 48, rate_hz: float = 25.0) -> V4l2Camera:
    ticks = count(1_000, 10)
    return V4l2Camera(
        str(device),
        width=width,
        height=height,
        rate_hz=rate_hz,
        clock=lambda: next(ticks),
        frame_id="eye",
        open_capture=cv2.VideoCapture,
    )


def test_frames_are_stamped_by_the_clock(make_video: MakeVideo, index_of: Callable) -> None:
    frames = []
    with camera(make_video(frames=4)) as source, pytest.raises(SourceError):
        for frame in source.frames():
            frames.append(frame)
    assert [frame.header.stamp_ns for frame in frames] == [1_000, 1_010, 1_020, 1_030]
    assert [index_of(frame.image) for frame in frames] == [0, 1, 2, 3]
    assert source.live


def test_what_was_asked_and_not_given_is_told(make_video: MakeVideo) -> None:
    path = make_video()
    with camera(path) as source:
        assert source.description == f"camera {path}, 64×48 at 25 Hz"
    with camera(path, width=1280, height=720, rate_hz=60.0) as source:
        assert source.description.endswith("64×48 at 25 Hz (asked for 1280×720 at 60 Hz)")


def test_stalled_and_vanished_cameras_are_told_apart(make_video: MakeVideo) -> None:
    path = make_video(frames=3)
    with camera(path) as source, pytest.raises(SourceUnreadableError, match="stalled"):
        list(source.frames())
    with camera(path) as source:
        path.unlink()
        with pytest.raises(SourceNotFoundError, match="plug it in again"):
            list(source.frames())


def test_a_missing_device_names_those_that_are_there(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFoundError, match="devices here"):
        check_device("/dev/video_that_is_not_there")
    for name in ("video10", "video2", "null"):
        (tmp_path / name).touch()
    assert existing_devices(tmp_path) == f"{tmp_path}/video2, {tmp_path}/video10"
    assert existing_devices(tmp_path / "empty") == "none"


def test_a_device_that_must_not_be_read_says_which_group(tmp_path: Path, unprivileged: None) -> None:
    with pytest.raises(SourceUnreadableError, match="usermod -aG video"):
        check_device("/etc/shadow")


def test_a_device_that_is_no_camera_is_refused() -> None:
    with pytest.raises(SourceUnreadableError, match="no capture device"):
        V4l2Camera("/dev/null", width=64, height=48, rate_hz=30.0, clock=lambda: 0)


def test_a_camera_that_returns_is_picked_up_again(make_video: MakeVideo, tmp_path: Path) -> None:
    recording, device = make_video(frames=3), tmp_path / "video0"
    pauses: list[float] = []
    failures: list[str] = []
    opened: list[Source] = []

    def sleep(pause_s: float) -> bool:
        """Plugs in after three pauses, unplugs at the next, plugs in at the next, ends after eight."""
        pauses.append(pause_s)
        if len(pauses) in (3, 5):
            shutil.copy(recording, device)
        elif len(pauses) == 4:
            device.unlink()
        return len(pauses) == 8

    frames = reopening(
        lambda: camera(device),
        sleep=sleep,
        failed=lambda error, _: failures.append(type(error).__name__),
        opened=opened.append,
        back_off=BackOff(first_s=0.5, longest_s=1.5),
    )
    assert len(list(frames)) == 3 * len(opened)
    assert pauses == [0.5, 1.0, 1.5, 0.5, 1.0, 0.5, 0.5, 0.5]
    missing, stalled = SourceNotFoundError.__name__, SourceUnreadableError.__name__
    assert failures == [missing] * 3 + [stalled, missing] + [stalled] * 3


def test_a_file_that_broke_off_is_not_played_again(make_video: MakeVideo) -> None:
    path = make_video(frames=40)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    frames = reopening(lambda: VideoFile(path), sleep=lambda _: False, failed=pytest.fail, opened=lambda _: None)
    with pytest.raises(SourceBrokenOffError):
        list(frames)


def test_a_source_that_ends_is_not_opened_again(make_video: MakeVideo) -> None:
    path = make_video(frames=5)
    frames = reopening(lambda: VideoFile(path), sleep=lambda _: False, failed=pytest.fail, opened=lambda _: None)
    assert len(list(frames)) == 5
