"""The files of a bag in their order, and what its metadata.yaml announces. Files packed as a whole are unpacked."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from face1d_ros.errors import SourceUnreadableError
from face1d_ros.sources.bag_account import Loss, why
from face1d_ros.sources.bag_topics import METADATA, is_packed, recordings
from face1d_ros.sources.base import check_exists, check_file
from face1d_ros.sources.unpacking import unpack_file

MAX_METADATA_BYTES = 4 * 2**20
BROKEN_YAML = (yaml.YAMLError, OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError)


@dataclass
class BagFiles:
    """What there is to read."""

    path: Path
    files: list[Path] = field(default_factory=list)
    announced: Counter[str] | None = None
    """Messages of each topic, by metadata.yaml."""
    losses: list[Loss] = field(default_factory=list)
    folder: TemporaryDirectory[str] | None = None
    """Of what was unpacked."""

    def close(self) -> None:
        """Deletes what was unpacked."""
        folder, self.folder = self.folder, None
        if folder is not None:
            folder.cleanup()


def find_files(path: str | Path) -> BagFiles:
    """The bag's recordings, unpacked. Raises SourceError where there is none."""
    path = check_exists(path)
    bag = BagFiles(path)
    if os.path.isfile(path):
        bag.files = [check_file(path)]
    elif os.path.exists(path / METADATA):
        check_file(path / METADATA)
        _read_metadata(bag)
    else:
        bag.files = recordings(path)
        if len(bag.files) == 1:
            check_file(bag.files[0])
    if not bag.files:
        raise SourceUnreadableError(path, "is no readable rosbag2: it has no recordings (*.mcap, *.db3)")
    try:
        _unpack(bag)
    except BaseException:
        bag.close()
        raise
    return bag


def _read_metadata(bag: BagFiles) -> None:
    """Files and counts; where it cannot be read, the recordings that lie there."""
    try:
        names, bag.announced = _metadata(bag.path / METADATA)
    except BROKEN_YAML as error:
        bag.files = recordings(bag.path)
        bag.losses.append(Loss(METADATA, "", f"it cannot be read ({why(error)}); the files were taken as they lie", 0))
        return
    for name in names:
        file = bag.path / name
        if os.path.isfile(file):
            bag.files.append(file)
        else:
            bag.losses.append(Loss(name, "", "the file is missing"))


def _metadata(path: Path) -> tuple[list[str], Counter[str]]:
    if path.stat().st_size > MAX_METADATA_BYTES:
        raise ValueError("it is too large")
    # libyaml, which is faster, crashes where parts are nested a hundred thousand times.
    content: Any = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    told = content["rosbag2_bagfile_information"]
    names = [PurePath(name).name for name in told["relative_file_paths"]]
    counts: Counter[str] = Counter()
    for topic in told["topics_with_message_count"]:
        name, count = topic["topic_metadata"]["name"], topic["message_count"]
        if not isinstance(name, str) or not isinstance(count, int):
            raise ValueError("it holds no counts of messages")
        counts[name] += count
    return names, counts


def _unpack(bag: BagFiles) -> None:
    for index, file in enumerate(bag.files):
        if not is_packed(file):
            continue
        bag.folder = bag.folder or TemporaryDirectory(prefix="face1d_bag_")
        try:
            bag.files[index], problem = unpack_file(file, Path(bag.folder.name))
        except OSError as error:
            raise SourceUnreadableError(file, f"cannot be unpacked: {error.strerror or error}") from error
        if problem:
            bag.losses.append(Loss(file.name, "", problem))
