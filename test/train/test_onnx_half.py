from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import ModelProto, TensorProto, helper, numpy_helper
from train.small_networks import network

from face1d_ros.engines.bundle import TOLERANCE, Bundle, golden_error, load_bundle
from face1d_ros.engines.onnxruntime_engine import OnnxRuntimeEngine
from face1d_ros.errors import BundleError, InvalidValueError
from face1d_ros.nets.families import FAMILIES
from face1d_ros.nets.network import StreamingNetwork
from face1d_ros.train.export import PARITY, UNTRAINED, export, network_of, parity, untrained, write_files
from face1d_ros.train.onnx_half import LARGEST, LONGEST_SUM, to_half

WIDE = 600


def bundles(folder: Path, network: StreamingNetwork) -> dict[str, Bundle]:
    made = {}
    for precision in ("fp32", "fp16"):
        (folder / precision).mkdir()
        write_files(network, folder / precision / "net", UNTRAINED, precision)
        made[precision] = load_bundle(folder / precision / "net")
    return made


def model(nodes: list[Any], weights: dict[str, np.ndarray], out: str = "y") -> ModelProto:
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["faces", 4])]
    outputs = [helper.make_tensor_value_info(out, TensorProto.FLOAT, ["faces", None])]
    tensors = [numpy_helper.from_array(array.astype(np.float32), name) for name, array in weights.items()]
    graph = helper.make_graph(nodes, "g", inputs, outputs, tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def run(made: ModelProto, x: Any) -> np.ndarray:
    onnx.checker.check_model(made, full_check=True)
    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": np.array(x, np.float32)})[0]


def operators_in_half(made: ModelProto) -> list[str]:
    """Without the casts and limits around them."""
    inferred = onnx.shape_inference.infer_shapes(made, strict_mode=True).graph
    half = {v.name for v in inferred.value_info if v.type.tensor_type.elem_type == TensorProto.FLOAT16}
    return [n.op_type for n in made.graph.node if n.output[0] in half and n.op_type not in ("Cast", "Clip")]


@pytest.fixture(scope="module")
def full_size(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Bundle]:
    torch.manual_seed(1)
    return bundles(tmp_path_factory.mktemp("gru"), untrained("gru"))


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_is_in_fp16_what_it_is_in_pytorch(tmp_path: Path, family: str):
    net = network(family)
    write_files(net, tmp_path / family, UNTRAINED, "fp16")
    assert 0.0 < parity(net, load_bundle(tmp_path / family), windows=64) <= PARITY["fp16"] / 2


def test_fp16_is_really_another_and_smaller_model(full_size: dict[str, Bundle]):
    made = full_size
    assert made["fp16"].size_bytes < 0.75 * made["fp32"].size_bytes
    error = golden_error(made["fp16"], OnnxRuntimeEngine(made["fp16"]))
    assert TOLERANCE["fp32"] < error < TOLERANCE["fp16"]
    assert made["fp16"].manifest.mac == made["fp32"].manifest.mac
    assert made["fp16"].manifest.inputs == made["fp32"].manifest.inputs
    assert all(spec.dtype == "float32" for spec in made["fp16"].manifest.shapes.values())


def test_far_from_the_origin_pixels_are_as_fine_as_near_it(full_size: dict[str, Bundle]):
    """A face 400 px wide that trembles by a pixel, in the corner of an image of 4000 px."""
    engines = {name: OnnxRuntimeEngine(bundle) for name, bundle in full_size.items()}
    rng = np.random.default_rng(1)
    face = rng.normal(0.0, 80.0, (2, 478, 3)).astype(np.float32)
    worst = {}
    for place_px in (0.0, 4000.0):
        sessions = [engine.session(2) for engine in engines.values()]
        off = []
        for _ in range(6):
            landmarks = face + np.float32(place_px) + rng.normal(0.0, 1.0, face.shape).astype(np.float32)
            for session in sessions:
                session.inputs["landmarks"][:], session.inputs["confidence"][:] = landmarks, 0.9
                session.inputs["dt"][:] = 1 / 30
                session.run()
            off.append(np.abs(sessions[0].outputs["refined"] - sessions[1].outputs["refined"]).max())
        worst[place_px] = max(off)
    assert 0.0 < worst[0.0] < 0.05
    assert worst[4000.0] < worst[0.0] + 4 * np.spacing(np.float32(4000.0))


@pytest.mark.parametrize("size", [1.0, 1e3, 1e6])
def test_what_is_far_out_of_bounds_gives_finite_numbers_as_with_fp32(tmp_path: Path, size: float):
    for bundle in bundles(tmp_path, network()).values():
        session = OnnxRuntimeEngine(bundle).session(1)
        rng = np.random.default_rng(2)
        for _ in range(3):
            session.inputs["landmarks"][:] = size * rng.standard_cauchy((1, 21, 3))
            session.inputs["confidence"][:] = size
            session.inputs["dt"][:] = 1 / 30
            session.run()
            assert np.isfinite(session.outputs["refined"]).all()


def test_no_product_overflows_whatever_goes_in():
    weights = {"w": np.full((4, 3), 50.0)}
    nodes = [helper.make_node("MatMul", ["x", "w"], ["a"]), helper.make_node("Tanh", ["a"], ["y"])]
    made = to_half(model(nodes, weights))
    assert operators_in_half(made) == ["MatMul", "Tanh"]
    np.testing.assert_array_equal(run(made, [[1e30, 1e30, 1e30, -1e30]]), [[1.0, 1.0, 1.0]])


def test_sums_that_could_leave_float16_are_taken_in_float32():
    weights = {"w": np.full((4, 3), 50.0)}
    nodes = [helper.make_node("MatMul", ["x", "w"], ["a0"])]
    nodes += [helper.make_node("Add", [f"a{i}", f"a{i}"], [f"a{i + 1}"]) for i in range(5)]
    made = to_half(model(nodes, weights, "a5"))
    assert operators_in_half(made) == ["MatMul", "Add", "Add", "Add"]
    assert (run(made, [[1e9] * 4]) > LARGEST).all()


def test_long_sums_stay_float32():
    rng = np.random.default_rng(1)
    weights = {"w": rng.normal(size=(4, WIDE)), "v": rng.normal(size=(WIDE, 2)), "u": rng.normal(size=(2, 2))}
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"]),
        helper.make_node("MatMul", ["a", "v"], ["b"]),
        helper.make_node("MatMul", ["b", "u"], ["y"]),
    ]
    made = to_half(model(nodes, weights))
    assert WIDE > LONGEST_SUM
    assert {t.name: t.data_type for t in made.graph.initializer if t.name in weights} == {
        "w": TensorProto.FLOAT16,
        "v": TensorProto.FLOAT,
        "u": TensorProto.FLOAT16,
    }
    np.testing.assert_allclose(run(made, np.eye(4)), weights["w"] @ weights["v"] @ weights["u"], rtol=0.01, atol=0.3)


def test_a_weight_that_both_precisions_use_is_there_in_both():
    weights = {"w": np.eye(4) / 3.0, "s": np.full(4, 1.0 / 3.0)}
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"]),
        helper.make_node("Add", ["a", "s"], ["b"]),
        helper.make_node("Mul", ["b", "s"], ["y"]),
    ]
    made = to_half(model(nodes, weights))
    assert {"s", "s_half"} <= {tensor.name for tensor in made.graph.initializer}
    np.testing.assert_allclose(run(made, [[3.0] * 4]), [[4 / 9] * 4], rtol=1e-3)


@pytest.mark.parametrize(("made", "said"), [("fp16", "fp32"), ("fp32", "fp16")])
def test_a_manifest_that_names_the_other_precision_is_refused(tmp_path: Path, made: str, said: str):
    bundle = bundles(tmp_path, network())[made]
    manifest = bundle.path / "manifest.json"
    manifest.write_text(manifest.read_text().replace(f'"{made}"', f'"{said}"'))
    with pytest.raises(BundleError, match=f"precision: got a model of {made}, expected {said}"):
        load_bundle(bundle.path)


def test_the_network_of_an_fp16_bundle_has_its_rounded_weights(tmp_path: Path):
    net = network()
    bundle, _ = export(net, tmp_path / "gru", UNTRAINED, precision="fp16", windows=8)
    again = network_of(bundle).get_parameter("gates.weight")
    assert again.dtype == torch.float32
    assert torch.equal(again, net.get_parameter("gates.weight").half().float())


def test_an_unknown_precision_is_refused_before_anything_is_written(tmp_path: Path):
    with pytest.raises(InvalidValueError, match="precision: got 'int8', expected one of fp32, fp16"):
        export(network(), tmp_path / "models" / "gru", UNTRAINED, precision="int8")
    assert not list(tmp_path.iterdir())
