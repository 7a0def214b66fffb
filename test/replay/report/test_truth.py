"""Where truth comes from: NPZ and CSV files, and topics of the source's bag."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from replay.report_streams import FIRST_NS, STEP_NS, Stream

from face1d_ros.errors import TruthError
from face1d_ros.graph import Topic
from face1d_ros.replay.bag_writer import BagWriter
from face1d_ros.replay.report.truth import AHEAD, FileTruth, Rows, TopicTruth, load_truth
from face1d_ros.stages.mesh_pose import quaternion
from face1d_ros.types import FaceLandmarksArray, Phase

STREAM = Stream()
TYPE = "face1d_ros/msg/FaceLandmarksArray"


def write_npz(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


def points(frames: int = 3) -> np.ndarray:
    return np.stack([STREAM.truth(frame) for frame in range(frames)]).astype(np.float32)


def bag_with(path: Path, *topics: str, frames: int = 5) -> Path:
    """Landmarks on each of these topics."""
    bag = BagWriter(path, tuple(Topic(topic, TYPE, "") for topic in topics))
    for frame in range(frames):
        bag.write(dict.fromkeys(topics, STREAM.landmarks(frame)))
    bag.close()
    return path


def test_an_npz_gives_the_faces_of_each_stamp(tmp_path: Path) -> None:
    stamps = FIRST_NS + STEP_NS * np.arange(3)
    path = write_npz(
        tmp_path / "t.npz",
        stamps_ns=stamps,
        landmarks=np.pad(points(), ((0, 0), (0, 0), (0, 1))),
        label=np.array(["neutral", "", "happiness"]),
        phase=np.array(["neutral", "onset", "apex"]),
        rotation=np.tile(np.eye(3), (3, 1, 1)),
        position=np.ones((3, 3)),
        data="synthetic",
    )
    truth = load_truth(str(path), tmp_path)
    assert truth is not None and (truth.description, truth.data) == ("t.npz", "synthetic")
    (face,) = truth.at(int(stamps[2])) or ()
    assert face.label == "happiness" and face.phase is Phase.APEX and face.face == 1
    assert face.points is not None and np.allclose(face.points, points()[2])
    assert face.orientation is not None and np.allclose(face.orientation, quaternion(np.eye(3)))
    assert truth.at(int(stamps[2]) + STEP_NS // 2) is None


def test_a_csv_says_the_same_as_an_npz(tmp_path: Path) -> None:
    heading = ["stamp_s", *(f"{axis}{index}" for index in range(68) for axis in "xy"), "label", "phase", "face"]
    rows = [
        [
            f"{1700000000 + frame * 0.033333333:.9f}",
            *(f"{v:.6f}" for v in points()[frame].ravel()),
            "neutral",
            "apex",
            "4",
        ]
        for frame in range(3)
    ]
    rows[1][1] = ""
    text = "# made by hand\n# data: synthetic\n" + "\n".join(",".join(row) for row in [heading, *rows]) + "\n"
    path = tmp_path / "truth.csv"
    path.write_text(text, encoding="utf-8")
    truth = load_truth(str(path), tmp_path)
    assert truth is not None and truth.data == "synthetic"
    (face,) = truth.at(FIRST_NS + 2 * STEP_NS) or ()
    assert (face.face, face.label, face.phase) == (4, "neutral", Phase.APEX)
    assert face.points is not None and np.allclose(face.points, points()[2], atol=1e-4)
    (second,) = truth.at(FIRST_NS + STEP_NS) or ()
    assert second.points is not None and np.isnan(second.points[0, 0]) and np.isfinite(second.points[0, 1])


def test_a_file_that_counts_from_zero_counts_from_the_first_frame() -> None:
    truth = FileTruth(Rows(STEP_NS * np.arange(3), label=np.array(["a", "b", "c"])), "relative")
    truth.begin(FIRST_NS)
    assert [face.label for frame in range(3) for face in truth.at(FIRST_NS + frame * STEP_NS) or ()] == ["a", "b", "c"]


def test_a_video_whose_stamps_count_from_zero_too_needs_no_shift() -> None:
    truth = FileTruth(Rows(STEP_NS * np.arange(3), label=np.array(["a", "b", "c"])), "relative")
    truth.begin(STEP_NS)
    (face,) = truth.at(STEP_NS) or ()
    assert face.label == "b"


def test_stamps_that_were_rounded_to_milliseconds_are_found() -> None:
    truth = FileTruth(Rows(np.array([33_000_000]), label=np.array(["a"])), "rounded")
    assert truth.at(33_333_333) is not None and truth.at(36_000_000) is None


def test_several_rows_of_one_stamp_are_several_faces() -> None:
    truth = FileTruth(Rows(np.array([7, 7]), face=np.array([1, 2]), label=np.array(["a", "b"])), "two")
    assert {(face.face, face.label) for face in truth.at(7) or ()} == {(1, "a"), (2, "b")}


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"landmarks": points()}, "no stamps"),
        ({"stamps_s": np.arange(3.0), "face": np.arange(3)}, "holds none of label, landmarks, orientation, phase, "),
        ({"stamps_s": np.arange(2.0), "landmarks": points()}, r"expected \(T, N, 2 or 3\) with T = 2"),
        ({"stamps_s": np.arange(3.0), "landmarks": points()[:, :60]}, "expected 68, 468 or 478"),
        ({"stamps_s": np.array([0.0, np.nan, 1.0]), "landmarks": points()}, "finite numbers"),
        ({"stamps_s": np.arange(3.0), "phase": np.array(["apex", "peak", ""])}, "phase 'peak' is not known"),
        ({"stamps_s": np.arange(3.0), "phase": np.array([0, 1, 9])}, "expected names, or 0 to 4"),
        ({"stamps_s": np.arange(3.0), "rotation": np.ones((3, 4))}, r"\(T, 3, 3\)"),
        ({"stamps_s": np.arange(3.0), "label": np.array(["a"] * 3), "data": "made up"}, "real"),
        ({"stamps_s": np.array(["a", "b", "c"]), "label": np.array(["a"] * 3)}, "finite numbers"),
        ({"stamps_s": np.arange(3.0), "label": np.array([object()] * 3)}, "cannot be read"),
    ],
)
def test_a_wrong_npz_is_refused_with_a_reason(tmp_path: Path, arrays: dict[str, Any], says: str) -> None:
    with pytest.raises(TruthError, match=says):
        load_truth(str(write_npz(tmp_path / "t.npz", **arrays)), tmp_path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no stamps"),
        ("stamp_s,label\n0.0\n", "row 1 has 1 cells"),
        ("stamp_s,label\nzero,a\n", "cannot be read"),
        ("stamp_s,label\n", "T ≥ 1"),
        ("stamp_s,x0,y0\n0.0,1,2\n", "expected 68, 468 or 478"),
    ],
)
def test_a_wrong_csv_is_refused_with_a_reason(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TruthError, match=says):
        load_truth(str(path), tmp_path)


def test_files_that_are_not_there_or_no_archive_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TruthError, match="No such file"):
        load_truth(str(tmp_path / "none.npz"), tmp_path)
    (tmp_path / "text.npz").write_text("no archive", encoding="utf-8")
    with pytest.raises(TruthError, match="cannot be read"):
        load_truth(str(tmp_path / "text.npz"), tmp_path)


def test_a_topic_named_truth_is_found_by_itself(tmp_path: Path) -> None:
    bag = bag_with(tmp_path / "bag", "face1d/truth", "face1d/landmarks_raw")
    truth = load_truth("", bag)
    assert truth is not None and truth.description == "topic /face1d/truth of bag"
    (face,) = truth.at(STREAM.stamp_ns(3)) or ()
    assert face.points is not None and np.allclose(face.points, STREAM.landmarks(3).faces[0].points[:, :2])
    assert truth.at(STREAM.stamp_ns(3) + 1) is None and truth.at(STREAM.stamp_ns(9)) is None


def test_any_landmark_topic_can_be_named_and_none_is_none(tmp_path: Path) -> None:
    bag = bag_with(tmp_path / "bag", "marks", "truth/a", "truth/b")
    assert load_truth("none", bag) is None
    named = load_truth("marks", bag)
    assert isinstance(named, TopicTruth) and named.topic == "/marks"
    with pytest.raises(TruthError, match=r"several truth topics: /truth/a, /truth/b"):
        load_truth("", bag)
    with pytest.raises(TruthError, match=r"its landmark topics: /marks, /truth/a, /truth/b"):
        load_truth("/nothing", bag)


def test_a_source_without_truth_has_none(tmp_path: Path) -> None:
    assert load_truth("", bag_with(tmp_path / "bag", "face1d/landmarks_raw")) is None
    assert load_truth("", tmp_path / "clip.mp4") is None
    with pytest.raises(TruthError, match="no CSV or NPZ file"):
        load_truth("truth", tmp_path / "clip.mp4")


def test_a_truth_topic_is_read_in_bounded_memory() -> None:
    frames = (STREAM.landmarks(frame) for frame in range(3 * AHEAD))
    truth = TopicTruth(Path("bag"), "/truth", _frames=frames)
    for frame in range(0, 3 * AHEAD, 2):
        assert truth.at(STREAM.stamp_ns(frame)) is not None
    assert len(truth._kept) <= AHEAD


def test_frames_before_the_truth_begins_do_not_read_it_to_its_end() -> None:
    frames: list[FaceLandmarksArray] = [STREAM.landmarks(frame) for frame in range(100, 200)]
    truth = TopicTruth(Path("bag"), "/truth", _frames=iter(frames))
    assert truth.at(STREAM.stamp_ns(0)) is None
    assert truth.at(STREAM.stamp_ns(150)) is not None


def test_a_truth_topic_whose_stamps_go_back_is_read_on() -> None:
    again = [dataclasses.replace(STREAM.landmarks(frame)) for frame in (*range(50), *range(50))]
    truth = TopicTruth(Path("bag"), "/truth", _frames=iter(again))
    assert all(truth.at(STREAM.stamp_ns(frame)) is not None for frame in (*range(50), *range(50)))
