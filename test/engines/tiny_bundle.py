"""A bundle of a network small enough to compute by hand: a leaky sum of each face's numbers."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

from face1d_ros.engines.golden import golden_bytes
from face1d_ros.engines.manifest import Manifest, Memory, TensorSpec

WIDTH = 3
LEAK = 0.5
GAIN = np.array([1.0, 2.0, -1.0], np.float32)


def leaky_sum(points: np.ndarray, state: np.ndarray) -> np.ndarray:
    return LEAK * state + GAIN * points


def network(**changes: Any) -> ModelProto:
    """sums = leak · state + gain · points; state_out = sums."""
    values = [numpy_helper.from_array(np.float32(LEAK), "leak"), numpy_helper.from_array(GAIN, "gain")]
    nodes = [
        helper.make_node("Mul", ["state", "leak"], ["kept"]),
        helper.make_node("Mul", ["points", "gain"], ["added"]),
        helper.make_node("Add", ["kept", "added"], ["sums"]),
        helper.make_node("Identity", ["sums"], ["state_out"]),
    ]
    shape = ["faces", WIDTH]
    graph = helper.make_graph(
        changes.get("nodes", nodes),
        "leaky_sum",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("points", "state")],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("sums", "state_out")],
        changes.get("values", values),
    )
    opsets = changes.get("opsets", [helper.make_opsetid("", 17)])
    return helper.make_model(graph, opset_imports=opsets, ir_version=changes.get("ir_version", 8))


def manifest(model: bytes, golden: bytes) -> Manifest:
    def spec(name: str) -> TensorSpec:
        return TensorSpec(name, "float32", ("faces", WIDTH), "numbers")

    return Manifest(
        name="leaky_sum",
        version="1",
        task="test",
        sha256=hashlib.sha256(model).hexdigest(),
        golden_sha256=hashlib.sha256(golden).hexdigest(),
        precision="fp32",
        inputs=(spec("points"), spec("state")),
        outputs=(spec("sums"), spec("state_out")),
        memory=(Memory("state", "state_out"),),
        settings={"window": 5},
        normalisation="none",
        parameters=4,
        mac=6,
        trained_on="nothing",
        data="none",
        command="none",
        seed=0,
        figures={"error": 0.0},
        conditions="none",
        not_measured="everything",
        licence="Apache-2.0",
    )


def golden() -> bytes:
    numbers = np.random.default_rng(1).random((2, 2, WIDTH), np.float32)
    points, state = numbers
    sums = leaky_sum(points, state)
    return golden_bytes({"points": points, "state": state}, {"sums": sums, "state_out": sums})


def write_bundle(
    folder: Path, model: ModelProto | bytes | None = None, golden_file: bytes | None = None, **changes: Any
) -> Path:
    """A bundle in `folder`, with fields of its manifest changed; the hashes are right unless they are among those."""
    data = network() if model is None else model
    data = data if isinstance(data, bytes) else data.SerializeToString()
    golden_file = golden() if golden_file is None else golden_file
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(data)
    (folder / "golden.npz").write_bytes(golden_file)
    (folder / "manifest.json").write_text(dataclasses.replace(manifest(data, golden_file), **changes).to_json())
    return folder
