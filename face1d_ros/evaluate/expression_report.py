"""Rows and targets of `face1d evaluate expression`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from face1d_ros.engines.bundle import Bundle
from face1d_ros.evaluate.classification import by_subject
from face1d_ros.evaluate.expression import CLASSES, FREE, NOT_SHOWING, Judged, found_share, median_ms
from face1d_ros.evaluate.measurement import Target
from face1d_ros.stages.expression_model import meaning_of

RATES_HZ = (120.0, 60.0, 30.0, 15.0)
LEAST_ACCURACY, LEAST_PHASE_F1, MOST_ONSET_MS, MOST_FALSE, MOST_P50_MS = 0.93, 0.9, 50.0, 1.0, 1.0


@dataclass(frozen=True, eq=False)
class Contender:
    """A model, and what it costs."""

    name: str
    input: str
    bundle: Bundle

    @classmethod
    def of(cls, bundle: Bundle) -> Contender:
        """A bundle."""
        return cls(bundle.manifest.name, meaning_of(bundle).input, bundle)


def model_row(contender: Contender, judged: Judged, times_s: Sequence[float]) -> dict[str, Any]:
    """All that is measured of one model."""
    labels = judged.confusion()
    p50, p95, p99 = (1e3 * float(np.percentile(times_s, q)) for q in (50, 95, 99)) if times_s else (None,) * 3
    manifest = contender.bundle.manifest
    return {
        "part": "model",
        "model": contender.name,
        "reads": contender.input,
        "accuracy": labels.accuracy,
        "macro_f1": labels.macro_f1,
        "phase_f1": judged.phase_f1(afterwards=False),
        "phase_f1_afterwards": judged.phase_f1(afterwards=True),
        "onset_ms": median_ms(judged.onsets),
        "apex_ms": median_ms(judged.apexes),
        "onsets_found": found_share(judged.onsets),
        "false_per_min": judged.false_per_min(NOT_SHOWING),
        "false_per_min_free": judged.false_per_min(FREE),
        "p50_ms": p50,
        "p95_ms": p95,
        "p99_ms": p99,
        "mac_m": manifest.mac / 1e6,
        "parameters": manifest.parameters,
        "size_mb": sum(file.stat().st_size for file in contender.bundle.path.iterdir()) / 1e6,
    }


def confusion_rows(name: str, judged: Judged) -> list[dict[str, Any]]:
    """A row for each true class that occurs."""
    found = judged.confusion()
    return [
        {
            "part": "confusion",
            "model": name,
            "true": label,
            "f1": float(found.f1[place]),
            **{f"as {other}": int(found.counts[place, column]) for column, other in enumerate(found.labels)},
        }
        for place, label in enumerate(found.labels)
        if found.counts[place].any()
    ]


def subject_rows(name: str, judged: Judged) -> list[dict[str, Any]]:
    """A row for each person."""
    found = by_subject(judged.truth, judged.answer, [str(subject) for subject in judged.subject], CLASSES)
    return [
        {"part": "subject", "model": name, "subject": who, "accuracy": one.accuracy, "judged": int(one.counts.sum())}
        for who, one in found.items()
    ]


def sequence_rows(name: str, judged: Judged) -> list[dict[str, Any]]:
    """A row for each sequence: what of it was read, or how often an expression was seen where there was none."""
    return [
        {"part": "sequence", "model": name, "sequence": sequence, **(_read(one) if one.phases else _seen(one))}
        for sequence, one in judged.by_sequence.items()
    ]


def _read(judged: Judged) -> dict[str, Any]:
    right = sum(answer == truth for answer, truth in zip(judged.answer, judged.truth, strict=True))
    return {
        "judged": len(judged.truth),
        "right": right,
        "phase_f1": judged.phase_f1(afterwards=False),
        "onset_ms": median_ms(judged.onsets),
        "onsets_found": found_share(judged.onsets),
    }


def _seen(judged: Judged) -> dict[str, Any]:
    return {"false_starts": sum(judged.false_starts.values()), "seconds": sum(judged.seconds.values())}


def rate_rows(name: str, judged: Mapping[float, Judged]) -> list[dict[str, Any]]:
    """The same sequences at each rate."""
    return [
        {
            "part": "rate",
            "model": name,
            "rate_hz": rate_hz,
            "accuracy": one.confusion().accuracy,
            "judged": len(one.truth),
            "phase_f1": one.phase_f1(afterwards=False),
        }
        for rate_hz, one in judged.items()
    ]


def targets(default: Mapping[str, Any] | None) -> dict[str, Target]:
    """All of them; what was not measured has no value, and does not pass."""

    def ours(key: str) -> float | None:
        return None if default is None else default[key]

    return {
        "expression.accuracy": Target(ours("accuracy"), LEAST_ACCURACY, ">="),
        "expression.phase_f1": Target(ours("phase_f1"), LEAST_PHASE_F1, ">="),
        "expression.onset_ms": Target(ours("onset_ms"), MOST_ONSET_MS),
        "expression.false_per_min": Target(ours("false_per_min"), MOST_FALSE),
        "expression.p50_ms": Target(ours("p50_ms"), MOST_P50_MS),
    }


def beaten_by(default: str, rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Models of the same input that read labels better than the default, in words."""
    of = {str(row["model"]): row for row in rows}
    ours = of[default]
    return [
        f"{name} has an accuracy of {row['accuracy']:.3f}, {default} {ours['accuracy']:.3f}"
        for name, row in of.items()
        if name != default and row["accuracy"] > ours["accuracy"]
    ]
