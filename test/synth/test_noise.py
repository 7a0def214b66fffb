from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from synth.noise_scene import CLEAR, Scene, scene

from face1d_ros.errors import GeometryError
from face1d_ros.evaluate.metrics import sta1_percent
from face1d_ros.geometry.topology import indices_in, region
from face1d_ros.synth.noise.conditions import Conditions, amplitude_percent, conditions_of
from face1d_ros.synth.noise.hidden import occluded_points
from face1d_ros.synth.noise.model import STILL, Part
from face1d_ros.synth.noise.observe import (
    Gap,
    NoiseModel,
    NoisePlan,
    Occlusion,
    coloured,
    coloured_signals,
    load_noise_model,
)
from face1d_ros.synth.noise.plan import OCCLUSION_REGIONS
from face1d_ros.synth.noise.spectra import cross_spectra, in_bands, part_spectrum
from face1d_ros.types import Topology


@pytest.fixture(scope="module")
def model() -> NoiseModel:
    return load_noise_model()


def changed(plan: NoisePlan = CLEAR, **values: object) -> NoisePlan:
    return dataclasses.replace(plan, **values)  # type: ignore[arg-type]


def test_the_same_plan_gives_the_same_points_bit_for_bit(model: NoiseModel) -> None:
    head = scene(50)
    first, again = head.observed(model), head.observed(model)
    for field in dataclasses.fields(first):
        np.testing.assert_array_equal(getattr(first, field.name), getattr(again, field.name))
    other = head.observed(model, changed(seed=9))
    assert np.abs(other.points - first.points).max() > 0.05


def test_shapes_and_types_are_those_promised(model: NoiseModel) -> None:
    head = scene(40)
    for topology in (Topology.MESH_478, Topology.MESH_468, Topology.FACE_68):
        chosen = indices_in(topology, Topology.MESH_478)
        part = Scene(head.clean[:, chosen], head.stamps_s, head.angles_rad, head.present)
        seen = part.observed(model)
        count = int(topology)
        assert seen.points.shape == (40, count, 3) and seen.points.dtype == np.float32
        assert seen.point_confidence.shape == seen.occluded.shape == (40, count)
        assert seen.confidence.shape == seen.seen.shape == (40,)
        assert np.isfinite(seen.points).all()
        assert 0.0 < np.abs(seen.points - part.clean).max() < 0.1 * 200.0


def test_without_strength_the_points_are_clean(model: NoiseModel) -> None:
    head = scene(30)
    np.testing.assert_allclose(head.observed(model, changed(strength=0.0)).points, head.clean, atol=1e-4)


def test_frames_in_which_nothing_is_seen_are_nan_and_without_confidence(model: NoiseModel) -> None:
    head = scene(60)
    head.present[:10] = False
    seen = head.observed(model, changed(dropouts=(Gap(1.0, 0.5),)))
    expected = head.present & ~((head.stamps_s >= 1.0) & (head.stamps_s < 1.5))
    np.testing.assert_array_equal(seen.seen, expected)
    assert np.isnan(seen.points[~expected]).all() and np.isfinite(seen.points[expected]).all()
    assert (seen.confidence[~expected] == 0.0).all() and (seen.confidence[expected] > 0.9).all()
    assert (seen.point_confidence[~expected] == 0.0).all()


@pytest.mark.parametrize("name", ["mouth", "left_side", "lower_face"])
def test_a_hidden_region_is_marked_while_it_is_hidden(model: NoiseModel, name: str) -> None:
    head = scene(90)
    occluded = head.observed(model, changed(occlusions=(Occlusion(name, 1.0, 1.0),))).occluded
    inside = (head.stamps_s >= 1.1) & (head.stamps_s < 1.9)
    chosen = occluded_points(name, 478)
    assert occluded[inside][:, chosen].all()
    assert not np.delete(occluded, chosen, axis=1).any()
    assert not occluded[(head.stamps_s < 1.0) | (head.stamps_s >= 2.0)].any()


def test_a_head_that_is_not_there_has_no_hidden_points(model: NoiseModel) -> None:
    head = scene(30)
    head.present[:] = False
    assert not head.observed(model, changed(occlusions=(Occlusion("mouth", 0.0, 1.0),))).occluded.any()


def test_hidden_points_are_shifted_and_tremble_more(model: NoiseModel) -> None:
    head, chosen = scene(300), region("right_eye", Topology.MESH_478)
    clear = head.errors_percent(model)[:, chosen]
    shifts, bends = [], []
    for seed in range(6):
        plan = changed(seed=seed, occlusions=(Occlusion("right_eye", -1.0, 20.0),))
        hidden = head.errors_percent(model, plan)[:, chosen]
        shifts.append(np.abs(hidden.mean(axis=0) - clear.mean(axis=0)).mean())
        bends.append(np.diff(hidden, n=2, axis=0).std() / np.diff(clear, n=2, axis=0).std())
    assert np.mean(shifts) > 0.2
    assert np.mean(bends) > 1.3


def test_a_hidden_mouth_hardly_follows_what_it_does(model: NoiseModel) -> None:
    head, lower = scene(300, sway=0.0), region("mouth", Topology.MESH_478)
    opening = 12.0 * np.sin(2.0 * np.pi * head.stamps_s / 2.0)
    head.clean[:, lower, 1] += opening[:, None].astype(np.float32)

    def followed(plan: NoisePlan) -> float:
        seen = head.observed(model, plan).points[:, lower, 1].mean(axis=1).astype(np.float64)
        return float(np.polyfit(opening, seen, 1)[0])

    assert followed(CLEAR) > 0.6
    assert followed(changed(occlusions=(Occlusion("mouth", -1.0, 20.0),))) < 0.4


def test_every_region_can_be_hidden(model: NoiseModel) -> None:
    head = scene(5)
    for name in OCCLUSION_REGIONS:
        assert head.observed(model, changed(occlusions=(Occlusion(name, -1.0, 9.0),))).occluded.any()
    assert set(model.occlusion) == set(OCCLUSION_REGIONS)


def test_smaller_darker_and_grainier_faces_tremble_more(model: NoiseModel) -> None:
    def tremble(plan: NoisePlan = CLEAR, **view: float) -> float:
        head = scene(300, **view)  # type: ignore[arg-type]
        return sta1_percent(head.observed(model, plan).points[..., :2], head.clean[..., :2])

    usual = tremble()
    assert tremble(size_px=45.0) > 1.5 * usual
    assert tremble(changed(grain=16.0)) > 1.5 * usual
    assert tremble(changed(light=0.2)) > 1.4 * usual
    assert tremble(changed(defocus_share=0.03)) > 1.5 * usual
    assert tremble(yaw_rad=0.6) > 1.1 * usual


def test_errors_turn_with_the_face(model: NoiseModel) -> None:
    # A factor of roll would change the strength, not the direction: it is left out.
    factors = {name: factor for name, factor in model.factors.items() if name != "roll"}
    model = dataclasses.replace(model, factors=factors)
    level, turned = scene(40, sway=0.0), scene(40, sway=0.0, roll_rad=np.pi / 2.0)
    # The same size for both: what is compared is the direction.
    ratio = np.ptp(level.clean[0, :, :2], axis=0).max() / np.ptp(turned.clean[0, :, :2], axis=0).max()
    assert ratio == pytest.approx(1.0, abs=1e-5)
    a, b = (head.observed(model).points - head.clean for head in (level, turned))
    np.testing.assert_allclose(b[..., 0], -a[..., 1], atol=2e-3)
    np.testing.assert_allclose(b[..., 1], a[..., 0], atol=2e-3)
    np.testing.assert_allclose(b[..., 2], a[..., 2], atol=2e-3)


def test_a_person_has_the_same_bias_in_every_sequence(model: NoiseModel) -> None:
    head = scene(400)
    mean = [
        head.errors_percent(model, changed(seed=seed, person_seed=person)).mean(axis=0)
        for seed, person in ((1, 1), (2, 1), (3, 7))
    ]
    same, other = np.abs(mean[0] - mean[1]).mean(), np.abs(mean[0] - mean[2]).mean()
    assert other > 2.0 * same


def test_points_near_the_images_edge_lose_confidence_and_a_face_outside_is_not_seen(model: NoiseModel) -> None:
    head = scene(20, sway=0.0)
    inner = head.observed(model, image_size=(640, 480))
    np.testing.assert_array_equal(inner.point_confidence, head.observed(model).point_confidence)
    edge = Scene(head.clean - np.float32([250, 0, 0]), head.stamps_s, head.angles_rad, head.present)
    cut = edge.observed(model, image_size=(640, 480))
    outside = edge.clean[0, :, 0] < -6.0
    assert outside.any() and cut.seen.all()
    assert cut.point_confidence[:, outside].max() == 0.0
    gone = Scene(head.clean - np.float32([500, 0, 0]), head.stamps_s, head.angles_rad, head.present)
    assert not gone.observed(model, image_size=(640, 480)).seen.any()


def test_points_turned_away_have_less_confidence(model: NoiseModel) -> None:
    confidence = scene(10, yaw_rad=0.9).observed(model).point_confidence[0]
    right_ear, left_ear = 234, 454
    assert confidence[right_ear] < 0.3 < 0.9 < confidence[left_ear]


def test_a_very_small_face_is_lost(model: NoiseModel) -> None:
    seen = scene(300, size_px=18.0).observed(model, changed(losses=True)).seen
    assert seen.mean() < 0.05
    assert scene(300, size_px=18.0).observed(model, changed(losses=False)).seen.all()


def state_of(model: NoiseModel, frames: int, rate_hz: float = 30.0) -> Conditions:
    head = scene(frames, rate_hz)
    return conditions_of(model, CLEAR, head.clean, head.stamps_s, head.angles_rad)


def test_the_noise_has_the_spectrum_and_the_covariance_that_the_model_says(model: NoiseModel) -> None:
    model = dataclasses.replace(model, gust_sd=0.0)
    state = state_of(model, 12_000)
    state = dataclasses.replace(state, amplitude=np.repeat(state.amplitude[:1], 12_000, axis=0))
    signals = coloured(model, state, np.random.default_rng(0)).astype(np.float64)
    moving = [i for i, part in enumerate(model.parts) if part.name != STILL]
    variances = state.amplitude[0, moving] ** 2
    _, density = cross_spectra(signals, 30.0)
    found = in_bands(np.einsum("fii->f", density), 30.0)
    parts = np.stack([part_spectrum(model.parts[i], 30.0) for i in moving], axis=1)
    np.testing.assert_allclose(10.0 * np.log10(found / in_bands(parts @ variances, 30.0)), 0.0, atol=0.7)
    expected = np.einsum("c,cki,ckj->ij", variances, model.mixes[moving], model.mixes[moving])
    centred = signals - signals.mean(axis=0)
    covariance = centred.T @ centred / len(centred)
    assert np.linalg.norm(covariance - expected) < 0.15 * np.linalg.norm(expected)


@pytest.mark.parametrize(
    "part", [Part("a", 0.0), Part("b", -0.9), Part("c", 0.0, 0.3, 1), Part("d", 0.0, 0.3, 2), Part("e", 0.6, None, 2)]
)
def test_a_part_is_stationary_from_its_first_frame_on(part: Part) -> None:
    signals = coloured_signals(part, 1.0 / 30.0, 6, 20_000, np.random.default_rng(3)).astype(np.float64)
    together = signals @ signals.T / signals.shape[1]
    expected = part.correlation(6, 1.0 / 30.0)[np.abs(np.arange(6)[:, None] - np.arange(6))]
    np.testing.assert_allclose(together, expected, atol=0.04)


def test_gusts_leave_the_mean_power_what_it_is(model: NoiseModel) -> None:
    state = state_of(model, 20_000)
    power = [
        np.square(np.diff(coloured(dataclasses.replace(model, gust_sd=sd), state, np.random.default_rng(1)), axis=0))
        for sd in (0.0, 0.3)
    ]
    assert power[1].mean() == pytest.approx(power[0].mean(), rel=0.08)
    uneven = [p.sum(axis=1).std() / p.sum(axis=1).mean() for p in power]
    assert uneven[1] > 1.5 * uneven[0]


def test_noise_belongs_to_frames_and_not_to_seconds(model: NoiseModel) -> None:
    steps = [np.diff(scene(600, rate_hz).errors_percent(model), axis=0).std() for rate_hz in (15.0, 60.0)]
    assert steps[1] == pytest.approx(steps[0], rel=0.25)


def test_conditions_beyond_the_table_are_as_at_its_edge(model: NoiseModel) -> None:
    def amplitude(size: float, grain: float) -> np.ndarray:
        values = {name: np.zeros(1) for name in model.factors} | {"light": np.ones(1)}
        return amplitude_percent(model, values | {"size": np.array([size]), "grain": np.array([grain])})

    np.testing.assert_allclose(amplitude(9000.0, 4.0), amplitude(float(model.sizes_px[-1]), 4.0))
    np.testing.assert_allclose(amplitude(200.0, 900.0), amplitude(200.0, float(model.grains[-1])))


@pytest.mark.parametrize(
    ("what", "replaced", "message"),
    [
        ("clean", np.zeros((20, 478, 2)), "clean landmarks: got shape"),
        ("clean", np.zeros((20, 99, 3)), "number of landmarks: got 99"),
        ("clean", np.full((20, 478, 3), np.nan), "not finite"),
        ("stamps_s", np.zeros(20), "stamps: got some that do not rise"),
        ("stamps_s", np.arange(7.0), "stamps: got shape"),
        ("angles_rad", np.zeros((20, 2)), "angles: got shape"),
        ("present", np.ones(3, bool), "present: got shape"),
    ],
)
def test_bad_sequences_are_refused(model: NoiseModel, what: str, replaced: np.ndarray, message: str) -> None:
    head = dataclasses.replace(scene(20), **{what: replaced})
    with pytest.raises(GeometryError, match=message):
        head.observed(model)


def test_one_frame_is_enough(model: NoiseModel) -> None:
    assert np.isfinite(scene(1).observed(model).points).all()
