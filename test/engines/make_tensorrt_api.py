"""Writes tensorrt_api.json and cuda_api.json: what the real things say of the calls we make.

    pip download --no-deps tensorrt-cu12-bindings==10.3.0          (and 11.4.0.106), unpacked each into a folder
    python make_tensorrt_api.py cuda.h FOLDER FOLDER

Of TensorRT's own Python bindings each version's signatures, of CUDA's header how the driver's functions are declared.

The bindings need TensorRT's libraries only to be there: empty ones, made here with cc, let them be imported and asked.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from face1d_ros.engines.tensorrt_cuda import PROTOTYPES

OUT = Path(__file__).with_name("tensorrt_api.json")
CUDA_OUT = Path(__file__).with_name("cuda_api.json")
CLASSES = """
    ILogger Builder INetworkDefinition IBuilderConfig OnnxParser ParserError IOptimizationProfile ITimingCache
    IHostMemory Runtime ICudaEngine IExecutionContext ITensor IProgressMonitor
""".split()  # noqa: SIM905  a table reads better than quoted names
ENUMS = """
    NetworkDefinitionCreationFlag BuilderFlag DataType TensorIOMode TensorLocation MemoryPoolType
""".split()  # noqa: SIM905
LIBRARIES = ("nvinfer", "nvinfer_plugin", "nvonnxparser")
FUNCTIONS = """
    createInferBuilder_INTERNAL createInferRefitter_INTERNAL createInferRuntime_INTERNAL getPluginRegistry
    createNvOnnxParserRefitter_INTERNAL createNvOnnxParser_INTERNAL getBuilderPluginRegistry getNvOnnxParserVersion
    initLibNvInferPlugins
""".split()  # noqa: SIM905


def main(header: str, folders: list[str]) -> None:
    declared = declarations(Path(header).read_text(encoding="utf-8"), list(PROTOTYPES))
    CUDA_OUT.write_text(json.dumps(declared, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    described = {}
    for folder in folders:
        with tempfile.TemporaryDirectory() as libraries:
            make_libraries(Path(folder), Path(libraries))
            environment = {
                **os.environ,
                "LD_LIBRARY_PATH": libraries,
                "PYTHONPATH": os.pathsep.join([folder, *sys.path]),
            }
            command = [sys.executable, __file__, "--describe"]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        described |= json.loads(done.stdout)
    OUT.write_text(json.dumps(described, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def declarations(header: str, functions: list[str]) -> dict[str, list[str]]:
    """By exported name, the types of a function's arguments; the header's plain names stand for the newest version."""
    exported = dict(re.findall(r"#define\s+(cu\w+)\s+(?:__CUDA_API_PTSZ\()?(cu\w+)\)?", header))
    found = {}
    for name, arguments in re.findall(r"^CUresult CUDAAPI (cu\w+)\(([^)]*)\);", header, re.MULTILINE):
        types = [re.sub(r"\s*\b\w+$", "", argument.strip()) for argument in arguments.split(",")]
        found.setdefault(exported.get(name, name), types)
    return {name: found[name] for name in functions}


def make_libraries(folder: Path, libraries: Path) -> None:
    """Empty ones under the names that these bindings ask for."""
    bindings = next(folder.rglob("tensorrt.so")).read_bytes()
    major = re.search(rb"libnvinfer\.so\.(\d+)", bindings)
    assert major is not None
    source = libraries / "empty.c"
    source.write_text("".join(f"void *{name}() {{ return 0; }}\n" for name in FUNCTIONS))
    for name in LIBRARIES:
        file = libraries / f"lib{name}.so.{major[1].decode()}"
        subprocess.run(["cc", "-shared", "-fPIC", source, "-o", file, f"-Wl,-soname,{file.name}"], check=True)


def describe() -> dict[str, Any]:
    """In a Python that sees one version's bindings."""
    import tensorrt_bindings as trt

    classes = {name: describe_class(getattr(trt, name)) for name in CLASSES}
    enums = {name: {key: int(v) for key, v in getattr(trt, name).__members__.items()} for name in ENUMS}
    enums["ILogger.Severity"] = {key: int(value) for key, value in trt.ILogger.Severity.__members__.items()}
    return {trt.__version__: {"classes": classes, "enums": enums}}


def describe_class(cls: type) -> dict[str, Any]:
    methods, properties = {}, {}
    for name, member in vars(cls).items():
        if name.startswith("_") and name != "__init__":
            continue
        if name.startswith("add_") and cls.__name__ == "INetworkDefinition":
            continue  # hundreds, of layers, which the parser adds
        if isinstance(member, property):
            properties[name] = {"writable": member.fset is not None}
        elif signatures := signatures_of(name, member.__doc__ or ""):
            methods[name] = signatures
    return {"methods": methods, "properties": properties}


def signatures_of(name: str, text: str) -> list[str]:
    """One for each overload, with plain names of types."""
    lines = re.findall(rf"^(?:\d+\. )?{name}(\(self: .*\) -> .*)$", text, re.MULTILINE)
    return [re.sub(r"tensorrt_bindings\.(tensorrt|\w+)\.", "", line) for line in lines]


if __name__ == "__main__":
    if sys.argv[1:] == ["--describe"]:
        print(json.dumps(describe()))
    else:
        main(sys.argv[1], sys.argv[2:])
