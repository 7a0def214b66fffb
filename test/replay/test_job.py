"""A job from beginning to end: what it leaves behind, what it says, and what it refuses."""

from __future__ import annotations

import itertools
import json
import tracemalloc
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from replay_sources import FRAMES, CountedSource, contents, done, job, use_fakes
from test_bag_writer import files_at_most

from face1d_ros.errors import SourceBrokenOffError, SourceUnreadableError
from face1d_ros.graph import STAGES
from face1d_ros.replay import frames as frames_module
from face1d_ros.replay import looking_apart
from face1d_ros.replay.job import Job, Progress, run_job
from face1d_ros.replay.run_file import load_run
from face1d_ros.sources.portrait import AnimatedPortrait


def test_what_it_leaves_behind(tmp_path: Path, fake: Any) -> None:
    fake().skipped["size"] += 3
    outcome = done(job(tmp_path, command="face1d replay numbers", settings={"smoothing_node": {"strength": 0.5}}))
    assert (outcome.state, outcome.frames, outcome.announced, outcome.error) == ("done", FRAMES, FRAMES, "")
    assert outcome.duration_s == pytest.approx((FRAMES - 1) / 30.0)
    assert outcome.realtime_factor == pytest.approx(outcome.duration_s / outcome.wall_s)
    assert (outcome.left_out, outcome.damage) == ({"size": 3}, [])
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"results", "run.json"}
    counts = Counter(topic for topic, _, _ in contents(tmp_path))
    assert counts == {f"/{spec.publishes[0].name}": FRAMES for spec in STAGES}
    run = load_run(tmp_path / "out")
    assert run is not None
    assert (run.command, run.source, run.frames) == ("face1d replay numbers", "frames with numbers", FRAMES)
    assert (run.width, run.height) == (320, 240) and run.rate_hz == pytest.approx(30.0)
    assert run.settings == {"smoothing_node": {"strength": 0.5}}
    assert set(run.models) == {spec.stage for spec in STAGES}
    assert run.models["landmarks"].startswith("walking faces, ")
    assert run.left_out == {"size": 3} and run.damage == ()


def test_job_and_outcome_survive_json(tmp_path: Path, fake: Any) -> None:
    fake()
    work = job(tmp_path)
    assert Job(**json.loads(json.dumps(asdict(work)))) == work
    outcome = done(work)
    assert type(outcome)(**json.loads(json.dumps(asdict(outcome)))) == outcome


def test_what_is_odd_about_a_source_is_told(tmp_path: Path, fake: Any) -> None:
    fake().notes = ["2 stamps are earlier than the one before"]
    outcome = done(job(tmp_path))
    assert (outcome.state, outcome.damage) == ("done", [])
    assert outcome.oddities == ["2 stamps are earlier than the one before"]


def test_a_source_that_breaks_off_is_done_and_says_where(tmp_path: Path, fake: Any) -> None:
    fake(FRAMES, 41, SourceBrokenOffError("numbers", "ended after 41 frames"))
    outcome = done(job(tmp_path))
    assert (outcome.state, outcome.frames, outcome.announced, outcome.error) == ("done", 41, FRAMES, "")
    assert outcome.damage == ["source 'numbers': ended after 41 frames"]
    assert Counter(topic for topic, _, _ in contents(tmp_path)) == {f"/{spec.publishes[0].name}": 41 for spec in STAGES}


def test_a_source_that_raises_what_nobody_expects_fails_with_all_before_it(tmp_path: Path, fake: Any) -> None:
    fake(FRAMES, 41, ZeroDivisionError("in a decoder"))
    outcome = done(job(tmp_path))
    assert (outcome.state, outcome.frames) == ("failed", 41)
    assert "ZeroDivisionError: in a decoder (replay_sources.py, line" in outcome.error
    before = contents(tmp_path)
    assert len(before) == 41 * len(STAGES)
    fake()
    again = done(job(tmp_path))
    assert (again.state, again.frames, again.resumed_at) == ("done", FRAMES, 31)
    assert contents(tmp_path)[: len(before)] == before


@pytest.mark.parametrize(("frames", "breaks_at"), [(0, None), (5, 0)])
def test_a_source_that_gives_nothing_fails(tmp_path: Path, fake: Any, frames: int, breaks_at: int | None) -> None:
    fake(frames, breaks_at, SourceUnreadableError("numbers", "holds nothing"))
    outcome = done(job(tmp_path))
    assert (outcome.state, outcome.frames) == ("failed", 0)
    assert ("holds nothing" if breaks_at == 0 else "gives no frame") in outcome.error


def test_a_source_that_is_not_there_leaves_nothing_behind(tmp_path: Path) -> None:
    outcome = done(job(tmp_path, source=str(tmp_path / "nothing.mcap")))
    assert outcome.state == "failed" and "was not found" in outcome.error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("source", "why"), [("portrait", "never ends"), ("/dev/video0", "is a camera"), ("0", "is a camera")]
)
def test_what_never_ends_is_refused(tmp_path: Path, source: str, why: str) -> None:
    outcome = done(job(tmp_path, source=source, max_frames=None))
    assert outcome.state == "failed" and why in outcome.error
    assert not (tmp_path / "out").exists()


def test_settings_that_do_not_exist_are_refused(tmp_path: Path) -> None:
    outcome = done(job(tmp_path, settings={"smoothing_node": {"strenght": 1.0}}))
    assert outcome.state == "failed" and "did you mean 'strength'?" in outcome.error
    assert not (tmp_path / "out").exists()


def test_a_full_disk_keeps_what_is_complete_and_the_job_goes_on_when_there_is_room(tmp_path: Path, fake: Any) -> None:
    fake(120)
    with files_at_most(2_000_000):
        outcome = done(job(tmp_path))
    assert outcome.state == "failed" and "messages before it are complete" in outcome.error
    assert 0 < outcome.frames < 120
    found = contents(tmp_path)
    assert len(found) >= outcome.frames
    fake(120)
    assert done(job(tmp_path)).state == "done"
    fake(120)
    done(job(tmp_path / "whole"))
    assert contents(tmp_path) == contents(tmp_path / "whole")
    assert contents(tmp_path)[: len(found)] == found


def test_the_cameras_calibration_is_that_of_the_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from face1d_ros.geometry.camera_model import Camera

    camera = Camera(320, 240, (300.0, 300.0), (160.0, 120.0))
    told: list[Any] = []
    source = CountedSource(3)
    source.camera = camera
    use_fakes(monkeypatch, source)
    monkeypatch.setattr(frames_module.Pipeline, "set_camera", lambda self, given: told.append(given))
    done(job(tmp_path))
    assert told == [camera]


def test_an_engine_is_never_changed_in_the_middle() -> None:
    configs = frames_module.configured(Job("portrait", "", settings={"mesh_node": {"engine": "tensorrt"}}))
    engines = {name: getattr(config, "engine", None) for name, config in configs.items()}
    assert engines.pop("mesh_node") == "tensorrt" and engines.pop("landmarks_node") is None
    assert set(engines.values()) == {"onnxruntime"}


def test_memory_does_not_grow_with_the_length(tmp_path: Path, fake: Any) -> None:
    fake(220)
    sizes: list[int] = []

    def tell(progress: Progress) -> None:
        if progress.frames in (100, 220):
            sizes.append(tracemalloc.get_traced_memory()[0])

    tracemalloc.start()
    try:
        run_job(job(tmp_path), tell, lambda: False)
    finally:
        tracemalloc.stop()
    assert sizes[1] - sizes[0] < 250_000


def test_the_portrait_with_the_real_detector(tmp_path: Path) -> None:
    outcome = done(job(tmp_path, max_frames=12))
    assert (outcome.state, outcome.frames) == ("done", 12)
    stamps_ns = [stamp_ns for topic, stamp_ns, _ in contents(tmp_path) if topic == "/face1d/landmarks_raw"]
    assert stamps_ns == [frame.header.stamp_ns for frame in AnimatedPortrait(length=12).frames()]


def died_at(frame: int, monkeypatch: pytest.MonkeyPatch, times: int) -> list[int]:
    """The process that looks at the frames kills itself when it has processed so many, in the first so many tries."""
    tries: list[int] = []
    start, started = looking_apart.START, looking_apart._start_process
    dying = start.replace(
        "main(int",
        "import os\n"
        "from face1d_ros.stages.landmarks import LandmarksStage\n"
        f"process, left = LandmarksStage.process, iter(range({frame}))\n"
        "LandmarksStage.process = lambda *given: process(*given) if next(left, None) is not None else os.kill(0, 9)\n"
        "main(int",
    )

    def start_process(*given: Any) -> Any:
        tries.append(len(tries))
        monkeypatch.setattr(looking_apart, "START", dying if len(tries) <= times else start)
        return started(*given)

    monkeypatch.setattr(looking_apart, "_start_process", start_process)
    return tries


def test_where_the_process_dies_that_looks_it_goes_on_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = died_at(45, monkeypatch, times=1)
    outcome = done(job(tmp_path, max_frames=60))
    assert (outcome.state, outcome.frames, outcome.error, len(tries)) == ("done", 60, "", 2)
    assert 0 < outcome.resumed_at <= 45
    (odd,) = outcome.oddities
    assert "has died (by signal 9)" in odd and odd.endswith("tried again")
    found = contents(tmp_path)
    assert done(job(tmp_path / "whole", max_frames=60)).state == "done"
    assert contents(tmp_path / "whole") == found


def test_where_it_dies_again_that_is_told_and_what_is_done_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = died_at(45, monkeypatch, times=2)
    outcome = done(job(tmp_path, max_frames=200))
    assert (outcome.state, len(tries)) == ("failed", 2)
    assert "has died (by signal 9)" in outcome.error and outcome.frames > 45


def test_whoever_ends_all_processes_at_once_has_stopped_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    died_at(20, monkeypatch, times=2)
    asked = itertools.count(1)  # after each frame, and after the death
    outcome = run_job(job(tmp_path, max_frames=60), lambda progress: None, lambda: next(asked) > 20)
    assert (outcome.state, outcome.error, outcome.frames) == ("stopped", "", 20)
