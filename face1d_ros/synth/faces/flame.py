"""FLAME as .npz: the arrays of the distributed model under their own names, without its pickle.

Li et al., "Learning a model of facial shape and expression from 4D scans", SIGGRAPH Asia 2017. In metres, x to the
person's left, y up, z out of the face. Jaw and neck are joints there, not expressions: they stay at rest.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from face1d_ros.errors import FaceModelFileError
from face1d_ros.synth.faces.model_arrays import TO_FACING, ModelArrays, as_floats, as_indices, as_landmarks, as_names
from face1d_ros.synth.faces.npz_file import read_arrays

NAME = "FLAME"
ARRAYS = ("v_template", "shapedirs", "f")
OPTIONAL = ("expression_count", "expression_names", "landmarks_68")
EXPRESSIONS = 100
"""The last of the shape directions are expressions, in FLAME 2019, 2020 and 2023 these many."""
M_TO_MM = 1000.0


def read(path: Path) -> ModelArrays:
    """v_template (V, 3), shapedirs (V, 3, I + K), f (F, 3); see docs/face_models.md."""
    arrays = read_arrays(path, ARRAYS, OPTIONAL)
    template = as_floats(path, "v_template", arrays["v_template"], M_TO_MM)
    directions = as_floats(path, "shapedirs", arrays["shapedirs"], M_TO_MM)
    if template.ndim != 2 or template.shape[1] != 3 or directions.ndim != 3 or directions.shape[:2] != template.shape:
        came = f"v_template {template.shape} and shapedirs {directions.shape}"
        raise FaceModelFileError(path, came, "(V, 3) and (V, 3, I + K)")
    count = EXPRESSIONS
    if "expression_count" in arrays:
        stored = as_indices(path, "expression_count", arrays["expression_count"])
        count = int(stored) if stored.ndim == 0 else -1
    if not 0 <= count <= directions.shape[2]:
        came = f"{count} expressions among {directions.shape[2]} shape directions"
        raise FaceModelFileError(path, came, "an expression_count (one number) that fits; without it, 100")
    basis = np.ascontiguousarray(np.moveaxis(directions, 2, 0)) * TO_FACING
    return ModelArrays(
        NAME,
        template * TO_FACING,
        basis[: len(basis) - count],
        basis[len(basis) - count :],
        as_names(path, arrays, "expression_names"),
        as_indices(path, "f", arrays["f"]),
        as_landmarks(path, arrays),
    )
