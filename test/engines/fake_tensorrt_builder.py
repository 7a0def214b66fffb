"""The stand-in's classes that build plans, as `fake_tensorrt` says."""

from __future__ import annotations

import os
import signal
import weakref
from enum import IntEnum
from typing import Any

import onnx
from engines.fake_cuda import WrongUseError
from engines.fake_tensorrt_plan import make_plan

ELEMENT = {1: "FLOAT", 10: "HALF", 7: "INT64", 9: "BOOL", 6: "INT32"}
"""Types by their number in ONNX."""


def builder_classes(trt: Any) -> list[type]:
    """Of one version."""
    Bound = trt.Bound

    class ILogger(Bound):
        Severity = IntEnum("Severity", trt.api["enums"]["ILogger.Severity"])

        def __init__(self) -> None:
            self._is_made = True

        def _write(self, text: str) -> None:
            self.log(self.Severity.ERROR, text)  # type: ignore[attr-defined]

    class IProgressMonitor(Bound):
        def __init__(self) -> None:
            self._is_made = True

    class IHostMemory(Bound):
        pass

    class HostBytes(bytearray, IHostMemory):
        """With the buffer that the real one has through C."""

    host_memory = HostBytes

    class ITensor(Bound):
        def _of(self, value: Any) -> ITensor:
            tensor = value.type.tensor_type
            sizes = [d.dim_value if d.HasField("dim_value") else -1 for d in tensor.shape.dim]
            self._name, self._shape, self._dtype = value.name, tuple(sizes), trt.DataType[ELEMENT[tensor.elem_type]]
            return self

        name = property(lambda self: self._name)
        shape = property(lambda self: self._shape)
        dtype = property(lambda self: self._dtype)

    class INetworkDefinition(Bound):
        def _of(self, flags: int) -> INetworkDefinition:
            strong = trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED
            self._is_strong = trt.__version__ >= "11" or bool(flags >> int(strong) & 1)
            self._onnx, self._inputs, self._outputs = b"", [], []
            return self

        num_inputs = property(lambda self: len(self._inputs))
        num_outputs = property(lambda self: len(self._outputs))

        def get_input(self, index: int) -> ITensor:
            return self._inputs[index]

        def get_output(self, index: int) -> ITensor:
            return self._outputs[index]

    class ParserError(Bound):
        def desc(self) -> str:
            return "no importer registered for this operator"

    class OnnxParser(Bound):
        def __init__(self, network: INetworkDefinition, logger: ILogger) -> None:
            self._network, self._errors = network, []

        num_errors = property(lambda self: len(self._errors))

        def get_error(self, index: int) -> ParserError:
            return self._errors[index]

        def parse(self, model: Any, path: Any = None) -> bool:
            if "parse" in trt.faults:
                self._errors.append(ParserError())
                return False
            graph = onnx.load_model_from_string(bytes(model)).graph
            self._network._onnx = bytes(model)
            self._network._inputs = [ITensor()._of(value) for value in graph.input]
            self._network._outputs = [ITensor()._of(value) for value in graph.output]
            return True

    class IOptimizationProfile(Bound):
        def set_shape(self, input: str, min: Any, opt: Any, max: Any) -> None:
            if not all(a <= b <= c for a, b, c in zip(min, opt, max, strict=True)):
                raise ValueError("inconsistent shapes")
            self.__dict__.setdefault("_shapes", {})[input] = (min, opt, max)

    class ITimingCache(Bound):
        def _with(self, data: bytes) -> ITimingCache:
            self._data = data
            return self

        def serialize(self) -> Any:
            return host_memory(self._data)

    class IBuilderConfig(Bound):
        def _new(self) -> IBuilderConfig:
            self._profiles, self._flags, self._timing, self._monitor = [], {"TF32"}, None, None
            return self

        progress_monitor = property(lambda self: self._monitor, lambda self, it: self.__dict__.update(_monitor=it))
        builder_optimization_level = property(lambda self: 3, lambda self, level: None)
        max_aux_streams = property(lambda self: 0, lambda self, streams: None)

        def set_memory_pool_limit(self, pool: Any, pool_size: int) -> None:
            return None

        def clear_flag(self, flag: Any) -> None:
            self._flags.discard(flag.name)

        def create_timing_cache(self, serialized_timing_cache: Any) -> Any:
            data = bytes(serialized_timing_cache)
            if data and not data.startswith(b"timing of "):
                trt.wrong.append("a timing cache of bytes it did not make")
                return None
            return ITimingCache()._with(data)

        def set_timing_cache(self, cache: ITimingCache, ignore_mismatch: bool) -> bool:
            if cache._data and not cache._data.startswith(b"timing of " + trt.__version__.encode()):
                return ignore_mismatch
            self._timing = cache
            return True

        def add_optimization_profile(self, profile: IOptimizationProfile) -> int:
            self._profiles.append(profile)
            return len(self._profiles) - 1

    class Builder(Bound):
        def __init__(self, logger: ILogger) -> None:
            if not getattr(logger, "_is_made", False):
                raise TypeError("ILogger.__init__() must be called when overriding __init__")
            self._logger = weakref.ref(logger)

        def create_network(self, flags: int = 0) -> INetworkDefinition:
            return INetworkDefinition()._of(flags)

        def create_builder_config(self) -> IBuilderConfig:
            return IBuilderConfig()._new()

        def create_optimization_profile(self) -> IOptimizationProfile:
            return IOptimizationProfile()

        def build_serialized_network(self, network: INetworkDefinition, config: IBuilderConfig) -> Any:
            logger = self._logger()
            if logger is None:
                raise WrongUseError("the logger was dropped before the builder")
            if "crash" in trt.faults:
                os.kill(os.getpid(), signal.SIGSEGV)
            if "hang" in trt.faults:
                signal.pause()
            shapes = getattr(config._profiles[0], "_shapes", {}) if config._profiles else {}
            missing = [t.name for t in network._inputs if -1 in t.shape and t.name not in shapes]
            if "build" in trt.faults or missing or not network._onnx:
                logger._write(f"could not find any implementation; without a profile: {missing}")
                return None
            if not _tell(config._monitor):
                logger._write("cancelled")
                return None
            if config._timing is not None:
                known = config._timing._data or b"timing of " + trt.__version__.encode()
                config._timing._data = known + b"+"
            return host_memory(
                make_plan(trt, network._onnx, shapes, strong=network._is_strong, tf32="TF32" in config._flags)
            )

    own = (Bound, HostBytes)
    return [value for value in locals().values() if isinstance(value, type) and value not in own]


def _tell(monitor: Any) -> bool:
    if monitor is None:
        return True
    if not getattr(monitor, "_is_made", False):
        raise TypeError("IProgressMonitor.__init__() must be called when overriding __init__")
    monitor.phase_start("Building", None, 2)
    goes_on = True
    for step in range(2):
        monitor.phase_start("Tactics", "Building", 4)
        for inner in range(4):
            goes_on = goes_on and monitor.step_complete("Tactics", inner)
        monitor.phase_finish("Tactics")
        goes_on = goes_on and monitor.step_complete("Building", step)
    monitor.phase_finish("Building")
    return goes_on
