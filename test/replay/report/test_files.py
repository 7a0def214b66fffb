"""Reports as files: JSON and back, CSV, all or nothing."""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from replay.report_streams import Stream

from face1d_ros.errors import ReportFileError
from face1d_ros.evaluate.verdicts import judge
from face1d_ros.replay.report import files
from face1d_ros.replay.report.build import Builder
from face1d_ros.replay.report.content import Figure, Judgement, Moment, Report, Run

MOMENTS = (Moment(0.5, "face 1 appears", "appears", b"\xff\xd8one"), Moment(1.0, "smile", "apex", b"\xff\xd8two"))


@pytest.fixture(scope="module")
def report() -> Report:
    builder = Builder()
    for result in Stream().results(range(60)):
        builder.take(result)
    run = Run("face1d replay a", "a <b> «ä»", settings={"mesh_node": {"x": 1}}, conditions={"a": None}, damage=("cut",))
    judged = Judgement(1, 0.5, "verified", "abc", 0.9, 0.5, None, "motion only", 0.1, 0.4)
    nothing = Figure("run.nothing", "nothing", None, "px", "lower")
    verdicts = judge({"nme_percent": 1.5}, data="real", conditions="here")
    found = builder.report(run, MOMENTS)
    return dataclasses.replace(
        found, figures=(*found.figures, nothing), judgements=(judged,), verdicts=verdicts, truth="t.csv"
    )


def same(a: Any, b: Any) -> bool:
    """Dataclasses with arrays in them."""
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and np.allclose(a, b, rtol=1e-5, atol=0.0, equal_nan=True)
    if dataclasses.is_dataclass(a):
        return all(same(getattr(a, field.name), getattr(b, field.name)) for field in dataclasses.fields(a))
    if isinstance(a, tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return bool(a == b)


def test_json_holds_all_of_a_report(report: Report, tmp_path: Path) -> None:
    files.write_json(report, tmp_path)
    assert same(files.read_report(tmp_path), report)
    assert same(files.read_report(tmp_path / files.JSON), report)


def test_json_has_null_for_what_is_not_known_and_no_pictures(report: Report) -> None:
    gap = dataclasses.replace(report.series[0], mean=np.array([1.0, np.nan], np.float32))
    content = files.to_dict(dataclasses.replace(report, series=(gap,)))
    text = json.dumps(content, allow_nan=False)
    assert content["series"][0]["mean"] == [1.0, None] and "NaN" not in text
    assert [moment["picture"] for moment in content["moments"]] == ["pictures/00_appears.jpg", "pictures/01_apex.jpg"]
    assert content["verdicts"][0] | {} == {
        **{"key": "nme_percent", "verdict": "NME", "value": 1.5, "limit": "< 2 %", "pass": True},
        **{"data": "real", "conditions": "here"},
    }
    assert not any(moment.jpeg for moment in files.from_dict(content).moments)


def test_csv_has_a_line_for_each_figure_and_each_bin(report: Report) -> None:
    rows = list(csv.DictReader(files.figures_csv(report).splitlines()))
    assert [row["key"] for row in rows] == [figure.key for figure in report.figures]
    assert rows[-1] == {"key": "run.nothing", "name": "nothing", "value": "", "unit": "px", "better": "lower"}
    lines = list(csv.DictReader(files.timelines_csv(report).splitlines()))
    assert len(lines) == sum(len(series.t_s) for series in report.series)
    assert {"key", "track_id", "unit", "t_s", "mean", "low", "high"} == lines[0].keys()


def test_all_files_are_written_and_nothing_else(
    report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("face1d_ros.replay.report.page.page", lambda report: "<html>ü</html>")
    folder = tmp_path / "new" / "folder"
    files.write_report(report, folder)
    files.write_report(report, folder)
    there = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    pictures = ["pictures/00_appears.jpg", "pictures/01_apex.jpg"]
    assert there == [*pictures, "report.csv", "report.html", "report.json", "timelines.csv"]
    assert (folder / "report.html").read_text(encoding="utf-8") == "<html>ü</html>"


def test_pictures_of_an_earlier_report_go_and_others_stay(report: Report, tmp_path: Path) -> None:
    files.write_json(report, tmp_path)
    (tmp_path / "pictures" / "12_mine.jpg").write_bytes(b"")
    files.write_json(dataclasses.replace(report, moments=MOMENTS[1:]), tmp_path)
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == ["00_apex.jpg", "12_mine.jpg"]
    assert [moment.jpeg for moment in files.read_report(tmp_path).moments] == [MOMENTS[1].jpeg]


def test_a_folder_that_cannot_be_written_is_named(report: Report, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ReportFileError, match="name a folder that can be written"):
        files.write_report(report, tmp_path / "file" / "folder")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("not json", "is no JSON"),
        ("[]", "is no report"),
        ('{"command": "bench"}', "is no report"),
        ('{"format": 99}', "has format 99, expected at most 1"),
        ('{"format": 1}', "has no run"),
        ('{"format": 1, "run": {}, "figures": {}, "verdicts": [], "truth": ""}', "has no figures"),
        ('{"format": 1, "run": {}, "figures": [1], "verdicts": [], "truth": ""}', "lacks or has something wrong"),
    ],
)
def test_what_is_no_report_is_refused(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "report.json").write_text(text, encoding="utf-8")
    with pytest.raises(ReportFileError, match=says):
        files.read_report(tmp_path)


def test_a_missing_report_is_told(tmp_path: Path) -> None:
    with pytest.raises(ReportFileError, match="No such file"):
        files.read_dict(tmp_path)


def test_what_a_later_version_has_added_is_left_out(report: Report) -> None:
    content = files.to_dict(report)
    content["figures"] = [{**figure, "added": 1} for figure in content["figures"]]
    assert same(files.from_dict(content).figures, report.figures)
