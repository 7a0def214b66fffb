"""1D convolution along the sequence of landmarks (review, equation 14): a low-pass filter over the face's lines."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from face1d_ros.nets.network import Named, Tensors
from face1d_ros.nets.smoother import Smoother, SmootherConfig

KERNEL = 3


@dataclass(frozen=True)
class SpatialConvConfig(SmootherConfig):
    """The common sizes; smaller parts, because it is in their sequence that it looks."""

    part: int = 8
    width: int = 16
    layers: int = 3


class SpatialConv(Smoother):
    """Each layer sees a part and both its neighbours. With parts of one landmark it is equation 14 to the letter."""

    family = "spatial_conv"
    config: SpatialConvConfig

    def __init__(self, config: SpatialConvConfig) -> None:
        super().__init__(config)
        self.kernels = along_the_parts(config.width, config.layers)

    def context(self, parts: Tensor, memory: Tensors) -> tuple[Tensor, dict[str, Tensor]]:
        """Equation 14 in each layer. Of time it knows the last output alone."""
        return convolved(self.kernels, parts), {}

    def context_memory(self) -> tuple[Named, ...]:
        """None of its own."""
        return ()


def along_the_parts(width: int, layers: int) -> nn.ModuleList:
    """Kernels of equation 14, a layer each."""
    return nn.ModuleList(nn.Conv1d(width, width, KERNEL, padding=1) for _ in range(layers))


def convolved(kernels: nn.ModuleList, parts: Tensor) -> Tensor:
    """(B, D, M) to (B, D, M): what each layer finds is added to what it was given."""
    for kernel in kernels:
        parts = parts + functional.relu(kernel(parts))
    return parts
