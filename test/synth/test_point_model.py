from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from synth.small_face import ICT_PACK, NAMES, landmarks_68, offsets, surface

from face1d_ros.errors import FaceModelError, GeometryError
from face1d_ros.geometry.opening import openings
from face1d_ros.geometry.pose import head_pose, yaw_pitch_roll_rad
from face1d_ros.geometry.topology import curve, to_68
from face1d_ros.synth.faces.anchors import Anchors, on_vertices
from face1d_ros.synth.faces.curves import iris_anchors
from face1d_ros.synth.faces.eyes import IRIS_RADIUS_MM, LOOK_RAD, fit_eyeballs, margins, sphere
from face1d_ros.synth.faces.model import FaceModel, load_face_model
from face1d_ros.synth.faces.point_model import PointModel, point_model
from face1d_ros.synth.faces.surface import Surface

needs_ict = pytest.mark.skipif(not ICT_PACK.is_file(), reason=f"ICT-FaceKit's pack is not at {ICT_PACK}")
CORNERS = [33, 263]
IRIS_MIDDLES = [468, 473]
LOOKS = tuple(f"eyeLook{way}_{side}" for way in ("Out", "In", "Down", "Up") for side in "LR")


@cache
def small() -> FaceModel:
    """The small face with its points known, not registered, and eyeLook expressions that move nothing."""
    points, faces = surface()
    identity, expression = offsets()
    mesh = on_vertices(np.arange(468))
    irises = iris_anchors(mesh, Surface(points, faces))
    anchors = Anchors(np.concatenate([mesh.vertices, irises.vertices]), np.concatenate([mesh.weights, irises.weights]))
    looks = np.zeros((len(LOOKS), *points.shape))
    return FaceModel(
        "small",
        "0" * 64,
        (points - points[CORNERS].mean(axis=0)).astype(np.float32),
        identity.astype(np.float32),
        np.concatenate([expression, looks]).astype(np.float32),
        (*NAMES, *LOOKS),
        faces,
        on_vertices(landmarks_68()),
        anchors,
    )


@cache
def model() -> PointModel:
    return point_model(small())


@cache
def ict_points() -> PointModel:
    return point_model(load_face_model(ICT_PACK))


def coefficients(points: PointModel, frames: int = 1, **values: float) -> np.ndarray:
    rows = np.zeros((frames, len(points.expression_mm)), np.float32)
    for name, value in values.items():
        rows[:, points.expression_index(name)] = value
    return rows


def nobody(points: PointModel) -> np.ndarray:
    return np.zeros(len(points.identity_mm), np.float32)


def test_a_face_is_the_mean_and_the_weighed_offsets() -> None:
    points, person = model(), np.array([1.5, -2.0], np.float32)
    shape = points.shape(person, coefficients(points, frames=3, jawOpen=0.5))
    assert shape.shape == (3, 478, 3) and shape.dtype == np.float32
    expected = points.mean_mm + np.tensordot(person, points.identity_mm, 1)
    expected = expected - expected[CORNERS].mean(axis=0) + 0.5 * points.expression_mm[0]
    np.testing.assert_allclose(shape[1, :468], expected[:468], atol=1e-3)


def test_the_origin_is_between_the_persons_own_eye_corners_at_rest() -> None:
    points, person = model(), np.array([2.0, 3.0], np.float32)
    np.testing.assert_allclose(points.neutral(person)[CORNERS].mean(axis=0), 0.0, atol=1e-4)
    assert np.linalg.norm(points.neutral(person)[263]) > np.linalg.norm(points.neutral(nobody(points))[263]) + 3.0


def test_the_face_at_rest_faces_the_camera() -> None:
    pose = head_pose(model().neutral(nobody(model())).astype(float))
    np.testing.assert_allclose(yaw_pitch_roll_rad(pose.rotation), 0.0, atol=0.06)


def test_the_topologies_agree() -> None:
    person = np.array([1.0, -1.0], np.float32)
    shapes = [point_model(small(), count) for count in (478, 468, 68)]
    full, mesh, few = (points.shape(person, coefficients(points, jawOpen=1.0))[0] for points in shapes)
    np.testing.assert_array_equal(full[:468], mesh)
    np.testing.assert_allclose(few, to_68(full), atol=1e-4)
    assert [points.eyeball is None for points in shapes] == [False, True, True]
    with pytest.raises(GeometryError, match="got 70, expected 478, 468 or 68"):
        point_model(small(), 70)


@pytest.mark.parametrize(
    ("gaze", "axis", "sign"), [((0.3, 0.0), 0, -1), ((-0.3, 0.0), 0, 1), ((0.0, 0.3), 1, 1), ((0.0, -0.3), 1, -1)]
)
def test_irises_follow_gaze_as_a_turned_head_would(gaze: tuple[float, float], axis: int, sign: int) -> None:
    points = model()
    still = points.shape(nobody(points), coefficients(points))[0]
    moved = points.shape(nobody(points), coefficients(points), np.array([gaze], np.float32))[0] - still
    assert (sign * moved[IRIS_MIDDLES, axis] > 2.0).all()
    np.testing.assert_allclose(moved[IRIS_MIDDLES, 1 - axis], 0.0, atol=0.2)
    np.testing.assert_array_equal(moved[:468], 0.0)


def test_irises_stay_round_on_an_eyeball_that_stays() -> None:
    points = model()
    assert points.eyeball is not None
    gazes = np.random.default_rng(0).uniform(-0.5, 0.5, (40, 2)).astype(np.float32)
    shape = points.shape(nobody(points), coefficients(points, 40), gazes)
    for middle in IRIS_MIDDLES:
        edge = shape[:, middle + 1 : middle + 5].astype(float)
        np.testing.assert_allclose(np.linalg.norm(edge - shape[:, [middle]], axis=2), IRIS_RADIUS_MM, rtol=1e-4)
        centre, radius = sphere(edge.reshape(-1, 3))
        assert radius == pytest.approx(points.eyeball.radius_mm, rel=1e-3)
        np.testing.assert_allclose(np.linalg.norm(edge - centre, axis=2), radius, rtol=1e-3)


def test_a_blink_turns_the_eye_a_little_down_and_inwards_and_the_other_not_at_all() -> None:
    points = model()
    still, shut = points.shape(
        nobody(points), np.concatenate([coefficients(points), coefficients(points, eyeBlink_L=1.0)])
    )
    right, left = (shut - still)[IRIS_MIDDLES]
    np.testing.assert_array_equal(right, 0.0)
    assert -1.0 < left[0] < -0.1 and 0.2 < left[1] < 1.5


def test_without_gaze_the_eyes_turn_as_their_coefficients_say() -> None:
    points = model()
    for names, gaze in (
        ({"eyeLookOut_R": 0.5, "eyeLookIn_L": 0.5}, (0.5 * LOOK_RAD, 0.0)),
        ({"eyeLookOut_L": 0.5, "eyeLookIn_R": 0.5}, (-0.5 * LOOK_RAD, 0.0)),
        ({"eyeLookDown_L": 1.0, "eyeLookDown_R": 1.0}, (0.0, LOOK_RAD)),
        ({"eyeLookUp_L": 1.0, "eyeLookUp_R": 1.0}, (0.0, -LOOK_RAD)),
    ):
        rows = coefficients(points, **names)
        told = points.shape(nobody(points), rows, np.array([gaze], np.float32))
        np.testing.assert_allclose(points.shape(nobody(points), rows), told, atol=1e-3)


def test_irises_move_with_the_eyes_of_a_wider_face() -> None:
    points = model()
    wide = points.neutral(np.array([2.0, 0.0], np.float32)) - points.neutral(nobody(points))
    for eye, middle in enumerate(IRIS_MIDDLES):
        np.testing.assert_allclose(wide[middle], margins(wide)[eye].mean(axis=0), atol=1e-3)


def test_any_number_of_frames() -> None:
    points = model()
    assert points.shape(nobody(points), coefficients(points, 0)).shape == (0, 478, 3)
    rows = np.random.default_rng(0).uniform(0, 1, (7, len(points.expression_mm))).astype(np.float32)
    whole = points.shape(nobody(points), rows)
    np.testing.assert_allclose(whole[3], points.shape(nobody(points), rows[3:4])[0], atol=1e-4)


def test_wrong_values_are_refused() -> None:
    points, good = model(), coefficients(model(), 2)
    with pytest.raises(GeometryError, match=r"identity: got shape \(3,\), expected \(2,\)"):
        points.shape(np.zeros(3, np.float32), good)
    with pytest.raises(GeometryError, match="expression: got shape"):
        points.shape(nobody(points), good[:, 1:])
    with pytest.raises(GeometryError, match="gaze: got shape"):
        points.shape(nobody(points), good, np.zeros((3, 2), np.float32))
    for bad in (np.nan, np.inf):
        with pytest.raises(GeometryError, match="expression: got values that are not finite"):
            points.shape(nobody(points), np.full_like(good, bad))
    with pytest.raises(FaceModelError, match="expression 'jawShut' of small"):
        points.expression_index("jawShut")


def test_a_sphere_is_found_from_points_on_it() -> None:
    directions = np.random.default_rng(0).standard_normal((20, 3))
    points = np.array([1.0, 2.0, 3.0]) + 12.0 * directions / np.linalg.norm(directions, axis=1, keepdims=True)
    centre, radius = sphere(points)
    np.testing.assert_allclose(centre, [1.0, 2.0, 3.0])
    assert radius == pytest.approx(12.0)


@needs_ict
def test_the_68_points_are_those_of_the_mesh_not_the_models_own() -> None:
    face = load_face_model(ICT_PACK)
    full, few = point_model(face, 478), point_model(face, 68)
    np.testing.assert_array_equal(few.mean_mm, to_68(full.mean_mm))
    own = face.landmarks_68.on(face.mean_mm)
    assert np.linalg.norm(few.mean_mm - own, axis=1).max() > 10.0
    np.testing.assert_allclose(few.mean_mm[[36, 45, 30, 48, 54]], own[[36, 45, 30, 48, 54]], atol=1.0)


@needs_ict
def test_eyeballs_are_near_those_of_ict_facekits_full_model() -> None:
    # Spheres through the scleras of its generic_neutral_mesh.obj (vertices 21451… and 23021…), in the facing frame.
    points = ict_points()
    eyeball, centres = fit_eyeballs(points.mean_mm)
    np.testing.assert_allclose(centres, [[-31.16, -1.70, 6.21], [31.16, -1.70, 6.21]], atol=1.2)
    assert eyeball.radius_mm == pytest.approx(15.77, abs=0.3)


@needs_ict
def test_irises_at_rest_are_in_the_middle_of_the_eyes_and_behind_the_shut_lids() -> None:
    points = ict_points()
    rest = points.neutral(nobody(points))
    for middle, eye in zip(IRIS_MIDDLES, ("right_eye", "left_eye"), strict=True):
        ring = rest[curve(eye).indices]
        width, height = np.ptp(ring, axis=0)[:2]
        offset = np.abs(rest[middle] - ring.mean(axis=0))[:2]
        assert offset[0] < 0.1 * width and offset[1] < 0.3 * height
    shut = points.shape(nobody(points), coefficients(points, eyeBlink_L=1.0, eyeBlink_R=1.0))
    assert openings(shut)[0, :2].max() < 0.06
