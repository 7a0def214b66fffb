"""What reports of several bags come to together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from face1d_ros.evaluate.bags import bag_rows, grouped_bag_rows
from face1d_ros.evaluate.group_gaps import GAP, GROUP
from face1d_ros.evaluate.groups import read_groups


def report(nme_percent: float | None, sta2_percent: float) -> dict[str, Any]:
    """The part of report.json that is looked at, and more."""
    return {
        "run": {},
        "verdicts": [],
        "truth": "a file" if nme_percent is not None else "",
        "figures": [
            {"key": "run.frames", "value": 100.0, "better": ""},
            {"key": "accuracy.raw.nme_percent", "value": nme_percent, "better": "lower"},
            {"key": "stability.raw.sta2_percent", "value": sta2_percent, "better": "lower"},
            {"key": "faces.with_face_percent", "value": 90.0, "better": "higher"},
            {"key": "latency.all.p95_ms", "value": None, "better": "lower"},
        ],
    }


REPORTS = {"dark_1": report(4.0, 0.6), "dark_2": report(None, 0.8), "day_1": report(2.0, 0.1)}


def test_each_bag_has_a_row_and_the_mean_is_over_those_that_have_a_figure() -> None:
    *rows, mean = bag_rows(REPORTS)
    assert [row["sequence"] for row in rows] == list(REPORTS)
    assert [row["truth"] for row in rows] == ["a file", None, "a file"]
    assert mean["part"] == "mean" and mean["sequence"] == "mean of 3"
    assert mean["accuracy.raw.nme_percent"] == 3.0 and mean["stability.raw.sta2_percent"] == pytest.approx(0.5)
    assert "latency.all.p95_ms" not in mean and "run.frames" not in rows[0]


def test_bags_are_compared_by_group(tmp_path: Path) -> None:
    path = tmp_path / "groups.csv"
    path.write_text("sequence,light\ndark_*,dark\nday_*,day\n", encoding="utf-8")
    rows = grouped_bag_rows(REPORTS, read_groups(path))
    found = {(row["figure"], row["group"]): row["value"] for row in rows if row["part"] == GROUP}
    assert found["stability.raw.sta2_percent", "dark"] == pytest.approx(0.7)
    assert found["accuracy.raw.nme_percent", "dark"] == 4.0
    gaps = {row["figure"]: row for row in rows if row["part"] == GAP}
    assert (gaps["stability.raw.sta2_percent"]["best"], gaps["stability.raw.sta2_percent"]["worst"]) == ("day", "dark")
    assert all("says nothing" in row["says"] for row in gaps.values()), "three bags are too few"
