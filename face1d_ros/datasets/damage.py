"""Files of a dataset that are there and cannot be used: empty ones by their size, damaged ones by reading them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from face1d_ros.datasets.base import RealSequence
from face1d_ros.datasets.files import IMAGE_EXTENSIONS
from face1d_ros.errors import DatasetFileError

EXTENSIONS = (*IMAGE_EXTENSIONS, ".avi", ".pts", ".ljson", ".mat", ".txt", ".cal", ".xml")
Advance = Callable[[], None]


def empty_files(root: Path) -> list[str]:
    """Files of 0 bytes of the kinds that datasets are made of, below the root, sorted."""
    found = []
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder) / name
            if not name.startswith(".") and path.suffix.lower() in EXTENSIONS and _is_empty(path):
                found.append(str(path.relative_to(root)))
    return sorted(found)


def unreadable(sequence: RealSequence, advance: Advance = lambda: None) -> Iterator[str]:
    """A line for each file of one sequence that cannot be read: every image is decoded, every number parsed."""
    readers = (sequence.read_landmarks, sequence.read_pose, sequence.read_phases)
    told = dict.fromkeys(_problem(reader) for reader in readers if reader is not None)
    yield from (line for line in told if line)
    images, decoded, broken = iter(sequence.images), 0, False
    while True:
        try:
            if next(images, None) is None:
                break
            decoded += 1
        except DatasetFileError as error:
            broken = True
            yield str(error)
        advance()
    if not broken and decoded < len(sequence.images):
        yield f"{sequence.name}: {decoded} of {len(sequence.images)} frames can be decoded"


def _is_empty(path: Path) -> bool:
    try:
        return path.stat().st_size == 0
    except OSError:
        return False  # a link to nowhere: its name is missed by those who need it


def _problem(read: Callable[[], Any]) -> str:
    try:
        read()
    except DatasetFileError as error:
        return str(error)
    return ""
