"""A motion encoder small enough to write by hand: a random projection of each frame, its highest values over time."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from face1d_ros.engines.golden import golden_bytes
from face1d_ros.engines.manifest import FACES, Manifest, TensorSpec
from face1d_ros.geometry.motion_clip import FRAMES, POINTS, RATE_HZ

SIZE = 16
WIDTH = 3 * POINTS
SETTINGS: dict[str, Any] = {
    "loss": "contrastive",
    "trimming": True,
    "rate_hz": RATE_HZ,
    "frames": FRAMES,
    "spatial": "curves",
    "operating_points": [[0.1, 0.5], [0.01, 0.8]],
}


def encoded(points: np.ndarray, mask: np.ndarray, seed: int) -> np.ndarray:
    """(B, SIZE) in numpy."""
    highest = (points @ projection(seed) * mask[..., None]).max(axis=1) + 1e-3
    return highest / np.linalg.norm(highest, axis=1, keepdims=True)


def projection(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.0, 1.0, (WIDTH, SIZE)).astype(np.float32)


def write_encoder(folder: Path, seed: int = 0, **settings: Any) -> Path:
    """The bundle in a new folder of this name."""
    model = _model(seed).SerializeToString()
    rng = np.random.default_rng(1)
    points = rng.normal(0.0, 0.1, (2, FRAMES, WIDTH)).astype(np.float32)
    mask = (np.arange(FRAMES) < np.array([[40], [128]])).astype(np.float32)
    golden = golden_bytes({"points": points, "mask": mask}, {"embedding": encoded(points, mask, seed)})
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(model)
    (folder / "golden.npz").write_bytes(golden)
    (folder / "manifest.json").write_text(_manifest(folder.name, model, golden, SETTINGS | settings).to_json())
    return folder


def _model(seed: int) -> Any:
    values = [
        numpy_helper.from_array(projection(seed), "weights"),
        numpy_helper.from_array(np.float32(1e-3), "little"),
        numpy_helper.from_array(np.array([2], np.int64), "last"),
    ]
    nodes = [
        helper.make_node("MatMul", ["points", "weights"], ["seen"]),
        helper.make_node("Unsqueeze", ["mask", "last"], ["there"]),
        helper.make_node("Mul", ["seen", "there"], ["kept"]),
        helper.make_node("ReduceMax", ["kept"], ["most"], axes=[1], keepdims=0),
        helper.make_node("Add", ["most", "little"], ["highest"]),
        helper.make_node("ReduceL2", ["highest"], ["length"], axes=[1], keepdims=1),
        helper.make_node("Div", ["highest", "length"], ["embedding"]),
    ]
    shapes = {"points": [FACES, FRAMES, WIDTH], "mask": [FACES, FRAMES], "embedding": [FACES, SIZE]}
    into, out = (
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shapes[name]) for name in names]
        for names in (("points", "mask"), ("embedding",))
    )
    graph = helper.make_graph(nodes, "projection", into, out, values)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _manifest(name: str, model: bytes, golden: bytes, settings: dict[str, Any]) -> Manifest:
    return Manifest(
        name=name,
        version="1",
        task="identity",
        sha256=hashlib.sha256(model).hexdigest(),
        golden_sha256=hashlib.sha256(golden).hexdigest(),
        precision="fp32",
        inputs=(
            TensorSpec("points", "float32", (FACES, FRAMES, WIDTH), "offsets"),
            TensorSpec("mask", "float32", (FACES, FRAMES), "whether there is a frame"),
        ),
        outputs=(TensorSpec("embedding", "float32", (FACES, SIZE), "unit vector"),),
        memory=(),
        settings=settings,
        normalisation="none",
        parameters=WIDTH * SIZE,
        mac=FRAMES * WIDTH * SIZE,
        trained_on="nothing",
        data="none",
        command="none",
        seed=0,
        figures={},
        conditions="none",
        not_measured="everything",
        licence="Apache-2.0",
    )
