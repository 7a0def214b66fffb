"""Figures by group as tables for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.markup import escape

from face1d_ros.cli.tables import chosen_table, wide_console
from face1d_ros.evaluate.group_gaps import GAP, GROUP, ODDS, RATES, WARNING
from face1d_ros.evaluate.measurement import Measurement

GROUPS = {
    "figure": "figure",
    "group": "group",
    "value": "value",
    "low": "95 % from",
    "high": "95 % to",
    "sequences": "sequences",
    "people": "people",
}
GAPS = {
    "figure": "figure",
    "best": "group",
    "worst": "furthest from it",
    "difference": "gap",
    "low": "95 % from",
    "high": "95 % to",
    "ratio": "ratio",
    "says": "",
}
DECISIONS = {
    "decision": "decision",
    "group": "group",
    "tpr": "TPR",
    "tpr_low": "95 % from",
    "tpr_high": "95 % to",
    "fpr": "FPR",
    "fpr_low": "from",
    "fpr_high": "to",
    "positives": "positives",
    "negatives": "negatives",
}
EQUALIZED = {
    "decision": "decision",
    "tpr_range": "TPR range",
    "fpr_range": "FPR range",
    "difference": "difference",
    "low": "95 % from",
    "high": "95 % to",
    "says": "",
}
"""What the tables show of a row, under which heading; the JSON has all."""


def print_groups(measurement: Measurement, model: str) -> None:
    """Of one model, attribute by attribute; nothing where no groups were given."""
    rows = [row for row in measurement.rows if row.get("model") == model]
    by_part = {part: [row for row in rows if row["part"] == part] for part in (GROUP, GAP, RATES, ODDS, WARNING)}
    for attribute in dict.fromkeys(str(row["attribute"]) for row in by_part[GROUP]):
        _print_attribute(attribute, by_part)
    console = wide_console()
    for row in by_part[WARNING]:
        about = f"{row['attribute']}: " if row["attribute"] else ""
        said = escape(f"{about}{row['warning']}")
        console.print(f"[yellow]groups[/] {said}", highlight=False)


def _print_attribute(attribute: str, by_part: dict[str, list[Any]]) -> None:
    console = wide_console()
    for part, columns, title in (
        (GROUP, GROUPS, "Figures by group"),
        (GAP, GAPS, "Largest gaps between groups"),
        (RATES, DECISIONS, "Decisions by group"),
        (ODDS, EQUALIZED, "Equalized odds"),
    ):
        chosen: Sequence[Any] = [row for row in by_part[part] if row["attribute"] == attribute]
        if part == GROUP:
            chosen = sorted(chosen, key=lambda row: str(row["figure"]))
        if chosen:
            console.print(chosen_table(chosen, columns, f"{title}: {attribute}"))
