from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import pytest
from stopwatch import time_to_end_s

from face1d_ros.cli.bench_graph import measure
from face1d_ros.cli.graph_cases import CASES, FLOOD_CASE, TARGET_CASE, TARGETS, Case, Result, evaluate, targets
from face1d_ros.cli.graph_processes import GraphRun
from face1d_ros.cli.supervisor import Supervisor
from face1d_ros.errors import ProcessError

ROOT = Path(__file__).parents[2]
MS = 1_000_000


def results(ages_ms: list[float], *, dropped_before: dict[int, int] | None = None) -> tuple[list[int], list[Result]]:
    """A run of images every 10 ms, of which some were dropped before the i-th was answered; the detector takes 4 ms."""
    seen, dropped = [Result("warm_up", 0, 10 * MS, 0.004, 5, 5, 0, 1)], 0
    stamps = []
    for index, age_ms in enumerate(ages_ms):
        for _ in range((dropped_before or {}).get(index, 0)):
            dropped += 1
            stamps.append((len(stamps) + 1) * 10 * MS)
        stamps.append((len(stamps) + 1) * 10 * MS)
        received = stamps[-1] + int(age_ms * MS)
        count = 6 + len(stamps) - 1
        seen.append(Result("measured", stamps[-1], received, 0.004, count, count - dropped, dropped, 1))
    count = 6 + len(stamps)
    seen.append(Result("last", stamps[-1] + 10 * MS, 0, 0.004, count, count - dropped, dropped, 1))
    return stamps, seen


def test_added_age_is_the_age_without_the_detectors_time():
    row = evaluate(TARGET_CASE, *results([6.0] * 50 + [10.0] * 50))
    assert row["added_p50_ms"] == pytest.approx(4.0, abs=1e-6)
    assert row["added_max_ms"] == pytest.approx(6.0, abs=1e-6)
    assert (row["answered"], row["lost"], row["dropped"], row["exact"]) == (1.0, 0, 0, True)
    assert (row["age_first_third_ms"], row["age_last_third_ms"]) == (6.0, 10.0)


def test_each_case_has_a_verdict_of_its_own():
    rows = [evaluate(case, *results([5.0] * 100)) for case in CASES]
    verdicts = targets(rows)
    assert {key: target.passed for key, target in verdicts.items()} == dict.fromkeys(verdicts, True)
    assert {case.name for _, case, *_ in TARGETS} == {case.name for case in CASES}
    for number, case in enumerate(CASES):
        missing = targets(rows[:number] + rows[number + 1 :])
        assert {key for key, target in missing.items() if not target.passed} == {
            key for key, of, *_ in TARGETS if of is case
        }


def test_a_flood_that_piles_up_or_loses_count_fails():
    growing = evaluate(FLOOD_CASE, *results([5.0 + 0.1 * index for index in range(100)]))
    assert not targets([growing])["graph.age_slope_120hz_ms_per_s"].passed
    stamps, seen = results([5.0] * 20)
    uncounted = evaluate(FLOOD_CASE, stamps, [*seen[:5], *seen[6:]])
    assert not targets([uncounted])["graph.exact_120hz"].passed
    shrinking = evaluate(FLOOD_CASE, *results([15.0 - 0.1 * index for index in range(100)]))
    assert targets([shrinking])["graph.age_slope_120hz_ms_per_s"].passed


def test_lost_and_dropped_images_are_told_apart():
    stamps, seen = results([5.0] * 20, dropped_before={3: 2, 7: 1})
    row = evaluate(TARGET_CASE, [*stamps, 10**12], seen)
    assert (row["published"], row["lost"], row["dropped"], row["exact"]) == (24, 1, 3, True)
    assert row["answered"] == pytest.approx(20 / 24)


def test_accounts_that_do_not_add_up_are_not_exact():
    stamps, seen = results([5.0] * 20)
    wrong = [*seen[:5], *seen[6:]]
    assert evaluate(TARGET_CASE, stamps, wrong)["exact"] is False
    seen[4] = Result(**{**vars(seen[4]), "dropped": 1})
    assert evaluate(TARGET_CASE, stamps, seen)["exact"] is False


def test_an_age_that_grows_is_seen():
    row = evaluate(TARGET_CASE, *results([5.0 + 0.1 * index for index in range(100)]))
    assert row["age_slope_ms_per_s"] == pytest.approx(10.0, rel=1e-3)


def test_nothing_answered_passes_nothing():
    stamps, seen = results([5.0] * 5)
    row = evaluate(TARGET_CASE, stamps, [seen[0]])
    assert row["answered"] == 0.0
    assert not any(target.passed for target in targets([row]).values())


def test_images_go_through_the_graph_and_every_one_is_accounted_for():
    (row,) = measure(120, (Case(640, 480, 120.0),)).rows
    assert row["exact"] is True
    assert row["published"] == 120
    assert round(row["answered"] * 120) + row["dropped"] + row["lost"] == 120
    assert row["answered"] > 0.1
    assert row["with_face"] == 1.0
    assert 0.0 < row["added_p50_ms"] < row["age_p50_ms"] < 200.0 + 10.0 * row["detector_p50_ms"]


def test_ctrl_c_ends_it_quietly_and_leaves_no_process(tmp_path: Path):
    path = tmp_path / "graph.json"
    process = subprocess.Popen(
        [sys.executable, "-m", "face1d_ros.cli", "bench", "graph", "--json", str(path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    assert "640x480 at 30 Hz: 1000 frames" in process.stdout.readline()
    children: list[str] = []
    give_up_s = time.monotonic() + 20.0
    while len(children) < 3 and time.monotonic() < give_up_s:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        time.sleep(0.02)
    assert len(children) == 3
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    assert time_to_end_s(process) < 4.0
    output = process.communicate(timeout=10)[0]
    assert process.returncode == 130, output
    assert "Traceback" not in output
    assert not path.exists()
    assert not any(Path(f"/proc/{child}").exists() for child in children)


@pytest.mark.parametrize("interrupted", [True, False])
def test_a_run_that_was_interrupted_counts_for_nothing_however_complete(
    interrupted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run(self: GraphRun) -> None:
        self._supervisor = Supervisor([], lambda *_: None, lambda *_: None)
        self._supervisor.is_interrupted = interrupted

    monkeypatch.setattr(GraphRun, "_run", run)
    with pytest.raises(KeyboardInterrupt) if interrupted else nullcontext():
        GraphRun({}, lambda *_: None).run(lambda: True)
    with pytest.raises(KeyboardInterrupt if interrupted else ProcessError):
        GraphRun({}, lambda *_: None).run(lambda: False)
