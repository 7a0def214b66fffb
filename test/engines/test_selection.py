from __future__ import annotations

import pytest
from engines.fake_machine import FakeMachine

from face1d_ros.engines import onnxruntime_engine
from face1d_ros.engines.bundle import Bundle
from face1d_ros.engines.selection import select
from face1d_ros.engines.tensorrt_builder import ensure_engine
from face1d_ros.errors import EngineError, InvalidValueError


def test_without_anything_faster_the_cpu_runs_and_it_is_said_why(bundle: Bundle):
    chosen = select(bundle)
    assert (chosen.engine.name, chosen.engine.device) == ("onnxruntime", "CPU")
    assert chosen.why.startswith("ONNX Runtime on the CPU, golden run within")
    assert "not TensorRT: TensorRT (" in chosen.why
    assert "not ONNX Runtime on CUDA: engine onnxruntime: this build has no CUDA" in chosen.why


@pytest.mark.parametrize("wanted", ["auto", "tensorrt"])
def test_an_engine_in_the_cache_comes_first(machine: FakeMachine, bundle: Bundle, wanted: str):
    assert "face1d engine build leaky_sum" in select(bundle, wanted).why
    ensure_engine(bundle, lambda *_: None)
    chosen = select(bundle, wanted)
    assert chosen.engine.name == "tensorrt"
    assert chosen.why.startswith("TensorRT, golden run within")
    assert select(bundle, wanted, at_once=True).engine.name == "onnxruntime"


@pytest.mark.parametrize("fault", ["wrong", "deserialize", "context", "execute"])
def test_one_that_does_not_start_or_computes_wrongly_is_passed_over(machine: FakeMachine, bundle: Bundle, fault: str):
    ensure_engine(bundle, lambda *_: None)
    machine.trt.faults.add(fault)
    chosen = select(bundle)
    assert chosen.engine.name == "onnxruntime"
    assert "not TensorRT: " in chosen.why


def test_who_wants_onnx_runtime_never_touches_tensorrt(machine: FakeMachine, bundle: Bundle):
    ensure_engine(bundle, lambda *_: None)
    before = len(machine.trt.calls)
    assert select(bundle, "onnxruntime").engine.name == "onnxruntime"
    assert len(machine.trt.calls) == before


def test_an_unknown_engine_is_refused(bundle: Bundle):
    with pytest.raises(InvalidValueError, match="engine: got 'fastest', expected one of auto"):
        select(bundle, "fastest")


def test_pytorch_alone_cannot_run_a_bundle(bundle: Bundle):
    with pytest.raises(EngineError, match="PyTorch reads no bundles"):
        select(bundle, "torch")


def test_if_nothing_runs_each_reason_is_said(bundle: Bundle, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(onnxruntime_engine, "providers", list)
    with pytest.raises(EngineError, match=r"nothing runs 'leaky_sum': .*TensorRT.*on CUDA.*on the CPU"):
        select(bundle)
