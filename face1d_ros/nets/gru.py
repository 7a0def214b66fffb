"""A gated recurrent unit that follows each part of the face through time (review, section 6: 1D GRU smoothing)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from face1d_ros.nets.network import Linear, Named, Tensors
from face1d_ros.nets.smoother import Smoother, SmootherConfig


@dataclass(frozen=True)
class GruConfig(SmootherConfig):
    """Nothing but the common sizes: the state of a part is as wide as what describes it."""


class Gru(Smoother):
    """One layer; all parts have the same weights."""

    family = "gru"
    config: GruConfig

    def __init__(self, config: GruConfig) -> None:
        super().__init__(config)
        width = config.width
        self.gates = Linear(2 * width, 2 * width)  # reset r and update u, of [x, h]
        self.candidate = Linear(2 * width, width)  # of [x, r · h]

    def context_memory(self) -> tuple[Named, ...]:
        """The state h of each part."""
        return (Named("hidden", (self.config.width, self.parts), "state of the GRU"),)

    def context(self, parts: Tensor, memory: Tensors) -> tuple[Tensor, dict[str, Tensor]]:
        """The new state: h = u · h + (1 − u) · tanh(W [x, r · h])."""
        before = memory["hidden"]  # (B, D, M)
        reset, update = torch.sigmoid(self.gates(torch.cat([parts, before], dim=1))).split(self.config.width, dim=1)
        candidate = torch.tanh(self.candidate(torch.cat([parts, reset * before], dim=1)))
        hidden = candidate + update * (before - candidate)
        return hidden, {"hidden": hidden}
