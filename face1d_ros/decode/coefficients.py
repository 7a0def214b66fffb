"""The coefficients of one face over time, from a bag, a JSON or an NPZ file."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import CoefficientsError, ConversionError, FaceModelFileError, SourceError
from face1d_ros.paths import user_path
from face1d_ros.sources.bag_account import Account, damage_errors
from face1d_ros.sources.bag_messages import Bag
from face1d_ros.sources.bag_topics import is_bag
from face1d_ros.synth.faces.npz_file import read_arrays
from face1d_ros.types import FaceMesh, FaceMeshArray

Floats: TypeAlias = NDArray[np.float32]
TYPE = "face1d_ros/msg/FaceMeshArray"
LARGEST_FILE_BYTES = 256 << 20
LARGEST = 100.0
"""Of a coefficient: no face is so far from the mean, and nothing overflows."""
NEEDED = ("identity", "expression", "expression_names")
OPTIONAL = ("stamps_s", "basis", "basis_sha256")
RATE_HZ = 30.0
"""Of frames without stamps."""
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
        expected = (self.stamps_s.size, len(self.expression_names))
        if self.expression.shape != expected or self.identity.ndim != 1 or self.stamps_s.ndim != 1 or not expected[0]:
            came = f"expression {self.expression.shape}, identity {self.identity.shape}, stamps {self.stamps_s.shape}"
            raise CoefficientsError("coefficients", came, f"expression {expected} of at least a frame, identity (I,)")
        for name, array in (("identity", self.identity), ("expression", self.expression), ("stamps_s", self.stamps_s)):
            if not np.isfinite(array).all():
                raise CoefficientsError(name, "values that are not finite", "finite numbers")
        for name, array in (("identity", self.identity), ("expression", self.expression)):
            if (np.abs(array) > LARGEST).any():
                raise CoefficientsError(name, f"{float(np.abs(array).max()):g}", f"at most {LARGEST:g}")
        if not (np.diff(self.stamps_s) > 0.0).all():
            raise CoefficientsError("stamps_s", "stamps that do not rise", "rising ones")

    def frame(self, index: int) -> Coefficients:
        """One frame alone."""
        only = [range(len(self.stamps_s))[index]]
        return dataclasses.replace(self, expression=self.expression[only], stamps_s=self.stamps_s[only])


def read_coefficients(path: str | Path, track_id: int | None = None, topic: str = "") -> Coefficients:
    """From an NPZ or JSON file with the fields of `Coefficients`, or face1d/mesh of a bag.

    Of a bag the face of this track; without one, the face that was seen most. Its identity is that of the frame that
    most frames had been combined into. `topic` is needed where the bag has several of the kind.
    """
    where = user_path(path)
    if where.is_dir() or is_bag(where):
        return _of_bag(where, track_id, topic)
    try:
        if where.stat().st_size > LARGEST_FILE_BYTES:
            raise CoefficientsError(where, "a file too large", f"at most {LARGEST_FILE_BYTES >> 20} MB")
        if where.suffix == ".npz":
            return _of_fields(read_arrays(where, NEEDED, OPTIONAL), where)
        return _of_fields(json.loads(where.read_text(encoding="utf-8")), where)
    except FaceModelFileError as error:
        raise CoefficientsError(where, error.came, error.expected) from error
    except (OSError, ValueError, TypeError, RecursionError, OverflowError) as error:
        raise CoefficientsError(where, f"no such content ({error})", "an NPZ or JSON file of coefficients") from error


def of_messages(messages: list[FaceMeshArray], track_id: int | None, where: object) -> Coefficients:
    """One face of messages in their order."""
    seen = Counter(face.track_id for message in messages for face in message.faces if len(face.expression))
    if not seen:
        raise CoefficientsError(where, f"{len(messages)} messages without coefficients", "faces with coefficients")
    chosen = seen.most_common(1)[0][0] if track_id is None else track_id
    if chosen not in seen:
        raise CoefficientsError(where, f"no track {chosen}", f"one of {', '.join(map(str, sorted(seen)))}")
    named = [message for message in messages if message.expression_names]
    first = named[0]
    faces: dict[int, FaceMesh] = {}
    for message in named:
        if (message.expression_names, message.basis_sha256) != (first.expression_names, first.basis_sha256):
            raise CoefficientsError(where, "coefficients of two face models", "those of one")
        for face in message.faces:
            if face.track_id == chosen and len(face.expression):
                faces[message.header.stamp_ns] = face
    stamps = sorted(faces)
    sharpest = max(stamps, key=lambda stamp: (faces[stamp].identity_frames, stamp))
    return Coefficients(
        faces[sharpest].identity,
        np.stack([faces[stamp].expression for stamp in stamps]),
        first.expression_names,
        (np.array(stamps) - stamps[0]) / NS,
        first.basis,
        first.basis_sha256,
    )


def _of_bag(where: Path, track_id: int | None, topic: str) -> Coefficients:
    from face1d_ros.convert.bag import from_bytes

    expected = "a rosbag2 with the topic face1d/mesh"
    unreadable: tuple[type[Exception], ...] = (*damage_errors(), SourceError, ConversionError)
    try:
        with closing(Bag(where)) as bag:
            found = sorted({each.topic for each in bag.channels if each.type == TYPE})
            wanted = [name for name in found if topic in ("", name, name.lstrip("/"))]
            if len(wanted) != 1:
                came = f"the topics {', '.join(found)}" if found else f"no {TYPE}"
                raise CoefficientsError(
                    where, came, f"one of them named by --topic, not '{topic}'" if found else expected
                )
            account = Account()
            messages = [from_bytes(each.data, TYPE) for each in bag.messages(wanted, account)]
    except unreadable as error:
        raise CoefficientsError(where, f"no readable bag ({error})", expected) from error
    if account.damage:
        raise CoefficientsError(where, f"no readable bag ({account.damage[0]})", expected)
    return of_messages(messages, track_id, where)


def _of_fields(fields: Any, where: Path) -> Coefficients:
    if not isinstance(fields, Mapping) or not all(name in fields for name in NEEDED):
        came = ", ".join(map(str, fields))[:120] if isinstance(fields, Mapping) else type(fields).__name__
        raise CoefficientsError(where, came, f"fields {', '.join(NEEDED)}, and stamps_s where there are several frames")
    expression = np.atleast_2d(np.asarray(fields["expression"], np.float32))
    names = np.asarray(fields["expression_names"])
    if names.dtype.kind != "U" or names.ndim != 1:
        raise CoefficientsError(where, f"expression_names of {names.dtype}, shape {names.shape}", "a list of texts")
    stamps_s = np.atleast_1d(np.asarray(fields.get("stamps_s", np.arange(len(expression)) / RATE_HZ), np.float64))
    return Coefficients(
        np.atleast_1d(np.asarray(fields["identity"], np.float32)),
        expression,
        tuple(names.tolist()),
        stamps_s - stamps_s.flat[0] if stamps_s.size else stamps_s,
        str(fields.get("basis", "")),
        str(fields.get("basis_sha256", "")),
    )
