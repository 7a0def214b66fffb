"""A user's own ONNX file to a bundle: a network that looks at the crop of a face, with what the manifest must say.

The file is taken as it is but for names, the number of faces, the operator set, and what does nothing at run time.
Nothing of it is run before it was looked into (`onnx_model.check_model`).
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from face1d_ros.engines.bundle import GOLDEN, MANIFEST, MODEL, SIZE_LIMITS, Bundle, accept, load_bundle
from face1d_ros.engines.engine import Array
from face1d_ros.engines.golden import golden_bytes
from face1d_ros.engines.manifest import FACES, Manifest, TensorSpec
from face1d_ros.engines.onnx_model import OPSETS, check_model
from face1d_ros.engines.onnx_work import count_mac
from face1d_ros.engines.onnxruntime_engine import (
    OnnxRuntimeEngine,
    onnxruntime_module,
    runtime_errors,
    session_options,
)
from face1d_ros.errors import BundleError, ExportError, MissingDependencyError

OPSET, IR_VERSION = 17, 8
IMAGE = "image"
SIDE = 112
OUTPUTS: Mapping[str, tuple[str, tuple[int, ...]]] = {
    "face_embedding": ("embedding", ()),
    "face_features": ("features", (512, 7, 7)),
}
"""By the task: the output's name, and its shape where that is fixed."""
IDLE = ("Dropout",)
"""Operators that do nothing at run time."""
GOLDEN_FACES = 2


@dataclass(frozen=True)
class Wrapping:
    """What a file does not say of itself."""

    task: str
    name: str
    version: str = "1"
    output: str = ""
    """Which of its values comes out; empty: its only output."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    trained_on: str = "real"
    data: str = "not stated"
    licence: str = "not stated"
    golden: Path | None = None
    """An .npz of `image` and the output, as the framework gave it that trained it; without one, ONNX Runtime itself."""


def wrap(path: Path, folder: Path, wrapping: Wrapping, check: Callable[[Path], None]) -> Bundle:
    """The bundle in `folder`, loaded, run, and looked at by `check`, as who will use it looks at it.

    A bundle that was there is replaced. Raises ExportError, BundleError, EngineError, and what `check` raises; then
    what was there stays.
    """
    if folder.exists() and not (folder / MANIFEST).is_file():
        raise ExportError(path.name, f"'{folder}' is there already and is no bundle; name another folder")
    with _refusing_broken(path):
        model = _prepared(_read(path), path, wrapping)
        _check(model, path, wrapping)
        shape = _output_shape(model, path, wrapping)
        data = model.SerializeToString(deterministic=True)
        golden = golden_bytes(*_golden(path, data, shape, wrapping))
        manifest = _manifest(path, model, data, golden, shape, wrapping, count_mac(data))
    folder = folder.absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    workshop = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        made = workshop / folder.name
        made.mkdir()
        (made / MODEL).write_bytes(data)
        (made / GOLDEN).write_bytes(golden)
        (made / MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
        bundle = load_bundle(made)
        engine = OnnxRuntimeEngine(bundle)
        accept(bundle, engine)
        engine.close()
        check(made)
        if folder.exists():
            os.rename(folder, workshop / "before")
        os.rename(made, folder)
    finally:
        shutil.rmtree(workshop, ignore_errors=True)
    return load_bundle(folder)


@contextmanager
def _refusing_broken(path: Path) -> Iterator[None]:
    """For what a file that is damaged makes the package onnx raise, in whatever it is asked."""
    onnx = _onnx()
    own = onnx.checker.ValidationError, onnx.shape_inference.InferenceError, onnx.version_converter.ConvertError
    try:
        yield
    except (*own, RuntimeError, IndexError, ValueError) as error:
        raise ExportError(path.name, f"it is no sound ONNX model ({error})") from error


def _read(path: Path) -> Any:
    onnx = _onnx()
    from google.protobuf.message import DecodeError

    if path.stat().st_size > SIZE_LIMITS[MODEL]:
        came, limit = path.stat().st_size / 1e6, SIZE_LIMITS[MODEL] / 1e6
        raise ExportError(path.name, f"it has {came:.0f} MB, expected {limit:.0f} MB at most: take a smaller network")
    try:
        model = onnx.load_model_from_string(path.read_bytes())
    except DecodeError as error:
        raise ExportError(path.name, f"it is no ONNX model ({error})") from error
    if any(tensor.external_data for tensor in model.graph.initializer):
        raise ExportError(path.name, "its weights are in another file; save it as one file")
    return model


def _prepared(model: Any, path: Path, wrapping: Wrapping) -> Any:
    """In our names, for any number of faces."""
    onnx = _onnx()
    opset = max((one.version for one in model.opset_import if one.domain in ("", "ai.onnx")), default=0)
    onnx.checker.check_model(model)  # the converter does not survive whatever is damaged
    try:
        if opset not in OPSETS:
            model = onnx.version_converter.convert_version(model, OPSET)
    except (RuntimeError, onnx.checker.ValidationError) as error:
        problem = f"its operator set {opset} cannot be brought to {OPSET} ({error}); export it with that one"
        raise ExportError(path.name, problem) from error
    model.ir_version = IR_VERSION
    graph = model.graph
    weights = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in weights]
    if len(inputs) != 1:
        raise ExportError(path.name, f"it has inputs {[value.name for value in inputs]}, expected one, of images")
    sizes = [size.dim_value for size in inputs[0].type.tensor_type.shape.dim]
    if len(sizes) != 4 or any(size not in (0, fits) for size, fits in zip(sizes[1:], (3, SIDE, SIDE), strict=True)):
        raise ExportError(path.name, f"its input is {sizes}, expected (faces, 3, {SIDE}, {SIDE})")
    for node in graph.node:
        if node.op_type in IDLE:
            node.op_type = "Identity"
            del node.input[1:], node.output[1:], node.attribute[:]
        node.doc_string = ""
    _choose_output(onnx, model, path, wrapping)
    _rename(graph, {inputs[0].name: IMAGE, graph.output[0].name: OUTPUTS[wrapping.task][0]})
    del graph.input[:], graph.value_info[:]
    graph.input.append(onnx.helper.make_tensor_value_info(IMAGE, onnx.TensorProto.FLOAT, (FACES, 3, SIDE, SIDE)))
    return model


def _check(model: Any, path: Path, wrapping: Wrapping) -> None:
    """Look into it, as into every bundle, before it runs for the first time; its output's shape is not known yet."""

    def refuse(what: str, came: object, expected: str) -> BundleError:
        return BundleError(path, what, came, expected)

    draft = _manifest(path, model, b"", b"", (), wrapping, 0)
    unsized = dataclasses.replace(draft.outputs[0], shape=())
    check_model(model.SerializeToString(), dataclasses.replace(draft, outputs=(unsized,)), refuse)


def _choose_output(onnx: Any, model: Any, path: Path, wrapping: Wrapping) -> None:
    """The one that is meant, and only what leads to it."""
    graph = model.graph
    names = [value.name for value in graph.output]
    chosen = wrapping.output or (names[0] if len(names) == 1 else "")
    made_by = {name: node for node in graph.node for name in node.output if name}
    if chosen not in made_by:
        known = f"{len(made_by)} values, of which {', '.join(names)} are outputs"
        raise ExportError(path.name, f"it has no output '{chosen}' but {known}; name one of its values")
    needed: set[str] = set()
    waiting = [chosen]
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += made_by[name].input if name in made_by else []
    kept = [node for node in graph.node if needed & set(node.output)]
    weights = [tensor for tensor in graph.initializer if tensor.name in needed]
    del graph.node[:], graph.initializer[:], graph.output[:]
    graph.node.extend(kept)
    graph.initializer.extend(weights)
    graph.output.append(onnx.helper.make_tensor_value_info(chosen, onnx.TensorProto.FLOAT, None))


def _rename(graph: Any, names: Mapping[str, str]) -> None:
    there = {name for node in graph.node for name in (*node.input, *node.output)}
    for name in there & set(names.values()) - set(names):
        free = next(other for count in itertools.count() if (other := f"{name}_{count}") not in there)
        names = {**names, name: free}
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    for value in (*graph.output, *graph.initializer):
        value.name = names.get(value.name, value.name)


def _output_shape(model: Any, path: Path, wrapping: Wrapping) -> tuple[int, ...]:
    """Of one face; written into the model."""
    onnx = _onnx()
    name, fixed = OUTPUTS[wrapping.task]
    sized = onnx.ModelProto()
    sized.CopyFrom(model)
    sized.graph.input[0].type.tensor_type.shape.dim[0].dim_value = GOLDEN_FACES
    found = _run(path, sized.SerializeToString(), np.zeros((GOLDEN_FACES, 3, SIDE, SIDE), np.float32))
    shape = tuple(int(size) for size in found.shape[1:])
    if found.shape[:1] != (GOLDEN_FACES,) or found.dtype != np.float32:
        problem = f"it gives {found.dtype} {found.shape} for {GOLDEN_FACES} images, expected float32 for each of them"
        raise ExportError(path.name, f"{problem}; export it for any number of images")
    if (fixed and shape != fixed) or (not fixed and len(shape) != 1):
        raise ExportError(path.name, f"'{name}' would be {shape}, expected {fixed or 'one vector'} for each image")
    del model.graph.output[:]
    model.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, (FACES, *shape)))
    return shape


def _golden(
    path: Path, data: bytes, shape: tuple[int, ...], wrapping: Wrapping
) -> tuple[dict[str, Array], dict[str, Array]]:
    """The user's own, or what ONNX Runtime gives without any optimisation."""
    name = OUTPUTS[wrapping.task][0]
    if wrapping.golden is None:
        images = np.random.default_rng(1).uniform(-1.0, 1.0, (GOLDEN_FACES, 3, SIDE, SIDE)).astype(np.float32)
        return {IMAGE: images}, {name: _run(path, data, images)}
    expected = f"an .npz with {IMAGE} (faces, 3, {SIDE}, {SIDE}) and {name} {('faces', *shape)}"
    if not zipfile.is_zipfile(wrapping.golden):
        raise ExportError(path.name, f"'{wrapping.golden}' is no golden run, expected {expected}")
    try:
        with np.load(wrapping.golden, allow_pickle=False) as file:
            return {IMAGE: file[IMAGE].astype(np.float32)}, {name: file[name].astype(np.float32)}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ExportError(path.name, f"'{wrapping.golden}' is no golden run ({error}), expected {expected}") from error


def _run(path: Path, data: bytes, images: Array) -> Array:
    runtime = onnxruntime_module()
    options = session_options(runtime, "CPU")
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        session = runtime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        found: Array = session.run(None, {IMAGE: images})[0]
    except runtime_errors() as error:
        raise ExportError(path.name, f"ONNX Runtime does not run it ({error})") from error
    return found


def _manifest(
    path: Path, model: Any, data: bytes, golden: bytes, shape: tuple[int, ...], wrapping: Wrapping, mac: int
) -> Manifest:
    onnx = _onnx()
    is_half = any(tensor.data_type == onnx.TensorProto.FLOAT16 for tensor in model.graph.initializer)
    name = OUTPUTS[wrapping.task][0]
    meaning = "whose face it might be; of any length" if wrapping.task == "face_embedding" else "of the face's crop"
    by = "the user's own framework" if wrapping.golden else "ONNX Runtime without optimisation"
    return Manifest(
        name=wrapping.name,
        version=wrapping.version,
        task=wrapping.task,
        sha256=hashlib.sha256(data).hexdigest(),
        golden_sha256=hashlib.sha256(golden).hexdigest(),
        precision="fp16" if is_half else "fp32",
        inputs=(TensorSpec(IMAGE, "float32", (FACES, 3, SIDE, SIDE), "crop of a face, as the settings say"),),
        outputs=(TensorSpec(name, "float32", (FACES, *shape), meaning),),
        memory=(),
        settings=dict(wrapping.settings),
        normalisation="(pixel - mean) · scale, before the network",
        parameters=sum(int(np.prod(tensor.dims)) for tensor in model.graph.initializer),
        mac=mac,
        trained_on=wrapping.trained_on,
        data=wrapping.data,
        command=f"face1d models wrap {path.name}",
        seed=0,
        figures={},
        conditions=f"none of ours; golden run by {by}",
        not_measured="everything: this is the user's own network",
        licence=wrapping.licence,
    )


def _onnx() -> Any:
    try:
        import onnx
        import onnx.version_converter
    except ImportError as error:
        raise MissingDependencyError(
            "the Python package onnx", "wrapping a model", "install it: pip install 'onnx>=1.17,<1.20'"
        ) from error
    return onnx
