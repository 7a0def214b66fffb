"""A float32 ONNX model to one that computes in float16 where that is safe: FP16 is what its file says, for any engine.

Products with weights run in float16, and what follows from them alone. All else stays float32: inputs, outputs, memory,
and whatever meets them, so that a pixel is as fine at the far end of an image as at its beginning. Nothing in float16
can overflow: what goes into a product is cut off where the sum of its weights says that the result could become too
large.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

LARGEST = float(np.finfo(np.float16).max)
LARGEST_PRODUCT = LARGEST / 8
"""So that several can be added."""
LONGEST_SUM = 512
"""Weights behind one result. More stay float32: rounding adds up, all the more in an engine that sums in float16."""
PRODUCTS = {"MatMul", "Gemm", "Conv"}
BOUNDED = {"Tanh", "Sigmoid", "Softsign"}
"""Within ±1, whatever goes in."""
HANDED_ON = {"Concat", "Flatten", "Identity", "Relu", "Reshape", "Slice", "Split", "Squeeze", "Transpose", "Unsqueeze"}
"""No larger than what goes in."""
SUMS = {"Add", "Sub"}
HALF = "_half"
"""After the name of what was float32."""


def to_half(model: Any) -> Any:
    """The model, changed in place. Weights keep their names; those that float16 alone uses are float16."""
    from onnx import shape_inference

    plan = _Plan(shape_inference.infer_shapes(model, strict_mode=True).graph)
    writer = _Writer(plan, {value.name for value in model.graph.output})
    for node in model.graph.node:
        writer.write(node)
    weights = [part for tensor in model.graph.initializer for part in writer.precisions(tensor)]
    del model.graph.node[:], model.graph.initializer[:]
    model.graph.node.extend(writer.nodes)
    model.graph.initializer.extend([*weights, *writer.edges])
    return model


class _Plan:
    """Which tensors are float16, and how large they can become."""

    def __init__(self, graph: Any) -> None:
        from onnx import TensorProto, numpy_helper

        self.weights = {
            tensor.name: numpy_helper.to_array(tensor)
            for tensor in graph.initializer
            if tensor.data_type == TensorProto.FLOAT
        }
        values = (*graph.input, *graph.output, *graph.value_info)
        is_float = {value.name for value in values if value.type.tensor_type.elem_type == TensorProto.FLOAT}
        self.floats = is_float | set(self.weights)
        self.bounds = {name: float(np.abs(array).max(initial=0.0)) for name, array in self.weights.items()}
        self.half: set[str] = set()
        self.single: set[str] = set()
        """What float32 uses."""
        for node in graph.node:
            is_product = self.limit(node) is not None
            bound = LARGEST_PRODUCT + sum(self.bounds[n] for n in node.input[2:]) if is_product else self._bound(node)
            self.bounds |= dict.fromkeys(node.output, bound)
            if is_product or self._follows(node, bound):
                self.half |= set(node.output)
            else:
                self.single |= set(node.input)

    def limit(self, node: Any) -> float | None:
        """The most that may go into a product for float16; None for anything else."""
        is_weight = [name in self.weights for name in node.input]
        if node.op_type not in PRODUCTS or sum(is_weight[:2]) != 1 or not all(is_weight[2:]):
            return None
        if any(attribute.name in ("alpha", "beta") and attribute.f > 1.0 for attribute in node.attribute):
            return None
        weight = self.weights[node.input[is_weight.index(True)]]
        sums = _sums(node, weight, is_weight[0])
        if weight.size > sums.size * LONGEST_SUM:
            return None
        return LARGEST_PRODUCT / max(float(sums.max()), LARGEST_PRODUCT / LARGEST)

    def given(self, node: Any) -> list[str]:
        """Its float inputs that are no weights."""
        return [name for name in node.input if name in self.floats and name not in self.weights]

    def _follows(self, node: Any, bound: float) -> bool:
        given = self.given(node)
        is_known = node.op_type in BOUNDED | HANDED_ON | SUMS
        return is_known and bool(given) and self.half.issuperset(given) and bound <= LARGEST

    def _bound(self, node: Any) -> float:
        bounds = [self.bounds.get(name, math.inf) for name in node.input if name in self.floats]
        if node.op_type in BOUNDED:
            return 1.0
        if node.op_type in SUMS:
            return sum(bounds)
        return max(bounds, default=math.inf) if node.op_type in HANDED_ON else math.inf


class _Writer:
    """Operator by operator, with a cast wherever the precision changes."""

    def __init__(self, plan: _Plan, outputs: set[str]) -> None:
        self.nodes: list[Any] = []
        self.edges: list[Any] = []
        """Of what is cut off."""
        self._plan, self._outputs = plan, outputs
        self._there: set[str] = set()
        """What has been written already besides the operators."""

    def write(self, node: Any) -> None:
        """As it is, or in float16."""
        if not self._plan.half.issuperset(node.output):
            for name in node.input:
                self._back(name)
            self.nodes.append(node)
            return
        limit = self._plan.limit(node)
        given = self._plan.given(node)
        node.input[:] = [self._into_half(name, limit) if name in given else self._weight(name) for name in node.input]
        outputs = list(node.output)
        node.output[:] = [name + HALF for name in outputs]
        self.nodes.append(node)
        for name in self._outputs.intersection(outputs):
            self._back(name)

    def precisions(self, tensor: Any) -> list[Any]:
        """A weight in those that are used."""
        from onnx import numpy_helper

        if tensor.name not in self._there:
            return [tensor]
        array = numpy_helper.to_array(tensor).astype(np.float16)
        half = numpy_helper.from_array(array, self._weight(tensor.name))
        return [tensor, half] if tensor.name in self._plan.single else [half]

    def _weight(self, name: str) -> str:
        if name not in self._plan.weights:
            return name
        self._there.add(name)
        return name + HALF if name in self._plan.single else name

    def _into_half(self, name: str, limit: float | None) -> str:
        """A tensor in float16, within ±limit."""
        is_half, source = name in self._plan.half, name
        if is_half:
            source = name + HALF
        if limit is not None and not self._plan.bounds.get(name, math.inf) <= limit:
            source = self._clipped(source, limit, is_half)
        return source if is_half else self._cast(source, source + HALF, np.float16)

    def _clipped(self, name: str, limit: float, is_half: bool) -> str:
        from onnx import helper, numpy_helper

        clipped = f"{name}_within_{limit:.6g}"
        if clipped not in self._there:
            self._there.add(clipped)
            dtype = np.float16 if is_half else np.float32
            ends = {f"{clipped}_{end}": dtype(sign * limit) for end, sign in (("least", -1.0), ("most", 1.0))}
            self.edges += [numpy_helper.from_array(np.array(value), end) for end, value in ends.items()]
            self.nodes.append(helper.make_node("Clip", [name, *ends], [clipped], name=clipped))
        return clipped

    def _back(self, name: str) -> None:
        """Have this tensor in float32 under its own name."""
        if name in self._plan.half:
            self._cast(name + HALF, name, np.float32)

    def _cast(self, source: str, name: str, dtype: type[np.floating[Any]]) -> str:
        from onnx import helper

        if name not in self._there:
            self._there.add(name)
            number = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
            self.nodes.append(helper.make_node("Cast", [source], [name], name=f"{name}_cast", to=number))
        return name


def _sums(node: Any, weight: NDArray[Any], is_left: bool) -> NDArray[Any]:
    """Of the magnitudes of the weights of each result."""
    size = np.abs(weight.astype(np.float64))
    if node.op_type == "Conv":
        return size.reshape(len(size), -1).sum(axis=1)
    transposed = any(
        attribute.name == ("transA" if is_left else "transB") and attribute.i for attribute in node.attribute
    )
    return size.sum(axis=-1 if is_left != transposed else -2)
