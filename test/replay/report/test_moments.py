from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from face1d_ros.graph import EXPRESSION_RESULT, IDENTITY_RESULT, LANDMARKS_RAW, LANDMARKS_SMOOTHED, MESH_RESULT
from face1d_ros.replay.bag_writer import BagWriter
from face1d_ros.replay.frames import TOPICS
from face1d_ros.replay.report import moments as module
from face1d_ros.replay.report.content import Moment
from face1d_ros.replay.report.moments import MOST, Moments
from face1d_ros.types import (
    Decision,
    FaceExpressionArray,
    FaceExpressionEvent,
    FaceIdentity,
    FaceIdentityArray,
    FaceLandmarks,
    FaceLandmarksArray,
    FaceMesh,
    FaceMeshArray,
    Frame,
    Header,
    Phase,
    Pose,
    Topology,
)

RATE_HZ = 10.0
WIDTH, HEIGHT = 96, 64
POINTS = np.random.default_rng(0).normal((48, 32, 0), 9, (478, 3)).astype(np.float32)


def stamp_ns(index: int) -> int:
    return 1_700_000_000_000_000_000 + round(index * 1e9 / RATE_HZ)


def frame(index: int, *, width: int = WIDTH, height: int = HEIGHT) -> Frame:
    """Each frame has a shade of its own, by which its picture is known again."""
    return Frame(Header(stamp_ns(index), "camera"), np.full((height, width, 3), index % 200, np.uint8))


def landmarks(index: int, *faces: int, ended: tuple[int, ...] = ()) -> FaceLandmarksArray:
    found = tuple(FaceLandmarks(POINTS, Topology.MESH_478, track_id) for track_id in faces)
    return FaceLandmarksArray(Header(stamp_ns(index)), WIDTH, HEIGHT, found, ended)


def values(index: int, *faces: int, ended: tuple[int, ...] = (), **others: Any) -> dict[str, Any]:
    return {LANDMARKS_RAW.name: landmarks(index, *faces, ended=ended), **others}


def apex(index: int, label: str, intensity: float, track_id: int = 1) -> dict[str, Any]:
    header = Header(stamp_ns(index))
    event = FaceExpressionEvent(header, track_id, label, Phase.APEX, Phase.ONSET, stamp_ns(index), intensity)
    return {EXPRESSION_RESULT.name: FaceExpressionArray(header, events=(event,))}


def turned(index: int, angle_deg: float) -> dict[str, Any]:
    """A head turned about the vertical, as it is published: its own frame looks back at the camera."""
    from face1d_ros.stages.mesh_pose import TO_ROS

    half = np.radians(angle_deg) / 2.0
    turn = np.array([[np.cos(2 * half), 0, np.sin(2 * half)], [0, 1, 0], [-np.sin(2 * half), 0, np.cos(2 * half)]])
    mesh = FaceMesh(1, pose=Pose(np.zeros(3), quaternion(turn @ TO_ROS)))
    return {MESH_RESULT.name: FaceMeshArray(Header(stamp_ns(index)), faces=(mesh,))}


def quaternion(rotation: np.ndarray) -> np.ndarray:
    from scipy.spatial.transform import Rotation

    return np.asarray(Rotation.from_matrix(rotation).as_quat())


def decided(index: int, decision: Decision, judged_to: int, subject: str = "") -> dict[str, Any]:
    face = FaceIdentity(1, decision, subject, judged_from_ns=1, judged_to_ns=judged_to)
    return {IDENTITY_RESULT.name: FaceIdentityArray(Header(stamp_ns(index)), (face,))}


def shade(moment: Moment) -> int:
    """Of the picture's ground, which tells the frame it was taken of."""
    image = cv2.imdecode(np.frombuffer(moment.jpeg, np.uint8), cv2.IMREAD_COLOR)
    return round(float(image[:3, :3].mean()))


def story(index: int) -> dict[str, Any]:
    """Two minutes in which something happens now and then."""
    faces = [1] if index % 300 > 20 else []
    faces += [2 + index // 400] if index % 400 > 100 else []
    others: dict[str, Any] = {}
    if index % 37 == 5:
        others |= apex(index, ("happiness", "surprise")[index % 2], (index * 7919 % 100) / 100.0)
    if index % 90 == 7:
        others |= decided(index, (Decision.VERIFIED, Decision.REJECTED)[index % 2], index, "anna")
    others |= turned(index, 40.0 * np.sin(index / 50.0))
    return values(index, *faces, **others)


def told(moments: Moments) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for moment in moments.moments():
        found.setdefault(moment.kind, []).append(moment.caption)
    return found


def test_what_happens_is_kept_with_the_picture_of_its_frame(tmp_path: Path) -> None:
    moments = Moments(tmp_path)
    for index in range(60):
        others = apex(index, "happiness", 0.8) if index == 25 else {}
        others |= decided(index, Decision.VERIFIED, 7, "anna") if 33 <= index < 50 else {}
        moments.take(frame(index), values(index, *((1, 2) if 15 <= index < 40 else (1,)), **others))
    by_kind = {moment.kind: moment for moment in moments.moments() if moment.kind != "regular"}
    assert (by_kind["apex"].t_s, by_kind["apex"].caption) == (2.5, "happiness at its apex, face 1")
    assert shade(by_kind["apex"]) == pytest.approx(25, abs=2)
    assert by_kind["judged"].caption == "face 1 is verified as anna"
    assert by_kind["judged"].t_s == pytest.approx(3.3)
    assert by_kind["lost"].caption == "face 2 is lost"


def test_several_things_in_a_frame_are_one_picture(tmp_path: Path) -> None:
    moments = Moments(tmp_path)
    moments.take(frame(0), values(0, 1, 2))
    (moment,) = moments.moments()
    assert moment.caption == "face 1 appears; face 2 appears; 2 faces at once"


def test_a_face_that_comes_back_was_found_and_one_that_has_ended_was_not(tmp_path: Path) -> None:
    moments = Moments(tmp_path)
    seen: dict[int, tuple[int, ...]] = {0: (1, 2), 1: (), 2: (1,), 3: (1, 2)}
    for index, faces in seen.items():
        moments.take(frame(index), values(index, *faces, ended=(2,) if index == 2 else ()))
    assert told(moments)["found"] == ["face 1 is found again"]


def test_the_largest_turn_of_a_head_is_kept(tmp_path: Path) -> None:
    moments = Moments(tmp_path)
    for index, angle_deg in enumerate((5.0, 20.0, 38.0, 12.0, -33.0, 41.0)):
        moments.take(frame(index), values(index, 1, **turned(index, angle_deg)))
    assert told(moments)["turned"] == ["face 1 turned by 38°"]


def test_of_many_expressions_the_strongest_are_kept(tmp_path: Path) -> None:
    moments = Moments(tmp_path)
    strengths = np.random.default_rng(3).permutation(40) / 40.0
    for index, strength in enumerate(strengths.tolist()):
        moments.take(frame(index), values(index, 1, **apex(index, "anger", strength)))
    times = {round(moment.t_s * RATE_HZ) for moment in moments.moments() if "apex" in moment.caption}
    assert times == set(np.argsort(-strengths)[:5].tolist())


def test_without_anything_happening_pictures_are_at_regular_distances(tmp_path: Path) -> None:
    moments = Moments(tmp_path)
    for index in range(1200):
        moments.take(frame(index), values(index))
    times = np.array([moment.t_s for moment in moments.moments()])
    assert 6 <= len(times) <= 13
    assert np.diff(times) == pytest.approx(np.full(len(times) - 1, np.diff(times)[0]), abs=1e-6)
    assert times[-1] > 90.0


def test_pictures_are_few_small_and_made_of_few_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = 0

    def counted(*arguments: Any) -> bytes:
        nonlocal made
        made += 1
        return picture(*arguments)

    picture = module.picture
    monkeypatch.setattr(module, "picture", counted)
    moments = Moments(tmp_path)
    for index in range(3000):
        moments.take(frame(index, width=1200, height=40), story(index))
    kept = moments.moments()
    assert 12 <= len(kept) <= MOST
    assert made < 110
    for moment in kept:
        assert cv2.imdecode(np.frombuffer(moment.jpeg, np.uint8), cv2.IMREAD_COLOR).shape == (16, 480, 3)


def test_the_same_frames_give_the_same_pictures(tmp_path: Path) -> None:
    runs = []
    for _ in range(2):
        moments = Moments(tmp_path)
        for index in range(500):
            moments.take(frame(index), story(index))
        runs.append(moments.moments())
    assert runs[0] == runs[1]


@pytest.mark.parametrize("broken_off", [1, 137, 480])
def test_a_resumed_run_keeps_what_an_uninterrupted_one_keeps(tmp_path: Path, broken_off: int) -> None:
    whole, first = Moments(tmp_path / "whole"), Moments(tmp_path / "resumed")
    for index in range(broken_off):
        first.take(frame(index), story(index))
        if index % 30 == 0:
            first.save()
    first.save()
    for index in range(broken_off, broken_off + 5):  # lost: nobody has saved them
        first.take(frame(index), story(index))
    second = Moments.resumed(tmp_path / "resumed")
    for index in range(500):
        whole.take(frame(index), story(index))
        if index >= broken_off:
            second.take(frame(index), story(index))
    assert second.moments() == whole.moments()
    assert second.moments() != ()


def test_frames_that_come_again_after_resuming_are_passed_over(tmp_path: Path) -> None:
    first, whole = Moments(tmp_path), Moments(None)
    for index in range(100):
        first.take(frame(index), story(index))
    first.save()
    second = Moments.resumed(tmp_path, frames=80)
    for index in range(200):
        whole.take(frame(index), story(index))
        if index >= 80:
            second.take(frame(index), story(index))
    assert second.moments() == whole.moments()


def test_only_the_pictures_that_are_kept_stay_on_the_disk(tmp_path: Path) -> None:
    moments = Moments(tmp_path)
    for index in range(500):
        moments.take(frame(index), story(index))
        if index % 20 == 0:
            moments.save()
    moments.save()
    named = {f"{one['index']:07d}.jpg" for one in json.loads((tmp_path / "moments.json").read_text())["kept"]}
    assert {path.name for path in (tmp_path / "kept").iterdir()} == named


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 1}', '{"format": 1, "frames": "many"}'])
def test_a_broken_file_is_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "moments.json").write_text(content)
    assert Moments.resumed(tmp_path).moments() == ()


def test_landmarks_of_an_earlier_frame_are_not_drawn(tmp_path: Path) -> None:
    late, alone = Moments(tmp_path), Moments(tmp_path)
    late.take(frame(3), values(3, 1, **{LANDMARKS_SMOOTHED.name: landmarks(2)}))
    alone.take(frame(3), values(3, 1))
    assert late.moments() == alone.moments()


def test_stamps_that_jump_do_not_tear_the_times_apart(tmp_path: Path) -> None:
    moments = Moments(tmp_path)
    for place, index in enumerate([*range(20), *range(9000, 9020), *range(5, 25)]):
        moments.take(frame(index), values(index, 1 + place // 20))
    times = [moment.t_s for moment in moments.moments()]
    assert times == sorted(times)
    assert 4.0 < times[-1] < 6.1


def test_results_without_images_are_drawn_on_plain_ground(tmp_path: Path) -> None:
    bag = BagWriter(tmp_path / "results", TOPICS)
    for index in range(30):
        bag.write(values(index, 1) if index < 20 else values(index))
    bag.close()
    found = Moments.of_results(tmp_path / "results").moments()
    assert [moment.kind for moment in found][:1] == ["appears"]
    assert "lost" in {moment.kind for moment in found}
    image = cv2.imdecode(np.frombuffer(found[0].jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == (HEIGHT, WIDTH, 3)
    assert image.max() > 120 > 60 > image[0, 0].max()


def test_an_image_without_pixels_is_drawn_on_plain_ground_or_not_at_all(tmp_path: Path) -> None:
    nothing = Frame(Header(stamp_ns(0)), np.empty((0, 0, 3), np.uint8))
    drawn, left_out = Moments(tmp_path), Moments(tmp_path, ground=False)
    for moments in (drawn, left_out):
        moments.take(nothing, values(0, 1))
    assert len(drawn.moments()) == 1
    assert left_out.moments() == ()
