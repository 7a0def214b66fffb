from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch

from face1d_ros.nets.families import FAMILIES, make_network
from face1d_ros.nets.smoother import Smoother

LANDMARKS = 21
SMALL: dict[str, Any] = {"landmarks": LANDMARKS, "part": 4, "width": 8, "hidden": 4, "rank": 3}
SMOOTHERS = [family for family, (_, network) in FAMILIES.items() if issubclass(network, Smoother)]
EVERY_FAMILY = pytest.mark.parametrize("family", SMOOTHERS)


def network(family: str, *, steering: float = 0.3, **changes: Any) -> Smoother:
    """Random weights, also where training begins at zero."""
    torch.manual_seed(1)
    made = make_network(family, SMALL | changes)
    assert isinstance(made, Smoother)
    with torch.no_grad():
        made.steering.weight.normal_(std=steering)
        made.steering.bias.normal_(std=steering)
        for weight in (made.bends_out, made.always_wrong, made.following.weight):
            weight.normal_(std=steering)
    return made.double()


def frames(net: Smoother, faces: int = 2, count: int = 9, seed: int = 3) -> dict[str, torch.Tensor]:
    example = net.example(faces, count, torch.Generator().manual_seed(seed))
    return {name: tensor.double() for name, tensor in example.items()}


def refined(net: Smoother, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
    with torch.inference_mode():
        return net.sequence(inputs)[0]["refined"]


@EVERY_FAMILY
def test_a_sequence_is_its_frames_one_by_one_wherever_it_is_cut(family: str):
    net = network(family)
    inputs = frames(net)
    whole = refined(net, inputs)
    with torch.inference_mode():
        first, memory = net.sequence({name: tensor[:, :4] for name, tensor in inputs.items()})
        outputs = [*first["refined"].unbind(1)]
        for index in range(4, 9):
            frame, memory = net.step({name: tensor[:, index] for name, tensor in inputs.items()}, memory)
            outputs.append(frame["refined"])
    torch.testing.assert_close(torch.stack(outputs, 1), whole)


@EVERY_FAMILY
def test_all_tensors_have_the_shapes_that_are_promised(family: str):
    net = network(family)
    inputs = {name: tensor[:, 0] for name, tensor in frames(net).items()}
    outputs, after = net.step(inputs, net.empty_memory(2))
    for named, tensors in ((net.inputs(), inputs), (net.outputs(), outputs), (net.memory(), after)):
        assert {n.name: (2, *n.shape) for n in named} == {name: tuple(t.shape) for name, t in tensors.items()}


@EVERY_FAMILY
def test_the_future_changes_nothing(family: str):
    net = network(family)
    inputs = frames(net, count=10)
    later = {name: tensor.clone() for name, tensor in inputs.items()}
    later["landmarks"][:, 5:] += 30.0
    before, after = refined(net, inputs), refined(net, later)
    torch.testing.assert_close(after[:, :5], before[:, :5], rtol=0.0, atol=0.0)
    assert (after[:, 5:] - before[:, 5:]).abs().max() > 1.0


@EVERY_FAMILY
def test_faces_do_not_see_each_other(family: str):
    net = network(family)
    inputs = frames(net, faces=3)
    alone = refined(net, {name: tensor[1:2] for name, tensor in inputs.items()})
    torch.testing.assert_close(refined(net, inputs)[1:2], alone)


@EVERY_FAMILY
def test_the_output_moves_and_grows_with_the_input(family: str):
    net = network(family)
    inputs = frames(net)
    elsewhere = inputs | {"landmarks": 2.5 * inputs["landmarks"] + torch.tensor([400.0, -50.0, 7.0])}
    torch.testing.assert_close(
        refined(net, elsewhere), 2.5 * refined(net, inputs) + torch.tensor([400.0, -50.0, 7.0]).double()
    )


@EVERY_FAMILY
def test_before_training_nothing_is_changed(family: str):
    torch.manual_seed(1)
    net = make_network(family, SMALL)
    inputs = net.example(2, 8, torch.Generator().manual_seed(3))
    outputs, _ = net.sequence(inputs)
    given = inputs["landmarks"][:, : 8 - net.look_ahead]
    torch.testing.assert_close(outputs["refined"][:, net.look_ahead :], given, rtol=0.0, atol=0.0)


@EVERY_FAMILY
def test_every_weight_has_a_part_in_the_output(family: str):
    net = network(family)
    net.sequence(frames(net, count=4))[0]["refined"].square().sum().backward()
    idle = [name for name, weight in net.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert not idle


@EVERY_FAMILY
@pytest.mark.parametrize("name", ["confidence", "dt"])
def test_confidence_and_time_step_matter(family: str, name: str):
    net = network(family)
    inputs = frames(net)
    other = refined(net, inputs | {name: 0.3 * inputs[name]})
    assert (other - refined(net, inputs)).abs().max() > 1e-3


@EVERY_FAMILY
def test_a_few_steps_of_training_make_it_steadier(family: str):
    torch.manual_seed(2)
    net = make_network(family, SMALL)
    generator = torch.Generator().manual_seed(4)
    truth = 100.0 * torch.randn(8, 1, LANDMARKS, 3, generator=generator).expand(8, 6, LANDMARKS, 3)
    inputs = {
        "landmarks": truth + 2.0 * torch.randn(truth.shape, generator=generator),
        "confidence": torch.ones(8, 6, LANDMARKS),
        "dt": torch.full((8, 6, 1), 1 / 30),
    }
    optimizer = torch.optim.Adam(net.parameters(), 2e-2)
    losses = []
    for _ in range(20):
        loss = (net.sequence(inputs)[0]["refined"] - truth)[:, 3:].square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


@EVERY_FAMILY
def test_however_wild_the_weights_the_output_stays_near_what_was_measured(family: str):
    net = network(family, steering=30.0)
    inputs = frames(net, count=30)
    landmarks = inputs["landmarks"][:, :1].expand_as(inputs["landmarks"])
    moved = (refined(net, inputs | {"landmarks": landmarks}) - landmarks).abs().amax(dim=(1, 2, 3))
    size = (landmarks[:, 0] - landmarks[:, 0].mean(dim=1, keepdim=True)).square().mean(dim=(1, 2)).sqrt()
    furthest = net.config.furthest
    # Each size is at most that of the measurement plus this part of the last one.
    assert (moved <= furthest / (1.0 - furthest) * size).all()
    assert (moved > furthest * size).any()


@EVERY_FAMILY
def test_degenerate_input_gives_finite_output(family: str):
    net = network(family)
    inputs = frames(net)
    for landmarks, confidence in ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0)):
        case = inputs | {
            "landmarks": landmarks * inputs["landmarks"],
            "confidence": torch.full_like(inputs["confidence"], confidence),
            "dt": torch.zeros_like(inputs["dt"]),
        }
        assert refined(net, case).isfinite().all()


@EVERY_FAMILY
def test_the_shipped_sizes_stay_small(family: str):
    assert make_network(family).parameter_count() <= 1_000_000


def test_an_order_puts_neighbours_together_and_each_landmark_back_in_its_place():
    order = (*range(20, -1, -1), 0, 0, 0)
    net = network("gru", order=order)
    slots = net.slots.reshape(4, 6)
    assert [slots[:, part].tolist() for part in (0, 5)] == [[20, 19, 18, 17], [0, 0, 0, 0]]
    assert torch.equal(net.slots[net.back], torch.arange(LANDMARKS))
    assert net.counts.sum() == LANDMARKS
    net.steering.weight.data.zero_()
    net.steering.bias.data.zero_()
    net.bends_out.data.zero_()
    net.always_wrong.data.zero_()
    inputs = frames(net)
    torch.testing.assert_close(refined(net, inputs), inputs["landmarks"])


@pytest.mark.parametrize("order", [tuple(range(20)), tuple(range(21)), (*range(21), 30, 30, 30)])
def test_an_order_that_leaves_landmarks_out_or_parts_open_is_refused(order: tuple[int, ...]):
    with pytest.raises(ValueError, match="order: got"):
        make_network("gru", SMALL | {"order": order})


@pytest.mark.parametrize("change", [{"width": 0}, {"reach": -0.1}, {"reach": float("nan")}])
def test_sizes_that_make_no_sense_are_refused(change: dict[str, Any]):
    with pytest.raises(ValueError, match="sizes: got"):
        make_network("gru", SMALL | change)


def test_heads_divide_the_width():
    with pytest.raises(ValueError, match="heads: got 3"):
        make_network("transformer", SMALL | {"heads": 3})


def test_unknown_families_and_settings_are_refused():
    with pytest.raises(ValueError, match="got 'mamba'"):
        make_network("mamba")
    with pytest.raises(ValueError, match="unknown depth"):
        make_network("gru", {"depth": 3})


def test_a_network_is_made_again_from_its_configuration():
    net = network("temporal_conv", dilations=(1, 2), order=(*range(21), 0, 0, 0))
    again = make_network("temporal_conv", {**dataclasses.asdict(net.config), "dilations": [1, 2]})
    assert again.config == net.config
