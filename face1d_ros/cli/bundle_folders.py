"""Model bundles as a person names them: by name among those that come with the package, or by folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from face1d_ros.engines.bundle import MANIFEST, shipped_bundles
from face1d_ros.errors import InvalidValueError


def bundle_folders(names: Sequence[str], folder: Path | None = None) -> list[Path]:
    """Those named, in that order; all in `folder`, or all that come with the package, if none is."""
    known = {path.name: path for path in _all(folder)}
    if not names:
        return list(known.values())
    return [_one(name, known) for name in names]


def _all(folder: Path | None) -> list[Path]:
    if folder is None:
        return shipped_bundles()
    return sorted(path.parent for path in folder.glob(f"*/{MANIFEST}"))


def _one(name: str, known: dict[str, Path]) -> Path:
    if name in known:
        return known[name]
    path = Path(name)
    if (path / MANIFEST).is_file():
        return path.absolute()
    there = f"one of {', '.join(known)}" if known else "the folder of a bundle: no bundle comes with this version"
    raise InvalidValueError("model", name, there)
