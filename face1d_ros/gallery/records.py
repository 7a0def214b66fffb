"""What the files of a gallery hold once they are opened, and its strict reading: authentic bytes are checked, too."""

from __future__ import annotations

import json
import re
import secrets
import struct
from contextlib import suppress
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

import numpy as np

from face1d_ros import types
from face1d_ros.gallery.crypto import ID_BYTES, NotOpenedError, SecretKey
from face1d_ros.types import FloatArray

HEADER_LIMIT = 8 << 20
SUBJECT_LIMIT = 16 << 20
MOST_SUBJECTS = 4096
MOST_TEMPLATES = 256
MOST_CONSENTS = 64
LARGEST_DIMENSION = 2048
LONGEST_CONSENT = 8192
LONGEST_NAME = 200
LATEST_NS = 2**63 - 1
HANDLE = re.compile(r"[0-9a-f]{16}\Z")
SUBJECT_FILE = re.compile(r"[0-9a-f]{16}\.[0-9a-f]{16}\Z")
NORM_TOLERANCE = 1e-3
_LENGTH = struct.Struct(">I")
_Data = TypeVar("_Data")


@dataclass(frozen=True)
class Consent:
    """What a person agreed to, and when."""

    text: str = field(repr=False)
    at_ns: int


@dataclass(frozen=True)
class Entry:
    """A subject in the header: where the record is, the key that alone opens it, and what is listed of it."""

    version: str
    """Of the record: 16 hexadecimal digits, new at every change."""
    key: SecretKey = field(repr=False)
    templates: int
    enrolled_ns: int
    expires_ns: int
    consented_ns: int
    algorithm: str

    def is_expired(self, now_ns: int) -> bool:
        """Whether its time is over."""
        return 0 < self.expires_ns <= now_ns

    def subject(self, handle: str, damaged: bool) -> types.Subject:
        """As the gallery lists it."""
        return types.Subject(
            handle=handle,
            templates=self.templates,
            enrolled_ns=self.enrolled_ns,
            expires_ns=self.expires_ns,
            consented_ns=self.consented_ns,
            algorithm=self.algorithm,
            damaged=damaged,
        )


@dataclass(frozen=True)
class Header:
    """The one file that says what is in a gallery. A change has been made once a new header is in place."""

    gallery: bytes
    transformation: SecretKey = field(repr=False)
    sequence: int = 0
    entries: dict[str, Entry] = field(default_factory=dict)

    @classmethod
    def empty(cls, sequence: int = 0) -> Header:
        """Of a gallery that has nothing to do with any other."""
        return cls(secrets.token_bytes(ID_BYTES), SecretKey.random(), sequence)

    def files(self) -> set[str]:
        """Names of the records that are in use."""
        return {record_name(handle, entry.version) for handle, entry in self.entries.items()}


@dataclass(frozen=True, eq=False, repr=False)
class Templates:
    """Transformed unit vectors of one factor."""

    vectors: FloatArray
    """(R, D), or (0, 0): none."""
    made_ns: tuple[int, ...]
    """(R,) when each was enrolled."""
    algorithm: str

    @classmethod
    def none(cls) -> Templates:
        """Not a single one."""
        return cls(np.empty((0, 0), np.float32), (), "")

    def joined(self, other: Templates) -> Templates:
        """These, then others of the same space."""
        if not self.made_ns or not other.made_ns:
            return self if self.made_ns else other
        vectors = np.concatenate([self.vectors, other.vectors])
        return Templates(vectors, self.made_ns + other.made_ns, self.algorithm)


@dataclass(frozen=True, eq=False, repr=False)
class Record:
    """All that is kept of one subject."""

    motion: Templates
    appearance: Templates
    consents: tuple[Consent, ...]


def record_name(handle: str, version: str) -> str:
    """File name of a subject's record."""
    return f"{handle}.{version}"


def header_bytes(header: Header) -> bytes:
    """A header to be sealed: canonical JSON."""
    entries = {
        handle: {name: getattr(entry, name) for name in _ENTRY_NUMBERS}
        | {"version": entry.version, "key": entry.key.hex(), "algorithm": entry.algorithm}
        for handle, entry in header.entries.items()
    }
    return _json(
        {
            "gallery": header.gallery.hex(),
            "transformation": header.transformation.hex(),
            "sequence": header.sequence,
            "entries": entries,
        }
    )


_ENTRY_NUMBERS = ("templates", "enrolled_ns", "expires_ns", "consented_ns")


def read_header(content: bytes, gallery: bytes) -> Header:
    """The header that `header_bytes` wrote. Raises NotOpenedError."""
    data = _object(_parsed(content), {"gallery", "transformation", "sequence", "entries"})
    entries = _typed(data["entries"], dict)
    _check(data["gallery"] == gallery.hex() and len(entries) <= MOST_SUBJECTS)
    read = {handle: _entry(handle, value) for handle, value in entries.items()}
    return Header(gallery, _key(data["transformation"]), _number(data["sequence"]), read)


def _entry(handle: str, value: Any) -> Entry:
    data = _object(value, {one.name for one in fields(Entry)})
    _check(HANDLE.match(handle) is not None and HANDLE.match(_typed(data["version"], str)) is not None)
    numbers = {name: _number(data[name]) for name in _ENTRY_NUMBERS}
    _check(1 <= numbers["templates"] <= MOST_TEMPLATES)
    return Entry(data["version"], _key(data["key"]), algorithm=_name(data["algorithm"]), **numbers)


def record_bytes(record: Record) -> bytes:
    """A record to be sealed: the length of canonical JSON, the JSON, and the vectors as little-endian float32."""
    about = _json(
        {
            "consents": [[one.text, one.at_ns] for one in record.consents],
            "motion": _about(record.motion),
            "appearance": _about(record.appearance),
        }
    )
    vectors = [np.ascontiguousarray(one.vectors, "<f4").tobytes() for one in (record.motion, record.appearance)]
    return _LENGTH.pack(len(about)) + about + b"".join(vectors)


def _about(templates: Templates) -> dict[str, Any]:
    return {
        "dimension": templates.vectors.shape[1],
        "made_ns": list(templates.made_ns),
        "algorithm": templates.algorithm,
    }


def read_record(content: bytes, entry: Entry) -> Record:
    """The record that `record_bytes` wrote for a subject. Raises NotOpenedError."""
    _check(len(content) >= _LENGTH.size)
    end = _LENGTH.size + int(_LENGTH.unpack(content[: _LENGTH.size])[0])
    _check(end <= len(content))
    data = _object(_parsed(content[_LENGTH.size : end]), {"consents", "motion", "appearance"})
    consents = _typed(data["consents"], list)
    _check(1 <= len(consents) <= MOST_CONSENTS)
    motion, rest = _templates(data["motion"], content[end:])
    appearance, rest = _templates(data["appearance"], rest)
    _check(not rest and len(motion.made_ns) == entry.templates and motion.algorithm == entry.algorithm)
    return Record(motion, appearance, tuple(_consent(one) for one in consents))


def _consent(value: Any) -> Consent:
    _check(isinstance(value, list) and len(value) == 2)
    text = _typed(value[0], str)
    _check(0 < len(text) <= LONGEST_CONSENT)
    return Consent(text, _number(value[1]))


def _templates(value: Any, content: bytes) -> tuple[Templates, bytes]:
    data = _object(value, {"dimension", "made_ns", "algorithm"})
    made_ns = tuple(_number(one) for one in _typed(data["made_ns"], list))
    dimension = _number(data["dimension"])
    _check(len(made_ns) <= MOST_TEMPLATES and dimension <= LARGEST_DIMENSION and bool(made_ns) == bool(dimension))
    size = 4 * len(made_ns) * dimension
    _check(size <= len(content))
    vectors = np.frombuffer(content[:size], "<f4").astype(np.float32).reshape(len(made_ns), dimension)
    norms = np.linalg.norm(vectors.astype(np.float64), axis=1)
    _check(bool(np.all(np.abs(norms - 1.0) <= NORM_TOLERANCE)))
    return Templates(vectors, made_ns, _name(data["algorithm"])), content[size:]


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def _parsed(content: bytes) -> Any:
    value = None
    with suppress(ValueError, RecursionError):  # told below: the error of the parser holds what it read
        value = json.loads(content.decode("ascii"))
    _check(value is not None)
    return value


def _object(value: Any, keys: set[str]) -> dict[str, Any]:
    _check(isinstance(value, dict) and set(value) == keys)
    return dict(value)


def _typed(value: Any, kind: type[_Data]) -> _Data:
    if type(value) is not kind:
        raise _foreign()
    return value


def _number(value: Any) -> int:
    number = _typed(value, int)
    _check(0 <= number <= LATEST_NS)
    return number


def _name(value: Any) -> str:
    _check(len(_typed(value, str)) <= LONGEST_NAME)
    return str(value)


def _key(value: Any) -> SecretKey:
    key = None
    with suppress(ValueError):  # told below, without what was read
        key = SecretKey.from_hex(_typed(value, str))
    if key is None:
        raise _foreign()
    return key


def _check(is_right: bool) -> None:
    if not is_right:
        raise _foreign()


def _foreign() -> NotOpenedError:
    return NotOpenedError("content that this version of the package does not write")
