"""A replay that was interrupted goes on, and ends with the values of one that was not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from replay_sources import CountedSource, Detector68, ForgetfulDetector, WalkingDetector, contents, done, job, use_fakes
from smoothing_bundles import LATE, write_smoother

from face1d_ros.replay import checkpoint
from face1d_ros.replay.frames import NO_CHECKPOINT, NO_STATE, TOO_LITTLE
from face1d_ros.replay.job import Job, Progress, run_job
from face1d_ros.types import FaceLandmarks

FRAMES = 200
Content = list[tuple[str, int, str]]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Callable[..., CountedSource]:
    """Make jobs have the fakes; a source of its own for each run."""

    def use(frames: int = FRAMES, detector: type = WalkingDetector) -> CountedSource:
        source = CountedSource(frames)
        use_fakes(monkeypatch, source, detector)
        return source

    return use


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Content]:
    """What a run without interruption gives."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        use_fakes(patch, CountedSource(FRAMES))
        assert done(job(folder)).state == "done"
    found = contents(folder)
    return lambda: found


def test_stopped_anywhere_and_as_often_as_you_like_it_gives_the_same(
    tmp_path: Path, fake: Callable[..., CountedSource], whole: Callable[[], Content]
) -> None:
    work = job(tmp_path)
    before = 0
    for stop_after in (1, 45, 46, 130):
        fake()
        outcome = done(work, stop_after)
        assert (outcome.state, outcome.frames, outcome.resumed_at) == ("stopped", stop_after, before)
        kept = checkpoint.load_checkpoint(tmp_path / "out")
        assert kept is not None and kept.frames == stop_after
        before = stop_after
    fake()
    outcome = done(work)
    assert (outcome.state, outcome.frames, outcome.resumed_at, outcome.note) == ("done", FRAMES, 130, "")
    assert contents(tmp_path) == whole()
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"results", "run.json"}


def test_what_a_smoother_that_looks_ahead_had_in_hand_is_not_lost(
    tmp_path: Path, fake: Callable[..., CountedSource]
) -> None:
    settings = {"smoothing_node": {"model": str(write_smoother(tmp_path / "late", LATE))}}
    work, other = job(tmp_path, settings=settings), job(tmp_path / "whole", settings=settings)
    for stop_after in (1, 31, 32, None):
        fake(60, Detector68)
        outcome = done(work, stop_after)
    assert (outcome.state, outcome.resumed_at) == ("done", 32)
    fake(60, Detector68)
    done(other)
    found = contents(tmp_path)
    assert found == contents(tmp_path / "whole")
    assert Counter(topic for topic, _, _ in found)["/face1d/landmarks"] == 60 - 2


def test_stopped_while_it_catches_up_nothing_is_lost(
    tmp_path: Path, fake: Callable[..., CountedSource], whole: Callable[[], Content]
) -> None:
    work = job(tmp_path)
    fake()
    done(work, 120)
    for stop_after in (1, 60):
        fake()
        outcome = done(work, stop_after)
        assert (outcome.state, outcome.resumed_at) == ("stopped", 0)
    fake()
    outcome = done(work)
    assert (outcome.state, outcome.resumed_at) == ("done", 120)
    assert contents(tmp_path) == whole()


def test_frames_that_were_worked_through_are_not_detected_again(
    tmp_path: Path, fake: Callable[..., CountedSource], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    detect = WalkingDetector.detect

    def counted(detector: WalkingDetector, image: NDArray[np.uint8]) -> tuple[FaceLandmarks, ...]:
        seen.append(1)
        return detect(detector, image)

    monkeypatch.setattr(WalkingDetector, "detect", counted)
    fake()
    done(job(tmp_path), 100)
    seen.clear()
    fake()
    phases: list[str] = []
    run_job(job(tmp_path), lambda progress: phases.append(progress.phase), lambda: False)
    assert len(seen) == FRAMES - 100
    assert phases == ["resuming"] * 100 + ["replaying"] * (FRAMES - 100)


@pytest.mark.parametrize(
    ("kind", "frames", "kills"), [("fake", 200, 4), pytest.param("real", 70, 2, marks=pytest.mark.slow)]
)
def test_killed_at_random_moments_it_gives_the_same(tmp_path: Path, kind: str, frames: int, kills: int) -> None:
    script = Path(__file__).with_name("killed_runs.py")
    command = [sys.executable, str(script), str(tmp_path), str(frames), kind, "5", str(kills)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    ended = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, env=environment)
    assert ended.returncode == 0, ended.stderr
    told = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")]
    assert sum(line.get("killed", False) for line in told) == kills
    (last,) = (line for line in told if line.get("state") == "done")
    assert last["frames"] == frames and last["resumed_at"] > 0
    folder = tmp_path / "whole"
    with pytest.MonkeyPatch.context() as patch:
        if kind == "fake":
            use_fakes(patch, CountedSource(frames))
        assert done(job(folder, max_frames=frames)).state == "done"
    assert contents(tmp_path) == contents(folder)


def test_without_a_checkpoint_it_begins_anew_and_says_so(
    tmp_path: Path, fake: Callable[..., CountedSource], whole: Callable[[], Content]
) -> None:
    fake()
    done(job(tmp_path), 70)
    checkpoint.remove_checkpoint(tmp_path / "out")
    fake()
    outcome = done(job(tmp_path))
    assert (outcome.state, outcome.resumed_at, outcome.note) == ("done", 0, NO_CHECKPOINT)
    assert contents(tmp_path) == whole()


def test_a_detector_whose_state_cannot_be_saved_begins_anew_and_says_so(
    tmp_path: Path, fake: Callable[..., CountedSource], whole: Callable[[], Content]
) -> None:
    fake(detector=ForgetfulDetector)
    assert done(job(tmp_path), 70).state == "stopped"
    assert checkpoint.load_checkpoint(tmp_path / "out") is None
    fake(detector=ForgetfulDetector)
    outcome = done(job(tmp_path))
    assert (outcome.state, outcome.resumed_at, outcome.note) == ("done", 0, NO_STATE)
    assert contents(tmp_path) == whole()


def test_results_that_are_shorter_than_the_checkpoint_are_made_anew(
    tmp_path: Path, fake: Callable[..., CountedSource], whole: Callable[[], Content]
) -> None:
    fake()
    done(job(tmp_path), 70)
    (bag,) = (tmp_path / "out" / "results").glob("*.mcap")
    with bag.open("r+b") as file:
        file.truncate(bag.stat().st_size // 3)
    fake()
    outcome = done(job(tmp_path))
    assert (outcome.state, outcome.resumed_at, outcome.note) == ("done", 0, TOO_LITTLE)
    assert contents(tmp_path) == whole()


def test_a_source_that_now_gives_other_frames_is_not_gone_on_with(
    tmp_path: Path, fake: Callable[..., CountedSource]
) -> None:
    fake()
    done(job(tmp_path), 70)
    source = fake()
    frames = source.frames
    source.frames = lambda: islice(frames(), 3, None)
    outcome = done(job(tmp_path))
    assert outcome.state == "failed" and "gives other frames than it gave before" in outcome.error


def test_progress_and_time_go_on_where_they_were(tmp_path: Path, fake: Callable[..., CountedSource]) -> None:
    fake()
    first = done(job(tmp_path), 100)
    fake()
    told: list[Progress] = []
    outcome = run_job(job(tmp_path), told.append, lambda: False)
    assert outcome.wall_s > first.wall_s
    assert outcome.duration_s == pytest.approx((FRAMES - 1) / 30.0)
    assert [progress.frames for progress in told] == list(range(1, FRAMES + 1))
    assert all(progress.announced == FRAMES for progress in told)


def test_settings_may_be_written_in_another_way_but_not_changed(
    tmp_path: Path, fake: Callable[..., CountedSource]
) -> None:
    fake()
    done(job(tmp_path), 70)
    fake()
    changed = done(job(tmp_path, settings={"landmarks_node": {"max_faces": 2}}))
    assert changed.state == "failed"
    assert "landmarks_node.max_faces was the default, now 2" in changed.error and "--anew" in changed.error
    fake()
    same: Job = job(tmp_path, settings={"landmarks_node": {"max_faces": 4}})
    assert done(same).resumed_at == 70
