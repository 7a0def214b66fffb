"""Bags made on the spot: by rosbags, and MCAP files record by record, as other recorders write them."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

import cv2
import lz4.frame
import numpy as np
import yaml
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

STORE = get_typestore(Stores.ROS2_JAZZY)
IMAGE, COMPRESSED, TEXT = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage", "std_msgs/msg/String"
CAMERA_INFO = "sensor_msgs/msg/CameraInfo"
START_NS = 1_700_000_000_000_000_000
STEP_NS = 40_000_000
MAGIC = b"\x89MCAP0\r\n"
Topics = dict[str, list[Any]]

STORAGES = {
    "mcap": (StoragePlugin.MCAP, None),
    "sqlite": (StoragePlugin.SQLITE3, None),
    "mcap with compressed chunks": (StoragePlugin.MCAP, CompressionMode.STORAGE),
    "sqlite with compressed messages": (StoragePlugin.SQLITE3, CompressionMode.MESSAGE),
    "compressed sqlite file": (StoragePlugin.SQLITE3, CompressionMode.FILE),
    "compressed mcap file": (StoragePlugin.MCAP, CompressionMode.FILE),
}


def header(stamp_ns: int, frame_id: str = "recorded_eye") -> Any:
    time = STORE.types["builtin_interfaces/msg/Time"](stamp_ns // 10**9, stamp_ns % 10**9)
    return STORE.types["std_msgs/msg/Header"](time, frame_id)


def raw(image: np.ndarray, stamp_ns: int, frame_id: str = "recorded_eye") -> Any:
    height, width = image.shape[:2]
    data = np.ascontiguousarray(image).reshape(-1)
    return STORE.types[IMAGE](header(stamp_ns, frame_id), height, width, "rgb8", 0, 3 * width, data)


def jpeg(image: np.ndarray, stamp_ns: int) -> Any:
    done, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    assert done
    return STORE.types[COMPRESSED](header(stamp_ns), "jpeg", data.reshape(-1))


def text(words: str) -> Any:
    return STORE.types[TEXT](words)


def noise(count: int, seed: int = 0) -> list[Any]:
    """Images that no compression makes smaller; their stamps count from the start."""
    images = np.random.default_rng(seed).integers(0, 256, (count, 48, 64, 3), np.uint8)
    return [raw(image, START_NS + index * STEP_NS) for index, image in enumerate(images)]


def record(
    path: Path,
    topics: Topics,
    plugin: StoragePlugin = StoragePlugin.MCAP,
    mode: CompressionMode | None = None,
    begin: int = 0,
) -> Path:
    """Each topic's messages, one every 40 ms of recording time."""
    writer = Writer(path, version=9, storage_plugin=plugin)
    if mode is not None:
        writer.set_compression(mode, CompressionFormat.ZSTD)
    with writer:
        for topic, messages in topics.items():
            kind = messages[0].__msgtype__
            connection = writer.add_connection(topic, kind, typestore=STORE)
            for index, message in enumerate(messages):
                stamp_ns = START_NS + (begin + index) * STEP_NS
                writer.write(connection, stamp_ns, STORE.serialize_cdr(message, kind))
    return path


def recording_of(bag: Path) -> Path:
    """The only recording of a bag."""
    (file,) = [path for path in bag.iterdir() if path.suffix != ".yaml"]
    return file


def record_splits(path: Path, topic: str, parts: Sequence[list[Any]], *how: Any) -> list[Path]:
    """A bag of several files, with one metadata.yaml; their numbers are not in the alphabet's order."""
    path.mkdir()
    files: list[Path] = []
    told: dict[str, Any] = {}
    begin = 0
    for number, messages in enumerate(parts, 8):
        part = record(path.parent / "part", {topic: messages}, *how, begin=begin)
        begin += len(messages)
        file = recording_of(part)
        files.append(path / f"{path.name}_{number}{''.join(file.suffixes)}")
        file.rename(files[-1])
        information = yaml.safe_load((part / "metadata.yaml").read_text())["rosbag2_bagfile_information"]
        told = told or information
        shutil.rmtree(part)
    told["relative_file_paths"] = [file.name for file in files]
    told["message_count"] = told["topics_with_message_count"][0]["message_count"] = begin
    told["duration"] = {"nanoseconds": begin * STEP_NS}
    (path / "metadata.yaml").write_text(yaml.safe_dump({"rosbag2_bagfile_information": told}))
    return files


def mcap_record(op: int, body: bytes) -> bytes:
    return struct.pack("<BQ", op, len(body)) + body


def mcap_text(words: str) -> bytes:
    return struct.pack("<I", len(words.encode())) + words.encode()


def mcap_topic(number: int, topic: str, kind: str, encoding: str = "cdr") -> bytes:
    """A schema and a channel of the same number."""
    schema = struct.pack("<H", number) + mcap_text(kind) + mcap_text("ros2msg") + mcap_text("")
    channel = struct.pack("<HH", number, number) + mcap_text(topic) + mcap_text(encoding) + mcap_text("")
    return mcap_record(3, schema) + mcap_record(4, channel)


def mcap_message(number: int, stamp_ns: int, message: Any) -> bytes:
    """A message (or bytes that are none)."""
    data = message if isinstance(message, bytes) else bytes(STORE.serialize_cdr(message, message.__msgtype__))
    return mcap_record(5, struct.pack("<HIQQ", number, 0, stamp_ns, stamp_ns) + data)


def mcap_chunk(
    records: Iterable[bytes], start_ns: int, end_ns: int, compression: str = "", checksum: int | None = None
) -> bytes:
    """A chunk, by default with the right checksum."""
    content = b"".join(records)
    pack: Callable[[bytes], bytes] = {"lz4": lz4.frame.compress}.get(compression, bytes)
    packed = pack(content)
    told = crc32(content) if checksum is None else checksum
    head = struct.pack("<QQQI", start_ns, end_ns, len(content), told) + mcap_text(compression)
    return mcap_record(6, head + struct.pack("<Q", len(packed)) + packed)


def mcap_file(*records: bytes, is_whole: bool = True) -> bytes:
    """A file without a summary, or one whose end is missing."""
    start = MAGIC + mcap_record(1, mcap_text("ros2") + mcap_text("a test"))
    end = mcap_record(0x0F, bytes(4)) + mcap_record(2, bytes(20)) + MAGIC
    return start + b"".join(records) + (end if is_whole else b"")
