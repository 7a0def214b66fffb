"""Video files: own time stamps, rotation, truncated and broken files."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from face1d_ros.errors import PathError, SourceBrokenOffError, SourceNotFoundError, SourceUnreadableError
from face1d_ros.sources.video import VideoFile

MakeVideo = Callable[..., Path]
QUARTER_TURN = (0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
"""Display matrix of a file that is to be turned clockwise, in 16.16 and 2.30 fixed point (ISO 14496-12)."""


def test_every_frame_comes_once_in_order_with_its_time(make_video: MakeVideo, index_of: Callable) -> None:
    with VideoFile(make_video(frames=20, rate_hz=25.0), frame_id="eye") as source:
        frames = list(source.frames())
    assert (source.width, source.height, source.rate_hz, source.length) == (64, 48, 25.0, 20)
    assert [index_of(frame.image) for frame in frames] == list(range(20))
    assert [frame.header.stamp_ns for frame in frames] == [index * 40_000_000 for index in range(20)]
    assert {frame.header.frame_id for frame in frames} == {"eye"}


def test_colours_are_rgb(make_video: MakeVideo) -> None:
    with VideoFile(make_video()) as source:
        image = next(source.frames()).image
    assert image.dtype == np.uint8
    assert image[4, 4, 0] > 200 > image[4, 4, 2]
    assert image[-4, 4, 2] > 200 > image[-4, 4, 0]


def test_a_loop_goes_on_in_time(make_video: MakeVideo, index_of: Callable) -> None:
    with VideoFile(make_video(frames=5, rate_hz=10.0), loop=True) as source:
        frames = list(islice(source.frames(), 12))
    assert source.length is None
    assert [index_of(frame.image) for frame in frames] == [index % 5 for index in range(12)]
    assert [frame.header.stamp_ns for frame in frames] == [index * 100_000_000 for index in range(12)]


def test_a_rotated_recording_comes_upright(make_video: MakeVideo) -> None:
    path = make_video("phone.mp4", codec="mp4v")
    data = bytearray(path.read_bytes())
    matrix = data.find(b"tkhd") + 4 + 4 + 20 + 16  # version and flags, times, id and duration; reserved, layer, volume
    assert struct.unpack_from(">9i", data, matrix) == (1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    struct.pack_into(">9i", data, matrix, *QUARTER_TURN)
    path.write_bytes(data)
    with VideoFile(path) as source:
        image = next(source.frames()).image
    assert (source.width, source.height) == (48, 64)
    assert image[4, -4, 0] > 150, "what was top left is top right now: red"
    assert image[4, 4, 2] > 150, "what was bottom left is top left now: blue"


def test_a_truncated_file_gives_what_it_holds_and_then_says_so(make_video: MakeVideo) -> None:
    path = make_video(frames=40)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    frames = []
    with (
        VideoFile(path) as source,
        pytest.raises(SourceBrokenOffError, match=r"after \d+ of 40 frames.*truncated"),
    ):
        for frame in source.frames():
            frames.append(frame)
    assert 10 <= len(frames) <= 25


def test_a_truncated_file_goes_on_in_a_loop_and_what_it_lacks_is_counted(make_video: MakeVideo) -> None:
    path = make_video(frames=40, rate_hz=10.0)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with VideoFile(path, loop=True) as source:
        stamps = [frame.header.stamp_ns for frame in islice(source.frames(), 90)]
    assert stamps == [index * 100_000_000 for index in range(90)]
    passes, lacking = divmod(source.skipped.pop("cut_off"), 20)
    assert passes >= 3
    assert abs(lacking) <= 5 * passes
    assert not source.skipped


def test_a_name_that_opencv_cannot_take_is_refused(make_video: MakeVideo, tmp_path: Path) -> None:
    path = make_video().rename(tmp_path / os.fsdecode(b"caf\xe9.avi"))
    with pytest.raises(PathError, match=r"caf\\xe9\.avi': its name holds bytes that are no UTF-8; rename it"):
        VideoFile(path)
    with VideoFile(path.rename(tmp_path / "café 日本.avi")) as source:
        assert len(list(source.frames())) == 20


def test_a_file_truncated_before_its_index_is_refused(make_video: MakeVideo) -> None:
    path = make_video("clip.mp4", codec="mp4v")
    path.write_bytes(path.read_bytes()[:-800])
    with pytest.raises(SourceUnreadableError, match="truncated before its index"):
        VideoFile(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFoundError, match=r"gone\.mp4"):
        VideoFile(tmp_path / "gone.mp4")


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(SourceUnreadableError, match="empty"):
        VideoFile(tmp_path / "empty.mp4")


@pytest.mark.parametrize("name", ["notes.mp4", "notes01.mp4"])
def test_a_text_file_is_refused_whatever_its_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("This is no video.\n" * 100)
    with pytest.raises(SourceUnreadableError, match="no video that OpenCV can open"):
        VideoFile(tmp_path / name)


def test_a_file_that_must_not_be_read_is_refused(make_video: MakeVideo, unprivileged: None) -> None:
    path = Path("/etc/shadow")
    with pytest.raises(SourceUnreadableError, match="permission denied"):
        VideoFile(path)


@pytest.mark.parametrize(
    ("name", "size", "frames"),
    [
        ("single_face.mp4", (640, 360), 72),
        ("no_face.mp4", (960, 540), 95),
        ("face_noface.mov", (960, 540), 169),
    ],
)
def test_real_clips_play_with_strictly_rising_stamps(
    clips: Path, name: str, size: tuple[int, int], frames: int
) -> None:
    with VideoFile(clips / name) as source:
        stamps = [frame.header.stamp_ns for frame in source.frames()]
    assert (source.width, source.height) == size
    assert len(stamps) == frames
    assert stamps[0] == 0
    assert np.diff(stamps).min() > 0
    assert not source.skipped
