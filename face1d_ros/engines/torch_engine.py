"""PyTorch behind the same interface, to train with and to compare others against. No node uses it."""

from __future__ import annotations

from typing import Any

import numpy as np

from face1d_ros.engines.engine import Array, Arrays, empty_arrays, split_memory
from face1d_ros.engines.manifest import Manifest
from face1d_ros.errors import EngineError, MissingDependencyError

NAME = "torch"


class TorchEngine:
    """A network of `nets/`, as it is: PyTorch cannot read the ONNX file of a bundle."""

    name = NAME
    precision = "fp32"

    def __init__(self, network: Any, manifest: Manifest, device: str = "cpu") -> None:
        torch = _torch()
        wanted = {named.name: named.shape for named in (*network.inputs(), *network.memory())}
        found = {spec.name: spec.shape[1:] for spec in manifest.inputs}
        if found != wanted:
            raise EngineError(NAME, f"'{manifest.name}' is of another network: got inputs {found}, expected {wanted}")
        try:
            self._network: Any = network.to(device)
        except (RuntimeError, AssertionError) as error:
            raise EngineError(NAME, f"cannot use {device}: {error}") from error
        self.manifest = manifest
        self._device = torch.device(device)
        self.device = "CPU" if self._device.type == "cpu" else torch.cuda.get_device_name(self._device)

    def session(self, faces: int) -> TorchSession:
        """A new session, with an empty memory."""
        if self._network is None:
            raise EngineError(NAME, f"'{self.manifest.name}' was closed; make a new engine")
        return TorchSession(self._network, self.manifest, self._device, faces)

    def close(self) -> None:
        """Let go of the network; sessions that are still held keep it alive."""
        self._network = None


class TorchSession:
    """The network for so many faces."""

    def __init__(self, network: Any, manifest: Manifest, device: Any, faces: int) -> None:
        self._torch = _torch()
        self._network, self._device = network, device
        self.inputs, memory = split_memory(empty_arrays(manifest.inputs, faces), manifest)
        after = {remembered.output for remembered in manifest.memory}
        self.outputs: dict[str, Array] = {
            name: array for name, array in empty_arrays(manifest.outputs, faces).items() if name not in after
        }
        self._memory: dict[str, Any] = {}
        self.write_memory(memory)

    def run(self) -> None:
        """One frame."""
        try:
            with self._torch.inference_mode():
                inputs = {name: self._tensor(array) for name, array in self.inputs.items()}
                outputs, self._memory = self._network.step(inputs, self._memory)
                for name, array in self.outputs.items():
                    array[:] = outputs[name].cpu().numpy()
        except RuntimeError as error:
            raise EngineError(NAME, f"failed at a run: {error}") from error

    def read_memory(self) -> dict[str, Array]:
        """By name of its input, copies."""
        return {name: np.array(tensor.cpu().numpy()) for name, tensor in self._memory.items()}

    def write_memory(self, memory: Arrays) -> None:
        """Put it in place of what is remembered."""
        self._memory = self._memory | {name: self._tensor(array.copy()) for name, array in memory.items()}

    def _tensor(self, array: Array) -> Any:
        return self._torch.from_numpy(array).to(self._device)


def _torch() -> Any:
    try:
        import torch
    except ImportError as error:
        raise MissingDependencyError(
            "PyTorch", "the engine 'torch'", "install it: pip install -r requirements/train.txt in the checkout"
        ) from error
    return torch
