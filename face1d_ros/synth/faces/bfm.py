"""The Basel Face Model as .npz: mean, bases per standard deviation and triangles under plain names.

Gerig et al., "Morphable Face Models - An Open Framework", FG 2018 (2017 and 2019); Paysan et al., "A 3D Face Model for
Pose and Illumination Invariant Face Recognition", AVSS 2009. In mm, x to the person's left, y up, z out of the face.
"""

from __future__ import annotations

from pathlib import Path

from face1d_ros.synth.faces.model_arrays import TO_FACING, ModelArrays, as_floats, as_indices, as_landmarks, as_names
from face1d_ros.synth.faces.npz_file import read_arrays

NAME = "BFM"
ARRAYS = ("shape_mean", "shape_basis", "expression_basis", "triangles")
OPTIONAL = ("expression_names", "landmarks_68")


def read(path: Path) -> ModelArrays:
    """shape_mean (V, 3), shape_basis (I, V, 3), expression_basis (K, V, 3), triangles (F, 3)."""
    arrays = read_arrays(path, ARRAYS, OPTIONAL)
    mean, identity, expression = (as_floats(path, name, arrays[name], columns=3) for name in ARRAYS[:3])
    return ModelArrays(
        NAME,
        mean * TO_FACING,
        identity * TO_FACING,
        expression * TO_FACING,
        as_names(path, arrays, "expression_names"),
        as_indices(path, "triangles", arrays["triangles"]),
        as_landmarks(path, arrays),
    )
