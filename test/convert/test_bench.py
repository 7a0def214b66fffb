"""`face1d bench convert`."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from face1d_ros.cli.bench_convert import command, worst_p50_ms


def test_it_prints_a_table_and_writes_the_target(tmp_path: Path) -> None:
    path = tmp_path / "convert.json"
    result = CliRunner().invoke(command, ["--rounds", "30", "--json", str(path)], catch_exceptions=False)
    assert result.exit_code == 0
    assert "convert.ms" in result.output and "FaceIdentityArray" in result.output
    written = json.loads(path.read_text(encoding="utf-8"))
    cases = {(row["message"], row["points"], row["faces"]) for row in written["rows"]}
    assert {("FaceLandmarksArray", points, faces) for points in (68, 468, 478) for faces in (1, 4, 8)} <= cases
    assert len(cases) == len(written["rows"]) == 18
    for row in written["rows"]:
        for way in ("to", "from"):
            assert 0 < row[f"{way}_p50_ms"] <= row[f"{way}_p95_ms"] <= row[f"{way}_p99_ms"]
    assert written["targets"]["convert.ms"]["value"] == worst_p50_ms(written["rows"])
    assert written["targets"]["convert.ms"]["target"] == 0.2
    assert written["targets"]["convert.ms"]["pass"]


def test_the_target_is_the_slower_way_of_one_face_of_478_points() -> None:
    other = {"points": 478, "faces": 4, "to_p50_ms": 9.0, "from_p50_ms": 9.0}
    row = {"points": 478, "faces": 1, "to_p50_ms": 1.0, "from_p50_ms": 2.0}
    assert worst_p50_ms([other, row]) == 2.0
