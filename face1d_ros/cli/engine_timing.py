"""Clocks around engines: what a frame takes at a camera's pace and without a pause, ours beside bare ONNX Runtime."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from face1d_ros.engines.bare import BareOnnxRuntime, tiled
from face1d_ros.engines.bundle import Bundle, load_bundle
from face1d_ros.engines.engine import Engine, split_memory
from face1d_ros.engines.onnxruntime_engine import OnnxRuntimeEngine, providers
from face1d_ros.engines.streams import FaceStreams

Call: TypeAlias = Callable[[], None]
Advance: TypeAlias = Callable[[], None]
WARM_UP_CALLS = 20
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def ours(bundle: Bundle, engine: Engine, faces: int) -> Call:
    """A frame as a stage has it: memory by track id, inputs copied into their arrays, one run."""
    given, _ = split_memory(tiled(bundle.golden_inputs, faces), bundle.manifest)
    streams = FaceStreams(engine)
    track_ids = tuple(range(1, faces + 1))
    stamp_ns = 0

    def call() -> None:
        nonlocal stamp_ns
        stamp_ns += 33_333_333
        inputs = streams.begin(stamp_ns, track_ids)
        for name, array in given.items():
            inputs[name][:] = array
        streams.run()

    return call


def bare(bundle: Bundle, faces: int) -> Call:
    """A frame as ONNX Runtime has it: ready arrays in, new arrays out."""
    runtime, inputs = BareOnnxRuntime(bundle), tiled(bundle.golden_inputs, faces)
    inputs.update({memory.input: np.zeros_like(inputs[memory.input]) for memory in bundle.manifest.memory})
    return lambda: _nothing(runtime.run(inputs))


def _nothing(_: Any) -> None:
    return None


@dataclass(frozen=True)
class Timing:
    """Of one call after the other."""

    times_s: Sequence[float]
    cpu_percent: float
    """Of one core, pauses included, all threads."""
    wall_s: float

    def as_row(self) -> dict[str, float]:
        """Percentiles in microseconds, and the rate."""
        p50, p95, p99 = (float(np.percentile(self.times_s, percent)) * 1e6 for percent in (50, 95, 99))
        rate_hz = len(self.times_s) / self.wall_s
        return {"p50_us": p50, "p95_us": p95, "p99_us": p99, "cpu_percent": self.cpu_percent, "rate_hz": rate_hz}


def timed(call: Call, frames: int, rate_hz: float | None, advance: Advance) -> Timing:
    """So many frames at this rate, with sleeps between; without a rate, as fast as they go."""
    for _ in range(WARM_UP_CALLS):
        call()
    times_s = []
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    for index in range(frames):
        _sleep_until(began_s, index, rate_hz)
        times_s.append(_timed_s(call))
        advance()
    wall_s = time.perf_counter() - began_s
    return Timing(times_s, 100.0 * (time.process_time() - began_cpu_s) / wall_s, wall_s)


def side_by_side(
    calls: tuple[Call, Call], rounds: int, calls_a_round: int, rate_hz: float | None, advance: Advance
) -> list[tuple[float, float]]:
    """The median times in seconds of each round, in which both are called in turn, the one and the other first."""
    for call in calls * WARM_UP_CALLS:
        call()
    medians = []
    for index in range(rounds):
        times_s: tuple[list[float], list[float]] = ([], [])
        began_s = time.perf_counter()
        for tick in range(2 * calls_a_round):
            which = (tick + index) % 2
            _sleep_until(began_s, tick, rate_hz)
            times_s[which].append(_timed_s(calls[which]))
        medians.append((statistics.median(times_s[0]), statistics.median(times_s[1])))
        advance()
    return medians


def memory_mb(path: Path, provider: str, faces: int) -> float:
    """What a new process takes more once the network has run for one face and for so many.

    A new one, because this one has long had all the memory that a small network needs.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
        return processes.submit(_added_mb, path, provider, faces).result()


def _added_mb(path: Path, provider: str, faces: int) -> float:
    providers()  # imports the runtime, which is no network's fault
    bundle = load_bundle(path)
    before_mb = _resident_mb()
    engine = OnnxRuntimeEngine(bundle, provider)
    for count in (1, faces):
        ours(bundle, engine, count)()
    return _resident_mb() - before_mb


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * PAGE_BYTES / 1e6


def _timed_s(call: Call) -> float:
    began_s = time.perf_counter()
    call()
    return time.perf_counter() - began_s


def _sleep_until(began_s: float, tick: int, rate_hz: float | None) -> None:
    if rate_hz is not None:
        time.sleep(max(0.0, began_s + tick / rate_hz - time.perf_counter()))
