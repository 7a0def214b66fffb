"""`face1d evaluate all`: what is run, what is kept, and what is written, with measurements that are made by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from evaluate.measured_rows import everything, measurement
from rich.console import Console

from face1d_ros.cli import evaluate_all_run
from face1d_ros.cli.evaluate_all_run import DONE, FAILED, KEPT, Outcome, run_step, run_steps
from face1d_ros.cli.evaluate_all_steps import SYNTHETIC, Step, Wishes, kept, note_of, steps
from face1d_ros.cli.main import face1d
from face1d_ros.errors import CorpusError, Face1dError, InvalidValueError

MADE_BY_HAND = everything() | {
    "smoothing": measurement("evaluate smoothing", []),
    "representations": measurement("evaluate representations", []),
}
Run = Callable[..., Result]


@pytest.fixture
def test_set(tmp_path: Path) -> Path:
    """The folder of a test set, without its sequences."""
    for part in ("general", "identity"):
        (tmp_path / "set" / part).mkdir(parents=True)
        plans = {"test_set": "synthetic-test-v1", "part": part}
        (tmp_path / "set" / part / "manifest.json").write_text(json.dumps({"plans": plans}), encoding="utf-8")
    return tmp_path / "set"


def made(step: Step, out: Path) -> Outcome:
    """In place of a process: its measurement, made by hand."""
    (out / f"{step.name}.json").write_text(json.dumps(MADE_BY_HAND[step.name]), encoding="utf-8")
    note_of(step, out).write_text(json.dumps(step.made_of), encoding="utf-8")
    return Outcome(step.name, DONE, 61.0)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command, with the names of what it measured."""
    monkeypatch.setattr(evaluate_all_run, "run_step", made)

    def all_of(*arguments: object) -> Result:
        return CliRunner().invoke(face1d, ["evaluate", "all", *map(str, arguments)])

    return all_of


def test_everything_is_measured_and_written_and_what_is_missed_is_no_failure(
    run: Run, test_set: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    result = run(test_set, "--out", out)
    assert result.exit_code == 0, result.output
    found = json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert set(found["measured"]) == set(SYNTHETIC) and [table["number"] for table in found["tables"]] == [3, 4, 5, 7]
    assert found["measured"]["mesh"]["data"] == "synthetic, synthetic-test-v1/general"
    assert found["measured"]["identity"]["data"] == "synthetic, synthetic-test-v1/identity"
    assert "fail  smoothing.occlusion_ratio (68 landmarks) = 0.76" in result.output
    assert (out / "results.md").read_text(encoding="utf-8").startswith("# Results")
    assert (out / "results.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_second_run_of_the_same_measures_nothing(run: Run, test_set: Path, tmp_path: Path) -> None:
    out = ("--out", tmp_path / "out")
    first, second, third = run(test_set, *out), run(test_set, *out), run(test_set, *out, "--anew")
    assert "1/7 smoothing: 1:01 min" in first.output and "kept" not in first.output
    assert second.output.count(": kept") == 7
    assert "kept" not in third.output


@pytest.mark.parametrize(
    ("changes", "measured_again"),
    [
        ({"quick": True}, set(SYNTHETIC)),
        ({"clips": True}, {"smoothing", "smoothing-68", "mesh", "expression"}),
        ({"groups": True}, {"smoothing", "smoothing-68", "mesh", "expression", "identity"}),
    ],
)
def test_other_options_are_other_measurements(
    changes: dict[str, Any], measured_again: set[str], test_set: Path, tmp_path: Path
) -> None:
    (tmp_path / "clips").mkdir()
    (tmp_path / "groups").write_text("sequence,light\n", encoding="utf-8")
    given = {key: value if key == "quick" else tmp_path / key for key, value in changes.items()}
    for step in steps(Wishes(test_set)):
        made(step, tmp_path)
    again = [step.name for step in steps(Wishes(test_set, **given)) if kept(step, tmp_path) is None]
    assert set(again) == measured_again


def test_other_data_is_measured_again_and_a_moved_folder_is_not(test_set: Path, tmp_path: Path) -> None:
    for step in steps(Wishes(test_set)):
        made(step, tmp_path)
    moved = test_set.rename(tmp_path / "elsewhere")
    assert all(kept(step, tmp_path) is not None for step in steps(Wishes(moved)))
    (moved / "identity" / "manifest.json").write_text("{}", encoding="utf-8")
    assert [step.name for step in steps(Wishes(moved)) if kept(step, tmp_path) is None] == ["identity"]


def test_a_measurement_that_was_damaged_is_measured_again(test_set: Path, tmp_path: Path) -> None:
    (step,) = steps(Wishes(test_set, ("mesh",)))
    made(step, tmp_path)
    (tmp_path / "mesh.json").write_text("{", encoding="utf-8")
    assert kept(step, tmp_path) is None


def test_a_real_dataset_runs_with_every_command_that_reads_it(test_set: Path, tmp_path: Path) -> None:
    found = steps(Wishes(test_set, ("mesh",), roots=(("ck+", tmp_path),)))
    assert [step.name for step in found] == ["mesh", "landmarks-ck+", "expression-ck+", "representations-ck+"]
    assert found[1].arguments == ("landmarks", "--dataset", "ck+", "--root", str(tmp_path))
    assert {step.data for step in found[1:]} == {"real, ck+"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--root", "300vw"), "expected NAME=FOLDER"),
        (("--only", "walking"), "walking"),
        (("--quick", "--page", "."), "--page is for whole measurements"),
    ],
)
def test_wrong_options_are_refused(run: Run, test_set: Path, arguments: tuple[str, ...], says: str) -> None:
    result = run(test_set, *arguments)
    assert result.exit_code == 2 and says in result.output


def test_a_folder_without_the_test_set_is_refused_with_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"no folder general with a manifest.json.*synth make"):
        steps(Wishes(tmp_path))


def test_a_dataset_that_nobody_knows_is_refused(test_set: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError, match="got '300x', expected one of 300w"):
        steps(Wishes(test_set, roots=(("300x", tmp_path),)))


def test_a_measurement_that_fails_is_said_and_the_others_go_on(
    run: Run, test_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(step: Step, out: Path) -> Outcome:
        return Outcome(step.name, FAILED, 1.0, "no face model") if step.name == "mesh" else made(step, out)

    monkeypatch.setattr(evaluate_all_run, "run_step", fails)
    result = run(test_set, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "3/7 mesh: failed after 0:01 min" in result.output and "not measured  mesh" in result.output
    found = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))
    assert found["not_measured"] == {"mesh": "no face model"} and set(found["measured"]) == set(SYNTHETIC) - {"mesh"}


def test_the_page_of_a_checkout_is_written_and_is_current(run: Run, test_set: Path, tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    (checkout / "docs").mkdir(parents=True)
    assert run(test_set, "--out", tmp_path / "out", "--page", checkout).exit_code == 0
    (tmp_path / "out" / "results.md").rename(tmp_path / "results.md")
    assert (checkout / "docs" / "results.md").read_bytes() == (tmp_path / "results.md").read_bytes()
    (checkout / "docs" / "results.md").write_text("changed by hand", encoding="utf-8")
    checked = CliRunner().invoke(face1d, ["docs", "--check", str(checkout)])
    assert checked.exit_code == 1 and "outdated  docs/results.md" in checked.output


def test_a_checkout_without_docs_is_refused_before_anything_runs(run: Run, test_set: Path, tmp_path: Path) -> None:
    result = run(test_set, "--out", tmp_path / "out", "--page", tmp_path)
    assert isinstance(result.exception, Face1dError) and not (tmp_path / "out").exists()


def test_a_process_that_fails_leaves_its_last_words_and_no_measurement(tmp_path: Path) -> None:
    (tmp_path / "walking.json").write_text("{}", encoding="utf-8")
    outcome = run_step(Step("walking", ("walking",), {}), tmp_path)
    assert outcome.state == FAILED and "No such command 'walking'" in outcome.reason
    assert "exit code 2" in outcome.reason and "walking.log" in outcome.reason
    assert not (tmp_path / "walking.json").exists() and kept(Step("walking", (), {}), tmp_path) is None


def test_a_process_that_measures_is_kept_from_then_on(tmp_path: Path) -> None:
    arguments = ("landmarks", "--portrait-frames", "3")
    step = Step("landmarks", arguments, {"of": "now"})
    console = Console(stderr=True)
    assert [one.state for one in run_steps([step], tmp_path, anew=False, console=console)] == [DONE]
    assert json.loads((tmp_path / "landmarks.json").read_text(encoding="utf-8"))["command"] == "evaluate landmarks"
    assert [one.state for one in run_steps([step], tmp_path, anew=False, console=console)] == [KEPT]
