"""One network for a fixed number of faces on TensorRT: addresses bound once, a frame is one CUDA graph and one wait."""

from __future__ import annotations

import weakref
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from face1d_ros.engines.engine import Array, Arrays
from face1d_ros.engines.manifest import Manifest
from face1d_ros.engines.tensorrt_cuda import NAME, Device, Graph, Stream
from face1d_ros.engines.tensorrt_memory import Arena, copy_arrays
from face1d_ros.engines.tensorrt_module import FAILURES
from face1d_ros.errors import EngineError

_abandoned: list[Any] = []


def abandon(*things: Any) -> None:
    """Never free what a device that failed may still be using: that waits for the device, for ever if it hangs."""
    _abandoned.extend(things)


@dataclass(eq=False)
class Resources:
    """What a session holds on the device, freed in order, once."""

    device: Device
    keeps: tuple[Any, ...]
    """What must outlive the context."""
    stream: Stream | None = None
    context: Any = None
    graph: Graph | None = None
    arenas: list[Arena] = field(default_factory=list)
    has_failed: bool = False
    is_released: bool = False

    def release(self) -> None:
        """Free everything; called whenever Python drops the session, so nothing is raised."""
        if self.is_released:
            return
        self.is_released = True
        if self.has_failed:
            abandon(self.graph, self.context, self.stream, self.arenas, self.keeps)
            return
        with suppress(EngineError):
            self.device.use()
            if self.graph is not None:
                self.graph.destroy()
            self.context = None
            for arena in self.arenas:
                arena.free()
            if self.stream is not None:
                self.stream.destroy()
        self.keeps = ()


class TensorRtSession:
    """What the network remembers stays on the device from frame to frame.

    It comes back with the outputs, too: a device that failed can be asked for nothing, and the CPU has to go on from
    where it was before that frame.
    """

    def __init__(self, plan_engine: Any, keeps: tuple[Any, ...], manifest: Manifest, faces: int, device: Device):
        device.use()
        self.resources = Resources(device, (plan_engine, *keeps))
        weakref.finalize(self, self.resources.release).atexit = False
        self._memory = {memory.input: memory.output for memory in manifest.memory}
        try:
            self._allocate(manifest, faces)
            self._bind(plan_engine)
            self._warm_up()
        except (EngineError, *FAILURES) as error:
            self.resources.release()
            raise EngineError(NAME, f"no session for {faces} faces: {error}") from error

    def _allocate(self, manifest: Manifest, faces: int) -> None:
        device, arenas = self.resources.device, self.resources.arenas
        given = [spec for spec in manifest.inputs if spec.name not in self._memory]
        kept = [spec for spec in manifest.inputs if spec.name in self._memory]
        for specs, on_device in ((given, False), (kept, True), (manifest.outputs, False)):
            arenas.append(Arena(device, specs, faces, on_device=on_device))
        self._given, self._kept, self._results = arenas
        self.inputs: Arrays = self._given.arrays
        written = set(self._memory.values())
        self.outputs: Arrays = {name: array for name, array in self._results.arrays.items() if name not in written}
        self._remembered = copy_arrays(self._kept.arrays)
        self._is_newer = False
        """What the outputs say is remembered is newer than `_remembered`."""

    def _bind(self, plan_engine: Any) -> None:
        """Shapes and addresses: for good."""
        self._stream = self.resources.stream = self.resources.device.stream()
        self._context = self.resources.context = plan_engine.create_execution_context()
        if self._context is None:
            raise EngineError(NAME, "got no execution context: out of memory on the device?")
        for arena in (self._given, self._kept):
            for name, array in arena.arrays.items():
                if not self._context.set_input_shape(name, tuple(array.shape)):
                    raise EngineError(NAME, f"refused shape {array.shape} of {name}")
        for arena in self.resources.arenas:
            for name in arena.arrays:
                if not self._context.set_tensor_address(name, arena.address(name)):
                    raise EngineError(NAME, f"refused the address of {name}")
        missing = self._context.infer_shapes()
        if missing:
            raise EngineError(NAME, f"wants more to be said of {', '.join(missing)}")
        for name, array in self._results.arrays.items():
            if tuple(self._context.get_tensor_shape(name)) != array.shape:
                raise EngineError(NAME, f"gives {name} as {tuple(self._context.get_tensor_shape(name))}")

    def _warm_up(self) -> None:
        """One frame on zeros, in which TensorRT does what it does but once, then the recording of another."""
        try:
            self._kept.upload(self._stream)
            self._enqueue()
            self._stream.finish()
        except EngineError:
            self.resources.has_failed = True  # and may still be at work
            raise
        # What cannot be recorded still runs, by one call for each part of the frame.
        with suppress(EngineError):
            with self._stream.capture() as graph:
                self._enqueue()
            self.resources.graph = graph
        self._kept.upload(self._stream)
        self._stream.finish()

    @property
    def is_one_graph(self) -> bool:
        """Whether a frame is one launch."""
        return self.resources.graph is not None

    def run(self) -> None:
        """One frame."""
        self._check_usable()
        if self._is_newer:
            self._take_over()
        self._is_newer = False
        try:
            self.resources.device.use()
            if self.resources.graph is not None:
                self.resources.graph.launch()
            else:
                self._enqueue()
            self._stream.finish()
        except EngineError:
            self.resources.has_failed = True
            raise
        self._is_newer = True

    def read_memory(self) -> dict[str, Array]:
        """By name of its input, copies; after a run that failed, those from before it."""
        if self._is_newer:
            self._take_over()
            self._is_newer = False
        return copy_arrays(self._remembered)

    def write_memory(self, memory: Arrays) -> None:
        """Put it in place of what is remembered."""
        self._check_usable()
        if self._is_newer:
            self._take_over()
            self._is_newer = False
        for name, array in self._remembered.items():
            self._kept.arrays[name][:] = memory.get(name, array)
        try:
            self.resources.device.use()
            self._kept.upload(self._stream)
            self._stream.finish()
        except EngineError:
            self.resources.has_failed = True
            raise
        self._remembered = copy_arrays(self._kept.arrays)

    def _take_over(self) -> None:
        for name, array in self._remembered.items():
            array[:] = self._results.arrays[self._memory[name]]

    def _enqueue(self) -> None:
        """All of a frame, in the order of the stream."""
        self._given.upload(self._stream)
        try:
            started = self._context.execute_async_v3(self._stream.handle)
        except FAILURES as error:
            raise EngineError(NAME, f"failed at a run: {error}") from error
        if not started:
            raise EngineError(NAME, "failed at a run")
        for name, written in self._memory.items():
            self._stream.copy(self._kept.address(name), self._results.address(written), self._kept.sizes[name])
        self._results.download(self._stream)

    def _check_usable(self) -> None:
        if self.resources.has_failed:
            raise EngineError(NAME, "failed at an earlier run and cannot go on")
        if self.resources.is_released:
            raise EngineError(NAME, "was closed")
