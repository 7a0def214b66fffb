"""A network for single frames, and an LSTM that follows its coefficients through time (review, equation 19).

h_t = LSTM(coefficients_t, h_{t−1}) steers how far each coefficient goes from what was predicted for this frame to what
the frame alone says, and predicts the next one. How far a frame is from its prediction, in what is usual, is the
anomaly. Identity is the same in all frames: its mean over them, weighted by what each frame's variance says, tells the
LSTM whose face it is, so that a shape of the person is not taken for an expression.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from face1d_ros.nets.curve_cnn import CurveCnn, CurveCnnConfig
from face1d_ros.nets.lstm import lstm_cell
from face1d_ros.nets.mesh_network import LOG_VARIANCE
from face1d_ros.nets.network import Linear, Named, Tensors

REFERENCE_HZ = 30.0
LEAST_DT_S = 1e-3
FADING = 0.998
"""Of what is known of the identity, in a frame: half is left after 350, and it stays finite for ever."""
MOST_SHIFT, MOST_SPEED = 0.5, 0.3
"""Of a coefficient: what the LSTM adds, and what it predicts to come in a frame."""
PREDICTED = (-0.5, 1.5)
FIRST_GAIN = 1.5
"""Before training most is taken from the frame: the logistic function of this."""
TURN_SCALE = 10.0
"""Rotations in rad are small beside coefficients."""


@dataclass(frozen=True)
class CoefficientLstmConfig(CurveCnnConfig):
    """The sizes of the network for single frames, and of the LSTM."""

    width: int = 96


class CoefficientLstm(CurveCnn):
    """Remembers whose face it is, and where it was going."""

    family = "coefficient_lstm"
    config: CoefficientLstmConfig

    def __init__(self, config: CoefficientLstmConfig) -> None:
        super().__init__(config)
        width, count = config.width, config.expression
        self.inward = nn.Linear(2 * config.identity + 2 * count + 6 + 5, width)
        self.gates = Linear(2 * width, 4 * width)
        self.steering = nn.Linear(width, 4 * count + 6)

    def memory(self) -> tuple[Named, ...]:
        """The identity so far, the LSTM's state, and what was predicted."""
        c = self.config
        return (
            Named("information", (c.identity,), "sum of the inverse variances of identity, fading"),
            Named("weighted", (c.identity,), "the same sum of identities"),
            Named("hidden", (c.width, 1), "state of the LSTM"),
            Named("cell", (c.width, 1), "state of the LSTM"),
            Named("predicted", (c.expression,), "expression predicted for the next frame"),
            Named("log_spread", (c.expression,), "logarithm of the variance of that prediction"),
            Named("correction", (3,), "the last rotation correction, rad"),
            Named("known", (1,), "1 after the first frame"),
        )

    def step(self, inputs: Tensors, memory: Tensors) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """A frame."""
        return self.follow(self.estimate(inputs), inputs, memory)

    def follow(self, estimate: Tensor, inputs: Tensors, memory: Tensors) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """What a frame alone says (B, 2 I + K + 3), with what is remembered; of the inputs turn and time step."""
        identity, log_variance, expression, rotation = self.split(estimate)
        precision = torch.exp(-log_variance.clamp(*LOG_VARIANCE))
        information = FADING * memory["information"] + precision
        weighted = FADING * memory["weighted"] + precision * identity
        mean, known = weighted / information, memory["known"]
        expected = torch.where(known > 0.0, memory["predicted"], expression)
        before = torch.where(known > 0.0, memory["correction"], rotation)
        steps = torch.log(inputs["dt"].clamp(min=LEAST_DT_S) * REFERENCE_HZ)
        turned = torch.cat([rotation, before], dim=1) * TURN_SCALE
        x = torch.cat(
            [identity - mean, mean, expression, expected, turned, torch.sin(inputs["turn"]), steps, known], dim=1
        )
        hidden, cell = lstm_cell(
            self.gates,
            self.config.width,
            functional.relu(self.inward(x)).unsqueeze(2),
            memory["hidden"],
            memory["cell"],
        )
        gain, shift, speed, log_spread, turn_gain, turn_shift = self.steering(hidden.squeeze(2)).split(
            [*4 * [self.config.expression], 3, 3], dim=1
        )
        wanted = expression + MOST_SHIFT * torch.tanh(shift)
        refined = expected + torch.sigmoid(gain + FIRST_GAIN) * (wanted - expected)
        correction = before + torch.sigmoid(turn_gain + FIRST_GAIN) * (rotation + turn_shift / TURN_SCALE - before)
        surprise = (expression - expected).square() * torch.exp(-memory["log_spread"])
        anomaly = (known * surprise.mean(dim=1, keepdim=True)).sqrt()
        after = {
            "information": information,
            "weighted": weighted,
            "hidden": hidden,
            "cell": cell,
            "predicted": (refined + MOST_SPEED * torch.tanh(speed)).clamp(*PREDICTED),
            "log_spread": (log_spread - 4.0).clamp(*LOG_VARIANCE),
            "correction": correction,
            "known": torch.ones_like(known),
        }
        return self.bounded(torch.cat([identity, log_variance, refined, correction], dim=1), anomaly), after
