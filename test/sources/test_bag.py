"""Bags: raw and compressed images, MCAP and SQLite, compressed storage, damage."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from face1d_ros.errors import SourceBrokenOffError, SourceError, SourceNotFoundError, SourceUnreadableError
from face1d_ros.sources.bag import BagTopic

STORE = get_typestore(Stores.ROS2_JAZZY)
IMAGE, COMPRESSED, TEXT = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage", "std_msgs/msg/String"
CAMERA_INFO = "sensor_msgs/msg/CameraInfo"
START_NS = 1_700_000_000_000_000_000
STEP_NS = 40_000_000
Topics = dict[str, list[Any]]


def header(stamp_ns: int, frame_id: str = "recorded_eye") -> Any:
    time = STORE.types["builtin_interfaces/msg/Time"](stamp_ns // 10**9, stamp_ns % 10**9)
    return STORE.types["std_msgs/msg/Header"](time, frame_id)


def raw(image: np.ndarray, stamp_ns: int, frame_id: str = "recorded_eye") -> Any:
    height, width = image.shape[:2]
    data = np.ascontiguousarray(image).reshape(-1)
    return STORE.types[IMAGE](header(stamp_ns, frame_id), height, width, "rgb8", 0, 3 * width, data)


def camera_info(focal_px: float, distortion: tuple[float, ...] = ()) -> Any:
    k = np.array([focal_px, 0.0, 39.5, 0.0, focal_px, 29.5, 0.0, 0.0, 1.0])
    roi = STORE.types["sensor_msgs/msg/RegionOfInterest"](0, 0, 0, 0, False)
    model = "plumb_bob"
    kind = STORE.types[CAMERA_INFO]
    return kind(header(START_NS), 60, 80, model, np.array(distortion), k, np.zeros(9), np.zeros(12), 0, 0, roi)


def jpeg(image: np.ndarray, stamp_ns: int) -> Any:
    done, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    assert done
    return STORE.types[COMPRESSED](header(stamp_ns), "jpeg", data.reshape(-1))


def record(
    path: Path,
    topics: Topics,
    plugin: StoragePlugin = StoragePlugin.MCAP,
    mode: CompressionMode | None = None,
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
                writer.write(connection, START_NS + index * STEP_NS, STORE.serialize_cdr(message, kind))
    return path


@pytest.fixture
def pictures(picture: Callable) -> list[np.ndarray]:
    return [picture(index) for index in range(8)]


STORAGES = {
    "mcap": (StoragePlugin.MCAP, None),
    "sqlite": (StoragePlugin.SQLITE3, None),
    "mcap with compressed chunks": (StoragePlugin.MCAP, CompressionMode.STORAGE),
    "sqlite with compressed messages": (StoragePlugin.SQLITE3, CompressionMode.MESSAGE),
    "compressed sqlite file": (StoragePlugin.SQLITE3, CompressionMode.FILE),
}


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("make", [raw, jpeg])
def test_images_come_in_order_with_their_headers(
    tmp_path: Path, pictures: list, index_of: Callable, storage: str, make: Callable
) -> None:
    messages = [make(image, 7_000_000_000 + index * STEP_NS) for index, image in enumerate(pictures)]
    path = record(tmp_path / "bag", {"/camera/image": messages}, *STORAGES[storage])
    with BagTopic(path) as source:
        frames = list(source.frames())
    assert [index_of(frame.image) for frame in frames] == list(range(8))
    assert [frame.header.stamp_ns for frame in frames] == [7_000_000_000 + i * STEP_NS for i in range(8)]
    assert {frame.header.frame_id for frame in frames} == {"recorded_eye"}
    assert (source.width, source.height, source.length) == (64, 48, 8)
    assert source.rate_hz == pytest.approx(25.0, rel=1e-6)
    assert frames[0].image[4, 4, 0] > 200 > frames[0].image[4, 4, 2]


@pytest.mark.parametrize("plugin", [StoragePlugin.MCAP, StoragePlugin.SQLITE3])
def test_a_single_recording_needs_no_metadata(tmp_path: Path, pictures: list, plugin: StoragePlugin) -> None:
    folder = record(tmp_path / "bag", {"/image": [raw(image, 1) for image in pictures]}, plugin)
    recording = next(path for path in folder.iterdir() if path.suffix != ".yaml")
    with BagTopic(recording) as source:
        assert len(list(source.frames())) == 8
    (folder / "metadata.yaml").unlink()
    with BagTopic(folder) as source:
        assert len(list(source.frames())) == 8


def test_missing_stamps_and_frame_ids_are_filled_in(tmp_path: Path, pictures: list) -> None:
    path = record(tmp_path / "bag", {"/image": [raw(image, 0, frame_id="") for image in pictures]})
    with BagTopic(path, frame_id="asked") as source:
        frames = list(source.frames())
    assert [frame.header.stamp_ns for frame in frames] == [START_NS + i * STEP_NS for i in range(8)]
    assert {frame.header.frame_id for frame in frames} == {"asked"}


def test_a_loop_goes_on_in_time(tmp_path: Path, pictures: list) -> None:
    path = record(tmp_path / "bag", {"/image": [raw(image, 10**9 + i * STEP_NS) for i, image in enumerate(pictures)]})
    with BagTopic(path, loop=True) as source:
        stamps = np.array([frame.header.stamp_ns for frame in islice(source.frames(), 30)])
    assert np.abs(np.diff(stamps) - STEP_NS).max() < 100


def test_bad_images_are_left_out_and_counted(tmp_path: Path, pictures: list, picture: Callable) -> None:
    messages = [raw(image, 10**9 + i * STEP_NS) for i, image in enumerate(pictures)]
    messages[2] = raw(picture(2, 32, 24), 1)
    messages[4].data = messages[4].data[:-5]
    messages[5].encoding = "no_such_encoding"
    path = record(tmp_path / "bag", {"/image": messages})
    with BagTopic(path) as source:
        assert len(list(source.frames())) == 5
    assert source.skipped["size"] == 1
    assert sum(source.skipped.values()) == 3
    assert len(source.skipped) == 3, f"three reasons: {source.skipped}"


def test_several_image_topics_must_be_chosen_from(tmp_path: Path, pictures: list, picture: Callable) -> None:
    left, right = [raw(image, 1) for image in pictures], [jpeg(picture(20), 1)]
    path = record(tmp_path / "bag", {"/left/image": left, "/right/image/compressed": right})
    with pytest.raises(SourceUnreadableError, match="name one of: /left/image, /right/image/compressed"):
        BagTopic(path)
    with pytest.raises(SourceUnreadableError, match="no image topic /middle; image topics: /left/image, /right"):
        BagTopic(path, topic="/middle")
    for topic, count in (("/left/image", 8), ("right/image/compressed", 1)):
        with BagTopic(path, topic=topic) as source:
            assert len(list(source.frames())) == count


def test_a_bag_without_images_names_its_topics(tmp_path: Path) -> None:
    path = record(tmp_path / "bag", {"/chatter": [STORE.types[TEXT]("hello")]})
    with pytest.raises(SourceUnreadableError, match=r"no image topic; its topics: /chatter \(std_msgs/msg/String\)"):
        BagTopic(path)


def test_a_topic_of_undecodable_images_is_refused_with_the_reasons(tmp_path: Path, pictures: list) -> None:
    messages = [raw(image, 1) for image in pictures]
    for message in messages:
        message.encoding = "no_such_encoding"
    path = record(tmp_path / "bag", {"/image": messages})
    with pytest.raises(SourceUnreadableError, match=r"no image on /image can be decoded \(8 "):
        BagTopic(path)


def test_missing_and_empty_bags_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFoundError):
        BagTopic(tmp_path / "gone.mcap")
    for name in ("empty.mcap", "empty.db3"):
        (tmp_path / name).touch()
        with pytest.raises(SourceUnreadableError, match="empty"):
            BagTopic(tmp_path / name)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "metadata.yaml").write_text("rosbag2_bagfile_information: 7\n")
    with pytest.raises(SourceUnreadableError, match="no readable rosbag2"):
        BagTopic(tmp_path / "folder")


def damaged(data: bytes, seed: int) -> Iterator[bytes]:
    """The data cut off, and with bytes changed, at random places."""
    rng = random.Random(seed)
    for _ in range(10):
        yield data[: rng.randrange(1, len(data))]
        changed = bytearray(data)
        for _ in range(rng.choice([1, 10, 100])):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
        yield bytes(changed)


def test_a_damaged_bag_goes_on_in_a_loop_and_what_it_lacks_is_counted(tmp_path: Path, pictures: list) -> None:
    messages = [raw(image, 10**9 + i * STEP_NS) for i, image in enumerate(pictures)]
    writer = Writer(tmp_path / "bag", version=9, storage_plugin=StoragePlugin.MCAP)
    with writer:
        connection = writer.add_connection("/image", IMAGE, typestore=STORE)
        for index, message in enumerate(messages):
            data = STORE.serialize_cdr(message, IMAGE)
            writer.write(connection, START_NS + index * STEP_NS, data[:20] if index == 5 else data)
    with BagTopic(tmp_path / "bag") as source, pytest.raises(SourceBrokenOffError, match="after 5 images"):
        list(source.frames())
    with BagTopic(tmp_path / "bag", loop=True) as source:
        stamps = [frame.header.stamp_ns for frame in islice(source.frames(), 14)]
    assert np.diff(stamps).min() > 0
    assert source.skipped == Counter(cut_off=2 * 3)


@pytest.mark.parametrize("storage", STORAGES)
def test_damaged_bags_end_in_a_source_error_or_give_all_they_have(tmp_path: Path, pictures: list, storage: str) -> None:
    path = record(tmp_path / "bag", {"/image": [raw(image, 1) for image in pictures]}, *STORAGES[storage])
    recording = next(file for file in path.iterdir() if file.suffix != ".yaml")
    outcomes: Counter[str] = Counter()
    for data in damaged(recording.read_bytes(), seed=7):
        recording.write_bytes(data)
        try:
            with BagTopic(path) as source:
                frames = list(source.frames())
            outcomes["read"] += 1
            assert 0 < len(frames) + sum(source.skipped.values()) <= 8
        except SourceError as error:
            outcomes["refused"] += 1
            assert str(path) in str(error)
    assert outcomes["refused"] >= 10, outcomes


@pytest.mark.parametrize("topic", ["/eye/image_raw", "/eye/image_raw/compressed"])
def test_the_calibration_beside_the_images_is_known(tmp_path: Path, topic: str):
    image = np.zeros((60, 80, 3), np.uint8)
    images = [jpeg(image, START_NS) if topic.endswith("compressed") else raw(image, START_NS)]
    others = {"/other/camera_info": [camera_info(5.0)], "/eye/camera_info": [camera_info(70.0, (0.1, 0, 0, 0, 0.2))]}
    with BagTopic(record(tmp_path / "bag", {topic: images, **others})) as bag:
        assert bag.camera is not None
        assert (bag.camera.width, bag.camera.focal_px, bag.camera.distortion[-1]) == (80, (70.0, 70.0), 0.2)


@pytest.mark.parametrize("info", [None, camera_info(0.0), camera_info(np.nan), camera_info(70.0, (0.1,) * 7)])
def test_without_a_calibration_that_can_be_used_there_is_none(tmp_path: Path, info: Any):
    topics: Topics = {"/eye/image_raw": [raw(np.zeros((60, 80, 3), np.uint8), START_NS)]}
    if info is not None:
        topics["/eye/camera_info"] = [info]
    with BagTopic(record(tmp_path / "bag", topics)) as bag:
        assert bag.camera is None
