"""The engine that answers, and its changes: none of them may lose a frame or what is remembered."""

from __future__ import annotations

import gc
import threading
from typing import Any

import numpy as np
import pytest
from engines.fake_cuda import ILLEGAL_ADDRESS
from engines.fake_machine import FakeMachine
from engines.tiny_bundle import WIDTH, leaky_sum

from face1d_ros.engines import tensorrt_cuda
from face1d_ros.engines.background import ModelRunner, Preparation
from face1d_ros.engines.bundle import Bundle
from face1d_ros.engines.engine import Engine
from face1d_ros.engines.tensorrt_builder import ensure_engine
from face1d_ros.engines.tensorrt_engine import cached_engine
from face1d_ros.errors import EngineError

FRAME_NS = 33_333_333


class InProcess(Preparation):
    """Without the child process; waits for `go`."""

    def __init__(self, go: bool = True) -> None:
        self.go, self.begun, self.is_stopped = threading.Event(), threading.Event(), False
        if go:
            self.go.set()

    def run(self, bundle: Bundle, on_progress: Any) -> Engine:
        on_progress("building", 0.43)
        self.begun.set()
        self.go.wait()
        ensure_engine(bundle, lambda *_: None)
        return cached_engine(bundle)

    def stop(self) -> None:
        self.is_stopped = True
        self.go.set()


class Stream:
    """Frames of faces, each with what its memory should be."""

    def __init__(self, runner: ModelRunner) -> None:
        self.runner, self.index = runner, 0
        self.states: dict[int, np.ndarray] = {}
        self.rng = np.random.default_rng(5)

    def frame(self, *ids: int) -> None:
        points = self.rng.random((len(ids), WIDTH), np.float32)
        self.index += 1
        self.runner.begin(self.index * FRAME_NS, ids)["points"][:] = points
        self.check(ids, points)

    def check(self, ids: tuple[int, ...], points: np.ndarray) -> None:
        result = self.runner.run()["sums"]
        zeros = np.zeros(WIDTH, np.float32)
        self.states = {i: leaky_sum(points[row], self.states.get(i, zeros)) for row, i in enumerate(ids)}
        np.testing.assert_allclose(result, np.stack(list(self.states.values())), rtol=1e-6)


@pytest.fixture
def runner(machine: FakeMachine, bundle: Bundle):
    runner = ModelRunner(bundle, preparation=InProcess())
    yield runner
    runner.close()


@pytest.fixture
def stream(runner: ModelRunner) -> Stream:
    runner.wait_until_prepared()
    stream = Stream(runner)
    stream.frame(1, 2)
    assert runner.engine.name == "tensorrt"
    return stream


class TestGoingOver:
    def test_the_cpu_answers_until_it_is_ready_and_memory_goes_along(self, machine: FakeMachine, bundle: Bundle):
        preparation = InProcess(go=False)
        runner = ModelRunner(bundle, preparation=preparation)
        stream = Stream(runner)
        stream.frame(1, 2)
        assert preparation.begun.wait(60)
        status = runner.status()
        assert (status.engine, status.device, status.preparing) == ("onnxruntime", "CPU", "building: 43%")
        assert "not ONNX Runtime on CUDA" in status.why
        stream.frame(2, 1, 3)
        preparation.go.set()
        runner.wait_until_prepared()
        for _ in range(5):
            stream.frame(3, 1)
        stream.frame(1, 4)
        status = runner.status()
        assert (status.engine, status.device, status.preparing) == ("tensorrt", "Fake Orin", "")
        assert status.values()["engine failures"] == 0
        runner.close()

    def test_what_cannot_be_built_leaves_the_cpu_and_says_why(self, machine: FakeMachine, bundle: Bundle):
        machine.trt.faults.add("build")
        runner = ModelRunner(bundle, preparation=InProcess())
        runner.wait_until_prepared()
        Stream(runner).frame(1)
        assert runner.status().engine == "onnxruntime"
        assert "not TensorRT: engine tensorrt: could not build" in runner.status().why

    def test_without_tensorrt_nothing_is_started(self, bundle: Bundle):
        runner = ModelRunner(bundle)
        runner.wait_until_prepared()
        Stream(runner).frame(1)
        assert runner.status().why.endswith("not TensorRT: it is not installed")
        assert runner.status().preparing == ""

    @pytest.mark.parametrize("wanted", ["onnxruntime"])
    def test_who_wants_another_engine_gets_no_tensorrt(self, machine: FakeMachine, bundle: Bundle, wanted: str):
        preparation = InProcess()
        runner = ModelRunner(bundle, wanted, preparation=preparation)
        runner.wait_until_prepared()
        Stream(runner).frame(1)
        assert not preparation.begun.is_set()
        assert runner.status().engine == "onnxruntime"

    def test_one_that_has_no_room_for_a_session_is_not_gone_over_to(self, machine: FakeMachine, bundle: Bundle):
        runner = ModelRunner(bundle, preparation=InProcess())
        runner.wait_until_prepared()
        stream = Stream(runner)
        assert runner._ready is not None
        ready, runner._ready = runner._ready, None
        stream.frame(1)
        machine.trt.faults.add("context")
        runner._ready = ready
        stream.frame(1)
        stream.frame(1)
        assert runner.status().engine == "onnxruntime"
        assert "not tensorrt: engine tensorrt: no session" in runner.status().why

    def test_a_device_that_hangs_in_the_first_frame_is_left_alone(
        self, machine: FakeMachine, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(tensorrt_cuda, "NAPS", 3)
        monkeypatch.setattr(tensorrt_cuda, "NAP_S", 0.0)
        runner = ModelRunner(bundle, preparation=InProcess())
        stream = Stream(runner)
        stream.frame(1)
        runner.wait_until_prepared()
        machine.cuda.is_hung = True
        stream.frame(1)
        stream.frame(1)
        assert runner.status().engine == "onnxruntime"
        assert "no answer from the device" in runner.status().why
        freed = machine.cuda.count("cuMemFree_v2")
        runner.close()
        gc.collect()
        assert machine.cuda.count("cuMemFree_v2") == freed  # freeing would wait for the device

    def test_closing_stops_what_is_being_prepared(self, machine: FakeMachine, bundle: Bundle):
        preparation = InProcess(go=False)
        runner = ModelRunner(bundle, preparation=preparation)
        runner.close()
        assert preparation.is_stopped
        runner.wait_until_prepared()
        assert machine.cuda.allocated() == 0

    def test_the_real_preparation_builds_in_a_child_and_loads_here(self, machine: FakeMachine, bundle: Bundle):
        machine.for_children()
        runner = ModelRunner(bundle)
        stream = Stream(runner)
        stream.frame(1)
        runner.wait_until_prepared()
        stream.frame(1)
        assert runner.status().engine == "tensorrt", runner.status().why
        runner.close()

    def test_a_builder_that_crashes_does_not_take_us_along(self, machine: FakeMachine, bundle: Bundle):
        machine.for_children(faults="crash")
        runner = ModelRunner(bundle)
        stream = Stream(runner)
        stream.frame(1)
        runner.wait_until_prepared()
        stream.frame(1)
        assert runner.status().engine == "onnxruntime"
        assert "the build ended with SIGSEGV" in runner.status().why


class TestFallingBack:
    @pytest.mark.parametrize("function", ["cuGraphLaunch", "cuStreamQuery"])
    def test_a_run_that_fails_is_computed_by_the_cpu_from_the_same_memory(
        self, machine: FakeMachine, runner: ModelRunner, stream: Stream, function: str
    ):
        for _ in range(3):
            stream.frame(1, 2)
        machine.cuda.fails[function] = ILLEGAL_ADDRESS
        for _ in range(3):
            stream.frame(1, 2)
        status = runner.status()
        assert (status.engine, status.device, status.failures) == ("onnxruntime", "CPU", 1)
        assert "tensorrt on Fake Orin failed at work" in status.why and "ILLEGAL_ADDRESS" in status.why

    def test_so_is_one_that_fails_half_way(self, machine: FakeMachine, runner: ModelRunner, stream: Stream):
        points = stream.rng.random((2, WIDTH), np.float32)
        stream.index += 1
        runner.begin(stream.index * FRAME_NS, (1, 2))["points"][:] = points
        machine.cuda.fails["cuStreamQuery"] = ILLEGAL_ADDRESS
        stream.check((1, 2), points)
        stream.frame(2, 1)

    def test_a_face_that_comes_when_the_device_has_no_room_is_no_loss(
        self, machine: FakeMachine, runner: ModelRunner, stream: Stream
    ):
        machine.trt.faults.add("context")
        stream.frame(1, 2, 3)
        assert runner.status().engine == "onnxruntime"
        assert "no session for 3 faces" in runner.status().why

    @pytest.mark.parametrize("later", [(2, 1), (1,), (3, 4)])
    def test_faces_that_change_when_the_device_fails_keep_their_memory(
        self, machine: FakeMachine, runner: ModelRunner, stream: Stream, later: tuple[int, ...]
    ):
        stream.frame(*later)
        stream.frame(1, 2)
        machine.cuda.fails["cuMemcpyHtoDAsync_v2"] = ILLEGAL_ADDRESS  # at the change, not at the run
        stream.frame(*later)
        stream.frame(*later)
        assert runner.status().failures == 1

    def test_wrong_faces_are_the_caller_s_fault_and_change_nothing(self, runner: ModelRunner, stream: Stream):
        for ids in ((), (1, 1), tuple(range(9))):
            with pytest.raises(EngineError, match="different ones"):
                runner.begin(10 * FRAME_NS, ids)
        assert runner.status().engine == "tensorrt"

    def test_a_failure_of_the_cpu_is_raised(self, bundle: Bundle, monkeypatch: pytest.MonkeyPatch):
        runner = ModelRunner(bundle, "onnxruntime")
        runner.begin(0, [1])

        def fail() -> None:
            raise EngineError("onnxruntime", "out of memory")

        monkeypatch.setattr(runner._streams, "run", fail)
        with pytest.raises(EngineError, match="out of memory"):
            runner.run()
