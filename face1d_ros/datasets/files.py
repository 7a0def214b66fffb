"""The files that datasets are made of: points, numbers, trees. What is read is text or a MATLAB array, never code."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import DatasetFileError

Floats = NDArray[np.float64]
IMAGE_EXTENSIONS = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff")
LARGEST_TEXT_BYTES = 4_000_000
"""A file of points has a few kilobytes."""


def read_pts(path: Path, first_pixel: float = 1.0) -> Floats:
    """(N, 2) of a `.pts` file: `n_points: N`, then N lines `x y` in braces.

    `first_pixel` is the coordinate of the centre of the first pixel, which is 0 in what is returned: files of the
    300W family count from 1, as MATLAB does.
    """
    text = read_text(path)
    body = re.search(r"\{([^{}]*)\}", text)
    count = re.search(r"n_points\s*:\s*(\d+)", text)
    if body is None or count is None:
        raise DatasetFileError(path, "no 'n_points' and braces", "a points file")
    points = _floats(path, body.group(1).split())
    if points.size != 2 * int(count.group(1)) or not points.size:
        raise DatasetFileError(path, f"{points.size} numbers for {count.group(1)} points", "two for each")
    return points.reshape(-1, 2) - first_pixel


def read_ljson(path: Path) -> Floats:
    """(N, 2) or (N, 3) of a landmark file of the Menpo project, versions 1 to 3; NaN what is not annotated.

    Points in the plane are written as y, x there and returned as x, y; they count from 0.
    """
    try:
        content = json.loads(read_text(path))
        points = np.array([[_number(value) for value in point] for point in _ljson_points(content)], np.float64)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise DatasetFileError(path, "another structure", "landmarks in LJSON, version 1, 2 or 3") from error
    if points.ndim != 2 or points.shape[1] not in (2, 3):
        raise DatasetFileError(path, f"points of shape {points.shape}", "points with 2 or 3 coordinates")
    return points[:, ::-1] if points.shape[1] == 2 else points


def read_numbers(path: Path, least: int) -> Floats:
    """(M,) all numbers of a text file, at least so many."""
    numbers = _floats(path, read_text(path).split())
    if numbers.size < least:
        raise DatasetFileError(path, f"{numbers.size} numbers", f"at least {least}")
    return numbers


def read_mat(path: Path, *names: str) -> list[Floats]:
    """Arrays of a MATLAB file (up to version 7.2)."""
    from scipy.io import loadmat

    try:
        content = loadmat(path, variable_names=names)
    except Exception as error:  # damaged bytes come out of SciPy as whatever they break: also zlib.error, IndexError
        raise DatasetFileError(path, str(error), "a MATLAB file, version 7.2 or before") from error
    missing = [name for name in names if name not in content]
    if missing:
        raise DatasetFileError(path, f"no variable '{missing[0]}'", "variables " + ", ".join(names))
    try:
        return [np.asarray(content[name], np.float64) for name in names]
    except (ValueError, TypeError) as error:
        raise DatasetFileError(path, str(error), "arrays of numbers") from error


def read_text(path: Path) -> str:
    """A file of text that is not larger than such files are."""
    try:
        if path.stat().st_size > LARGEST_TEXT_BYTES:
            raise DatasetFileError(path, f"{path.stat().st_size} bytes", f"text of up to {LARGEST_TEXT_BYTES}")
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise DatasetFileError(path, str(error.strerror), "a readable file") from error


def first_folder(root: Path, *candidates: str) -> Path | None:
    """The first of several folders below a root that is there; "." is the root itself."""
    for candidate in candidates:
        if (root / candidate).is_dir():
            return root / candidate
    return None


def folders_in(folder: Path, pattern: str = ".*") -> list[Path]:
    """Folders of whole names that match, sorted."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if re.fullmatch(pattern, path.name) and path.is_dir())


def files_by_stem(folder: Path, extensions: Iterable[str], pattern: str = ".*") -> dict[str, Path]:
    """Files whose stem matches and which end so, by stem, sorted."""
    if not folder.is_dir():
        return {}
    allowed = tuple(extensions)
    return {
        path.stem: path
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in allowed and re.fullmatch(pattern, path.stem)
    }


def unpaired(folder: str, images: Mapping[str, Path], others: Mapping[str, Path], extension: str) -> list[str]:
    """A line for each file without its counterpart."""
    lines = [f"{folder}{stem}{extension}" for stem in images if stem not in others]
    return lines + [f"{folder}{stem} (image)" for stem in others if stem not in images]


def gaps(numbers: Iterable[int], first: int, last: int) -> list[int]:
    """What is not there from first to last."""
    there = set(numbers)
    return [number for number in range(first, last + 1) if number not in there]


def short_of(what: str, found: int, expected: int) -> list[str]:
    """A line if fewer are there than were published."""
    return [f"{what}: {found} of {expected}"] if found < expected else []


def _ljson_points(content: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
    version = content["version"]
    if version == 1:
        return [mark["point"] for group in content["groups"] for mark in group["landmarks"]]
    if version == 3:
        return list(next(iter(content["groups"].values()))["landmarks"]["points"])
    return list(content["landmarks"]["points"])


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _floats(path: Path, words: Sequence[str]) -> Floats:
    try:
        numbers = np.array([float(word) for word in words], np.float64)
    except ValueError as error:
        raise DatasetFileError(path, str(error), "numbers") from error
    if not np.isfinite(numbers).all():
        raise DatasetFileError(path, "numbers that are not finite", "finite numbers")
    return numbers
