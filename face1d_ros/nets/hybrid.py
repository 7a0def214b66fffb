"""The 1D half of the hybrid (review, section 4.4 and Table 4): what refines the landmarks that a 2D detector gives.

The 2D half is the package's detector, so any family here makes a hybrid with it. This one takes both of the small 1D
models that the review names for it: a convolution along the landmarks and a GRU through time.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from face1d_ros.nets.gru import Gru, GruConfig
from face1d_ros.nets.network import Tensors
from face1d_ros.nets.spatial_conv import along_the_parts, convolved


@dataclass(frozen=True)
class HybridConfig(GruConfig):
    """The common sizes, and how far a part sees along the face."""

    layers: int = 1
    """Of convolution: each sees one part further to both sides."""


class Hybrid(Gru):
    """Convolution first: what goes on through time knows its neighbours already."""

    family = "hybrid"
    config: HybridConfig

    def __init__(self, config: HybridConfig) -> None:
        super().__init__(config)
        self.kernels = along_the_parts(config.width, config.layers)

    def context(self, parts: Tensor, memory: Tensors) -> tuple[Tensor, dict[str, Tensor]]:
        """Equation 14 in each layer; then the GRU."""
        return super().context(convolved(self.kernels, parts), memory)
