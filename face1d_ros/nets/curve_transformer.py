"""Self-attention among pieces of the face's curves, to coefficients ("Transformer + 1D curve", review, Table 5)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from face1d_ros.nets.mesh_network import CHANNELS, PATCH, TURN_FEATURES, FrameNetwork, MeshConfig, Reading
from face1d_ros.nets.network import Tensors
from face1d_ros.nets.transformer import Block, TransformerConfig


@dataclass(frozen=True)
class CurveTransformerConfig(MeshConfig):
    """The common sizes, and those of attention."""

    width: int = 48
    heads: int = 4
    layers: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.width % self.heads or self.layers < 1 or len(self.slots) % PATCH:
            raise ValueError(
                f"got {self}, expected heads that divide the width, a layer, and a multiple of {PATCH} slots"
            )


class CurveTransformer(FrameNetwork):
    """Tokens are 16 landmarks that follow each other on the curves; which ones it is stands in each token."""

    family = "curve_transformer"
    config: CurveTransformerConfig

    def __init__(self, config: CurveTransformerConfig) -> None:
        super().__init__(config)
        tokens = len(config.slots) // PATCH
        self.embed = nn.Conv1d(CHANNELS, config.width, PATCH, PATCH)
        self.place = nn.Parameter(0.1 * torch.randn(config.width, tokens))
        self.turned = nn.Linear(TURN_FEATURES, config.width)
        sizes = TransformerConfig(width=config.width, heads=config.heads)
        self.blocks = nn.ModuleList(Block(sizes) for _ in range(config.layers))
        self.reading = Reading(config, config.width * tokens)

    def estimate(self, inputs: Tensors) -> Tensor:
        """Blocks, then two layers on all tokens."""
        points, turn = self.given(inputs)
        tokens = self.embed(points) + self.place + self.turned(turn).unsqueeze(2)  # (B, D, M)
        for block in self.blocks:
            tokens = block(tokens)
        off = points[:, :3, : self.config.landmarks].flatten(1)
        return self.reading(off, tokens.flatten(1), turn)
