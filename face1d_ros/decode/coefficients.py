"""The coefficients of one face over time, from a bag, a JSON or an NPZ file."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import CoefficientsError
from face1d_ros.paths import user_path
from face1d_ros.types import FaceMeshArray

Floats: TypeAlias = NDArray[np.float32]
TYPE = "face1d_ros/msg/FaceMeshArray"
LARGEST_FILE_BYTES = 256 << 20
NS = 1e9


@dataclass(frozen=True, eq=False)
class Coefficients:
    """T frames, I identity and K expression coefficients."""

    identity: Floats
    """(I,) standard deviations of the face model; further ones are 0."""
    expression: Floats
    """(T, K)"""
    expression_names: tuple[str, ...]
    stamps_s: NDArray[np.float64]
    """(T,) since the first frame."""
    basis: str = ""
    """Name of the face model; '' is unknown."""
    basis_sha256: str = ""

    def __post_init__(self) -> None:
        expected = (len(self.stamps_s), len(self.expression_names))
        if self.expression.shape != expected or self.identity.ndim != 1 or not len(self.stamps_s):
            came = f"expression {self.expression.shape}, identity {self.identity.shape}"
            raise CoefficientsError("coefficients", came, f"expression {expected} of at least a frame, identity (I,)")
        for name, array in (("identity", self.identity), ("expression", self.expression), ("stamps_s", self.stamps_s)):
            if not np.isfinite(array).all():
                raise CoefficientsError(name, "values that are not finite", "finite numbers")
        if not (np.diff(self.stamps_s) > 0.0).all():
            raise CoefficientsError("stamps_s", "stamps that do not rise", "rising ones")


def read_coefficients(path: str | Path, track_id: int | None = None) -> Coefficients:
    """From an NPZ or JSON file with the fields of `Coefficients`, or the topic face1d/mesh of a bag.

    Of a bag the face of this track; without one, the face that was seen most. Its identity is the last one.
    """
    where = user_path(path)
    if where.is_dir() or where.suffix == ".mcap":
        return _of_bag(where, track_id)
    try:
        if where.stat().st_size > LARGEST_FILE_BYTES:
            raise CoefficientsError(where, "a file too large", f"at most {LARGEST_FILE_BYTES >> 20} MB")
        if where.suffix == ".npz":
            with np.load(where, allow_pickle=False) as file:
                return _of_fields({name: file[name] for name in file.files}, where)
        return _of_fields(json.loads(where.read_text(encoding="utf-8")), where)
    except (ValueError, RecursionError, EOFError) as error:
        raise CoefficientsError(where, f"no such content ({error})", "an NPZ or JSON file of coefficients") from error


def of_messages(messages: list[FaceMeshArray], track_id: int | None, where: object) -> Coefficients:
    """One face of messages in their order."""
    seen = Counter(face.track_id for message in messages for face in message.faces if len(face.expression))
    if not seen:
        raise CoefficientsError(where, f"{len(messages)} messages without coefficients", "faces with coefficients")
    chosen = seen.most_common(1)[0][0] if track_id is None else track_id
    if chosen not in seen:
        raise CoefficientsError(where, f"no track {chosen}", f"one of {', '.join(map(str, sorted(seen)))}")
    rows: dict[int, Any] = {}
    named = [m for m in messages if m.expression_names]
    names, basis, digest = named[0].expression_names, named[0].basis, named[0].basis_sha256
    for message in named:
        if (message.expression_names, message.basis_sha256) != (names, digest):
            raise CoefficientsError(where, "coefficients of two face models", "those of one")
        for face in message.faces:
            if face.track_id == chosen and len(face.expression) == len(names):
                rows[message.header.stamp_ns] = face
    stamps = sorted(rows)
    return Coefficients(
        np.asarray(rows[stamps[-1]].identity, np.float32),
        np.stack([rows[stamp].expression for stamp in stamps]).astype(np.float32),
        names,
        (np.array(stamps, np.float64) - stamps[0]) / NS,
        basis,
        digest,
    )


def _of_bag(where: Path, track_id: int | None) -> Coefficients:
    from rosbags.highlevel import AnyReader, AnyReaderError

    from face1d_ros.convert.bag import from_bytes, typestore

    try:
        with AnyReader([where], default_typestore=typestore()) as reader:
            connections = [each for each in reader.connections if each.msgtype == TYPE]
            raw = [bytes(data) for _, _, data in reader.messages(connections)] if connections else []
    except (AnyReaderError, OSError) as error:
        raise CoefficientsError(where, f"no readable bag ({error})", "a rosbag2 with the topic face1d/mesh") from error
    if not raw:
        raise CoefficientsError(where, f"no {TYPE}", "a rosbag2 with the topic face1d/mesh")
    return of_messages([from_bytes(data, TYPE) for data in raw], track_id, where)


def _of_fields(fields: Any, where: Path) -> Coefficients:
    needed = ("identity", "expression", "expression_names")
    if not isinstance(fields, dict) or not all(name in fields for name in needed):
        came = ", ".join(map(str, fields))[:120] if isinstance(fields, dict) else type(fields).__name__
        raise CoefficientsError(where, came, f"fields {', '.join(needed)}, and stamps_s where there are several frames")
    identity, expression = (np.asarray(fields[name], np.float32) for name in needed[:2])
    expression = np.atleast_2d(expression)
    stamps = np.asarray(fields.get("stamps_s", np.arange(len(expression)) / 30.0), np.float64)
    names = tuple(str(name) for name in fields["expression_names"])
    return Coefficients(
        np.atleast_1d(identity),
        expression,
        names,
        stamps,
        str(fields.get("basis", "")),
        str(fields.get("basis_sha256", "")),
    )
