"""What goes into a network that reads expressions, and what comes out.

What it looks at are features: distances and angles of the landmarks, or the coefficients of a mesh. It sees five looks
at them, a fixed time apart, whatever the camera's rate is: the memory keeps the frames of the last 0.4 s, and looks
between two frames are interpolated. Shapes: B faces, F features, H remembered frames, L labels, A actions.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from face1d_ros.nets.network import Named, StreamingNetwork, Tensors

LOOKS = 5
APART_S = 0.1
REMEMBERED = 52
"""Frames: 0.4 s at 120 Hz and some more."""
PHASES = 4
"""Neutral, onset, apex, offset."""
LONGEST_S = 0.6
"""A phase that began earlier counts as begun then."""
LEAST_DT_S = 1e-3
FURTHEST = 8.0
"""Of a feature from the face's own neutral, in what is usual: beyond it says no more."""


@dataclass(frozen=True)
class ExpressionConfig:
    """What all expression networks need to know."""

    features: int = 53
    labels: int = 8
    actions: int = 35
    hidden: int = 96
    """Numbers that describe what is seen before it is named."""
    dropout: float = 0.2
    """Share of them that is left out while learning."""
    differences: bool = True
    """Whether it is given the differences from look to look beside the looks themselves."""

    def __post_init__(self) -> None:
        if min(self.features, self.labels, self.actions, self.hidden) < 1 or not 0.0 <= self.dropout < 1.0:
            raise ValueError(f"got {self}, expected counts from 1 and a dropout below 1")

    @property
    def sizes(self) -> list[int]:
        """Of the parts that are read at once: labels and none of them, intensity, phases, their age, actions."""
        return [self.labels + 1, 1, PHASES, 1, self.actions]


class ExpressionNetwork(StreamingNetwork):
    """Features in, label, intensity, phase and actions out."""

    task = "expression"
    normalisation = "inside the network: differences from the face's neutral in standard deviations"
    config: ExpressionConfig

    def __init__(self, config: ExpressionConfig) -> None:
        super().__init__()
        self.config = config
        # Set before training, from the data; random as the weights are until then.
        self.register_buffer("per_spread", 1.0 + torch.rand(config.features))

    def inputs(self) -> tuple[Named, ...]:
        """Of a frame."""
        f = self.config.features
        return (
            Named("features", (f,), "what is read of the face"),
            Named("neutral", (f,), "the same of this face at rest"),
            Named("known", (1,), "how well its rest is known, from 0 to 1"),
            Named("dt", (1,), "since the face's last frame, s; 0 in its first"),
        )

    def outputs(self) -> tuple[Named, ...]:
        """Of a frame."""
        return (
            Named("labels", (self.config.labels + 1,), "probability of each label, and of none of them at the end"),
            Named("intensity", (1,), "of the expression, 0 to 1"),
            Named("phases", (PHASES,), "probability of neutral, onset, apex, offset"),
            Named("age", (1,), f"time since the likeliest phase began, s; at most {LONGEST_S:g}"),
            Named("actions", (self.config.actions,), "how far each facial action goes beyond rest, 0 to 1"),
        )

    def memory(self) -> tuple[Named, ...]:
        """The frames of the last 0.4 s."""
        f = self.config.features
        return (
            Named("history", (REMEMBERED, f), "differences from neutral, the newest first"),
            Named("ages", (REMEMBERED,), "of these, s"),
            Named("begun", (1,), "1 after the first frame"),
        )

    def step(self, inputs: Tensors, memory: Tensors) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """A frame."""
        off = self.from_neutral(inputs["features"], inputs["neutral"]).unsqueeze(1)
        begun = memory["begun"].unsqueeze(2)
        history = torch.cat([off, torch.where(begun > 0.0, memory["history"], off)[:, :-1]], dim=1)
        older = memory["ages"] + inputs["dt"].clamp(min=LEAST_DT_S)
        ages = torch.cat([torch.zeros_like(inputs["dt"]), older[:, :-1]], dim=1)
        outputs = self.named(interpolated(history, ages), inputs["known"])
        return outputs, {"history": history, "ages": ages, "begun": torch.ones_like(memory["begun"])}

    def from_neutral(self, features: Tensor, neutral: Tensor) -> Tensor:
        """(…, F) how far features are from the face's own rest, in what is usual of one person."""
        return ((features - neutral) * self.per_spread).clamp(-FURTHEST, FURTHEST)

    def named(self, looks: Tensor, known: Tensor) -> dict[str, Tensor]:
        """Outputs of looks (B, LOOKS, F), the oldest first, and of how well the rest is known (B, 1)."""
        labels, intensity, phases, age, actions = self.logits(looks, known)
        return {
            "labels": torch.softmax(labels, dim=1),
            "intensity": torch.sigmoid(intensity),
            "phases": torch.softmax(phases, dim=1),
            "age": LONGEST_S * torch.sigmoid(age),
            "actions": torch.sigmoid(actions),
        }

    def logits(self, looks: Tensor, known: Tensor) -> list[Tensor]:
        """The outputs before they become probabilities, in their order."""
        steps = torch.cat([torch.zeros_like(looks[:, :1]), looks[:, 1:] - looks[:, :-1]], dim=1)
        if not self.config.differences:
            steps = torch.zeros_like(steps)
        seen = torch.stack([looks, steps], dim=2)  # (B, LOOKS, 2, F)
        return list(self.read(seen, known).split(self.config.sizes, dim=1))

    def read(self, seen: Tensor, known: Tensor) -> Tensor:
        """(B, sum of the sizes) of features and their differences (B, LOOKS, 2, F), and of what is known (B, 1)."""
        raise NotImplementedError

    def example(self, faces: int, frames: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Faces whose features wander about their neutral."""
        f = self.config.features
        neutral = 2.0 + torch.randn(faces, 1, f, generator=generator)
        steps = 0.1 * torch.randn(faces, frames, f, generator=generator) / self.per_spread
        rates_hz = 15.0 + 105.0 * torch.rand(faces, 1, 1, generator=generator)
        return {
            "features": neutral + steps.cumsum(dim=1),
            "neutral": neutral.expand(faces, frames, f).clone(),
            "known": torch.rand(faces, 1, 1, generator=generator).expand(faces, frames, 1).clone(),
            "dt": (1.0 / rates_hz).expand(faces, frames, 1).clone(),
        }


class Blocks(nn.Module):
    """Multilayer perceptron blocks: each adds to what it is given."""

    def __init__(self, features: int, config: ExpressionConfig) -> None:
        super().__init__()
        self.gather = nn.Linear(features + 1, config.hidden)
        self.mix = nn.Linear(config.hidden, config.hidden)
        self.name = nn.Linear(config.hidden, sum(config.sizes))
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, features: Tensor, known: Tensor) -> Tensor:
        """(B, features) and (B, 1) to (B, sum of the sizes)."""
        hidden = self.dropout(torch.relu(self.gather(torch.cat([features, known], dim=1))))
        return self.name(self.dropout(hidden + torch.relu(self.mix(hidden))))


def interpolated(history: Tensor, ages: Tensor) -> Tensor:
    """(B, LOOKS, F) the oldest first, of frames (B, H, F) of rising ages (B, H); before the oldest nothing changed.

    A look is the newest frame plus, for each step back in time, the part of it that lies after the look.
    """
    wanted = torch.arange(LOOKS - 1, -1, -1, dtype=ages.dtype, device=ages.device) * APART_S
    lengths = (ages[:, 1:] - ages[:, :-1]).clamp(min=LEAST_DT_S)
    passed = ((wanted[None, :, None] - ages[:, None, :-1]) / lengths[:, None]).clamp(0.0, 1.0)
    return history[:, :1] + torch.matmul(passed, history[:, 1:] - history[:, :-1])
