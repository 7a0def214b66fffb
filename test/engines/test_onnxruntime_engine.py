from __future__ import annotations

import numpy as np
import pytest
from engines.fake_cuda_provider import FakeCudaProvider
from engines.tiny_bundle import leaky_sum

from face1d_ros.engines import onnxruntime_engine
from face1d_ros.engines.background import ModelRunner
from face1d_ros.engines.bundle import Bundle
from face1d_ros.engines.onnxruntime_engine import OnnxRuntimeEngine, session_options
from face1d_ros.engines.selection import select
from face1d_ros.errors import EngineError


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> FakeCudaProvider:
    fake = FakeCudaProvider()
    monkeypatch.setattr(onnxruntime_engine, "onnxruntime_module", lambda: fake)
    return fake


def test_on_the_cpu_one_thread_sleeps_between_frames():
    import onnxruntime

    options = session_options(onnxruntime, "CPU")
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (1, 1)
    assert options.execution_mode == onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"


def test_on_cuda_each_frame_is_computed_from_its_own_inputs_and_memory(cuda: FakeCudaProvider, bundle: Bundle):
    session = OnnxRuntimeEngine(bundle, "CUDA").session(2)
    state = np.zeros((2, 3), np.float32)
    for frame in range(5):
        session.inputs["points"][:] = frame + np.arange(6, dtype=np.float32).reshape(2, 3)
        state = leaky_sum(session.inputs["points"], state)
        session.run()
        np.testing.assert_allclose(session.outputs["sums"], state)
        np.testing.assert_allclose(session.read_memory()["state"], state)


def test_memory_that_is_written_is_what_the_gpu_reads(cuda: FakeCudaProvider, bundle: Bundle):
    session = OnnxRuntimeEngine(bundle, "CUDA").session(1)
    session.run()
    session.write_memory({"state": np.full((1, 3), 8.0, np.float32)})
    session.inputs["points"][:] = 1.0
    session.run()
    np.testing.assert_allclose(session.outputs["sums"], [[5.0, 6.0, 3.0]])


def test_cuda_is_chosen_where_it_works_and_nothing_may_run_beside_it_unseen(
    cuda: FakeCudaProvider, bundle: Bundle, capsys: pytest.CaptureFixture[str]
):
    chosen = select(bundle, "onnxruntime")
    assert (chosen.engine.device, chosen.engine.name) == ("CUDA", "onnxruntime")
    assert cuda.entries["session.disable_cpu_ep_fallback"] == "1"
    assert cuda.preloaded == 1
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("no library", "CUDA did not start; ONNX Runtime went on with CPUExecutionProvider"),
        ("no kernel", "assigned to the default CPU EP"),
        ("memory", "no session for 2 faces on CUDA: .*out of memory"),
        ("run", "failed at a run: .*illegal memory access"),
    ],
)
def test_where_cuda_does_not_work_the_cpu_runs_and_it_is_said_why(
    cuda: FakeCudaProvider, bundle: Bundle, fault: str, said: str
):
    cuda.faults.add(fault)
    with pytest.raises(EngineError, match=said):
        OnnxRuntimeEngine(bundle, "CUDA").session(2).run()
    chosen = select(bundle, "onnxruntime")
    assert chosen.engine.device == "CPU"
    assert "not ONNX Runtime on CUDA: " in chosen.why


def test_when_cuda_fails_in_the_middle_of_a_stream_the_cpu_goes_on_from_the_frame_before(
    cuda: FakeCudaProvider, bundle: Bundle
):
    runner = ModelRunner(bundle, "onnxruntime")
    state = np.zeros((1, 3), np.float32)
    for frame in range(4):
        if frame == 2:
            cuda.faults.add("run")
        points = np.full((1, 3), 1.0 + frame, np.float32)
        runner.begin(frame * 33_000_000, [7])["points"][:] = points
        state = leaky_sum(points, state)
        np.testing.assert_allclose(runner.run()["sums"], state)
    status = runner.status()
    assert (status.device, status.failures) == ("CPU", 1)
    assert "onnxruntime on CUDA failed at work" in status.why
    runner.close()
