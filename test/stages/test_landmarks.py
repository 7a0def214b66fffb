from __future__ import annotations

import random
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from detector_pictures import CLIPS, astronaut, clip, grey_with_faces, tiled_faces
from numpy.typing import NDArray

from face1d_ros.config import LandmarksConfig
from face1d_ros.detect.detector import make_detector
from face1d_ros.geometry.opening import openings
from face1d_ros.sources.portrait import AnimatedPortrait
from face1d_ros.stages.landmarks import LandmarksStage
from face1d_ros.types import FaceLandmarks, FaceLandmarksArray, Frame, Header

STEP_NS = 33_000_000
needs_clips = pytest.mark.skipif(not CLIPS.is_dir(), reason=f"the clips are not in {CLIPS}")


@pytest.fixture
def stage() -> Iterator[LandmarksStage]:
    stage = LandmarksStage(LandmarksConfig())
    yield stage
    stage.close()


def frame(image: NDArray[np.uint8], index: int = 0) -> Frame:
    return Frame(Header(index * STEP_NS, "camera"), image)


def ids_over(stage: LandmarksStage, name: str) -> tuple[list[int], list[int]]:
    """All ids that a clip gives, and all that end, up to a second after it."""
    given: set[int] = set()
    ended: list[int] = []
    stamp_ns, image = 0, np.zeros((64, 64, 3), np.uint8)
    for stamp_ns, image in clip(name):
        result = stage.process(Frame(Header(stamp_ns, ""), image))
        given |= {face.track_id for face in result.faces}
        ended += result.ended_track_ids
    for _ in range(45):
        stamp_ns += STEP_NS
        ended += stage.process(Frame(Header(stamp_ns, ""), np.zeros_like(image))).ended_track_ids
    return sorted(given), ended


def test_a_frame_of_one_face(stage: LandmarksStage) -> None:
    header = Header(5_000_000_000, "camera_optical_frame")
    stage.process(Frame(header, astronaut()))
    later = Header(5_250_000_000, "camera_optical_frame")
    result = stage.process(Frame(later, astronaut()))
    assert result.header is later
    assert (result.image_width, result.image_height) == (512, 512)
    assert result.info.stage == "landmarks" and "MediaPipe" in result.info.model
    face = result.faces[0]
    assert face.track_id > 0 and face.tracked_s == pytest.approx(0.25)
    x, y, width, height = face.box
    np.testing.assert_allclose([x, y], face.points[:, :2].min(axis=0))
    np.testing.assert_allclose([x + width, y + height], face.points[:, :2].max(axis=0), rtol=1e-6)
    assert face.point_confidence.shape == (478,)
    assert np.nanmax(face.point_confidence) <= 1.0 and np.nanmean(face.point_confidence) > 0.5


def test_a_frame_without_faces(stage: LandmarksStage) -> None:
    result = stage.process(frame(np.zeros((480, 640, 3), np.uint8)))
    assert result.faces == () and result.ended_track_ids == ()


def test_points_outside_of_the_image_have_no_confidence(stage: LandmarksStage) -> None:
    face = stage.process(frame(grey_with_faces((45, 240, 160)))).faces[0]
    outside = face.points[:, 0] < -4.0
    assert 10 < outside.sum() < 300
    assert (face.point_confidence[outside] == 0.0).all()
    assert (face.point_confidence[face.points[:, 0] > 4.0] > 0.0).all()


def test_a_lost_face_ends_once_after_the_time_set(stage: LandmarksStage) -> None:
    stage.configure(LandmarksConfig(lost_after_s=0.2))
    track_id = stage.process(frame(astronaut())).faces[0].track_id
    empty = np.zeros((512, 512, 3), np.uint8)
    ended = {index: stage.process(frame(empty, index)).ended_track_ids for index in range(1, 20)}
    listed = {index: ids for index, ids in ended.items() if ids}
    assert list(listed.values()) == [(track_id,)]
    assert 0.2 < next(iter(listed)) * STEP_NS / 1e9 < 0.3


def test_after_a_reset_the_same_face_gets_a_new_id(stage: LandmarksStage) -> None:
    before = stage.process(frame(astronaut())).faces[0].track_id
    stage.reset()
    after = stage.process(frame(astronaut(), 1))
    assert before in after.ended_track_ids
    assert after.faces[0].track_id > before


@pytest.mark.parametrize("step_ns", [-STEP_NS, 2_000_000_000])
def test_after_a_jump_in_time_nothing_is_followed(step_ns: int) -> None:
    detector = Counting(LandmarksConfig())
    stage = LandmarksStage(LandmarksConfig(), detector)
    for stamp_ns in (0, STEP_NS, 2 * STEP_NS):
        stage.process(Frame(Header(5_000_000_000 + stamp_ns, ""), astronaut()))
    assert detector.resets == 0
    result = stage.process(Frame(Header(5_000_000_000 + 2 * STEP_NS + step_ns, ""), astronaut()))
    stage.close()
    assert detector.resets == 1
    assert [face.track_id for face in result.faces] == [2] and result.ended_track_ids == (1,)


@needs_clips
@pytest.mark.parametrize("detection_range", ["short", "full"])
@pytest.mark.parametrize("name", ["face_noface.mov", "noface_face.mov", "single_face.mp4"])
def test_one_visit_gives_one_id(name: str, detection_range: str) -> None:
    stage = LandmarksStage(LandmarksConfig(detection_range=detection_range))
    given, ended = ids_over(stage, name)
    stage.close()
    assert len(given) == 1
    assert ended == given


@needs_clips
@pytest.mark.parametrize("detection_range", ["short", "full"])
def test_a_cartoon_gives_no_id(detection_range: str) -> None:
    stage = LandmarksStage(LandmarksConfig(detection_range=detection_range))
    assert ids_over(stage, "no_face.mp4") == ([], [])
    stage.close()


class Counting:
    """A detector that counts how often it was told to forget."""

    def __init__(self, config: LandmarksConfig) -> None:
        self._detector = make_detector(config)
        self.resets = 0
        self.model = self._detector.model
        self.detect, self.close = self._detector.detect, self._detector.close

    def reset(self) -> None:
        self.resets += 1
        self._detector.reset()


class Shuffled:
    """A detector that gives its faces in another order every time."""

    def __init__(self, config: LandmarksConfig) -> None:
        self._detector = make_detector(config)
        self._random = random.Random(7)
        self.model = self._detector.model
        self.reset, self.close = self._detector.reset, self._detector.close

    def detect(self, image: NDArray[np.uint8]) -> tuple[FaceLandmarks, ...]:
        faces = list(self._detector.detect(image))
        self._random.shuffle(faces)
        return tuple(faces)


@needs_clips
@pytest.mark.parametrize("detection_range", ["short", "full"])
def test_a_group_keeps_its_five_ids_in_any_order_of_detection(detection_range: str) -> None:
    config = LandmarksConfig(max_faces=8, detection_range=detection_range)
    stage = LandmarksStage(config, Shuffled(config))
    photo = np.ascontiguousarray(cv2.imread(str(CLIPS / "multi_face.jpg"))[..., ::-1])
    results = [stage.process(frame(photo, index)) for index in range(100)]
    stage.close()
    assert all([face.track_id for face in result.faces] == [1, 2, 3, 4, 5] for result in results)
    assert not any(result.ended_track_ids for result in results)
    boxes = np.array([[face.box for face in result.faces] for result in results])
    assert np.ptp(boxes, axis=0).max() < 10.0


def test_two_faces_keep_their_ids_while_they_change_places(stage: LandmarksStage) -> None:
    face = cv2.resize(astronaut()[20:240, 120:340], (200, 200), interpolation=cv2.INTER_AREA)
    sides: list[dict[int, float]] = []
    for index in range(60):
        image = np.full((480, 640, 3), 90, np.uint8)
        x = 20 + index * 400 // 59
        image[20:220, x : x + 200] = face
        image[250:450, 420 - (x - 20) : 620 - (x - 20)] = face
        sides.append({f.track_id: float(f.points[:, 0].mean()) for f in stage.process(frame(image, index)).faces})
    assert set().union(*sides) == {1, 2}
    seen_both = [places for places in sides if len(places) == 2]
    assert len(seen_both) > 50
    first, last = seen_both[0], seen_both[-1]
    assert (first[1] - first[2]) * (last[1] - last[2]) < 0.0


def test_the_portrait_is_one_face_that_shuts_its_eyes(stage: LandmarksStage) -> None:
    portrait = AnimatedPortrait(length=240)
    ids: set[int] = set()
    shut, measured = [], []
    for shown, truth in portrait.frames_with_truth():
        result: FaceLandmarksArray = stage.process(shown)
        assert len(result.faces) == 1
        ids.add(result.faces[0].track_id)
        eyes = openings(result.faces[0].points)[:2]
        shut.append((truth.channels.eye_closed_right, truth.channels.eye_closed_left))
        measured.append(eyes)
    assert ids == {1}
    closed, open_ = np.array(shut), np.array(measured)
    assert (closed > 0.95).any() and (closed < 0.05).any()
    assert np.median(open_[closed > 0.95]) < 0.25 * np.median(open_[closed < 0.05])


def test_eight_faces_have_eight_ids() -> None:
    stage = LandmarksStage(LandmarksConfig(max_faces=8))
    image = tiled_faces(8)
    results = [stage.process(frame(image, index)) for index in range(40)]
    stage.close()
    assert len(results[-1].faces) == 8
    assert {face.track_id for result in results for face in result.faces} == set(range(1, 9))
