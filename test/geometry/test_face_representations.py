"""Whole faces as curves and as learned shapes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from face1d_ros.errors import GeometryError
from face1d_ros.geometry.canonical import canonical_face
from face1d_ros.geometry.representations.face_curves import KINDS, FaceCurves, chord_places, separate_curves
from face1d_ros.geometry.representations.shape_pca import POSE, ShapePca, fit_shape_pca
from face1d_ros.geometry.topology import curve, region, to_68
from face1d_ros.types import Topology

FACE = to_68(canonical_face().points_cm)[:, :2] * 20.0 + [320.0, 240.0]
SIZE_PX = float(np.sqrt(np.ptp(FACE, axis=0).prod()))


def faces(seed: int, count: int, spread_px: float = 3.0) -> np.ndarray:
    """(count, 68, 2): the mean face changed in three ways of its own, moved, turned and scaled."""
    rng = np.random.default_rng(seed)
    ways = np.random.default_rng(99).normal(size=(3, 68, 2))
    shapes = FACE + spread_px * np.einsum("bk,kni->bni", rng.normal(size=(count, 3)), ways)
    return np.array([turned(one, rng.normal() * 0.3) * rng.uniform(0.5, 2) + rng.normal(size=2) * 50 for one in shapes])


def turned(points: np.ndarray, angle_rad: float) -> np.ndarray:
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    return points @ np.array([[cos, sin], [-sin, cos]])


def errors_percent(points: np.ndarray, truth: np.ndarray) -> np.ndarray:
    return 100.0 * np.linalg.norm(points - truth, axis=-1) / SIZE_PX


@pytest.mark.parametrize(
    ("topology", "covered"), [(Topology.FACE_68, 68), (Topology.MESH_468, 139), (Topology.MESH_478, 147)]
)
def test_curves_share_no_point(topology: Topology, covered: int) -> None:
    points = np.concatenate([one.indices for one in separate_curves(topology)])
    assert len(points) == len(set(points.tolist())) == covered


@pytest.mark.parametrize("kind", KINDS)
def test_a_face_of_all_its_numbers_is_the_face(kind: str) -> None:
    whole = FaceCurves(Topology.FACE_68, kind, 1.0)
    assert whole.count == 68
    np.testing.assert_allclose(whole.decode(whole.encode(FACE)), FACE, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_more_numbers_are_a_smaller_error(kind: str) -> None:
    errors = []
    for share in (0.25, 0.35, 0.5, 0.7):
        made = FaceCurves(Topology.FACE_68, kind, share)
        errors.append(errors_percent(made.decode(made.encode(FACE)), FACE).mean())
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.7


def test_a_face_is_its_curves_one_by_one() -> None:
    made = FaceCurves(Topology.FACE_68, "fourier", 0.5)
    whole = made.encode(FACE)
    for one, basis, at in zip(made.curves, made.bases, made.coefficients_of, strict=True):
        np.testing.assert_allclose(whole[at], basis.encode(FACE[one.indices]), atol=1e-9)
    assert made.magnitudes(whole).shape == (made.count - len(made.curves),)
    np.testing.assert_allclose(made.magnitudes(made.encode(turned(FACE, 0.5))), made.magnitudes(whole), rtol=1e-9)


def test_a_hidden_eye_is_unknown_and_spoils_nothing_else() -> None:
    made = FaceCurves(Topology.FACE_68, "b-spline", 0.7)
    eye = curve("left_eye", Topology.FACE_68).indices
    batch = np.stack([FACE, FACE])
    batch[1, eye] = np.nan
    back = made.decode(made.encode(batch))
    hidden = np.isnan(back).any(axis=-1)
    assert not hidden[0].any() and set(np.flatnonzero(hidden[1])) == set(eye)
    np.testing.assert_allclose(back[1][~hidden[1]], back[0][~hidden[1]])
    by_weight = made.decode(made.encode(FACE, np.where(hidden[1], 0.0, 1.0)))
    np.testing.assert_allclose(by_weight, back[1])


def test_points_of_the_mesh_on_no_curve_are_not_kept() -> None:
    mesh = canonical_face().points_cm[:, :2] * 20.0
    made = FaceCurves(Topology.MESH_478, "b-spline", 0.5)
    back = made.decode(made.encode(mesh))
    assert np.isnan(back[region("forehead")]).any()
    assert np.nanmean(errors_percent(back, mesh)) < 1.0
    assert np.isfinite(back).all(axis=1).sum() == 147


def test_what_came_back_once_comes_back_unchanged() -> None:
    batch = faces(25, 5)
    for made in (*(FaceCurves(Topology.FACE_68, kind, 0.5) for kind in KINDS), fit_shape_pca(faces(26, 40), 3)):
        once = made.decode(made.encode(batch))
        np.testing.assert_allclose(made.decode(made.encode(once)), once, atol=1e-6)


def test_a_batch_of_faces_is_a_loop() -> None:
    batch = faces(1, 6).reshape(2, 3, 68, 2)
    batch[1, 1, 5:9] = np.nan
    learned = fit_shape_pca(faces(2, 40), 3)
    for made in (*(FaceCurves(Topology.FACE_68, kind, 0.5) for kind in KINDS), learned):
        found = made.encode(batch)
        back = made.decode(found)
        for index in np.ndindex(2, 3):
            np.testing.assert_allclose(found[index], made.encode(batch[index]), atol=1e-8)
            np.testing.assert_allclose(back[index], made.decode(found[index]), atol=1e-8)


def test_places_are_parts_of_the_way() -> None:
    points = np.array([[0.0, 0.0], [3.0, 4.0], [3.0, 9.0]])
    np.testing.assert_allclose(chord_places(points, False), [0.0, 0.5, 1.0])
    square = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    np.testing.assert_allclose(chord_places(square, True), [0.0, 0.25, 0.5, 0.75])


def test_curves_of_no_kind_and_no_share_are_refused() -> None:
    with pytest.raises(GeometryError, match="kind of curves: got 'nurbs'"):
        FaceCurves(Topology.FACE_68, "nurbs")
    with pytest.raises(GeometryError, match=r"share: got 0\.0"):
        FaceCurves(Topology.FACE_68, "b-spline", 0.0)
    with pytest.raises(GeometryError, match=r"points: got shape \(468, 2\), expected \(..., 68, 2\)"):
        FaceCurves(Topology.FACE_68).encode(np.zeros((468, 2)))


def test_shapes_that_change_in_three_ways_need_three_modes_and_a_pose() -> None:
    learned = fit_shape_pca(faces(3, 60, 0.5), 3)
    new = faces(4, 20, 0.5)
    assert learned.encode(new).shape == (20, POSE + 3)
    assert errors_percent(learned.decode(learned.encode(new)), new).mean() < 0.01
    fewer = fit_shape_pca(faces(3, 60, 0.5), 2)
    assert errors_percent(fewer.decode(fewer.encode(new)), new).mean() > 0.1


def test_all_modes_lose_nothing_of_any_shape() -> None:
    learned = fit_shape_pca(faces(5, 140), 2 * 68 - POSE)
    strange = np.random.default_rng(6).normal(size=(4, 68, 2)) * 100
    np.testing.assert_allclose(learned.decode(learned.encode(strange)), strange, atol=1e-8)


def test_modes_know_nothing_of_the_pose_and_the_pose_is_the_one_given() -> None:
    learned = fit_shape_pca(faces(7, 60), 3)
    one = faces(8, 1)[0]
    moved = 1.7 * turned(one, 0.6) + [30.0, -12.0]
    before, after = learned.encode(one), learned.encode(moved)
    np.testing.assert_allclose(learned.without_pose(after), learned.without_pose(before), atol=1e-12)
    turn = (after[0] + 1j * after[1]) / (before[0] + 1j * before[1])
    assert abs(turn) == pytest.approx(1.7) and np.angle(turn) == pytest.approx(0.6)


def test_the_mean_shape_has_no_modes_and_stands_upright() -> None:
    learned = fit_shape_pca(np.stack([FACE, FACE * 2.0, FACE + 5.0]), 1)
    np.testing.assert_allclose(learned.encode(FACE)[POSE:], 0.0, atol=1e-9)
    centred = FACE - FACE.mean(axis=0)
    np.testing.assert_allclose(learned.mean, centred / np.sqrt((centred**2).sum(axis=1).mean()), atol=1e-12)


def test_learned_shapes_know_where_hidden_points_are() -> None:
    learned = fit_shape_pca(faces(9, 80, 0.5), 3)
    new = faces(10, 12, 0.5)
    gap = new.copy()
    gap[:, curve("outer_lips", Topology.FACE_68).indices] = np.nan
    gap[np.random.default_rng(11).random((12, 68)) < 0.2] = np.nan
    back = learned.decode(learned.encode(gap))
    assert errors_percent(back, new).max() < 0.05
    by_weight = learned.encode(new, np.isfinite(gap).all(axis=-1) * 0.4)
    np.testing.assert_allclose(learned.decode(by_weight), back, atol=1e-6)


def test_a_face_of_which_one_point_is_left_is_unknown() -> None:
    learned = fit_shape_pca(faces(12, 30), 2)
    batch = faces(13, 3)
    batch[1, 1:] = np.nan
    assert np.isnan(learned.encode(batch)).all(axis=1).tolist() == [False, True, False]
    assert np.isnan(learned.decode(learned.encode(batch))).any(axis=(1, 2)).tolist() == [False, True, False]


def test_learned_shapes_are_stored_as_plain_arrays(tmp_path: Path) -> None:
    learned = fit_shape_pca(faces(14, 30), 4)
    learned.save(tmp_path / "modes.npz")
    again = ShapePca.load(tmp_path / "modes.npz")
    np.testing.assert_array_equal(again.encode(FACE), learned.encode(FACE))
    np.savez(tmp_path / "other.npz", mean=learned.mean)
    with pytest.raises(GeometryError, match="no modes, variances, rest_variance"):
        ShapePca.load(tmp_path / "other.npz")


def test_too_few_shapes_to_learn_from_are_refused() -> None:
    with pytest.raises(GeometryError, match=r"shapes: got 3 complete ones, expected more than the 5 modes"):
        fit_shape_pca(faces(15, 3), 5)
    with pytest.raises(GeometryError, match=r"modes: got 133, expected 0 to 132"):
        fit_shape_pca(faces(15, 140), 133)
    with pytest.raises(GeometryError, match=r"\(..., 68, 2\)"):
        fit_shape_pca(faces(15, 10), 2).encode(np.zeros((67, 2)))


def test_points_all_in_one_place_are_given_back_as_they_are() -> None:
    learned = fit_shape_pca(faces(24, 30), 2)
    point = np.full((68, 2), 7.0)
    np.testing.assert_allclose(learned.decode(learned.encode(point)), point)
    point[3] = np.nan
    np.testing.assert_allclose(learned.decode(learned.encode(point)), 7.0)
