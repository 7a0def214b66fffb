"""What `face1d replay` makes of its arguments."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from face1d_ros.cli.replay_jobs import make_jobs, name_of, unique
from face1d_ros.errors import InvalidValueError
from face1d_ros.replay.job import Job

LIKE = Job("", "")


def like(**settings: object) -> Job:
    return Job("", "", settings={"smoothing_node": settings})


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("/data/film.mp4", "film"),
        ("/data/a.b.mcap", "a.b"),
        ("/data/bag_0.mcap.zstd", "bag_0"),
        ("portrait", "portrait"),
    ],
)
def test_a_folder_is_called_as_its_source_without_the_extension(source: str, name: str) -> None:
    assert name_of(source) == name


def test_a_folder_that_is_a_source_keeps_its_whole_name(tmp_path: Path) -> None:
    (tmp_path / "walk_0.5").mkdir()
    assert name_of(str(tmp_path / "walk_0.5")) == "walk_0.5"


def test_sources_of_one_name_are_numbered() -> None:
    assert unique(["a", "a", "b", "a", "a_2"]) == ["a", "a_2", "b", "a_3", "a_2_2"]


def test_each_source_becomes_a_job_with_paths_that_hold_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = make_jobs(["x/film.mp4", "y/film.mp4"], Path("/out"), LIKE)
    assert [(job.source, job.folder) for job in made] == [
        (str(tmp_path / "x/film.mp4"), "/out/film"),
        (str(tmp_path / "y/film.mp4"), "/out/film_2"),
    ]


def test_files_in_settings_and_truth_are_found_from_anywhere_and_names_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("models/mine", "kalman"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "truth.csv").touch()
    (job,) = make_jobs(["film.mp4"], Path("/out"), Job("", "", settings=like(model="models/mine").settings))
    assert job.settings == {"smoothing_node": {"model": str(tmp_path / "models/mine")}}
    (job,) = make_jobs(["film.mp4"], Path("/out"), like(model="kalman", strength=0.5))
    assert job.settings == {"smoothing_node": {"model": "kalman", "strength": 0.5}}
    truths = [make_jobs(["film.mp4"], Path("/out"), Job("", "", truth=t))[0].truth for t in ("truth.csv", "/t", "none")]
    assert truths == [str(tmp_path / "truth.csv"), "/t", "none"]


@pytest.mark.parametrize(
    ("sources", "says"),
    [
        (["a.mp4", "./a.mp4"], "a.mp4 is named twice"),
        (["0"], "'0' is a camera; record it first"),
        (["/dev/video3"], "is a camera"),
        (["portrait"], "has no end; say --max-frames"),
        ([""], "'' is no source"),
    ],
)
def test_what_cannot_be_replayed_is_refused_at_once(sources: list[str], says: str) -> None:
    with pytest.raises(click.UsageError, match=says):
        make_jobs(sources, Path("/out"), LIKE)


def test_a_wrong_setting_is_refused_at_once() -> None:
    with pytest.raises(InvalidValueError, match=r"smoothing_node\.strength"):
        make_jobs(["a.mp4"], Path("/out"), like(strength=7.0))
