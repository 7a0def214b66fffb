"""`face1d bench graph`: the chain of all stages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from face1d_ros.cli import process_usage
from face1d_ros.cli.bench_graph import chosen, rates
from face1d_ros.cli.graph_chain import ALL, FIXED, SEARCH, Take, highest_row, process_rows, stage_rows
from face1d_ros.cli.main import face1d
from face1d_ros.cli.process_usage import Usage, cpu_percent, usage_of, usage_with_children
from face1d_ros.errors import InvalidValueError, ProcessError
from face1d_ros.graph import LANDMARKS, SMOOTHING, STAGES

MS = 1_000_000
SPECS = (LANDMARKS, SMOOTHING)
FIRST, SECOND = (spec.publishes[0].name for spec in SPECS)


def take(age_ms: float, *, lost: int = 0, number: int = 0, kind: str = FIXED) -> Take:
    """Twenty images at 50 Hz; the second stage is 3 ms behind the first, and lacks the last images."""
    stamps_ns = [index * 20 * MS for index in range(20)]
    results = {
        FIRST: [(stamp, stamp + int(age_ms * MS), 0.004, stamp // (20 * MS) // 10, 1) for stamp in stamps_ns],
        SECOND: [(stamp, stamp + int((age_ms + 3.0) * MS), 0.001, 0, 1) for stamp in stamps_ns[: 20 - lost]],
    }
    before = {"landmarks": Usage(100.0, 5.0, 200.0)}
    after = {"landmarks": Usage(102.0, 6.0 + number, 210.0 + number)}
    return Take(kind, number, 50.0, 20, stamps_ns, results, before, after)


def test_ages_are_of_frames_matched_by_stamp_and_all_stages_is_the_last_of_them() -> None:
    rows = {row["what"]: row for row in stage_rows([take(5.0)], SPECS)}
    assert rows["landmarks"]["age_p50_ms"] == pytest.approx(5.0)
    assert rows["smoothing"]["age_p99_ms"] == pytest.approx(8.0)
    assert rows[ALL]["age_p50_ms"] == pytest.approx(8.0)
    assert rows["landmarks"]["stage_p50_ms"] == pytest.approx(4.0)
    assert rows["landmarks"]["kept_hz"] == pytest.approx(50.0)
    assert (rows["landmarks"]["dropped"], rows["smoothing"]["dropped"]) == (1.0, 0.0)


def test_a_frame_that_a_stage_lacks_is_lost_for_all() -> None:
    rows = {row["what"]: row for row in stage_rows([take(5.0, lost=2)], SPECS)}
    assert (rows["landmarks"]["loss"], rows["smoothing"]["loss"], rows[ALL]["loss"]) == (0.0, 0.1, 0.1)


def test_results_of_images_that_are_not_measured_do_not_count() -> None:
    odd = take(5.0)
    odd.results[FIRST].append((999 * MS, 9999 * MS, 0.004, 0, 1))
    assert stage_rows([odd], SPECS)[0]["age_p99_ms"] == pytest.approx(5.0)


def test_rows_are_medians_over_the_rounds_with_their_range() -> None:
    rounds = [take(age_ms, number=number) for number, age_ms in enumerate((5.0, 50.0, 6.0))]
    (row, *_) = stage_rows([*rounds, take(1.0, kind=SEARCH)], SPECS)
    assert (row["pace"], row["age_p50_ms"]) == ("50 Hz", pytest.approx(6.0))
    assert row["age_p50_ms_spread"] == pytest.approx(45.0)


def test_a_stage_without_any_result_has_lost_everything() -> None:
    silent = take(5.0, lost=20)
    rows = {row["what"]: row for row in stage_rows([silent], SPECS)}
    assert (rows["smoothing"]["loss"], rows["smoothing"]["age_p50_ms"], rows[ALL]["loss"]) == (1.0, None, 1.0)


def test_a_process_is_told_in_percent_of_one_core_and_by_its_largest_memory() -> None:
    (row,) = process_rows([take(5.0, number=number) for number in range(3)])
    assert row["cpu_percent"] == pytest.approx(100.0) and row["cpu_percent_spread"] == pytest.approx(100.0)
    assert row["resident_mb"] == 212.0


def test_the_highest_rate_is_the_median_of_the_rounds() -> None:
    row = highest_row([50.0, 80.0, 60.0], [take(5.0), take(5.0, kind=SEARCH)])
    assert (row["rate_hz"], row["rate_hz_spread"], row["rates_tried"]) == (60.0, 30.0, 1)
    assert highest_row([None], [])["rate_hz"] is None


@pytest.mark.parametrize(
    ("stages", "says"),
    [("mush", "mush.*some of landmarks"), ("smoothing", "also landmarks"), ("landmarks,mesh", "the stage that makes")],
)
def test_chains_that_cannot_run_are_refused(stages: str, says: str) -> None:
    with pytest.raises(InvalidValueError, match=says):
        chosen(stages)


def test_all_stages_are_the_default() -> None:
    assert [spec.stage for spec in chosen("")] == [spec.stage for spec in STAGES]


@pytest.mark.parametrize("text", ["", "10,", "ten", "0", "10,1000", "nan"])
def test_rates_that_no_camera_has_are_refused(text: str) -> None:
    with pytest.raises(InvalidValueError, match="rates"):
        rates(text)


def test_rates_rise_and_come_once() -> None:
    assert rates("30, 10,30") == (10.0, 30.0)


def test_this_process_takes_time_and_memory() -> None:
    before = usage_of(os.getpid())
    while usage_of(os.getpid()).cpu_s == before.cpu_s:
        sum(range(10_000))
    after = usage_of(os.getpid())
    assert after.resident_mb > 5.0 and cpu_percent(before, after) > 0.0


def test_children_count_while_they_live_and_after() -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
    busy = "while True: pass"
    before = usage_with_children(os.getpid())
    with subprocess.Popen([sys.executable, "-c", code, busy]) as child:
        try:
            while usage_with_children(child.pid).cpu_s < 0.3:
                time.sleep(0.02)
            assert usage_of(child.pid).cpu_s < usage_with_children(child.pid).cpu_s
            assert usage_with_children(os.getpid()).resident_mb > before.resident_mb + 5.0
        finally:
            subprocess.run(["pkill", "-P", str(child.pid)], check=True)
    after = usage_with_children(os.getpid())
    assert after.cpu_s - before.cpu_s >= 0.3 and after.resident_mb < before.resident_mb + 5.0


def test_a_process_that_is_gone_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(process_usage, "PROC", tmp_path)
    with pytest.raises(ProcessError, match="process 7 cannot be measured"):
        usage_of(7)


def test_a_name_with_spaces_and_brackets_is_read_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    fields = ["S", *["0"] * 10, "300", "50", *["0"] * 30]
    (tmp_path / "7" / "stat").write_text(f"7 (a) b) {' '.join(fields)}")
    (tmp_path / "7" / "statm").write_text("900 100 3")
    monkeypatch.setattr(process_usage, "PROC", tmp_path)
    usage = usage_of(7)
    assert usage.cpu_s == pytest.approx(350 / os.sysconf("SC_CLK_TCK"))
    assert usage.resident_mb == pytest.approx(100 * os.sysconf("SC_PAGE_SIZE") / 1e6)


def test_images_go_through_the_chain_and_each_stage_answers(tmp_path: Path) -> None:
    path = tmp_path / "graph.json"
    options = ["--only", "stages", "--stages", "landmarks,smoothing", "--rates", "8", "--seconds", "1"]
    arguments = ["bench", "graph", *options, "--rounds", "2", "--no-highest", "--json", str(path)]
    done = CliRunner().invoke(face1d, arguments, catch_exceptions=False)
    assert done.exit_code == 0 and "round 2 of 2, 8 Hz: 8 frames" in done.output
    written = json.loads(path.read_text(encoding="utf-8"))
    stages = {row["what"]: row for row in written["rows"] if row["part"] == "stages"}
    assert list(stages) == ["landmarks", "smoothing", ALL]
    assert stages["landmarks"]["loss"] < 1.0
    assert 0.0 < stages["landmarks"]["age_p50_ms"] <= stages[ALL]["age_p50_ms"]
    processes = {row["process"]: row for row in written["rows"] if row["part"] == "processes"}
    assert set(processes) == {"landmarks", "smoothing", "listener", "camera"}
    assert all(row["resident_mb"] > 20.0 for row in processes.values())
    assert len(written["conditions"]["data_sha256"]) == 64
    assert written["targets"] == {}
