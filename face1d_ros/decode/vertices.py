"""Vertices of a face model from coefficients: mean + identity basis · identity + expression basis · expression."""

from __future__ import annotations

from face1d_ros.decode.coefficients import Coefficients, Floats
from face1d_ros.errors import CoefficientsError
from face1d_ros.synth.faces.model import FaceModel


def decode(coefficients: Coefficients, model: FaceModel) -> Floats:
    """(T, V, 3) mm in the facing frame: x to the person's left, y down, z into the head."""
    basis = expression_basis(coefficients, model)
    offsets = coefficients.expression @ basis.reshape(len(basis), -1)
    found: Floats = neutral(coefficients, model)[None] + offsets.reshape(len(offsets), -1, 3)
    return found


def neutral(coefficients: Coefficients, model: FaceModel) -> Floats:
    """(V, 3) mm, the person at rest."""
    check_basis(coefficients, model)
    count = len(coefficients.identity)
    if count > len(model.identity_mm):
        raise CoefficientsError(
            "identity", f"{count} coefficients", f"at most the {len(model.identity_mm)} of {model.name}"
        )
    flat = model.identity_mm[:count].reshape(count, model.mean_mm.size)
    found: Floats = model.mean_mm + (coefficients.identity @ flat).reshape(model.mean_mm.shape)
    return found


def expression_basis(coefficients: Coefficients, model: FaceModel) -> Floats:
    """(K, V, 3) mm, the shapes in the order of the coefficients."""
    check_basis(coefficients, model)
    rows = [model.expression_index(name) for name in coefficients.expression_names]
    found: Floats = model.expression_mm[rows]
    return found


def check_basis(coefficients: Coefficients, model: FaceModel) -> None:
    """Refuse the coefficients of another face model. The same one stored less exactly has another hash."""
    if coefficients.basis and coefficients.basis != model.name:
        raise CoefficientsError("basis", f"coefficients of '{coefficients.basis}'", f"the face model '{model.name}'")


def is_exact(coefficients: Coefficients, model: FaceModel) -> bool:
    """Whether the coefficients belong to this very copy of the face model."""
    return coefficients.basis_sha256 in ("", model.sha256)
