"""What reports of several bags say of accuracy and stability: of each, the mean, and by group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from face1d_ros.evaluate.group_figures import HIGHER, LOWER, NEITHER, Study, mean_of
from face1d_ros.evaluate.group_gaps import group_rows
from face1d_ros.evaluate.groups import Groups

MODEL = "all stages"
SECTIONS = ("accuracy.", "stability.", "faces.with_face_percent", "latency.all.p95_ms")
"""Figures of a report that are looked at, by how their keys begin."""
BETTER = {"lower": LOWER, "higher": HIGHER}

Reports = Mapping[str, Mapping[str, Any]]
"""Contents of report.json, by name of the bag."""


def bag_rows(reports: Reports) -> list[dict[str, Any]]:
    """A row for each bag, and their plain mean: of each figure over the bags that have it."""
    rows: list[dict[str, Any]] = [
        {"part": "sequence", "model": MODEL, "sequence": name, "truth": report.get("truth") or None, **_values(report)}
        for name, report in reports.items()
    ]
    means: dict[str, Any] = {}
    for key in _figures(reports):
        known = [row[key] for row in rows if row.get(key) is not None]
        means[key] = sum(known) / len(known)
    return [*rows, {"part": "mean", "model": MODEL, "sequence": f"mean of {len(rows)}", "truth": None, **means}]


def grouped_bag_rows(reports: Reports, groups: Groups) -> list[dict[str, Any]]:
    """Every figure by group of bags."""
    values = {name: _values(report) for name, report in reports.items()}
    figures = tuple(
        mean_of(key, np.array([of.get(key) for of in values.values()], np.float64), better)
        for key, better in _figures(reports).items()
    )
    study = Study(MODEL, tuple(reports), figures)
    return group_rows(study, groups.assigned(study.sequences))


def _values(report: Mapping[str, Any]) -> dict[str, float | None]:
    return {one["key"]: one["value"] for one in report["figures"] if one["key"].startswith(SECTIONS)}


def _figures(reports: Reports) -> dict[str, str]:
    """Keys that any bag has a value of, and what is better."""
    found: dict[str, str] = {}
    for report in reports.values():
        for one in report["figures"]:
            if one["key"].startswith(SECTIONS) and one["value"] is not None:
                found.setdefault(one["key"], BETTER.get(one["better"], NEITHER))
    return found
