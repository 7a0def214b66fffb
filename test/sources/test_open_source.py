"""Which source a name stands for."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest

from face1d_ros.errors import PathError, SourceError, SourceNotFoundError, SourceUnreadableError
from face1d_ros.sources import open_source


def kind(source: str, **options: object) -> str:
    with open_source(source, clock=lambda: 0, **options) as opened:  # type: ignore[arg-type]
        assert next(opened.frames()).image.shape == (opened.height, opened.width, 3)
        assert opened.description
        return type(opened).__name__


def test_the_portrait_is_made_as_asked() -> None:
    with open_source("portrait", clock=lambda: 0, width=320, height=240, rate_hz=15.0, frame_id="eye") as source:
        frame = next(source.frames())
        assert (source.rate_hz, source.length, source.live) == (15.0, None, False)
    assert frame.image.shape == (240, 320, 3)
    assert frame.header.frame_id == "eye"


def test_files_and_folders_are_told_apart(tmp_path: Path, make_video: Callable, picture: Callable) -> None:
    images = tmp_path / "images"
    images.mkdir()
    cv2.imwrite(str(images / "one.PNG"), picture(1))
    assert kind(str(make_video())) == "VideoFile"
    assert kind(str(images)) == "ImageFolder"
    assert kind(str(images / "one.PNG")) == "ImageFolder"


@pytest.mark.parametrize("source", ["", "no/such/thing.mp4", "portait"])
def test_what_is_not_there_is_answered_with_the_choice(source: str) -> None:
    with pytest.raises(SourceNotFoundError, match=r"give 'portrait', a camera \(here: .*path of a video"):
        open_source(source, clock=lambda: 0)


@pytest.mark.parametrize("source", ["99", "/dev/video99", "/dev/v4l/by-id/usb-gone"])
def test_cameras_are_known_by_number_and_device(source: str) -> None:
    with pytest.raises(SourceNotFoundError, match="plug in a camera"):
        open_source(source, clock=lambda: 0)


def test_a_home_that_nobody_has_is_refused() -> None:
    with pytest.raises(PathError, match="nobody here is called 'no_such_user'"):
        open_source("~no_such_user/clip.mp4", clock=lambda: 0)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ESTALE])
@pytest.mark.parametrize(
    ("call", "source"), [("stat", "one.png"), ("stat", "."), ("iterdir", "."), ("open", "one.png")]
)
def test_what_the_system_denies_is_a_source_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, picture: Callable, number: int, call: str, source: str
) -> None:
    def deny(path: Path, *_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), str(path))

    cv2.imwrite(str(tmp_path / "one.png"), picture(1))
    assert kind(str(tmp_path / source)) == "ImageFolder"
    with monkeypatch.context() as denied:
        denied.setattr(Path, call, deny)
        with pytest.raises(SourceError, match=r"permission denied|cannot be re"):
            open_source(str(tmp_path / source), clock=lambda: 0)
    assert kind(str(tmp_path / source)) == "ImageFolder"


@pytest.mark.parametrize("name", ["drive.mcap.zstd", "drive_0.db3.zstd"])
def test_a_compressed_recording_is_known_by_its_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x28\xb5\x2f\xfd and so on")
    for source in (tmp_path, tmp_path / name):
        with pytest.raises(SourceUnreadableError, match=f"no readable rosbag2: {name}: it cannot be unpacked"):
            open_source(str(source), clock=lambda: 0)


def test_a_bag_is_known_by_its_recording(tmp_path: Path) -> None:
    (tmp_path / "drive.mcap").write_bytes(b"\x89MCAP0\r\n and no more")
    for source in (tmp_path, tmp_path / "drive.mcap"):
        with pytest.raises(SourceUnreadableError, match="no readable rosbag2"):
            open_source(str(source), clock=lambda: 0)
