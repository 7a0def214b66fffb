from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from engines.fake_machine import FakeMachine
from engines.fake_tensorrt import NEW

from face1d_ros.engines import tensorrt_cuda, tensorrt_module
from face1d_ros.engines.bundle import Bundle, accept
from face1d_ros.engines.tensorrt_build import BuildOptions
from face1d_ros.engines.tensorrt_builder import BUILDING, EXIT_NOBODY_WAITS, WAITING, ensure_engine
from face1d_ros.engines.tensorrt_cache import EngineCache, Key, engine_key, timing_key
from face1d_ros.engines.tensorrt_child import MODULE, BuildChild
from face1d_ros.engines.tensorrt_engine import cached_engine
from face1d_ros.errors import BundleError, EngineError


def silent(*_: object) -> None:
    pass


def key_of(machine: FakeMachine, bundle: Bundle) -> Key:
    platform = tensorrt_module.platform_of(machine.trt, tensorrt_cuda.device())
    return engine_key(bundle.manifest, platform, BuildOptions())


class TestEnsureEngine:
    def test_it_is_built_once_and_then_found(self, machine: FakeMachine, bundle: Bundle):
        with pytest.raises(EngineError, match="face1d engine build leaky_sum"):
            cached_engine(bundle)
        first = ensure_engine(bundle, silent)
        assert first.was_built and first.golden_error < 1e-6
        assert not ensure_engine(bundle, silent).was_built
        assert accept(bundle, cached_engine(bundle)) < 1e-6
        assert ensure_engine(bundle, silent, again=True).was_built

    @pytest.mark.parametrize(
        "other",
        [
            {"version": NEW},
            {"name": "Fake Thor"},
            {"minor": 9},
            {"cuda": 13000},
        ],
    )
    def test_another_version_or_device_gets_an_engine_of_its_own(
        self, machine: FakeMachine, bundle: Bundle, other: dict[str, object]
    ):
        ensure_engine(bundle, silent)
        machine.become(**other)  # type: ignore[arg-type]
        with pytest.raises(EngineError, match="none was built yet"):
            cached_engine(bundle)
        assert ensure_engine(bundle, silent).was_built
        machine.become()
        assert not ensure_engine(bundle, silent).was_built

    def test_a_damaged_or_foreign_engine_is_built_again_and_never_deserialised(
        self, machine: FakeMachine, bundle: Bundle
    ):
        ensure_engine(bundle, silent)
        (entry,) = EngineCache().entries()
        for hostile in (b"\x7fELF and what follows", entry.path.read_bytes()[:-1]):
            entry.path.write_bytes(hostile)
            with pytest.raises(EngineError, match="none was built yet"):
                cached_engine(bundle)
            assert ensure_engine(bundle, silent).was_built
        assert machine.cuda.wrong == []  # which would tell of bytes that the stand-in did not make

    def test_an_engine_that_computes_wrongly_is_not_kept(self, machine: FakeMachine, bundle: Bundle):
        machine.trt.faults.add("wrong")
        with pytest.raises(BundleError, match="golden run on tensorrt"):
            ensure_engine(bundle, silent)
        assert EngineCache().entries() == []

    def test_a_kept_engine_that_tensorrt_no_longer_takes_is_built_again(self, machine: FakeMachine, bundle: Bundle):
        ensure_engine(bundle, silent)
        cache = EngineCache()
        key = key_of(machine, bundle)
        plan = cache.read(key)
        assert plan is not None
        cache.write(key, plan.replace(b'"strong"', b'"strOng"'))  # ours, but not what this TensorRT made
        outcome = ensure_engine(bundle, silent)
        assert outcome.was_built and cache.read(key) == plan
        assert machine.cuda.wrong == ["deserialised bytes that it did not make"]
        machine.cuda.wrong.clear()

    def test_what_was_learned_of_the_speed_of_kernels_is_kept_for_the_next_build(
        self, machine: FakeMachine, bundle: Bundle
    ):
        def learned() -> int:
            key = timing_key(tensorrt_module.platform_of(machine.trt, tensorrt_cuda.device()))
            return len(EngineCache().read(key) or b"")

        ensure_engine(bundle, silent)
        first = learned()
        assert first > 0
        ensure_engine(bundle, silent, again=True)
        assert learned() > first


class TestChild:
    def test_it_builds_tries_and_keeps_an_engine_that_we_then_load(self, machine: FakeMachine, bundle: Bundle):
        machine.for_children()
        seen: list[str] = []
        result = BuildChild(bundle.path).run(lambda phase, _: seen.append(phase))
        assert result["was_built"] is True and result["golden_error"] < 1e-6
        assert seen[0] == BUILDING and "Building" in seen
        assert accept(bundle, cached_engine(bundle)) < 1e-6

    def test_a_crash_is_an_error_and_leaves_nothing_in_the_way(self, machine: FakeMachine, bundle: Bundle):
        machine.for_children(faults="crash")
        with pytest.raises(EngineError, match="the build ended with SIGSEGV"):
            BuildChild(bundle.path).run(silent)
        assert ensure_engine(bundle, silent).was_built

    def test_what_the_build_refuses_is_said(self, machine: FakeMachine, bundle: Bundle):
        machine.for_children(faults="parse")
        with pytest.raises(EngineError, match=r"the build failed: .*no importer registered"):
            BuildChild(bundle.path).run(silent)

    def test_one_that_is_killed_half_way_can_be_built_again(self, machine: FakeMachine, bundle: Bundle):
        machine.for_children(faults="hang")
        child = BuildChild(bundle.path)
        with pytest.raises(EngineError, match="the build was stopped: not needed"):
            child.run(lambda phase, _: child.stop("not needed"))
        assert EngineCache().entries() == []
        assert ensure_engine(bundle, silent).was_built

    def test_one_that_never_ends_is_ended(self, machine: FakeMachine, bundle: Bundle):
        machine.for_children(faults="hang")
        with pytest.raises(EngineError, match=r"it took more than 0\.01 s"):
            BuildChild(bundle.path, limit_s=0.01).run(silent)

    def test_half_a_line_from_one_that_was_killed_is_no_result(self, bundle: Bundle):
        child = BuildChild(bundle.path)
        child._command = [sys.executable, "-c", "import os; os.write(1, b'{\"was_bu'); os.kill(os.getpid(), 9)"]
        with pytest.raises(EngineError, match="the build ended with SIGKILL"):
            child.run(silent)

    def test_one_that_is_stopped_before_it_begins_does_not_begin(self, bundle: Bundle):
        child = BuildChild(bundle.path)
        child.stop("not needed")
        with pytest.raises(EngineError, match="not needed"):
            child.run(silent)

    def test_it_ends_with_whoever_waits_for_it(self, machine: FakeMachine, bundle: Bundle):
        machine.for_children(faults="hang")
        command = [sys.executable, "-m", MODULE, str(bundle.path)]
        root = Path(__file__).parents[2]
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root)
        assert child.stdout is not None and BUILDING.encode() in child.stdout.readline()
        child.communicate()  # closes its standard input, as the end of this process would
        assert child.returncode == EXIT_NOBODY_WAITS

    def test_of_two_at_once_the_second_finds_what_the_first_has_built(self, machine: FakeMachine, bundle: Bundle):
        ensure_engine(bundle, silent)
        cache, key = EngineCache(), key_of(machine, bundle)
        plan = cache.read(key)
        assert plan is not None
        cache.clear()
        machine.for_children()
        waits, results = threading.Event(), []

        def on_progress(phase: str, _: float) -> None:
            if phase == WAITING:
                waits.set()

        with cache.lock():
            second = threading.Thread(target=lambda: results.append(BuildChild(bundle.path).run(on_progress)))
            second.start()
            assert waits.wait(60)
            cache.write(key, plan)
        second.join()
        assert results[0]["was_built"] is False
