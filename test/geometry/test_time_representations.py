"""Courses over time: wavelets, learned courses, and embedding sequences."""

from __future__ import annotations

import numpy as np
import pytest

from face1d_ros.errors import GeometryError
from face1d_ros.geometry.canonical import canonical_face
from face1d_ros.geometry.representations.embeddings import EmbeddingSequence, running_mean
from face1d_ros.geometry.representations.face_curves import FaceCurves
from face1d_ros.geometry.representations.shape_pca import POSE, ShapePca, fit_shape_pca
from face1d_ros.geometry.representations.splines import bspline_basis
from face1d_ros.geometry.representations.trajectories import Trajectories, trajectory_pca
from face1d_ros.geometry.representations.wavelets import level_sizes, wavelet_basis
from face1d_ros.geometry.topology import to_68
from face1d_ros.types import Topology

FACE = to_68(canonical_face().points_cm)[:, :2] * 20.0 + [320.0, 240.0]


def faces(seed: int, count: int) -> np.ndarray:
    """(count, 68, 2): the mean face with noise, moved and scaled."""
    rng = np.random.default_rng(seed)
    shapes = FACE + rng.normal(size=(count, 68, 2))
    return shapes * rng.uniform(0.5, 2, (count, 1, 1)) + rng.normal(size=(count, 1, 2)) * 50


def learned_shapes(modes: int) -> ShapePca:
    return fit_shape_pca(faces(1, 60), modes)


@pytest.mark.parametrize("wavelet", ["haar", "db2", "db4", "sym4", "bior4.4"])
@pytest.mark.parametrize("frames", [45, 64])
def test_wavelets_are_orthonormal_and_lose_nothing(wavelet: str, frames: int) -> None:
    basis = wavelet_basis(frames, 0, wavelet=wavelet)
    assert basis.count == frames == sum(level_sizes(frames, wavelet=wavelet))
    np.testing.assert_allclose(basis.matrix.T @ basis.matrix, np.eye(frames), atol=1e-9)


def test_haar_is_known_by_hand() -> None:
    half, quarter = 2.0**-0.5, 0.5
    assert level_sizes(4, wavelet="haar") == (1, 1, 2)
    expected = [[quarter] * 4, [quarter, quarter, -quarter, -quarter], [half, -half, 0, 0], [0, 0, half, -half]]
    np.testing.assert_allclose(wavelet_basis(4, 0, wavelet="haar").matrix.T, expected, atol=1e-12)
    coarse = wavelet_basis(4, 2, wavelet="haar")
    np.testing.assert_allclose(coarse.encode(np.array([[1.0], [2.0], [3.0], [6.0]])), [[6.0]])


def test_wavelets_inside_the_window_are_those_of_pywavelets() -> None:
    pywt = pytest.importorskip("pywt")
    signal = np.random.default_rng(17).normal(size=64)
    ours = wavelet_basis(64, 0).encode(signal[:, None])[:, 0]
    theirs = pywt.wavedec(signal, "db4", mode="zero", level=3)
    finest = ours[-level_sizes(64)[-1] :]
    inside = theirs[-1][3:32]
    assert len(inside) == len(finest) == 29
    np.testing.assert_allclose(finest[1:-1], inside[1:-1], atol=1e-9)


def test_cubic_courses_need_no_detail() -> None:
    t = np.linspace(-1.0, 2.0, 64)
    course = np.stack([t**3 - t, 2.0 * t * t + 1.0], axis=-1)[:, None] * np.ones((64, 5, 2))
    made = Trajectories(wavelet_basis(64, 3))
    assert made.encode(course).shape == (14, 5, 2)
    np.testing.assert_allclose(made.decode(made.encode(course)), course, atol=1e-9)


def test_a_trajectory_with_gaps_is_bridged_each_landmark_by_itself() -> None:
    t = np.linspace(0.0, 2.0, 64)
    course = np.sin(np.pi * t)[:, None, None] * np.linspace(10, 40, 68)[:, None] * np.ones(2) + FACE
    gap = np.stack([course, course])
    gap[0, 20:26, 3] = np.nan
    gap[1, 40, :] = np.nan
    gap[1, 1:, 7] = np.nan
    made = Trajectories(wavelet_basis(64, 2))
    back = made.decode(made.encode(gap))
    assert np.isnan(back[1, :, 7]).all()
    back[1, :, 7] = course[:, 7]
    assert np.abs(back - course).max() < 0.4


def test_a_long_gap_at_the_end_of_a_window_does_not_run_away() -> None:
    course = np.zeros((64, 1, 1))
    course[22:24] = [[[0.0]], [[1.0]]]
    course[24:] = np.nan
    made = Trajectories(wavelet_basis(64, 0))
    back = made.decode(made.encode(course))[:, 0, 0]
    assert 5.0 < back[-1] < 12.0, "straight on would be 41"
    assert abs(back[-1] - back[-10]) < 1.0


def test_learned_courses_are_the_ones_that_were_there() -> None:
    t = np.arange(32) / 31
    known = np.stack([np.ones(32), np.cos(2 * np.pi * t), np.exp(-3 * t)])
    rng = np.random.default_rng(19)
    made = np.einsum("bnck,kt->btnc", rng.normal(size=(6, 20, 2, 3)), known)
    learned = Trajectories(trajectory_pca(made[:4], 3))
    np.testing.assert_allclose(learned.decode(learned.encode(made[4:])), made[4:], atol=1e-9)
    np.testing.assert_allclose(learned.basis.matrix.T @ learned.basis.matrix, np.eye(3), atol=1e-9)
    with pytest.raises(GeometryError, match="0 complete ones"):
        trajectory_pca(np.full((1, 32, 4, 2), np.nan), 3)


def test_trajectories_of_a_batch_are_a_loop() -> None:
    batch = np.random.default_rng(20).normal(size=(2, 3, 32, 5, 2))
    made = Trajectories(bspline_basis(np.linspace(0, 1, 32), 8))
    found = made.encode(batch)
    assert found.shape == (2, 3, 8, 5, 2)
    for index in np.ndindex(2, 3):
        np.testing.assert_allclose(found[index], made.encode(batch[index]), atol=1e-12)
    batch[0, 1, 4, 2] = np.nan
    again = made.encode(batch)
    np.testing.assert_allclose(again[0, 1], made.encode(batch[0, 1]), atol=1e-12)
    np.testing.assert_allclose(np.delete(again[0, 1], 2, axis=1), np.delete(found[0, 1], 2, axis=1), atol=1e-9)


def test_windows_and_levels_that_do_not_fit_are_refused() -> None:
    with pytest.raises(GeometryError, match="frames: got 13, expected at least 14"):
        wavelet_basis(13, 0)
    with pytest.raises(GeometryError, match="dropped levels: got 4, expected 0 to 3"):
        wavelet_basis(64, 4)
    with pytest.raises(GeometryError, match="wavelet: got 'morl'"):
        wavelet_basis(64, 0, wavelet="morl")
    with pytest.raises(GeometryError, match="levels: got 9"):
        wavelet_basis(64, 0, levels=9)
    with pytest.raises(GeometryError, match=r"\(..., 64, any, any\)"):
        Trajectories(wavelet_basis(64, 0)).encode(np.zeros((32, 68, 2)))


def test_an_embedding_sequence_is_the_embedding_of_each_frame() -> None:
    learned = learned_shapes(5)
    sequence = faces(22, 12).reshape(2, 6, 68, 2)
    found = EmbeddingSequence(learned).encode(sequence)
    assert found.shape == (2, 6, POSE + 5)
    np.testing.assert_allclose(found[1, 4], learned.encode(sequence[1, 4]))
    curves = EmbeddingSequence(FaceCurves(Topology.FACE_68, "fourier", 0.5))
    assert curves.encode(sequence).shape == (2, 6, 64)
    np.testing.assert_allclose(
        curves.decode(curves.encode(sequence)), curves.embedding.decode(curves.embedding.encode(sequence))
    )


def test_an_embedding_sequence_over_time_fills_frames_without_a_face() -> None:
    learned = learned_shapes(3)
    t = np.linspace(0.0, 1.0, 64)[:, None, None]
    sequence = FACE * (1.0 + 0.3 * t) + 40.0 * t
    gap = sequence.copy()
    gap[30:36] = np.nan
    made = EmbeddingSequence(learned, wavelet_basis(64, 3))
    found = made.encode(gap)
    assert found.shape == (14, POSE + 3)
    assert np.abs(made.decode(found) - made.decode(made.encode(sequence))).max() < 0.1


def test_the_running_mean_is_of_all_so_far_and_leaves_out_what_is_missing() -> None:
    sequence = np.array([[np.nan, 1.0], [2.0, 4.0], [np.nan, np.nan], [4.0, 0.0]])
    expected = [[np.nan, np.nan], [2.0, 4.0], [2.0, 4.0], [3.0, 2.0]]
    np.testing.assert_allclose(running_mean(sequence), expected)
    np.testing.assert_allclose(running_mean(np.stack([sequence, sequence]))[1], expected)
    unit = running_mean(np.array([[3.0, 0.0], [0.0, 0.5]]), unit=True)
    np.testing.assert_allclose(unit, [[1.0, 0.0], [0.5**0.5, 0.5**0.5]])
    with pytest.raises(GeometryError, match="embeddings"):
        running_mean(np.zeros(4))
