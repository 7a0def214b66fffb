"""CSV and NPZ files of truth, read and checked. T rows, N landmarks."""

from __future__ import annotations

import csv
import math
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import TruthError
from face1d_ros.evaluate.verdicts import DATA
from face1d_ros.geometry.topology import KNOWN
from face1d_ros.replay.report.truth import FileTruth, Rows
from face1d_ros.types import Phase

SUFFIXES = (".csv", ".npz")
COMMENT = "# data:"
"""Begins the line of a CSV file that says whether its source is real or synthetic."""
NS = 1e9
PHASES = {phase.name.lower(): int(phase) for phase in Phase} | {"": 0}
STAMPS = ("stamp_ns", "stamps_ns", "stamp_s", "stamps_s")


def read_file(path: Path) -> FileTruth:
    """By its suffix. Raises TruthError."""
    try:
        columns = _npz(path) if path.suffix.lower() == ".npz" else _csv(path)
    except OSError as error:
        raise TruthError(path, error.strerror or str(error)) from error
    except (ValueError, KeyError, zipfile.BadZipFile, csv.Error, EOFError) as error:
        raise TruthError(path, f"cannot be read: {error}") from error
    data = str(columns.pop("data", "real"))
    if data not in DATA:
        raise TruthError(path, f"its data is '{data}', expected {' or '.join(DATA)}")
    return FileTruth(_rows(path, columns), path.name, data)


def _npz(path: Path) -> dict[str, Any]:
    with np.load(path, allow_pickle=False) as content:
        return {name: content[name] for name in content.files}


def _csv(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    with path.open(newline="", encoding="utf-8-sig") as file:
        lines = []
        for line in file:
            if line.startswith(COMMENT):
                found["data"] = line.removeprefix(COMMENT).strip()
            elif line.strip() and not line.startswith("#"):
                lines.append(line)
    reader = csv.reader(lines)
    names = [name.strip() for name in next(reader, [])]
    rows = [[cell.strip() for cell in row] for row in reader]
    uneven = next((number for number, row in enumerate(rows) if len(row) != len(names)), None)
    if uneven is not None:
        raise ValueError(f"row {uneven + 1} has {len(rows[uneven])} cells, the heading {len(names)}")
    columns = dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else {name: () for name in names}
    for name in ("label", "phase"):
        if name in columns:
            found[name] = np.array(columns[name], np.str_)
    for name in ("face", *STAMPS):
        if name in columns:
            found[name] = np.array([int(cell) if name.endswith("ns") else float(cell) for cell in columns[name]])
    count = 0
    while f"x{count}" in columns and f"y{count}" in columns:
        count += 1
    if count:
        points = [[_numbers(columns[f"{axis}{index}"]) for axis in "xy"] for index in range(count)]
        found["landmarks"] = np.array(points, np.float32).transpose(2, 0, 1)
    for name, parts in (("orientation", ("qx", "qy", "qz", "qw")), ("position", ("tx", "ty", "tz"))):
        if all(part in columns for part in parts):
            found[name] = np.stack([_numbers(columns[part]) for part in parts], axis=1)
    return found


def _numbers(cells: Sequence[str]) -> NDArray[np.float64]:
    return np.array([float(cell) if cell else math.nan for cell in cells])


def _rows(path: Path, columns: Mapping[str, Any]) -> Rows:
    stamps_ns = _stamps_ns(path, columns)
    count = len(stamps_ns)
    shapes: dict[str, tuple[tuple[int, ...], str]] = {
        "landmarks": ((-1, 2), "(T, N, 2 or 3)"),
        "label": ((), "(T,)"),
        "phase": ((), "(T,)"),
        "face": ((), "(T,)"),
        "rotation": ((3, 3), "(T, 3, 3)"),
        "orientation": ((4,), "(T, 4)"),
        "position": ((3,), "(T, 3)"),
    }
    given: dict[str, NDArray[Any]] = {}
    for name, (shape, expected) in shapes.items():
        if name not in columns:
            continue
        array = np.asarray(columns[name])
        if name == "landmarks" and array.ndim == 3:
            array = array[..., :2]
        fits = array.ndim == 1 + len(shape) and all(n in (-1, m) for n, m in zip(shape, array.shape[1:], strict=True))
        if len(array) != count or not fits:
            raise TruthError(path, f"{name} has shape {array.shape}, expected {expected} with T = {count}")
        given[name] = array
    if not given.keys() - {"face"}:
        raise TruthError(path, f"holds none of {', '.join(sorted(shapes.keys() - {'face'}))} beside its stamps")
    if "landmarks" in given and given["landmarks"].shape[1] not in KNOWN:
        raise TruthError(path, f"holds {given['landmarks'].shape[1]} landmarks a face, expected 68, 468 or 478")
    return Rows(
        stamps_ns,
        _of(path, given, "face", np.int64),
        _of(path, given, "landmarks", np.float32),
        _of(path, given, "label", np.str_),
        _phases(path, given),
        _orientation(path, given),
        _of(path, given, "position", np.float64),
    )


def _of(path: Path, given: Mapping[str, NDArray[Any]], name: str, kind: Any) -> Any:
    try:
        return given[name].astype(kind) if name in given else None
    except ValueError as error:
        raise TruthError(path, f"{name}: {error}") from error


def _stamps_ns(path: Path, columns: Mapping[str, Any]) -> NDArray[np.int64]:
    name = next((name for name in STAMPS if name in columns), None)
    if name is None:
        raise TruthError(path, "holds no stamps: expected stamp_ns or stamp_s")
    array = np.asarray(columns[name])
    if array.ndim != 1 or not len(array) or array.dtype.kind not in "iuf" or not np.isfinite(array).all():
        raise TruthError(path, f"{name} is {array.dtype} of shape {array.shape}, expected (T,) finite numbers, T ≥ 1")
    if name.endswith("ns"):
        return array.astype(np.int64)
    # Whole seconds apart: seconds since 1970 have no digits left for a nanosecond as a float.
    whole = np.floor(array.astype(np.float64))
    return whole.astype(np.int64) * 1_000_000_000 + np.rint((array - whole) * NS).astype(np.int64)


def _phases(path: Path, given: Mapping[str, NDArray[Any]]) -> NDArray[np.int64] | None:
    if "phase" not in given:
        return None
    phases = given["phase"]
    if phases.dtype.kind in "US":
        unknown = sorted(set(phases.astype(np.str_).tolist()) - PHASES.keys())
        if unknown:
            raise TruthError(path, f"phase '{unknown[0]}' is not known, expected {', '.join(filter(None, PHASES))}")
        return np.array([PHASES[name] for name in phases.astype(np.str_).tolist()], np.int64)
    if phases.dtype.kind not in "iu" or phases.min() < 0 or phases.max() >= len(Phase):
        raise TruthError(
            path, f"phases are {phases.dtype}, expected names, or 0 to {len(Phase) - 1} as in FaceExpression"
        )
    return phases.astype(np.int64)


def _orientation(path: Path, given: Mapping[str, NDArray[Any]]) -> NDArray[np.float64] | None:
    """(T, 4) x y z w."""
    if "orientation" in given or "rotation" not in given:
        return _of(path, given, "orientation", np.float64)
    from face1d_ros.stages.mesh_pose import quaternion

    rotations = _of(path, given, "rotation", np.float64)
    known = np.isfinite(rotations).all(axis=(1, 2))
    found = np.full((len(rotations), 4), np.nan)
    found[known] = [quaternion(rotation) for rotation in rotations[known]]
    return found
