"""What every network is: one frame at a time, with a memory that goes in and comes out.

Shapes: B faces, T time, N landmarks. Tensors have names, so that training, export and the runtimes agree on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import torch
from torch import Tensor, nn

Tensors: TypeAlias = Mapping[str, Tensor]


@dataclass(frozen=True)
class Named:
    """A tensor that goes in or comes out, float32."""

    name: str
    shape: tuple[int, ...]
    """Without the first dimension, that of the faces."""
    meaning: str


class StreamingNetwork(nn.Module):
    """Sees each frame once, and no later ones. Faces never see each other."""

    family: ClassVar[str]
    """Its name in `families.py`, in checkpoints and in bundles."""
    task: ClassVar[str]
    normalisation: ClassVar[str]
    """In a sentence, for who feeds it: what it does with its inputs itself."""
    look_ahead: int = 0
    """How many frames ago the frame was that an output belongs to."""
    config: Any
    """A frozen dataclass of plain values, from which an equal network can be made."""

    def inputs(self) -> tuple[Named, ...]:
        """What a frame brings."""
        raise NotImplementedError

    def outputs(self) -> tuple[Named, ...]:
        """What a frame gives."""
        raise NotImplementedError

    def memory(self) -> tuple[Named, ...]:
        """What goes on to the same face's next frame; zeros before its first."""
        raise NotImplementedError

    def step(self, inputs: Tensors, memory: Tensors) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Outputs and the new memory, by name, for a frame: each tensor (B, …)."""
        raise NotImplementedError

    def example(self, faces: int, frames: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Inputs as a camera might bring them, (B, T, …): to compare runtimes, not to train on."""
        raise NotImplementedError

    def sequence(self, inputs: Tensors, memory: Tensors | None = None) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Outputs (B, T, …) and the last memory for frames (B, T, …), the same as frame by frame.

        The networks here see their own last output, so time cannot be folded into one call.
        """
        first = next(iter(inputs.values()))
        now = self.empty_memory(len(first)) if memory is None else dict(memory)
        frames: list[dict[str, Tensor]] = []
        for index in range(first.shape[1]):
            outputs, now = self.step({name: tensor[:, index] for name, tensor in inputs.items()}, now)
            frames.append(outputs)
        return {name: torch.stack([frame[name] for frame in frames], dim=1) for name in frames[0]}, now

    def own_loss(self, outputs: Tensors, truth: Tensor, measured: Tensor, share: float) -> Tensor:
        """What a network wants to be trained on beside its task, from outputs (B, T, …), landmarks (B, T, N, 3) px and
        the share of the training that is done.
        """
        return truth.new_zeros(())

    def empty_memory(self, faces: int) -> dict[str, Tensor]:
        """Of faces never seen before."""
        like = next(self.parameters())
        return {named.name: like.new_zeros(faces, *named.shape) for named in self.memory()}

    def parameter_count(self) -> int:
        """Numbers that are learned."""
        return sum(parameter.numel() for parameter in self.parameters())


class Linear(nn.Module):
    """(…, A, L) to (…, B, L): the same for each of L places, which stand last because long rows are what is fast.

    Its weight is multiplied as it is stored, so it keeps its name and layout in ONNX.
    """

    def __init__(self, inputs: int, outputs: int, *, bias: bool = True, zero: bool = False) -> None:
        super().__init__()
        scale = 0.0 if zero else inputs**-0.5
        self.weight = nn.Parameter(scale * torch.randn(outputs, inputs))
        # Small, but not zero: of tensors with equal values the exporter keeps one.
        self.bias = nn.Parameter(0.1 * scale * torch.randn(outputs, 1)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Apply it."""
        product = torch.matmul(self.weight, x)
        return product if self.bias is None else product + self.bias
