from __future__ import annotations

from typing import Any

import pytest
import torch

from face1d_ros.nets.bidirectional_lstm import BidirectionalLstm
from face1d_ros.nets.families import FAMILIES, make_network

LANDMARKS = 21
SMALL: dict[str, Any] = {"landmarks": LANDMARKS, "part": 4, "width": 8, "hidden": 4, "rank": 3}


def network(look_ahead: int = 3) -> BidirectionalLstm:
    torch.manual_seed(1)
    made = make_network("bidirectional_lstm", SMALL | {"look_ahead": look_ahead})
    assert isinstance(made, BidirectionalLstm)
    torch.nn.init.normal_(made.steering.weight, std=0.3)
    return made.double()


def frames(net: BidirectionalLstm, count: int = 12) -> dict[str, torch.Tensor]:
    example = net.example(2, count, torch.Generator().manual_seed(3))
    return {name: tensor.double() for name, tensor in example.items()}


def refined(net: BidirectionalLstm, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
    """(B, T − k, N, 3) of the frames that have come out, each at its own place in time."""
    with torch.inference_mode():
        return net.sequence(inputs)[0]["refined"][:, net.look_ahead :]


@pytest.mark.parametrize("look_ahead", [1, 3, 5])
def test_a_frame_is_changed_by_exactly_so_many_frames_after_it(look_ahead: int):
    net = network(look_ahead)
    inputs = frames(net)
    later = inputs | {"landmarks": inputs["landmarks"].clone()}
    later["landmarks"][:, 6, 2] += 7.0
    off = (refined(net, later) - refined(net, inputs)).abs().amax(dim=(0, 2, 3))
    assert (off[: 6 - look_ahead] == 0.0).all()
    assert (off[6 - look_ahead :] > 1e-9).all()


def test_what_comes_out_is_near_the_frame_that_was_seen_so_long_ago():
    net = network()
    inputs = frames(net)
    inputs["landmarks"] += 300.0 * torch.arange(12.0).double().reshape(1, 12, 1, 1)
    outputs = refined(net, inputs)
    away = (outputs[:, :, None] - inputs["landmarks"][:, None]).abs().amax(dim=(3, 4))  # (B, T − k, T)
    assert (away.argmin(dim=2) == torch.arange(9)).all()


def test_in_its_first_steps_the_first_frame_comes_out():
    torch.manual_seed(1)
    net = make_network("bidirectional_lstm", SMALL | {"look_ahead": 3})
    inputs = net.example(2, 4, torch.Generator().manual_seed(3))
    outputs, _ = net.sequence(inputs)
    first = inputs["landmarks"][:, :1].expand(-1, 4, -1, -1)
    torch.testing.assert_close(outputs["refined"], first, rtol=0.0, atol=0.0)


def test_what_stands_for_a_face_that_was_not_seen_is_not_looked_at():
    net = network()
    inputs = frames(net)
    inputs["confidence"][:, 5:7] = 0.0
    lost = inputs | {"landmarks": inputs["landmarks"].clone()}
    lost["landmarks"][:, 5:7] = 0.0
    torch.testing.assert_close(refined(net, lost), refined(net, inputs))


def test_the_time_steps_of_the_frames_ahead_matter():
    net = network()
    inputs = frames(net)
    later = inputs | {"dt": inputs["dt"].clone()}
    later["dt"][:, 6:] *= 3.0
    off = (refined(net, later) - refined(net, inputs)).abs().amax(dim=(0, 2, 3))
    assert (off[:3] == 0.0).all()
    assert off[3] > 1e-9


def test_only_this_family_looks_ahead_and_says_so():
    ahead = {family: make_network(family).look_ahead for family in FAMILIES}
    assert {family: frames for family, frames in ahead.items() if frames} == {"bidirectional_lstm": 4}


def test_no_look_ahead_is_refused():
    with pytest.raises(ValueError, match="look_ahead: got 0"):
        make_network("bidirectional_lstm", SMALL | {"look_ahead": 0})
