"""Finding the bag and its image topic, or saying what there is instead."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from face1d_ros.errors import SourceUnreadableError
from face1d_ros.sources.base import check_exists, check_file, unlistable

if TYPE_CHECKING:
    from rosbags.interfaces import Connection

CAMERA_INFO_TYPE = "sensor_msgs/msg/CameraInfo"
IMAGE_TYPES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")
BAG_EXTENSIONS = (".mcap", ".db3")
PACKED_EXTENSION = ".zstd"
"""Of a recording that rosbag2 has compressed as a file; only metadata.yaml beside it says how to unpack it."""


def is_bag(path: Path) -> bool:
    """A folder with metadata.yaml or with recordings, or a single recording."""
    if os.path.isdir(path):  # unlike those of Path, these never raise
        return os.path.exists(path / "metadata.yaml") or bool(_recordings(path))
    return path.suffix.lower() in BAG_EXTENSIONS or _is_packed(path)


def check_bag(path: str | Path) -> Path:
    """The bag's folder, or its only recording where metadata.yaml is missing."""
    path = check_exists(path)
    if _is_packed(path):
        raise SourceUnreadableError(path, f"is a compressed recording; give its folder: {path.absolute().parent}")
    if os.path.isfile(path):
        return check_file(path)
    if os.path.exists(path / "metadata.yaml"):
        check_file(path / "metadata.yaml")
        return path
    recordings = _recordings(path)
    if len(recordings) == 1:
        return check_file(recordings[0])
    raise SourceUnreadableError(
        path,
        f"has no metadata.yaml and {len(recordings)} recordings; 'ros2 bag reindex {path}' writes it anew",
    )


def choose_topic(path: Path, connections: Iterable[Connection], asked: str) -> tuple[str, list[Connection]]:
    """The asked image topic, or the only one there is, with all its connections."""
    connections = list(connections)
    images = [connection for connection in connections if connection.msgtype in IMAGE_TYPES]
    topics = sorted({connection.topic for connection in images})
    if not topics:
        there = ", ".join(sorted(f"{c.topic} ({c.msgtype})" for c in connections)) or "none at all"
        raise SourceUnreadableError(path, f"holds no image topic; its topics: {there}")
    if asked:
        wanted = asked if asked.startswith("/") else f"/{asked}"
        if wanted not in topics:
            raise SourceUnreadableError(path, f"holds no image topic {asked}; image topics: {', '.join(topics)}")
    elif len(topics) > 1:
        raise SourceUnreadableError(path, f"holds several image topics, name one of: {', '.join(topics)}")
    else:
        wanted = topics[0]
    return wanted, [connection for connection in images if connection.topic == wanted]


def camera_info_beside(image_topic: str, connections: Iterable[Connection]) -> list[Connection]:
    """Those of the camera_info that belongs to an image topic: beside it, or beside what holds its transports."""
    beside = image_topic.rpartition("/")[0]
    names = {f"{place}/camera_info" for place in (beside, beside.rpartition("/")[0])}
    return [each for each in connections if each.msgtype == CAMERA_INFO_TYPE and each.topic in names]


def _is_packed(path: Path) -> bool:
    return path.suffix.lower() == PACKED_EXTENSION and Path(path.stem).suffix.lower() in BAG_EXTENSIONS


def _recordings(path: Path) -> list[Path]:
    try:
        return sorted(p for p in path.iterdir() if p.suffix.lower() in BAG_EXTENSIONS)
    except OSError as error:
        raise unlistable(path, error) from error
