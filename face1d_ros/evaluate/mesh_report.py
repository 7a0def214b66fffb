"""Rows and targets of `face1d evaluate mesh`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from face1d_ros.engines.bundle import Bundle
from face1d_ros.evaluate.asymmetry import AsymmetryFigures
from face1d_ros.evaluate.measurement import Row, Target
from face1d_ros.evaluate.mesh import FRAME, SPANS_S, Judged, mean
from face1d_ros.evaluate.metrics_3d import CoefficientErrors, coefficient_errors
from face1d_ros.evaluate.real_mesh import CURVES, Curves
from face1d_ros.evaluate.verdicts import judge
from face1d_ros.synth.motion.units import COEFFICIENTS

CLOSED_FORM, NETWORK = "closed form", "network"
RIDGE, MAP = "ridge", "MAP"
HIDDEN = ("cheekPuff", "jawForward")
"""Expressions that landmarks hardly show: they move points along the line of sight."""
LEAST_CAPTURED = 0.9
"""Correlation of blink, jaw and smile with a real capture."""


@dataclass(frozen=True, eq=False)
class Contender:
    """A model, and what it costs."""

    name: str
    kind: str
    bundle: Bundle | None = None
    size_mb: float | None = None
    """Of the whole bundle. Closed form has no weights of its own, and what it multiplies is not counted."""

    @classmethod
    def of(cls, bundle: Bundle) -> Contender:
        """A network."""
        size_bytes = sum(file.stat().st_size for file in bundle.path.iterdir())
        return cls(bundle.manifest.name, NETWORK, bundle, size_bytes / 1e6)

    def cost(self) -> dict[str, float | int | None]:
        """For its row."""
        manifest = self.bundle.manifest if self.bundle else None
        return {
            "parameters": manifest.parameters if manifest else None,
            "mac_m": manifest.mac / 1e6 if manifest else None,
            "size_mb": self.size_mb,
        }


def visible(names: Iterable[str]) -> tuple[str, ...]:
    """Coefficients that motion drives and landmarks show."""
    return tuple(name for name in names if name in COEFFICIENTS and not name.startswith(HIDDEN))


def errors_of(judged: Sequence[Judged], names: Sequence[str]) -> CoefficientErrors:
    """Of each coefficient, over all frames of all sequences."""
    expression, truth = (
        np.concatenate(parts) for parts in zip(*((one.expression, one.truth) for one in judged), strict=True)
    )
    return coefficient_errors(expression, truth, names)


def model_row(
    contender: Contender,
    judged: Sequence[Judged],
    roughened: Sequence[Judged],
    names: Sequence[str],
    vertices: int,
    times_s: Sequence[float],
) -> dict[str, Any]:
    """All that is measured of one model, in one row: the mean over sequences, but for coefficients.

    `roughened` is the same with errors that the noise model has not.
    """
    errors, others = errors_of(judged, names), errors_of(roughened, names)
    p50_ms, p95_ms = (float(np.percentile(times_s, share)) * 1e3 if len(times_s) else None for share in (50, 95))
    return {
        "part": "model",
        "model": contender.name,
        "kind": contender.kind,
        "vertices": vertices,
        "p50_ms": p50_ms,
        "p95_ms": p95_ms,
        **{f"error_mm_{span}": mean([one.mesh_mm(span) for one in judged]) for span in SPANS_S},
        "own_size_mm": mean([one.own_size_mm for one in judged]),
        "vertex_mm": mean([one.vertex_mm for one in judged]),
        **contender.cost(),
        "correlation": _shown_correlation(errors),
        "coefficient_error": float(errors.mean_absolute.mean()),
        "rotation_deg": mean([one.rotation_deg for one in judged]),
        "translation_mm": mean([one.translation_mm for one in judged]),
        "distance_percent": mean([one.distance_percent for one in judged]),
        "flicker": mean([one.flicker for one in judged]),
        "rough_mm": mean([one.mesh_mm(FRAME) for one in roughened]),
        "rough_correlation": _shown_correlation(others),
        "rough_deg": mean([one.rotation_deg for one in roughened]),
    }


def sequence_rows(name: str, sequences: Sequence[str], judged: Sequence[Judged]) -> list[dict[str, Any]]:
    """A row for each sequence, by name."""
    return [
        {
            "part": "sequence",
            "model": name,
            "sequence": sequence,
            **{f"error_mm_{span}": one.mesh_mm(span) for span in SPANS_S},
            "own_size_mm": one.own_size_mm,
            "vertex_mm": one.vertex_mm,
            "coefficient_error": float(np.abs(one.expression - one.truth).mean()),
            "rotation_deg": one.rotation_deg,
            "translation_mm": one.translation_mm,
            "distance_percent": one.distance_percent,
            "flicker": one.flicker,
        }
        for sequence, one in zip(sequences, judged, strict=True)
    ]


def coefficient_rows(name: str, judged: Sequence[Judged], names: Sequence[str]) -> list[dict[str, Any]]:
    """A row for each coefficient: mean absolute error, correlation, and whether it counts for the mean of these."""
    errors, shown = errors_of(judged, names), visible(names)
    return [
        {
            "part": "coefficient",
            "model": name,
            "coefficient": one,
            "error": float(errors.mean_absolute[place]),
            "correlation": float(errors.correlation[place]),
            "visible": one in shown,
        }
        for place, one in enumerate(names)
    ]


def capture_rows(name: str, curves: Sequence[Curves]) -> list[dict[str, Any]]:
    """Correlations with a capture: mean and least over the subjects that it was laid on."""
    rows = []
    for curve in CURVES:
        values = [one.correlation[curve] for one in curves if np.isfinite(one.correlation[curve])]
        found = mean(values)
        rows.append(
            {
                "part": "capture",
                "model": name,
                "curve": curve,
                "correlation": found,
                "least": min(values, default=float("nan")),
                "wanted": LEAST_CAPTURED,
                "pass": bool(found >= LEAST_CAPTURED),
            }
        )
    return rows


def asymmetry_row(figures: AsymmetryFigures) -> dict[str, Any]:
    """In one row."""
    return {
        "part": "asymmetry",
        "spearman": figures.spearman,
        "side_accuracy": figures.side_accuracy,
        "false_sides": figures.false_sides,
        "palsies": len(figures.palsies),
        "mirrored": len(figures.mirrored),
        "symmetric": len(figures.symmetric),
    }


def verdict_rows(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """All seven of Table 7 of each model; those that are none of its task stay unmeasured."""
    found = []
    for row in rows:
        values = {
            "latency_ms": _number(row["p95_ms"]),
            "mflop": None if row["mac_m"] is None else 2.0 * float(row["mac_m"]),
            "size_mb": _number(row["size_mb"]),
            "mesh_error_mm": _number(row[f"error_mm_{FRAME}"]),
        }
        verdicts = judge(values, data="synthetic", conditions=f"{row['model']}; latency is p95 at 30 Hz")
        found += [{"part": "verdict", "model": row["model"], **one.as_row()} for one in verdicts]
    return found


def targets(
    default: Mapping[str, Any] | None, ridge: Mapping[str, Any], asymmetry: AsymmetryFigures | None
) -> dict[str, Target]:
    """All of them; what was not measured has no value, and does not pass."""

    def ours(key: str) -> float | None:
        return None if default is None else default[key]

    def ratio(key: str) -> float | None:
        return None if default is None else default[key] / ridge[key]

    return {
        "mesh.error_mm_frame": Target(ours("error_mm_frame"), 1.5),
        "mesh.error_mm_3s": Target(ours("error_mm_3s"), 1.0),
        "mesh.ridge_ratio": Target(ratio("error_mm_frame"), 0.8),
        "mesh.rotation_deg": Target(ours("rotation_deg"), 1.5),
        "mesh.coefficient_correlation": Target(ours("correlation"), 0.9, ">="),
        "mesh.flicker_ratio": Target(ratio("flicker"), 0.5),
        "mesh.p50_ms": Target(ours("p50_ms"), 1.0),
        "asymmetry.spearman": Target(None if asymmetry is None else asymmetry.spearman, 0.95, ">="),
        "asymmetry.side_accuracy": Target(None if asymmetry is None else asymmetry.side_accuracy, 0.99, ">="),
    }


def _shown_correlation(errors: CoefficientErrors) -> float:
    """Mean over the coefficients that landmarks show, of those that have one."""
    shown = visible(errors.names)
    return mean([float(value) for name, value in zip(errors.names, errors.correlation, strict=True) if name in shown])


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
