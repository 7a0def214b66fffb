"""Embeddings of a face, frame by frame, to one vector: h_t = LSTM(e_t, h_{t−1}) (review, equation 4).

The state says how much each view is worth, and the vector is the mean of all views so far, weighted so. Before training
all weights are the same, so that it begins as what it has to beat. Letters: B faces, D numbers of an embedding.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from face1d_ros.nets.lstm import lstm_cell
from face1d_ros.nets.network import Linear, Named, StreamingNetwork, Tensors

SMALLEST = 1e-8
LEAST_WEIGHT = 0.02
"""Of a view beside 1, the most: no sequence is without any."""


@dataclass(frozen=True)
class EmbeddingLstmConfig:
    """Sizes."""

    embedding: int = 512
    """What the model of faces gives."""
    width: int = 48

    def __post_init__(self) -> None:
        if self.embedding < 2 or self.width < 1:
            raise ValueError(f"got {self}, expected embeddings of 2 numbers or more, and a width")


class EmbeddingLstm(StreamingNetwork):
    """Sees each view once, with the mean of those before."""

    family = "embedding_lstm"
    task = "embedding_aggregator"
    normalisation = "none: embeddings of length 1"
    config: EmbeddingLstmConfig

    def __init__(self, config: EmbeddingLstmConfig) -> None:
        super().__init__()
        self.config = config
        self.inward = nn.Linear(config.embedding + 2, config.width)
        self.gates = Linear(2 * config.width, 4 * config.width)
        self.worth = nn.Linear(config.width, 1)
        nn.init.zeros_(self.worth.weight)
        nn.init.zeros_(self.worth.bias)

    def inputs(self) -> tuple[Named, ...]:
        """Of a frame."""
        return (Named("embedding", (self.config.embedding,), "of one view of the face, of length 1"),)

    def outputs(self) -> tuple[Named, ...]:
        """Of all frames so far."""
        return (Named("aggregate", (self.config.embedding,), "of all views so far, of length 1"),)

    def memory(self) -> tuple[Named, ...]:
        """The state, and the weighted sum."""
        width = (self.config.width, 1)
        return (
            Named("hidden", width, "state of the LSTM"),
            Named("cell", width, "state of the LSTM"),
            Named("total", (self.config.embedding,), "weighted sum of the embeddings so far"),
        )

    def step(self, inputs: Tensors, memory: Tensors) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """One view."""
        view, total = inputs["embedding"], memory["total"]
        before = unit(total)
        alike = (view * before).sum(dim=1, keepdim=True)
        known = before.square().sum(dim=1, keepdim=True)
        x = functional.relu(self.inward(torch.cat([view, alike, known], dim=1))).unsqueeze(2)
        hidden, cell = lstm_cell(self.gates, self.config.width, x, memory["hidden"], memory["cell"])
        worth = LEAST_WEIGHT + torch.sigmoid(self.worth(hidden.squeeze(2)))
        after = total + worth * view
        return {"aggregate": unit(after)}, {"hidden": hidden, "cell": cell, "total": after}

    def example(self, faces: int, frames: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Views of faces that are seen badly in some frames."""
        own = torch.randn(faces, 1, self.config.embedding, generator=generator)
        off = torch.randn(faces, frames, self.config.embedding, generator=generator)
        badly = torch.rand(faces, frames, 1, generator=generator)
        views = own + 2.0 * badly * off
        return {"embedding": views / views.norm(dim=2, keepdim=True)}


def unit(vectors: Tensor) -> Tensor:
    """(B, D) of length 1; what is nothing stays nothing."""
    return vectors / vectors.square().sum(dim=1, keepdim=True).add(SMALLEST).sqrt()
