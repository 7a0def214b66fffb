"""What goes into a network that reads a 3D face model's coefficients from landmarks, and what comes out.

It looks at landmarks with rotation, scale and place taken off, and at the turn that was taken off: what the detector
gets wrong depends on the side it sees a face from. Shapes: B faces, N landmarks, S slots in the order of curves,
I identity and K expression coefficients, M anchors.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from face1d_ros.nets.network import Named, StreamingNetwork, Tensors

CHANNELS = 4
"""Of a landmark: how far off the usual place (3), confidence (1)."""
TURN_FEATURES = 9
PATCH = 16
"""Slots are a multiple of this: 30 patches of 478 landmarks."""
FURTHEST = 8.0
"""Of a landmark from its usual place, in standard deviations: what is further off says no more."""
MOST_IDENTITY = 5.0
"""Standard deviations."""
LOG_VARIANCE = (-8.0, 3.0)
MOST_TURN_RAD = 0.7
"""Of the correction about each axis."""
BESIDE = 0.1
"""What learning still sees of an expression beyond its bounds, so that it comes back."""


@dataclass(frozen=True)
class MeshConfig:
    """What all mesh networks need to know."""

    landmarks: int = 478
    identity: int = 100
    expression: int = 53
    anchors: int = 33
    """Landmarks that move little with expression."""
    order: tuple[int, ...] = ()
    """(S,) the landmark in each slot, each once before any stands again; empty: as they come."""
    hidden: int = 192
    """Numbers that describe a face before its coefficients are read off."""
    rank: int = 96
    """Of the straight way from landmarks to estimates."""

    def __post_init__(self) -> None:
        if self.order and set(self.order[: self.landmarks]) != set(range(self.landmarks)):
            raise ValueError(f"order: got {len(self.order)} landmarks, expected each of {self.landmarks} first")
        counts = (self.landmarks, self.identity, self.expression, self.anchors, self.hidden, self.rank)
        if min(counts) < 1:
            raise ValueError(f"sizes: got {self}, expected counts from 1")

    @property
    def slots(self) -> tuple[int, ...]:
        """(S,) the landmark in each slot; without an order the last one fills up the last patch."""
        filled = -(-self.landmarks // PATCH) * PATCH
        return self.order or tuple(min(index, self.landmarks - 1) for index in range(filled))

    @property
    def estimates(self) -> int:
        """Identity, its log variance, expression, rotation."""
        return 2 * self.identity + self.expression + 3


class MeshNetwork(StreamingNetwork):
    """Aligned landmarks in, coefficients out."""

    task = "mesh"
    normalisation = "inside the network: differences from the mean aligned face; landmarks in cm as the alignment gives"
    config: MeshConfig

    def __init__(self, config: MeshConfig) -> None:
        super().__init__()
        self.config = config
        n, m = config.landmarks, config.anchors
        self.register_buffer("slots", torch.tensor(config.slots), persistent=False)
        # Set before training, from the data and the face model; random as the weights are until then.
        self.register_buffer("centre", torch.randn(n, 3))
        self.register_buffer("per_spread", 1.0 + torch.rand(n, 3))
        self.register_buffer("anchors_mean", torch.randn(3 * m))
        self.register_buffer("anchors_identity", torch.randn(config.identity, 3 * m))

    def inputs(self) -> tuple[Named, ...]:
        """Of a frame."""
        n = self.config.landmarks
        return (
            Named("aligned", (n, 3), "landmarks in the canonical face's place, size and axes, cm"),
            Named("turn", (3,), "yaw, pitch and roll that were taken off, rad"),
            Named("confidence", (n,), "of each landmark, from 0 to 1"),
            Named("dt", (1,), "since the face's last frame, s; 0 in its first"),
        )

    def outputs(self) -> tuple[Named, ...]:
        """Of a frame."""
        c = self.config
        return (
            Named("identity", (c.identity,), "identity coefficients as this frame has them, standard deviations"),
            Named("identity_log_variance", (c.identity,), "natural logarithm of their variances"),
            Named("expression", (c.expression,), "expression coefficients, 0 to 1"),
            Named("rotation_correction", (3,), "rotation vector in the head frame, rad: R · exp(this) is the head's"),
            Named("anchors_mm", (c.anchors, 3), "landmarks of this head that keep still, in its facing frame, mm"),
            Named("anomaly", (1,), "error of what was predicted for this frame, in usual ones; 0 where none was"),
        )

    def estimate(self, inputs: Tensors) -> Tensor:
        """(B, 2 I + K + 3) identity, its log variance, expression, rotation, without bounds, of one frame alone."""
        raise NotImplementedError

    def split(self, estimate: Tensor) -> list[Tensor]:
        """Identity, log variance, expression, rotation."""
        c = self.config
        return list(estimate.split([c.identity, c.identity, c.expression, 3], dim=-1))

    def given(self, inputs: Tensors) -> tuple[Tensor, Tensor]:
        """(B, 4, S) how far each landmark is off and its confidence, and (B, 9) the turn."""
        off = ((inputs["aligned"] - self.centre) * self.per_spread).clamp(-FURTHEST, FURTHEST)
        points = torch.cat([off, inputs["confidence"].unsqueeze(2)], dim=2)[:, self.slots]
        sines = torch.sin(inputs["turn"])
        yaw, pitch, roll = sines.split(1, dim=1)
        products = torch.cat([yaw * pitch, yaw * roll, pitch * roll], dim=1)
        return points.transpose(1, 2), torch.cat([sines, sines * sines, products], dim=1)

    def bounded(self, estimate: Tensor, anomaly: Tensor) -> dict[str, Tensor]:
        """Outputs of an estimate (B, 2 I + K + 3)."""
        identity, log_variance, expression, rotation = self.split(estimate)
        identity = MOST_IDENTITY * torch.tanh(identity / MOST_IDENTITY)
        anchors = torch.matmul(identity, self.anchors_identity) + self.anchors_mean
        inside = expression.clamp(0.0, 1.0)
        if self.training:
            inside = inside + BESIDE * (expression - inside)
        return {
            "identity": identity,
            "identity_log_variance": log_variance.clamp(*LOG_VARIANCE),
            "expression": inside,
            "rotation_correction": MOST_TURN_RAD * torch.tanh(rotation / MOST_TURN_RAD),
            "anchors_mm": anchors.reshape(-1, self.config.anchors, 3),
            "anomaly": anomaly,
        }

    def example(self, faces: int, frames: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Faces about the mean one that change a little from frame to frame, turned by up to half a radian."""
        n = self.config.landmarks

        def normal(*size: int) -> Tensor:
            return torch.randn(*size, generator=generator)

        def uniform(*size: int) -> Tensor:
            return torch.rand(*size, generator=generator)

        off = normal(faces, 1, n, 3) + 0.3 * normal(faces, frames, n, 3)
        return {
            "aligned": self.centre + off / self.per_spread,
            "turn": (uniform(faces, 1, 3) - 0.5 + 0.02 * normal(faces, frames, 3)),
            "confidence": uniform(faces, frames, n).sqrt(),
            "dt": (1.0 / (15.0 + 105.0 * uniform(faces, 1, 1))).expand(faces, frames, 1).clone(),
        }


class FrameNetwork(MeshNetwork):
    """One that sees each frame by itself."""

    def memory(self) -> tuple[Named, ...]:
        """None."""
        return ()

    def step(self, inputs: Tensors, memory: Tensors) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """A frame."""
        # A multiple of the time step, so that the input stays in ONNX though nothing depends on it.
        return self.bounded(self.estimate(inputs), 0.0 * inputs["dt"]), {}


class Reading(nn.Module):
    """From what describes a face to its estimates: two layers, beside a straight linear way from the landmarks."""

    def __init__(self, config: MeshConfig, features: int) -> None:
        super().__init__()
        straight = 3 * config.landmarks + TURN_FEATURES
        self.straight = nn.Sequential(nn.Linear(straight, config.rank), nn.Linear(config.rank, config.estimates))
        self.gather = nn.Linear(features + TURN_FEATURES, config.hidden)
        self.mix = nn.Linear(config.hidden, config.hidden)
        self.read = nn.Linear(config.hidden, config.estimates)

    def forward(self, points: Tensor, features: Tensor, turn: Tensor) -> Tensor:
        """(B, 3 N) landmarks, (B, F) features and (B, 9) turn to (B, 2 I + K + 3)."""
        hidden = torch.relu(self.gather(torch.cat([features, turn], dim=1)))
        hidden = hidden + torch.relu(self.mix(hidden))
        return self.read(hidden) + self.straight(torch.cat([points, turn], dim=1))
