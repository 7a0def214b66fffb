"""Image folders and single images."""

from __future__ import annotations

import errno
import os
import struct
import zlib
from collections import Counter
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from face1d_ros.errors import SourceNotFoundError, SourceUnreadableError
from face1d_ros.sources.folder import ImageFolder


def write(path: Path, image: object) -> None:
    assert cv2.imwrite(str(path), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))


@pytest.fixture
def folder(tmp_path: Path, picture: Callable) -> Path:
    for index in range(12):
        write(tmp_path / f"frame_{index}.png", picture(index))
    (tmp_path / "readme.txt").write_text("not an image")
    return tmp_path


def test_images_come_in_natural_order_at_the_rate(folder: Path, index_of: Callable) -> None:
    with ImageFolder(folder, rate_hz=3.0, frame_id="eye") as source:
        frames = list(source.frames())
    assert [index_of(frame.image) for frame in frames] == list(range(12))
    assert [frame.header.stamp_ns for frame in frames[:4]] == [0, 333_333_333, 666_666_667, 1_000_000_000]
    assert (source.width, source.height, source.length) == (64, 48, 12)
    assert frames[0].image[4, 4, 0] > 200 > frames[0].image[4, 4, 2]


def test_bad_images_are_left_out_counted_and_keep_their_time(
    folder: Path, picture: Callable, index_of: Callable
) -> None:
    write(folder / "frame_2.png", picture(2, 32, 24))
    (folder / "frame_5.png").write_bytes((folder / "frame_5.png").read_bytes()[:40])
    (folder / "frame_6.png").write_bytes(b"")
    (folder / "frame_7.png").write_text("a text")
    with ImageFolder(folder, rate_hz=10.0) as source:
        frames = list(source.frames())
    assert [index_of(frame.image) for frame in frames] == [0, 1, 3, 4, 8, 9, 10, 11]
    assert [frame.header.stamp_ns // 100_000_000 for frame in frames] == [0, 1, 3, 4, 8, 9, 10, 11]
    assert source.skipped == Counter(size=1, undecodable=3)


def test_a_loop_goes_on_in_time(folder: Path) -> None:
    with ImageFolder(folder, rate_hz=1.0, loop=True) as source:
        stamps = [frame.header.stamp_ns for frame in islice(source.frames(), 30)]
    assert stamps == [index * 1_000_000_000 for index in range(30)]


def test_a_loop_over_images_that_vanished_ends(folder: Path) -> None:
    with ImageFolder(folder, rate_hz=1.0, loop=True) as source:
        frames = source.frames()
        for _ in range(12):
            next(frames)
        for path in folder.glob("*.png"):
            path.unlink()
        with pytest.raises(SourceUnreadableError, match=r"no image can be read any more \(12 missing\)"):
            next(frames)


def test_a_loop_over_a_folder_that_vanished_says_that_it_is_gone(folder: Path, tmp_path_factory: Any) -> None:
    with ImageFolder(folder, rate_hz=1.0, loop=True) as source:
        frames = source.frames()
        for _ in range(30):
            next(frames)
        folder.rename(tmp_path_factory.mktemp("elsewhere") / "away")
        with pytest.raises(SourceNotFoundError, match="was not found"):
            next(frames)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO])
def test_images_that_cannot_be_read_for_a_while_end_a_pass_in_a_source_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    with ImageFolder(folder, rate_hz=1.0, loop=True) as source:
        frames = source.frames()
        for _ in range(24):
            next(frames)
        monkeypatch.setattr(np, "fromfile", fail)
        with pytest.raises(SourceUnreadableError, match=r"\(12 unreadable\)"):
            next(frames)


def test_what_is_too_large_is_never_decoded(folder: Path, monkeypatch: pytest.MonkeyPatch, picture: Callable) -> None:
    data = bytearray((folder / "frame_3.png").read_bytes())
    struct.pack_into(">II", data, 16, 16_000, 16_000)
    struct.pack_into(">I", data, 29, zlib.crc32(data[12:29]))
    (folder / "frame_3.png").write_bytes(data)
    decode, sizes = cv2.imdecode, []

    def watched(data: Any, *options: Any) -> Any:
        sizes.append(len(data))
        return decode(data, *options)

    monkeypatch.setattr(cv2, "imdecode", watched)
    with ImageFolder(folder, rate_hz=10.0) as source:
        assert len(list(source.frames())) == 11
    assert source.skipped == Counter(too_large=1)
    assert len(sizes) == 12, "the first one for its size, then all but one"
    with pytest.raises(SourceUnreadableError, match=r"none of its images can be used: 1 too_large"):
        ImageFolder(folder / "frame_3.png", rate_hz=10.0)


def test_a_single_image_is_a_folder_of_one(folder: Path) -> None:
    with ImageFolder(folder / "frame_3.png", rate_hz=30.0) as source:
        assert len(list(source.frames())) == source.length == 1


def test_a_folder_without_images_names_what_is_read(tmp_path: Path) -> None:
    (tmp_path / "clip.avi").touch()
    with pytest.raises(SourceUnreadableError, match=r"no images.*\.jpg.*\.png"):
        ImageFolder(tmp_path, rate_hz=30.0)


def test_a_folder_of_damaged_images_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")
    with pytest.raises(SourceUnreadableError, match="none of its images can be used: 1 undecodable"):
        ImageFolder(tmp_path, rate_hz=30.0)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFoundError):
        ImageFolder(tmp_path / "gone", rate_hz=30.0)


def test_a_folder_that_must_not_be_read_is_refused(tmp_path: Path, unprivileged: None) -> None:
    with pytest.raises(SourceUnreadableError, match="permission denied"):
        ImageFolder("/root", rate_hz=30.0)
