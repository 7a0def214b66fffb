"""A shard: sequences one after another in one flat file, field by field, with an index beside it.

`shard-00000.bin` holds for every field one array over all frames, then the plans' JSON; `shard-00000.json` says where.
The index is written last, so a shard without one is not there. It holds a CRC-32 of every field, of the plans, and of
itself.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator, Mapping
from collections.abc import Sequence as Many
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import CorpusError
from face1d_ros.synth.plan_json import read_plan, text_sha256
from face1d_ros.synth.sequence import ARRAYS, Sequence, SequencePlan
from face1d_ros.types import Topology

FORMAT = 2
PAGE = 4096
STORED: Mapping[str, tuple[str, tuple[str | int, ...]]] = {
    "stamps_s": ("<f8", ()),
    "observed": ("<f4", ("N", 3)),
    "confidence": ("<f4", ()),
    "point_confidence": ("<f2", ("N",)),
    "seen": ("|u1", ()),
    "occluded": ("|u1", ("B",)),
    "present": ("|u1", ()),
    "points_mm": ("<f4", ("N", 3)),
    "yaw_pitch_roll_rad": ("<f4", (3,)),
    "translation_mm": ("<f4", (3,)),
    "expression": ("<f4", ("K",)),
    "gaze_rad": ("<f4", (2,)),
    "label": ("|i1", ()),
    "intensity": ("<f4", ()),
    "phase": ("|i1", ()),
    "motion_id": ("<i4", ()),
}
"""Type and shape a frame: N points, K coefficients, B bytes of one bit a point."""
FLAGS = ("seen", "present")
PLANS = "plans"


@dataclass(frozen=True)
class Layout:
    """Where everything lies in a shard's file."""

    topology: Topology
    coefficients: int
    frames: tuple[int, ...]
    """Of each sequence."""
    plan_bytes: tuple[int, ...]

    @property
    def total_frames(self) -> int:
        """Of all sequences."""
        return sum(self.frames)

    def shape(self, field: str) -> tuple[int, ...]:
        """Of one frame."""
        sizes = {"N": int(self.topology), "K": self.coefficients, "B": -(-int(self.topology) // 8)}
        return tuple(sizes[size] if isinstance(size, str) else size for size in STORED[field][1])

    def frame_bytes(self, field: str) -> int:
        """Of one frame."""
        return int(np.dtype(STORED[field][0]).itemsize * np.prod(self.shape(field), dtype=np.int64))

    @property
    def offsets(self) -> dict[str, int]:
        """Of each field and of `plans`; `end` is the size of the file."""
        found, place = {}, 0
        for field in STORED:
            found[field] = place
            place = -(-(place + self.frame_bytes(field) * self.total_frames) // PAGE) * PAGE
        return found | {PLANS: place, "end": place + sum(self.plan_bytes)}


def bytes_a_frame(topology: Topology, coefficients: int) -> int:
    """What a frame takes on disk, without plans."""
    layout = Layout(topology, coefficients, (1,), (0,))
    return sum(layout.frame_bytes(field) for field in STORED)


def shard_name(number: int) -> str:
    """Without suffix."""
    return f"shard-{number:05d}"


def write_shard(folder: Path, number: int, layout: Layout, plans: Many[str], sequences: Iterator[Sequence]) -> None:
    """Make the shard: complete, or absent. `plans` are the JSON of the sequences' plans."""
    binary = folder / f"{shard_name(number)}.bin"
    # With the process' number: one that outlived its parent must not write into the file of a later one.
    part = binary.with_suffix(f".{os.getpid()}.part")
    try:
        entries, sums = _write_binary(part, layout, plans, sequences)
    except BaseException:
        part.unlink(missing_ok=True)  # a full disk gets its room back
        raise
    os.replace(part, binary)
    index = folder / f"{shard_name(number)}.json"
    offsets = layout.offsets
    content = {"format": FORMAT, "bytes": offsets["end"], "offsets": offsets, "crc32": sums, "sequences": entries}
    unfinished = index.with_suffix(f".json.{os.getpid()}.part")
    unfinished.write_text(_compact(content | {"index_crc32": _index_sum(content)}) + "\n", encoding="utf-8")
    os.replace(unfinished, index)


def _write_binary(
    part: Path, layout: Layout, plans: Many[str], sequences: Iterator[Sequence]
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """The index' entries of the sequences that were written, and the checksums of the fields and the plans."""
    entries: list[dict[str, Any]] = []
    sums = dict.fromkeys(STORED, 0)
    with part.open("wb", buffering=0) as file:
        offsets = layout.offsets
        start = 0
        for frames, sequence, plan in zip(layout.frames, sequences, plans, strict=True):
            entries.append(_entry(sequence, plan))
            if len(sequence) != frames:
                raise CorpusError(
                    f"sequence {sequence.name}: {len(sequence)} frames, {frames} were expected of its plan"
                )
            for field in STORED:
                values = _stored(field, sequence)
                sums[field] = zlib.crc32(values.data, sums[field])
                _write(file.fileno(), values, offsets[field] + start * layout.frame_bytes(field))
            start += frames
        text = "".join(plans).encode("ascii")
        _write(file.fileno(), text, offsets[PLANS])
        os.fsync(file.fileno())  # the index must not reach the disk before what it speaks of
    return entries, sums | {PLANS: zlib.crc32(text)}


class Shard:
    """A complete shard, read through the page cache.

    With `verify` all of it is compared with its checksums before anything is taken from it.
    """

    def __init__(
        self,
        folder: Path,
        number: int,
        topology: Topology,
        expression_names: tuple[str, ...],
        *,
        verify: bool = False,
    ) -> None:
        self._binary = folder / f"{shard_name(number)}.bin"
        index = read_index(folder, number)
        if index is None:
            raise CorpusError(f"'{self._binary}' is missing or not whole; make the corpus again into the same folder")
        self.sequences: list[dict[str, Any]] = index["sequences"]
        frames = tuple(entry["frames"] for entry in self.sequences)
        self._layout = Layout(
            topology, len(expression_names), frames, tuple(entry["plan_bytes"] for entry in self.sequences)
        )
        if self._layout.offsets["end"] != self._binary.stat().st_size:
            raise CorpusError(f"'{self._binary}' does not have the size its index says; make the corpus again")
        self._names = expression_names
        self._starts = np.concatenate([[0], np.cumsum(frames)]).tolist()
        self._plan_starts = np.concatenate([[0], np.cumsum(self._layout.plan_bytes)]).tolist()
        self._bytes: NDArray[np.uint8] = np.memmap(self._binary, np.uint8, "r")
        self._sums: dict[str, int] = index["crc32"]
        self._unverified = verify

    def damaged(self) -> list[str]:
        """Fields, or `plans`, that are not what was written."""
        layout = self._layout
        sizes = {field: layout.frame_bytes(field) * layout.total_frames for field in STORED}
        sizes[PLANS] = sum(layout.plan_bytes)
        offsets = layout.offsets
        pieces = {name: self._bytes[offsets[name] : offsets[name] + size] for name, size in sizes.items()}
        return [name for name, piece in pieces.items() if zlib.crc32(piece.data) != self._sums[name]]

    def field(self, name: str) -> NDArray[Any]:
        """(frames of the shard, …) as it is stored, without a copy."""
        self._verify()
        layout, offset = self._layout, self._layout.offsets[name]
        piece = self._bytes[offset : offset + layout.frame_bytes(name) * layout.total_frames]
        return np.asarray(piece).view(STORED[name][0]).reshape(layout.total_frames, *layout.shape(name))

    def plan(self, index: int) -> SequencePlan:
        """Of a sequence in this shard."""
        self._verify()
        begin = self._layout.offsets[PLANS] + self._plan_starts[index]
        text = self._bytes[begin : begin + self._layout.plan_bytes[index]].tobytes()
        if sha256(text).hexdigest() != self.sequences[index]["plan_sha256"]:
            raise self._error(f"the plan of sequence {self.sequences[index]['name']}")
        try:
            return read_plan(SequencePlan, text.decode("ascii"))
        except CorpusError as error:
            raise CorpusError(f"'{self._binary}': {error}") from error

    def sequence(self, index: int) -> Sequence:
        """A sequence in this shard; its large arrays are views of the file."""
        part = slice(self._starts[index], self._starts[index + 1])
        arrays = {name: _restored(name, self.field(name)[part], int(self._layout.topology)) for name in ARRAYS}
        return Sequence(plan=self.plan(index), topology=self._layout.topology, expression_names=self._names, **arrays)

    def _verify(self) -> None:
        if self._unverified and (damaged := self.damaged()):
            raise self._error(", ".join(damaged))
        self._unverified = False

    def _error(self, what: str) -> CorpusError:
        return CorpusError(
            f"'{self._binary}' is damaged ({what}); run the command that made the corpus again, "
            "which makes the damaged shards anew"
        )


def read_index(folder: Path, number: int) -> dict[str, Any] | None:
    """A shard's index; None where there is no whole shard, or its index is not as it was written."""
    index, binary = folder / f"{shard_name(number)}.json", folder / f"{shard_name(number)}.bin"
    try:
        content: dict[str, Any] = json.loads(index.read_text(encoding="utf-8"))
        whole = content.pop("index_crc32") == _index_sum(content) and content["format"] == FORMAT
        whole = whole and binary.stat().st_size == content["bytes"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return content if whole else None


def _compact(content: Mapping[str, Any]) -> str:
    return json.dumps(content, separators=(",", ":"))


def _index_sum(content: Mapping[str, Any]) -> int:
    return zlib.crc32(_compact(content).encode("ascii"))


def _entry(sequence: Sequence, plan: str) -> dict[str, Any]:
    """What the index says of a sequence."""
    return {
        "name": sequence.name,
        "subject_id": sequence.subject_id,
        "frames": len(sequence),
        "plan_bytes": len(plan),
        "plan_sha256": text_sha256(plan),
    }


def _stored(field: str, sequence: Sequence) -> NDArray[Any]:
    values = getattr(sequence, field)
    if field == "occluded":
        values = np.packbits(values, axis=1)
    return np.ascontiguousarray(values, STORED[field][0])


def _restored(field: str, values: NDArray[Any], points: int) -> NDArray[Any]:
    if field == "occluded":
        return np.unpackbits(values, axis=1, count=points).view(np.bool_)
    if field in FLAGS:
        return values.view(np.bool_)
    return values.astype(np.float32) if field == "point_confidence" else values


def _write(handle: int, content: Any, offset: int) -> None:
    left = memoryview(content).cast("B") if len(content) else memoryview(b"")
    while left:
        written = os.pwrite(handle, left, offset)
        left, offset = left[written:], offset + written
