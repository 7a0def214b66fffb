"""What the summary of `face1d demo` reads from the bag that was recorded."""

from __future__ import annotations

from pathlib import Path

import pytest
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from face1d_ros.cli.demo_summary import Seen, _take_source, read_bag
from face1d_ros.cli.screen import print_left_out
from face1d_ros.graph import LANDMARKS_RAW, LANDMARKS_SMOOTHED
from face1d_ros.replay.bag_writer import BagWriter
from face1d_ros.types import FaceLandmarks, FaceLandmarksArray, Header

STORE = get_typestore(Stores.ROS2_JAZZY)
DIAGNOSTICS = "diagnostic_msgs/msg/DiagnosticArray"


def report(name: str, message: str, level: int = 0, **values: object) -> object:
    """What a node says on /diagnostics; `_` stands for the point in a key."""
    types = STORE.types
    pairs = [types["diagnostic_msgs/msg/KeyValue"](key.replace("_", ".", 1), str(v)) for key, v in values.items()]
    status = types["diagnostic_msgs/msg/DiagnosticStatus"](level, name, message, "", pairs)
    stamp = types["builtin_interfaces/msg/Time"](1, 0)
    return types[DIAGNOSTICS](types["std_msgs/msg/Header"](stamp, ""), [status])


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    with Writer(tmp_path / "bag", version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        connection = writer.add_connection("/diagnostics", DIAGNOSTICS, typestore=STORE)
        for second, message in enumerate(
            [
                report("robot/camera_node", "well", skipped_size=1),
                report("robot/landmarks_node", "no face", level=1, skipped_size=99),
                report("robot/camera_node", "well", skipped_size=2, skipped_undecodable=4),
                report("robot/camera_node", "not active: finalized", level=3),
            ]
        ):
            writer.write(connection, second * 10**9, STORE.serialize_cdr(message, DIAGNOSTICS))
    return tmp_path / "bag"


def test_what_the_camera_left_out_and_the_last_words_are_found(bag: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seen = read_bag(bag)
    assert seen.left_out == {"size": 2, "undecodable": 4}
    assert seen.status == {
        "robot/camera_node": (3, "not active: finalized"),
        "robot/landmarks_node": (1, "no face"),
    }
    print_left_out(seen.left_out, "the source's time jumped once")
    said = capsys.readouterr().out
    assert said == "Left out by the source: 2 size, 4 undecodable\nThe source's time jumped once\n"


def test_a_frame_counts_once_on_whatever_topics_its_face_is(tmp_path: Path) -> None:
    bag = BagWriter(tmp_path / "faces", (LANDMARKS_RAW, LANDMARKS_SMOOTHED))
    for index in range(5):
        frame = FaceLandmarksArray(Header(index * 10**8), faces=(FaceLandmarks(track_id=1),) if index < 3 else ())
        bag.write({LANDMARKS_RAW.name: frame, LANDMARKS_SMOOTHED.name: frame})
    bag.close()
    seen = read_bag(tmp_path / "faces")
    assert (seen.frames, dict(seen.frames_of_track)) == (5, {1: 3})


def test_nothing_left_out_is_not_worth_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_left_out({"size": 0})
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("count", "said"), [("0", ""), ("1", "the source's time jumped once"), ("3", "jumped 3 times")]
)
def test_jumps_of_the_sources_time_are_found(count: str, said: str) -> None:
    seen = Seen()
    _take_source(seen, {"source_time_jumps": count})
    assert seen.jumps.endswith(said) and bool(seen.jumps) == bool(said)
