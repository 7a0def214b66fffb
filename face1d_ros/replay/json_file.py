"""Small JSON files that are there whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from face1d_ros.errors import RecordingError
from face1d_ros.paths import printable


def write_json(path: Path, values: Mapping[str, Any], *, indent: int | None = 2) -> None:
    """Replace the file at once; floats keep all their digits. Raises RecordingError."""
    temporary = path.with_name(f".{path.name}.new")
    try:
        temporary.write_text(json.dumps(values, indent=indent, ensure_ascii=True) + "\n", encoding="utf-8")
        os.replace(temporary, path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        why = error.strerror or str(error)
        raise RecordingError(f"cannot write {printable(path)}: {why}; make room, or choose another folder") from error


def read_json(path: Path) -> dict[str, Any] | None:
    """What is in it; None where it is not there, or no JSON object."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
