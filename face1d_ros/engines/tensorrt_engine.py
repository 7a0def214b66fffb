"""TensorRT: a plan that was built on this machine, run with one execution context for each number of faces."""

from __future__ import annotations

import weakref
from typing import Any

from face1d_ros.engines import tensorrt_cuda, tensorrt_module
from face1d_ros.engines.bundle import Bundle
from face1d_ros.engines.manifest import MAX_FACES, Manifest
from face1d_ros.engines.tensorrt_build import BuildOptions, check_tensors
from face1d_ros.engines.tensorrt_cache import EngineCache, engine_key
from face1d_ros.engines.tensorrt_cuda import NAME
from face1d_ros.engines.tensorrt_module import FAILURES
from face1d_ros.engines.tensorrt_session import TensorRtSession, abandon
from face1d_ros.errors import EngineError


class TensorRtEngine:
    """A network on the first GPU. `plan` must be bytes that we wrote: it is code."""

    name = NAME

    def __init__(self, bundle: Bundle, plan: bytes) -> None:
        trt = tensorrt_module.load()
        self._device = tensorrt_cuda.device()
        self._device.use()
        self.device = self._device.name
        self.manifest = bundle.manifest
        self.precision = bundle.manifest.precision
        self.size_bytes = len(plan)
        self._log = tensorrt_module.make_log(trt)
        self._sessions: weakref.WeakSet[TensorRtSession] = weakref.WeakSet()
        try:
            self._runtime: Any = trt.Runtime(self._log)
            self._plan_engine: Any = self._runtime.deserialize_cuda_engine(plan)
            if self._plan_engine is None:
                raise EngineError(NAME, f"does not take the plan: {self._log.reason()}")
            _check(trt, self._plan_engine, bundle.manifest)
        except FAILURES as error:
            raise EngineError(NAME, f"does not take the plan: {error}; {self._log.reason()}") from error

    @property
    def is_one_graph(self) -> bool:
        """Whether all sessions so far run as one CUDA graph each."""
        return all(session.is_one_graph for session in self._sessions)

    @property
    def shares_memory(self) -> bool:
        """Whether CPU and GPU work on the same memory, without copies."""
        return self._device.shares_memory

    def session(self, faces: int) -> TensorRtSession:
        """A new session, with an empty memory."""
        if self._plan_engine is None:
            raise EngineError(NAME, "was closed")
        if not 1 <= faces <= MAX_FACES:
            raise EngineError(NAME, f"got {faces} faces, expected 1 to {MAX_FACES}")
        session = TensorRtSession(self._plan_engine, (self._runtime, self._log), self.manifest, faces, self._device)
        self._sessions.add(session)
        return session

    def close(self) -> None:
        """Free the network and its sessions; of a device that failed, leave all as it is."""
        resources = [session.resources for session in self._sessions]
        if any(one.has_failed for one in resources):
            abandon(self._plan_engine, self._runtime, self._log)
        for one in resources:
            one.release()
        self._plan_engine = self._runtime = None


def cached_engine(
    bundle: Bundle, cache: EngineCache | None = None, options: BuildOptions | None = None
) -> TensorRtEngine:
    """The engine that was built for this bundle on this machine; nothing is built here."""
    trt, device = tensorrt_module.load(), tensorrt_cuda.device()
    cache = cache or EngineCache()
    key = engine_key(bundle.manifest, tensorrt_module.platform_of(trt, device), options or BuildOptions())
    plan = cache.read(key)
    if plan is None:
        name = bundle.manifest.name
        raise EngineError(NAME, f"none was built yet for '{name}' here; `face1d engine build {name}` does")
    return TensorRtEngine(bundle, plan)


def _check(trt: Any, plan_engine: Any, manifest: Manifest) -> None:
    """A plan must be for this manifest and for all numbers of faces."""
    names = [plan_engine.get_tensor_name(index) for index in range(plan_engine.num_io_tensors)]
    for mode, specs in ((trt.TensorIOMode.INPUT, manifest.inputs), (trt.TensorIOMode.OUTPUT, manifest.outputs)):
        found = {
            name: (
                tensorrt_module.dtype_of(trt, plan_engine.get_tensor_dtype(name)),
                tuple(plan_engine.get_tensor_shape(name)),
            )
            for name in names
            if plan_engine.get_tensor_mode(name) == mode
        }
        check_tensors(found, specs)
    for name in names:
        if plan_engine.get_tensor_location(name) != trt.TensorLocation.DEVICE:
            raise EngineError(NAME, f"wants {name} in the CPU's memory")
    for spec in manifest.inputs:
        smallest, _, largest = plan_engine.get_tensor_profile_shape(spec.name, 0)
        if tuple(smallest) != spec.sized(1) or tuple(largest) != spec.sized(MAX_FACES):
            raise EngineError(NAME, f"its plan takes {tuple(smallest)} to {tuple(largest)} for {spec.name}")
