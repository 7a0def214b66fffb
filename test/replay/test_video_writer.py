"""MP4 files at the pace of the stamps, that can be played also when the disk is full."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from face1d_ros.errors import InvalidValueError, PathError, RecordingError
from face1d_ros.replay import video_writer
from face1d_ros.replay.video_writer import VideoWriter

STEP_NS = 1e9 / 25.0


def image(grey: int) -> NDArray[np.uint8]:
    return np.full((48, 64, 3), grey, np.uint8)


def greys(path: Path) -> list[int]:
    """The grey level of each frame, to the next ten."""
    capture, found = cv2.VideoCapture(str(path)), []
    while (taken := capture.read())[0]:
        found.append(10 * round(float(np.mean(taken[1])) / 10.0))
    return found


@pytest.fixture
def writer(tmp_path: Path) -> VideoWriter:
    return VideoWriter(tmp_path / "film.mp4", width=64, height=48, rate_hz=25.0)


def test_every_frame_is_in_the_file(writer: VideoWriter) -> None:
    for index in range(20):
        writer.write(image(10 * index), round(index * STEP_NS))
    writer.close()
    writer.close()
    assert greys(writer.path) == [10 * index for index in range(20)]
    assert cv2.VideoCapture(str(writer.path)).get(cv2.CAP_PROP_FPS) == pytest.approx(25.0)


def test_a_pause_is_filled_and_a_cut_is_not(writer: VideoWriter) -> None:
    for place, grey in [(0, 10), (1, 50), (4, 90), (4 + 25 * 60, 130), (5 + 25 * 60, 170), (2, 210), (3, 250)]:
        writer.write(image(grey), round(place * STEP_NS))
    writer.close()
    assert greys(writer.path) == [10, 50, 50, 50, 90, 130, 170, 210, 250]


def test_what_exists_or_is_no_mp4_is_refused(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_text("precious")
    with pytest.raises(RecordingError, match="exists already"):
        VideoWriter(tmp_path / "film.mp4", width=64, height=48, rate_hz=25.0)
    assert (tmp_path / "film.mp4").read_text() == "precious"
    with pytest.raises(InvalidValueError, match=r"a path that ends in \.mp4"):
        VideoWriter(tmp_path / "film.avi", width=64, height=48, rate_hz=25.0)
    with pytest.raises(RecordingError, match=r"cannot write .*: No such file or directory"):
        VideoWriter(tmp_path / "nowhere" / "film.mp4", width=64, height=48, rate_hz=25.0)


def test_a_name_that_opencv_cannot_take_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PathError, match="bytes that are no UTF-8; rename it"):
        VideoWriter(tmp_path / os.fsdecode(b"caf\xe9.mp4"), width=64, height=48, rate_hz=25.0)
    with pytest.raises(PathError, match="nobody here is called 'no_such_user'"):
        VideoWriter("~no_such_user/film.mp4", width=64, height=48, rate_hz=25.0)
    assert not list(tmp_path.iterdir())
    writer = VideoWriter(tmp_path / "café 日本.mp4", width=64, height=48, rate_hz=25.0)
    writer.write(image(10), 0)
    writer.close()
    assert greys(writer.path) == [10]


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 100), (8192, 16), (9000, 7000)])
def test_a_size_that_mpeg_4_does_not_take_is_named(tmp_path: Path, width: int, height: int) -> None:
    with pytest.raises(RecordingError, match=f"no video of {width}×{height} pixels.*2 to 8191 pixels a side"):
        VideoWriter(tmp_path / "film.mp4", width=width, height=height, rate_hz=25.0)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("width", "height"), [(2, 2), (2, 100), (8191, 16), (16, 8191)])
def test_the_smallest_and_largest_sizes_are_written(tmp_path: Path, width: int, height: int) -> None:
    writer = VideoWriter(tmp_path / "film.mp4", width=width, height=height, rate_hz=25.0)
    writer.write(np.zeros((height, width, 3), np.uint8), 0)
    writer.close()
    assert writer.frames == 1


def test_without_frames_there_is_no_file(writer: VideoWriter) -> None:
    writer.close()
    assert not writer.path.exists()


def test_a_full_disk_ends_the_file_while_it_can_be_played(writer: VideoWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    for index in range(10):
        writer.write(image(10 * index), round(index * STEP_NS))
    real = shutil.disk_usage(writer.path.parent)
    monkeypatch.setattr(video_writer.shutil, "disk_usage", lambda path: real._replace(free=1_000_000))
    with pytest.raises(RecordingError, match=r"ended after 10 frames: the disk is full \(1 MB free\)"):
        writer.write(image(100), round(10 * STEP_NS))
    assert greys(writer.path) == [10 * index for index in range(10)]


def test_a_file_that_was_refused_a_part_is_told(writer: VideoWriter) -> None:
    import resource

    rng: Any = np.random.default_rng(0)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        for index in range(50):
            writer.write(rng.integers(0, 256, (48, 64, 3), np.uint8), round(index * STEP_NS))
        with pytest.raises(RecordingError, match="cannot be played"):
            writer.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
