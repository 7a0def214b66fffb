"""`face1d bench landmarks`."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("mediapipe", reason="MediaPipe is not installed")

from face1d_ros.cli import bench_landmarks
from face1d_ros.cli.interrupts import interrupted_between_frames
from face1d_ros.evaluate import portrait_truth
from face1d_ros.evaluate.portrait_truth import VARIANTS


def test_it_prints_both_tables_and_writes_all_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_landmarks, "FRAMES_A_ROUND", 4)
    monkeypatch.setattr(bench_landmarks, "VARIANTS", VARIANTS[:1])
    path = tmp_path / "landmarks.json"
    arguments = ["--rounds", "5", "--faces", "2", "--truth-frames", "5", "--json", str(path)]
    result = CliRunner().invoke(bench_landmarks.command, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    assert "known motion" in result.output and "landmarks.extra_face_ratio" in result.output
    written = json.loads(path.read_text(encoding="utf-8"))
    speed = [row for row in written["rows"] if row["part"] == "speed"]
    cases = [(row["picture"], row["faces"], row["max_faces"]) for row in speed]
    assert cases == [("portrait", 1, 1), ("portrait", 1, 4), ("tiles", 1, 1), ("tiles", 2, 2)]
    for row in speed:
        assert row["bare_found"] == row["ours_found"] == row["faces"], "both do the same work"
        assert 0.0 < row["confidence_warm_ms"] < row["detector_ms"] < row["ours_ms"]
        assert row["bare_ms"] > 0.0 and row["bare_cpu_ms"] > 0.0 and row["ours_cpu_ms"] > 0.0
        assert row["tracker_ms"] == pytest.approx(row["ours_ms"] - row["detector_ms"])
    (truth,) = (row for row in written["rows"] if row["part"] == "truth")
    assert truth["variant"] == "clean" and truth["missed"] == 0 and truth["nrmse_percent"] > 0.0
    assert written["targets"]["landmarks.fps_ratio"]["target"] == 0.9
    assert written["targets"]["landmarks.extra_face_ratio"]["target"] == 1.05


class Fake:
    """Bare MediaPipe and a detector, in which Ctrl-C is pressed at every frame."""

    model = "fake"

    def __init__(self) -> None:
        self.ended = self.closed = 0

    def process(self, image: object) -> int:
        signal.raise_signal(signal.SIGINT)
        self.ended += 1
        return 0

    def detect(self, image: object) -> tuple[()]:
        self.process(image)
        return ()

    def close(self) -> None:
        self.closed += 1


def test_ctrl_c_waits_for_the_end_of_a_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = Fake()
    monkeypatch.setattr(bench_landmarks, "BareFaceMesh", lambda _: fake)
    monkeypatch.setattr(bench_landmarks, "make_detector", lambda _: fake)
    case = bench_landmarks.Case("portrait", 1, 1, [np.zeros((4, 4, 3), np.uint8)] * 3)
    with pytest.raises(KeyboardInterrupt), interrupted_between_frames() as check:
        bench_landmarks.measure_speed([case], 5, lambda: None, check)
    assert fake.ended == 1, "the frame itself was not interrupted, and none came after it"
    monkeypatch.setattr(portrait_truth, "make_detector", lambda _: fake)
    with pytest.raises(KeyboardInterrupt), interrupted_between_frames() as check:
        bench_landmarks.measure_truth(3, lambda: None, check)
    assert fake.ended == 2 and fake.closed == 1


def test_targets_are_the_worse_single_face_and_the_slope_over_tiles() -> None:
    def row(picture: str, faces: int, bare: float, ours: float) -> dict[str, object]:
        return {"picture": picture, "faces": faces, "bare_ms": bare, "ours_ms": ours, "fps_ratio": bare / ours}

    rows = [row("portrait", 1, 2.0, 2.0), row("portrait", 1, 4.0, 5.0)]
    rows += [row("tiles", count, 1.0 + 2.0 * count, 3.0 + 2.2 * count) for count in (1, 2, 3, 4)]
    found = bench_landmarks.targets(rows)
    assert found["landmarks.fps_ratio"].value == pytest.approx(0.8) and not found["landmarks.fps_ratio"].passed
    assert found["landmarks.extra_face_ratio"].value == pytest.approx(1.1)
    assert not found["landmarks.extra_face_ratio"].passed


@pytest.mark.parametrize(("count", "places", "width"), [(1, 4, 640), (4, 4, 640), (5, 8, 1280)])
def test_tiles_hold_so_many_faces_at_different_moments(count: int, places: int, width: int) -> None:
    images = bench_landmarks.tiled(count, places)
    assert {image.shape for image in images} == {(480, width, 3)}
    tiles = [images[0][y : y + 240, x : x + 320] for y in (0, 240) for x in range(0, width, 320)]
    filled = [tile for tile in tiles if np.ptp(tile) > 0]
    assert len(filled) == count
    assert all(not np.array_equal(filled[0], other) for other in filled[1:])
    assert not np.array_equal(images[0], images[1])
