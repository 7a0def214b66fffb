"""Two reports beside each other: what got better, what got worse, what only one of them has."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from face1d_ros.errors import ReportError
from face1d_ros.replay.report.content import HIGHER, LOWER

BETTER, WORSE, SAME, ONLY_A, ONLY_B = "better", "worse", "same", "only A", "only B"
FLOORS = {
    "%": 0.01,
    "ms": 0.1,
    "s": 0.05,
    "px": 0.01,
    "°": 0.05,
    "mm": 0.05,
    "frames": 0.02,
    "1/min": 0.1,
    "": 0.001,
}
"""By unit: a smaller difference is none, and a smaller value counts as this large where something is divided by it."""
RUN_KEYS = {
    "source": "source",
    "topic": "topic",
    "settings": "settings",
    "models": "models",
    "frames": "number of frames",
}
"""Of a run: what makes a comparison one of two things, and what it is called."""


@dataclass(frozen=True)
class Row:
    """A figure that says which direction is better, in both reports; or a verdict."""

    key: str
    name: str
    unit: str
    a: float | None
    b: float | None
    change_percent: float | None
    """Of A; with the sign of the difference."""
    result: str


@dataclass(frozen=True)
class Comparison:
    """All of it."""

    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    """In what the two runs differ."""
    threshold_percent: float

    def of(self, *results: str) -> tuple[Row, ...]:
        """Rows with one of these results, those that changed most first."""
        chosen = (row for row in self.rows if row.result in results)
        return tuple(sorted(chosen, key=lambda row: -abs(row.change_percent or 0.0)))

    @property
    def passed(self) -> bool:
        """Whether nothing got worse by more than the threshold."""
        return not self.of(WORSE)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        counts = {result: len(self.of(result)) for result in (BETTER, WORSE, SAME, ONLY_A, ONLY_B)}
        return {
            "pass": self.passed,
            "threshold_percent": self.threshold_percent,
            "counts": counts,
            "notes": list(self.notes),
            "rows": [asdict(row) for row in self.rows],
        }


def compare(
    a: Mapping[str, Any], b: Mapping[str, Any], threshold_percent: float, ignored: Collection[str] = ()
) -> Comparison:
    """Of two report.json's contents; `ignored` are keys, or what keys begin with up to a dot.

    Raises ReportError where there is nothing to compare.
    """
    rows = [*_figures(a, b, threshold_percent), *_verdicts(a, b)]
    rows = [row for row in rows if not any(row.key == key or row.key.startswith(f"{key}.") for key in ignored)]
    if not any(row.result in (BETTER, WORSE, SAME) for row in rows):
        raise ReportError("the two reports have no figure in common that says which direction is better")
    return Comparison(tuple(rows), tuple(_differences(a, b)), threshold_percent)


def changed(a: float, b: float, unit: str, better: str, threshold_percent: float) -> tuple[float, str]:
    """By how many percent of A, and whether that is better, worse, or the same within the threshold."""
    floor = FLOORS.get(unit, FLOORS[""])
    change_percent = 100.0 * (b - a) / max(abs(a), floor)
    if abs(b - a) <= floor or abs(change_percent) <= threshold_percent:
        return change_percent, SAME
    return change_percent, BETTER if (b > a) == (better == HIGHER) else WORSE


def _figures(a: Mapping[str, Any], b: Mapping[str, Any], threshold_percent: float) -> Iterator[Row]:
    of_a, of_b = ({figure["key"]: figure for figure in content["figures"]} for content in (a, b))
    for key in dict.fromkeys([*of_a, *of_b]):
        figure = of_a.get(key) or of_b[key]
        if figure["better"] not in (HIGHER, LOWER):
            continue
        x, y = (found[key]["value"] if key in found else None for found in (of_a, of_b))
        change_percent, result = None, ONLY_A if y is None else ONLY_B
        if x is not None and y is not None:
            change_percent, result = changed(x, y, figure["unit"], figure["better"], threshold_percent)
        elif x is None and y is None:
            continue
        yield Row(key, figure["name"], figure["unit"], x, y, change_percent, result)


def _verdicts(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[Row]:
    """Where one passes and the other does not, however little lies between."""
    of_b = {verdict["key"]: verdict for verdict in b["verdicts"]}
    for verdict in a["verdicts"]:
        other = of_b.get(verdict["key"])
        if other is None or None in (verdict["pass"], other["pass"]) or verdict["pass"] == other["pass"]:
            continue
        result = BETTER if other["pass"] else WORSE
        name = f"verdict {verdict['verdict']} ({verdict['limit']})"
        yield Row(f"verdict.{verdict['key']}", name, "", verdict["value"], other["value"], None, result)


def _differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[str]:
    for key, name in RUN_KEYS.items():
        x, y = a["run"].get(key), b["run"].get(key)
        if x != y:
            yield f"Another {name}: {_told(x, y)}."
    x, y = a["truth"], b["truth"]
    if x != y:
        yield f"Another truth: {x or 'none'} (A), {y or 'none'} (B)."
    machines = [content["run"].get("conditions", {}).get("machine", {}).get("cpu") for content in (a, b)]
    if None not in machines and machines[0] != machines[1]:
        yield f"Another machine, so times are no fair comparison: {machines[0]} (A), {machines[1]} (B)."


def _told(a: Any, b: Any) -> str:
    """Of settings and models only what differs."""
    if not isinstance(a, Mapping) or not isinstance(b, Mapping):
        return f"{a if a not in ('', None) else 'none'} (A), {b if b not in ('', None) else 'none'} (B)"
    parts = []
    for key in dict.fromkeys([*a, *b]):
        x, y = a.get(key), b.get(key)
        if x != y and isinstance(x or {}, Mapping) and isinstance(y or {}, Mapping):
            x, y = x or {}, y or {}
            for inner in dict.fromkeys([*x, *y]):
                if x.get(inner) != y.get(inner):
                    values = (one.get(inner, "the default") for one in (x, y))
                    parts.append("{}.{}: {} (A), {} (B)".format(key, inner, *values))
        elif x != y:
            parts.append(f"{key}: {x} (A), {y} (B)")
    return "; ".join(parts)
