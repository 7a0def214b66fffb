"""What a bag of ours holds, in the order in which it was written; also one whose writer was killed."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from face1d_ros.convert.bag import from_bytes
from face1d_ros.graph import LANDMARKS_RAW
from face1d_ros.sources import mcap_records as mcap
from face1d_ros.types import FaceLandmarksArray


def landmarks(bag: Path, frames: int) -> Iterator[FaceLandmarksArray]:
    """What the landmark stage gave for the first so many frames."""
    for data in islice(_messages(bag, f"/{LANDMARKS_RAW.name}"), frames):
        yield from_bytes(data, LANDMARKS_RAW.type)


def frames_with_landmarks(bag: Path, at_most: int) -> int:
    """Of how many frames they are there, counted up to so many."""
    return sum(1 for _ in islice(_messages(bag, f"/{LANDMARKS_RAW.name}"), at_most))


def _messages(bag: Path, topic: str) -> Iterator[bytes]:
    """Serialised, up to the first damage; none where the bag cannot be read at all."""
    for path in sorted(bag.glob("*.mcap")):
        wanted: set[int] = set()
        try:
            with path.open("rb") as file:
                yield from _of_file(file, len(mcap.MAGIC), file.seek(0, io.SEEK_END), topic, wanted)
        except (OSError, ValueError, struct.error):
            return


def _of_file(file: BinaryIO, begin: int, end: int, topic: str, wanted: set[int]) -> Iterator[bytes]:
    for record in mcap.walk(file, begin, end):
        if isinstance(record, mcap.Gap):
            return
        if record.op == mcap.CHANNEL:
            number, _, name, _ = mcap.channel_of(mcap.body(file, record))
            if name == topic:
                wanted.add(number)
        elif record.op == mcap.MESSAGE and mcap.message_head(record.head)[0] in wanted:
            yield mcap.body(file, record)[mcap.MESSAGE_HEAD_BYTES :]
        elif record.is_chunk:
            head, data = mcap.chunk_head(record), mcap.body(file, record)
            if len(data) < head.data_begin + head.unpacked_bytes:
                return
            yield from _of_file(io.BytesIO(data), head.data_begin, len(data), topic, wanted)
