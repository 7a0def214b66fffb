"""What the manifest of a mesh bundle says: of its making, and of the face model that its coefficients belong to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from face1d_ros.synth.corpus.reader import Corpus
from face1d_ros.synth.faces.point_model import PointModel
from face1d_ros.train.mesh import anchor_indices
from face1d_ros.train.recipe import Recipe


def mesh_facts(
    recipe: Recipe, command: str, training: Corpus, judged: int, points: PointModel, figures: Mapping[str, float]
) -> dict[str, Any]:
    """Fields of the manifest that the network itself does not tell; `command` makes it again.

    The figures are of so many (`judged`) validation sequences.
    """
    return {
        "version": "1",
        "trained_on": "synthetic",
        "data": f"{len(training)} synthetic sequences, {training.manifest['frames']} frames, plans "
        f"{training.manifest['plans_sha256'][:16]}, face model {points.source_name}",
        "command": command,
        "seed": recipe.seed,
        "figures": {name: round(value, 4) for name, value in figures.items()},
        "conditions": f"{judged} synthetic sequences of other subjects (validation), two of three behind "
        "the default smoother; meshes compared along the mean face's normals",
        "not_measured": "meshes of real people: no scans of them with video",
        "licence": "Apache-2.0",
        "settings": {"recipe": recipe.to_json(), **basis_settings(points)},
    }


def basis_settings(points: PointModel) -> dict[str, Any]:
    """Which face model the coefficients belong to, and which landmarks the anchors are."""
    return {
        "basis": points.source_name,
        "basis_sha256": points.source_sha256,
        "expression_names": list(points.expression_names),
        "identity": len(points.identity_mm),
        "anchors": anchor_indices(points.topology).tolist(),
    }
