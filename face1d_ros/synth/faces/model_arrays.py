"""What every kind of face model is turned into first, checked once for all of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import FaceModelFileError

Floats: TypeAlias = NDArray[np.float32]
Indices: TypeAlias = NDArray[np.intp]
TO_FACING = np.array([1.0, -1.0, -1.0], np.float32)
"""From x to the person's left, y up, z out of the face, as ICT-FaceKit, FLAME and BFM have it, to the facing frame."""
UNKNOWN = -1
"""In place of the vertex of a landmark."""
EYE_CORNERS = (36, 45)
"""The outer ones, right and left, of the 68 points."""
EYE_DISTANCE_MM = (50.0, 150.0)
"""Between the outer eye corners of any plausible mean face; outside it the unit is wrong. (Adults: about 90 mm.)"""


@dataclass(frozen=True, eq=False)
class ModelArrays:
    """A linear face model in mm, in the axes of the facing frame, with any origin. V vertices."""

    name: str
    mean_mm: Floats
    """(V, 3)."""
    identity_mm: Floats
    """(I, V, 3) offsets for one standard deviation."""
    expression_mm: Floats
    """(K, V, 3) offsets for a coefficient of 1."""
    expression_names: tuple[str, ...]
    """K names, or none: FLAME's and BFM's expressions are components without names."""
    triangles: Indices
    """(F, 3)."""
    landmarks_68: Indices
    """(68,) vertices; UNKNOWN where the model does not tell them."""

    def sha256(self) -> str:
        """Of all arrays and names, so that it is the same however the model was stored."""
        digest = hashlib.sha256(" ".join((self.name, *self.expression_names)).encode())
        for array in (self.mean_mm, self.identity_mm, self.expression_mm):
            digest.update(np.ascontiguousarray(array, np.dtype("<f4")).tobytes())
        digest.update(np.ascontiguousarray(self.triangles, np.dtype("<i4")).tobytes())
        return digest.hexdigest()


def checked_arrays(path: Path, model: ModelArrays) -> ModelArrays:
    """The model, if its arrays fit each other and hold plausible numbers."""
    count = len(model.mean_mm)
    _expect(path, "mean face", model.mean_mm, ("V", 3))
    _expect(path, "identity basis", model.identity_mm, ("I", count, 3))
    _expect(path, "expression basis", model.expression_mm, ("K", count, 3))
    _expect(path, "triangles", model.triangles, ("F", 3))
    expressions = len(model.expression_mm)
    if model.expression_names and len(model.expression_names) != expressions:
        raise FaceModelFileError(path, f"{len(model.expression_names)} expression names", f"{expressions}, one each")
    if len(set(model.expression_names)) != len(model.expression_names):
        raise FaceModelFileError(path, "an expression name that occurs twice", "a name of its own for each")
    if len(model.triangles) == 0:
        raise FaceModelFileError(path, "no triangles", "a surface")
    check_indices(path, "triangles", model.triangles, count)
    _expect(path, "landmarks", model.landmarks_68, (68,))
    known = model.landmarks_68[model.landmarks_68 != UNKNOWN]
    check_indices(path, "landmarks", known, count)
    corners = model.landmarks_68[list(EYE_CORNERS)]
    if (corners != UNKNOWN).all():
        check_unit(path, *model.mean_mm[corners])
    return replace(model, triangles=outward(model.mean_mm, model.triangles))


def outward(points: Floats, triangles: Indices) -> Indices:
    """The triangles with their corners in the order that makes `vertex_normals` point out of the face.

    A face is a bowl or a closed surface around its middle: its triangles look away from there on the whole.
    """
    a, b, c = (points[triangles[:, corner]].astype(np.float64) for corner in range(3))
    away = (a + b + c) / 3.0 - points.mean(axis=0, dtype=np.float64)
    return triangles if (away * np.cross(b - a, c - a)).sum() >= 0.0 else triangles[:, ::-1].copy()


def check_indices(path: Path, what: str, indices: NDArray[Any], count: int) -> None:
    """Refuse vertex numbers that are none."""
    if indices.size and (indices.min() < 0 or indices.max() >= count):
        raise FaceModelFileError(path, f"{what} with vertex {indices.min()}…{indices.max()}", f"0…{count - 1}")


def check_unit(path: Path, right: NDArray[np.floating[Any]], left: NDArray[np.floating[Any]]) -> None:
    """Refuse a face whose outer eye corners are too near or too far: its unit or its landmarks are wrong."""
    distance_mm = float(np.linalg.norm(left.astype(np.float64) - right))
    least, most = EYE_DISTANCE_MM
    if not least <= distance_mm <= most:
        came = f"outer eye corners {distance_mm:.3g} mm apart"
        raise FaceModelFileError(path, came, f"{least:g} to {most:g} mm; check the unit and the landmarks")


def as_floats(path: Path, name: str, array: NDArray[Any], scale: float = 1.0, columns: int | None = None) -> Floats:
    """Any finite numbers as float32; `columns` is the length that the last axis must have."""
    if array.dtype.kind not in "fiu":
        raise FaceModelFileError(path, f"{name} of type {array.dtype}", "numbers")
    if columns is not None and (array.ndim == 0 or array.shape[-1] != columns):
        raise FaceModelFileError(path, f"{name} of shape {array.shape}", f"a last axis of {columns}")
    scaled = array.astype(np.float32) * np.float32(scale)
    if not np.isfinite(scaled).all():
        raise FaceModelFileError(path, f"{name} with values that are not finite", "finite numbers")
    result: Floats = scaled
    return result


def as_indices(path: Path, name: str, array: NDArray[Any]) -> Indices:
    """Whole numbers as indices."""
    if array.dtype.kind not in "iu":
        raise FaceModelFileError(path, f"{name} of type {array.dtype}", "whole numbers, counted from 0")
    return array.astype(np.intp)


def as_landmarks(path: Path, arrays: Mapping[str, NDArray[Any]]) -> Indices:
    """An array landmarks_68 (68,); UNKNOWN for all if it is not there."""
    if "landmarks_68" not in arrays:
        return np.full(68, UNKNOWN, np.intp)
    return as_indices(path, "landmarks_68", arrays["landmarks_68"])


def as_names(path: Path, arrays: Mapping[str, NDArray[Any]], name: str) -> tuple[str, ...]:
    """An array (K,) of text as names; none if it is not there."""
    if name not in arrays:
        return ()
    array = arrays[name]
    if array.dtype.kind != "U" or array.ndim != 1:
        raise FaceModelFileError(path, f"{name} of type {array.dtype}, shape {array.shape}", "a list of texts")
    return tuple(str(text) for text in array)


def _expect(path: Path, what: str, array: NDArray[Any], shape: tuple[int | str, ...]) -> None:
    fits = array.ndim == len(shape) and all(
        isinstance(wanted, str) or came == wanted for came, wanted in zip(array.shape, shape, strict=False)
    )
    if not fits:
        wanted = "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"
        raise FaceModelFileError(path, f"{what} of shape {array.shape}", wanted)
