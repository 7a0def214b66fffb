"""ONNX Runtime: on the CPU everywhere, with CUDA or TensorRT where its build has them."""

from __future__ import annotations

import os
from typing import Any

from face1d_ros.engines.bundle import Bundle
from face1d_ros.engines.engine import Array, Arrays, empty_arrays
from face1d_ros.engines.manifest import Manifest
from face1d_ros.errors import EngineError, MissingDependencyError

NAME = "onnxruntime"
PROVIDERS = {"CPU": "CPUExecutionProvider", "CUDA": "CUDAExecutionProvider", "TensorRT": "TensorrtExecutionProvider"}
FATAL_ONLY = 4


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
        self.manifest = bundle.manifest
        self.precision = bundle.manifest.precision
        try:
            self._runtime_session: Any = runtime.InferenceSession(
                bundle.model, session_options(runtime, provider), providers=[PROVIDERS[provider]]
            )
        except _errors() as error:
            raise EngineError(NAME, f"does not take '{bundle.manifest.name}' on {provider}: {error}") from error
        used = self._runtime_session.get_providers()
        if used[0] != PROVIDERS[provider]:
            self.close()
            raise EngineError(NAME, f"{provider} did not start; ONNX Runtime went on with {used[0]}")

    def session(self, faces: int) -> OnnxRuntimeSession:
        """A new session, with an empty memory."""
        return OnnxRuntimeSession(self._runtime_session, self.manifest, faces)

    def close(self) -> None:
        """Free the network; sessions that are still held keep it alive."""
        self._runtime_session = None


class OnnxRuntimeSession:
    """Arrays bound once, in two ways by turns: a frame writes its memory where the frame before has read its own."""

    def __init__(self, runtime_session: Any, manifest: Manifest, faces: int) -> None:
        self._session = runtime_session
        self._errors = _errors()
        inputs, outputs = empty_arrays(manifest.inputs, faces), empty_arrays(manifest.outputs, faces)
        memory = manifest.memory
        self._memory = [
            {m.input: inputs.pop(m.input) for m in memory},
            {m.input: outputs.pop(m.output) for m in memory},
        ]
        self.inputs: Arrays = inputs
        self.outputs: Arrays = outputs
        written = {m.output: m.input for m in memory}
        self._bindings = [
            self._bound(
                inputs | self._memory[turn], outputs | {o: self._memory[1 - turn][i] for o, i in written.items()}
            )
            for turn in (0, 1)
        ]
        self._turn = 0

    def _bound(self, inputs: Arrays, outputs: Arrays) -> Any:
        binding = self._session.io_binding()
        for bind, arrays in ((binding.bind_input, inputs), (binding.bind_output, outputs)):
            for name, array in arrays.items():
                bind(name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)
        return binding

    def run(self) -> None:
        """One frame."""
        try:
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


def _errors() -> tuple[type[Exception], ...]:
    """What ONNX Runtime raises: classes of its own that have no common base."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    own = [value for value in vars(state).values() if isinstance(value, type) and issubclass(value, Exception)]
    return (*own, RuntimeError, ValueError, TypeError)
