"""A model that answers from its first frame: on the CPU until something faster is ready, and again if that fails."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from face1d_ros.engines import selection, tensorrt_module
from face1d_ros.engines.bundle import Bundle, accept
from face1d_ros.engines.engine import Arrays, Engine
from face1d_ros.engines.streams import FORGET_AFTER_S, FaceStreams, is_frame
from face1d_ros.engines.tensorrt_child import BuildChild
from face1d_ros.errors import EngineError, Face1dError

OnProgress: TypeAlias = Callable[[str, float], None]
STOP_WITHIN_S = 2.0


class Preparation:
    """Makes an engine, in its own time. `run` is called in a thread of its own, `stop` in any."""

    def run(self, bundle: Bundle, on_progress: OnProgress) -> Engine:
        """An engine whose golden run agrees."""
        raise NotImplementedError

    def stop(self) -> None:
        """Give up."""


class TensorRtPreparation(Preparation):
    """Built or found in the cache by a child process, which also tries it; only then loaded here."""

    def __init__(self) -> None:
        self._child: BuildChild | None = None
        self._is_stopped = False

    def run(self, bundle: Bundle, on_progress: OnProgress) -> Engine:
        """An engine whose golden run agrees, in the child and here."""
        from face1d_ros.engines.tensorrt_engine import cached_engine

        child = self._child = BuildChild(bundle.path)
        if self._is_stopped:
            child.stop()
        child.run(on_progress)
        on_progress("loading", 0.0)
        engine = cached_engine(bundle)
        try:
            accept(bundle, engine)
        except Face1dError:
            engine.close()
            raise
        return engine

    def stop(self) -> None:
        """End the child."""
        self._is_stopped = True
        if self._child is not None:
            self._child.stop()


@dataclass(frozen=True)
class Status:
    """For diagnostics."""

    engine: str
    device: str
    precision: str
    why: str
    preparing: str
    """What is being done to make it faster, with how much of it is done; empty when nothing is."""
    failures: int
    """Engines that failed while they were at work."""

    def values(self) -> dict[str, object]:
        """By the names that diagnostics show."""
        return {
            "engine": self.engine,
            "engine device": self.device,
            "engine precision": self.precision,
            "engine chosen because": self.why,
            "engine being prepared": self.preparing or "none",
            "engine failures": self.failures,
        }


class ModelRunner:
    """A bundle, an engine and the memory of each face. One thread calls `begin` and `run`; any may ask for `status`."""

    def __init__(
        self,
        bundle: Bundle,
        wanted: str = selection.AUTO,
        forget_after_s: float = FORGET_AFTER_S,
        preparation: Preparation | None = None,
    ) -> None:
        self.bundle = bundle
        chosen = selection.select(bundle, wanted, at_once=True)
        self._streams = FaceStreams(chosen.engine, forget_after_s)
        self._safe: Engine | None = chosen.engine if chosen.engine.device == "CPU" else None
        self._why, self._not_faster = chosen.why, ""
        self._frame: tuple[int, tuple[int, ...]] = (0, ())
        self._inputs: Arrays = {}
        self._failures = 0
        self._preparing = ""
        self._ready: Engine | None = None
        self._is_closed = False
        self._preparation = preparation or TensorRtPreparation()
        self._thread = threading.Thread(target=self._prepare, name=f"prepare {bundle.manifest.name}", daemon=True)
        if wanted in (selection.AUTO, selection.TENSORRT):
            if preparation is None and not tensorrt_module.installed():
                self._not_faster = "; not TensorRT: it is not installed"
            else:
                self._preparing = "starting"
                self._thread.start()

    @property
    def engine(self) -> Engine:
        """What answers now."""
        return self._streams.engine

    def begin(self, stamp_ns: int, track_ids: Sequence[int]) -> Arrays:
        """The inputs to be filled for a frame, as of `FaceStreams`; between frames the engine may become another."""
        self._frame = (stamp_ns, tuple(track_ids))
        if self._ready is not None:
            self._go_over(self._ready)
        try:
            self._inputs = self._streams.begin(*self._frame)
        except EngineError as error:
            self._fall_back(error).close()
            self._inputs = self._streams.begin(*self._frame)
        return self._inputs

    def run(self) -> Arrays:
        """The outputs for the inputs of `begin`. If the engine fails, the CPU computes this frame and all others."""
        try:
            return self._streams.run()
        except EngineError as error:
            failed, given = self._fall_back(error), self._inputs
        self._inputs = self._streams.begin(*self._frame)
        for name, array in given.items():
            self._inputs[name][:] = array
        failed.close()
        return self._streams.run()

    def reset(self) -> None:
        """Forget all faces."""
        self._streams.reset()

    def status(self) -> Status:
        """How it is."""
        engine = self._streams.engine
        why = self._why + self._not_faster
        return Status(engine.name, engine.device, engine.precision, why, self._preparing, self._failures)

    def wait_until_prepared(self) -> None:
        """Until nothing is being prepared any more; what came of it is used from the next frame on."""
        if self._thread.ident is not None:
            self._thread.join()

    def close(self) -> None:
        """Free everything; the arrays given out stay readable."""
        self._is_closed = True
        self._preparation.stop()
        if self._thread.ident is not None:
            self._thread.join(STOP_WITHIN_S)
        for engine in (self._streams.engine, self._safe, self._ready):
            if engine is not None:
                engine.close()

    def _prepare(self) -> None:
        """In a thread of its own."""
        try:
            self._ready = self._preparation.run(self.bundle, self._on_progress)
        except (Face1dError, OSError, ValueError) as error:
            self._not_faster = f"; not TensorRT: {error}"
        self._preparing = ""
        if self._is_closed and self._ready is not None:
            self._ready.close()

    def _on_progress(self, phase: str, done: float) -> None:
        self._preparing = f"{phase}: {done:.0%}"

    def _go_over(self, engine: Engine) -> None:
        """To what has become ready, with all that is remembered."""
        before, self._ready = self._streams.engine, None
        try:
            self._streams.replace(engine)
        except EngineError as error:
            self._not_faster = f"; not {engine.name}: {error}"
            engine.close()
            return
        self._why = f"{engine.name} on {engine.device}: its golden run agrees"
        if before is not self._safe:
            before.close()

    def _fall_back(self, error: EngineError) -> Engine:
        """To the CPU, with all that is remembered. Gives the engine that failed; what is not its fault is raised."""
        failed = self._streams.engine
        if failed is self._safe or not is_frame(self._frame[1]):
            raise error
        safe = self._safe = self._safe or selection.on_the_cpu(self.bundle)
        self._streams.replace(safe)
        self._failures += 1
        self._why = f"ONNX Runtime on the CPU; {failed.name} on {failed.device} failed at work: {error}"
        self._not_faster = ""
        return failed
