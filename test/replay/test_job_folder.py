"""What lies in a job's folder already: what is done again, what is replaced, and what is left alone."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from replay_sources import FRAMES, contents, done, job

from face1d_ros.errors import SourceUnreadableError
from face1d_ros.graph import STAGES
from face1d_ros.replay import looking_here
from face1d_ros.replay.fingerprint import differences, fingerprint
from face1d_ros.replay.job import Job
from face1d_ros.replay.run_file import load_run_file


def test_what_was_done_is_not_done_again_unless_it_shall_be(tmp_path: Path, fake: Any) -> None:
    fake()
    first = done(job(tmp_path))
    source = fake()
    again = done(job(tmp_path))
    assert (again.state, again.frames, again.duration_s) == ("was_done", first.frames, first.duration_s)
    assert source.given == 0
    assert done(job(tmp_path)).state == "was_done"
    before = contents(tmp_path)
    anew = done(job(tmp_path, anew=True))
    assert (anew.state, anew.resumed_at, source.given) == ("done", 0, FRAMES)
    assert contents(tmp_path) == before


def test_results_of_something_else_are_kept_until_they_shall_be_replaced(tmp_path: Path, fake: Any) -> None:
    fake()
    done(job(tmp_path))
    before = contents(tmp_path)
    refused = done(job(tmp_path, max_frames=30))
    assert refused.state == "failed" and "frames was 10000, now 30" in refused.error and "--anew" in refused.error
    assert contents(tmp_path) == before
    found = load_run_file(tmp_path / "out")
    assert found is not None and found.state == "done"
    fake()
    assert done(job(tmp_path, max_frames=30, anew=True)).frames == 30


def test_what_cannot_be_begun_anew_replaces_nothing(tmp_path: Path, fake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    fake()
    done(job(tmp_path))
    before = contents(tmp_path)

    def refuse(*_: object, **__: object) -> None:
        raise SourceUnreadableError("numbers", "holds no image topic")

    monkeypatch.setattr(looking_here, "open_configured", refuse)
    assert done(job(tmp_path, anew=True)).state == "failed"
    assert contents(tmp_path) == before


@pytest.mark.parametrize(("request_", "resumed_at"), [("one", 31), ("another", 0)])
def test_a_second_try_of_one_request_goes_on_although_it_shall_begin_anew(
    tmp_path: Path, fake: Any, request_: str, resumed_at: int
) -> None:
    fake(FRAMES, 41, ZeroDivisionError("its worker has died"))
    done(job(tmp_path, anew=True, request="one"))
    fake()
    again = done(job(tmp_path, anew=True, request=request_))
    assert (again.state, again.frames, again.resumed_at) == ("done", FRAMES, resumed_at)


def test_what_was_changed_in_a_source_is_noticed(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    (folder / "1.png").write_bytes(b"one")
    before = fingerprint(Job(str(folder), ""))
    assert fingerprint(Job(str(folder), "")) == before
    (folder / "2.png").write_bytes(b"two")
    after = fingerprint(Job(str(folder), ""))
    assert [key for key in before if before[key] != after[key]] == ["files of the source"]
    os.utime(folder / "1.png", (1, 1))
    assert fingerprint(Job(str(folder), "")) != after


def test_results_below_a_source_do_not_change_it(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(b"one")
    before = fingerprint(Job(str(tmp_path), ""))
    (tmp_path / "face1d_replay").mkdir()
    (tmp_path / "face1d_replay" / "run.json").touch()
    assert fingerprint(Job(str(tmp_path), "")) == before


def test_only_models_that_could_have_been_used_make_a_difference() -> None:
    before = {"shipped models": {"smoothing_gru_478": "1 (a)", "gone": "1 (b)"}, "versions": {"numpy": "1.26"}}
    now = {"shipped models": {"smoothing_gru_478": "1 (a)", "new": "1 (c)"}, "versions": {"numpy": "1.26"}}
    assert differences(before, now) == []
    now = {"shipped models": {"smoothing_gru_478": "2 (d)"}, "versions": {"numpy": "2.0"}}
    assert differences(before, now) == ["smoothing_gru_478 was 1 (a), now 2 (d)", "numpy was 1.26, now 2.0"]


@pytest.mark.parametrize("name", ["results", "pictures"])
def test_a_folder_that_holds_other_results_is_left_alone(tmp_path: Path, fake: Any, name: str) -> None:
    fake()
    other = tmp_path / "out" / name / "precious"
    other.mkdir(parents=True)
    for anew in (False, True):
        outcome = done(job(tmp_path, anew=anew))
        assert outcome.state == "failed" and "was not made by a replay" in outcome.error
    assert other.is_dir()


@pytest.mark.parametrize("source", ["out", "out/recording.mcap"])
def test_nothing_is_written_beside_the_recording_itself(tmp_path: Path, source: str) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "recording.mcap").touch()
    outcome = done(job(tmp_path, source=str(tmp_path / source)))
    assert outcome.state == "failed" and "holds the recording itself" in outcome.error
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["recording.mcap"]


def test_results_that_were_removed_are_made_again(tmp_path: Path, fake: Any) -> None:
    fake()
    done(job(tmp_path))
    shutil.rmtree(tmp_path / "out" / "results")
    fake()
    assert (done(job(tmp_path)).state, len(contents(tmp_path))) == ("done", FRAMES * len(STAGES))


def test_a_folder_in_which_another_replay_runs_is_left_alone(tmp_path: Path, fake: Any) -> None:
    fake()
    folder = tmp_path / "out"
    folder.mkdir()
    descriptor = os.open(folder, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    outcome = done(job(tmp_path))
    os.close(descriptor)
    assert outcome.state == "failed" and "another process is replaying into" in outcome.error
    assert folder.is_dir()


def test_a_folder_that_goes_while_it_is_waited_for_is_made_again(
    tmp_path: Path, fake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another replay, which had nothing to put into it, takes it away."""
    fake()
    lock = fcntl.flock

    def flock(descriptor: int, how: int) -> None:
        monkeypatch.undo()
        fake()
        (tmp_path / "out").rmdir()
        lock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    assert (done(job(tmp_path)).state, len(contents(tmp_path))) == ("done", FRAMES * len(STAGES))
