"""The stand-in's classes that run plans, as `fake_tensorrt` says."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
import onnxruntime
from engines.fake_cuda import WrongUseError
from engines.fake_tensorrt_plan import read_plan

TF32_ERROR = 5e-4
"""Ten bits of mantissa."""


def runtime_classes(trt: Any) -> list[type]:
    """Of one version."""
    Bound = trt.Bound

    class Runtime(Bound):
        def __init__(self, logger: Any) -> None:
            self._logger = weakref.ref(logger)

        def deserialize_cuda_engine(self, serialized_engine: Any) -> Any:
            logger = self._logger()
            if logger is None:
                raise WrongUseError("the logger was dropped before the runtime")
            header = read_plan(trt, bytes(serialized_engine))
            if header is None or "deserialize" in trt.faults:
                logger._write("the plan file is incompatible with this version or device")
                return None
            engine = ICudaEngine()
            engine._logger, engine._header = logger, header
            engine._network = trt.INetworkDefinition()._of(0)
            trt.OnnxParser(engine._network, logger).parse(header["onnx"])
            return engine

    class ICudaEngine(Bound):
        num_io_tensors = property(lambda self: len(self._tensors()))

        def _tensors(self) -> dict[str, tuple[Any, bool]]:
            inputs = {tensor.name: (tensor, True) for tensor in self._network._inputs}
            return inputs | {tensor.name: (tensor, False) for tensor in self._network._outputs}

        def get_tensor_name(self, index: int) -> str:
            return list(self._tensors())[index]

        def get_tensor_mode(self, name: str) -> Any:
            return trt.TensorIOMode.INPUT if self._tensors()[name][1] else trt.TensorIOMode.OUTPUT

        def get_tensor_dtype(self, name: str) -> Any:
            return self._tensors()[name][0].dtype

        def get_tensor_shape(self, name: str) -> Any:
            return self._tensors()[name][0].shape

        def get_tensor_location(self, name: str) -> Any:
            return trt.TensorLocation.DEVICE

        def get_tensor_profile_shape(self, name: str, profile_index: int) -> list[Any]:
            shape = self._tensors()[name][0].shape
            return [tuple(one) for one in self._header["shapes"].get(name, [shape] * 3)]

        def create_execution_context(self) -> Any:
            if "context" in trt.faults:
                self._logger._write("out of memory")
                return None
            context = IExecutionContext()
            context._start(self)
            return context

    class IExecutionContext(Bound):
        def _start(self, engine: ICudaEngine) -> None:
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1
            self._engine, self._shapes, self._addresses, self._is_warm = engine, {}, {}, False
            self._session = onnxruntime.InferenceSession(
                engine._header["onnx"], options, providers=["CPUExecutionProvider"]
            )

        def set_input_shape(self, name: str, shape: Any) -> bool:
            least, _, most = self._engine.get_tensor_profile_shape(name, 0)
            if not all(a <= size <= b for a, size, b in zip(least, shape, most, strict=True)):
                return False
            self._shapes[name] = tuple(shape)
            return True

        def set_tensor_address(self, name: str, memory: int) -> bool:
            if name not in self._engine._tensors() or memory % 256:
                return False
            trt.cuda.bytes_at(memory, 1)
            self._addresses[name] = memory
            return True

        def infer_shapes(self) -> list[str]:
            tensors = self._engine._tensors()
            return [
                name for name, (t, is_in) in tensors.items() if is_in and -1 in t.shape and name not in self._shapes
            ]

        def get_tensor_shape(self, name: str) -> Any:
            if name in self._shapes:
                return self._shapes[name]
            faces = next(iter(self._shapes.values()))[0]
            return tuple(faces if size == -1 else size for size in self._engine.get_tensor_shape(name))

        def execute_async_v3(self, stream_handle: int) -> bool:
            missing = set(self._engine._tensors()) - set(self._addresses)
            if missing or self.infer_shapes():
                trt.wrong.append(f"executed before addresses and shapes were set: {missing or self.infer_shapes()}")
                return False
            if stream_handle == 0:
                trt.wrong.append("executed on the default stream")
            if "execute" in trt.faults:
                return False
            this, shapes, addresses = weakref.ref(self), dict(self._shapes), dict(self._addresses)
            is_recorded = trt.cuda.put(stream_handle, lambda: _compute(this(), shapes, addresses))
            if is_recorded and not self._is_warm:
                trt.wrong.append("recorded before a first run")
            self._is_warm = True
            return True

        def _compute_on(self, addresses: dict[str, int]) -> None:
            tensors = self._engine._tensors()
            arrays = {}
            for name, (tensor, _) in tensors.items():
                dtype, shape = np.dtype(trt.nptype(tensor.dtype)), self.get_tensor_shape(name)
                data = trt.cuda.bytes_at(addresses[name], dtype.itemsize * int(np.prod(shape)))
                arrays[name] = np.frombuffer(data, dtype).reshape(shape)
            inputs = {name: arrays[name].copy() for name, (_, is_input) in tensors.items() if is_input}
            results = self._session.run(None, inputs)
            for described, result in zip(self._session.get_outputs(), results, strict=True):
                is_rough = self._engine._header["tf32"] or "wrong" in trt.faults
                arrays[described.name][...] = result * (1 + TF32_ERROR) if is_rough else result

    return [value for value in locals().values() if isinstance(value, type) and value is not Bound]


def _compute(context: Any, shapes: dict[str, Any], addresses: dict[str, int]) -> None:
    if context is None:
        raise WrongUseError("a recorded graph ran after its context was dropped")
    if (context._shapes, context._addresses) != (shapes, addresses):
        raise WrongUseError("shapes or addresses were changed while work was under way, or after it was recorded")
    context._compute_on(addresses)
