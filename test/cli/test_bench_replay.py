"""`face1d bench replay`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from job_in_process import fake_job

from face1d_ros.cli import bench_bags, bench_replay
from face1d_ros.cli.bench_bags import JPEG_BYTES, frames_of, jpegs, write_jpeg, write_raw
from face1d_ros.cli.bench_replay import LONG, RAW, ask_for_room, memory_row, speed_row, targets
from face1d_ros.cli.job_process import Sample, Watched, watched
from face1d_ros.cli.main import face1d
from face1d_ros.cli.process_usage import Usage
from face1d_ros.errors import InvalidValueError, ProcessError, RecordingError
from face1d_ros.replay.job import Job, Outcome
from face1d_ros.sources import open_source

ROOT = Path(__file__).parents[2]
Disk = namedtuple("Disk", "total used free")


def nothing(*_: object) -> None:
    """Where nobody wants to know."""


def outcome(frames: int, **changed: Any) -> Outcome:
    return Outcome(**{"source": "bag", "folder": "out", "state": "done", "frames": frames, **changed})


def run(frames: int, wall_s: float, memory_mb: Callable[[int], float], report_mb: float = 0.0) -> Watched:
    """A replay with a sample every tenth frame, which ends with a report of two seconds."""
    step_s = (wall_s - 2.0) / frames
    samples = [
        Sample(frame, False, Usage(frame * step_s, frame * step_s, memory_mb(frame))) for frame in range(0, frames, 10)
    ]
    for at_s in (wall_s - 2.0, wall_s):
        samples.append(Sample(frames, True, Usage(at_s, at_s, memory_mb(frames) + report_mb)))
    return Watched(outcome(frames), wall_s, tuple(samples))


@pytest.mark.parametrize("compressed", [False, True])
def test_a_bag_holds_the_portrait_at_its_rate(tmp_path: Path, compressed: bool) -> None:
    written: list[int] = []
    if compressed:
        write_jpeg(tmp_path / "bag", jpegs(0.1, nothing), 8, lambda: written.append(1))
    else:
        write_raw(tmp_path / "bag", 8 / 30, lambda: written.append(1))
    with open_source(str(tmp_path / "bag"), clock=time.time_ns) as source:
        frames = list(source.frames())
    assert len(frames) == len(written) == 8
    stamps_ns = [frame.header.stamp_ns for frame in frames]
    assert np.diff(stamps_ns) == pytest.approx(1e9 / 30, abs=2)
    assert {frame.image.shape for frame in frames} == {(480, 640, 3)}
    assert frames[0].image.std() > 20.0
    if compressed:
        assert np.array_equal(frames[0].image, frames[4].image), "three images: forwards and backwards in turn"
        assert not np.array_equal(frames[0].image, frames[2].image)


def test_an_image_takes_no_more_room_than_is_asked_for() -> None:
    assert max(len(data) for data in jpegs(0.5, nothing)) < JPEG_BYTES


def test_too_small_a_disk_is_refused_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: Disk(10**12, 0, 10**9))
    ask_for_room(tmp_path, 100, 100)
    with pytest.raises(RecordingError, match=r"need 2\.\d GB.*has 1\.0 GB.*--folder"):
        ask_for_room(tmp_path, 1800, 18000)


def test_speed_is_the_bags_time_by_the_whole_jobs_median_over_rounds() -> None:
    flat = lambda frame: 300.0  # noqa: E731
    row = speed_row(RAW, [run(1800, wall_s, flat, 40.0) for wall_s in (10.0, 12.0, 60.0)])
    assert row["realtime_factor"] == pytest.approx(5.0) and row["wall_s"] == 12.0
    assert row["realtime_factor_spread"] == pytest.approx(6.0 - 1.0)
    assert (row["peak_mb"], row["report_s"], row["cpu_s"]) == (340.0, pytest.approx(2.0), pytest.approx(12.0))


def test_memory_that_grows_with_the_bag_is_seen_and_what_is_loaded_at_first_is_not() -> None:
    leaking = run(18000, 100.0, lambda frame: 300.0 + 0.01 * frame)
    row = memory_row(leaking, [320.0])
    assert row["growth_mb"] == pytest.approx((0.975 - 0.2) * 180.0, abs=1.0)
    assert row["slope_mb_per_min"] == pytest.approx(18.0, rel=0.01)
    assert row["longer_mb"] == pytest.approx(480.0 - 320.0, abs=1.0)
    loading = memory_row(run(18000, 100.0, lambda frame: min(300.0, frame)), [300.0])
    assert (loading["growth_mb"], loading["longer_mb"]) == (0.0, 0.0)


def test_a_report_that_takes_more_memory_for_a_longer_bag_is_seen() -> None:
    row = memory_row(run(18000, 100.0, lambda frame: 300.0, report_mb=90.0), [330.0, 330.0, 900.0])
    assert (row["growth_mb"], row["longer_mb"]) == (0.0, 60.0)
    assert not targets([{"part": "memory", **row}])["replay.memory_growth_mb"].passed


def test_targets_are_the_slower_bag_and_the_larger_growth() -> None:
    rows = [
        {"part": "speed", "realtime_factor": 7.0},
        {"part": "speed", "realtime_factor": 4.9},
        {"part": "memory", "realtime_factor": 1.0, "growth_mb": 12.0, "longer_mb": -3.0},
    ]
    found = {key: (target.value, target.passed) for key, target in targets(rows).items()}
    assert found == {"replay.realtime_factor": (4.9, False), "replay.memory_growth_mb": (12.0, True)}
    unknown = targets([{"part": "memory", "growth_mb": None, "longer_mb": 1.0}])
    assert not any(target.passed for target in unknown.values())


def test_a_job_is_watched_in_a_process_of_its_own() -> None:
    told: list[int] = []
    done = watched(Job("bag", "out", topic="40"), told.append, fake_job)
    assert done.outcome == outcome(40) and done.wall_s > 0.0 and done.cpu_s >= 0.0
    assert told[-1] == 40
    assert done.samples[0].frames == 0 and done.samples[-1].is_reporting
    assert all(sample.usage.resident_mb > 1.0 for sample in done.samples)


@pytest.mark.parametrize(
    ("job", "says"),
    [
        (Job("bag", "out", topic="3", command="fails"), "ended as 'failed': it did not work"),
        (Job("bag", "out", topic="dies"), "died after 0 frames"),
    ],
)
def test_a_job_that_fails_or_dies_is_no_measurement(job: Job, says: str) -> None:
    with pytest.raises(ProcessError, match=says):
        watched(job, nothing, fake_job)


@pytest.fixture
def replayed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Job]:
    """Small bags, and jobs that are only noted."""
    jobs: list[Job] = []

    def watch(job: Job, tell: Callable[[int], None]) -> Watched:
        jobs.append(job)
        Path(job.folder).mkdir()
        with open_source(job.source, clock=time.time_ns) as source:
            frames = sum(1 for _ in source.frames())
        tell(frames)
        return run(frames, 2.5, lambda frame: 300.0)

    monkeypatch.setattr(bench_replay, "watched", watch)
    monkeypatch.setattr(bench_bags, "WIDTH", 64)
    monkeypatch.setattr(bench_bags, "HEIGHT", 48)
    return jobs


def test_a_short_run_replays_each_bag_by_turns_and_leaves_nothing(tmp_path: Path, replayed: list[Job]) -> None:
    path, place = tmp_path / "replay.json", tmp_path / "place"
    place.mkdir()
    options = ["--seconds", "1", "--minutes", "0.1", "--rounds", "2", "--folder", str(place), "--json", str(path)]
    done = CliRunner().invoke(face1d, ["bench", "replay", *options], catch_exceptions=False)
    assert done.exit_code == 0 and "replay.realtime_factor" in done.output
    assert [Path(job.source).name for job in replayed] == ["raw", "jpeg", "raw", "jpeg", "long"]
    assert all(job.report and job.pictures for job in replayed)
    written = json.loads(path.read_text(encoding="utf-8"))
    frames = [(row["bag"], row["frames"]) for row in written["rows"]]
    assert frames == [(RAW, 30), ("JPEG", 30), (LONG, 180)]
    assert set(written["targets"]) == {"replay.realtime_factor", "replay.memory_growth_mb"}
    assert written["targets"]["replay.realtime_factor"]["value"] == pytest.approx(1.0 / 2.5)
    assert len(written["conditions"]["data_sha256"]) == 64
    assert not any(place.iterdir())


def test_the_long_bag_must_not_be_the_shorter_one(replayed: list[Job]) -> None:
    with pytest.raises(InvalidValueError, match="minutes"):
        bench_replay.measure(60.0, 0.5, 1)
    assert replayed == []


def test_a_part_of_a_frame_is_a_frame() -> None:
    assert (frames_of(1.0), frames_of(1.01), frames_of(0.001)) == (30, 31, 2)


def test_one_that_is_ended_leaves_no_bags(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "face1d_ros.cli", "bench", "replay", "--folder", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE) as bench:
        deadline_s = time.monotonic() + 60.0
        while not list(tmp_path.glob("*/raw/*.mcap")):
            assert bench.poll() is None and time.monotonic() < deadline_s
            time.sleep(0.05)
        bench.terminate()
        bench.communicate(timeout=60.0)
    assert bench.returncode == 130 and not list(tmp_path.iterdir())
