"""ONNX Runtime: on the CPU everywhere, with CUDA or TensorRT where its build has them."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import Any

from face1d_ros.engines.bundle import Bundle
from face1d_ros.engines.engine import Array, Arrays, empty_arrays
from face1d_ros.engines.manifest import Manifest
from face1d_ros.errors import EngineError, MissingDependencyError

NAME = "onnxruntime"
PROVIDERS = {"CPU": "CPUExecutionProvider", "CUDA": "CUDAExecutionProvider", "TensorRT": "TensorrtExecutionProvider"}
FATAL_ONLY = 4
GPU, FIRST = "cuda", 0
"""Where the inputs of CUDA and TensorRT are: on the GPU that both use by default."""


def providers() -> list[str]:
    """Those of `PROVIDERS` that the installed build has."""
    available = onnxruntime_module().get_available_providers()
    return [name for name, provider in PROVIDERS.items() if provider in available]


class OnnxRuntimeEngine:
    """A network on one provider: what that cannot do, fails here instead of moving elsewhere unseen."""

    name = NAME

    def __init__(self, bundle: Bundle, provider: str = "CPU") -> None:
        runtime = onnxruntime_module()
        if provider not in providers():
            raise EngineError(NAME, f"this build has no {provider}; it has {', '.join(providers())}")
        self.device = provider
        self._runtime = runtime
        if provider != "CPU":
            _find_cuda(runtime)
        self.manifest = bundle.manifest
        self.precision = bundle.manifest.precision
        try:
            self._runtime_session: Any = runtime.InferenceSession(
                bundle.model, session_options(runtime, provider), providers=[PROVIDERS[provider]], enable_fallback=0
            )
        except runtime_errors() as error:
            raise EngineError(NAME, f"does not take '{bundle.manifest.name}' on {provider}: {error}") from error
        used = self._runtime_session.get_providers()
        if used[0] != PROVIDERS[provider]:
            self.close()
            raise EngineError(NAME, f"{provider} did not start; ONNX Runtime went on with {used[0]}")

    def session(self, faces: int) -> OnnxRuntimeSession:
        """A new session, with an empty memory."""
        make_value = None if self.device == "CPU" else self._runtime.OrtValue.ortvalue_from_numpy
        try:
            return OnnxRuntimeSession(self._runtime_session, self.manifest, faces, make_value)
        except runtime_errors() as error:
            raise EngineError(NAME, f"no session for {faces} faces on {self.device}: {error}") from error

    def close(self) -> None:
        """Free the network; sessions that are still held keep it alive."""
        self._runtime_session = None


class OnnxRuntimeSession:
    """Arrays bound once, in two ways by turns: a frame writes its memory where the frame before has read its own.

    On a GPU inputs have a place of their own there, filled before each run: what lies with the CPU, ONNX Runtime copies
    when it is bound and never again. Outputs and memory come back with each frame, so that the CPU can go on from it.
    """

    def __init__(
        self, runtime_session: Any, manifest: Manifest, faces: int, make_value: Callable[..., Any] | None = None
    ) -> None:
        self._session = runtime_session
        self._errors = runtime_errors()
        inputs, outputs = empty_arrays(manifest.inputs, faces), empty_arrays(manifest.outputs, faces)
        memory = manifest.memory
        self._on_gpu = {name: make_value(array, GPU, FIRST) for name, array in inputs.items()} if make_value else {}
        self._memory = [
            {m.input: inputs.pop(m.input) for m in memory},
            {m.input: outputs.pop(m.output) for m in memory},
        ]
        self.inputs: Arrays = inputs
        self.outputs: Arrays = outputs
        written = {m.output: m.input for m in memory}
        given = [inputs | self._memory[turn] for turn in (0, 1)]
        given_back = [outputs | {o: self._memory[1 - turn][i] for o, i in written.items()} for turn in (0, 1)]
        self._bindings = [self._bound(*arrays) for arrays in zip(given, given_back, strict=True)]
        self._uploads = [[(value, arrays[name]) for name, value in self._on_gpu.items()] for arrays in given]
        self._turn = 0

    def _bound(self, inputs: Arrays, outputs: Arrays) -> Any:
        binding = self._session.io_binding()
        for name, value in self._on_gpu.items():
            binding.bind_ortvalue_input(name, value)
        on_cpu = {name: array for name, array in inputs.items() if name not in self._on_gpu}
        for bind, arrays in ((binding.bind_input, on_cpu), (binding.bind_output, outputs)):
            for name, array in arrays.items():
                bind(name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)
        return binding

    def run(self) -> None:
        """One frame."""
        try:
            for value, array in self._uploads[self._turn]:
                value.update_inplace(array)
            self._session.run_with_iobinding(self._bindings[self._turn])
        except self._errors as error:
            raise EngineError(NAME, f"failed at a run: {error}") from error
        self._turn = 1 - self._turn

    def read_memory(self) -> dict[str, Array]:
        """By name of its input, copies."""
        return {name: array.copy() for name, array in self._memory[self._turn].items()}

    def write_memory(self, memory: Arrays) -> None:
        """Put it in place of what is remembered."""
        for name, array in memory.items():
            self._memory[self._turn][name][:] = array


def session_options(runtime: Any, provider: str) -> Any:
    """One thread that sleeps between frames: by default a net of this size burns a core at 30 Hz."""
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = runtime.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = FATAL_ONLY  # errors are raised; the rest is about optimisations
    if provider != "CPU":
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    return options


def onnxruntime_module() -> Any:
    """ONNX Runtime, or what to install."""
    # Read at import: no word to anyone about what runs here.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingDependencyError(
            "ONNX Runtime", "running the models of this package", "install it: pip install onnxruntime"
        ) from error
    return onnxruntime


def _find_cuda(runtime: Any) -> None:
    """CUDA and cuDNN from pip's wheels, which are on no path; ONNX Runtime knows where they are from 1.21 on."""
    if hasattr(runtime, "preload_dlls"):
        with redirect_stdout(io.StringIO()):  # it says there what it does not find, which the session then raises
            runtime.preload_dlls()


def runtime_errors() -> tuple[type[Exception], ...]:
    """What ONNX Runtime raises: classes of its own that have no common base."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    own = [value for value in vars(state).values() if isinstance(value, type) and issubclass(value, Exception)]
    return (*own, RuntimeError, ValueError, TypeError)
