"""Rows and targets of `face1d evaluate mesh`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from face1d_ros.evaluate.measurement import Target
from face1d_ros.evaluate.mesh import Judged, correlation
from face1d_ros.synth.motion.units import COEFFICIENTS

CLOSED_FORM = "ridge"
TARGETS = {
    "mesh.error_mm_frame": (1.5, "<="),
    "mesh.error_mm_3s": (1.0, "<="),
    "mesh.ridge_ratio": (0.8, "<="),
    "mesh.rotation_deg": (1.5, "<="),
    "mesh.coefficient_correlation": (0.9, ">="),
    "mesh.flicker_ratio": (0.5, "<="),
    "mesh.p50_ms": (1.0, "<="),
    "asymmetry.spearman": (0.95, ">="),
    "asymmetry.side_accuracy": (0.99, ">="),
}
HIDDEN = ("cheekPuff", "jawForward")
"""Expressions that landmarks hardly show: they move points along the line of sight."""


def visible(names: Sequence[str]) -> tuple[str, ...]:
    """Coefficients that motion drives and landmarks show."""
    return tuple(name for name in names if name in COEFFICIENTS and not name.startswith(HIDDEN))


def row_of(name: str, judged: list[Judged], names: tuple[str, ...], vertices: int) -> dict[str, Any]:
    """Of one contender, in the form of Table 5 of the review; p50 and MB are added by who measures them."""
    return {
        "model": name,
        "vertices": vertices,
        "p50_ms": None,
        "size_mb": None,
        "error_mm_frame": _mean([one.mesh_mm.get("frame") for one in judged]),
        "error_mm_1s": _mean([one.mesh_mm.get("1s") for one in judged]),
        "error_mm_3s": _mean([one.mesh_mm.get("3s") for one in judged]),
        "vertex_mm": _mean([one.vertex_mm for one in judged]),
        "correlation": correlation(judged, names, visible(names)),
        "coefficient_error": float(np.mean([np.abs(one.expression - one.truth).mean() for one in judged])),
        "rotation_deg": _mean([one.rotation_deg for one in judged]),
        "flicker": _mean([one.flicker for one in judged]),
    }


def targets(default: Mapping[str, Any] | None, ridge: Mapping[str, Any]) -> dict[str, Target]:
    """All of them; what was not measured has no value, and does not pass."""
    values: dict[str, float | None] = dict.fromkeys(TARGETS)
    if default is not None:
        values |= {
            "mesh.error_mm_frame": default["error_mm_frame"],
            "mesh.error_mm_3s": default["error_mm_3s"],
            "mesh.ridge_ratio": default["error_mm_frame"] / ridge["error_mm_frame"],
            "mesh.rotation_deg": default["rotation_deg"],
            "mesh.coefficient_correlation": default["correlation"],
            "mesh.flicker_ratio": default["flicker"] / ridge["flicker"],
            "mesh.p50_ms": default["p50_ms"],
        }
    return {key: Target(values[key], limit, comparison) for key, (limit, comparison) in TARGETS.items()}


def _mean(values: Sequence[float | None]) -> float:
    known = [value for value in values if value is not None and np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")
