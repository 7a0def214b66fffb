"""Faces that are patterns, and small networks that see them: real ONNX files for the real runtime."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from engines.tiny_bundle import write_bundle
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from stages.identity_faces import SETTINGS

from face1d_ros.engines.golden import golden_bytes
from face1d_ros.engines.manifest import Memory, TensorSpec
from face1d_ros.geometry.motion_clip import FRAMES
from face1d_ros.types import Frame, Header

WIDTH, HEIGHT = 640, 480
DIMENSION = 24
RATES = [[0.1, 0.3], [0.001, 0.6], [0.00001, 0.8]]
PIXELS: dict[str, Any] = {"channels": "rgb", "mean": 127.5, "scale": 1 / 127.5}


@cache
def portrait(person: int) -> NDArray[np.uint8]:
    """(HEIGHT, WIDTH, 3) a picture in which every face of this person looks alike."""
    coarse = np.random.default_rng(person).integers(0, 256, (24, 32, 3), np.uint8)
    image = np.asarray(cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), np.uint8)
    image.setflags(write=False)
    return image


def frame_of(person: int, stamp_ns: int) -> Frame:
    return Frame(Header(stamp_ns, "camera"), portrait(person))


def _value(name: str, shape: tuple[int | str, ...]) -> Any:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def _spec(name: str, shape: tuple[int | str, ...]) -> TensorSpec:
    return TensorSpec(name, "float32", shape, "")


def model(
    nodes: list[Any],
    inputs: dict[str, tuple[int | str, ...]],
    outputs: dict[str, tuple[int | str, ...]],
    **weights: NDArray[Any],
) -> ModelProto:
    graph = helper.make_graph(
        nodes,
        "small",
        [_value(*pair) for pair in inputs.items()],
        [_value(*pair) for pair in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def bundle_of(
    folder: Path,
    made: ModelProto,
    inputs: dict[str, tuple[int | str, ...]],
    outputs: dict[str, tuple[int | str, ...]],
    **changes: Any,
) -> Path:
    """With the golden run of ONNX's own reference."""
    rng = np.random.default_rng(1)
    sizes = {name: tuple(2 if size == "faces" else size for size in shape) for name, shape in inputs.items()}
    given = {name: rng.random(size, np.float32) for name, size in sizes.items()}
    found = dict(zip(outputs, ReferenceEvaluator(made).run(list(outputs), given), strict=True))
    fields: dict[str, Any] = {
        "inputs": tuple(_spec(*pair) for pair in inputs.items()),
        "outputs": tuple(_spec(*pair) for pair in outputs.items()),
        "memory": (),
        **changes,
    }
    return write_bundle(folder, made, golden_bytes(given, found), **fields)


def embedder_model(dimension: int = DIMENSION, pooled: int = 14) -> ModelProto:
    """A fixed random projection of 8 × 8 means."""
    cells = 3 * (112 // pooled) ** 2
    projection = np.random.default_rng(7).standard_normal((cells, dimension)).astype(np.float32)
    nodes = [
        helper.make_node("AveragePool", ["image"], ["means"], kernel_shape=[pooled, pooled], strides=[pooled, pooled]),
        helper.make_node("Flatten", ["means"], ["flat"]),
        helper.make_node("MatMul", ["flat", "projection"], ["embedding"]),
    ]
    inputs, outputs = {"image": ("faces", 3, 112, 112)}, {"embedding": ("faces", dimension)}
    return model(nodes, inputs, outputs, projection=projection)


def write_embedder(folder: Path, dimension: int = DIMENSION, **changes: Any) -> Path:
    """Tells two portraits apart."""
    settings = PIXELS | {"operating_points": RATES} | changes.pop("settings", {})
    fields = {"name": "projection", "task": "face_embedding", "settings": settings, **changes}
    shapes = {"image": ("faces", 3, 112, 112)}, {"embedding": ("faces", dimension)}
    return bundle_of(folder, embedder_model(dimension), *shapes, **fields)


def write_features(folder: Path, **changes: Any) -> Path:
    """Means of 16 × 16 pixels in grey, on 512 channels of different weight."""
    weights = np.linspace(-1.0, 1.0, 512, dtype=np.float32).reshape(1, 512, 1, 1)
    nodes = [
        helper.make_node("AveragePool", ["image"], ["means"], kernel_shape=[16, 16], strides=[16, 16]),
        helper.make_node("ReduceMean", ["means"], ["grey"], axes=[1], keepdims=1),
        helper.make_node("Mul", ["grey", "weights"], ["features"]),
    ]
    shapes = {"image": ("faces", 3, 112, 112)}, {"features": ("faces", 512, 7, 7)}
    fields = {"name": "grey_means", "task": "face_features", "settings": PIXELS, **changes}
    return bundle_of(folder, model(nodes, *shapes, weights=weights), *shapes, **fields)


def write_map_encoder(folder: Path, **changes: Any) -> Path:
    """The mean of a clip's maps of one channel, as a vector of length 1."""
    nodes = [
        helper.make_node("Gather", ["maps", "last_channel"], ["channel"], axis=2),
        helper.make_node("ReduceSum", ["channel", "frames"], ["sum"], keepdims=0),
        helper.make_node("Flatten", ["sum"], ["flat"]),
        helper.make_node("ReduceSum", ["mask", "frames"], ["count"], keepdims=1),
        helper.make_node("Div", ["flat", "count"], ["mean"]),
        helper.make_node("ReduceL2", ["mean"], ["length"], axes=[1], keepdims=1),
        helper.make_node("Div", ["mean", "length"], ["embedding"]),
    ]
    inputs: dict[str, tuple[int | str, ...]] = {"maps": ("faces", FRAMES, 512, 7, 7), "mask": ("faces", FRAMES)}
    outputs: dict[str, tuple[int | str, ...]] = {"embedding": ("faces", 49)}
    made = model(nodes, inputs, outputs, last_channel=np.array([511], np.int64), frames=np.array([1], np.int64))
    settings = SETTINGS | {"spatial": "maps", "operating_points": [[0.1, 0.9], [0.001, 0.99]]}
    fields = {"name": "mean_map", "task": "identity", "settings": settings, **changes}
    # Its golden run would be 25 MB of noise: a few frames are enough to see that it is computed rightly.
    given = {"maps": np.zeros((1, FRAMES, 512, 7, 7), np.float32), "mask": np.ones((1, FRAMES), np.float32)}
    given["maps"][0, :4] = np.random.default_rng(1).random((4, 512, 7, 7), np.float32)
    found = dict(zip(outputs, ReferenceEvaluator(made).run(list(outputs), given), strict=True))
    return write_bundle(
        folder,
        made,
        golden_bytes(given, found),
        inputs=tuple(_spec(*pair) for pair in inputs.items()),
        outputs=tuple(_spec(*pair) for pair in outputs.items()),
        memory=(),
        **fields,
    )


def write_aggregator(folder: Path, dimension: int = DIMENSION, of: str = "projection 1", **changes: Any) -> Path:
    """A mean that halves the weight of what was before."""
    shape: tuple[int | str, ...] = ("faces", dimension)
    nodes = [
        helper.make_node("Mul", ["total", "half"], ["before"]),
        helper.make_node("Add", ["before", "embedding"], ["total_out"]),
        helper.make_node("ReduceL2", ["total_out"], ["length"], axes=[1], keepdims=1),
        helper.make_node("Div", ["total_out", "length"], ["aggregate"]),
    ]
    inputs, outputs = {"embedding": shape, "total": shape}, {"aggregate": shape, "total_out": shape}
    fields: dict[str, Any] = {
        "name": "fading",
        "task": "embedding_aggregator",
        "memory": (Memory("total", "total_out"),),
        "settings": {"operating_points": RATES, "embeddings_of": of},
        **changes,
    }
    return bundle_of(folder, model(nodes, inputs, outputs, half=np.float32([0.5])), inputs, outputs, **fields)
