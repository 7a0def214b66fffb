"""How much a model has to compute, read from its file."""

from __future__ import annotations

import math
from typing import Any

from face1d_ros.errors import ExportError

COUNTED = ("MatMul", "Gemm", "Conv")
"""Operators whose multiply-accumulates count; what is done once for each element does not."""
NOT_COUNTABLE = ("Einsum", "GRU", "LSTM", "ConvTranspose")


def count_mac(data: bytes) -> int:
    """Multiply-accumulates of one face and frame, from the shapes of the operators of `COUNTED`."""
    import onnx

    model = onnx.load_model_from_string(data)
    for value in (*model.graph.input, *model.graph.output):
        first = value.type.tensor_type.shape.dim[0]
        if first.dim_param:
            first.dim_value = 1
    del model.graph.value_info[:]
    graph = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph
    shapes = {
        value.name: [dimension.dim_value for dimension in value.type.tensor_type.shape.dim]
        for value in (*graph.input, *graph.output, *graph.value_info)
    } | {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    total = 0
    for node in graph.node:
        if node.op_type in NOT_COUNTABLE:
            raise ExportError(node.op_type, "its multiply-accumulates are not counted yet; teach `count_mac` how")
        if node.op_type in COUNTED:
            total += _mac(node, shapes)
    return total


def _mac(node: Any, shapes: dict[str, list[int]]) -> int:
    """Each output is a sum of so many products."""
    outputs = shapes.get(node.output[0], [])
    left, right = (shapes.get(name, []) for name in node.input[:2])
    if not outputs or not all(outputs):
        raise ExportError(node.op_type, f"the shape of '{node.output[0]}' does not follow from those of the inputs")
    if node.op_type == "Conv":
        products = math.prod(right[1:])
    else:
        transposed = any(a.name == "transA" and a.i for a in node.attribute)
        products = left[-2] if transposed else left[-1]
    return math.prod(outputs) * products
