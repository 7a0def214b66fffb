"""The review's Tables 3, 4, 5 and 7 with rows of our measurements beside the published ones.

Each row says whose it is and under which conditions: most of ours are of synthetic faces on a processor, the published
ones of real faces on other hardware, so none is set off as better.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from face1d_ros.evaluate.published_tables import REVIEW, TABLE_3, TABLE_4, TABLE_5, TABLE_7, Cell
from face1d_ros.evaluate.review_rows import (
    OURS,
    PUBLISHED,
    RAW,
    REAL,
    Measured,
    Row,
    Table,
    cost_of,
    data_of,
    default_row,
    encoders,
    filled,
    mflop,
    named,
    parts,
    real_expressions,
    real_landmarks,
)
from face1d_ros.evaluate.verdicts import TABLE_7 as CRITERIA
from face1d_ros.evaluate.verdicts import Criterion, Verdict, judge

PORTRAIT = "the detector alone on the portrait"
STAGE = "whole stage, one face, p95 at 30 Hz on this processor"
WITHOUT_DETECTOR = f"latency: {STAGE}, without the detector's time"
OF_BOX = "NME: % of √(box width · box height)"
HOW = {
    "nme_percent": "% of √(box width · box height)",
    "accuracy_percent": "1 − EER of pairs of one person's motions, not top-1",
    "latency_ms": f"{STAGE}; identity: encoding a clip of 4 s",
    "mflop": "2 · MAC of the network a frame; identity: of a clip of 128 frames of its grid",
    "size_mb": "the whole bundle",
    "jitter_px": "displacement error against the truth, on a face 256 px wide",
    "mesh_error_mm": "vertices to surface, narrow face, from one frame",
}
"""How each criterion of Table 7 is measured here."""
AT_REST = "against the detector's own points on the photo at rest, moved as the photo is: its constant error is in none"
"""Of the portrait, which has no other truth."""
VERDICTS = {"metric": "Metric", "ideal": "Ideal value", "system": "System", "value": "Measured", "verdict": "Verdict"}
"""Columns of Table 7: the review's definition and task stand in the row of each metric."""


def tables(measured: Measured) -> tuple[Table, ...]:
    """All four; what was not measured has no row."""
    return (table_3(measured), table_4(measured), table_5(measured), table_7(measured))


def table_3(measured: Measured) -> Table:
    """Architectures: smoothers, readers of expressions, and what verifies identity."""
    rows = []
    for name in ("smoothing", "smoothing-68"):
        for row in parts(measured, name, "smoother"):
            if row["parameters"] is not None:
                said = f"accuracy is not defined for smoothing; {WITHOUT_DETECTOR}"
                rows.append(_architecture(data_of(measured, name), row, "landmark smoothing", None, said))
    for row in parts(measured, "expression", "model"):
        said = f"accuracy: the label in the middle of each apex and rest; {WITHOUT_DETECTOR}"
        accuracy = 100.0 * row["accuracy"]
        rows.append(_architecture(data_of(measured, "expression"), row, "expression tracking", accuracy, said))
    for row in encoders(measured):
        said = "accuracy: 1 − EER of pairs within subjects, not top-1; latency: encoding a clip of 4 s, p95"
        accuracy = 100.0 * (1.0 - row["eer"])
        rows.append(_architecture(data_of(measured, "identity"), row, "identity verification", accuracy, said))
    for row in real_expressions(measured):
        cells: dict[str, Cell] = {"model": "1D CNN + LSTM, trained anew", "datasets": row["tested_on"]}
        cells |= {"accuracy_percent": 100.0 * row["accuracy"], "use_case": "expression tracking"}
        said = f"accuracy at the apex, people of no training; experiment: {row['experiment']}"
        rows.append(Row(OURS, cells, f"{REAL}, {row['tested_on']}", said))
    return filled(TABLE_3, rows)


def table_4(measured: Measured) -> Table:
    """Smoothers: at 68 landmarks, and at 478; and the detector on real datasets."""
    rows = []
    for name, landmarks in (("smoothing-68", 68), ("smoothing", 478)):
        for row in parts(measured, name, "smoother"):
            cells: dict[str, Cell] = {"model": named(row["model"], row["kind"]), "landmarks": landmarks}
            cells |= {"latency_ms": row["p95_ms"], "nme_percent": row["nme_percent"], "mflop": mflop(row["mac_m"])}
            said = f"{OF_BOX}, of the detector's modelled noise{'' if row['kind'] == RAW else f'; {WITHOUT_DETECTOR}'}"
            rows.append(Row(OURS, cells | {"use_case": _use(row)}, data_of(measured, name), said))
    for dataset, row in real_landmarks(measured):
        cells = {"model": "none: the detector alone (MediaPipe)", "landmarks": 68, "nme_percent": row["nme_percent"]}
        cells |= {"use_case": str(row["split"])}
        rows.append(Row(OURS, cells, f"{REAL}, {dataset}", f"{OF_BOX}, image by image, nothing smoothed"))
    return filled(TABLE_4, rows)


def table_5(measured: Measured) -> Table:
    """Meshes from landmarks."""
    rows = []
    for row in parts(measured, "mesh", "model"):
        cells: dict[str, Cell] = {"model": named(row["model"], row["kind"]), "vertices": row["vertices"]}
        cells |= {key: row[of] for key, of in (("latency_ms", "p95_ms"), ("mesh_error_mm", "error_mm_frame"))}
        said = (
            "from one frame's landmarks; narrow face, at the true distance of the eye corners, aligned without scale; "
            f"true camera; the truth is of the same face model; {WITHOUT_DETECTOR}"
        )
        rows.append(Row(OURS, cells | {"size_mb": row["size_mb"]}, data_of(measured, "mesh"), said))
    return filled(TABLE_5, rows)


def table_7(measured: Measured) -> Table:
    """The seven verdicts of what runs by default, and of the detector alone."""
    rows = []
    judged = [
        (system, data, judge(values, data=data.split(",")[0], conditions=data))
        for system, data, values in _systems(measured)
    ]
    for place, (criterion, printed) in enumerate(zip(CRITERIA, TABLE_7.rows, strict=True)):
        ideal = {key: printed[key] for key in ("metric", "ideal")} | {"system": printed["definition"]}
        rows.append(Row(PUBLISHED, ideal, TABLE_7.conditions, f"for {printed['task']}", f"{REVIEW}, Table 7"))
        for system, data, verdicts in judged:
            if verdicts[place].value is not None:
                rows.append(_verdict(criterion, system, data, verdicts[place]))
    return Table(7, TABLE_7.caption, VERDICTS, tuple(rows))


def _verdict(criterion: Criterion, system: str, data: str, found: Verdict) -> Row:
    cells = {
        "metric": criterion.name,
        "ideal": f"{criterion.comparison} {criterion.limit:g} {criterion.unit}",
        "system": system,
        "value": found.value,
        "verdict": "pass" if found.passed else "missed",
    }
    how = HOW[criterion.key]
    return Row(OURS, cells, data, f"{how}; {AT_REST}" if system.startswith(PORTRAIT) else how)


def _systems(measured: Measured) -> Iterator[tuple[str, str, dict[str, float | None]]]:
    """What is judged: name, data, and the values of those criteria that are of its task."""
    for name, part, of_task in (
        ("smoothing", "smoother", {"nme_percent": "nme_percent", "jitter_px": "jitter_px"}),
        ("smoothing-68", "smoother", {"nme_percent": "nme_percent", "jitter_px": "jitter_px"}),
        ("mesh", "model", {"mesh_error_mm": "error_mm_frame"}),
        ("expression", "model", {}),
    ):
        if (row := default_row(measured, name, part)) is not None:
            values = cost_of(row) | {key: row[of] for key, of in of_task.items()}
            yield f"{name.split('-')[0]}: `{row['model']}`", data_of(measured, name), values
    for row in encoders(measured):
        values = cost_of(row) | {"accuracy_percent": 100.0 * (1.0 - row["eer"])}
        yield f"identity: `{row['model']}`", data_of(measured, "identity"), values
    for row in parts(measured, "landmarks", "truth"):
        values = {key: row.get(key) for key in ("nme_percent", "jitter_px")}
        yield f"{PORTRAIT}, {row['variant']}", data_of(measured, "landmarks"), values
    for dataset, row in real_landmarks(measured):
        yield f"the detector alone, {row['split']}", f"{REAL}, {dataset}", {"nme_percent": row["nme_percent"]}


def _architecture(data: str, row: Mapping[str, Any], use_case: str, accuracy: float | None, said: str) -> Row:
    cells = {
        "model": named(row["model"]),
        "datasets": data.partition(", ")[2] or data,
        "parameters_m": row["parameters"] / 1e6,
        "latency_ms": row["p95_ms"],
        "accuracy_percent": accuracy,
        "use_case": use_case,
    }
    return Row(OURS, cells, data, said)


def _use(row: Mapping[str, Any]) -> str:
    late = f", {row['delay_frames']} frames late" if row["delay_frames"] else ""
    return "no smoothing" if row["kind"] == RAW else f"smoothing of landmarks{late}"
