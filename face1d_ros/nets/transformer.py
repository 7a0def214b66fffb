"""Self-attention among the parts of the face (review, equations 12 and 16): each may ask every other."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from face1d_ros.nets.network import Linear, Tensors
from face1d_ros.nets.smoother import Smoother, SmootherConfig

EPSILON = 1e-5


@dataclass(frozen=True)
class TransformerConfig(SmootherConfig):
    """The common sizes, and those of attention."""

    heads: int = 4
    """As in Table 4 of the review."""
    layers: int = 1
    """One keeps it about as fast as the others. Parts ask each other: 478 landmarks would be 250 times the work."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.width % self.heads:
            raise ValueError(f"heads: got {self.heads}, expected a divisor of the width {self.width}")


class Transformer(Smoother):
    """Its tokens are parts of neighbouring landmarks; which part it is stands in each token already."""

    family = "transformer"
    config: TransformerConfig

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__(config)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))

    def context(self, parts: Tensor, memory: Tensors) -> tuple[Tensor, dict[str, Tensor]]:
        """Block by block. Of time it knows the last output alone."""
        for block in self.blocks:
            parts = block(parts)
        return parts, {}


class Block(nn.Module):
    """Attention, then two layers for each token, each added to what came in."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        width = config.width
        self.heads, self.per_head = config.heads, width // config.heads
        self.queries_keys_values = Linear(width, 3 * width)
        self.mix = Linear(width, width)
        self.widen, self.narrow = Linear(width, 2 * width), Linear(2 * width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, D, M) to (B, D, M)."""
        count = tokens.shape[2]
        # (B, 3H, D/H, M): every head's queries, keys and values
        asked = self.queries_keys_values(_normalised(tokens)).reshape(-1, 3 * self.heads, self.per_head, count)
        queries, keys, values = asked.split(self.heads, dim=1)
        scores = torch.matmul(keys.transpose(2, 3), queries) * self.per_head**-0.5  # (B, H, M asked, M asking)
        heard = torch.matmul(values, torch.softmax(scores, dim=2))  # (B, H, D/H, M), equation 16
        tokens = tokens + self.mix(heard.reshape(-1, self.heads * self.per_head, count))
        return tokens + self.narrow(functional.relu(self.widen(_normalised(tokens))))


def _normalised(tokens: Tensor) -> Tensor:
    """Each token with mean 0 and variance 1; what follows has scales of its own."""
    centred = tokens - tokens.mean(dim=1, keepdim=True)
    return centred / (centred * centred).mean(dim=1, keepdim=True).add(EPSILON).sqrt()
