"""`face1d report`: what it reads, writes and prints; and its comparison's exit code."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from replay.report_streams import FIRST_NS, STEP_NS, Stream, write_bag

from face1d_ros.cli.main import face1d
from face1d_ros.errors import ReportError
from face1d_ros.graph import LANDMARKS_RAW
from face1d_ros.replay.bag_writer import BagWriter
from face1d_ros.replay.report.files import read_report
from face1d_ros.replay.run_file import RunFile

FRAMES = 60


def run(*words: str) -> Result:
    result = CliRunner().invoke(face1d, ["report", *words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A replay's folder, with a report."""
    folder = tmp_path_factory.mktemp("replay") / "clip"
    write_bag(folder / "results", Stream().results(range(FRAMES)))
    assert run(str(folder), "--no-pictures").exit_code == 0
    return folder


def content(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return found


def test_the_report_of_a_replay_is_written_into_its_folder(replay: Path) -> None:
    names = {path.name for path in replay.iterdir()}
    assert {"results", "report.html", "report.json", "report.csv", "timelines.csv"} <= names
    assert content(replay)["run"]["frames"] == FRAMES


def test_it_prints_the_main_figures_and_where_the_report_is(replay: Path, tmp_path: Path) -> None:
    result = run(str(replay), "--no-pictures", "--out", str(tmp_path / "out"))
    assert result.exit_code == 0
    assert str(tmp_path / "out" / "report.html") in result.output
    assert "frames with a face" in result.output and "sta2, smoothed" in result.output


def test_a_damaged_bag_has_a_report_and_an_exit_code_of_its_own(replay: Path, tmp_path: Path) -> None:
    shutil.copytree(replay / "results", tmp_path / "bag")
    (recording,) = (tmp_path / "bag").glob("*.mcap")
    os.truncate(recording, recording.stat().st_size // 2)
    result = run(str(tmp_path / "bag"), "--no-pictures", "--out", str(tmp_path / "out"))
    assert result.exit_code == 3 and content(tmp_path / "out")["run"]["damage"]


def test_a_bag_alone_has_its_report_in_the_working_folder(
    replay: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(str(replay / "results"), "--no-pictures").exit_code == 0
    assert content(tmp_path / "results_report")["run"]["source"] == "bag results"


def test_options_may_come_first(replay: Path, tmp_path: Path) -> None:
    assert run("--no-pictures", "--out", str(tmp_path), str(replay)).exit_code == 0
    assert (tmp_path / "report.html").is_file()


def test_a_truth_gives_verdicts(replay: Path, tmp_path: Path) -> None:
    truth = tmp_path / "truth.npz"
    points = np.stack([Stream().truth(frame) for frame in range(FRAMES)])
    np.savez(truth, stamps_ns=FIRST_NS + STEP_NS * np.arange(FRAMES), landmarks=points, data="synthetic")
    result = run(str(replay), "--no-pictures", "--out", str(tmp_path / "out"), "--truth", str(truth))
    assert result.exit_code == 0 and "pass  NME" in result.output and "synthetic data" in result.output
    report = read_report(tmp_path / "out")
    assert report.truth == "truth.npz" and len(report.verdicts) == 7


def test_a_report_made_anew_has_the_truth_that_the_replay_had(tmp_path: Path) -> None:
    folder = tmp_path / "clip"
    write_bag(folder / "results", Stream().results(range(20)))
    truth = tmp_path / "truth.csv"
    truth.write_text(f"stamp_ns,label\n{FIRST_NS},neutral\n", encoding="utf-8")
    RunFile("done", {"source": str(tmp_path / "clip.mcap"), "truth": str(truth)}, {}).save(folder)
    for words, says in (((), "truth.csv"), (("--truth", "none"), "")):
        assert run(str(folder), "--no-pictures", *words).exit_code == 0
        assert content(folder)["truth"] == says


def test_a_truth_topic_of_the_bag_is_taken_by_itself(tmp_path: Path) -> None:
    truth = dataclasses.replace(LANDMARKS_RAW, name="face1d/truth")
    bag = BagWriter(tmp_path / "bag", (LANDMARKS_RAW, truth))
    for frame in range(20):
        values = {LANDMARKS_RAW.name: Stream().landmarks(frame), truth.name: Stream().landmarks(frame, 0.0)}
        bag.write(values)
    bag.close()
    for words, says in (((), "topic /face1d/truth of bag"), (("--truth", "none"), "")):
        result = run(str(tmp_path / "bag"), "--no-pictures", "--out", str(tmp_path / "out"), *words)
        assert result.exit_code == 0 and content(tmp_path / "out")["truth"] == says


def test_what_is_no_bag_is_refused(replay: Path, tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="does not exist"):
        run(str(tmp_path / "nothing"))
    with pytest.raises(ReportError, match="is no bag and no folder of a replay"):
        run(str(tmp_path))
    with pytest.raises(ReportError, match="it holds the replays clip: name one of them"):
        run(str(replay.parent))


def test_help_shows_both_ways() -> None:
    for words in (("--help",), ("-h",)):
        output = run(*words).output
        assert "report RESULTS [OPTIONS]" in output and "report compare A B [OPTIONS]" in output
    assert "--truth" in run("RESULTS", "--help").output


def worsened(folder: Path, to: Path, key: str, factor: float) -> Path:
    """A copy of a report with one figure changed."""
    changed = content(folder)
    for figure in changed["figures"]:
        if figure["key"] == key:
            figure["value"] *= factor
    to.mkdir()
    (to / "report.json").write_text(json.dumps(changed), encoding="utf-8")
    return to


def test_the_same_report_compares_as_the_same(replay: Path) -> None:
    result = run("compare", str(replay), str(replay / "report.json"))
    assert result.exit_code == 0 and "0 worse, 0 better" in result.output


def test_what_got_worse_beyond_the_threshold_fails(replay: Path, tmp_path: Path) -> None:
    key = "stability.smoothed.sta1_percent"
    other = worsened(replay, tmp_path / "b", key, 1.2)
    written = tmp_path / "compared.json"
    result = run("compare", str(replay), str(other), "--json", str(written))
    assert result.exit_code == 1 and key in result.output and "+20.0 %" in result.output
    assert "1 worse" in result.output
    compared = json.loads(written.read_text(encoding="utf-8"))
    assert compared["pass"] is False and compared["counts"]["worse"] == 1
    assert run("compare", str(replay), str(other), "--threshold", "25").exit_code == 0
    assert run("compare", str(replay), str(other), "--ignore", "stability").exit_code == 0
    assert run("compare", str(other), str(replay)).exit_code == 0


def test_all_prints_what_stayed_the_same(replay: Path) -> None:
    assert "drops.mesh_percent" in run("compare", str(replay), str(replay), "--all").output


def test_names_that_look_like_markup_are_printed_as_they_are(replay: Path, tmp_path: Path) -> None:
    changed = content(replay)
    for one in changed["figures"]:
        one["name"] = f"[/] {one['name']}"
    (tmp_path / "report.json").write_text(json.dumps(changed), encoding="utf-8")
    assert "[/] sta1, smoothed" in run("compare", str(tmp_path), str(replay), "--all").output


def test_a_report_that_is_not_there_is_named(replay: Path, tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"report\.json"):
        run("compare", str(replay), str(tmp_path))


def test_what_only_one_report_has_is_listed_by_section(replay: Path, tmp_path: Path) -> None:
    changed = content(replay)
    changed["figures"] = [
        one for one in changed["figures"] if not one["key"].startswith(("latency.mesh", "drops.mesh"))
    ]
    (tmp_path / "report.json").write_text(json.dumps(changed), encoding="utf-8")
    result = run("compare", str(replay), str(tmp_path))
    assert result.exit_code == 0
    assert "only A: latency.mesh.* (3), drops.* (2)" in result.output
