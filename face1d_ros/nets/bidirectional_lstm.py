"""A bidirectional LSTM with a fixed look-ahead (review, equation 17): it waits for k frames and then looks back.

What goes in at frame t comes out at frame t + k. The forward half remembers all frames up to the one that comes out;
the backward half begins anew in each step, at the newest frame, and ends at the one that comes out.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from face1d_ros.nets.lstm import lstm_cell
from face1d_ros.nets.network import Linear, Named, Tensors
from face1d_ros.nets.smoother import (
    FEATURES,
    LEAST_DT_S,
    LEAST_WEIGHT,
    REFERENCE_HZ,
    UNIT,
    Smoother,
    SmootherConfig,
)

WAITING = "waiting_"
AHEAD = "ahead"
FACE_AHEAD = 5
"""Of a frame ahead: how far off the whole face is (3), logarithm of its time step (1), whether it is seen (1)."""


@dataclass(frozen=True)
class BidirectionalLstmConfig(SmootherConfig):
    """The common sizes, and how long it waits."""

    look_ahead: int = 4
    """Frames from which a landmark is seen to when it comes out: 133 ms at 30 Hz."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.look_ahead < 1:
            raise ValueError(f"look_ahead: got {self.look_ahead}, expected 1 frame or more; `lstm` has none")


class BidirectionalLstm(Smoother):
    """The adaptive filter is that of all smoothers, of the frame that comes out; frames ahead only steer it.

    A face's first frame stands for those before it, so in its first k steps that frame comes out.
    """

    family = "bidirectional_lstm"
    config: BidirectionalLstmConfig

    def __init__(self, config: BidirectionalLstmConfig) -> None:
        super().__init__(config)
        self.look_ahead = config.look_ahead
        width = config.width
        self.landmarks_ahead_to_part = Linear(config.part * FEATURES, width, bias=False)
        self.face_ahead_to_parts = Linear(FACE_AHEAD, width)
        self.forward_gates = Linear(2 * width, 4 * width)
        self.backward_gates = Linear(2 * width, 4 * width)
        self.join = Linear(2 * width, width)

    def step(self, inputs: Tensors, memory: Tensors) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """The newest frame in, the oldest that waits out."""
        met = memory["met"] > 0.0  # (B, 1)
        frames: dict[str, Tensor] = {}
        for name, newest in inputs.items():
            waiting = memory[WAITING + name]  # (B, k, …)
            met_before = met.reshape(-1, *[1] * (waiting.ndim - 1))
            waiting = torch.where(met_before, waiting, newest.unsqueeze(1))
            frames[name] = torch.cat([waiting, newest.unsqueeze(1)], dim=1)  # (B, k + 1, …)
        now = {name: tensor[:, 0] for name, tensor in frames.items()}
        ahead = {name: tensor[:, 1:] for name, tensor in frames.items()}
        seen_ahead = {AHEAD: self._parts_ahead(now, ahead, memory["previous"])}
        outputs, after = super().step(now, {**memory, **seen_ahead})
        after |= {WAITING + name: tensor for name, tensor in ahead.items()}
        return outputs, {**after, "met": torch.ones_like(memory["met"])}

    def context(self, parts: Tensor, memory: Tensors) -> tuple[Tensor, dict[str, Tensor]]:
        """Equation 17: both states of the frame that comes out, side by side."""
        width = self.config.width
        past, past_cell = lstm_cell(self.forward_gates, width, parts, memory["hidden"], memory["cell"])
        future = future_cell = torch.zeros_like(parts)
        for frame in reversed(memory[AHEAD].unbind(dim=1)):
            future, future_cell = lstm_cell(self.backward_gates, width, frame, future, future_cell)
        future, _ = lstm_cell(self.backward_gates, width, parts, future, future_cell)
        return self.join(torch.cat([past, future], dim=1)), {"hidden": past, "cell": past_cell}

    def context_memory(self) -> tuple[Named, ...]:
        """The forward states, the frames that wait, oldest first, and whether there was one."""
        shape = (self.config.width, self.parts)
        k = self.look_ahead
        return (
            Named("hidden", shape, "state of the forward LSTM"),
            Named("cell", shape, "state of the forward LSTM"),
            *(Named(WAITING + n.name, (k, *n.shape), f"frames that wait: {n.meaning}") for n in self.inputs()),
            Named("met", (1,), "1 after the face's first frame"),
        )

    def _parts_ahead(self, now: Tensors, ahead: Tensors, previous: Tensor) -> Tensor:
        """(B, k, D, M) the parts in each frame ahead, seen from the last output."""
        measured = now["landmarks"][:, self.slots].transpose(1, 2)  # (B, 3, S) px
        last, _, size = self._last(measured, previous)
        confidence = ahead["confidence"][:, :, self.slots].unsqueeze(2)  # (B, k, 1, S)
        seen = (confidence.amax(dim=3, keepdim=True) > 0.0).to(last.dtype)  # (B, k, 1, 1)
        off = ahead["landmarks"][:, :, self.slots].transpose(2, 3) - last.unsqueeze(1)
        off = seen * off / (UNIT * size).unsqueeze(1)  # (B, k, 3, S)
        weight = (confidence + LEAST_WEIGHT) * self.counts
        weight = weight / weight.mean(dim=3, keepdim=True)
        common = (weight * off).mean(dim=3, keepdim=True)  # (B, k, 3, 1)
        features = torch.cat([functional.softsign(off), functional.softsign(off - common), confidence], dim=2)
        steps = torch.log(ahead["dt"].clamp(min=LEAST_DT_S) * REFERENCE_HZ)  # (B, k, 1)
        face = torch.cat([functional.softsign(common), steps.unsqueeze(3), seen], dim=2)  # (B, k, 5, 1)
        features = features.reshape(-1, self.look_ahead, FEATURES * self.config.part, self.parts)
        parts = self.landmarks_ahead_to_part(features) + self.place + self.face_ahead_to_parts(face)
        return functional.relu(parts)
