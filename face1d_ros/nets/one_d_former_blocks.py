"""The parts of 1DFormer: tokens, temporal and structural encoding, heatmap decoders.

A token is what is known of a landmark on one axis. Each axis has weights of its own, as in the paper.
Shapes: B faces, A axes, N landmarks, W frames of the window, L numbers of a token, H heads of Q numbers, D bins.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from face1d_ros.nets.network import Tensors

AXES = 3
"""x and y as in the paper, and z."""
SPAN = 3.6
"""Of the face's size: how far the tokens' bins go from its middle, either way. The furthest landmark is at 3.4."""
DOUBT = 4.0
"""How many times wider the likelihood of a landmark without confidence is, beside one bin."""
LABEL_BINS = 1.5
"""Standard deviation of a heatmap, in bins: that of the labels, and of each heatmap before training."""
SHIFTS = 4
"""Numbers for how far a place has shifted: near and far, of the landmark in its face and of the whole face."""
FAR = 5.0
"""How many times coarser far is than near."""
NOWHERE = -1e4
"""The score of a frame that there was not."""
KERNEL = 3


class AxisLinear(nn.Module):
    """(B, A, …, I) to (B, A, …, O) with weights for each axis, multiplied as they are stored."""

    def __init__(self, inputs: int, outputs: int, *, zero: bool = False) -> None:
        super().__init__()
        scale = 0.0 if zero else inputs**-0.5
        self.weight = nn.Parameter(scale * torch.randn(AXES, inputs, outputs))
        self.bias = nn.Parameter(0.1 * inputs**-0.5 * torch.randn(AXES, 1, outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Of tokens (B, A, N, I)."""
        return torch.matmul(x, self.weight) + self.bias


class Norm(nn.LayerNorm):
    """Of each token. Its weights begin near 1 and 0, not at them: of equal tensors the exporter keeps one."""

    def reset_parameters(self) -> None:
        """Random weights."""
        nn.init.normal_(self.weight, 1.0, 0.01)
        nn.init.normal_(self.bias, 0.0, 0.01)


class LikelihoodTokens(nn.Module):
    """The tokens s of one frame from measured landmarks, where the paper has a network for pixels.

    On each axis a Gaussian over bins says where in its face the landmark was seen; the less it is trusted, the wider
    and lower. Any module with the same `forward` can take its place: `frame` has all that a frame brings by its names,
    with "confidence" in the network's order; "place" (B, A, N), the landmarks from the face's middle in parts of its
    size; and "steps" (B, 1), the logarithm of the time step in frames at the reference rate.
    """

    def __init__(self, bins: int, length: int) -> None:
        super().__init__()
        self.width = 2.0 * SPAN / bins
        self.register_buffer("centres", self.width * (torch.arange(bins) - 0.5 * (bins - 1)), persistent=False)
        self.encode = AxisLinear(bins, length)
        self.time = nn.Parameter(0.1 * torch.randn(AXES, 1, length))

    def forward(self, frame: Tensors) -> Tensor:
        """(B, A, N, L)."""
        spread = 1.0 + DOUBT * (1.0 - frame["confidence"].unsqueeze(1).unsqueeze(3))  # (B, 1, N, 1) bins
        away = (frame["place"].unsqueeze(3) - self.centres) / (self.width * spread)  # (B, A, N, D)
        likelihood = torch.exp(-0.5 * away * away) / spread
        encoded: Tensor = self.encode(likelihood)
        return encoded + frame["steps"].reshape(-1, 1, 1, 1) * self.time


class Window(nn.Module):
    """The tokens of a window on the axes of its newest frame, with their alp embeddings (section 3.2).

    In the paper all frames of a window share the crop's axes. Here each frame's token is about a place of its own; how
    far that is from where the landmark is measured now is added to it, along learned directions.
    """

    def __init__(self, landmarks: int, window: int, length: int) -> None:
        super().__init__()
        self.embeddings = nn.Parameter(
            0.1 * torch.randn(AXES, landmarks, window, length)
        )  # e, axis, landmark, position
        self.shift = nn.Parameter(torch.randn(AXES, SHIFTS, length))

    def forward(self, tokens: Tensor, off: Tensor, weight: Tensor) -> Tensor:
        """(B, A, N, W, L), with how far each is off (B, A, N, W), in units, and the landmarks' weights (B, 1, N, 1)."""
        common = (weight * off).mean(dim=2, keepdim=True)
        beyond = off - common
        common = common.expand_as(off)
        shifts = functional.softsign(torch.stack([beyond, beyond / FAR, common, common / FAR], dim=4))
        shifted = torch.matmul(shifts.flatten(2, 3), self.shift)  # (B, A, N · W, L)
        return tokens + self.embeddings + shifted.reshape(tokens.shape)


class Attention(nn.Module):
    """Confidence-enhanced multi-head attention of the newest token to its window, equations 3 and 4."""

    def __init__(self, length: int, heads: int) -> None:
        super().__init__()
        each = length // heads
        self.scale = each**-0.5
        self.queries = nn.Parameter(length**-0.5 * torch.randn(AXES, heads, length, each))
        self.keys = nn.Parameter(length**-0.5 * torch.randn(AXES, heads, each, length))
        self.values = nn.Parameter(length**-0.5 * torch.randn(AXES, heads, length, each))
        self.join = nn.Parameter(length**-0.5 * torch.randn(AXES, heads, each, length))

    def weights(self, window: Tensor, there: Tensor, certainty: Tensor | None) -> Tensor:
        """(B, A, N, H, W) the weights a, from a window (B, A, N, W, L).

        `there` (B, 1, 1, 1, W) is 0 for frames before the face's first; `certainty` c (B, A, N, W), None without it.
        """
        newest = window[:, :, :, 0].unsqueeze(2)  # (B, A, 1, N, L)
        # q Kᵀ = (q W_k) Iᵀ, and a (I W_v) = (a I) W_v: so W tokens need no keys and values of their own.
        asked = torch.matmul(torch.matmul(newest, self.queries), self.keys).transpose(2, 3)  # (B, A, N, H, L)
        scores = self.scale * torch.matmul(asked, window.transpose(3, 4))
        if certainty is not None:
            scores = scores * certainty.unsqueeze(3)
        return torch.softmax(scores + NOWHERE * (1.0 - there), dim=4)

    def forward(self, window: Tensor, there: Tensor, certainty: Tensor | None) -> Tensor:
        """(B, A, N, L) what is heard."""
        mixed = torch.matmul(self.weights(window, there, certainty), window).transpose(2, 3)  # (B, A, H, N, L)
        return torch.matmul(torch.matmul(mixed, self.values), self.join).sum(dim=2)


class Mean(nn.Module):
    """In place of attention: the window's mean (−a in Table 1)."""

    def forward(self, window: Tensor, there: Tensor, certainty: Tensor | None) -> Tensor:
        """(B, A, N, L), of the frames that there were."""
        return torch.matmul(there / there.sum(dim=4, keepdim=True), window).squeeze(3)


class Mixing(nn.Module):
    """What the newest token hears is added to it; then two layers for each token."""

    def __init__(self, length: int, hear: Attention | Mean) -> None:
        super().__init__()
        self.hear = hear
        self.heard_norm, self.norm = Norm(length), Norm(length)
        self.feed_forward = FeedForward(length, length, length)

    def forward(self, window: Tensor, there: Tensor, certainty: Tensor | None) -> Tensor:
        """(B, A, N, L)."""
        tokens: Tensor = self.heard_norm(window[:, :, :, 0] + self.hear(window, there, certainty))
        mixed: Tensor = self.norm(tokens + self.feed_forward(tokens))
        return mixed


class FeedForward(nn.Module):
    """Two layers for each token: L to O through R, with nothing to say before training where `zero`."""

    def __init__(self, length: int, hidden: int, outputs: int, *, zero: bool = False) -> None:
        super().__init__()
        self.widen, self.narrow = AxisLinear(length, hidden), AxisLinear(hidden, outputs, zero=zero)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, A, N, L) to (B, A, N, O)."""
        narrow: Tensor = self.narrow(functional.relu(self.widen(tokens)))
        return narrow


class Structure(nn.Module):
    """A residual 1D convolution, equations 5 and 6: landmarks are its channels, tokens what it runs along."""

    def __init__(self, landmarks: int, length: int, full: int, rank: int) -> None:
        super().__init__()
        channels = AXES * landmarks
        if landmarks <= full:
            self.convolve: nn.Module = nn.Conv1d(channels, channels, KERNEL, padding=1, groups=AXES)
        else:
            narrow = AXES * rank
            self.convolve = nn.Sequential(
                nn.Conv1d(channels, narrow, KERNEL, padding=1, groups=AXES),
                nn.Conv1d(narrow, channels, 1, groups=AXES),
            )
        self.norm = Norm(length)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, A, N, L) to (B, A, N, L)."""
        landmarks, length = tokens.shape[2], tokens.shape[3]
        convolved = self.convolve(tokens.reshape(-1, AXES * landmarks, length))
        normed: Tensor = self.norm(convolved.reshape(-1, AXES, landmarks, length) + tokens)
        return normed


class Groups(nn.Module):
    """One `Structure` for each group of landmarks, that stand one group after the other."""

    def __init__(self, sizes: Sequence[int], length: int, full: int, rank: int) -> None:
        super().__init__()
        self.sizes = tuple(sizes)
        self.structures = nn.ModuleList(Structure(size, length, full, rank) for size in sizes)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, A, N, L) to (B, A, N, L)."""
        groups = tokens.split(self.sizes, dim=2)
        return torch.cat([structure(group) for structure, group in zip(self.structures, groups, strict=True)], dim=2)


class HeatmapDecoder(nn.Module):
    """The decoders f_de: from a token to a distribution over bins around where the landmark was measured."""

    def __init__(self, length: int, bins: int, reach: float) -> None:
        super().__init__()
        index = torch.arange(bins) - 0.5 * (bins - 1)
        self.register_buffer("centres", 2.0 * reach / bins * index, persistent=False)
        self.score = FeedForward(length, length, bins, zero=True)
        with torch.no_grad():  # the likelihood of the measurement itself
            self.score.narrow.bias.copy_((-0.5 * (index / LABEL_BINS) ** 2).expand(AXES, 1, bins))

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Heatmaps h (B, A, N, D) that sum to 1, and their means (B, A, N) in parts of the face's size."""
        heatmaps = torch.softmax(self.score(tokens), dim=3)
        return heatmaps, torch.matmul(heatmaps, self.centres.unsqueeze(1)).squeeze(3)
