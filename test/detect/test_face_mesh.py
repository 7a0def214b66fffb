from __future__ import annotations

import math
import threading
from collections.abc import Iterator

import cv2
import mediapipe
import numpy as np
import pytest
from detector_pictures import astronaut, grey_with_faces, tiled_faces

from face1d_ros.config import LandmarksConfig
from face1d_ros.detect.face_mesh import NEW_AT_ONCE, NEW_FACE_LOOKS, SEARCH_EVERY, FaceMeshDetector
from face1d_ros.detect.models import LandmarkModel, Shown
from face1d_ros.detect.regions import Region
from face1d_ros.errors import DetectorError
from face1d_ros.geometry.topology import partner
from face1d_ros.types import FaceLandmarks, Topology, TrackState

IMAGES = 40
"""More than one round of views of any picture here."""


@pytest.fixture(scope="module")
def shared() -> Iterator[FaceMeshDetector]:
    detector = FaceMeshDetector(LandmarksConfig(max_faces=8))
    yield detector
    detector.close()


@pytest.fixture
def detector(shared: FaceMeshDetector) -> FaceMeshDetector:
    shared.reset()
    return shared


def only_face(detector: FaceMeshDetector, image: np.ndarray) -> FaceLandmarks:
    for _ in range(5):
        faces = detector.detect(image)
    assert len(faces) == 1
    return faces[0]


def test_a_face_is_measured_below_the_pixel(detector: FaceMeshDetector) -> None:
    face = only_face(detector, astronaut())
    assert face.points.shape == (478, 3) and face.points.dtype == np.float32
    assert face.topology is Topology.MESH_478 and face.state is TrackState.MEASURED and face.track_id == 0
    assert 0.9 < face.confidence <= 1.0
    assert np.abs(face.points - np.rint(face.points)).mean() > 0.1


@pytest.mark.parametrize("angle", [0.0, 25.0])
def test_points_are_those_of_mediapipes_own_solution(angle: float) -> None:
    turn = cv2.getRotationMatrix2D((224.0, 124.0), angle, 1.0)
    image = cv2.warpAffine(astronaut(), turn, (512, 512))  # sizes whose shares are exact
    detector = FaceMeshDetector(LandmarksConfig(min_face_px=80.0))  # found in the whole image, as theirs
    with mediapipe.solutions.face_mesh.FaceMesh(max_num_faces=4, refine_landmarks=True) as solution:
        for _ in range(NEW_FACE_LOOKS - 1):
            solution.process(image)  # where ours looks several times at a new face
        for _ in range(4):
            (ours,) = detector.detect(image)
            theirs = solution.process(image).multi_face_landmarks[0].landmark
            expected = np.array([(p.x * 512, p.y * 512, p.z * 512) for p in theirs])
            np.testing.assert_allclose(ours.points, expected, atol=1e-3)
    detector.close()


def test_without_irises(detector: FaceMeshDetector) -> None:
    coarse = FaceMeshDetector(LandmarksConfig(topology=468))
    face = coarse.detect(astronaut())[0]
    coarse.close()
    assert face.points.shape == (468, 3) and face.topology is Topology.MESH_468
    fine = detector.detect(astronaut())[0].points[:468]
    assert np.linalg.norm(face.points[:, :2] - fine[:, :2], axis=1).mean() < 4.0


@pytest.mark.parametrize(("x", "y"), [(0, 0), (37, 0), (0, 24), (51, 33)])
def test_points_move_with_the_picture(detector: FaceMeshDetector, x: int, y: int) -> None:
    canvas = np.full((620, 620, 3), 90, np.uint8)
    canvas[:512, :512] = astronaut()
    still = only_face(detector, canvas).points
    canvas[:] = 90
    canvas[y : y + 512, x : x + 512] = astronaut()
    detector.reset()
    moved = only_face(detector, canvas).points
    offset = (moved - still)[:, :2].mean(axis=0)
    np.testing.assert_allclose(offset, (x, y), atol=0.6)


@pytest.mark.parametrize("side_px", [140.0, 180.0, 220.0])
def test_the_centre_of_the_first_pixel_is_at_zero(side_px: float) -> None:
    """Turned by half a turn, the model sees the same pixels: any other origin would show as a shift."""
    image = astronaut()[:400].copy()
    turned = np.ascontiguousarray(image[::-1, ::-1])
    region = Region(222.37, 121.71, side_px, 0.03)
    opposite = Region(511 - region.x_px, 399 - region.y_px, side_px, region.angle_rad + math.pi)
    model = LandmarkModel(with_attention=True, min_presence=0.5)
    (one,), _ = model.look(Shown.of(image), [region])
    (other,), _ = model.look(Shown.of(turned), [opposite])
    model.close()
    assert np.abs(one[:, :2] + other[:, :2] - [511, 399]).max() < 0.01


@pytest.mark.parametrize("angle_rad", [0.0, 0.4])
def test_the_shape_of_the_image_does_not_matter(angle_rad: float) -> None:
    model, region = LandmarkModel(with_attention=True, min_presence=0.1), Region(222.37, 121.71, 200.0, angle_rad)
    results = []
    for height, width in ((600, 600), (600, 1200), (1200, 600)):
        image = np.zeros((height, width, 3), np.uint8)
        image[:512, :512] = astronaut()
        results.append(model.look(Shown.of(image), [region])[0])
    model.close()
    for other in results[1:]:
        np.testing.assert_allclose(other, results[0], atol=1e-3)


def test_a_mirrored_face_has_mirrored_landmarks(detector: FaceMeshDetector) -> None:
    straight = only_face(detector, astronaut()).points
    detector.reset()
    other = only_face(detector, np.ascontiguousarray(astronaut()[:, ::-1])).points[partner(Topology.MESH_478)]
    other[:, 0] = 511.0 - other[:, 0]
    assert np.linalg.norm((other - straight)[:, :2], axis=1).mean() < 0.012 * 146


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_points_scale_with_the_picture(detector: FaceMeshDetector, factor: float) -> None:
    image = astronaut()
    still = only_face(detector, image).points
    detector.reset()
    scaled = only_face(detector, cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)).points
    expected = (still[:, :2] + 0.5) * factor - 0.5  # cv2.resize keeps the corners
    assert np.linalg.norm(scaled[:, :2] - expected, axis=1).mean() < 0.015 * 146 * factor
    assert np.ptp(scaled[:, 2]) / np.ptp(still[:, 2]) == pytest.approx(factor, rel=0.15)


@pytest.mark.parametrize("count", [0, 1, 2, 5, 8])
def test_all_faces_are_found_each_once(detector: FaceMeshDetector, count: int) -> None:
    image = tiled_faces(count)
    for _ in range(IMAGES):
        faces = detector.detect(image)
    tiles = sorted((int(f.points[:, 1].mean() // 240), int(f.points[:, 0].mean() // 320)) for f in faces)
    columns = 2 if count <= 4 else 4
    assert tiles == [divmod(index, columns) for index in range(count)]


def test_no_more_faces_than_asked_for() -> None:
    detector = FaceMeshDetector(LandmarksConfig(max_faces=2))
    image = tiled_faces(4)
    for _ in range(IMAGES):
        faces = detector.detect(image)
    detector.close()
    assert len(faces) == 2


@pytest.mark.parametrize("center", [(300, 300), (900, 500), (1100, 120), (640, 600)])
def test_full_range_finds_a_far_face_in_the_first_image(center: tuple[int, int]) -> None:
    full = FaceMeshDetector(LandmarksConfig(detection_range="full"))
    (face,) = full.detect(grey_with_faces((*center, 40), size=(1280, 720)))
    full.close()
    assert 34.0 < np.ptp(face.points[:, 1]) < 46.0
    assert np.abs(face.points[:, :2].mean(axis=0) - center).max() < 10.0


@pytest.mark.parametrize(("size", "face_px"), [((640, 480), 70), ((1280, 720), 100), ((1920, 1080), 200)])
def test_short_range_finds_a_user_in_the_first_image(
    detector: FaceMeshDetector, size: tuple[int, int], face_px: int
) -> None:
    for x, y in ((0.3, 0.4), (0.5, 0.5), (0.7, 0.35)):
        detector.reset()
        assert len(detector.detect(grey_with_faces((round(x * size[0]), round(y * size[1]), face_px), size=size))) == 1


@pytest.mark.parametrize(("face_px", "images"), [(60, 72), (130, 12)])
def test_others_are_found_while_one_is_known_the_sooner_the_nearer(
    detector: FaceMeshDetector, face_px: int, images: int
) -> None:
    """Within so many images: 2.4 and 0.4 s at 30 Hz."""
    near = (640, 360, 200)
    for _ in range(3):
        assert len(detector.detect(grey_with_faces(near, size=(1280, 720)))) == 1
    image = grey_with_faces((200, 200, face_px), (1100, 600, face_px), near, size=(1280, 720))
    assert any(len(detector.detect(image)) == 3 for _ in range(images))


def test_while_a_face_is_known_every_second_image_is_searched(
    detector: FaceMeshDetector, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched: list[int] = []
    start = detector._finder.start
    monkeypatch.setattr(detector._finder, "start", lambda *given: searched.append(detector._images) or start(*given))
    for _ in range(12):
        assert len(detector.detect(astronaut())) == 1
    assert searched == [1, 2, 4, 6, 8, 10, 12]
    searched.clear()
    for _ in range(4):
        assert detector.detect(np.zeros((480, 640, 3), np.uint8)) == ()
    assert searched == [13, 14, 15, 16]


def test_a_place_that_was_no_face_is_looked_at_again_in_its_turn() -> None:
    """Also where every second image is searched, and an even number of places wait."""
    detector = FaceMeshDetector(LandmarksConfig())
    detector._images, detector._rotation.images = 3, 7
    places = [Region(100.0 * index, 50.0, 40.0, 0.0) for index in range(1, 5)]
    detector._refused.extend(places)
    again = []
    for _ in range(4):
        detector._images += SEARCH_EVERY
        detector._rotation.images += 1
        again += detector._worth_a_look(places, 3)
    detector.close()
    assert {region.x_px for region in again} == {region.x_px for region in places}


def test_a_face_that_jumps_is_found_in_the_same_image() -> None:
    for faces in (1, 4):
        detector = FaceMeshDetector(LandmarksConfig(max_faces=faces))
        for center in ((150, 150), (480, 300), (150, 330)):
            assert len(detector.detect(grey_with_faces((*center, 130)))) == 1
        detector.close()


def test_two_people_who_meet_stay_two_and_results_for_one_are_one(detector: FaceMeshDetector) -> None:
    for distance in (300, 220, 160, 130, 160):
        image = grey_with_faces((320 - distance // 2, 240, 130), (320 + distance // 2, 240, 130), reach=0.6)
        found = [len(detector.detect(image)) for _ in range(12)]
        assert max(found) == found[-1] == 2


def test_what_was_no_face_costs_little_and_hides_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A texture that the finder takes for faces everywhere: the landmark model looks at two places an image."""
    detector = FaceMeshDetector(LandmarksConfig(min_detection_confidence=0.05))
    looked: list[int] = []
    look = detector._landmarks.look
    monkeypatch.setattr(detector._landmarks, "look", lambda s, r: looked.append(len(r)) or look(s, r))
    noise = np.random.default_rng(4).integers(0, 255, (24, 32, 3), np.uint8)
    texture = cv2.resize(noise, (640, 480), interpolation=cv2.INTER_CUBIC)
    detector.detect(texture)
    looked.clear()
    for _ in range(20):
        detector.detect(texture)
    assert looked and max(looked) <= NEW_AT_ONCE
    texture[100:340, 200:440] = astronaut()[10:250, 104:344]
    found = [len(detector.detect(texture)) for _ in range(10)]
    assert found[-1] == 1
    detector.close()


def test_a_face_smaller_than_asked_for_is_left_out() -> None:
    height = np.ptp(FaceMeshDetector(LandmarksConfig()).detect(astronaut())[0].points[:, 1])
    for smallest, expected in ((height - 4.0, 1), (height + 4.0, 0)):
        detector = FaceMeshDetector(LandmarksConfig(min_face_px=float(smallest)))
        assert len(detector.detect(astronaut())) == expected
        detector.close()


def test_the_detection_confidence_is_honoured() -> None:
    detector = FaceMeshDetector(LandmarksConfig(min_detection_confidence=0.99))
    assert not any(detector.detect(astronaut()) for _ in range(IMAGES))
    detector.close()


def test_the_image_is_neither_changed_nor_needs_to_be_writable(detector: FaceMeshDetector) -> None:
    image = astronaut()
    before = image.copy()
    writable = detector.detect(image)[0].points
    assert image.flags.writeable
    detector.reset()
    read_only = np.frombuffer(image.tobytes(), np.uint8).reshape(image.shape)
    np.testing.assert_array_equal(detector.detect(read_only)[0].points, writable)
    np.testing.assert_array_equal(image, before)


def test_rows_may_be_padded(detector: FaceMeshDetector) -> None:
    padded = np.zeros((512, 600, 3), np.uint8)
    padded[:, :512] = astronaut()
    assert len(detector.detect(padded[:, :512])) == 1


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 640, 3), (480, 1, 3), (7, 5, 3), (16, 4000, 3)])
def test_odd_sizes_break_nothing(detector: FaceMeshDetector, shape: tuple[int, int, int]) -> None:
    assert detector.detect(np.zeros(shape, np.uint8)) == ()
    assert len(detector.detect(astronaut())) == 1


def test_the_same_images_give_the_same_points(detector: FaceMeshDetector) -> None:
    image = tiled_faces(2)
    first = [detector.detect(image) for _ in range(6)]
    detector.reset()
    second = [detector.detect(image) for _ in range(6)]
    for before, after in zip(first, second, strict=True):
        assert len(before) == len(after)
        for a, b in zip(before, after, strict=True):
            np.testing.assert_array_equal(a.points, b.points)


def test_it_works_in_a_thread_that_did_not_make_it(detector: FaceMeshDetector) -> None:
    found: list[int] = []
    worker = threading.Thread(target=lambda: found.append(len(detector.detect(astronaut()))))
    worker.start()
    worker.join()
    assert found == [1]


def test_closed_is_closed() -> None:
    detector = FaceMeshDetector(LandmarksConfig())
    detector.close()
    detector.close()
    with pytest.raises(DetectorError, match="closed"):
        detector.detect(astronaut())


def test_nothing_is_said_on_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    detector = FaceMeshDetector(LandmarksConfig())
    detector.detect(astronaut())
    detector.close()
    assert capfd.readouterr().err == ""
