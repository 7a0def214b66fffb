"""1DFormer (Yin et al. 2024): tokens of landmarks on each axis that talk through time and along the face.

Here the tokens come from measured coordinates (`tokens`, to be replaced where they shall come from pixels). The axes
of a landmark begin where it is measured in this frame, so that a heatmap says how far off the measurement is. All is in
parts of the face's size in this frame: the output moves and grows with the input, and stays within `reach` of what is
measured.

A frame in which no landmark has any confidence is one in which the face was not seen; then the last place stands for
the measured one. Shapes as in `one_d_former_blocks.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from face1d_ros.nets.landmark_network import LandmarkNetwork
from face1d_ros.nets.network import Named, Tensors
from face1d_ros.nets.one_d_former_blocks import (
    AXES,
    Attention,
    FeedForward,
    Groups,
    HeatmapDecoder,
    LikelihoodTokens,
    Mean,
    Mixing,
    Structure,
    Window,
)
from face1d_ros.nets.one_d_former_loss import (
    CERTAINTY_WEIGHT,
    FIRST_PHASE,
    HEATMAP_WEIGHT,
    certainty_labels,
    certainty_loss,
    heatmap_labels,
    heatmap_loss,
)
from face1d_ros.nets.smoother import LEAST_DT_S, LEAST_SIZE_PX, LEAST_WEIGHT, REFERENCE_HZ, UNIT

GROUPS = 7
"""Brows, eyes, nose, mouth and contour, section 3.3."""
AGE = {"there": 1, "places": 3, "tokens": 3, "certainty": 3}
"""The dimension along which each memory goes back in time."""


@dataclass(frozen=True)
class OneDFormerConfig:
    """Sizes, and a switch for each part that Table 1 of the paper leaves out by turns."""

    landmarks: int = 478
    group_of: tuple[int, ...] = ()
    """Group of each landmark, from 0 to 6. Empty: seven runs of neighbours, as the landmarks come."""
    window: int = 10
    """W frames, the newest among them."""
    length: int = 16
    """L, numbers of a token: what runs for each landmark and axis has to be small."""
    heads: int = 2
    bins: int = 32
    """D, of a token's likelihood and of a heatmap."""
    reach: float = 0.6
    """Of the face's size: the most that a landmark is moved, about 12 % of the face's width."""
    full: int = 100
    """Landmarks up to which a convolution joins all with all; with more it goes through `rank` channels."""
    rank: int = 32
    temporal: bool = True
    """TE."""
    attention: bool = True
    """Off: TE−a, each token and the mean of its window."""
    recurrent: bool = True
    """Off: TE−r, the window has the tokens and places of single frames."""
    confidence: bool = True
    """Off: TE−c, equation 3 in place of 4."""
    intra: bool = True
    """IR."""
    inter: bool = True
    """IT."""

    def __post_init__(self) -> None:
        groups = set(self.group_of)
        if self.group_of and (len(self.group_of) != self.landmarks or groups != set(range(GROUPS))):
            raise ValueError(
                f"group_of: got {len(self.group_of)} landmarks in groups {sorted(groups)}, "
                f"expected {self.landmarks} in groups 0 to {GROUPS - 1}, none empty"
            )
        counts = (self.landmarks - GROUPS + 1, self.window - 1, self.length, self.bins - 1, self.full, self.rank)
        if min(counts) < 1 or not 0.0 < self.reach < 1.0:
            raise ValueError(
                f"sizes: got {self}, expected {GROUPS} landmarks, 2 frames and 2 bins or more, other counts from 1, "
                "and 0 < reach < 1"
            )
        if self.heads < 1 or self.length % self.heads:
            raise ValueError(f"heads: got {self.heads}, expected a divisor of the length {self.length}")

    @property
    def groups(self) -> tuple[int, ...]:
        """(N,) group of each landmark."""
        return self.group_of or tuple(index * GROUPS // self.landmarks for index in range(self.landmarks))

    @property
    def kept(self) -> int:
        """Frames that are remembered: one at least, to know where a face was that is not seen."""
        return self.window - 1 if self.temporal else 1

    @property
    def attends(self) -> bool:
        """Whether there is attention."""
        return self.temporal and self.attention

    @property
    def confident(self) -> bool:
        """Whether there are confidence branches."""
        return self.attends and self.confidence


class OneDFormer(LandmarkNetwork):
    """One basic block of the paper's Figure 3, causal."""

    family = "one_d_former"
    config: OneDFormerConfig

    def __init__(self, config: OneDFormerConfig) -> None:
        super().__init__()
        self.config = c = config
        # Inside, the landmarks of a group stand together.
        order = sorted(range(c.landmarks), key=lambda index: c.groups[index])
        self.register_buffer("order", torch.tensor(order), persistent=False)
        self.register_buffer("back", torch.argsort(torch.tensor(order)), persistent=False)
        self.tokens: nn.Module = LikelihoodTokens(c.bins, c.length)
        if c.temporal:
            self.window = Window(c.landmarks, c.window, c.length)
            self.mixing = Mixing(c.length, Attention(c.length, c.heads) if c.attention else Mean())
        if c.confident:
            self.certainty = FeedForward(c.length, c.length, 1)  # the branches f_c
        sizes = [c.groups.count(group) for group in range(GROUPS)]
        self.intra = Groups(sizes, c.length, c.full, c.rank) if c.intra else nn.Identity()
        self.inter = Structure(c.landmarks, c.length, c.full, c.rank) if c.inter else nn.Identity()
        self.decoder = HeatmapDecoder(c.length, c.bins, c.reach)

    def step(self, inputs: Tensors, memory: Tensors) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """A frame. Where gradients are recorded in training, its outputs have also what `own_loss` needs."""
        confidence = inputs["confidence"][:, self.order]  # (B, N)
        origin, size = self._axes(inputs["landmarks"][:, self.order].transpose(1, 2), confidence, memory)
        place = (origin - origin.mean(dim=2, keepdim=True)) / size
        steps = torch.log(inputs["dt"].clamp(min=LEAST_DT_S) * REFERENCE_HZ)
        tokens = self.tokens({**inputs, "confidence": confidence, "place": place, "steps": steps})  # (B, A, N, L), s
        certainty = torch.sigmoid(self.certainty(tokens)) if self.config.confident else None  # (B, A, N, 1), c
        mixed = tokens
        if self.config.temporal:
            mixed = self._mixed(tokens, origin, UNIT * size, confidence, certainty, memory)  # s' of equation 2
        features = self.inter(self.intra(mixed))  # P of equation 5, F of equation 6
        heatmaps, moved = self.decoder(features)
        refined = origin + size * moved

        outputs = {"refined": refined.transpose(1, 2)[:, self.back]}
        if self.training and torch.is_grad_enabled():
            outputs |= {"origins": origin.transpose(1, 2)[:, self.back], "sizes": size.flatten(1)}
            outputs["heatmaps"] = heatmaps[:, :, self.back]
            if certainty is not None:
                outputs["certainty"] = certainty[:, :, self.back, 0]
        kept = (mixed, refined) if self.config.recurrent else (tokens, origin)
        return outputs, self._remembered(*kept, certainty, memory)

    def own_loss(self, outputs: Tensors, truth: Tensor, measured: Tensor, share: float) -> Tensor:
        """Equation 7: λ_h L_h + λ_c L_c in the first half of the training, L_h in the second."""
        sizes = outputs["sizes"]  # (B, T, 1) px
        labels = heatmap_labels(truth, outputs["origins"], sizes, self.decoder.centres)
        loss = HEATMAP_WEIGHT * heatmap_loss(outputs["heatmaps"], labels)
        if self.config.confident and share < FIRST_PHASE:
            wanted = certainty_labels(truth, measured, sizes)
            loss = loss + CERTAINTY_WEIGHT * certainty_loss(outputs["certainty"], wanted)
        return loss

    def memory(self) -> tuple[Named, ...]:
        """The window without its newest frame, the newest first."""
        c, n, kept = self.config, self.config.landmarks, self.config.kept
        whose = "handed on" if c.recurrent else "measured"
        return (
            Named("there", (kept,), "1 for a frame that there was"),
            Named("places", (AXES, n, kept), f"landmarks as {whose}, in the network's order, px"),
            *([Named("tokens", (AXES, n, kept, c.length), f"tokens as {whose}")] if c.temporal else []),
            *([Named("certainty", (AXES, n, kept), "of each token, from 0 to 1")] if c.confident else []),
        )

    def _axes(self, measured: Tensor, confidence: Tensor, memory: Tensors) -> tuple[Tensor, Tensor]:
        """Where the axes begin (B, A, N), and the face's size (B, 1, 1), px: as measured, or else as last known."""
        seen = (confidence.amax(dim=1, keepdim=True) > 0.0) | (memory["there"][:, :1] == 0.0)  # (B, 1)
        origin = torch.where(seen.unsqueeze(2), measured, memory["places"][:, :, :, 0])
        centred = origin - origin.mean(dim=2, keepdim=True)
        size = (centred * centred).mean(dim=(1, 2), keepdim=True).sqrt()
        return origin, size.clamp(min=LEAST_SIZE_PX)

    def _mixed(
        self,
        tokens: Tensor,
        origin: Tensor,
        unit: Tensor,
        confidence: Tensor,
        certainty: Tensor | None,
        memory: Tensors,
    ) -> Tensor:
        """(B, A, N, L) each token with what it hears from its window, s'."""
        there = torch.cat([torch.ones_like(memory["there"][:, :1]), memory["there"]], dim=1)  # (B, W)
        there = there.reshape(-1, 1, 1, 1, self.config.window)
        off = torch.cat([origin.unsqueeze(3), memory["places"]], dim=3) - origin.unsqueeze(3)
        weight = (confidence + LEAST_WEIGHT).unsqueeze(1).unsqueeze(3)  # (B, 1, N, 1)
        window = self.window(
            torch.cat([tokens.unsqueeze(3), memory["tokens"]], dim=3),
            off * there.squeeze(3) / unit.unsqueeze(3),
            weight / weight.mean(dim=2, keepdim=True),
        )
        if certainty is not None:
            certainty = torch.cat([certainty, memory["certainty"]], dim=3)
        mixed: Tensor = self.mixing(window, there, certainty)
        return mixed

    def _remembered(
        self, tokens: Tensor, places: Tensor, certainty: Tensor | None, memory: Tensors
    ) -> dict[str, Tensor]:
        """The memory with a newest frame, and without its oldest."""
        newest = {"there": torch.ones_like(memory["there"][:, :1]), "places": places.unsqueeze(3)}
        if self.config.temporal:
            newest["tokens"] = tokens.unsqueeze(3)
        if certainty is not None:
            newest["certainty"] = certainty
        kept = self.config.kept - 1
        return {
            name: torch.cat([tensor, memory[name].narrow(AGE[name], 0, kept)], dim=AGE[name])
            for name, tensor in newest.items()
        }
