"""What ConvLSTM1D is compared with, on the same looks: logistic regression, 1D convolution over time, and LSTM."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from face1d_ros.nets.expression_network import LOOKS, Blocks, ExpressionConfig, ExpressionNetwork
from face1d_ros.nets.lstm import lstm_cell
from face1d_ros.nets.network import Linear

CHANNELS = 64
KERNEL = 3


class ExpressionLogistic(ExpressionNetwork):
    """One linear layer."""

    family = "expression_logistic"

    def __init__(self, config: ExpressionConfig) -> None:
        super().__init__(config)
        self.layer = nn.Linear(2 * LOOKS * config.features + 1, sum(config.sizes))

    def read(self, seen: Tensor, known: Tensor) -> Tensor:
        """All at once."""
        return self.layer(torch.cat([seen.flatten(1), known], dim=1))


class ExpressionCnn(ExpressionNetwork):
    """Two layers of convolution over the looks."""

    family = "expression_cnn"

    def __init__(self, config: ExpressionConfig) -> None:
        super().__init__(config)
        self.first = nn.Conv1d(2 * config.features, CHANNELS, KERNEL, padding=KERNEL // 2)
        self.second = nn.Conv1d(CHANNELS, CHANNELS, KERNEL, padding=KERNEL // 2)
        self.blocks = Blocks(CHANNELS * LOOKS, config)

    def read(self, seen: Tensor, known: Tensor) -> Tensor:
        """Features are channels, looks are places."""
        hidden = torch.relu(self.first(seen.flatten(2).transpose(1, 2)))
        return self.blocks(torch.relu(self.second(hidden)).flatten(1), known)


class ExpressionLstm(ExpressionNetwork):
    """An LSTM over the looks, without convolution."""

    family = "expression_lstm"

    def __init__(self, config: ExpressionConfig) -> None:
        super().__init__(config)
        self.gates = Linear(2 * config.features + config.hidden, 4 * config.hidden)
        self.blocks = Blocks(config.hidden, config)

    def read(self, seen: Tensor, known: Tensor) -> Tensor:
        """One look after the other."""
        width = self.config.hidden
        hidden = cell = torch.zeros_like(seen[:, 0, 0, :1]).unsqueeze(2).expand(-1, width, -1)
        for look in range(LOOKS):
            hidden, cell = lstm_cell(self.gates, width, seen[:, look].flatten(1).unsqueeze(2), hidden, cell)
        return self.blocks(hidden.squeeze(2), known)
