"""What an exported graph still holds."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import onnx
import onnxruntime
import pytest
import torch
from train.small_networks import network

from face1d_ros.errors import ExportError
from face1d_ros.nets.families import FAMILIES
from face1d_ros.nets.network import StreamingNetwork, Tensors
from face1d_ros.train import onnx_export
from face1d_ros.train.onnx_export import to_onnx


def frame(net: StreamingNetwork) -> tuple[Tensors, Tensors]:
    frames = net.example(2, 1, torch.Generator().manual_seed(1))
    return {name: tensor[:, 0] for name, tensor in frames.items()}, net.empty_memory(2)


def exported(family: str) -> tuple[StreamingNetwork, Any]:
    net = network(family)
    with torch.no_grad():
        return net, onnx.load_model_from_string(to_onnx(net, *frame(net)))


@pytest.mark.parametrize("family", FAMILIES)
def test_onnx_runtimes_own_simplification_finds_nothing_more_to_leave_out(tmp_path: Path, family: str):
    """Its basic level: constants, operators that compute nothing, the same computed twice."""
    _, model = exported(family)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(tmp_path / "basic.onnx")
    onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    there = Counter(node.op_type for node in model.graph.node)
    left = Counter(node.op_type for node in onnx.load(tmp_path / "basic.onnx").graph.node)
    made_one = left["Gemm"] - there["Gemm"]  # of MatMul and Add: not counted
    assert sum(there.values()) <= sum(left.values()) + made_one, f"it left out {there - left}"
    assert not {"Constant", "Identity", "Dropout"} & set(there)


@pytest.mark.parametrize("family", FAMILIES)
def test_weights_come_through_under_their_names_and_as_they_are(family: str):
    net, model = exported(family)
    found = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    for name, weight in net.named_parameters():
        assert (found[name] == weight.detach().numpy()).all(), name
    assert not model.graph.value_info


def test_simplification_leaves_out_what_the_exporter_writes_too_much(monkeypatch: pytest.MonkeyPatch):
    _, simple = exported("transformer")
    monkeypatch.setattr(onnx_export, "_simplified", lambda model: model)
    _, plain = exported("transformer")
    assert len(simple.graph.node) < len(plain.graph.node)
    assert "Shape" in {node.op_type for node in plain.graph.node}
    assert "Shape" not in {node.op_type for node in simple.graph.node}


def test_a_graph_that_onnx_refuses_is_not_exported(monkeypatch: pytest.MonkeyPatch):
    def broken(model: Any) -> Any:
        model.graph.node[-1].input[0] = "nobody"
        return model

    monkeypatch.setattr(onnx_export, "_simplified", broken)
    with pytest.raises(ExportError, match="ONNX's checker refuses the model"):
        exported("gru")


def test_two_weights_that_are_equal_and_became_one_are_found():
    net = network()
    with torch.no_grad(), pytest.raises(ExportError, match="shape_in did not come through the exporter"):
        net.get_parameter("shape_in").copy_(net.get_parameter("motion_in"))
        to_onnx(net, *frame(net))
