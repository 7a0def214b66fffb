"""Networks that read expressions: five looks at a face, whatever the camera's rate is."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from face1d_ros.nets.expression_network import (
    APART_S,
    LONGEST_S,
    LOOKS,
    REMEMBERED,
    ExpressionConfig,
    ExpressionNetwork,
    interpolated,
)
from face1d_ros.nets.families import make_network

FAMILIES = ("conv_lstm", "expression_logistic", "expression_cnn", "expression_lstm")
EVERY_FAMILY = pytest.mark.parametrize("family", FAMILIES)
RATES_HZ = (15, 30, 60, 120)
FACES, FRAMES, FEATURES = 3, 20, 11
KNOT_S = 2.0 / 15.0
"""Every rate has a frame there: curves bend nowhere else."""
ROUNDING = 2e-4
"""More than that two rates must not differ."""


def network(family: str, seed: int = 1) -> ExpressionNetwork:
    torch.manual_seed(seed)
    made = make_network(family, {"features": FEATURES, "labels": 5, "actions": 4, "hidden": 16})
    assert isinstance(made, ExpressionNetwork)
    return made.eval()


def frames(made: ExpressionNetwork) -> dict[str, Tensor]:
    return made.example(FACES, FRAMES, torch.Generator().manual_seed(2))


@EVERY_FAMILY
def test_outputs_and_memory_are_what_is_said_of_them(family: str) -> None:
    made = network(family)
    with torch.inference_mode():
        outputs, memory = made.sequence(frames(made))
    for found, said, lead in ((outputs, made.outputs(), (FACES, FRAMES)), (memory, made.memory(), (FACES,))):
        assert {name: tuple(tensor.shape) for name, tensor in found.items()} == {
            named.name: (*lead, *named.shape) for named in said
        }
    assert outputs["labels"].shape[2] == 6, "none of the labels is one, too"


@EVERY_FAMILY
@pytest.mark.parametrize("factor", [1.0, 1e6, -1e30])
def test_features_anywhere_leave_outputs_finite_and_within_their_bounds(family: str, factor: float) -> None:
    made = network(family)
    wild = frames(made)
    wild["features"] = factor * wild["features"]
    wild["dt"][:, ::3] = 1e4
    wild["dt"][:, 1::3] = 0.0
    with torch.inference_mode():
        outputs, memory = made.sequence(wild)
    assert all(tensor.isfinite().all() for tensor in (*outputs.values(), *memory.values()))
    for name in ("labels", "phases"):
        torch.testing.assert_close(outputs[name].sum(dim=2), torch.ones(FACES, FRAMES))
    for name, tensor in outputs.items():
        assert tensor.min() >= 0.0 and tensor.max() <= (LONGEST_S if name == "age" else 1.0)


@EVERY_FAMILY
def test_faces_do_not_see_each_other(family: str) -> None:
    made = network(family)
    every = frames(made)
    with torch.inference_mode():
        together, _ = made.sequence(every)
        alone, _ = made.sequence({name: tensor[1:2] for name, tensor in every.items()})
    for name, tensor in alone.items():
        torch.testing.assert_close(together[name][1:2], tensor, atol=1e-5, rtol=1e-5)


def sampled(made: ExpressionNetwork, rate_hz: int, knots: int = 16) -> dict[str, Tensor]:
    """The same curves, straight between their knots, by a camera of this rate; the first frame is neutral."""
    generator = torch.Generator().manual_seed(5)
    corners = torch.cumsum(torch.randn(knots + 1, FEATURES, generator=generator) / made.per_spread, dim=0)
    times_s = torch.arange(round(knots * KNOT_S * rate_hz)) / rate_hz
    place = (times_s / KNOT_S).floor().long().clamp(max=knots - 1)
    features = torch.lerp(corners[place], corners[place + 1], (times_s / KNOT_S - place)[:, None])
    count = len(times_s)
    return {
        "features": features[None],
        "neutral": features[:1].expand(count, -1)[None],
        "known": torch.ones(1, count, 1),
        "dt": torch.tensor([0.0, *[1.0 / rate_hz] * (count - 1)])[None, :, None],
    }


@EVERY_FAMILY
def test_a_face_is_read_alike_at_every_rate(family: str) -> None:
    made = network(family)
    found = {}
    with torch.inference_mode():
        for rate_hz in RATES_HZ:
            outputs, _ = made.sequence(sampled(made, rate_hz))
            found[rate_hz] = {name: tensor[:, :: rate_hz // RATES_HZ[0]] for name, tensor in outputs.items()}
    changes = found[30]["labels"].diff(dim=1).abs().amax(dim=(0, 2))
    assert changes.max() > 40 * ROUNDING, "the curves say something"
    for rate_hz in RATES_HZ:
        for name, tensor in found[rate_hz].items():
            torch.testing.assert_close(tensor, found[RATES_HZ[0]][name], atol=ROUNDING, rtol=0.0)


@EVERY_FAMILY
def test_without_differences_only_the_looks_are_seen(family: str) -> None:
    torch.manual_seed(1)
    small = {"features": FEATURES, "labels": 5, "actions": 4, "hidden": 16, "dropout": 0.0}
    made = make_network(family, small | {"differences": False})
    assert isinstance(made, ExpressionNetwork)
    seen: list[Tensor] = []
    made.read = lambda given, known: seen.append(given) or torch.zeros(len(given), sum(made.config.sizes))  # type: ignore[assignment, func-returns-value]
    looks = torch.randn(2, LOOKS, FEATURES)
    made.logits(looks, torch.ones(2, 1))
    torch.testing.assert_close(seen[0][:, :, 0], looks)
    assert not seen[0][:, :, 1].any()


def test_looks_lie_on_straight_lines_between_frames() -> None:
    ages = torch.tensor([[0.0, 0.05, 0.15, 0.25, 0.5, 0.6]])
    history = (2.0 - 3.0 * ages)[..., None].expand(-1, -1, 2)
    looks = interpolated(history, ages)
    wanted = 2.0 - 3.0 * APART_S * torch.arange(LOOKS - 1, -1, -1.0)
    torch.testing.assert_close(looks[0], wanted[:, None].expand(-1, 2))


def test_before_its_oldest_frame_a_face_was_as_in_it() -> None:
    ages, history = torch.tensor([[0.0, 0.05, 0.15]]), torch.tensor([[[3.0], [2.0], [1.0]]])
    torch.testing.assert_close(interpolated(history, ages)[0, :, 0], torch.tensor([1.0, 1.0, 1.0, 1.5, 3.0]))


def test_enough_frames_are_remembered_for_the_fastest_camera() -> None:
    assert (REMEMBERED - 1) / max(RATES_HZ) >= (LOOKS - 1) * APART_S


@pytest.mark.parametrize("wrong", [{"features": 0}, {"labels": 0}, {"hidden": -1}, {"dropout": 1.0}])
def test_sizes_that_make_no_network_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected counts from 1 and a dropout below 1"):
        ExpressionConfig(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [{"channels": 0}, {"kernel": 4}])
def test_a_convolution_without_a_middle_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="expected channels and an odd kernel"):
        make_network("conv_lstm", wrong)
