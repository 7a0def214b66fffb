"""What `face1d evaluate all` came to, as plain JSON values: what results.md and the HTML page are made from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from face1d_ros.errors import ResultsError
from face1d_ros.evaluate.group_gaps import GAP
from face1d_ros.evaluate.group_gaps import ODDS as GROUP_ODDS
from face1d_ros.evaluate.measurement import write_whole
from face1d_ros.evaluate.review_rows import Measured, Table, identity_figures, parts
from face1d_ros.evaluate.review_tables import tables

FORMAT = 1
NAME = "results.json"
PARTS = {"measured", "not_measured", "tables", "details"}
LANDMARKS = {
    "variant": "Portrait",
    "nme_percent": "NME %",
    "stability_percent": "Stability %",
    "jitter_px": "Jitter px",
    "lag_frames": "Lag frames",
}
REPRESENTATIONS = {
    "representation": "Representation",
    "size": "Size",
    "numbers": "Numbers a frame",
    "nme_percent": "NME %",
    "noise_ratio": "1 % noise: ×",
    "missing_20_nme_percent": "20 % missing: NME %",
    "encode_64_us": "Encode µs",
    "decode_64_us": "Decode µs",
}
IDENTITY = {
    "model": "Model",
    "encoded": "Encoded",
    "ap": "AP",
    "f1": "Peak F1",
    "eer": "EER",
    "fnmr_1e-2": "FNMR at 1e-2",
    "genuine": "Genuine",
    "impostors": "Impostors",
}
EXPRESSION = {
    "model": "Model",
    "reads": "Reads",
    "accuracy": "Accuracy",
    "macro_f1": "Macro F1",
    "phase_f1": "Phases F1",
    "onset_ms": "Onset ms",
    "false_per_min": "False a minute",
}
"""Columns of further tables: keys of rows, and what stands above them."""
GAPS = {
    "attribute": "Attribute",
    "figure": "Figure",
    "best": "Group",
    "worst": "Furthest from it",
    "difference": "Gap",
    "low": "95 % from",
    "high": "95 % to",
    "says": "What it says",
}
ODDS = {
    "attribute": "Attribute",
    "decision": "Decision",
    "tpr_range": "TPR range",
    "fpr_range": "FPR range",
    "difference": "Equalized odds difference",
    "low": "95 % from",
    "high": "95 % to",
    "says": "What it says",
}
DETAILS = (
    ("landmarks", "truth", "The detector alone on the animated portrait", LANDMARKS),
    ("expression", "model", "Expressions, synthetic faces", EXPRESSION),
    ("identity", "figures", "Identity, synthetic faces: motions, pairs within subjects", IDENTITY),
    ("representations", None, "1D representations, synthetic faces", REPRESENTATIONS),
)


def results(measured: Measured, not_measured: Mapping[str, str]) -> dict[str, Any]:
    """Of all measurements by name; and of those that failed, why."""
    return {
        "format": FORMAT,
        "command": "face1d evaluate all",
        "measured": {name: _about(one) for name, one in measured.items()},
        "not_measured": dict(not_measured),
        "tables": [_table(one) for one in tables(measured)],
        "details": [one for one in (*_all_details(measured), *_groups(measured)) if one["rows"]],
    }


def write(found: Mapping[str, Any], path: Path) -> None:
    """As JSON; the file is complete or absent."""
    write_whole(path, json.dumps(found, indent=1, allow_nan=False, ensure_ascii=False) + "\n")


def read(path: Path) -> dict[str, Any]:
    """What was written. Raises ResultsError for anything else."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ResultsError(path, str(error.strerror)) from error
    except ValueError as error:
        raise ResultsError(path, f"is no JSON: {error}") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT or PARTS - found.keys():
        raise ResultsError(path, f"is not of format {FORMAT}")
    return found


def _about(measurement: Mapping[str, Any]) -> dict[str, Any]:
    """Under what it was measured, and its targets."""
    under = measurement["conditions"]
    return {
        "command": measurement["command"],
        "data": measurement.get("data", ""),
        "machine": under.get("machine", {}),
        "versions": under.get("versions", {}),
        "quick": bool(measurement.get("quick", False)),
        "not_measured": list(under.get("not_measured", ())),
        "targets": measurement.get("targets", {}),
    }


def _table(table: Table) -> dict[str, Any]:
    rows = [
        {
            "source": row.source,
            "cells": {key: value for key, value in row.cells.items() if value is not None},
            "data": row.data,
            "conditions": row.conditions,
            "reference": row.reference,
        }
        for row in table.rows
    ]
    return {
        "number": table.number,
        "caption": table.caption,
        "columns": dict(table.columns),
        "rows": rows,
        "notes": [note for note in table.notes if note],
    }


def _all_details(measured: Measured) -> Iterator[dict[str, Any]]:
    return (_details(measured, *wanted) for wanted in DETAILS)


def _groups(measured: Measured) -> Iterator[dict[str, Any]]:
    """What was found between groups, of each default; nothing where no groups were given."""
    for name in measured:
        default = measured[name]["conditions"].get("default")
        for part, title, columns in ((GAP, "Gaps between groups", GAPS), (GROUP_ODDS, "Equalized odds", ODDS)):
            rows = [row for row in parts(measured, name, part) if default in (None, row["model"])]
            chosen = [{key: row[key] for key in columns if row.get(key) is not None} for row in rows]
            model = f", `{rows[0]['model']}`" if rows else ""
            yield {"title": f"{title}, {name}{model}", "columns": dict(columns), "rows": chosen}


def _details(measured: Measured, step: str, part: str | None, title: str, columns: Mapping[str, str]) -> dict[str, Any]:
    """Chosen columns of a measurement's rows; a measurement of one kind of row names no parts."""
    every: Sequence[Mapping[str, Any]] = measured.get(step, {}).get("rows", ())
    rows = identity_figures(measured) if step == "identity" else [row for row in every if row.get("part") == part]
    chosen = [{key: row[key] for key in columns if row.get(key) is not None} for row in rows]
    return {"title": title, "columns": dict(columns), "rows": chosen}
