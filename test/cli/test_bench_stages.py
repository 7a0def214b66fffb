"""`face1d bench stages`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from face1d_ros.cli import bench_stages, pipeline_timing, stage_sides
from face1d_ros.cli.main import face1d
from face1d_ros.cli.pipeline_timing import Paced
from face1d_ros.cli.stage_sides import StageSide, images_sha256, recorded_inputs, with_header
from face1d_ros.config import NodeConfig
from face1d_ros.graph import LANDMARKS, SMOOTHING, STAGES
from face1d_ros.stages.factories import FACTORIES
from face1d_ros.types import FaceLandmarks, FaceLandmarksArray, FaceMeshArray, FaceReading, Frame, Header, StageInfo

IMAGES = [np.full((8, 8, 3), grey, np.uint8) for grey in (10, 20, 30)]


class Fake:
    """A stage that notes what it is given; its first result comes after `silent` frames."""

    name = "fake"

    def __init__(self, silent: int = 0) -> None:
        self.given: list[Any] = []
        self.closed = 0
        self._silent = silent

    def process(self, value: Any) -> FaceLandmarksArray | None:
        self.given.append(value)
        if len(self.given) <= self._silent:
            return None
        marked = (FaceLandmarks(track_id=len(self.given)),)
        return FaceLandmarksArray(value.header, faces=marked, info=StageInfo("fake", "a model", "an engine"))

    def diagnostics(self) -> dict[str, object]:
        return {"notice": "it is a fake"}

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> list[Fake]:
    made: list[Fake] = []

    def make(config: NodeConfig) -> Any:
        made.append(Fake())
        return made[-1]

    for spec in STAGES:
        monkeypatch.setitem(FACTORIES, spec.name, make)
    return made


def test_each_stage_is_recorded_what_the_one_before_it_made(fakes: list[Fake], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage_sides, "WARM_UP_FRAMES", 2)
    inputs = recorded_inputs(IMAGES, (LANDMARKS, SMOOTHING), {}, 30.0)
    assert [int(frame.image[0, 0, 0]) for frame in inputs["landmarks"]] == [30, 20, 10]
    assert [value.faces[0].track_id for value in inputs["smoothing"]] == [3, 4, 5], "the frames before do not count"
    assert all(fake.closed for fake in fakes)


def test_a_stage_alone_has_its_inputs_forwards_and_backwards_with_rising_stamps(fakes: list[Fake]) -> None:
    inputs = [Frame(header=FaceLandmarksArray().header, image=image) for image in IMAGES]
    side = StageSide(LANDMARKS, LANDMARKS.config(), inputs)
    for _ in range(6):
        side.step(50.0)
    (fake,) = fakes
    assert [int(frame.image[0, 0, 0]) for frame in fake.given] == [10, 20, 30, 20, 10, 20]
    assert np.diff([frame.header.stamp_ns for frame in fake.given]).tolist() == [20_000_000] * 5
    assert side.take().shape == (6, 1) and side.found == [1] * 6
    assert (side.model, side.notice()) == ("a model, an engine", "it is a fake")
    side.close()
    assert fake.closed == 1


def test_what_belongs_to_one_frame_gets_one_time() -> None:
    reading = FaceReading.of(FaceLandmarksArray(Header(1)), FaceMeshArray(Header(1)))
    moved = with_header(reading, Header(2))
    assert {part.header.stamp_ns for part in (moved, moved.landmarks, moved.mesh)} == {2}
    assert reading.mesh.header.stamp_ns == 1


def test_a_stage_that_looks_ahead_finds_nothing_at_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FACTORIES, LANDMARKS.name, lambda config: Fake(silent=1))  # type: ignore[arg-type, return-value]
    side = StageSide(LANDMARKS, LANDMARKS.config(), [Frame(FaceLandmarksArray().header, IMAGES[0])])
    side.step(30.0)
    side.step(30.0)
    assert side.found == [0, 1]


def test_processor_time_at_a_pace_is_told_in_percent_of_one_core(monkeypatch: pytest.MonkeyPatch) -> None:
    took = Paced(np.full((10, 1), 0.004), 0.005)
    monkeypatch.setattr(bench_stages, "paced", lambda sides, frames, rate_hz, advance: ([took], rate_hz))
    side: Any = type("Side", (), {"parts": ("mesh",)})()
    rows = bench_stages.paced_rows(side, 10, lambda name, total: lambda: None)
    assert [(row["pace"], row["cpu_percent"]) for row in rows] == [
        ("30 Hz", pytest.approx(15.0)),
        ("60 Hz", pytest.approx(30.0)),
    ]
    assert rows[0]["p50_ms"] == pytest.approx(4.0) and rows[0]["cpu_ms"] == pytest.approx(5.0)


def test_other_images_have_another_hash() -> None:
    assert images_sha256(IMAGES) == images_sha256([image.copy() for image in IMAGES])
    assert images_sha256(IMAGES) != images_sha256(IMAGES[::-1])


def test_a_short_run_has_every_stage_at_both_paces_and_in_the_tight_loop(
    tmp_path: Path, fakes: list[Fake], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_stages, "IMAGES", 3)
    monkeypatch.setattr(pipeline_timing, "PACED_WARM_UP_FRAMES", 1)
    path = tmp_path / "stages.json"
    few = ["--rounds", "5", "--frames", "2", "--paced-frames", "2", "--json", str(path)]
    done = CliRunner().invoke(face1d, ["bench", "stages", *few], catch_exceptions=False)
    assert done.exit_code == 0 and "At camera pace" in done.output
    written = json.loads(path.read_text(encoding="utf-8"))
    names = [spec.stage for spec in STAGES]
    assert [row["what"] for row in written["rows"] if row["part"] == "tight"] == names
    assert [(row["what"], row["pace"]) for row in written["rows"] if row["part"] == "paced"] == [
        (name, pace) for name in names for pace in ("30 Hz", "60 Hz")
    ]
    assert all(row["fps"] > 0.0 and row["found"] == 1.0 for row in written["rows"] if row["part"] == "tight")
    assert len(written["conditions"]["data_sha256"]) == 64 and written["targets"] == {}
    assert all(fake.closed for fake in fakes)
