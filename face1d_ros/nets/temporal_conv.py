"""Causal 1D convolution over time (review, equation 6), dilated, for each part of the face."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from face1d_ros.nets.network import Linear, Named, Tensors
from face1d_ros.nets.smoother import Smoother, SmootherConfig

KERNEL = 3


@dataclass(frozen=True)
class TemporalConvConfig(SmootherConfig):
    """The common sizes, and how far it looks back."""

    dilations: tuple[int, ...] = (1, 2, 4)
    """Of each layer, in frames: three layers as in Table 4 of the review, that see the last 15 frames."""


class TemporalConv(Smoother):
    """Each layer keeps the frames it will see again; all parts have the same weights."""

    family = "temporal_conv"
    config: TemporalConvConfig

    def __init__(self, config: TemporalConvConfig) -> None:
        super().__init__(config)
        self.kernels = nn.ModuleList(Linear(KERNEL * config.width, config.width) for _ in config.dilations)

    def context_memory(self) -> tuple[Named, ...]:
        """What each layer saw, oldest first."""
        return tuple(
            Named(f"seen_{layer}", ((KERNEL - 1) * dilation, self.config.width, self.parts), "what a layer saw before")
            for layer, dilation in enumerate(self.config.dilations)
        )

    def context(self, parts: Tensor, memory: Tensors) -> tuple[Tensor, dict[str, Tensor]]:
        """Equation 6 with the frames t, t − dilation and t − 2 · dilation; what it finds is added to what came in."""
        after: dict[str, Tensor] = {}
        x = parts  # (B, D, M)
        for layer, (kernel, dilation) in enumerate(zip(self.kernels, self.config.dilations, strict=True)):
            seen = memory[f"seen_{layer}"]  # (B, 2 · dilation, D, M)
            taps = torch.cat([seen[:, 0], seen[:, dilation], x], dim=1)  # (B, 3D, M)
            after[f"seen_{layer}"] = torch.cat([seen[:, 1:], x.unsqueeze(1)], dim=1)
            x = x + functional.relu(kernel(taps))
        return x, after
