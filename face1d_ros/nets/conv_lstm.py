"""ConvLSTM1D over the features, then a multilayer perceptron (Koksal & Gumus 2025, real-time expressions).

The gates of the LSTM are 1D convolutions over the feature axis, so neighbouring features share what they remember:
i, f, o, g = conv1d([x_t, h_{t−1}]); c_t = σ(f) c_{t−1} + σ(i) tanh(g); h_t = σ(o) tanh(c_t).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from face1d_ros.nets.expression_network import LOOKS, Blocks, ExpressionConfig, ExpressionNetwork


@dataclass(frozen=True)
class ConvLstmConfig(ExpressionConfig):
    """The common sizes, and those of the convolution."""

    channels: int = 12
    kernel: int = 5

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.channels < 1 or self.kernel < 1 or self.kernel % 2 == 0:
            raise ValueError(f"got {self}, expected channels and an odd kernel")


class ConvLstm(ExpressionNetwork):
    """As published."""

    family = "conv_lstm"
    config: ConvLstmConfig

    def __init__(self, config: ConvLstmConfig) -> None:
        super().__init__(config)
        self.gates = nn.Conv1d(2 + config.channels, 4 * config.channels, config.kernel, padding=config.kernel // 2)
        self.blocks = Blocks((config.channels + 2) * config.features, config)

    def read(self, seen: Tensor, known: Tensor) -> Tensor:
        """One look after the other; what is remembered of all features at the end is named, beside the newest look."""
        hidden = cell = torch.zeros_like(seen[:, 0, :1]).expand(-1, self.config.channels, -1)
        for look in range(LOOKS):
            gates = self.gates(torch.cat([seen[:, look], hidden], dim=1))
            keep_in, keep, give, new = gates.split(self.config.channels, dim=1)
            cell = torch.sigmoid(keep) * cell + torch.sigmoid(keep_in) * torch.tanh(new)
            hidden = torch.sigmoid(give) * torch.tanh(cell)
        return self.blocks(torch.cat([hidden, seen[:, -1]], dim=1).flatten(1), known)
