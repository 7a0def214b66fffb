"""Bundles of smoothers small enough to compute by hand, for 68 landmarks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from engines.tiny_bundle import write_bundle
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from face1d_ros.engines.golden import golden_bytes
from face1d_ros.engines.manifest import Memory, TensorSpec

N = 68
POINTS, FLAGS, STEP = ("faces", N, 3), ("faces", N), ("faces", 1)
FRAGILE_FROM_PX = 500.0
Node = tuple[str, list[str], str]

HALVE: list[Node] = [
    ("ReduceMax", ["confidence"], "most"),
    ("Greater", ["most", "zero"], "seen_flat"),
    ("Unsqueeze", ["seen_flat", "last"], "seen"),
    ("Abs", ["previous"], "far"),
    ("ReduceMax", ["far"], "farthest"),
    ("Greater", ["farthest", "zero"], "begun"),
    ("Add", ["landmarks", "previous"], "sum"),
    ("Mul", ["sum", "half"], "halfway"),
    ("Where", ["begun", "halfway", "landmarks"], "measured"),
    ("Add", ["previous", "one"], "predicted"),
    ("Where", ["seen", "measured", "predicted"], "refined"),
    ("Identity", ["refined"], "previous_out"),
]
"""Halfway between the last answer and the measurement; a pixel further a frame where the face is not seen."""
ECHO: list[Node] = [
    ("Unsqueeze", ["dt", "last"], "dt_3d"),
    ("Unsqueeze", ["confidence", "last"], "confidence_3d"),
    ("Add", ["landmarks", "dt_3d"], "later"),
    ("Add", ["later", "confidence_3d"], "refined"),
    ("Add", ["previous", "one"], "previous_out"),
]
"""landmarks + dt + confidence: shows in the answer what went in."""
FRAGILE: list[Node] = [
    *((op, inputs, "answer" if output == "refined" else output) for op, inputs, output in HALVE[:-1]),
    ("ReduceMax", ["landmarks"], "largest"),
    ("Sub", ["limit", "largest"], "left"),
    ("Log", ["left"], "logarithm"),
    ("Mul", ["logarithm", "zero"], "nothing"),
    ("Add", ["answer", "nothing"], "refined"),
    ("Identity", ["refined"], "previous_out"),
]
"""As `HALVE`, and not a number from `FRAGILE_FROM_PX` on."""
STRAYING: list[Node] = [("Add", ["landmarks", "limit"], "refined"), ("Add", ["previous", "one"], "previous_out")]
"""Far from what was measured."""
LATE: list[Node] = [
    ("Add", ["older", "half"], "refined"),
    ("Identity", ["previous"], "older_out"),
    ("Identity", ["landmarks"], "previous_out"),
]
"""What was measured two frames ago, half a pixel further."""
VALUES = {
    "zero": np.float32(0),
    "one": np.float32(1),
    "half": np.float32(0.5),
    "limit": np.float32(FRAGILE_FROM_PX),
    "last": np.array([-1], np.int64),
}


def write_smoother(folder: Path, nodes: list[Node], answer: str = "refined", **changes: Any) -> Path:
    """The bundle of one of these networks; `changes` of its manifest."""
    nodes = [(op, [_renamed(i, answer) for i in inputs], _renamed(output, answer)) for op, inputs, output in nodes]
    looks_ahead = any("older" in inputs for _, inputs, _ in nodes)
    memory = ("previous", "older") if looks_ahead else ("previous",)
    inputs = {"landmarks": POINTS, "confidence": FLAGS, "dt": STEP, **dict.fromkeys(memory, POINTS)}
    outputs = {answer: POINTS, **{f"{name}_out": POINTS for name in memory}}
    graph = helper.make_graph(
        [_node(*node) for node in nodes],
        "smoother",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in VALUES.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return write_bundle(
        folder,
        model,
        _golden(model, inputs, list(outputs)),
        **{
            "name": "tiny",
            "task": "smoothing",
            "inputs": tuple(TensorSpec(name, "float32", shape, "") for name, shape in inputs.items()),
            "outputs": tuple(TensorSpec(name, "float32", shape, "") for name, shape in outputs.items()),
            "memory": tuple(Memory(name, f"{name}_out") for name in memory),
            "settings": {"look_ahead": 2} if looks_ahead else {},
            **changes,
        },
    )


def _renamed(name: str, answer: str) -> str:
    return answer if name == "refined" else name


def _node(operator: str, inputs: list[str], output: str) -> NodeProto:
    attributes: dict[str, Any] = {}
    if operator == "ReduceMax":
        attributes = {"axes": [1] if inputs == ["confidence"] else [1, 2], "keepdims": 1}
    return helper.make_node(operator, inputs, [output], **attributes)


def _golden(model: ModelProto, inputs: dict[str, Any], outputs: list[str]) -> bytes:
    generator = np.random.default_rng(1)
    given = {name: generator.random((2, *shape[1:]), np.float32) for name, shape in inputs.items()}
    return golden_bytes(given, dict(zip(outputs, ReferenceEvaluator(model).run(outputs, given), strict=True)))
