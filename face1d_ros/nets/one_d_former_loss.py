"""What 1DFormer learns from, equation 7: heatmaps, and in the first half of the training certainties.

Shapes: B faces, T time, N landmarks, A axes, D bins.
"""

from __future__ import annotations

import torch
from torch import Tensor

from face1d_ros.nets.one_d_former_blocks import LABEL_BINS

FIRST_PHASE = 0.5
"""Of the training: certainties are guided by labels until then, and by the heatmaps alone afterwards."""
CERTAIN = 0.1
"""Of the face's size: a measurement this far from the truth is certain to exp(−1/2)."""
HEATMAP_WEIGHT, CERTAINTY_WEIGHT = 1.0, 0.1
"""λ_h and λ_c of equation 7; the paper does not say what they were."""


@torch.no_grad()
def heatmap_labels(truth: Tensor, origins: Tensor, sizes: Tensor, centres: Tensor) -> Tensor:
    """(B, T, A, N, D) Gaussians around the true place that sum to 1.

    From truth and origins of the axes (B, T, N, A) px, faces' sizes (B, T, 1) px and bins' centres (D,). A place beyond
    the bins is taken for the last one.
    """
    width = centres[1] - centres[0]
    place = ((truth - origins) / sizes.unsqueeze(3)).transpose(2, 3)  # (B, T, A, N)
    place = place.clamp(float(centres[0]), float(centres[-1])).unsqueeze(4)
    return torch.softmax(-0.5 * ((place - centres) / (LABEL_BINS * width)) ** 2, dim=4)


@torch.no_grad()
def certainty_labels(truth: Tensor, measured: Tensor, sizes: Tensor) -> Tensor:
    """(B, T, A, N) from 0 to 1 how well a landmark was measured on each axis; 0 where the face was not seen.

    It stands in for the paper's labels, which a network for pixels gives: the truth of synthetic faces is known.
    """
    error = ((measured - truth) / (CERTAIN * sizes.unsqueeze(3))).transpose(2, 3)
    return torch.exp(-0.5 * error * error)


def heatmap_loss(heatmaps: Tensor, labels: Tensor) -> Tensor:
    """L_h of a landmark, axis and frame, on the mean."""
    return (heatmaps - labels).square().sum(dim=4).mean()


def certainty_loss(certainty: Tensor, labels: Tensor) -> Tensor:
    """L_c of a landmark, axis and frame, on the mean."""
    return (certainty - labels).square().mean()
