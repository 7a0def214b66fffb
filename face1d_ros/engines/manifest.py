"""What a model bundle says about itself: `manifest.json`, read strictly."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, get_args

from face1d_ros.errors import BundleError

Json: TypeAlias = Any
FACES = "faces"
"""The one dimension that changes from call to call, always the first: how many faces are in the frame."""
MAX_FACES = 8
DTYPES = ("float32", "float16", "int64", "bool")
PRECISIONS = ("fp32", "fp16")
TRAINED_ON = ("synthetic", "real", "synthetic and real", "nothing")
MAX_DIMENSION = 1 << 20
NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class TensorSpec:
    """One input or output."""

    name: str
    dtype: str
    shape: tuple[int | str, ...]
    """Numbers, and `FACES` first where it goes by the face."""
    meaning: str

    def sized(self, faces: int) -> tuple[int, ...]:
        """The shape for so many faces."""
        return tuple(faces if isinstance(size, str) else size for size in self.shape)


@dataclass(frozen=True)
class Memory:
    """An output that is the input of the same face's next frame."""

    input: str
    output: str


@dataclass(frozen=True)
class Manifest:
    """Everything a user, a stage and a sceptic need to know of a model."""

    name: str
    version: str
    task: str
    sha256: str
    """Of model.onnx."""
    golden_sha256: str
    precision: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    memory: tuple[Memory, ...]
    """Empty: the model remembers nothing. A face begins with zeros."""
    settings: Mapping[str, Json]
    """What the stage has to know: window, labels, rates."""
    normalisation: str
    parameters: int
    mac: int
    """Multiply-accumulates of one face and frame."""
    trained_on: str
    data: str
    """What it was trained on, with the version or hash."""
    command: str
    """Makes it again."""
    seed: int
    figures: Mapping[str, float]
    """Measured; null where there is no value."""
    conditions: str
    """Of the figures."""
    not_measured: str
    licence: str
    source: str = field(default="")
    """Names and licences of the face models and data behind the training."""

    @property
    def shapes(self) -> dict[str, TensorSpec]:
        """All inputs and outputs by name."""
        return {spec.name: spec for spec in (*self.inputs, *self.outputs)}

    def to_json(self) -> str:
        """The file's text."""
        return json.dumps(dataclasses.asdict(self), indent=2, ensure_ascii=False) + "\n"


def read_manifest(text: bytes, path: Path) -> Manifest:
    """The manifest of the bundle at `path`; what is wrong in it is said by its place."""
    refuse = _refusal(path)
    try:
        document = json.loads(text.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise refuse("manifest.json", str(error), "a JSON object") from error
    manifest = _Reader(refuse).manifest(document)
    _check_sense(manifest, refuse)
    return manifest


Refuse: TypeAlias = Callable[[str, object, str], BundleError]


def _refusal(path: Path) -> Refuse:
    return lambda what, came, expected: BundleError(path, what, came, expected)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no number")


class _Reader:
    """JSON values to fields of the types above."""

    def __init__(self, refuse: Refuse) -> None:
        self._refuse = refuse

    def manifest(self, document: Json) -> Manifest:
        values = self._object(document, Manifest, "manifest.json")
        for key, kind in (("inputs", TensorSpec), ("outputs", TensorSpec), ("memory", Memory)):
            values[key] = tuple(self._part(part, kind, f"{key}[{i}]") for i, part in enumerate(values[key]))
        return Manifest(**values)

    def _part(self, document: Json, kind: type, where: str) -> Any:
        values = self._object(document, kind, where)
        if kind is TensorSpec:
            for size in values["shape"]:
                if size != FACES and not (type(size) is int and 0 < size <= MAX_DIMENSION):
                    raise self._refuse(f"{where}.shape", size, f"numbers from 1, or '{FACES}'")
            values["shape"] = tuple(values["shape"])
        return kind(**values)

    def _object(self, document: Json, kind: type, where: str) -> dict[str, Any]:
        """The values of a dataclass's fields, each of its type; lists are not looked into."""
        fields = {f.name: str(f.type) for f in dataclasses.fields(kind)}
        optional = {f.name for f in dataclasses.fields(kind) if f.default is not dataclasses.MISSING}
        if not isinstance(document, dict):
            raise self._refuse(where, type(document).__name__, "an object")
        if unknown := sorted(set(document) - set(fields)):
            raise self._refuse(where, f"unknown {', '.join(unknown)}", f"only {', '.join(fields)}")
        if missing := sorted(set(fields) - set(document) - optional):
            raise self._refuse(where, f"nothing for {', '.join(missing)}", "every field")
        for key, value in document.items():
            expected = fields[key].partition("[")[0]
            if not _is_a(value, expected):
                raise self._refuse(f"{where}: {key}", repr(value)[:80], _IN_WORDS[expected])
        return dict(document)


_IN_WORDS = {"str": "text", "int": "a whole number from 0", "tuple": "a list", "Mapping": "an object"}


def _is_a(value: Json, kind: str) -> bool:
    if kind == "int":
        return type(value) is int and value >= 0
    return isinstance(value, {"str": str, "tuple": list, "Mapping": dict}[kind])


def _check_sense(manifest: Manifest, refuse: Refuse) -> None:
    """What the types alone do not tell."""
    choices = (("precision", manifest.precision, PRECISIONS), ("trained_on", manifest.trained_on, TRAINED_ON))
    for what, value, known in choices:
        if value not in known:
            raise refuse(what, repr(value), f"one of {', '.join(known)}")
    for what, value, pattern in (
        ("name", manifest.name, NAME),
        ("sha256", manifest.sha256, SHA256),
        ("golden_sha256", manifest.golden_sha256, SHA256),
    ):
        if not pattern.fullmatch(value):
            raise refuse(what, repr(value)[:80], f"text like {pattern.pattern}")
    for key, figure in manifest.figures.items():
        if figure is not None and not (type(figure) in get_args(int | float) and math.isfinite(figure)):
            raise refuse(f"figures.{key}", repr(figure)[:80], "a number or null")
    _check_tensors(manifest, refuse)


def _check_tensors(manifest: Manifest, refuse: Refuse) -> None:
    specs = (*manifest.inputs, *manifest.outputs)
    if not manifest.inputs or not manifest.outputs:
        raise refuse("inputs and outputs", "an empty list", "at least one of each")
    names = [spec.name for spec in specs]
    if len(set(names)) < len(names):
        raise refuse("inputs and outputs", f"names {names}", "each name once")
    for spec in specs:
        if not NAME.fullmatch(spec.name):
            raise refuse("tensor name", repr(spec.name)[:80], f"text like {NAME.pattern}")
        if spec.dtype not in DTYPES:
            raise refuse(f"{spec.name}.dtype", repr(spec.dtype)[:80], f"one of {', '.join(DTYPES)}")
        if not spec.shape or FACES in spec.shape[1:]:
            raise refuse(f"{spec.name}.shape", spec.shape, f"at least one dimension, '{FACES}' only as the first")
    inputs = {spec.name: spec for spec in manifest.inputs}
    outputs = {spec.name: spec for spec in manifest.outputs}
    for memory in manifest.memory:
        before, after = inputs.get(memory.input), outputs.get(memory.output)
        if before is None or after is None or (before.dtype, before.shape) != (after.dtype, after.shape):
            raise refuse("memory", f"{memory.input} ← {memory.output}", "an input and an output of one shape and type")
        if before.shape[0] != FACES:
            raise refuse("memory", f"{memory.input} {before.shape}", f"'{FACES}' as the first dimension")
