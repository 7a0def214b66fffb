"""Looks into an ONNX file before a runtime does: only known operators, nothing outside, and what the manifest says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

import numpy as np

from face1d_ros.engines.manifest import FACES, Manifest, TensorSpec
from face1d_ros.errors import BundleError, MissingDependencyError

Refuse: TypeAlias = Callable[[str, object, str], BundleError]
OPSETS = range(13, 22)
"""TensorRT 10.3 and ONNX Runtime 1.19 know all of them."""
NEWEST_IR = 10
OPERATORS = frozenset(
    """
    Abs Add And ArgMax AveragePool BatchNormalization Cast Ceil Clip Concat Constant ConstantOfShape Conv Cos CumSum Div
    Einsum Elu Equal Erf Exp Expand Flatten Floor GRU Gather GatherElements Gelu Gemm GlobalAveragePool Greater
    GreaterOrEqual HardSigmoid HardSwish Identity InstanceNormalization IsNaN LSTM LayerNormalization LeakyRelu Less
    LessOrEqual Log MatMul Max MaxPool Min Mul Neg Not Or PRelu Pad Pow Range Reciprocal ReduceL2 ReduceMax ReduceMean
    ReduceMin ReduceSum Relu Reshape Round Shape Sigmoid Sign Sin Slice Softmax Softplus Split Sqrt Squeeze Sub Tanh
    Tile Transpose Unsqueeze Where
    """.split()  # noqa: SIM905  a table reads better than 80 quoted names
)
"""Arithmetic on arrays only: nothing that calls, loops, reads files or makes random numbers."""


def check_model(data: bytes, manifest: Manifest, refuse: Refuse) -> None:
    """Refuse a model that is not plainly what its manifest says."""
    onnx = _onnx()
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load_model_from_string(data)
    except DecodeError as error:
        raise refuse("model.onnx", f"what is no ONNX model: {error}", "an ONNX model") from error
    _check_frame(model, refuse)
    for node in model.graph.node:
        if node.domain not in ("", "ai.onnx") or node.op_type not in OPERATORS:
            name = f"{node.domain}.{node.op_type}" if node.domain else node.op_type
            raise refuse("operator", name[:80], f"one of {len(OPERATORS)} arithmetic operators")
        if any(attribute.HasField("g") or attribute.graphs for attribute in node.attribute):
            raise refuse("operator", f"{node.op_type} with a graph inside", "operators without graphs")
    for tensor in _tensors(model.graph):
        _check_tensor(onnx, tensor, refuse)
    _check_precision(onnx, model.graph, manifest, refuse)
    weights = {tensor.name for tensor in model.graph.initializer}
    _check_values("inputs", [i for i in model.graph.input if i.name not in weights], manifest.inputs, refuse)
    _check_values("outputs", model.graph.output, manifest.outputs, refuse)


def _check_frame(model: Any, refuse: Refuse) -> None:
    if not 0 < model.ir_version <= NEWEST_IR:
        raise refuse("IR version", model.ir_version, f"1 to {NEWEST_IR}")
    opsets = [(opset.domain or "ai.onnx", opset.version) for opset in model.opset_import]
    if len(opsets) != 1 or opsets[0][0] != "ai.onnx" or opsets[0][1] not in OPSETS:
        raise refuse("operator sets", opsets[:8], f"ai.onnx alone, {OPSETS[0]} to {OPSETS[-1]}")
    for what in ("functions", "training_info"):
        if len(getattr(model, what)):
            raise refuse(what, f"{len(getattr(model, what))} of them", "none")
    if model.graph.sparse_initializer:
        raise refuse("sparse weights", f"{len(model.graph.sparse_initializer)} of them", "none")


def _tensors(graph: Any) -> Iterator[Any]:
    """Every array of numbers in the file."""
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            if attribute.HasField("sparse_tensor"):
                yield attribute.sparse_tensor.values
            yield from attribute.tensors


def _check_tensor(onnx: Any, tensor: Any, refuse: Refuse) -> None:
    if tensor.external_data or tensor.data_location == onnx.TensorProto.EXTERNAL:
        places = [entry.value for entry in tensor.external_data if entry.key == "location"]
        raise refuse(f"weights '{tensor.name[:80]}'", f"data in another file {places[:1]}", "weights inside model.onnx")
    try:
        values = onnx.numpy_helper.to_array(tensor)
    except (ValueError, TypeError, KeyError, RuntimeError) as error:
        raise refuse(f"weights '{tensor.name[:80]}'", f"unreadable data ({error})", "an array") from error
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise refuse(f"weights '{tensor.name[:80]}'", "values that are not finite", "finite weights")


def _check_precision(onnx: Any, graph: Any, manifest: Manifest, refuse: Refuse) -> None:
    """A model that works with float16 anywhere is FP16: tolerances go by what the manifest says."""
    half = onnx.TensorProto.FLOAT16
    casts = (attribute.i for node in graph.node if node.op_type == "Cast" for attribute in node.attribute)
    is_half = any(tensor.data_type == half for tensor in _tensors(graph)) or half in casts
    found = "fp16" if is_half else "fp32"
    if found != manifest.precision:
        raise refuse("precision", f"a model of {found}", f"{manifest.precision}, as in the manifest")


def _check_values(what: str, found: Iterable[Any], expected: Iterable[TensorSpec], refuse: Refuse) -> None:
    there = {value.name: _described(value) for value in found}
    wanted = {spec.name: (spec.dtype, spec.shape) for spec in expected}
    if there != wanted:
        raise refuse(what, there, f"{wanted}, as in the manifest")


def _described(value: Any) -> tuple[str, tuple[int | str, ...]]:
    """Type and shape; of the dimensions without a number the first is that of the faces."""
    tensor = value.type.tensor_type
    sizes = [d.dim_value if d.HasField("dim_value") else d.dim_param or "?" for d in tensor.shape.dim]
    return _dtype(tensor.elem_type), tuple(FACES if i == 0 and type(s) is str else s for i, s in enumerate(sizes))


def _dtype(number: int) -> str:
    try:
        return str(_onnx().helper.tensor_dtype_to_np_dtype(number).name)
    except KeyError:
        return f"type {number}"


def _onnx() -> Any:
    try:
        import onnx
    except ImportError as error:
        raise MissingDependencyError(
            "the Python package onnx", "loading a model bundle", "install it: pip install 'onnx>=1.17,<1.20'"
        ) from error
    return onnx
