"""Where MediaPipe's 478 points are on a face model: stored for ICT-FaceKit, registered once for the others."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from face1d_ros.errors import FaceModelFileError
from face1d_ros.synth.faces import ict
from face1d_ros.synth.faces.anchors import Anchors
from face1d_ros.synth.faces.model_arrays import ModelArrays, as_floats, as_indices, check_indices
from face1d_ros.synth.faces.npz_file import read_arrays
from face1d_ros.types import Topology

ICT_ANCHORS = Path(__file__).with_name("ict_anchors.npz")
ARRAYS = ("vertices", "weights")
POINTS = int(Topology.MESH_478)


def find_landmarks(path: Path, model: ModelArrays, digest: str) -> Anchors:
    """The stored anchors of ICT-FaceKit; those beside the file, if they were made for this model; else new ones."""
    if model.name == ict.NAME and len(model.mean_mm) == ict.NARROW_VERTICES and ICT_ANCHORS.is_file():
        return read_anchors(ICT_ANCHORS, ict.NARROW_VERTICES)
    beside = anchors_path(path)
    if beside.is_file() and made_for(beside) == digest:
        return read_anchors(beside, len(model.mean_mm))
    from face1d_ros.synth.faces.registration import register

    return register(model).anchors


def anchors_path(path: Path) -> Path:
    """Where the correspondence of a model file is looked for: flame.npz → flame.anchors.npz."""
    return path.with_name(path.name.removesuffix(".npz") + ".anchors.npz")


def write_anchors(path: Path, anchors: Anchors, digest: str) -> None:
    """Store a correspondence for the model with this digest."""
    with path.open("wb") as stream:
        np.savez_compressed(
            stream,
            vertices=anchors.vertices.astype(np.int32),
            weights=anchors.weights.astype(np.float32),
            model_sha256=np.array(digest),
        )


def made_for(path: Path) -> str:
    """The digest of the model that a stored correspondence belongs to."""
    return str(read_arrays(path, ("model_sha256",))["model_sha256"])


def read_anchors(path: Path, vertex_count: int) -> Anchors:
    """A stored correspondence, checked."""
    arrays = read_arrays(path, ARRAYS)
    vertices = as_indices(path, "vertices", arrays["vertices"])
    weights = as_floats(path, "weights", arrays["weights"])
    if vertices.shape != (POINTS, 3) or weights.shape != (POINTS, 3):
        raise FaceModelFileError(path, f"vertices {vertices.shape}, weights {weights.shape}", f"({POINTS}, 3) both")
    check_indices(path, "vertices", vertices, vertex_count)
    if np.abs(weights.sum(axis=1) - 1.0).max() > 1e-3:
        raise FaceModelFileError(path, "weights that do not add up to 1", "barycentric coordinates")
    return Anchors(vertices, weights)
