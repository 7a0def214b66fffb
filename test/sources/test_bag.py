"""Bags: raw and compressed images, MCAP and SQLite, compressed storage, damage."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin
from sources.bags import (
    CAMERA_INFO,
    START_NS,
    STEP_NS,
    STORAGES,
    STORE,
    TEXT,
    Topics,
    header,
    jpeg,
    raw,
    record,
    recording_of,
)

from face1d_ros.errors import SourceNotFoundError, SourceUnreadableError
from face1d_ros.sources import bag
from face1d_ros.sources.bag import BagTopic


def camera_info(focal_px: float, distortion: tuple[float, ...] = ()) -> Any:
    k = np.array([focal_px, 0.0, 39.5, 0.0, focal_px, 29.5, 0.0, 0.0, 1.0])
    roi = STORE.types["sensor_msgs/msg/RegionOfInterest"](0, 0, 0, 0, False)
    model = "plumb_bob"
    kind = STORE.types[CAMERA_INFO]
    return kind(header(START_NS), 60, 80, model, np.array(distortion), k, np.zeros(9), np.zeros(12), 0, 0, roi)


@pytest.fixture
def pictures(picture: Callable) -> list[np.ndarray]:
    return [picture(index) for index in range(8)]


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
    recording = recording_of(folder)
    with BagTopic(recording) as source:
        assert len(list(source.frames())) == 8
    (folder / "metadata.yaml").unlink()
    with BagTopic(folder) as source:
        assert len(list(source.frames())) == 8


@pytest.mark.parametrize("stamp_ns", [0, -5_000_000_000], ids=["none", "before 1970"])
def test_missing_stamps_and_frame_ids_are_filled_in(tmp_path: Path, pictures: list, stamp_ns: int) -> None:
    path = record(tmp_path / "bag", {"/image": [raw(image, stamp_ns, frame_id="") for image in pictures]})
    with BagTopic(path, frame_id="asked") as source:
        frames = list(source.frames())
    assert [frame.header.stamp_ns for frame in frames] == [START_NS + i * STEP_NS for i in range(8)]
    assert {frame.header.frame_id for frame in frames} == {"asked"}


def test_an_image_without_any_time_that_a_message_can_hold_is_left_out(
    tmp_path: Path, pictures: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bag, "STAMPS_END_NS", START_NS + 7 * STEP_NS)
    path = record(tmp_path / "bag", {"/image": [raw(image, 0) for image in pictures]})
    with BagTopic(path) as source:
        assert len(list(source.frames())) == 7
    assert source.skipped == {"stamp": 1}


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
