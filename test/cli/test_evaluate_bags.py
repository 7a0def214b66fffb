"""`face1d evaluate bags`, with replays that are made by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from evaluate.test_bags import REPORTS

from face1d_ros.cli import evaluate_bags
from face1d_ros.cli.main import face1d
from face1d_ros.replay.job import DONE, FAILED, Job, Outcome

Run = Callable[..., tuple[Result, list[Job]]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """The command on videos of these names, and the jobs that it did."""
    jobs: list[Job] = []

    def replayed(job: Job, *_: Any) -> Outcome:
        jobs.append(job)
        name = Path(job.folder).name
        if name not in REPORTS:
            return Outcome(job.source, job.folder, FAILED, error="nothing could be read")
        Path(job.folder).mkdir(parents=True, exist_ok=True)
        content = {"format": 1, **REPORTS[name]}
        (Path(job.folder) / "report.json").write_text(json.dumps(content), encoding="utf-8")
        return Outcome(job.source, job.folder, DONE, frames=100)

    def on(*names: str, options: tuple[str, ...] = ()) -> tuple[Result, list[Job]]:
        for name in names:
            (tmp_path / f"{name}.mp4").touch()
        sources = [str(tmp_path / f"{name}.mp4") for name in names]
        out = ("--out", str(tmp_path / "out"))
        return CliRunner().invoke(face1d, ["evaluate", "bags", *sources, *out, *options]), jobs

    monkeypatch.setattr(evaluate_bags, "run_job", replayed)
    return on


def test_each_bag_and_the_mean_are_printed_and_written(run: Run, tmp_path: Path) -> None:
    result, _ = run(*REPORTS, options=("--json", str(tmp_path / "bags.json")))
    assert result.exit_code == 0, result.output
    assert "accuracy.raw.nme_percent" in result.output and "mean of 3" in result.output
    found = json.loads((tmp_path / "bags.json").read_text(encoding="utf-8"))
    assert [row["sequence"] for row in found["rows"] if row["part"] == "sequence"] == list(REPORTS)
    assert found["command"] == "evaluate bags" and found["conditions"]["bags"] == list(REPORTS)


def test_groups_of_bags_are_compared(run: Run, tmp_path: Path) -> None:
    (tmp_path / "groups.csv").write_text("sequence,light\ndark_*,dark\nday_*,day\n", encoding="utf-8")
    result, _ = run(*REPORTS, options=("--groups", str(tmp_path / "groups.csv")))
    assert "Largest gaps between groups: light" in result.output and "group day is too small" in result.output


def test_groups_whose_names_look_like_markup_are_printed_as_they_are(run: Run, tmp_path: Path) -> None:
    (tmp_path / "groups.csv").write_text("sequence,light\ndark_*,[/]\nday_*,[red]\n", encoding="utf-8")
    result, _ = run(*REPORTS, options=("--groups", str(tmp_path / "groups.csv")))
    assert result.exit_code == 0 and "group [/] is too small" in result.output
    assert sum("[red]" in line for line in result.output.splitlines()) > 1


def test_of_a_folder_of_truths_each_bag_takes_the_one_with_its_name(run: Run, tmp_path: Path) -> None:
    (tmp_path / "truths").mkdir()
    (tmp_path / "truths" / "dark_1.npz").touch()
    _, jobs = run("dark_1", "dark_2", options=("--truth", str(tmp_path / "truths")))
    assert [Path(job.truth).name for job in jobs] == ["dark_1.npz", "none"]


def test_a_bag_that_fails_is_told_and_the_others_are_compared(run: Run) -> None:
    result, _ = run("dark_1", "broken")
    assert result.exit_code == 1
    assert "nothing could be read" in result.output and "mean of 1" in result.output


@pytest.mark.parametrize(
    ("text", "says"),
    [("name\n", "begins with ['name']"), ("sequence,light\nday_*,day\n", "names none of the 1 sequences measured")],
)
def test_a_wrong_file_of_groups_is_refused_before_the_replay(run: Run, tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "groups.csv").write_text(text, encoding="utf-8")
    result, jobs = run("dark_1", options=("--groups", str(tmp_path / "groups.csv")))
    assert result.exception is not None and says in str(result.exception) and not jobs
