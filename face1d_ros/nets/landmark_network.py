"""What goes into a network that refines landmarks, and what comes out."""

from __future__ import annotations

import torch
from torch import Tensor

from face1d_ros.nets.network import Named, StreamingNetwork


class LandmarkNetwork(StreamingNetwork):
    """Landmarks in, as many landmarks out; `config.landmarks` says how many."""

    task = "smoothing"
    normalisation = (
        "inside the network: differences in parts of the face's size; landmarks in pixels at any place and scale"
    )

    def inputs(self) -> tuple[Named, ...]:
        """Of a frame."""
        n = self.config.landmarks
        return (
            Named("landmarks", (n, 3), "measured landmarks, x y z, px"),
            Named("confidence", (n,), "of each landmark, from 0 to 1"),
            Named("dt", (1,), "since the face's last frame, s; 0 in its first"),
        )

    def outputs(self) -> tuple[Named, ...]:
        """Of a frame."""
        return (Named("refined", (self.config.landmarks, 3), "steadied landmarks, x y z, px"),)

    def example(self, faces: int, frames: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Faces of any place and size that drift and tremble, at 15 to 120 Hz, some landmarks hidden now and then."""
        n = self.config.landmarks

        def normal(*size: int) -> Tensor:
            return torch.randn(*size, generator=generator)

        def uniform(*size: int) -> Tensor:
            return torch.rand(*size, generator=generator)

        size = 20.0 + 180.0 * uniform(faces, 1, 1, 1)
        place = torch.cat([1000.0 * uniform(faces, 1, 1, 2), torch.zeros(faces, 1, 1, 1)], dim=-1)
        drift = 0.02 * normal(faces, frames, 1, 3).cumsum(dim=1) + 0.005 * normal(faces, frames, n, 3)
        dt = 1.0 / (15.0 + 105.0 * uniform(faces, 1, 1)).expand(faces, frames, 1)
        return {
            "landmarks": place + size * (normal(faces, 1, n, 3) + drift),
            "confidence": uniform(faces, frames, n).sqrt(),
            "dt": dt.clone(),
        }
