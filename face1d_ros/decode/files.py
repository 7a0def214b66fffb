"""Decoded faces as files that other programs read: OBJ for one frame, glTF 2.0 (.glb) and NPZ for the whole motion.

OBJ and glTF are in metres with y up and z out of the face, as glTF has it.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.decode.coefficients import Coefficients, Floats
from face1d_ros.decode.vertices import decode, expression_basis, neutral
from face1d_ros.errors import RecordingError
from face1d_ros.geometry.canonical import vertex_normals
from face1d_ros.synth.faces.model import FaceModel

TO_GLTF = np.array([1e-3, -1e-3, -1e-3], np.float32)
"""Half a turn about x, and mm to m."""
MAGIC, VERSION, JSON_CHUNK, BINARY_CHUNK = 0x46546C67, 2, 0x4E4F534A, 0x004E4942
FLOAT, UNSIGNED = 5126, 5125
VERTICES, INDICES = 34962, 34963


def write_obj(path: Path, vertices_mm: Floats, triangles: NDArray[np.intp]) -> None:
    """One frame (V, 3)."""
    points = "\n".join(f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in (vertices_mm * TO_GLTF).tolist())
    faces = "\n".join(f"f {a} {b} {c}" for a, b, c in (triangles + 1).tolist())
    _write(path, f"{points}\n{faces}\n".encode())


def write_npz(path: Path, coefficients: Coefficients, model: FaceModel) -> None:
    """The vertices of all frames (T, V, 3), mm in the facing frame, with stamps and triangles."""
    arrays = {
        "vertices_mm": decode(coefficients, model),
        "triangles": model.triangles,
        "stamps_s": coefficients.stamps_s,
    }
    try:
        with path.open("wb") as file:
            np.savez(file, **arrays)
    except OSError as error:
        raise RecordingError(f"cannot write {path}: {error.strerror}; choose another path") from error


def write_glb(path: Path, coefficients: Coefficients, model: FaceModel) -> None:
    """The person at rest, a morph target for each expression coefficient, and their weights over time."""
    rest = neutral(coefficients, model)
    buffer = _Buffer()
    position = buffer.add(rest * TO_GLTF, "VEC3", VERTICES, bounds=True)
    normal = buffer.add(vertex_normals(rest * TO_GLTF, model.triangles).astype(np.float32), "VEC3", VERTICES)
    indices = buffer.add(model.triangles.astype(np.uint32).ravel(), "SCALAR", INDICES)
    shapes = expression_basis(coefficients, model) * TO_GLTF
    targets = [{"POSITION": buffer.add(shape, "VEC3", VERTICES, bounds=True)} for shape in shapes]
    times = buffer.add(coefficients.stamps_s.astype(np.float32), "SCALAR", bounds=True)
    weights = buffer.add(coefficients.expression.ravel(), "SCALAR")
    names = list(coefficients.expression_names)
    primitive = {"attributes": {"POSITION": position, "NORMAL": normal}, "indices": indices, "targets": targets}
    first = coefficients.expression[0].astype(float).tolist()
    channel = {"sampler": 0, "target": {"node": 0, "path": "weights"}}
    document = {
        "asset": {"version": "2.0", "generator": "face1d_ros"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": "face"}],
        "meshes": [{"primitives": [primitive], "weights": first, "extras": {"targetNames": names}}],
        "animations": [
            {
                "channels": [channel],
                "samplers": [{"input": times, "output": weights, "interpolation": "LINEAR"}],
            }
        ],
        "accessors": buffer.accessors,
        "bufferViews": buffer.views,
        "buffers": [{"byteLength": len(buffer.data)}],
    }
    _write(path, _glb(document, bytes(buffer.data)))


class _Buffer:
    """The binary part, and what is where in it."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.views: list[dict[str, Any]] = []
        self.accessors: list[dict[str, Any]] = []

    def add(self, values: NDArray[Any], kind: str, target: int = 0, *, bounds: bool = False) -> int:
        """Put in (n,) or (n, 3) float32 or uint32; the number of its accessor."""
        array = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
        view: dict[str, Any] = {"buffer": 0, "byteOffset": len(self.data), "byteLength": array.nbytes}
        if target:
            view["target"] = target
        self.views.append(view)
        self.data += array.tobytes()
        accessor: dict[str, Any] = {
            "bufferView": len(self.views) - 1,
            "componentType": FLOAT if array.dtype.kind == "f" else UNSIGNED,
            "count": len(array),
            "type": kind,
        }
        if bounds:
            least, most = np.atleast_1d(array.min(axis=0)), np.atleast_1d(array.max(axis=0))
            accessor |= {"min": least.astype(float).tolist(), "max": most.astype(float).tolist()}
        self.accessors.append(accessor)
        return len(self.accessors) - 1


def _glb(document: dict[str, Any], binary: bytes) -> bytes:
    text = json.dumps(document, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    binary += b"\0" * (-len(binary) % 4)
    chunks = struct.pack("<II", len(text), JSON_CHUNK) + text + struct.pack("<II", len(binary), BINARY_CHUNK) + binary
    return struct.pack("<III", MAGIC, VERSION, 12 + len(chunks)) + chunks


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise RecordingError(f"cannot write {path}: {error.strerror}; choose another path") from error
