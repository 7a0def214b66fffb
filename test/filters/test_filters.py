"""What holds of every filter."""

from __future__ import annotations

import numpy as np
import pytest
from filters.faces import FACE, run, swaying

from face1d_ros.errors import GeometryError, InvalidValueError, UnknownKeyError
from face1d_ros.filters.filter import FARTHEST_PX
from face1d_ros.filters.make import FILTERS, make_filter

STAMPS_S = np.arange(90) / 30.0
every = pytest.mark.parametrize("name", FILTERS)


@every
def test_the_first_output_is_the_points(name: str) -> None:
    filter_ = make_filter(name)
    assert filter_.name == name
    assert np.array_equal(filter_(FACE, 5.0), FACE)


@every
def test_what_rests_stays_where_it_is(name: str) -> None:
    smooth = run(make_filter(name), np.broadcast_to(FACE, (90, *FACE.shape)), STAMPS_S)
    assert np.abs(smooth - FACE).max() < 1e-9


@every
def test_noise_of_a_resting_face_becomes_less(name: str) -> None:
    points = FACE + np.random.default_rng(2).normal(0.0, 1.0, (90, *FACE.shape))
    smooth = run(make_filter(name), points, STAMPS_S)
    assert np.diff(smooth[30:], axis=0).std() < 0.95 * np.diff(points[30:], axis=0).std()


@every
def test_near_and_far_faces_are_smoothed_alike(name: str) -> None:
    points = swaying(STAMPS_S, 1.0)
    near = run(make_filter(name), 8.0 * points + 300.0, STAMPS_S)
    assert np.allclose(near, 8.0 * run(make_filter(name), points, STAMPS_S) + 300.0, rtol=0.0, atol=1e-8)


@every
def test_faces_side_by_side_are_those_one_by_one(name: str) -> None:
    """Also where one stands still in time, one goes back, one leaps, and one begins late."""
    stamps_s = np.tile(STAMPS_S, (4, 1))
    stamps_s[0, 20:30] = stamps_s[0, 19]
    stamps_s[1, 40:] -= 1.2
    stamps_s[2, 50:] += 3.0
    stamps_s[3, :25] = stamps_s[3, 25]
    points = np.stack([swaying(STAMPS_S, 1.0, seed) for seed in range(4)])
    together = run(make_filter(name), points.swapaxes(0, 1), stamps_s.T).swapaxes(0, 1)
    for face in range(4):
        alone = run(make_filter(name), points[face], stamps_s[face])
        assert np.abs(together[face] - alone).max() < 1e-10


@every
def test_leading_axes_may_be_several_and_share_their_stamps(name: str) -> None:
    points = np.stack([swaying(STAMPS_S, 1.0, seed) for seed in range(6)], axis=1).reshape(90, 2, 3, *FACE.shape)
    once = run(make_filter(name), points, STAMPS_S)
    spread = run(make_filter(name), points, np.broadcast_to(STAMPS_S[:, None, None], (90, 2, 1)))
    assert np.array_equal(once, spread)
    assert np.abs(once[:, 1, 2] - run(make_filter(name), points[:, 1, 2], STAMPS_S)).max() < 1e-10


@every
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_huge_values_stay_finite_and_are_forgotten(name: str, dtype: type) -> None:
    filter_ = make_filter(name)
    most = float(np.finfo(dtype).max)
    rng = np.random.default_rng(4)
    now_s = 0.0
    for _ in range(300):
        now_s += rng.choice([1e-9, 1e-4, 0.033, 0.9])
        points = rng.choice([most, -most, 1e9, 0.0], FACE.shape).astype(dtype)
        output = filter_(points, now_s)
        assert np.isfinite(output).all()
        assert output.dtype == dtype
    filter_(FACE.astype(dtype), now_s + 5.0)
    assert np.abs(filter_(FACE.astype(dtype), now_s + 5.033) - FACE).max() < 1e-3


@every
def test_a_face_without_extent_stays_finite(name: str) -> None:
    points = np.random.default_rng(5).normal(0.0, 50.0, (90, 1, 3)).astype(np.float32)
    assert np.isfinite(run(make_filter(name), points, STAMPS_S)).all()


@every
def test_the_output_belongs_to_the_caller(name: str) -> None:
    points = swaying(STAMPS_S, 1.0)
    kept, spoiled = make_filter(name), make_filter(name)
    for frame, stamp_s in zip(points, STAMPS_S, strict=True):
        given = frame.copy()
        output = spoiled(given, stamp_s)
        assert np.array_equal(output, kept(frame, stamp_s))
        output[:], given[:] = np.nan, np.nan


@every
def test_reset_forgets_and_takes_any_shape(name: str) -> None:
    filter_ = make_filter(name)
    run(filter_, swaying(STAMPS_S), STAMPS_S)
    with pytest.raises(GeometryError, match="reset"):
        filter_(FACE[:5], 4.0)
    filter_.reset()
    assert np.array_equal(filter_(FACE[:5], 4.0), FACE[:5])


@pytest.mark.parametrize("points", [np.zeros(3), np.zeros((0, 3)), np.zeros((4, 1)), np.array([["a", "b"]])])
def test_what_are_no_points_is_refused(points: np.ndarray) -> None:
    with pytest.raises(GeometryError, match="landmarks"):
        make_filter("one_euro")(points, 0.0)


def test_coordinates_are_cut_off_far_outside_of_any_image() -> None:
    assert make_filter("kalman")(FACE * 1e20, 0.0).max() == FARTHEST_PX


def test_a_point_of_little_confidence_draws_the_kalman_filter_less() -> None:
    confidence = np.ones(len(FACE))
    confidence[3] = 0.0
    filter_ = make_filter("kalman")
    for stamp_s in STAMPS_S[:30]:
        filter_(FACE, stamp_s)
    moved = filter_(FACE + 10.0, STAMPS_S[30], confidence) - FACE
    assert moved[3].max() < 0.2
    assert np.delete(moved, 3, axis=0).min() > 3.0


def test_full_confidence_is_as_none_for_the_kalman_filter() -> None:
    points = swaying(STAMPS_S, 1.0)
    plain, sure = make_filter("kalman"), make_filter("kalman")
    for frame, stamp_s in zip(points, STAMPS_S, strict=True):
        assert np.allclose(plain(frame, stamp_s), sure(frame, stamp_s, np.ones(len(FACE))), rtol=0.0, atol=1e-9)


def test_an_unknown_confidence_is_a_full_one_and_one_of_another_shape_is_refused() -> None:
    plain, unknown = make_filter("kalman"), make_filter("kalman")
    for filter_, confidence in [(plain, np.ones(len(FACE))), (unknown, np.full(len(FACE), np.nan))]:
        filter_(FACE, 0.0, confidence)
    moved = FACE + 10.0
    assert np.array_equal(plain(moved, 0.1, np.ones(len(FACE))), unknown(moved, 0.1, np.full(len(FACE), np.nan)))
    with pytest.raises(GeometryError, match="confidence"):
        plain(moved, 0.2, np.ones(3))


def test_the_kalman_gain_is_the_textbooks_alpha_beta_filter_in_the_end() -> None:
    """At even steps: Kalata's tracking index λ² = q dt³ / r² leads to α and β of white-noise acceleration."""
    noise, measured, step_s = 0.3, 0.004, 1.0 / 30.0
    filter_ = make_filter("kalman", process_noise=noise, measurement_noise=measured)
    run(filter_, np.broadcast_to(FACE, (400, *FACE.shape)), np.arange(400) * step_s)
    alpha = (filter_(FACE + 1.0, 400 * step_s) - FACE).mean()
    # Steady state by iterating the matrix form of the same model.
    go = np.array([[1.0, step_s], [0.0, 1.0]])
    drift = noise**2 * np.array([[step_s**3 / 3.0, step_s**2 / 2.0], [step_s**2 / 2.0, step_s]])
    spread = np.eye(2)
    for _ in range(2000):
        ahead = go @ spread @ go.T + drift
        gain = ahead[:, :1] / (ahead[0, 0] + measured**2)
        spread = ahead - gain @ ahead[:1]
    assert alpha == pytest.approx(gain[0, 0], rel=1e-6)


def test_the_polynomial_of_savitzky_golay_is_exact_for_its_order() -> None:
    stamps_s = np.cumsum(np.random.default_rng(6).uniform(0.02, 0.05, 40))
    curve = FACE + (100.0 * stamps_s**2 - 30.0 * stamps_s)[:, None, None]
    smooth = run(make_filter("savitzky_golay", window_s=0.3, order=2), curve, stamps_s)
    assert np.abs(smooth - curve).max() < 1e-3
    lagging = run(make_filter("savitzky_golay", window_s=0.3, order=1), curve, stamps_s)
    assert np.abs(lagging - curve)[10:].max() > 0.5


def test_savitzky_golay_with_fewer_frames_than_coefficients_goes_through_the_newest_point() -> None:
    points = swaying(STAMPS_S, 1.0)
    smooth = run(make_filter("savitzky_golay", window_s=0.3, order=5), points, STAMPS_S)
    assert np.abs(smooth - points)[:6].max() < 1e-9
    assert np.abs(smooth - points)[9:].max() > 0.1
    near = run(make_filter("savitzky_golay", window_s=0.3, order=5), points[:4], 1e-7 * np.arange(4))
    assert np.abs(near[3] - points[:4].mean(axis=0)).max() < 1e-6


def test_savitzky_golay_at_even_steps_has_the_weights_of_scipy() -> None:
    from scipy.signal import savgol_coeffs

    points = swaying(STAMPS_S, 1.0)
    smooth = run(make_filter("savitzky_golay", window_s=6 / 30, order=2), points, STAMPS_S)
    weights = savgol_coeffs(7, 2, pos=6, use="dot")
    assert np.abs(smooth[50] - np.tensordot(weights, points[44:51], 1)).max() < 1e-5


def test_unknown_names_and_values_out_of_range_are_refused() -> None:
    with pytest.raises(InvalidValueError, match="one of exponential, one_euro"):
        make_filter("median")
    with pytest.raises(UnknownKeyError, match="did you mean 'beta'"):
        make_filter("one_euro", betta=1.0)
    for name, settings in [
        ("one_euro", {"min_cutoff_hz": 0.0}),
        ("one_euro", {"beta": float("nan")}),
        ("kalman", {"measurement_noise": -0.1}),
        ("savitzky_golay", {"order": 1.5}),
        ("exponential", {"time_constant_s": "long"}),
    ]:
        with pytest.raises(InvalidValueError, match=next(iter(settings))):
            make_filter(name, **settings)
