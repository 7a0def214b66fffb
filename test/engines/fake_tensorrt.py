"""A stand-in for the module `tensorrt` that records, refuses wrong use, and really computes, through ONNX Runtime.

Each class has the members that the bindings of one version have, and takes the arguments that their signatures say
(tensorrt_api.json); what the documentation says of order and lifetime is checked, too. Where TensorRT gives None or
False and a line in the log, so does this.
"""

from __future__ import annotations

import json
import os
import re
import types
from collections.abc import Callable
from enum import IntEnum
from functools import wraps
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import numpy as np
from engines.fake_cuda import FakeCuda
from engines.fake_tensorrt_builder import builder_classes
from engines.fake_tensorrt_runtime import runtime_classes

API: dict[str, Any] = json.loads(Path(__file__).with_name("tensorrt_api.json").read_text(encoding="utf-8"))
OLD, NEW = "10.3.0", "11.4.0.106"
FAULTS = "FACE1D_STAND_IN_FAULTS"
"""Environment variable: names of faults, with commas, for child processes."""
NUMPY = {"FLOAT": np.float32, "HALF": np.float16, "INT64": np.int64, "BOOL": np.bool_, "INT32": np.int32}


def parameters(signature: str) -> list[tuple[str, str, bool]]:
    """Of one signature: name, type, and whether it may be left out; without self."""
    inside = re.match(r"\((.*)\) -> ", signature)
    assert inside is not None
    parts, depth, start = [], 0, 0
    for index, letter in enumerate(inside[1] + ","):
        depth += {"[": 1, "<": 1, "]": -1, ">": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            parts.append((inside[1] + ",")[start:index].strip())
            start = index + 1
    found = []
    for part in parts[1:]:
        name, _, rest = part.partition(": ")
        kind, _, default = rest.partition(" = ")
        found.append((name, kind, bool(default)))
    return found


class FakeTensorRt(types.ModuleType):
    """The module. `wrong` says what was used wrongly; `faults` are names of what fails from now on."""

    def __init__(self, cuda: FakeCuda, version: str = OLD) -> None:
        super().__init__("tensorrt")
        self.__version__ = version
        self.__spec__ = ModuleSpec("tensorrt", None)
        self.cuda = cuda
        self.api = API[version]
        self.wrong = cuda.wrong
        self.faults = set(filter(None, os.environ.get(FAULTS, "").split(",")))
        self.calls: list[str] = []
        for name, members in self.api["enums"].items():
            if "." not in name:
                setattr(self, name, IntEnum(name, members))
        self.Bound = bound(self)
        for make in (builder_classes, runtime_classes):
            for cls in make(self):
                setattr(self, cls.__name__, cls)

    def nptype(self, dtype: Any) -> Any:
        """As the bindings' own."""
        if dtype.name not in NUMPY:
            raise TypeError("Could not resolve TensorRT datatype to an equivalent numpy datatype.")
        return NUMPY[dtype.name]

    def fits(self, value: Any, kind: str) -> bool:
        """Whether an argument is of a type that a signature names."""
        if kind in ("int", "typing.SupportsInt"):
            return isinstance(value, int) and not isinstance(value, bool)
        plain = {"str": str, "bool": bool, "tuple": tuple, "list": list}
        if kind in plain:
            return type(value) is plain[kind]
        if kind in ("buffer", "typing_extensions.Buffer"):
            return isinstance(value, (bytes, bytearray, memoryview, self.IHostMemory))
        if kind == "Dims":
            return isinstance(value, tuple) and all(type(size) is int for size in value)
        found = getattr(self, kind, None)
        return isinstance(found, type) and isinstance(value, found)

    def checked(self, cls_name: str, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        """A method that takes what its signature in this version says."""
        signatures = self.api["classes"][cls_name]["methods"].get(name)

        @wraps(method)
        def call(this: Any, *arguments: Any, **named: Any) -> Any:
            self.calls.append(f"{cls_name}.{name}")
            if signatures is None:
                raise AttributeError(f"{self.__version__} has no {cls_name}.{name}")
            if not any(self._takes(parameters(one), arguments, named) for one in signatures):
                raise TypeError(f"{cls_name}.{name}(): incompatible function arguments {arguments} {named}")
            return method(this, *arguments, **named)

        return call

    def _takes(self, wanted: list[tuple[str, str, bool]], arguments: tuple[Any, ...], named: dict[str, Any]) -> bool:
        if len(arguments) > len(wanted):
            return False
        given = dict(zip([name for name, _, _ in wanted], arguments, strict=False)) | named
        kinds = {name: kind for name, kind, _ in wanted}
        needed = {name for name, _, optional in wanted if not optional}
        fit = all(name in kinds and self.fits(value, kinds[name]) for name, value in given.items())
        return fit and needed <= set(given) and len(given) == len(arguments) + len(named)


def bound(trt: FakeTensorRt) -> type:
    """The base of one version's classes: their members are those of the bindings, and so are their arguments."""

    class Bound:
        def __init_subclass__(cls) -> None:
            members = trt.api["classes"].get(cls.__name__)
            if members is None:
                return
            cls._writable = {name for name, one in members["properties"].items() if one["writable"]}
            unknown = {n for n, one in vars(cls).items() if isinstance(one, property)} - set(members["properties"])
            assert not unknown, f"{trt.__version__} has no {cls.__name__}.{unknown}"
            for name, method in list(vars(cls).items()):
                if isinstance(method, types.FunctionType) and (not name.startswith("_") or name == "__init__"):
                    if name in members["methods"]:
                        setattr(cls, name, trt.checked(cls.__name__, name, method))
                    elif name != "__init__" and not name.startswith("_"):
                        delattr(cls, name)

        def __setattr__(self, name: str, value: Any) -> None:
            is_ours = name.startswith("_") or type(self).__name__ not in trt.api["classes"]
            if not is_ours and name not in self._writable:
                raise AttributeError(f"{trt.__version__}: {type(self).__name__}.{name} cannot be set")
            super().__setattr__(name, value)

    return Bound
