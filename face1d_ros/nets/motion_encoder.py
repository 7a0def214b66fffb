"""Facial motion to one vector, as Sun et al. (Electronics 2022, Figures 2 and 3) have it.

Features of each frame, positional encoding, stacked Transformer layers, the maximum over time, a linear layer, a unit
vector. Two clips are as alike as the product of their vectors says. Clips are of any length up to the longest: a mask
says which frames there are. Letters: B clips, T frames, N landmarks, D width, E size of the vector.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from face1d_ros.nets.network import Named, StreamingNetwork, Tensors

NOWHERE = -1e4
"""Added to what a mask rules out: finite, so that a clip without any frame gives no NaN."""
SMALLEST = 1e-6
FURTHEST = 8.0
"""Of a coordinate from its rest, in what is usual: beyond it says no more."""
CURVES, MAPS = "curves", "maps"
EXAMPLES = 32
"""Different maps among those that runtimes are compared on."""
MAP_SHAPE = (512, 7, 7)
"""What MobileFaceNet has before its last layers, of a face crop of 112²."""


@dataclass(frozen=True)
class MotionEncoderConfig:
    """Sizes. The paper does not give its own."""

    spatial: str = CURVES
    """What a frame brings: `curves`, offsets of landmarks from rest along the face's curves, or `maps`, the features
    of a MobileFaceNet."""
    landmarks: int = 68
    order: tuple[int, ...] = tuple(range(68))
    """The landmarks along the face's curves."""
    frames: int = 128
    width: int = 96
    heads: int = 4
    layers: int = 2
    inner: int = 192
    embedding: int = 128
    dropout: float = 0.1
    channels: tuple[int, int] = (16, 24)

    def __post_init__(self) -> None:
        counts = (self.frames, self.heads, self.layers, self.inner, self.embedding, *self.channels)
        fits = self.width % (2 * self.heads) == 0 and sorted(self.order) == list(range(self.landmarks))
        if self.spatial not in (CURVES, MAPS) or min(counts) < 1 or not fits or not 0.0 <= self.dropout < 1.0:
            raise ValueError(
                f"got {self}, expected counts from 1, heads that divide half the width, each landmark once"
            )


class MotionEncoder(StreamingNetwork):
    """A clip in, its vector out; nothing is remembered from clip to clip."""

    family = "motion_encoder"
    task = "identity"
    normalisation = "inside the network: offsets from rest in standard deviations"
    config: MotionEncoderConfig

    def __init__(self, config: MotionEncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.spatial: nn.Module = CurveEncoder(config) if config.spatial == CURVES else MapEncoder(config)
        self.register_buffer("positions", positional_encoding(config.frames, config.width), persistent=False)
        self.layers = nn.ModuleList(EncoderLayer(config) for _ in range(config.layers))
        self.norm = norm(config.width)
        self.embed = nn.Linear(config.width, config.embedding)

    def inputs(self) -> tuple[Named, ...]:
        """Of a clip."""
        c = self.config
        what = (
            Named(
                "points",
                (c.frames, 3 * c.landmarks),
                "landmarks without the head's pose, off rest, cm: x y z, x y z, …",
            )
            if c.spatial == CURVES
            else Named("maps", (c.frames, *MAP_SHAPE), "features of a MobileFaceNet")
        )
        return (what, Named("mask", (c.frames,), "1 where there is a frame, 0 after the last"))

    def outputs(self) -> tuple[Named, ...]:
        """Of a clip."""
        return (
            Named("embedding", (self.config.embedding,), "of length 1; the product of two says how alike they are"),
        )

    def memory(self) -> tuple[Named, ...]:
        """None."""
        return ()

    def step(self, inputs: Tensors, memory: Tensors) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """A clip."""
        given = inputs["points" if self.config.spatial == CURVES else "maps"]
        return {"embedding": self.encoded(given, inputs["mask"])}, {}

    def encoded(self, given: Tensor, mask: Tensor) -> Tensor:
        """(B, E) of frames (B, T, …) and mask (B, T); T may be shorter than the longest clip."""
        absent = (1.0 - mask).unsqueeze(2) * NOWHERE  # (B, T, 1)
        x = self.spatial(given) + self.positions[: given.shape[1]]
        for layer in self.layers:
            x = layer(x, absent.transpose(1, 2).unsqueeze(1))
        highest = (self.norm(x) + absent).amax(dim=1)
        vector = self.embed(highest.clamp(min=-FURTHEST))
        return vector / vector.square().sum(dim=1, keepdim=True).add(SMALLEST).sqrt()

    def example(self, faces: int, frames: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Clips of different lengths in which the face wanders about its rest."""
        c = self.config
        lengths = torch.randint(c.frames // 4, c.frames + 1, (faces, frames, 1), generator=generator)
        mask = (torch.arange(c.frames) < lengths).float()
        shape = (3 * c.landmarks,) if c.spatial == CURVES else MAP_SHAPE
        if c.spatial == CURVES:
            values = torch.randn(faces, frames, c.frames, *shape, generator=generator)
        else:  # a few values only, and frames that come again: a golden run may not become too large
            seen = torch.round(2.0 * torch.randn(EXAMPLES, *shape, generator=generator)) / 2.0
            values = seen[torch.randint(0, EXAMPLES, (faces, frames, c.frames), generator=generator)]
        name = "points" if c.spatial == CURVES else "maps"
        return {name: 0.2 * values * mask.reshape(*mask.shape, *(1 for _ in shape)), "mask": mask}


class CurveEncoder(nn.Module):
    """1D convolutions over the ordered landmarks of each frame."""

    def __init__(self, config: MotionEncoderConfig) -> None:
        super().__init__()
        first, second = config.channels
        # Set before training, from the data; random as the weights are until then.
        self.register_buffer("per_spread", 1.0 + torch.rand(3 * config.landmarks))
        self.register_buffer("order", torch.tensor(config.order), persistent=False)
        self.near = nn.Conv1d(3, first, 5, 2, 2)
        self.far = nn.Conv1d(first, second, 5, 2, 2)
        length = (config.landmarks + 3) // 4
        self.gather = nn.Linear(second * length + 3 * config.landmarks, config.width)
        self.landmarks = config.landmarks

    def forward(self, points: Tensor) -> Tensor:
        """(B, T, 3 N) to (B, T, D)."""
        off = (points * self.per_spread).clamp(-FURTHEST, FURTHEST)
        batch, frames = off.shape[:2]
        along = off.reshape(batch * frames, self.landmarks, 3)[:, self.order].transpose(1, 2)
        x = torch.relu(self.far(torch.relu(self.near(along))))
        seen = torch.cat([x.flatten(1), along.flatten(1)], dim=1)
        return self.gather(seen).reshape(batch, frames, -1)


class MapEncoder(nn.Module):
    """The adapter to a MobileFaceNet: as its own last layers, a convolution over the whole map for each channel."""

    def __init__(self, config: MotionEncoderConfig) -> None:
        super().__init__()
        channels, height, width = MAP_SHAPE
        self.whole = nn.Conv2d(channels, channels, (height, width), groups=channels)
        self.gather = nn.Linear(channels, config.width)

    def forward(self, maps: Tensor) -> Tensor:
        """(B, T, 512, 7, 7) to (B, T, D)."""
        batch, frames = maps.shape[:2]
        whole = torch.relu(self.whole(maps.reshape(batch * frames, *MAP_SHAPE)).flatten(1))
        return self.gather(whole).reshape(batch, frames, -1)


class EncoderLayer(nn.Module):
    """Self-attention among frames, then two layers for each frame."""

    def __init__(self, config: MotionEncoderConfig) -> None:
        super().__init__()
        self.heads, self.size = config.heads, config.width // config.heads
        self.norm_attention, self.norm_inner = norm(config.width), norm(config.width)
        self.attend = nn.Linear(config.width, 3 * config.width)
        self.join = nn.Linear(config.width, config.width)
        self.inner, self.outer = nn.Linear(config.width, config.inner), nn.Linear(config.inner, config.width)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, absent: Tensor) -> Tensor:
        """(B, T, D); absent (B, 1, 1, T) is far below 0 where there is no frame."""
        rows = x.flatten(0, 1)  # (B T, D): so weights keep their layout in ONNX
        rows = rows + self.dropout(self._attention(self.norm_attention(rows), x.shape[:2], absent))
        rows = rows + self.dropout(self.outer(functional.gelu(self.inner(self.norm_inner(rows)))))
        return rows.reshape(x.shape)

    def _attention(self, rows: Tensor, shape: torch.Size, absent: Tensor) -> Tensor:
        """(B T, D)"""
        parts = self.attend(rows).reshape(*shape, 3, self.heads, self.size).permute(2, 0, 3, 1, 4)
        query, key, value = parts.unbind(0)  # (B, H, T, D/H)
        weights = torch.softmax(torch.matmul(query, key.transpose(2, 3)) / math.sqrt(self.size) + absent, dim=3)
        return self.join(torch.matmul(weights, value).transpose(1, 2).flatten(2).flatten(0, 1))


def norm(width: int) -> nn.LayerNorm:
    """With weights that are not all alike: of tensors with equal values the exporter keeps one."""
    made = nn.LayerNorm(width)
    nn.init.normal_(made.weight, 1.0, 0.02)
    nn.init.normal_(made.bias, 0.0, 0.02)
    return made


def positional_encoding(frames: int, width: int) -> Tensor:
    """(T, D) sines and cosines of wavelengths from 2π to 2π · 1000 frames (Vaswani et al. 2017, Section 3.5)."""
    rates = torch.exp(torch.arange(0, width, 2) * (-math.log(1000.0) / width))
    angles = torch.arange(frames)[:, None] * rates
    return torch.stack([torch.sin(angles), torch.cos(angles)], dim=2).reshape(frames, width)
