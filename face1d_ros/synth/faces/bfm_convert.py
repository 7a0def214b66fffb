"""The Basel Face Model's own files (2017 and 2019 .h5, 2009 .mat) turned into the .npz that `bfm` reads."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import FaceModelFileError, MissingDependencyError
from face1d_ros.synth.faces.model_arrays import UNKNOWN

Arrays: TypeAlias = dict[str, NDArray[Any]]
LARGEST_BYTES = 2 << 30
UM_TO_MM = 1e-3
NEAREST_MM = 5.0
"""A landmark farther from every vertex than this belongs to another face."""
SAME_POINTS = {
    "center.chin.tip": 8,
    "center.nose.tip": 30,
    "right.eye.corner_outer": 36,
    "right.eye.corner_inner": 39,
    "left.eye.corner_inner": 42,
    "left.eye.corner_outer": 45,
    "right.lips.corner": 48,
    "center.lips.upper.outer": 51,
    "left.lips.corner": 54,
    "center.lips.lower.outer": 57,
    "center.lips.upper.inner": 62,
    "center.lips.lower.inner": 66,
}
"""Names of landmarks in the .h5 files, and the points of the 68 that they are."""
MEAN_EXPRESSION = "mean_expression"
"""Name of the component that leads from the neutral face to the middle of all expressions."""


def convert(source: Path) -> Arrays:
    """The arrays of a BFM file under the names that `bfm.read` knows."""
    suffix = source.suffix.lower()
    readers: dict[str, Callable[[Path], Arrays]] = {".h5": _from_h5, ".hdf5": _from_h5, ".mat": _from_mat}
    if suffix not in readers:
        raise FaceModelFileError(source, f"ends in '{suffix}'", "a BFM file: .h5 (2017, 2019) or .mat (2009)")
    size = source.stat().st_size
    if size > LARGEST_BYTES:
        raise FaceModelFileError(source, f"{size >> 20} MB", f"at most {LARGEST_BYTES >> 20} MB")
    return readers[suffix](source)


def _from_h5(source: Path) -> Arrays:
    try:
        import h5py
    except ImportError as error:
        raise MissingDependencyError("h5py", "reading a BFM .h5 file", "pip install h5py") from error
    names = ("shape/model/mean", "shape/model/pcaBasis", "shape/model/pcaVariance", "shape/representer/cells")
    parts = ("expression/model/mean", "expression/model/pcaBasis", "expression/model/pcaVariance")
    try:
        with h5py.File(source, "r") as file:
            found = {name: _dataset(source, file, name) for name in (*names, *parts)}
            text = file["metadata/landmarks/json"][()] if "metadata/landmarks/json" in file else b"[]"
    except (OSError, RuntimeError, ValueError) as error:
        raise FaceModelFileError(source, f"unreadable ({error})", "a BFM 2017 or 2019 .h5 file") from error
    mean = _points(source, found[names[0]])
    offset = _points(source, found[parts[0]])
    if offset.shape != mean.shape:
        raise FaceModelFileError(source, f"expressions of {len(offset)} vertices", f"{len(mean)}, as the shape")
    basis = _basis(source, found[parts[1]], np.sqrt(_positive(source, found[parts[2]])), len(mean))
    count = len(basis)
    return {
        "shape_mean": mean,
        "shape_basis": _basis(source, found[names[1]], np.sqrt(_positive(source, found[names[2]])), len(mean)),
        "expression_basis": np.concatenate([offset[None], basis]),
        "expression_names": np.array([MEAN_EXPRESSION, *(f"component_{row:03d}" for row in range(1, count + 1))]),
        "triangles": _triangles(source, found[names[3]], 0),
        "landmarks_68": _landmarks(source, text, mean),
    }


def _from_mat(source: Path) -> Arrays:
    from scipy.io import loadmat

    names = ("shapeMU", "shapePC", "shapeEV", "tl")
    try:
        found = loadmat(source, variable_names=names)
    except Exception as error:  # damaged bytes come out of SciPy as whatever they break: also zlib.error, IndexError
        raise FaceModelFileError(source, f"unreadable ({error})", "BFM 2009's 01_MorphableModel.mat") from error
    missing = [name for name in names if name not in found]
    if missing:
        raise FaceModelFileError(source, f"no {', '.join(missing)}", f"BFM 2009 with {', '.join(names)}")
    mean = _points(source, found["shapeMU"]) * np.float32(UM_TO_MM)
    deviations = _positive(source, found["shapeEV"]) * UM_TO_MM
    return {
        "shape_mean": mean,
        "shape_basis": _basis(source, found["shapePC"], deviations, len(mean)),
        "expression_basis": np.zeros((0, len(mean), 3), np.float32),
        "triangles": _triangles(source, found["tl"], 1),
    }


def _dataset(source: Path, file: Any, name: str) -> NDArray[Any]:
    if name not in file or not hasattr(file[name], "shape"):
        raise FaceModelFileError(source, f"no dataset {name}", "a BFM 2017 or 2019 .h5 file")
    if file[name].size * file[name].dtype.itemsize > LARGEST_BYTES:
        raise FaceModelFileError(source, f"dataset {name} too large", f"at most {LARGEST_BYTES >> 20} MB")
    array: NDArray[Any] = file[name][()]
    return array


def _points(source: Path, flat: NDArray[Any]) -> NDArray[np.float32]:
    """(V, 3) from all coordinates in a row."""
    if flat.dtype.kind not in "fiu" or flat.size == 0 or flat.size % 3:
        raise FaceModelFileError(source, f"a mean of shape {flat.shape}, type {flat.dtype}", "x, y, z of each vertex")
    return flat.reshape(-1, 3).astype(np.float32)


def _basis(source: Path, columns: NDArray[Any], scale: NDArray[Any], vertices: int) -> NDArray[np.float32]:
    """(I, V, 3) from components as columns (3V, I) and what each is to be scaled by (I,)."""
    if columns.dtype.kind != "f" or columns.shape != (3 * vertices, len(scale)):
        raise FaceModelFileError(source, f"components of shape {columns.shape}", f"({3 * vertices}, {len(scale)})")
    rows = np.ascontiguousarray(columns.T, np.float32).reshape(-1, vertices, 3)
    return rows * scale.astype(np.float32)[:, None, None]


def _positive(source: Path, values: NDArray[Any]) -> NDArray[np.float64]:
    flat = values.ravel().astype(np.float64) if values.dtype.kind in "fiu" else np.array([-1.0])
    if not (np.isfinite(flat).all() and (flat >= 0.0).all()):
        raise FaceModelFileError(source, "variances that are not numbers of at least 0", "those of the components")
    return flat


def _triangles(source: Path, cells: NDArray[Any], first: int) -> NDArray[np.int32]:
    """(F, 3), from rows or columns of three, counted from `first`."""
    if cells.dtype.kind not in "iuf" or cells.ndim != 2 or 3 not in cells.shape:
        raise FaceModelFileError(source, f"triangles of shape {cells.shape}", "three vertices each")
    rows = cells if cells.shape[1] == 3 else cells.T
    return rows.astype(np.int32) - np.int32(first)


def _landmarks(source: Path, text: Any, mean: NDArray[np.float32]) -> NDArray[np.int32]:
    """(68,) the vertices nearest to the named landmarks."""
    landmarks = np.full(68, UNKNOWN, np.int32)
    try:
        entries = json.loads(text if isinstance(text, (str, bytes)) else np.asarray(text).ravel()[0])
        places = {str(entry["id"]): np.array(entry["coordinates"], np.float64) for entry in entries}
    except (ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise FaceModelFileError(source, f"unreadable landmarks ({error})", "a list of id and coordinates") from error
    for name, row in SAME_POINTS.items():
        if name in places and places[name].shape == (3,):
            distances = np.linalg.norm(mean - places[name], axis=1)
            if distances.min() <= NEAREST_MM:
                landmarks[row] = distances.argmin()
    return landmarks
