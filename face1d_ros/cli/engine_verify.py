"""What a robot's owner needs to see of TensorRT on a machine: that it is right, how fast it is, that it may fail."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import Progress

from face1d_ros.cli.tables import print_measurement
from face1d_ros.engines.background import ModelRunner, OnProgress, Preparation
from face1d_ros.engines.bundle import TOLERANCE, Bundle, golden_error
from face1d_ros.engines.engine import Array, Arrays, Engine, Session, split_memory
from face1d_ros.engines.manifest import Manifest
from face1d_ros.engines.selection import on_the_cpu
from face1d_ros.engines.streams import FaceStreams
from face1d_ros.engines.tensorrt_engine import TensorRtEngine, cached_engine
from face1d_ros.errors import EngineError
from face1d_ros.evaluate.measurement import Measurement, Target, conditions

RATE_HZ = 30.0
COMPARED_FRAMES = 120
FAILS_AT_FRAME = 20
FALLBACK_FRAMES = 40
FALLBACK_LIMIT_S = 5.0
SEED = 11
WAYS = ((1, 2), (2, 1), (1,), (1, 2, 3), (4, 1, 2, 3, 5, 6, 7, 8), (3,))
"""Faces that come, go and change places."""


def verify_bundles(bundles: Sequence[Bundle], platform: dict[str, str], seconds: float, calls: int) -> Measurement:
    """Print and give all there is to know of these bundles on TensorRT and on the CPU."""
    rows: list[dict[str, Any]] = []
    targets: dict[str, Target] = {}
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("measuring", total=4 * len(bundles))
        for bundle in bundles:
            name = bundle.manifest.name
            tensorrt, cpu = cached_engine(bundle), on_the_cpu(bundle)
            for engine in (tensorrt, cpu):
                progress.update(task, description=f"{name}: {engine.name} at {RATE_HZ:g} Hz", advance=1)
                rows.append({"model": name, **_speed(bundle, engine, seconds, calls)})
            progress.update(task, description=f"{name}: TensorRT beside the CPU", advance=1)
            targets |= _targets(bundle, tensorrt, cpu)
            progress.update(task, description=f"{name}: TensorRT fails", advance=1)
            targets |= fallback(bundle, tensorrt)
            cpu.close()
    measurement = Measurement("engine verify", conditions(seed=SEED, tensorrt=platform), rows, targets)
    print_measurement(measurement, "TensorRT beside the CPU, one face")
    return measurement


def _targets(bundle: Bundle, tensorrt: TensorRtEngine, cpu: Engine) -> dict[str, Target]:
    name, tolerance = bundle.manifest.name, TOLERANCE[bundle.manifest.precision]
    return {
        f"{name}.golden_error": Target(golden_error(bundle, tensorrt), tolerance),
        f"{name}.difference_to_cpu": Target(difference(bundle.manifest, tensorrt, cpu), tolerance),
        f"{name}.one_cuda_graph": Target(float(tensorrt.is_one_graph), 1.0, ">="),
    }


def _speed(bundle: Bundle, engine: Engine, seconds: float, calls: int) -> dict[str, Any]:
    """Of one face: a frame every 33 ms, as from a camera, then one after the other."""
    session = engine.session(1)
    for name, array in random_inputs(bundle.manifest, 1, np.random.default_rng(SEED)).items():
        session.inputs[name][:] = array
    session.run()
    paced_ms, next_s = [], time.perf_counter()
    for _ in range(max(1, round(seconds * RATE_HZ))):
        next_s += 1 / RATE_HZ
        time.sleep(max(0.0, next_s - time.perf_counter()))
        paced_ms.append(1e3 * _timed(session))
    tight_s = [_timed(session) for _ in range(calls)]
    p50, p95, p99 = np.percentile(paced_ms, [50, 95, 99])
    return {
        "engine": engine.name,
        "device": engine.device,
        "precision": engine.precision,
        f"p50 ms at {RATE_HZ:g} Hz": float(p50),
        "p95 ms": float(p95),
        "p99 ms": float(p99),
        "tight loop p50 ms": float(1e3 * np.median(tight_s)),
        "calls a second": float(calls / np.sum(tight_s)),
    }


def _timed(session: Session) -> float:
    began_s = time.perf_counter()
    session.run()
    return time.perf_counter() - began_s


def difference(manifest: Manifest, one: Engine, other: Engine) -> float:
    """The largest, over frames whose faces come and go; of values above 1 in parts of the value."""
    rng, worst = np.random.default_rng(SEED), 0.0
    streams = FaceStreams(one), FaceStreams(other)
    for index in range(COMPARED_FRAMES):
        ids = WAYS[index // 5 % len(WAYS)]
        inputs = random_inputs(manifest, len(ids), rng)
        results = [frame(stream, index, ids, inputs) for stream in streams]
        worst = max(worst, apart(*results))
    return worst


def fallback(bundle: Bundle, engine: Engine) -> dict[str, Target]:
    """Let the engine fail in the middle of a stream: how far the frames are from the CPU's, how long the worst took."""
    name, tolerance = bundle.manifest.name, TOLERANCE[bundle.manifest.precision]
    runner = ModelRunner(bundle, "tensorrt", preparation=_Ready(_Failing(engine, FAILS_AT_FRAME)))
    reference = FaceStreams(on_the_cpu(bundle))
    rng, worst, slowest_s, ran = np.random.default_rng(SEED), 0.0, 0.0, set()
    try:
        runner.wait_until_prepared()
        for index in range(FALLBACK_FRAMES):
            inputs = random_inputs(bundle.manifest, 2, rng)
            began_s = time.perf_counter()
            result = frame(runner, index, (1, 2), inputs)
            slowest_s = max(slowest_s, time.perf_counter() - began_s)
            ran.add(runner.status().engine)
            worst = max(worst, apart(result, frame(reference, index, (1, 2), inputs)))
    finally:
        runner.close()
        reference.engine.close()
    went_over = ran == {"tensorrt", "onnxruntime"} and runner.status().failures == 1
    return {
        f"{name}.fallback_error": Target(worst if went_over else None, tolerance),
        f"{name}.fallback_s": Target(slowest_s if went_over else None, FALLBACK_LIMIT_S),
    }


def frame(stream: FaceStreams | ModelRunner, index: int, ids: Sequence[int], inputs: Arrays) -> dict[str, Array]:
    """One, with copies of what comes out."""
    given = stream.begin(round(index * 1e9 / RATE_HZ), ids)
    for name, array in inputs.items():
        given[name][:] = array
    return {name: array.copy() for name, array in stream.run().items()}


def apart(one: Arrays, other: Arrays) -> float:
    """The largest difference; of values above 1 in parts of the value. NaN counts as infinite."""
    worst = 0.0
    for name, array in one.items():
        wanted = other[name].astype(np.float64)
        found = np.abs(array.astype(np.float64) - wanted) / np.maximum(1.0, np.abs(wanted))
        worst = max(worst, float(np.nan_to_num(found, nan=np.inf, posinf=np.inf).max(initial=0.0)))
    return worst


def random_inputs(manifest: Manifest, faces: int, rng: np.random.Generator) -> dict[str, Array]:
    """For all but the memory."""
    arrays = {spec.name: rng.standard_normal(spec.sized(faces)).astype(spec.dtype) for spec in manifest.inputs}
    return split_memory(arrays, manifest)[0]


class _Ready(Preparation):
    """An engine that needs no preparing."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def run(self, bundle: Bundle, on_progress: OnProgress) -> Engine:
        """At once."""
        return self._engine


class _Failing:
    """An engine whose sessions fail at their n-th run, and all later ones."""

    def __init__(self, engine: Engine, at_run: int) -> None:
        self._engine, self._at_run = engine, at_run
        self.name, self.device, self.precision = engine.name, engine.device, engine.precision
        self.manifest = engine.manifest

    def session(self, faces: int) -> Session:
        """One that will fail."""
        return _FailingSession(self._engine.session(faces), self._at_run)

    def close(self) -> None:
        """That of the engine."""
        self._engine.close()


class _FailingSession:
    def __init__(self, session: Session, runs: int) -> None:
        self._session, self._left = session, runs
        self.inputs, self.outputs = session.inputs, session.outputs
        self.read_memory, self.write_memory = session.read_memory, session.write_memory

    def run(self) -> None:
        """Fails when there are no runs left."""
        self._left -= 1
        if self._left < 0:
            raise EngineError("tensorrt", "was made to fail, to see what happens")
        self._session.run()
