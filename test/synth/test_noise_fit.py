from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from synth.noise_scene import CLEAR, scene

pytest.importorskip("scipy")

from face1d_ros.evaluate.detector_noise import Condition, Track
from face1d_ros.synth.noise.compare import correlation_by_distance, mean_spectrum
from face1d_ros.synth.noise.fit import (
    PARTS,
    Split,
    added,
    find_modes,
    part_mixes,
    root,
    rounded,
    size_grain_table,
    split,
)
from face1d_ros.synth.noise.model import Part
from face1d_ros.synth.noise.observe import load_noise_model
from face1d_ros.synth.noise.response import fit_response, hidden_effect, readings_of, turn_slopes, without_turn
from face1d_ros.synth.noise.spectra import cross_spectra, in_bands, part_spectrum, part_variances


def ar1(pole: float, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    white = rng.standard_normal(shape)
    signal = np.zeros(shape)
    signal[0] = white[0]
    for t in range(1, shape[0]):
        signal[t] = pole * signal[t - 1] + np.sqrt(1.0 - pole * pole) * white[t]
    return signal


def track_of(errors_percent: np.ndarray, **condition: object) -> Track:
    """A still face, found with these errors (T, 478, 3)."""
    head = scene(len(errors_percent), sway=0.0)
    true = head.clean.astype(np.float64)
    size = np.ptp(true[0, :, :2], axis=0).max()
    frames = len(true)
    return Track(
        Condition("made up", frames=frames, **condition),  # type: ignore[arg-type]
        true + errors_percent * size / 100.0,
        true,
        np.zeros(frames),
        np.zeros((frames, 2)),
        np.ones(frames),
    )


@pytest.mark.parametrize("part", [Part("a", -0.9), Part("b", 0.0), Part("c", 0.0, 0.2), Part("d", 0.0, 0.2, 2)])
def test_the_expected_spectrum_of_a_part_is_the_one_found(part: Part) -> None:
    from face1d_ros.synth.noise.observe import coloured_signals

    signals = coloured_signals(part, 1.0 / 30.0, 1280, 60, np.random.default_rng(2)).astype(np.float64)
    _, density = cross_spectra(signals, 30.0)
    found = np.einsum("fii->f", density) / 60.0
    levels = in_bands(found, 30.0) / in_bands(part_spectrum(part, 30.0), 30.0)
    np.testing.assert_allclose(10.0 * np.log10(levels), 0.0, atol=0.4)


def test_a_spectrum_is_split_into_the_parts_it_was_made_of() -> None:
    parts = PARTS[1:]
    variances = np.array([0.5, 0.2, 0.0, 0.3, 0.1])
    density = np.stack([part_spectrum(part, 30.0) for part in parts], axis=1) @ variances
    np.testing.assert_allclose(part_variances(density, parts, 30.0), variances, atol=0.01)


def test_modes_are_orthogonal_and_hold_what_moves() -> None:
    rng = np.random.default_rng(0)
    fields = np.linalg.qr(rng.standard_normal((1434, 4)))[0].T * np.sqrt(1434.0)
    errors = (rng.standard_normal((200, 4)) * [1.0, 0.7, 0.5, 0.3]) @ fields
    spread = find_modes([errors.reshape(200, 478, 3)], count=4)
    np.testing.assert_allclose(spread.modes @ spread.modes.T / 1434.0, np.eye(4), atol=1e-9)
    back = spread.coefficients(errors.reshape(200, 478, 3)) @ spread.modes
    np.testing.assert_allclose(back, errors, atol=1e-9)


def test_parts_and_patterns_of_made_up_noise_are_found_again() -> None:
    rng = np.random.default_rng(4)
    fields = np.linalg.qr(rng.standard_normal((1434, 3)))[0].T * np.sqrt(1434.0)
    white, alternating = rng.standard_normal((3000, 1)), ar1(-0.9, (3000, 1), rng)
    coefficients = np.concatenate([0.3 * white, 0.2 * alternating, 0.0 * white], axis=1)
    still = 0.4 * fields[2]
    track = track_of((coefficients @ fields + still).reshape(-1, 478, 3))
    spread = find_modes([track.errors_percent()], count=2)
    one = split(track, spread)
    by_name = dict(zip([part.name for part in PARTS], np.sqrt(one.variances), strict=True))
    assert by_name["still"] == pytest.approx(0.4, rel=0.05)
    assert by_name["white"] == pytest.approx(0.3, rel=0.1)
    assert by_name["alternating"] == pytest.approx(0.2, rel=0.15)
    assert by_name["slow"] < 0.05
    names = [part.name for part in PARTS]
    mixes = part_mixes([one])
    # Up to their signs the modes are the fields: white noise in the first, the alternating one in the second.
    loads = [np.square(mixes[names.index(name)]).sum(axis=0) for name in ("white", "alternating")]
    assert loads[0][0] > 0.9 and loads[1][1] > 0.9


def test_root_gives_the_covariance_back_with_trace_one() -> None:
    made = np.random.default_rng(1).standard_normal((20, 5))
    covariance = made.T @ made
    mix = root(covariance)
    np.testing.assert_allclose(mix.T @ mix, covariance / np.trace(covariance), atol=1e-12)
    clipped = root(np.diag([1.0, -5.0]))
    np.testing.assert_allclose(clipped.T @ clipped, np.diag([1.0, 0.0]), atol=1e-12)


def test_a_grid_becomes_a_table_and_factors_are_what_is_above_it() -> None:
    def one(size: float, grain: float, level: float) -> Split:
        track = track_of(np.zeros((3, 478, 3)), values={"size": size, "grain": grain})
        return Split(track, np.full(len(PARTS), level), np.zeros((1, 1, 1)), np.zeros(1))

    sizes, grains, table = size_grain_table([one(80, 4, 3.0), one(40, 4, 2.0), one(40, 0, 1.0), one(80, 0, 4.0)])
    assert (sizes, grains) == ([40, 80], [0, 4])
    np.testing.assert_array_equal(table[..., 0], [[1.0, 2.0], [4.0, 3.0]])
    splits = [one(80, 4, 5.0), one(80, 4, 7.0), one(80, 4, 9.0)]
    row = added([0.2, 0.2, 0.1], splits, [np.full(len(PARTS), 1.0)] * 3)
    assert row["knots"] == [0.1, 0.2]
    assert row["added_percent2"]["white"] == [8.0, 5.0]


def test_numbers_are_rounded_to_what_is_worth_reading() -> None:
    assert rounded([0.000123456, 1234.56, 0.0]) == [0.0001235, 1235.0, 0.0]


def test_errors_that_follow_an_expression_are_learnt() -> None:
    head = scene(240, sway=0.0)
    true = head.clean.astype(np.float64)
    opening = np.sin(2.0 * np.pi * head.stamps_s / 1.7)
    lip = [14, 17, 87, 317, 84, 314]
    true[:, lip, 1] += 8.0 * opening[:, None]
    found = true.copy()
    found[:, lip, 1] -= 2.0 * opening[:, None]
    track = Track(Condition("talks", frames=240), found, true, np.zeros(240), np.zeros((240, 2)), np.ones(240))
    spread = find_modes([track.errors_percent()], count=2)
    response = fit_response(track, spread)
    readings = readings_of(track, response)
    errors = track.errors_percent()
    left = errors - response.predict(readings - np.median(readings, axis=0), spread)
    assert (left - left.mean(axis=0)).std() < 0.05 * (errors - errors.mean(axis=0)).std()


def test_what_a_turn_makes_wrong_is_told_from_the_noise() -> None:
    rng = np.random.default_rng(6)
    angle = 0.6 * np.sin(np.linspace(0.0, 4.0 * np.pi, 400))
    field = rng.standard_normal((478, 3))
    noise = 0.05 * rng.standard_normal((400, 478, 3))
    wrong = np.where(angle > 0.0, 2.0, 1.0) * np.sin(angle)
    track = track_of(wrong[:, None, None] * field + noise)
    track = dataclasses.replace(track, turn_rad=np.column_stack([angle, np.zeros(400)]))
    spread = find_modes([track.errors_percent()], count=1)
    slopes = turn_slopes([track], spread)
    assert slopes[1, 0] / slopes[0, 0] == pytest.approx(2.0, rel=0.1)
    # The kink at 0 is no smooth function: a little of it is left.
    assert without_turn(track).std() == pytest.approx(0.05, rel=0.35)


def test_the_effect_of_a_cover_is_its_shift_its_noise_and_what_is_still_followed() -> None:
    rng = np.random.default_rng(8)
    head = scene(200, sway=0.0)
    true = head.clean.astype(np.float64)
    chosen = np.array([14, 17, 87, 317, 84, 314])
    moved = 6.0 * np.sin(2.0 * np.pi * head.stamps_s / 3.0)
    true[:, chosen, 1] += moved[:, None]

    def seen(noise_px: float, follow: float, shift_px: float) -> Track:
        found = true + noise_px * rng.standard_normal(true.shape)
        found[:, chosen, 1] -= (1.0 - follow) * moved[:, None]
        found[:, chosen, 0] += shift_px
        return Track(Condition("c", frames=200), found, true, np.zeros(200), np.zeros((200, 2)), np.ones(200))

    shifts, noise, follow = hidden_effect(seen(0.1, 1.0, 0.0), [seen(0.3, 0.4, 2.0)], chosen)
    assert shifts[0][chosen, 0].mean() == pytest.approx(1.0, rel=0.1)
    assert noise == pytest.approx(3.0, rel=0.1)
    assert follow == pytest.approx(0.4, abs=0.08)


def test_correlation_falls_with_distance_for_noise_that_is_smooth_over_the_face() -> None:
    head = scene(300)
    errors = head.errors_percent(load_noise_model(), CLEAR)
    places = head.clean[0, :, :2] / 200.0
    _, correlation = correlation_by_distance(errors, places, (0.0, 0.1, 0.3, 0.8))
    assert correlation[0] > 0.6 > correlation[1] > correlation[2]
    white = np.random.default_rng(0).standard_normal((300, 478, 3))
    np.testing.assert_allclose(correlation_by_distance(white, places, (0.1, 0.4, 0.8))[1], 0.0, atol=0.02)


def test_a_spectrum_holds_all_of_the_variance() -> None:
    errors = np.random.default_rng(0).standard_normal((1280, 20, 3))
    density = mean_spectrum(errors, 30.0)
    assert density.sum() * 30.0 / 128.0 == pytest.approx(1.0, rel=0.03)
