"""A network as one ONNX file: any number of faces, its weights inside and under their own names."""

from __future__ import annotations

import io
import warnings
from typing import Any

import torch
from torch import Tensor, nn

from face1d_ros.errors import ExportError
from face1d_ros.nets.network import StreamingNetwork, Tensors
from face1d_ros.train.onnx_half import to_half

OPSET = 17
"""The first with LayerNormalization; TensorRT 10.3 and every ONNX Runtime we name know it."""
FACES = "faces"
AFTER = "_out"
"""After the name of a memory: what it is after the frame."""


class _Flat(nn.Module):
    """The step with tensors in a row, as the exporter wants them."""

    def __init__(self, network: StreamingNetwork) -> None:
        super().__init__()
        self.network = network
        self.given = [named.name for named in network.inputs()]
        self.remembered = [named.name for named in network.memory()]
        self.given_back = [named.name for named in network.outputs()]

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        inputs = dict(zip(self.given, tensors, strict=False))
        memory = dict(zip(self.remembered, tensors[len(self.given) :], strict=True))
        outputs, after = self.network.step(inputs, memory)
        return (*(outputs[name] for name in self.given_back), *(after[name] for name in self.remembered))


def to_onnx(network: StreamingNetwork, inputs: Tensors, memory: Tensors, precision: str = "fp32") -> bytes:
    """The model; `inputs` and `memory` are those of some frame of at least two faces."""
    model = _traced(network, inputs, memory)
    _with_own_names(model)
    # What the exporter does not see, it leaves open; the golden run shows that it is so.
    shapes = [named.shape for named in (*network.outputs(), *network.memory())]
    for value, shape in zip(model.graph.output, shapes, strict=True):
        for dimension, size in zip(value.type.tensor_type.shape.dim[1:], shape, strict=True):
            dimension.dim_value = size
    model = _simplified(model)
    there = {(tensor.name, tuple(tensor.dims)) for tensor in model.graph.initializer}
    if lost := sorted(
        {name for name, weight in network.named_parameters() if (name, tuple(weight.shape)) not in there}
    ):
        raise ExportError(network.family, f"weights {', '.join(lost)} did not come through the exporter as they are")
    if precision == "fp16":
        model = to_half(model)
    _check(model, network.family)
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def _traced(network: StreamingNetwork, inputs: Tensors, memory: Tensors) -> Any:
    """As the exporter of PyTorch writes it."""
    import onnx

    flat = _Flat(network).train(network.training)  # to which the exporter puts it back
    into = [*flat.given, *flat.remembered]
    out = [*flat.given_back, *(name + AFTER for name in flat.remembered)]
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # The other exporter needs a package more, and gives weights names of its own.
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        torch.onnx.export(
            flat,
            (*(inputs[name] for name in flat.given), *(memory[name] for name in flat.remembered)),
            buffer,
            input_names=into,
            output_names=out,
            dynamic_axes={name: {0: FACES} for name in (*into, *out)},
            opset_version=OPSET,
            dynamo=False,
        )
    return onnx.load_model_from_string(buffer.getvalue())


def _simplified(model: Any) -> Any:
    """The same computation: constants folded, shapes that are known written down, what computes nothing left out."""
    import onnxslim

    model = onnxslim.slim(model)
    # Shapes between the operators: every runtime finds them itself.
    del model.graph.value_info[:]
    return model


def _check(model: Any, network: str) -> None:
    """By ONNX's own checker, types and shapes included."""
    import onnx

    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ExportError(network, f"ONNX's checker refuses the model: {error}") from error


def _with_own_names(model: Any) -> None:
    """Weights as the network calls them, without the wrapping; no remarks about the source."""
    prefix = "network."
    for tensor in model.graph.initializer:
        tensor.name = tensor.name.removeprefix(prefix)
    for node in model.graph.node:
        node.input[:] = [name.removeprefix(prefix) for name in node.input]
        node.doc_string = ""


def weights_of(data: bytes) -> dict[str, Tensor]:
    """All weights and constants of a model by name."""
    import onnx

    model = onnx.load_model_from_string(data)
    return {tensor.name: torch.tensor(onnx.numpy_helper.to_array(tensor)) for tensor in model.graph.initializer}
