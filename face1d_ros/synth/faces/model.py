"""3D face models as one small object, whoever made them: ICT-FaceKit, FLAME, the Basel Face Model."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from face1d_ros.errors import FaceModelError, FaceModelFileError, FaceModelMissingError
from face1d_ros.geometry.topology import indices_in
from face1d_ros.paths import user_path
from face1d_ros.synth.faces import bfm, flame, ict
from face1d_ros.synth.faces.anchors import Anchors, on_vertices
from face1d_ros.synth.faces.model_arrays import (
    EYE_CORNERS,
    UNKNOWN,
    Floats,
    Indices,
    ModelArrays,
    check_unit,
    checked_arrays,
)
from face1d_ros.synth.faces.npz_file import array_names
from face1d_ros.types import Topology

__all__ = ["VARIABLE", "Anchors", "FaceModel", "load_face_model"]
VARIABLE = "FACE1D_FACE_MODEL"
"""The environment variable that names the face model."""
KINDS = {
    ict.PACK_ARRAYS: (ict.NAME, ict.read_pack),
    flame.ARRAYS: (flame.NAME, flame.read),
    bfm.ARRAYS: (bfm.NAME, bfm.read),
}


@dataclass(frozen=True, eq=False)
class FaceModel:
    """A linear face model: mean + identity · coefficients + expression · coefficients, in mm. V vertices.

    Axes of the facing frame: x to the person's left, y down, z into the head; the origin is midway between the outer
    eye corners of the mean face.
    """

    name: str
    sha256: str
    """Of all arrays and names."""
    mean_mm: Floats
    """(V, 3)."""
    identity_mm: Floats
    """(I, V, 3) offsets for one standard deviation."""
    expression_mm: Floats
    """(K, V, 3) offsets for a coefficient of 1."""
    expression_names: tuple[str, ...]
    """K names as ICT-FaceKit and ARKit have them, _L and _R the person's own; none where expressions have no names."""
    triangles: Indices
    """(F, 3), corners as in `geometry.canonical`: normals point out of the face."""
    landmarks_68: Anchors
    """The model's own where it tells them, as marked by hand in 300W; `to_68` of the 478 is elsewhere along the jaw."""
    landmarks_478: Anchors
    """MediaPipe's mesh. The irises (468–477) lie in the plane of the lid margin; `PointModel` gives them eyes."""

    def expression_index(self, name: str) -> int:
        """Where a named expression stands; a clear refusal where the model has no such name."""
        return named_expression(self.name, self.expression_names, name)


def named_expression(model: str, names: tuple[str, ...], name: str) -> int:
    """The position of a name among the expressions of a model."""
    if not names:
        raise FaceModelError(
            f"expression '{name}' of {model}: its expressions are components without names, expected ones such as"
            " jawOpen; use ICT-FaceKit, or give the file an array expression_names (docs/face_models.md)"
        )
    if name not in names:
        raise FaceModelError(f"expression '{name}' of {model}: not known, expected one of {', '.join(names)}")
    return names.index(name)


def load_face_model(path: str | Path | None = None) -> FaceModel:
    """ICT-FaceKit's folder or pack, FLAME or BFM as .npz; without a path the one that FACE1D_FACE_MODEL names.

    Raises FaceModelMissingError where there is none, FaceModelFileError where it is not what it should be.
    """
    from face1d_ros.synth.faces.correspondence import find_landmarks

    where = face_model_path(path)
    arrays = read_model(where)
    digest = arrays.sha256()
    return _finished(where, arrays, digest, find_landmarks(where, arrays, digest))


def read_model(path: Path) -> ModelArrays:
    """The arrays of a model, checked, without its correspondence."""
    if path.is_dir():
        return checked_arrays(path, ict.read_folder(path))
    names = array_names(path)
    for needed, (_, read) in KINDS.items():
        if names.issuperset(needed):
            return checked_arrays(path, read(path))
    came = f"arrays {', '.join(sorted(names)[:12]) or 'of no name'}"
    expected = " or ".join(f"{', '.join(needed)} ({name})" for needed, (name, _) in KINDS.items())
    raise FaceModelFileError(path, came, expected)


def face_model_path(path: str | Path | None = None) -> Path:
    """The file or folder that was named, here or in FACE1D_FACE_MODEL; a typed error where there is none."""
    named = path if path is not None else os.environ.get(VARIABLE, "")
    if not str(named):
        raise FaceModelMissingError("none was named")
    found = user_path(named)
    if not found.exists():
        origin = "" if path is not None else f", which {VARIABLE} names,"
        raise FaceModelMissingError(f"'{found}'{origin} is not there")
    return found


def _finished(path: Path, arrays: ModelArrays, digest: str, landmarks_478: Anchors) -> FaceModel:
    landmarks_68 = known_landmarks(arrays, landmarks_478)
    corners = landmarks_68.take(list(EYE_CORNERS)).on(arrays.mean_mm)
    check_unit(path, *corners)
    model = FaceModel(
        arrays.name,
        digest,
        arrays.mean_mm - corners.mean(axis=0),
        arrays.identity_mm,
        arrays.expression_mm,
        arrays.expression_names,
        arrays.triangles,
        landmarks_68,
        landmarks_478,
    )
    for array in (model.mean_mm, model.identity_mm, model.expression_mm, model.triangles):
        array.flags.writeable = False
    return model


def known_landmarks(arrays: ModelArrays, landmarks_478: Anchors) -> Anchors:
    """The 68 points: the model's own vertices where it tells them, MediaPipe's points elsewhere."""
    own, others = on_vertices(arrays.landmarks_68), landmarks_478.take(indices_in(Topology.FACE_68, Topology.MESH_478))
    known = (arrays.landmarks_68 != UNKNOWN)[:, None]
    return Anchors(np.where(known, own.vertices, others.vertices), np.where(known, own.weights, others.weights))
