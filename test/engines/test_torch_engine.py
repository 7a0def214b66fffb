from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from face1d_ros.engines.bundle import Bundle, accept
from face1d_ros.engines.onnxruntime_engine import OnnxRuntimeEngine
from face1d_ros.engines.streams import FaceStreams
from face1d_ros.engines.torch_engine import TorchEngine
from face1d_ros.errors import EngineError
from face1d_ros.nets.network import StreamingNetwork
from face1d_ros.train.export import UNTRAINED, export, network_of, untrained

SMALL: dict[str, Any] = {"landmarks": 21, "part": 4, "width": 8, "hidden": 4, "rank": 3}
FRAME_NS = 33_333_333


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    torch.manual_seed(1)
    return export(untrained("gru", SMALL), tmp_path_factory.mktemp("models") / "gru", UNTRAINED, windows=8)[0]


@pytest.fixture
def network(bundle: Bundle) -> StreamingNetwork:
    return network_of(bundle)


def test_its_golden_run_agrees(bundle: Bundle, network: StreamingNetwork):
    engine = TorchEngine(network, bundle.manifest)
    assert (engine.name, engine.device, engine.precision) == ("torch", "CPU", "fp32")
    assert accept(bundle, engine) <= 1e-5


def test_it_follows_faces_as_onnx_runtime_does_and_takes_over_from_it(bundle: Bundle, network: StreamingNetwork):
    ours, theirs = FaceStreams(TorchEngine(network, bundle.manifest)), FaceStreams(OnnxRuntimeEngine(bundle))
    rng = np.random.default_rng(2)
    for index, ids in enumerate([(1,), (1, 2), (2, 1, 3), (2, 1, 3), (3,)]):
        if index == 3:
            theirs.replace(TorchEngine(network, bundle.manifest))
        results = []
        landmarks = rng.normal(300.0, 50.0, (len(ids), 21, 3)).astype(np.float32)
        for streams in (ours, theirs):
            inputs = streams.begin(index * FRAME_NS, ids)
            inputs["landmarks"][:] = landmarks
            inputs["confidence"][:] = 1.0
            inputs["dt"][:] = 1 / 30
            results.append(streams.run()["refined"].copy())
        np.testing.assert_allclose(results[0], results[1], rtol=1e-5, atol=1e-3)
        assert np.abs(results[0] - landmarks).max() > 1e-2, "the network does something"


def test_memory_is_copied_in_and_out(bundle: Bundle, network: StreamingNetwork):
    session = TorchEngine(network, bundle.manifest).session(2)
    memory = session.read_memory()
    assert {name: array.shape for name, array in memory.items()} == {
        "previous": (2, 3, 24),
        "drift": (2, 6),
        "hidden": (2, 8, 6),
    }
    memory["hidden"][:] = 0.5
    assert not session.read_memory()["hidden"].any()
    session.write_memory(memory)
    memory["hidden"][:] = 0.0
    assert (session.read_memory()["hidden"] == 0.5).all()


@pytest.mark.parametrize(("family", "change"), [("lstm", {}), ("gru", {"landmarks": 24})])
def test_a_bundle_of_another_network_is_refused(bundle: Bundle, family: str, change: dict[str, int]):
    with pytest.raises(EngineError, match="is of another network"):
        TorchEngine(untrained(family, SMALL | change), bundle.manifest)


def test_what_pytorch_cannot_do_is_an_engine_error(
    bundle: Bundle, network: StreamingNetwork, monkeypatch: pytest.MonkeyPatch
):
    def fail(*_: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    session = TorchEngine(network, bundle.manifest).session(1)
    monkeypatch.setattr(network, "step", fail)
    with pytest.raises(EngineError, match="failed at a run: CUDA out of memory"):
        session.run()


def test_an_unknown_device_is_an_engine_error(bundle: Bundle, network: StreamingNetwork):
    with pytest.raises(EngineError, match="cannot use warp"):
        TorchEngine(network, bundle.manifest, device="warp")


def test_after_closing_there_are_no_new_sessions(bundle: Bundle, network: StreamingNetwork):
    engine = TorchEngine(network, bundle.manifest)
    session = engine.session(1)
    engine.close()
    engine.close()
    session.run()
    with pytest.raises(EngineError, match="was closed"):
        engine.session(1)
