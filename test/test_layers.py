"""Who may import whom, read from the sources (the rules stand in docs/architecture.md)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = "face1d_ros"
ROOT = Path(__file__).parents[1] / PACKAGE
FOUNDATION = {"types", "errors", "config", "paths"}
ALLOWED = {
    "types": set(),
    "errors": set(),
    "config": {"errors"},
    "paths": {"errors"},
    "parameter_file": {"config", "errors"},
    "graph": {"config", "errors"},
    "start": {"config", "errors", "graph", "parameter_file"},
    "geometry": {"types", "errors"},
    "filters": {"types", "errors"},
    "drawing": {"types", "geometry"},
    "nets": set(),
    "detect": FOUNDATION | {"geometry"},
    "stages": FOUNDATION | {"geometry", "filters", "detect", "engines", "gallery"},
    "engines": FOUNDATION,
    "gallery": FOUNDATION,
}
"""Rooms with a short list of their own; every other room may import any room but `nodes` and `cli`."""
NOBODY_IMPORTS = {"nodes", "cli"}
ONLY_IN = {
    "rclpy": {"convert", "nodes"},
    "rcl_interfaces": {"convert", "nodes"},
    "sensor_msgs": {"convert", "nodes"},
    "std_msgs": {"convert", "nodes"},
    "geometry_msgs": {"convert", "nodes"},
    "diagnostic_msgs": {"convert", "nodes"},
    "lifecycle_msgs": {"convert", "nodes"},
    "visualization_msgs": {"convert", "nodes"},
    "builtin_interfaces": {"convert", "nodes"},
    "mediapipe": {"detect"},
    "torch": {"nets", "train", "engines"},
    "onnxruntime": {"engines"},
    "tensorrt": {"engines"},
}
GENERATED = {"msg", "srv", "action"}
FILES = sorted(ROOT.rglob("*.py"))


def imported_modules(path: Path) -> set[str]:
    """Every absolute module name that a file imports, at the top or inside a function."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def test_there_is_something_to_check() -> None:
    assert {"types", "errors", "config", "cli", "nodes", "convert"} <= {room_of(path) for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_imports_only_what_its_room_may(path: Path) -> None:
    room = room_of(path)
    for name in imported_modules(path):
        parts = name.split(".")
        if parts[0] != PACKAGE:
            allowed = ONLY_IN.get(parts[0])
            assert allowed is None or room in allowed, f"{parts[0]} is imported only in {sorted(allowed or ())}"
            continue
        target = parts[1] if len(parts) > 1 else ""
        if target in GENERATED:
            assert room in {"convert", "nodes"}, "generated interfaces are imported only in convert and nodes"
        elif target != room and (ROOT / target).exists() | (ROOT / f"{target}.py").exists():
            assert target not in NOBODY_IMPORTS, f"nobody imports {target}"
            assert room not in ALLOWED or target in ALLOWED[room], f"{room} may not import {target}"
