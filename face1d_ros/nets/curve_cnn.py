"""1D convolution along the face's curves, to coefficients ("FLAME + 1D CNN", review, section 7.1 and Table 5)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from face1d_ros.nets.mesh_network import CHANNELS, TURN_FEATURES, FrameNetwork, MeshConfig, Reading
from face1d_ros.nets.network import Tensors

KERNELS, STRIDES = (8, 4, 4), (4, 2, 2)


@dataclass(frozen=True)
class CurveCnnConfig(MeshConfig):
    """The common sizes, and the channels of the three layers."""

    channels: tuple[int, ...] = (24, 32, 32)


class CurveCnn(FrameNetwork):
    """Each layer halves the sequence or more; what stands where on the face is told by a bias for each place."""

    family = "curve_cnn"
    config: CurveCnnConfig

    def __init__(self, config: CurveCnnConfig) -> None:
        super().__init__(config)
        widths, length = (CHANNELS, *config.channels), len(config.slots)
        self.layers = nn.ModuleList()
        self.places = nn.ParameterList()
        for kernel, stride, width, wider in zip(KERNELS, STRIDES, widths[:-1], widths[1:], strict=True):
            self.layers.append(nn.Conv1d(width, wider, kernel, stride))
            length = (length - kernel) // stride + 1
            self.places.append(nn.Parameter(0.1 * torch.randn(wider, length)))
        self.turned = nn.Linear(TURN_FEATURES, config.channels[0])
        self.reading = Reading(config, config.channels[-1] * length)

    def estimate(self, inputs: Tensors) -> Tensor:
        """Convolutions, then two layers on all that they found."""
        points, turn = self.given(inputs)
        x = torch.relu(self.layers[0](points) + self.places[0] + self.turned(turn).unsqueeze(2))
        for layer, place in zip(self.layers[1:], list(self.places)[1:], strict=True):
            x = torch.relu(layer(x) + place)
        off = points[:, :3, : self.config.landmarks].flatten(1)
        return self.reading(off, x.flatten(1), turn)
