from __future__ import annotations

import numpy as np
import pytest

from face1d_ros.errors import GeometryError
from face1d_ros.geometry.rigid import align


def random_rotations(rng: np.random.Generator, count: int, channels: int) -> np.ndarray:
    q, _ = np.linalg.qr(rng.normal(size=(count, channels, channels)))
    q[..., 0] *= np.sign(np.linalg.det(q))[:, None]
    return q


@pytest.mark.parametrize("channels", [2, 3])
def test_a_known_similarity_is_found_again(channels: int) -> None:
    rng = np.random.default_rng(channels)
    source = rng.normal(size=(50, 20, channels))
    rotation, scale = random_rotations(rng, 50, channels), rng.uniform(0.1, 10, 50)
    shift = rng.normal(size=(50, channels)) * 100
    target = scale[:, None, None] * source @ rotation.swapaxes(1, 2) + shift[:, None]
    found = align(source, target)
    np.testing.assert_allclose(found.rotation, rotation, atol=1e-9)
    np.testing.assert_allclose(found.scale, scale)
    np.testing.assert_allclose(found.apply(source), target, atol=1e-9)
    np.testing.assert_allclose(found.inverse().apply(target), source, atol=1e-9)
    np.testing.assert_allclose(found.undo(target), source, atol=1e-9)


@pytest.mark.parametrize("with_scale", [True, False])
def test_no_nearby_similarity_is_better(with_scale: bool) -> None:
    rng = np.random.default_rng(5)
    source, target = rng.normal(size=(12, 3)), rng.normal(size=(12, 3))
    weights = rng.uniform(0, 1, 12)
    found = align(source, target, weights, with_scale=with_scale)

    def cost(scale: float, rotation: np.ndarray, shift: np.ndarray) -> float:
        moved = scale * source @ rotation.T + shift
        return float((weights * ((moved - target) ** 2).sum(axis=1)).sum())

    best = cost(float(found.scale), found.rotation, found.translation)
    for _ in range(200):
        turn = random_rotations(rng, 1, 3)[0] if rng.random() < 0.3 else np.eye(3)
        angle = rng.normal(scale=0.05)
        tilt = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
        stretch = np.exp(rng.normal(scale=0.05)) if with_scale else 1.0
        shift = found.translation + rng.normal(scale=0.05, size=3)
        assert cost(float(found.scale) * stretch, turn @ tilt @ found.rotation, shift) >= best - 1e-12
    assert with_scale or found.scale == 1.0


@pytest.mark.parametrize("channels", [2, 3])
@pytest.mark.parametrize("noise", [0.0, 0.1, 3.0])
def test_the_rotation_is_that_of_the_singular_vectors(channels: int, noise: float) -> None:
    rng = np.random.default_rng(8)
    source = rng.normal(size=(200, 12, channels)) * (1.0, 0.7, 0.3)[:channels]
    target = source @ random_rotations(rng, 200, channels) + rng.normal(scale=noise, size=source.shape)
    a, b = (points - points.mean(axis=1, keepdims=True) for points in (source, target))
    u, s, vt = np.linalg.svd(b.swapaxes(1, 2) @ a)
    sign = np.ones_like(s)
    sign[:, -1] = np.sign(np.linalg.det(u @ vt))
    found = align(source, target)
    np.testing.assert_allclose(found.rotation, (u * sign[:, None]) @ vt, atol=1e-9)
    np.testing.assert_allclose(found.scale, (s * sign).sum(axis=1) / (a * a).sum(axis=(1, 2)), rtol=1e-9)
    for index in range(200):
        np.testing.assert_allclose(align(source[index], target[index]).rotation, found.rotation[index], atol=1e-9)


def test_a_mirrored_face_is_not_turned_inside_out() -> None:
    source = np.random.default_rng(1).normal(size=(10, 3))
    found = align(source, source * [-1, 1, 1])
    assert np.linalg.det(found.rotation) == pytest.approx(1.0)


def test_a_plane_in_space_gives_a_rotation() -> None:
    rng = np.random.default_rng(2)
    source = rng.normal(size=(10, 3)) * [1, 1, 0]
    rotation = random_rotations(rng, 1, 3)[0]
    np.testing.assert_allclose(align(source, source @ rotation.T).rotation, rotation, atol=1e-9)


def test_points_of_weight_zero_and_unknown_points_do_not_count() -> None:
    rng = np.random.default_rng(3)
    source = rng.normal(size=(10, 3))
    target = 2.0 * source + 1.0
    target[0] = 1e6
    target[1] = np.nan
    weights = np.ones(10)
    weights[0] = 0.0
    found = align(source, target, weights)
    assert found.scale == pytest.approx(2.0)
    np.testing.assert_allclose(found.rotation, np.eye(3), atol=1e-9)


def test_degenerate_members_of_a_batch_are_nan_and_spoil_no_other() -> None:
    rng = np.random.default_rng(4)
    source = rng.normal(size=(6, 8, 3))
    target = source + 1.0
    source[1] = 5.0  # one place
    source[2] = np.linspace(0, 1, 8)[:, None] * [1.0, 2.0, 3.0]  # one line
    target[3, 2:] = np.nan  # two points left
    target[4] = np.nan
    target[5] = -7.0  # all targets in one place
    found = align(source, target)
    assert np.isnan(found.scale).tolist() == [False, True, True, True, True, True]
    assert np.isnan(found.rotation[1:]).all() and np.isnan(found.translation[1:]).all()
    np.testing.assert_allclose(found.apply(source)[0], target[0], atol=1e-9)
    assert np.isnan(align(source[0], target[0], np.zeros(8)).scale)


def test_float32_pixels_far_from_the_origin_keep_their_precision() -> None:
    rng = np.random.default_rng(6)
    source = rng.normal(size=(468, 3)).astype(np.float32)
    target = (source * np.float32(100) + np.float32(4000)).astype(np.float32)
    assert align(source, target).scale == pytest.approx(100.0, rel=1e-5)


@pytest.mark.parametrize(
    ("source", "target", "weights", "match"),
    [
        (np.zeros((5, 4)), np.zeros((5, 4)), None, r"source points: got shape \(5, 4\)"),
        (np.zeros((5, 3)), np.zeros((6, 3)), None, r"target points: got shape \(6, 3\), expected \(..., 5, 3\)"),
        (np.zeros((5, 3)), np.zeros((5, 3)), np.ones(4), "weights"),
        (np.zeros((5, 3)), np.zeros((5, 3)), -np.ones(5), "at least 0"),
        (np.zeros((5, 3)), np.zeros((5, 3)), np.full(5, np.nan), "finite"),
        (np.zeros((2, 5, 3)), np.zeros((3, 5, 3)), None, "broadcast"),
    ],
)
def test_shapes_and_weights_are_checked(
    source: np.ndarray, target: np.ndarray, weights: np.ndarray | None, match: str
) -> None:
    with pytest.raises(GeometryError, match=match):
        align(source, target, weights)
