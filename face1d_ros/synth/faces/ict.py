"""ICT-FaceKit: the folder of OBJ files that its project distributes, and a pack of the same numbers as .npz.

Li et al., "Learning Formation of Physically-Based Face Attributes", CVPR 2020. The model is in centimetres, x to the
person's left, y up, z out of the face.
"""

from __future__ import annotations

import json
import re
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import FaceModelFileError
from face1d_ros.synth.faces.model_arrays import TO_FACING, Floats, Indices, ModelArrays, as_floats, as_indices, as_names
from face1d_ros.synth.faces.npz_file import read_arrays

NAME = "ICT-FaceKit"
PACK_ARRAYS = ("neutral", "identity", "expression", "faces", "expr_names")
NARROW_VERTICES = 6706
"""The first vertices of the full model: its narrow face area, from the forehead to below the chin, without ears."""
NEUTRAL_FILE = "generic_neutral_mesh.obj"
INDICES_FILE = "vertex_indices.json"
LARGEST_OBJ_BYTES = 64 << 20
LARGEST_JSON_BYTES = 4 << 20
MOST_SHAPES = 1000
CM_TO_MM = 10.0
VERTEX = re.compile(rb"^v[ \t]+(\S+)[ \t]+(\S+)[ \t]+(\S+)", re.MULTILINE)
QUAD = re.compile(rb"^f" + rb"[ \t]+(\d+)(?:/\d*)*" * 4 + rb"[ \t]*\r?$", re.MULTILINE)
# fmt: off
LANDMARKS_68 = (
    1225, 1888, 1052, 367, 1719, 1722, 2199, 1447, 966, 3661, 4390, 3927, 3924, 2608, 3272, 4088, 3443,
    268, 493, 1914, 2044, 1401, 3615, 4240, 4114, 2734, 2509, 978, 4527, 4942, 4857, 1140, 2075, 1147, 4269, 3360,
    1507, 1542, 1537, 1528, 1518, 1511, 3742, 3751, 3756, 3721, 3725, 3732,
    5708, 5695, 2081, 0, 4275, 6200, 6213, 6346, 6461, 5518, 5957, 5841, 5702, 5711, 5533, 6216, 6207, 6470, 5517, 5966,
)
"""The vertices of the 68 points, as the model's README lists them."""
# fmt: on


def read_pack(path: Path) -> ModelArrays:
    """The pack: neutral (V, 3), identity and expression as offsets from it, quads, names; in cm."""
    arrays = read_arrays(path, PACK_ARRAYS)
    neutral, identity, expression = (as_floats(path, name, arrays[name], CM_TO_MM, 3) for name in PACK_ARRAYS[:3])
    faces = as_indices(path, "faces", arrays["faces"])
    if faces.ndim != 2 or faces.shape[1] != 4:
        raise FaceModelFileError(path, f"faces of shape {faces.shape}", "(F, 4) quads")
    return ModelArrays(
        NAME,
        neutral * TO_FACING,
        identity * TO_FACING,
        expression * TO_FACING,
        as_names(path, arrays, "expr_names"),
        _triangles(faces),
        np.array(LANDMARKS_68, np.intp),
    )


def model_folder(path: Path) -> Path | None:
    """The folder with the OBJ files: the path itself or FaceXModel in it."""
    return next((folder for folder in (path, path / "FaceXModel") if (folder / NEUTRAL_FILE).is_file()), None)


def read_folder(path: Path) -> ModelArrays:
    """The narrow face of the full model from its OBJ files."""
    folder = model_folder(path)
    if folder is None:
        raise FaceModelFileError(path, f"no {NEUTRAL_FILE} in it", "ICT-FaceKit's folder FaceXModel")
    neutral, text = _read_vertices(folder / NEUTRAL_FILE)
    faces = _read_quads(text)
    names = _expression_names(folder)
    identities = sorted(folder.glob("identity[0-9][0-9][0-9].obj"))
    missing = [f"{name}.obj" for name in names if not (folder / f"{name}.obj").is_file()]
    missing += [f"identity{row:03d}.obj" for row, file in enumerate(identities) if file.stem != f"identity{row:03d}"]
    if missing or not identities:
        raise FaceModelFileError(
            folder, f"without {', '.join(missing) or 'identity000.obj'}", "all of the model's files"
        )
    return ModelArrays(
        NAME,
        neutral * TO_FACING,
        _offsets(identities, neutral),
        _offsets([folder / f"{name}.obj" for name in names], neutral),
        names,
        _triangles(faces[(faces < NARROW_VERTICES).all(axis=1)]),
        np.array(LANDMARKS_68, np.intp),
    )


def _offsets(files: list[Path], neutral: Floats) -> Floats:
    """(files, V, 3) what each file's vertices differ from the neutral ones, in the facing frame's axes."""
    offsets = np.empty((len(files), *neutral.shape), np.float32)
    for row, file in enumerate(files):
        offsets[row] = (_read_vertices(file)[0] - neutral) * TO_FACING
    return offsets


def _expression_names(folder: Path) -> tuple[str, ...]:
    """As the model's own index lists them: the folder holds other shapes, too."""
    path = folder / INDICES_FILE
    try:
        if path.stat().st_size > LARGEST_JSON_BYTES:
            raise FaceModelFileError(path, "too large", f"at most {LARGEST_JSON_BYTES >> 20} MB")
        names = json.loads(path.read_text(encoding="utf-8"))["expressions"]
    except FileNotFoundError:
        raise FaceModelFileError(folder, f"without {INDICES_FILE}", "all of the model's files") from None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise FaceModelFileError(path, f"unreadable ({error})", "the model's list of expressions") from error
    plain = isinstance(names, list) and 0 < len(names) <= MOST_SHAPES
    if not plain or not all(isinstance(name, str) and re.fullmatch(r"\w+", name) for name in names):
        raise FaceModelFileError(path, "no list of expression names", "names such as jawOpen under 'expressions'")
    return tuple(names)


def _read_vertices(path: Path) -> tuple[Floats, bytes]:
    """(NARROW_VERTICES, 3) of an OBJ file in mm, and the whole text."""
    if path.stat().st_size > LARGEST_OBJ_BYTES:
        raise FaceModelFileError(path, "too large", f"at most {LARGEST_OBJ_BYTES >> 20} MB")
    text = path.read_bytes()
    rows = [found.groups() for found in islice(VERTEX.finditer(text), NARROW_VERTICES)]
    if len(rows) < NARROW_VERTICES:
        raise FaceModelFileError(path, f"{len(rows)} vertices", f"at least the {NARROW_VERTICES} of the narrow face")
    try:
        values = np.array(rows).astype(np.float64)
    except ValueError as error:
        raise FaceModelFileError(path, f"vertices that are no numbers ({error})", "an OBJ file") from error
    return as_floats(path, "vertices", values, CM_TO_MM), text


def _read_quads(text: bytes) -> Indices:
    """(F, 4) of the four-cornered faces, counted from 0."""
    return np.array(QUAD.findall(text)).reshape(-1, 4).astype(np.intp) - 1


def _triangles(quads: NDArray[Any]) -> Indices:
    """(2F, 3) both halves of each quad."""
    halves: Indices = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).astype(np.intp)
    return halves
