"""Long short-term memory that follows each part of the face through time (review, equations 7 to 11)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from face1d_ros.nets.network import Linear, Named, Tensors
from face1d_ros.nets.smoother import Smoother, SmootherConfig


@dataclass(frozen=True)
class LstmConfig(SmootherConfig):
    """The common sizes, and how deep it is."""

    layers: int = 2
    """As in Table 4 of the review."""


class Lstm(Smoother):
    """Layers on top of each other; all parts have the same weights."""

    family = "lstm"
    config: LstmConfig

    def __init__(self, config: LstmConfig) -> None:
        super().__init__(config)
        self.gates = nn.ModuleList(Linear(2 * config.width, 4 * config.width) for _ in range(config.layers))

    def context_memory(self) -> tuple[Named, ...]:
        """The states h and c of each part, layer by layer."""
        shape = (self.config.width, self.parts)
        names = [f"{kind}_{layer}" for layer in range(self.config.layers) for kind in ("hidden", "cell")]
        return tuple(Named(name, shape, "state of the LSTM") for name in names)

    def context(self, parts: Tensor, memory: Tensors) -> tuple[Tensor, dict[str, Tensor]]:
        """Equations 7 to 11 for each layer."""
        after: dict[str, Tensor] = {}
        x = parts  # (B, D, M)
        for layer, gates in enumerate(self.gates):
            x, cell = lstm_cell(gates, self.config.width, x, memory[f"hidden_{layer}"], memory[f"cell_{layer}"])
            after |= {f"hidden_{layer}": x, f"cell_{layer}": cell}
        return x, after


def lstm_cell(gates: nn.Module, width: int, x: Tensor, hidden: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    """Equations 7 to 11: the states h and c (B, D, M) after x; `gates` is the product of all four weights at once."""
    opened, candidate = gates(torch.cat([hidden, x], dim=1)).split([3 * width, width], dim=1)
    forget, take, give = torch.sigmoid(opened).split(width, dim=1)  # 7, 8 and 10
    cell = forget * cell + take * torch.tanh(candidate)  # 9
    return give * torch.tanh(cell), cell  # 11
