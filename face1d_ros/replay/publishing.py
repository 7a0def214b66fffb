"""Serialised results from one process to another that publishes them: records over a pipe."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import IO

from face1d_ros.config import NodeConfig
from face1d_ros.errors import ConversionError
from face1d_ros.graph import STAGES, NodeSpec

PUBLISHER = NodeSpec(
    "publisher_node",
    NodeConfig,
    "Publishes the results that `face1d run --publish` gives it.",
    publishes=tuple(spec.publishes[0] for spec in STAGES),
)
READY = "ready to publish"
"""The line that the node prints when it is active."""
LENGTHS = struct.Struct("<II")
LARGEST_BYTES = 64 * 2**20


def write_record(stream: IO[bytes], topic: str, data: bytes) -> None:
    """One serialised message."""
    name = topic.encode()
    stream.write(LENGTHS.pack(len(name), len(data)) + name + data)


def read_records(stream: IO[bytes]) -> Iterator[tuple[str, bytes]]:
    """(topic, serialised message) until the stream ends. Raises ConversionError for what is no record."""
    while len(head := stream.read(LENGTHS.size)) == LENGTHS.size:
        name_bytes, data_bytes = LENGTHS.unpack(head)
        if max(name_bytes, data_bytes) > LARGEST_BYTES:
            raise ConversionError("record", f"a length of {max(name_bytes, data_bytes)} bytes", f"{LARGEST_BYTES}")
        body = stream.read(name_bytes + data_bytes)
        if len(body) < name_bytes + data_bytes:
            return  # who wrote it has died in the middle of it
        yield body[:name_bytes].decode(errors="replace"), body[name_bytes:]
