"""`face1d bench growth`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from face1d_ros.cli import bench_growth, pipeline_timing
from face1d_ros.cli.bench_growth import Case, face_cases, rows_of, size_cases, wide
from face1d_ros.cli.main import face1d
from face1d_ros.cli.pipeline_sides import BETWEEN, WALL, WHOLE
from face1d_ros.cli.pipeline_timing import Turn
from face1d_ros.errors import RecordingError

PICTURES = ("growth_faces.png", "growth_size.png", "growth_rate.png")


class FakeSide:
    """A stage that takes a millisecond for each face that is looked for."""

    parts = ("landmarks", BETWEEN, WHOLE)
    made: list[FakeSide]

    def __init__(self, images: Sequence[Any], specs: Any, configs: Any) -> None:
        self.found: list[int] = []
        self.faces = configs["landmarks_node"].max_faces
        self.closed = 0
        self.rates_hz: set[float] = set()
        self._steps = 0
        FakeSide.made.append(self)

    def step(self, rate_hz: float, clock: Any = WALL) -> None:
        self.rates_hz.add(rate_hz)
        self.found.append(self.faces)
        self._steps += 1

    def take(self) -> Any:
        steps, self._steps = self._steps, 0
        return np.tile(np.array([0.001, 0.0002, 0.0012]) * self.faces, (steps, 1))

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def sides(monkeypatch: pytest.MonkeyPatch) -> list[FakeSide]:
    """The command with a fake in place of the stages, and short everything."""
    FakeSide.made = []
    monkeypatch.setattr(bench_growth, "PipelineSide", FakeSide)
    monkeypatch.setattr(bench_growth, "IMAGES", 2)
    monkeypatch.setattr(bench_growth, "SIZES", ((32, 24), (64, 48)))
    monkeypatch.setattr(bench_growth, "RATES_HZ", (100.0, 200.0))
    monkeypatch.setattr(pipeline_timing, "PACED_WARM_UP_FRAMES", 1)
    monkeypatch.setattr(bench_growth, "tiled", lambda count, places: [np.zeros((4, 4, 3), np.uint8)])
    return FakeSide.made


def run(*options: str) -> Any:
    few = ["--rounds", "3", "--frames", "2", "--seconds", "0.1"]
    return CliRunner().invoke(face1d, ["bench", "growth", *few, *options], catch_exceptions=False)


def test_all_parts_are_measured_written_and_drawn(tmp_path: Path, sides: list[FakeSide]) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    path = tmp_path / "growth.json"
    done = run("--json", str(path), "--pictures", str(tmp_path))
    assert done.exit_code == 0
    assert "As faces grow" in done.output and "As the rate grows" in done.output
    rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
    whole = [row for row in rows if row["part"] == "faces" and row["what"] == WHOLE]
    assert [(row["faces"], row["found"]) for row in whole] == [(count, float(count)) for count in range(1, 9)]
    assert [row["ms"] for row in whole] == pytest.approx([1.2 * count for count in range(1, 9)])
    assert [row["image"] for row in rows if row["part"] == "size" and row["what"] == WHOLE] == ["32×24", "64×48"]
    assert [row["pace"] for row in rows if row["part"] == "rate"] == ["100 Hz", "200 Hz"]
    assert all((tmp_path / name).stat().st_size > 1000 for name in PICTURES)
    assert all(side.closed == 1 for side in sides)


def test_one_part_alone_is_all_that_is_measured_and_drawn(tmp_path: Path, sides: list[FakeSide]) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    done = run("--only", "rate", "--pictures", str(tmp_path))
    assert done.exit_code == 0 and "As faces grow" not in done.output
    assert [picture.name for picture in tmp_path.iterdir()] == ["growth_rate.png"]
    assert [side.rates_hz for side in sides] == [{100.0, 200.0}]


def test_a_folder_that_cannot_be_made_is_refused_before_the_work(tmp_path: Path, sides: list[FakeSide]) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RecordingError, match="nowhere"):
        run("--pictures", str(tmp_path / "file" / "nowhere"))
    assert sides == []


def test_as_many_faces_are_looked_for_as_there_are_in_images_of_one_size(monkeypatch: pytest.MonkeyPatch) -> None:
    tiles: list[tuple[int, int]] = []
    monkeypatch.setattr(bench_growth, "tiled", lambda count, places: tiles.append((count, places)) or [])
    assert [case.looked_for for case in face_cases()] == list(range(1, 9))
    assert tiles == [(count, 8) for count in range(1, 9)]


def test_images_of_every_size_show_the_same_scene(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_growth, "IMAGES", 1)
    monkeypatch.setattr(bench_growth, "SIZES", ((64, 48), (160, 120)))
    small, large = size_cases()
    assert small.images[0].shape == (48, 64, 3) and large.images[0].shape == (120, 160, 3)
    assert abs(float(small.images[0].mean()) - float(large.images[0].mean())) < 5.0


def test_times_are_medians_over_the_rounds_and_the_table_has_a_column_for_each_stage() -> None:
    turns = [Turn(np.array([[s, s / 10, 2 * s]]), np.array([[s, s, 3 * s]])) for s in (0.001, 0.002, 0.9)]
    side: Any = type("Side", (), {"parts": FakeSide.parts, "found": [2, 1]})()
    rows = rows_of(Case({"part": "faces", "faces": 2}, []), side, turns)
    assert [row["ms"] for row in rows] == pytest.approx([2.0, 0.2, 4.0])
    (row,) = wide(rows)
    assert row == {
        "faces": 2,
        "landmarks": pytest.approx(2.0),
        BETWEEN: pytest.approx(0.2),
        WHOLE: pytest.approx(4.0),
        "cpu": pytest.approx(6.0),
        "found": 1.5,
    }
