"""`face1d bench compare`."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from face1d_ros.cli.main import face1d
from face1d_ros.errors import MeasurementFileError
from face1d_ros.evaluate.measurement_comparison import compare, lower_is_better

MEASURED: dict[str, Any] = {
    "command": "bench things",
    "conditions": {
        "machine": {"cpu": "A", "cores": 2},
        "versions": {"numpy": "2.2"},
        "data_sha256": "ab",
        "load_average_1min": 0.1,
        "rounds": 5,
    },
    "rows": [
        {"part": "tight", "what": "mesh", "faces": 1, "ms": 2.0, "fps": 500.0, "found": 1.0},
        {"part": "tight", "what": "mesh", "faces": 4, "ms": 4.0, "fps": 250.0, "found": 4.0},
        {"part": "tight", "what": "identity", "faces": 1, "ms": 1.0, "fps": None, "found": 1.0},
        {"part": "paced", "what": "mesh", "pace": "30 Hz", "p99_ms": 9.0, "age_slope_ms_per_s": -0.1},
    ],
    "targets": {
        "things.fps": {"value": 250.0, "target": 165.0, "pass": True},
        "things.mb": {"value": 60.0, "target": 50.0, "pass": False},
    },
}


@pytest.fixture
def after() -> dict[str, Any]:
    """To be changed by the test."""
    return copy.deepcopy(MEASURED)


def run(folder: Path, after: dict[str, Any], *options: str) -> Result:
    for name, document in (("a", MEASURED), ("b", after)):
        (folder / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")
    names = [str(folder / name) for name in ("a.json", "b.json")]
    return CliRunner().invoke(face1d, ["bench", "compare", *names, *options])


def test_the_same_measurement_twice_is_no_worse(tmp_path: Path, after: dict[str, Any]) -> None:
    done = run(tmp_path, after)
    assert done.exit_code == 0, done.output
    assert "no column is worse" in done.output and "not alike" not in done.output


def test_a_columns_median_over_the_rows_decides(tmp_path: Path, after: dict[str, Any]) -> None:
    after["rows"][0]["ms"] = 20.0
    one_row = run(tmp_path, after)
    assert one_row.exit_code == 0, "one row of three is no median"
    assert "Rows that are worse" in one_row.output
    assert run(tmp_path, after, "--each").exit_code == 1
    after["rows"][1]["ms"] = 4.5
    assert run(tmp_path, after, "--threshold", "10").exit_code == 1
    assert run(tmp_path, after, "--threshold", "15").exit_code == 0


def test_rates_are_worse_when_they_fall_and_times_when_they_rise(after: dict[str, Any]) -> None:
    after["rows"][0]["fps"], after["rows"][1]["fps"] = 250.0, 125.0
    after["rows"][3]["p99_ms"] = 4.5
    found = {column.name: column for column in compare(MEASURED, after).columns}
    assert found["fps"].worse_by == pytest.approx(2.0) and found["fps"].ratio == pytest.approx(0.5)
    assert found["p99_ms"].worse_by == pytest.approx(0.5)
    assert set(found) == {"ms", "fps", "p99_ms"}, "shares, counts and slopes have no ratio"


def test_rows_are_matched_by_their_names_in_any_order(after: dict[str, Any]) -> None:
    after["rows"].reverse()
    assert {column.worse_by for column in compare(MEASURED, after).columns} == {1.0}


def test_rows_that_only_one_has_are_told(tmp_path: Path, after: dict[str, Any]) -> None:
    after["rows"][2]["what"] = "smoothing"
    done = run(tmp_path, after)
    assert "only in A: tight, identity, 1 faces" in done.output
    assert "only in B: tight, smoothing, 1 faces" in done.output


def test_a_rate_that_nothing_bears_any_more_is_told(tmp_path: Path, after: dict[str, Any]) -> None:
    after["rows"][0]["fps"], after["rows"][1]["fps"] = None, 0.0
    done = run(tmp_path, after)
    assert "only in A: tight, mesh, 1 faces: fps" in done.output
    assert "only in A: tight, mesh, 4 faces: fps" in done.output


def test_another_machine_other_versions_and_other_data_are_told(tmp_path: Path, after: dict[str, Any]) -> None:
    under = after["conditions"]
    under["machine"]["cpu"], under["versions"]["numpy"], under["data_sha256"] = "B", "1.26", "cd"
    under["load_average_1min"] = 2.0
    done = run(tmp_path, after)
    assert done.exit_code == 0
    for said in ("machine.cpu: A → B", "versions.numpy: 2.2 → 1.26", "data_sha256: ab → cd"):
        assert f"not alike: {said}" in done.output
    assert "load_average" not in done.output


def test_a_target_that_is_missed_now_or_gone_fails(tmp_path: Path, after: dict[str, Any]) -> None:
    after["targets"]["things.mb"]["pass"] = True
    mended = run(tmp_path, after)
    assert mended.exit_code == 0 and "now passes  things.mb" in mended.output
    after["targets"]["things.fps"]["pass"] = False
    failed = run(tmp_path, after)
    assert failed.exit_code == 1 and "no longer passes  things.fps" in failed.output
    del after["targets"]["things.fps"]
    assert run(tmp_path, after).exit_code == 1


def test_what_is_written_has_each_row_and_the_worst_median(tmp_path: Path, after: dict[str, Any]) -> None:
    after["rows"][3]["p99_ms"] = 18.0
    out = tmp_path / "c.json"
    assert run(tmp_path, after, "--json", str(out)).exit_code == 1
    written = json.loads(out.read_text(encoding="utf-8"))
    assert written["targets"]["compare.worse_by"] == {"value": 2.0, "target": 1.1, "pass": False}
    assert written["targets"]["compare.targets_failed"]["pass"] is True
    rows = [row for row in written["rows"] if row["part"] == "rows"]
    assert len(rows) == 3 + 2 + 1
    assert [row["verdict"] for row in rows if row["column"] == "p99_ms"] == ["worse"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "no JSON"),
        ("[]", "holds a list"),
        ('{"command": "bench things", "conditions": {}, "rows": {}, "targets": {}}', "'rows' is no list"),
        ('{"command": "bench things", "conditions": {}, "rows": [1], "targets": {}}', "no dictionaries"),
        ('{"command": "bench other", "conditions": {}, "rows": [], "targets": {}}', "of 'bench other'"),
        ('{"command": "bench things", "conditions": {}, "rows": [], "targets": {}}', "no row of it"),
    ],
)
def test_what_is_no_second_measurement_is_refused(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "a.json").write_text(json.dumps(MEASURED), encoding="utf-8")
    (tmp_path / "b.json").write_text(text, encoding="utf-8")
    done = CliRunner().invoke(face1d, ["bench", "compare", str(tmp_path / "a.json"), str(tmp_path / "b.json")])
    assert isinstance(done.exception, MeasurementFileError)
    assert says in str(done.exception)


@pytest.mark.parametrize(
    ("column", "lower"),
    [
        *(("p50_ms", True), ("wrapper_us_tight", True), ("took_s", True), ("memory_mb", True), ("cpu_percent", True)),
        *(("fps", False), ("frames_per_s", False), ("kept_hz", False), ("realtime_factor", False)),
        *(("age_slope_ms_per_s", None), ("p50_ms_spread", None), ("fps_ratio", None), ("found", None)),
    ],
)
def test_a_columns_name_says_what_is_better(column: str, lower: bool | None) -> None:
    assert lower_is_better(column) is lower
