"""Telling bags from other files, and finding the image topic or saying what there is instead."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from face1d_ros.errors import SourceUnreadableError
from face1d_ros.sources.bag_account import Channel
from face1d_ros.sources.base import unlistable

CAMERA_INFO_TYPE = "sensor_msgs/msg/CameraInfo"
IMAGE_TYPES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")
METADATA = "metadata.yaml"
EXTENSIONS = (".mcap", ".db3")
PACKED_EXTENSIONS = (".zstd", ".zst")
"""Of recordings that rosbag2 has compressed as files."""
DIGITS = re.compile(r"([0-9]+)")


def is_bag(path: Path) -> bool:
    """A folder with metadata.yaml or with recordings, or a single recording."""
    if os.path.isdir(path):  # unlike those of Path, these never raise
        return os.path.exists(path / METADATA) or bool(recordings(path))
    return _is_recording(path)


def is_packed(path: Path) -> bool:
    """A recording compressed as a file, by its name."""
    return path.suffix.lower() in PACKED_EXTENSIONS and Path(path.stem).suffix.lower() in EXTENSIONS


def recordings(folder: Path) -> list[Path]:
    """By the numbers in their names: in that order they were written."""
    try:
        found = [path for path in folder.iterdir() if _is_recording(path)]
    except OSError as error:
        raise unlistable(folder, error) from error
    return sorted(found, key=lambda path: [int(p) if p.isdecimal() else p for p in DIGITS.split(path.name)])


def choose_topic(path: Path, channels: Iterable[Channel], asked: str) -> str:
    """The asked image topic, or the only one there is."""
    channels = list(channels)
    topics = sorted({channel.topic for channel in channels if channel.type in IMAGE_TYPES})
    if not topics:
        there = ", ".join(sorted({f"{each.topic} ({each.type})" for each in channels})) or "none at all"
        raise SourceUnreadableError(path, f"holds no image topic; its topics: {there}")
    if asked:
        wanted = asked if asked.startswith("/") else f"/{asked}"
        if wanted not in topics:
            raise SourceUnreadableError(path, f"holds no image topic {asked}; image topics: {', '.join(topics)}")
        return wanted
    if len(topics) > 1:
        raise SourceUnreadableError(path, f"holds several image topics, name one of: {', '.join(topics)}")
    return topics[0]


def camera_info_beside(image_topic: str, channels: Iterable[Channel]) -> frozenset[str]:
    """The topics of the camera_info that belongs to images: beside them, or beside what holds their transports."""
    beside = image_topic.rpartition("/")[0]
    names = {f"{place}/camera_info" for place in (beside, beside.rpartition("/")[0])}
    return frozenset(each.topic for each in channels if each.type == CAMERA_INFO_TYPE and each.topic in names)


def _is_recording(path: Path) -> bool:
    return path.suffix.lower() in EXTENSIONS or is_packed(path)
