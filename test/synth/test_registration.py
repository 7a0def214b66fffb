from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from synth.small_face import BLINK, ICT_PACK, NAMES, POINTS, flame_arrays, landmarks_68, surface, true_points, write

from face1d_ros.errors import FaceModelError, FaceModelFileError, GeometryError
from face1d_ros.geometry.canonical import canonical_face
from face1d_ros.geometry.opening import openings
from face1d_ros.geometry.topology import curve
from face1d_ros.synth.faces import registration
from face1d_ros.synth.faces.anchors import Anchors, on_vertices
from face1d_ros.synth.faces.correspondence import ICT_ANCHORS, anchors_path, read_anchors, write_anchors
from face1d_ros.synth.faces.model import load_face_model, read_model
from face1d_ros.synth.faces.model_arrays import UNKNOWN, ModelArrays
from face1d_ros.synth.faces.picture import BACKGROUND
from face1d_ros.synth.faces.registration import Registration, register
from face1d_ros.synth.faces.registration_picture import registration_picture
from face1d_ros.synth.faces.surface import Surface, along, closest_weights

needs_ict = pytest.mark.skipif(not ICT_PACK.is_file(), reason=f"ICT-FaceKit's pack is not at {ICT_PACK}")
RIGHT_EYE, LEFT_EYE, MOUTH = range(3)


def small_model(landmarks: np.ndarray) -> ModelArrays:
    points, faces = surface()
    none = np.zeros((0, len(points), 3), np.float32)
    return ModelArrays("small", points.astype(np.float32), none, none, (), faces, landmarks)


@cache
def small_registration() -> Registration:
    return register(small_model(landmarks_68()))


@cache
def ict() -> tuple[ModelArrays, Registration]:
    model = read_model(ICT_PACK)
    return model, register(model)


def test_anchors_move_with_their_vertices() -> None:
    anchors = Anchors(np.array([[0, 1, 2], [2, 2, 0]]), np.array([[0.5, 0.25, 0.25], [1.0, 0.0, 0.0]], np.float32))
    corners = np.array([[0.0, 0.0, 0.0], [4.0, 0.0, 0.0], [0.0, 8.0, 1.0]])
    np.testing.assert_allclose(anchors.on(corners), [[1.0, 2.0, 0.25], [0.0, 8.0, 1.0]])
    batch = np.stack([corners, corners + 1.0]).astype(np.float32)
    assert anchors.on(batch).shape == (2, 2, 3) and anchors.on(batch).dtype == np.float32
    np.testing.assert_allclose(anchors.on(batch)[1], anchors.on(corners) + 1.0)
    with pytest.raises(GeometryError, match=r"\(N, 3\)"):
        Anchors(np.zeros((2, 2), int), np.zeros((2, 2), np.float32))


def test_the_closest_point_of_a_triangle_is_the_best_of_many() -> None:
    random = np.random.default_rng(1)
    corners, points = random.uniform(-1, 1, (50, 3, 3)), random.uniform(-2, 2, (50, 3))
    weights = closest_weights(points, corners)
    assert (weights >= 0.0).all()
    np.testing.assert_allclose(weights.sum(axis=1), 1.0)
    distances = np.linalg.norm((weights[..., None] * corners).sum(axis=1) - points, axis=1)
    s, t = np.meshgrid(np.linspace(0, 1, 40), np.linspace(0, 1, 40))
    tried = np.stack([1 - s, s * (1 - t), s * t], axis=-1).reshape(-1, 3)
    others = np.linalg.norm(np.einsum("wc,ncx->nwx", tried, corners) - points[:, None], axis=2).min(axis=1)
    assert (distances <= others + 1e-9).all()
    assert (others - distances).max() < 0.05


def test_the_closest_point_of_a_triangle_without_area_lies_on_it() -> None:
    flat = np.array([[0.0, 0, 0], [1.0, 0, 0], [2.0, 0, 0]])
    weights = closest_weights(np.array([1.5, 3.0, 0.0]), flat)
    np.testing.assert_allclose(weights @ flat, [1.5, 0.0, 0.0])


def test_a_way_follows_edges_and_is_measured_by_length() -> None:
    points = np.array([[0.0, 0, 0], [1, 0, 0], [3, 0, 0], [0, 5, 0], [1, 5, 0], [3, 5, 0]])
    net = Surface(points, np.array([[0, 1, 3], [1, 4, 3], [1, 2, 4], [2, 5, 4]]))
    way = net.way([0, 2])
    np.testing.assert_array_equal(way, [0, 1, 2])
    placed = along(way, points, np.array([0.0, 0.5, 1.0])).on(points)
    np.testing.assert_allclose(placed[:, 0], [0.0, 1.5, 3.0], atol=1e-6)
    apart = Surface(np.concatenate([points, points + 9.0]), np.array([[0, 1, 3], [6, 7, 9]]))
    with pytest.raises(FaceModelError, match=r"0 and 7 .* not joined"):
        apart.way([0, 7])


def test_a_known_warp_of_the_canonical_face_is_found_again() -> None:
    found = small_registration()
    errors_mm = np.linalg.norm(found.placed_mm[:POINTS] - true_points(), axis=1)
    assert np.median(errors_mm) < 0.5 and errors_mm.max() < 3.0
    for name in ("right_eye", "left_eye", "inner_lips", "outer_lips"):
        assert errors_mm[curve(name).indices].max() < 0.5, name
    assert found.surface_mm.max() < 1.0
    assert np.median(found.landmarks_mm) < 0.5 and len(found.landmarks_mm) == 68


def test_without_landmarks_the_shape_alone_leads_there() -> None:
    found = register(small_model(np.full(68, UNKNOWN)))
    errors_mm = np.linalg.norm(found.placed_mm[:POINTS] - true_points(), axis=1)
    assert np.median(errors_mm) < 2.0 and errors_mm.max() < 8.0
    assert len(found.landmarks_mm) == 0


def test_both_sides_are_mirror_images_on_a_symmetric_face() -> None:
    assert small_registration().symmetry_mm.max() < 1e-4


def test_irises_lie_between_the_lids() -> None:
    placed = small_registration().placed_mm
    for iris, eye in ((468, "right_eye"), (473, "left_eye")):
        ring = placed[curve(eye).indices]
        assert (ring.min(axis=0) < placed[iris])[:2].all() and (placed[iris] < ring.max(axis=0))[:2].all()


def test_lids_and_lips_keep_to_their_side(tmp_path: Path) -> None:
    model = load_face_model(write(tmp_path / "flame.npz", flame_arrays()))
    rest = openings(model.landmarks_478.on(model.mean_mm))
    for name in NAMES:
        moved = openings(model.landmarks_478.on(model.mean_mm + model.expression_mm[model.expression_index(name)]))
        if name == "jawOpen":
            assert moved[MOUTH] > rest[MOUTH] + 0.3 and moved[:MOUTH] == pytest.approx(rest[:MOUTH])
        else:
            assert moved[LEFT_EYE] == pytest.approx((1.0 - BLINK) * rest[LEFT_EYE], abs=0.02)
            assert moved[RIGHT_EYE] == pytest.approx(rest[RIGHT_EYE])


def test_a_face_that_is_not_there_is_refused() -> None:
    model = small_model(np.full(68, UNKNOWN))
    with pytest.raises(FaceModelError, match="no surface where MediaPipe's face lies"):
        register(replace(model, triangles=model.triangles[:, ::-1]))
    with pytest.raises(FaceModelError, match=r"mm off the face model on average, expected less than 3 mm"):
        register(small_model(np.roll(landmarks_68(), 20)))


def test_a_stored_correspondence_is_used_for_its_model_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(registration, "STIFFNESS", (30.0,))
    path = write(tmp_path / "flame.npz", flame_arrays())
    model = load_face_model(path)
    marked = on_vertices(np.arange(478) % 468)
    write_anchors(anchors_path(path), marked, model.sha256)
    np.testing.assert_array_equal(load_face_model(path).landmarks_478.vertices, marked.vertices)
    write_anchors(anchors_path(path), marked, "another")
    np.testing.assert_array_equal(load_face_model(path).landmarks_478.vertices, model.landmarks_478.vertices)


def test_a_damaged_correspondence_is_refused(tmp_path: Path) -> None:
    good = on_vertices(np.arange(478))
    path = tmp_path / "x.anchors.npz"
    for wrong, message in (
        (good.take(slice(10)), r"\(10, 3\)"),
        (on_vertices(np.arange(478) + 1000), "vertex 1000"),
        (Anchors(good.vertices, good.weights * 2), "add up to 1"),
    ):
        write_anchors(path, wrong, "")
        with pytest.raises(FaceModelFileError, match=message):
            read_anchors(path, 500)


def test_the_picture_shows_the_face_from_two_sides() -> None:
    picture = registration_picture(small_model(landmarks_68()), small_registration())
    drawn = (picture != np.array(BACKGROUND, np.uint8)).any(axis=2)
    height, width = drawn.shape
    halves = drawn[: height // 2, : width // 2].mean(), drawn[: height // 2, width // 2 :].mean()
    assert min(halves) > 0.15 and drawn.mean() < 0.95


@needs_ict
def test_what_ships_for_ict_facekit_is_what_the_registration_finds() -> None:
    model, found = ict()
    shipped = read_anchors(ICT_ANCHORS, len(model.mean_mm)).on(model.mean_mm.astype(float))
    np.testing.assert_allclose(shipped, found.placed_mm, atol=0.05)


@needs_ict
def test_the_canonical_face_lies_well_on_ict_facekit() -> None:
    _, found = ict()
    assert found.surface_mm.mean() < 0.3 and found.surface_mm.max() < 1.5
    assert found.symmetry_mm.max() < 0.01
    same_place = [30, 33, 36, 39, 42, 45, 48, 51, 54, 57, 62, 66]
    assert found.landmarks_mm[same_place].max() < 1.0


@needs_ict
@pytest.mark.parametrize(
    ("expression", "part", "bounds"),
    [("jawOpen", MOUTH, (0.6, 0.9)), ("eyeBlink_L", LEFT_EYE, (0.0, 0.06)), ("eyeBlink_R", RIGHT_EYE, (0.0, 0.06))],
)
def test_ict_facekits_expressions_open_and_close_the_right_parts(
    expression: str, part: int, bounds: tuple[float, float]
) -> None:
    model = load_face_model(ICT_PACK)
    rest = openings(model.landmarks_478.on(model.mean_mm))
    moved = openings(model.landmarks_478.on(model.mean_mm + model.expression_mm[model.expression_index(expression)]))
    assert bounds[0] <= moved[part] <= bounds[1]
    others = [other for other in (RIGHT_EYE, LEFT_EYE, MOUTH) if other != part]
    np.testing.assert_allclose(moved[others], rest[others], atol=0.02)
    assert rest[:MOUTH] == pytest.approx(0.32, abs=0.02) and rest[MOUTH] < 0.03


@needs_ict
def test_the_shape_of_ict_facekit_alone_leads_near_the_same_places() -> None:
    model, found = ict()
    alone = register(replace(model, landmarks_68=np.full(68, UNKNOWN)))
    distances_mm = np.linalg.norm(alone.placed_mm - found.placed_mm, axis=1)
    assert distances_mm.mean() < 1.5 and distances_mm.max() < 6.0


@needs_ict
def test_every_point_of_the_lips_moves_with_its_own_lip() -> None:
    model = load_face_model(ICT_PACK)
    drop = model.landmarks_478.on(model.expression_mm[model.expression_index("jawOpen")])[:, 1]
    upper, lower = curve("upper_inner_lip").indices[2:-2], curve("lower_inner_lip").indices[2:-2]
    assert (drop[upper] < drop[lower] - 8.0).all()
    assert drop[13] < 5.0 and drop[14] > 30.0


def test_the_canonical_face_has_irises_as_the_point_model_draws_them() -> None:
    from face1d_ros.synth.faces.eyes import EDGE

    points = canonical_face().points_cm
    for middle in (468, 473):
        edge = points[middle + 1 : middle + 5, :2] - points[middle, :2]
        np.testing.assert_allclose(edge / np.linalg.norm(edge, axis=1, keepdims=True), EDGE, atol=0.01)
