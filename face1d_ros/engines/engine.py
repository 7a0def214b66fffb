"""What every engine is: named arrays in, named arrays out, and a memory for each face between them.

An engine is one network on one device. A session is that network for a fixed number of faces, with arrays that are made
once: the caller writes into `inputs`, calls `run`, and reads `outputs`. What the network remembers of each face stays
where it is computed, and is only read or written when faces come or go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from face1d_ros.engines.manifest import Manifest

Array: TypeAlias = NDArray[Any]
Arrays: TypeAlias = Mapping[str, Array]


class Session(Protocol):
    """A network for so many faces. Used by one thread at a time."""

    @property
    def inputs(self) -> Arrays:
        """To be written by the caller. Without those of the memory."""

    @property
    def outputs(self) -> Arrays:
        """Of the last run; written over by the next. Without those of the memory."""

    def run(self) -> None:
        """One frame: `outputs` follow from `inputs` and the memory, which goes on by a frame."""

    def read_memory(self) -> Arrays:
        """By name of its input, copies; zeros at the beginning."""

    def write_memory(self, memory: Arrays) -> None:
        """Put it in place of what is remembered."""


class Engine(Protocol):
    """One network, ready to run."""

    name: str
    """Which runtime: onnxruntime, tensorrt or torch."""
    device: str
    """Where it runs, as a person would say it: CPU, CUDA, "NVIDIA Orin"."""
    precision: str
    """fp32 or fp16: of the weights and most of the arithmetic."""
    manifest: Manifest

    def session(self, faces: int) -> Session:
        """A new session, with an empty memory."""

    def close(self) -> None:
        """Free what it holds, sessions too; a second call does nothing."""


def split_memory(arrays: Arrays, manifest: Manifest) -> tuple[dict[str, Array], dict[str, Array]]:
    """Arrays by name into those a session is given and its memory."""
    remembered = {memory.input for memory in manifest.memory}
    given = {name: array for name, array in arrays.items() if name not in remembered}
    return given, {name: array for name, array in arrays.items() if name in remembered}


def run_once(engine: Engine, inputs: Arrays) -> dict[str, Array]:
    """All outputs for all inputs, memory among both. For checks; frames go through a session that is kept."""
    given, memory = split_memory(inputs, engine.manifest)
    session = engine.session(len(next(iter(inputs.values()))))
    for name, array in given.items():
        session.inputs[name][:] = array
    session.write_memory(memory)
    session.run()
    outputs = {name: array.copy() for name, array in session.outputs.items()}
    after = session.read_memory()
    return outputs | {memory.output: after[memory.input] for memory in engine.manifest.memory}


def empty_arrays(specs: Any, faces: int) -> dict[str, Array]:
    """Zeros of the shapes of these tensors."""
    return {spec.name: np.zeros(spec.sized(faces), spec.dtype) for spec in specs}
