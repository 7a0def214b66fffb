from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import pytest
from engines.fake_cuda import C_TYPES, DECLARED, ILLEGAL_ADDRESS
from engines.fake_machine import FakeMachine
from engines.fake_tensorrt import NEW, OLD
from engines.tiny_bundle import WIDTH, leaky_sum, manifest, network, write_bundle
from onnx import TensorProto, helper

from face1d_ros.engines import tensorrt_cuda, tensorrt_module
from face1d_ros.engines.bundle import Bundle, accept, load_bundle
from face1d_ros.engines.engine import run_once
from face1d_ros.engines.onnxruntime_engine import OnnxRuntimeEngine
from face1d_ros.engines.streams import FaceStreams
from face1d_ros.engines.tensorrt_build import BuildOptions, build_plan, check_tensors
from face1d_ros.engines.tensorrt_engine import TensorRtEngine
from face1d_ros.errors import BundleError, EngineError, MissingDependencyError

VERSIONS = pytest.mark.parametrize("version", [OLD, NEW])


def built(machine: FakeMachine, bundle: Bundle) -> TensorRtEngine:
    return TensorRtEngine(bundle, build_plan(machine.trt, bundle, BuildOptions(), b"", lambda *_: None)[0])


@pytest.fixture
def engine(machine: FakeMachine, bundle: Bundle) -> TensorRtEngine:
    return built(machine, bundle)


def numbers(*values: float) -> np.ndarray:
    """(B, WIDTH) a row of the same number for each face."""
    return np.repeat(np.array(values, np.float32)[:, None], WIDTH, axis=1)


def half_network():
    """The leaky sum in half precision between inputs and outputs of single precision."""
    cast = [("points", "p16"), ("state", "s16"), ("leak", "l16"), ("gain", "g16")]
    nodes = [helper.make_node("Cast", [a], [b], to=TensorProto.FLOAT16) for a, b in cast]
    nodes += [
        helper.make_node("Mul", ["s16", "l16"], ["kept"]),
        helper.make_node("Mul", ["p16", "g16"], ["added"]),
        helper.make_node("Add", ["kept", "added"], ["sum16"]),
        helper.make_node("Cast", ["sum16"], ["sums"], to=TensorProto.FLOAT),
        helper.make_node("Identity", ["sums"], ["state_out"]),
    ]
    return network(nodes=nodes)


class TestPrototypes:
    def test_they_are_those_of_the_header(self):
        declared = {name: tuple(C_TYPES[one] for one in types) for name, types in DECLARED.items()}
        assert declared == tensorrt_cuda.PROTOTYPES


class TestBuild:
    @VERSIONS
    def test_a_plan_is_strongly_typed_without_tf32_and_for_one_to_eight_faces(
        self, machine: FakeMachine, bundle: Bundle, version: str
    ):
        machine.become(version)
        plan, timing = build_plan(machine.trt, bundle, BuildOptions(), b"", lambda *_: None)
        assert b'"strong": true, "tf32": false' in plan
        assert b'"points": [[1, 3], [1, 3], [8, 3]]' in plan
        assert timing.startswith(b"timing of")

    def test_the_timing_cache_grows_and_one_of_another_version_is_begun_anew(
        self, machine: FakeMachine, bundle: Bundle
    ):
        first = build_plan(machine.trt, bundle, BuildOptions(), b"", lambda *_: None)[1]
        second = build_plan(machine.trt, bundle, BuildOptions(), first, lambda *_: None)[1]
        assert second.startswith(first) and len(second) > len(first)
        other = build_plan(machine.trt, bundle, BuildOptions(), b"timing of 9", lambda *_: None)[1]
        assert other == first

    def test_progress_is_that_of_the_outermost_phase_and_never_falls(self, machine: FakeMachine, bundle: Bundle):
        seen: list[tuple[str, float]] = []
        build_plan(machine.trt, bundle, BuildOptions(), b"", lambda *progress: seen.append(progress))
        shares = [share for _, share in seen]
        assert {name for name, _ in seen} == {"Building"}
        assert shares[0] == 0.0 and shares[-1] == 1.0 and shares == sorted(shares)
        assert 0.125 in shares  # a quarter of the first half

    def test_it_ends_when_nobody_listens(self, machine: FakeMachine, bundle: Bundle):
        def gone(*_: object) -> None:
            raise BrokenPipeError("nobody reads")

        with pytest.raises(EngineError, match="stopped: nobody reads"):
            build_plan(machine.trt, bundle, BuildOptions(), b"", gone)

    @pytest.mark.parametrize(("fault", "said"), [("parse", "no importer registered"), ("build", "any implementation")])
    def test_what_tensorrt_refuses_is_said_with_its_reason(
        self, machine: FakeMachine, bundle: Bundle, fault: str, said: str
    ):
        machine.trt.faults.add(fault)
        with pytest.raises(EngineError, match=said):
            build_plan(machine.trt, bundle, BuildOptions(), b"", lambda *_: None)

    def test_a_function_that_a_later_version_dropped_is_an_error_of_the_engine(
        self, machine: FakeMachine, bundle: Bundle
    ):
        del machine.trt.BuilderFlag
        with pytest.raises(EngineError, match="BuilderFlag"):
            build_plan(machine.trt, bundle, BuildOptions(), b"", lambda *_: None)

    def test_tensorrt_that_is_too_old_or_missing_is_said(self, machine: FakeMachine, monkeypatch: pytest.MonkeyPatch):
        machine.trt.__version__ = "8.6.1"
        with pytest.raises(EngineError, match=r"8\.6\.1 is too old"):
            tensorrt_module.load()
        monkeypatch.setitem(__import__("sys").modules, "tensorrt", None)
        with pytest.raises(MissingDependencyError, match="JetPack"):
            tensorrt_module.load()


class TestEngine:
    @VERSIONS
    @pytest.mark.parametrize("shares_memory", [False, True])
    def test_it_computes_what_the_bundle_says(
        self, machine: FakeMachine, bundle: Bundle, version: str, shares_memory: bool
    ):
        machine.become(version, shares_memory=shares_memory)
        engine = built(machine, bundle)
        assert (engine.name, engine.device, engine.precision) == ("tensorrt", "Fake Orin", "fp32")
        assert accept(bundle, engine) < 1e-6
        assert engine.is_one_graph

    def test_half_precision_is_accepted_within_its_own_tolerance(self, machine: FakeMachine, tmp_path: Path):
        bundle = load_bundle(write_bundle(tmp_path / "half", half_network(), precision="fp16"))
        engine = built(machine, bundle)
        assert engine.precision == "fp16"
        machine.trt.faults.add("wrong")  # by as much as half precision is
        assert 1e-4 < accept(bundle, engine) < 5e-3

    def test_an_engine_that_computes_something_else_is_refused(self, machine: FakeMachine, bundle: Bundle):
        engine = built(machine, bundle)
        machine.trt.faults.add("wrong")
        with pytest.raises(BundleError, match="golden run on tensorrt"):
            accept(bundle, engine)

    def test_another_bundle_s_plan_is_refused(self, machine: FakeMachine, bundle: Bundle, tmp_path: Path):
        wide = network()
        for value in (*wide.graph.input, *wide.graph.output):
            value.type.tensor_type.shape.dim[1].dim_value = 1
        other = Bundle(tmp_path, manifest(b"", b""), wide.SerializeToString(), {}, {})
        with pytest.raises(EngineError, match="as in the manifest"):
            build_plan(machine.trt, other, BuildOptions(), b"", lambda *_: None)

    def test_sizes_of_outputs_that_are_not_known_yet_are_no_difference_but_others_are(self, bundle: Bundle):
        specs = bundle.manifest.outputs
        for shape in ((-1, WIDTH), (-1, -1)):
            check_tensors(dict.fromkeys(("sums", "state_out"), ("float32", shape)), specs)
        for dtype, shape in (
            ("float16", (-1, WIDTH)),
            ("float32", (-1, 4)),
            ("float32", (-1,)),
            ("float32", (2, WIDTH)),
        ):
            with pytest.raises(EngineError, match="as in the manifest"):
                check_tensors(dict.fromkeys(("sums", "state_out"), (dtype, shape)), specs)

    def test_a_plan_for_fewer_faces_is_refused(self, machine: FakeMachine, bundle: Bundle):
        plan, _ = build_plan(machine.trt, bundle, BuildOptions(most_faces=4), b"", lambda *_: None)
        with pytest.raises(EngineError, match="takes"):
            TensorRtEngine(bundle, plan)

    @pytest.mark.parametrize("faces", [0, 9])
    def test_sessions_are_for_one_to_eight_faces(self, engine: TensorRtEngine, faces: int):
        with pytest.raises(EngineError, match=f"got {faces} faces"):
            engine.session(faces)

    def test_without_memory_on_the_device_there_is_no_session(self, machine: FakeMachine, engine: TensorRtEngine):
        machine.trt.faults.add("context")
        with pytest.raises(EngineError, match="out of memory"):
            engine.session(1)

    def test_closing_frees_everything_on_the_device_and_leaves_the_arrays(
        self, machine: FakeMachine, engine: TensorRtEngine
    ):
        sessions = [engine.session(faces) for faces in (1, 3)]
        sessions[0].inputs["points"][:] = 1.0
        sessions[0].run()
        outputs = sessions[0].outputs
        engine.close()
        engine.close()
        assert machine.cuda.count("cuMemFree_v2") == machine.cuda.count("cuMemAlloc_v2") > 0
        np.testing.assert_array_equal(outputs["sums"], leaky_sum(numbers(1.0), numbers(0.0)))
        with pytest.raises(EngineError, match="was closed"):
            sessions[0].run()
        del sessions, outputs
        gc.collect()
        assert machine.cuda.allocated() == 0

    def test_a_session_that_is_dropped_is_freed(self, machine: FakeMachine, engine: TensorRtEngine, bundle: Bundle):
        run_once(engine, bundle.golden_inputs)
        gc.collect()
        assert machine.cuda.allocated() == 0


class TestFrames:
    def test_addresses_are_bound_once_and_a_frame_is_one_launch(self, machine: FakeMachine, engine: TensorRtEngine):
        session = engine.session(2)
        bound, executed = (
            machine.trt.calls.count(f"IExecutionContext.{n}") for n in ("set_tensor_address", "execute_async_v3")
        )
        assert (bound, executed) == (4, 2)  # a warm-up and a recording
        before = list(machine.cuda.calls)
        for _ in range(10):
            session.run()
        assert machine.trt.calls.count("IExecutionContext.execute_async_v3") == executed
        calls = machine.cuda.calls[len(before) :]
        assert calls == ["cuCtxSetCurrent", "cuGraphLaunch", "cuStreamQuery"] * 10

    def test_memory_stays_on_the_device(self, machine: FakeMachine, engine: TensorRtEngine):
        session = engine.session(1)
        state = numbers(0.0)
        for number in (1.0, 2.0, 3.0):
            session.inputs["points"][:] = number
            session.run()
            state = leaky_sum(numbers(number), state)
            np.testing.assert_allclose(session.outputs["sums"], state)
        np.testing.assert_allclose(session.read_memory()["state"], state)
        session.write_memory({"state": numbers(10.0)})
        np.testing.assert_array_equal(session.read_memory()["state"], numbers(10.0))
        session.inputs["points"][:] = 0.0
        session.run()
        np.testing.assert_allclose(session.outputs["sums"], leaky_sum(numbers(0.0), numbers(10.0)))

    def test_memory_begins_with_zeros_after_the_warm_up(self, engine: TensorRtEngine):
        first = engine.session(1)
        first.inputs["points"][:] = 5.0
        first.run()
        np.testing.assert_array_equal(engine.session(1).read_memory()["state"], numbers(0.0))

    @pytest.mark.parametrize("shares_memory", [False, True])
    def test_copies_are_made_only_where_memory_is_not_shared(
        self, machine: FakeMachine, bundle: Bundle, shares_memory: bool
    ):
        machine.become(shares_memory=shares_memory)
        session = built(machine, bundle).session(1)
        assert (machine.cuda.count("cuMemcpyDtoHAsync_v2") == 0) == shares_memory
        session.inputs["points"][:] = 1.0
        session.run()
        np.testing.assert_array_equal(session.outputs["sums"], leaky_sum(numbers(1.0), numbers(0.0)))

    def test_what_cannot_be_recorded_runs_all_the_same(self, machine: FakeMachine, engine: TensorRtEngine):
        machine.cuda.fails["cuGraphInstantiateWithFlags"] = 801
        session = engine.session(1)
        assert not session.is_one_graph
        for number in (1.0, 2.0):
            session.inputs["points"][:] = number
            session.run()
        expected = leaky_sum(numbers(2.0), leaky_sum(numbers(1.0), numbers(0.0)))
        np.testing.assert_allclose(session.outputs["sums"], expected)

    def test_faces_that_come_and_go_give_the_same_as_on_the_cpu(self, engine: TensorRtEngine, bundle: Bundle):
        rng = np.random.default_rng(3)
        streams = [FaceStreams(engine), FaceStreams(OnnxRuntimeEngine(bundle))]
        for index in range(60):
            ids = rng.permutation(8)[: rng.integers(1, 9)].tolist()
            points = rng.random((len(ids), WIDTH), np.float32)
            results = []
            for stream in streams:
                stream.begin(index * 33_333_333, ids)["points"][:] = points
                results.append(stream.run()["sums"].copy())
            np.testing.assert_allclose(*results, rtol=1e-6)


class TestFailures:
    def after_one_frame(self, engine: TensorRtEngine):
        session = engine.session(1)
        session.inputs["points"][:] = 1.0
        session.run()
        return session

    def test_after_a_run_that_failed_memory_is_that_from_before(self, machine: FakeMachine, engine: TensorRtEngine):
        session = self.after_one_frame(engine)
        machine.cuda.fails["cuStreamQuery"] = ILLEGAL_ADDRESS
        session.inputs["points"][:] = 2.0
        with pytest.raises(EngineError, match="CUDA_ERROR_ILLEGAL_ADDRESS"):
            session.run()
        np.testing.assert_array_equal(session.read_memory()["state"], leaky_sum(numbers(1.0), numbers(0.0)))
        with pytest.raises(EngineError, match="earlier run"):
            session.run()

    def test_a_device_that_hangs_is_given_up_and_never_waited_for_again(
        self, machine: FakeMachine, engine: TensorRtEngine, monkeypatch: pytest.MonkeyPatch
    ):
        session = self.after_one_frame(engine)
        monkeypatch.setattr(tensorrt_cuda, "NAPS", 3)
        monkeypatch.setattr(tensorrt_cuda, "NAP_S", 0.0)
        machine.cuda.is_hung = True
        with pytest.raises(EngineError, match="no answer"):
            session.run()
        before = len(machine.cuda.calls)
        engine.close()
        del session
        gc.collect()
        assert machine.cuda.calls[before:] == []  # freeing would wait for the device

    def test_no_driver_is_said(self, machine: FakeMachine, bundle: Bundle, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.undo()
        tensorrt_cuda.device.cache_clear()
        monkeypatch.setattr(tensorrt_cuda, "LIBRARY", "libnothing_of_the_kind.so.1")
        with pytest.raises(EngineError, match="no NVIDIA driver"):
            tensorrt_cuda.device()


class TestStandIn:
    """It has to refuse what it is there to refuse."""

    def test_members_of_another_version_are_not_there(self, machine: FakeMachine):
        machine.become(NEW)
        assert not hasattr(machine.trt.BuilderFlag, "FP16")
        with pytest.raises(AttributeError):
            machine.trt.Builder.platform_has_fast_fp16  # noqa: B018

    def test_arguments_of_other_types_are_refused(self, machine: FakeMachine, bundle: Bundle):
        engine = built(machine, bundle)._plan_engine
        context = engine.create_execution_context()
        with pytest.raises(TypeError, match="incompatible"):
            context.set_tensor_address("points", "0x70")
        with pytest.raises(TypeError, match="incompatible"):
            context.execute_async_v3(None)
        with pytest.raises(AttributeError, match="cannot be set"):
            context.engine = None

    def test_wrong_order_and_foreign_bytes_are_noticed(self, machine: FakeMachine, bundle: Bundle):
        plan_engine = built(machine, bundle)._plan_engine
        context = plan_engine.create_execution_context()
        tensorrt_cuda.device().use()
        stream = tensorrt_cuda.device().stream()
        assert not context.execute_async_v3(stream.handle)
        runtime = machine.trt.Runtime(log := tensorrt_module.make_log(machine.trt))
        assert runtime.deserialize_cuda_engine(b"\x7fELF") is None and log.messages
        with pytest.raises(EngineError):
            tensorrt_cuda.device().free(0x7000)
        assert [text.split(":")[0] for text in machine.cuda.wrong] == [
            "executed before addresses and shapes were set",
            "deserialised bytes that it did not make",
            "cuMemFree_v2",
        ]
        machine.cuda.wrong.clear()
