"""Where a replay was when it was interrupted, and what it had recorded until then."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from face1d_ros.replay.json_file import read_json, write_json

FILE, RESULTS, PARTIAL, REMOVED = "checkpoint.json", "results", "results.partial", "results.removed"
PICTURES = "pictures"
FORMAT = 1


@dataclass(frozen=True)
class Checkpoint:
    """After which frame the landmark stage knew what. The results of all frames until then are in the bag for good."""

    frames: int
    stamp_ns: int
    """Of the last one."""
    wall_s: float
    """How long it took until then."""
    state: Mapping[str, Any]
    """As `LandmarksStage.state` gives it."""

    def save(self, folder: Path) -> None:
        """In place of the one before. Raises RecordingError."""
        write_json(folder / FILE, {"format": FORMAT, **asdict(self)}, indent=None)


def load_checkpoint(folder: Path) -> Checkpoint | None:
    """None where there is none that can be used."""
    found = read_json(folder / FILE)
    if found is None or found.pop("format", None) != FORMAT:
        return None
    try:
        return Checkpoint(**found)
    except TypeError:
        return None


def remove_checkpoint(folder: Path) -> None:
    """There is nothing to go on with any more."""
    (folder / FILE).unlink(missing_ok=True)


def set_aside(folder: Path) -> Path:
    """Where the recorded results are found while they are recorded anew.

    An interruption of that leaves them there: what stands in their place is less.
    """
    partial = folder / PARTIAL
    if partial.exists():
        remove_folder(folder / RESULTS)
    elif (folder / RESULTS).exists():
        os.replace(folder / RESULTS, partial)
    return partial


def remove_folder(path: Path) -> None:
    """At once for whoever looks at its name; what an interruption leaves is removed the next time."""
    removed = path.with_name(REMOVED)
    shutil.rmtree(removed, ignore_errors=True)
    if path.exists():
        os.replace(path, removed)
        shutil.rmtree(removed, ignore_errors=True)
