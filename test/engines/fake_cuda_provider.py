"""ONNX Runtime as it is where its build has CUDA, computed on the CPU.

What is its own there: arrays of the CPU that are bound as inputs are copied at once and never again, a provider that
does not start is left out without an error, and values have to be on the device that they are bound for.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime

CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
Failure = onnxruntime.capi.onnxruntime_pybind11_state.Fail


class FakeCudaProvider:
    """Stands in for the module."""

    ExecutionMode = onnxruntime.ExecutionMode

    def __init__(self) -> None:
        self.faults: set[str] = set()
        self.entries: dict[str, str] = {}
        self.preloaded = 0
        self.OrtValue = SimpleNamespace(ortvalue_from_numpy=self._value)

    def get_available_providers(self) -> list[str]:
        return [CUDA, CPU]

    def preload_dlls(self) -> None:
        print("Failed to load libcudnn.so.9")
        self.preloaded += 1

    def SessionOptions(self) -> Any:
        options = onnxruntime.SessionOptions()
        add = options.add_session_config_entry
        outer = self

        class Options:
            def __setattr__(self, name: str, value: Any) -> None:
                setattr(options, name, value)

            def add_session_config_entry(self, key: str, value: str) -> None:
                outer.entries[key] = value
                if key != "session.disable_cpu_ep_fallback":
                    add(key, value)

            real = options

        return Options()

    def InferenceSession(self, model: bytes, options: Any, providers: Sequence[str], enable_fallback: int) -> Any:
        assert enable_fallback == 0, "it would print, and go on elsewhere"
        assert CPU not in providers or providers == [CPU], "conflicts with session.disable_cpu_ep_fallback"
        if "no kernel" in self.faults and providers == [CUDA]:
            raise Failure("This session contains graph nodes that are assigned to the default CPU EP")
        started = [CPU] if "no library" in self.faults or providers == [CPU] else [CUDA, CPU]
        return _Session(onnxruntime.InferenceSession(model, options.real, providers=[CPU]), started, self.faults)

    def _value(self, array: np.ndarray, device_type: str, device_id: int) -> Any:
        assert (device_type, device_id) == ("cuda", 0)
        if "memory" in self.faults:
            raise Failure("CUDA failure 2: out of memory")
        return _Value(array)


class _Value:
    def __init__(self, array: np.ndarray) -> None:
        self.real = onnxruntime.OrtValue.ortvalue_from_numpy(array.copy())

    def update_inplace(self, array: np.ndarray) -> None:
        self.real.update_inplace(array)


class _Session:
    def __init__(self, real: Any, started: list[str], faults: set[str]) -> None:
        self._real, self._started, self._faults = real, started, faults

    def get_providers(self) -> list[str]:
        return self._started

    def io_binding(self) -> Any:
        return _Binding(self._real.io_binding(), CUDA in self._started)

    def run_with_iobinding(self, binding: Any) -> None:
        if "run" in self._faults and binding.is_on_gpu:
            raise Failure("CUDA failure 700: an illegal memory access was encountered")
        self._real.run_with_iobinding(binding.real)


class _Binding:
    def __init__(self, real: Any, is_on_gpu: bool) -> None:
        self.real, self.is_on_gpu = real, is_on_gpu
        self.bind_output = real.bind_output

    def bind_ortvalue_input(self, name: str, value: _Value) -> None:
        assert self.is_on_gpu
        self.real.bind_ortvalue_input(name, value.real)

    def bind_input(self, name: str, device: str, number: int, dtype: Any, shape: Any, address: int) -> None:
        if not self.is_on_gpu:
            self.real.bind_input(name, device, number, dtype, shape, address)
            return
        copied = np.zeros(shape, dtype)  # what is written into the array from now on does not arrive
        self.real.bind_ortvalue_input(name, onnxruntime.OrtValue.ortvalue_from_numpy(copied))
