"""The report and the pictures at the end of a job."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from replay_sources import RATE_HZ, CountedSource, contents, done, job, use_fakes

from face1d_ros.errors import ReportError
from face1d_ros.replay.job import Job, Progress, run_job
from face1d_ros.replay.report import build, files
from face1d_ros.replay.report.files import read_report
from face1d_ros.replay.run_file import load_run_file

FRAMES = 150
FILES = {"report.html", "report.json", "report.csv"}


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make jobs have the fakes; a source of its own for each run."""

    def use() -> CountedSource:
        source = CountedSource(FRAMES)
        use_fakes(monkeypatch, source)
        return source

    return use


def reported(folder: Path, **changes: Any) -> Job:
    return job(folder, **{"report": True, "pictures": True, **changes})


def jpegs(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (folder / "out" / "pictures").rglob("*.jpg")}


def test_a_report_with_pictures_is_made_last(tmp_path: Path, fake: Any) -> None:
    fake()
    told: list[Progress] = []
    outcome = run_job(reported(tmp_path, command="face1d replay numbers"), told.append, lambda: False)
    assert (outcome.state, outcome.error) == ("done", "")
    assert [progress.phase for progress in told] == ["replaying"] * FRAMES + ["report"]
    assert {file.name for file in (tmp_path / "out").iterdir()} >= {*FILES, "results", "pictures", "run.json"}
    report = read_report(tmp_path / "out")
    assert (report.run.command, report.run.frames) == ("face1d replay numbers", FRAMES)
    assert report.run.wall_s == outcome.wall_s
    assert len(report.moments) > 1 and all(moment.jpeg[:2] == b"\xff\xd8" for moment in report.moments)


def test_made_while_frames_go_by_it_says_what_one_of_the_bag_says(tmp_path: Path, fake: Any) -> None:
    fake()
    done(reported(tmp_path), 40)
    fake()
    assert done(reported(tmp_path)).resumed_at == 40
    while_going = read_report(tmp_path / "out")
    (tmp_path / "out" / "report.html").unlink()
    source = fake()
    assert done(reported(tmp_path)).state == "done" and source.given == 0
    of_bag = read_report(tmp_path / "out")
    for one, other in zip(while_going.figures, of_bag.figures, strict=True):
        assert (one.key, one.value) == (other.key, pytest.approx(other.value, rel=1e-6, nan_ok=True))
    assert len(of_bag.figures) > 10
    assert (while_going.spans, while_going.notes, while_going.run) == (of_bag.spans, of_bag.notes, of_bag.run)


def test_results_that_the_report_cannot_take_are_no_loss(
    tmp_path: Path, fake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake()
    with monkeypatch.context() as patch:
        patch.setattr(build.Builder, "take", lambda self, result: 1 / 0)
        outcome = done(reported(tmp_path))
    assert (outcome.state, outcome.frames) == ("failed", FRAMES)
    assert "the results are complete, but the report was not made: ZeroDivisionError" in outcome.error
    fake()
    assert done(reported(tmp_path)).state == "done"


def test_interrupted_and_gone_on_with_it_has_the_same_pictures(tmp_path: Path, fake: Any) -> None:
    for stop_after in (40, 41, 101, None):
        fake()
        outcome = done(reported(tmp_path), stop_after)
    assert (outcome.state, outcome.resumed_at) == ("done", 101)
    fake()
    done(reported(tmp_path / "whole"))
    assert jpegs(tmp_path) == jpegs(tmp_path / "whole") != {}


def test_a_report_that_fails_leaves_the_results_and_is_made_the_next_time(
    tmp_path: Path, fake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake()

    def refuse(*_: object) -> None:
        raise ReportError("no room for it")

    with monkeypatch.context() as patch:
        patch.setattr(files, "write_report", refuse)
        outcome = done(reported(tmp_path))
    assert (outcome.state, outcome.frames) == ("failed", FRAMES)
    assert outcome.error == "the results are complete, but the report was not made: no room for it"
    before = contents(tmp_path)
    source = fake()
    again = done(reported(tmp_path))
    assert (again.state, again.error, source.given) == ("done", "", 0)
    assert contents(tmp_path) == before and read_report(tmp_path / "out").run.frames == FRAMES
    assert done(reported(tmp_path)).state == "was_done"


def test_another_truth_makes_another_report_and_no_other_results(tmp_path: Path, fake: Any) -> None:
    fake()
    done(reported(tmp_path, truth="none"))
    (tmp_path / "out" / "report.html").unlink()
    source = fake()
    assert done(reported(tmp_path, truth="none", report=False)).state == "was_done"
    assert done(reported(tmp_path, truth="none")).state == "done"
    assert (tmp_path / "out" / "report.html").is_file() and source.given == 0
    missing = done(reported(tmp_path, truth=str(tmp_path / "truth.csv")))
    assert missing.state == "failed" and "truth.csv" in missing.error
    found = load_run_file(tmp_path / "out")
    assert found is not None and found.is_worked_through


def test_a_truth_that_has_changed_since_makes_another_report(tmp_path: Path, fake: Any) -> None:
    truth = tmp_path / "truth.npz"
    points = np.random.default_rng(0).uniform(80.0, 160.0, (FRAMES, 478, 2)).astype(np.float32)
    stamps_ns = np.array([round(index * 1e9 / RATE_HZ) for index in range(FRAMES)])

    def write(shift_px: float) -> None:
        np.savez(truth, landmarks=points + np.float32(shift_px), stamps_ns=stamps_ns)

    def error() -> float | None:
        (found,) = (each for each in read_report(tmp_path / "out").figures if each.key == "accuracy.raw.nme_percent")
        return found.value

    fake()
    write(0.0)
    assert done(reported(tmp_path, truth=str(truth))).state == "done"
    before = error()
    assert done(reported(tmp_path, truth=str(truth))).state == "was_done"
    write(50.0)
    later_s = (tmp_path / "out" / "report.html").stat().st_mtime + 1.0
    os.utime(truth, (later_s, later_s))
    source = fake()
    assert done(reported(tmp_path, truth=str(truth))).state == "done"
    assert source.given == 0 and error() != before
