"""Memory for the tensors of one session: each group of them in one piece, so that one copy moves them all."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from face1d_ros.engines.engine import Array
from face1d_ros.engines.manifest import TensorSpec
from face1d_ros.engines.tensorrt_cuda import Device, Stream

ALIGNMENT = 256
"""Bytes: what TensorRT may expect of an address, as cudaMalloc gives them."""


class Arena:
    """Tensors side by side: arrays for the CPU, addresses for the device, the same order in both.

    With memory that CPU and GPU share, both are one place and the copies nothing. `on_device` keeps a place of its
    own there all the same, for what the device alone works on: it caches that better.
    """

    def __init__(self, device: Device, specs: Iterable[TensorSpec], faces: int, *, on_device: bool = False) -> None:
        self._device = device
        self.offsets: dict[str, int] = {}
        self.sizes: dict[str, int] = {}
        shapes, end = {spec.name: (spec.sized(faces), np.dtype(spec.dtype)) for spec in specs}, 0
        for name, (shape, dtype) in shapes.items():
            self.offsets[name] = end
            self.sizes[name] = dtype.itemsize * int(np.prod(shape))
            end += -(-self.sizes[name] // ALIGNMENT) * ALIGNMENT
        self.size = max(end, ALIGNMENT)
        self._host, mapped = device.pinned(self.size)
        self.is_shared = device.shares_memory and not on_device
        self._owned = None if self.is_shared else device.allocate(self.size)
        self._address = mapped if self._owned is None else self._owned
        self.arrays: dict[str, Array] = {
            name: np.frombuffer(self._host, dtype, int(np.prod(shape)), self.offsets[name]).reshape(shape)
            for name, (shape, dtype) in shapes.items()
        }
        np.frombuffer(self._host, np.uint8)[:] = 0

    def address(self, name: str) -> int:
        """Of a tensor, for the device."""
        return self._address + self.offsets[name]

    def upload(self, stream: Stream) -> None:
        """All from the CPU to the device."""
        if not self.is_shared:
            stream.upload(self._address, self._host, self.size)

    def download(self, stream: Stream) -> None:
        """All from the device to the CPU."""
        if not self.is_shared:
            stream.download(self._host, self._address, self.size)

    def free(self) -> None:
        """What is on the device; the arrays stay readable while somebody holds them."""
        if self._owned is not None:
            self._device.free(self._owned)
            self._owned = None


def copy_arrays(arrays: dict[str, Array]) -> dict[str, Array]:
    """In ordinary memory."""
    return {name: np.array(array) for name, array in arrays.items()}
