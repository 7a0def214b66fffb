"""The seven verdicts: Table 7 of the review (Al Hammami and Hassan, Section 8.1), as data.

Its wording and ours: cost is said in multiply-accumulates, each of which is two FLOPs, so what has to be below
100 M is 2 · MAC. The jitter index is that of `metrics`: displacement error against the truth on a face 256 px wide,
where the table only says «standard deviation of landmark motion».
"""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from dataclasses import dataclass

from face1d_ros.errors import InvalidValueError, UnknownKeyError

DATA = ("synthetic", "real")
COMPARISONS = {"<": operator.lt, ">": operator.gt}


@dataclass(frozen=True)
class Criterion:
    """One line of the table. The limit itself does not pass."""

    key: str
    name: str
    comparison: str
    limit: float
    unit: str
    task: str


@dataclass(frozen=True)
class Verdict:
    """A criterion and what was measured."""

    criterion: Criterion
    value: float | None
    """None if it was not measured."""
    data: str
    """Synthetic or real."""
    conditions: str
    """In a few words, for people."""

    @property
    def passed(self) -> bool | None:
        """None if it was not measured; a value that is not finite fails."""
        if self.value is None:
            return None
        reached = COMPARISONS[self.criterion.comparison](self.value, self.criterion.limit)
        return bool(reached) and math.isfinite(self.value)

    def as_row(self) -> dict[str, str | float | bool | None]:
        """For a table or a file."""
        return {
            "verdict": self.criterion.name,
            "value": self.value,
            "limit": f"{self.criterion.comparison} {self.criterion.limit:g} {self.criterion.unit}",
            "pass": self.passed,
            "data": self.data,
            "conditions": self.conditions,
        }


TABLE_7 = (
    Criterion("nme_percent", "NME", "<", 2.0, "%", "landmark detection, temporal smoothing"),
    Criterion("accuracy_percent", "Accuracy", ">", 95.0, "%", "identity verification"),
    Criterion("latency_ms", "Latency", "<", 10.0, "ms", "real-time processing"),
    Criterion("mflop", "FLOPs a frame (2 · MAC)", "<", 100.0, "M", "edge deployment"),
    Criterion("size_mb", "Model size", "<", 10.0, "MB", "edge deployment"),
    Criterion("jitter_px", "Jitter index", "<", 0.5, "px", "temporal smoothing"),
    Criterion("mesh_error_mm", "Mesh error", "<", 2.5, "mm", "3D coefficient regression, mesh reconstruction"),
)


def judge(values: Mapping[str, float | None], *, data: str, conditions: str) -> tuple[Verdict, ...]:
    """All seven, in the table's order; those without a value are there, and neither pass nor fail."""
    if data not in DATA:
        raise InvalidValueError("data", data, " or ".join(DATA))
    known = {criterion.key for criterion in TABLE_7}
    for key in values:
        if key not in known:
            raise UnknownKeyError(key, known, "verdicts")
    return tuple(Verdict(criterion, values.get(criterion.key), data, conditions) for criterion in TABLE_7)
