"""What a machine sees at the paths of a replay: several must see the same."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from face1d_ros import __version__
from face1d_ros.paths import printable
from face1d_ros.sources import PORTRAIT
from face1d_ros.sources.base import files_of


@dataclass(frozen=True)
class Seen:
    """What is at a path."""

    problem: str
    """'' where it can be read."""
    bytes: int = 0


@dataclass(frozen=True)
class Looked:
    """All that a machine needs for a replay, as it sees it."""

    version: str
    sources: tuple[Seen, ...]
    folders: tuple[str, ...]
    """What is wrong with each; '' for nothing."""


def look(sources: Sequence[str], folders: Sequence[str], sign: str) -> Looked:
    """How these paths are seen here: sources to read, and folders to write to that hold the file `sign`."""
    return Looked(
        __version__, tuple(seen(source) for source in sources), tuple(_problem(folder, sign) for folder in folders)
    )


def seen(source: str) -> Seen:
    """How much there is to read of a source."""
    if source == PORTRAIT:
        return Seen("")
    path = Path(source)
    try:
        files = files_of(path)
        for file in files[:1]:
            file.open("rb").close()
        return Seen("", sum(file.stat().st_size for file in files))
    except OSError as error:
        return Seen(error.strerror or printable(error))


def _problem(folder: str, sign: str) -> str:
    if not os.path.isdir(folder):
        return "is not there"
    if not os.path.exists(os.path.join(folder, sign)):
        return "is another folder"
    return "" if os.access(folder, os.W_OK) else "cannot be written"
