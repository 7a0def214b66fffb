from __future__ import annotations

import pytest
import torch

from face1d_ros.nets.families import make_network
from face1d_ros.nets.smoother import Smoother


@pytest.mark.parametrize(
    ("family", "layers", "reached"),
    [("gru", {}, [3]), ("hybrid", {}, [2, 3, 4]), ("hybrid", {"layers": 2}, range(1, 6))],
)
def test_a_part_hears_of_its_neighbours_as_far_as_the_convolutions_reach(
    family: str, layers: dict[str, int], reached: list[int]
):
    torch.manual_seed(1)
    net = make_network(family, {"landmarks": 28, "part": 4, "width": 8, **layers})
    assert isinstance(net, Smoother)
    parts, memory = torch.randn(1, 8, 7), net.empty_memory(1)
    other = parts.clone()
    other[:, :, 3] += 1.0
    differs = (net.context(parts, memory)[0] - net.context(other, memory)[0]).abs().amax(dim=(0, 1)) > 0.0
    assert differs.nonzero().flatten().tolist() == list(reached)


def test_it_remembers_what_its_neighbours_were():
    torch.manual_seed(1)
    net = make_network("hybrid", {"landmarks": 28, "part": 4, "width": 8})
    assert isinstance(net, Smoother)
    first, second = torch.randn(2, 1, 8, 7)
    other = first.clone()
    other[:, :, 3] += 1.0
    after = [net.context(second, net.context(begin, net.empty_memory(1))[1])[0] for begin in (first, other)]
    differs = (after[0] - after[1]).abs().amax(dim=(0, 1)) > 1e-6
    assert differs[[2, 3, 4]].all()
