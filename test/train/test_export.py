from __future__ import annotations

import importlib
import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from click.testing import CliRunner
from onnx import TensorProto, helper
from train.small_networks import SMALL, SMALL_1D_FORMER, network

import face1d_ros.train
from face1d_ros.cli.main import face1d
from face1d_ros.engines.bundle import accept, load_bundle
from face1d_ros.engines.onnx_work import count_mac
from face1d_ros.engines.onnxruntime_engine import OnnxRuntimeEngine
from face1d_ros.errors import BundleError, CheckpointError, ExportError, MissingDependencyError
from face1d_ros.nets.families import FAMILIES
from face1d_ros.train.checkpoint import load_checkpoint, save_checkpoint
from face1d_ros.train.export import PARITY, UNTRAINED, export, network_of, parity, untrained
from face1d_ros.train.onnx_export import OPSET

FACTS = UNTRAINED | {"command": "face1d train smoothing", "seed": 7, "settings": {"strengths": [1.0]}}
EVERY_FAMILY = pytest.mark.parametrize("family", FAMILIES)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@EVERY_FAMILY
def test_onnx_runtime_computes_what_pytorch_does_on_1000_windows(tmp_path: Path, family: str):
    bundle, difference = export(network(family), tmp_path / family, FACTS, windows=1000)
    assert 0.0 < difference <= PARITY["fp32"]
    assert 0.0 < parity(network_of(bundle), bundle, windows=8, seed=11) <= PARITY["fp32"]


@pytest.mark.parametrize("is_learning", [False, True])
def test_what_a_network_does_only_while_it_learns_is_not_exported(tmp_path: Path, is_learning: bool):
    """Estimates of an expression pass their bounds then."""
    net = network("curve_transformer").train(is_learning)
    _, difference = export(net, tmp_path / "curves", FACTS, windows=16)
    assert difference <= PARITY["fp32"]
    assert net.training == is_learning


def test_parity_finds_a_weight_that_is_a_little_off(tmp_path: Path):
    net = network()
    bundle, _ = export(net, tmp_path / "gru", FACTS, windows=8)
    with torch.no_grad():
        net.get_parameter("candidate.bias")[0] += 1e-2
    assert parity(net, bundle, windows=8) > PARITY["fp32"]


def test_the_bundle_says_what_the_network_is_and_where_it_comes_from(tmp_path: Path):
    net = network()
    bundle, _ = export(net, tmp_path / "little_gru", FACTS, windows=8)
    manifest = bundle.manifest
    assert (manifest.name, manifest.task, manifest.seed) == ("little_gru", "smoothing", 7)
    assert manifest.settings["family"] == "gru"
    assert manifest.settings["config"]["landmarks"] == 21
    assert manifest.settings["strengths"] == [1.0]
    assert manifest.parameters == sum(weight.numel() for weight in net.parameters())
    assert [memory.input for memory in manifest.memory] == ["previous", "drift", "hidden"]
    assert len(bundle.golden_inputs["landmarks"]) == 3
    assert bundle.golden_inputs["previous"].any(), "the golden run begins in the middle of a sequence"
    assert onnx.load_model_from_string(bundle.model).opset_import[0].version == OPSET


def test_the_bundle_says_how_many_frames_ago_its_output_was(tmp_path: Path):
    for family, look_ahead in (("bidirectional_lstm", 4), ("gru", None)):
        bundle, _ = export(network(family), tmp_path / family, FACTS, windows=8)
        assert bundle.manifest.settings.get("look_ahead") == look_ahead


@pytest.mark.parametrize(
    "changes",
    [
        {"temporal": False, "intra": False, "inter": False},
        {"attention": False, "inter": False},
        {"recurrent": False, "intra": False},
        {"confidence": False},
        {"full": 2, "rank": 3},
    ],
)
def test_every_part_of_1dformer_can_be_left_out_of_a_bundle(tmp_path: Path, changes: dict[str, Any]):
    torch.manual_seed(1)
    net = untrained("one_d_former", SMALL_1D_FORMER | changes)
    _, difference = export(net, tmp_path / "net", FACTS, windows=16)
    assert 0.0 < difference <= 1e-5


def test_one_file_serves_one_to_eight_faces_alike(tmp_path: Path):
    bundle, _ = export(network(), tmp_path / "gru", FACTS, windows=8)
    engine = OnnxRuntimeEngine(bundle)
    rows = []
    for faces in range(1, 9):
        session = engine.session(faces)
        for name, array in session.inputs.items():
            array[:] = bundle.golden_inputs[name][:1]
        session.run()
        rows.append(session.outputs["refined"].copy())
        np.testing.assert_allclose(rows[-1], np.broadcast_to(rows[0], rows[-1].shape), rtol=1e-5)


def test_the_same_network_gives_the_same_files(tmp_path: Path):
    for name in ("a", "b"):
        export(network(), tmp_path / name / "gru", FACTS, windows=8)
    assert contents(tmp_path / "a" / "gru") == contents(tmp_path / "b" / "gru")


def test_a_bundle_is_replaced_by_a_new_one_and_nothing_else_is_left(tmp_path: Path):
    export(network(), tmp_path / "gru", FACTS, windows=8)
    bundle, _ = export(network("lstm"), tmp_path / "gru", FACTS, windows=8)
    assert bundle.manifest.settings["family"] == "lstm"
    assert [path.name for path in tmp_path.iterdir()] == ["gru"]


@pytest.mark.parametrize("facts", [FACTS | {"trained_on": "hearsay"}, FACTS | {"colour": "red"}, {"seed": 1}])
def test_what_cannot_be_a_bundle_leaves_the_old_one_as_it_was(tmp_path: Path, facts: dict[str, Any]):
    export(network(), tmp_path / "gru", FACTS, windows=8)
    before = contents(tmp_path / "gru")
    with pytest.raises((BundleError, ExportError), match="expected"):
        export(network("lstm"), tmp_path / "gru", facts, windows=8)
    assert contents(tmp_path / "gru") == before
    assert [path.name for path in tmp_path.iterdir()] == ["gru"]


def test_a_network_with_weights_that_are_not_finite_is_not_written(tmp_path: Path):
    net = network()
    with torch.no_grad():
        net.get_parameter("steering.weight").fill_(float("nan"))
    with pytest.raises(BundleError, match="not finite"):
        export(net, tmp_path / "gru", FACTS, windows=8)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_no_bundle_is_left_alone(tmp_path: Path):
    (tmp_path / "gru").mkdir()
    (tmp_path / "gru" / "thesis.tex").write_text("years of work")
    with pytest.raises(ExportError, match="is no bundle"):
        export(network(), tmp_path / "gru", FACTS, windows=8)
    assert contents(tmp_path / "gru") == {"thesis.tex": b"years of work"}


def test_multiply_accumulates_are_those_of_its_products():
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["faces", 4, 6])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["faces", 5, 6])]
    weights = [
        helper.make_tensor("w", TensorProto.FLOAT, [5, 4], [0.0] * 20),
        helper.make_tensor("k", TensorProto.FLOAT, [5, 5, 3], [0.0] * 75),
    ]
    nodes = [
        helper.make_node("MatMul", ["w", "x"], ["a"]),
        helper.make_node("Conv", ["a", "k"], ["b"], pads=[1, 1]),
        helper.make_node("Mul", ["b", "b"], ["y"]),
    ]
    graph = helper.make_graph(nodes, "g", inputs, outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    assert count_mac(model.SerializeToString()) == 5 * 6 * 4 + 5 * 6 * 15


def test_operators_that_nobody_taught_it_to_count_are_refused():
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["faces", 4])
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["faces", 4])
    node = helper.make_node("Einsum", ["x", "x"], ["y"], equation="bi,bi->bi")
    model = helper.make_model(helper.make_graph([node], "g", [value], [result]))
    with pytest.raises(ExportError, match="Einsum"):
        count_mac(model.SerializeToString())


MOST_MAC = {"one_d_former": 15_000_000, "motion_encoder": 128 * 300_000}
"""Of a frame; of a motion encoder, of a clip of 128."""


@EVERY_FAMILY
def test_the_shipped_sizes_are_within_their_multiply_accumulates(tmp_path: Path, family: str):
    from face1d_ros.train.export import write_untrained

    bundle = load_bundle(write_untrained(family, tmp_path / "full_size", 3))
    assert accept(bundle, OnnxRuntimeEngine(bundle)) <= 1e-4
    assert bundle.manifest.mac <= MOST_MAC.get(family, 10_000_000)
    assert bundle.size_bytes <= 10_000_000
    assert bundle.manifest.trained_on == "nothing"


class TestCheckpoint:
    def test_it_holds_the_network_and_the_facts(self, tmp_path: Path):
        net = network("temporal_conv")
        save_checkpoint(tmp_path / "net.safetensors", net, FACTS)
        again, facts = load_checkpoint(tmp_path / "net.safetensors")
        assert again.config == net.config
        assert facts == FACTS
        for name, tensor in net.state_dict().items():
            assert torch.equal(again.state_dict()[name], tensor)
        assert [path.name for path in tmp_path.iterdir()] == ["net.safetensors"]

    @pytest.mark.parametrize("data", [b"", b"\x80\x04garbage", b"\xff" * 64])
    def test_another_file_is_refused(self, tmp_path: Path, data: bytes):
        (tmp_path / "net.safetensors").write_bytes(data)
        with pytest.raises(CheckpointError, match=r"net\.safetensors"):
            load_checkpoint(tmp_path / "net.safetensors")

    def test_weights_of_nobody_are_refused(self, tmp_path: Path):
        from safetensors.torch import save_file

        save_file({"a": torch.zeros(1)}, tmp_path / "net.safetensors")
        with pytest.raises(CheckpointError, match="header has no 'family'"):
            load_checkpoint(tmp_path / "net.safetensors")

    def test_weights_of_another_size_are_refused(self, tmp_path: Path):
        from safetensors.torch import save_file

        header = {"family": "gru", "config": json.dumps(SMALL | {"width": 9}), "facts": "{}"}
        save_file(network().state_dict(), tmp_path / "net.safetensors", header)
        with pytest.raises(CheckpointError, match="size mismatch"):
            load_checkpoint(tmp_path / "net.safetensors")

    def test_the_command_makes_a_bundle_of_it(self, tmp_path: Path):
        save_checkpoint(tmp_path / "net.safetensors", network(), FACTS)
        output = tmp_path / "models" / "little"
        arguments = ["export", str(tmp_path / "net.safetensors"), "--output", str(output), "--windows", "20"]
        for precision in ("fp32", "fp16"):
            result = CliRunner().invoke(face1d, [*arguments, "--precision", precision], catch_exceptions=False)
            assert result.exit_code == 0
            assert precision in result.stdout
            assert "over 20 windows" in result.stdout
            manifest = load_bundle(output).manifest
            assert (manifest.seed, manifest.precision) == (7, precision)


def test_without_pytorch_one_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torch" else found(name))
    with pytest.raises(MissingDependencyError, match=r"PyTorch is missing.*requirements/train\.txt"):
        importlib.reload(face1d_ros.train)
