"""Measuring representations: each figure on a case where it is known, and the whole on made-up motion."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from face1d_ros.cli import evaluate_representations, representation_picture
from face1d_ros.errors import GeometryError, InvalidValueError, RecordingError
from face1d_ros.evaluate import representations as measured
from face1d_ros.evaluate.landmark_windows import Windows
from face1d_ros.geometry.canonical import canonical_face
from face1d_ros.geometry.representations.face_curves import FaceCurves
from face1d_ros.geometry.topology import to_68
from face1d_ros.types import Topology

FACE = to_68(canonical_face().points_cm)[:, :2] * 20.0 + [320.0, 240.0]
FRAMES = 32


def moving_faces(count: int, seed: int = 3) -> np.ndarray:
    """(count, FRAMES, 68, 2): faces that sway, grow and open their mouth, smoothly."""
    rng = np.random.default_rng(seed)
    t = np.linspace(0.0, 2.0 * np.pi, FRAMES)
    mouth = np.zeros((68, 2))
    mouth[55:60, 1] = mouth[64:68, 1] = 12.0
    found = []
    for phase, size in zip(rng.uniform(0, 6, count), rng.uniform(0.8, 1.3, count), strict=True):
        sway = 30.0 * np.stack([np.sin(t + phase), 0.4 * np.cos(2 * t + phase)], axis=1)
        opened = (0.5 + 0.5 * np.sin(3 * t + phase))[:, None, None] * mouth
        found.append(size * (FACE + opened) + sway[:, None])
    return np.array(found)


@pytest.fixture(scope="module")
def windows() -> Windows:
    clean = moving_faces(4)
    noise = np.random.default_rng(4).normal(size=clean.shape)
    observed = clean + noise
    observed[2, 5] = np.nan
    return Windows("made up", clean, observed, np.array([0, 1, 2, 3]), True)


class Spoiler:
    """A representation whose errors are known: everything comes back so far to the right, what was missing as 0."""

    def __init__(self, off_px: float) -> None:
        self.off_px = off_px

    def encode(self, points: np.ndarray, weights: object = None) -> np.ndarray:
        return np.nan_to_num(np.asarray(points))

    def decode(self, coefficients: np.ndarray) -> np.ndarray:
        return coefficients + np.array([self.off_px, 0.0])


def first_of(sizes: Callable[[int, int], tuple[Any, ...]]) -> Callable[[int, int], tuple[Any, ...]]:
    return lambda frames, learned: sizes(frames, learned)[:1]


def plain_family() -> measured.Family:
    return measured.families()[0]


def test_errors_are_percent_of_the_root_of_the_box() -> None:
    square = np.array([[0.0, 0.0], [100.0, 0.0], [0.0, 25.0], [100.0, 25.0]])
    clean = np.tile(square[np.arange(68) % 4], (2, 3, 1, 1))
    found = measured.figures(plain_family(), Spoiler(2.0), clean, None, 1)
    assert found["numbers"] == 136.0
    assert found["nme_percent"] == pytest.approx(100.0 * 2.0 / 50.0)
    assert found["features_turned_percent"] == pytest.approx(100.0 * 2.0 * np.sin(np.deg2rad(15.0)))


def test_what_changes_nothing_keeps_the_noise_and_loses_what_is_missing() -> None:
    clean = moving_faces(2) - moving_faces(2).mean(axis=(0, 1, 2))
    found = measured.figures(plain_family(), Spoiler(0.0), clean, clean + 1.0, 1)
    assert found["nme_percent"] == 0.0
    assert found["noise_nme_percent"] == pytest.approx(100.0 * measured.NOISE * np.sqrt(np.pi / 2.0), rel=0.05)
    assert found["noise_ratio"] == found["observed_ratio"] == pytest.approx(1.0)
    scale = np.sqrt(np.ptp(clean, axis=2).prod(axis=-1))[..., None]
    expected = 100.0 * (np.linalg.norm(clean, axis=-1) / scale).mean()
    assert found["missing_30_nme_percent"] == pytest.approx(expected, rel=0.05)
    assert found["missing_back_percent"] == found["hidden_back_percent"] == 100.0


def test_only_what_the_detector_saw_counts_in_its_ratio() -> None:
    clean = moving_faces(2)
    observed = clean + np.array([3.0, 0.0])
    observed[0, :5] = np.nan
    found = measured.figures(plain_family(), Spoiler(-1.5), clean, observed, 1)
    assert found["observed_ratio"] == pytest.approx(0.5)
    assert measured.figures(plain_family(), Spoiler(0.0), clean, None, 1)["observed_ratio"] is None


def test_hidden_curves_are_whole_and_hidden_for_half_of_the_window() -> None:
    gone = measured.hidden_curves(np.random.default_rng(5), moving_faces(6))
    assert (gone.any(axis=2).sum(axis=1) == FRAMES // 2).all()
    sizes = {len(one.indices) for one in FaceCurves(Topology.FACE_68).curves}
    for window in gone:
        frames = np.flatnonzero(window.any(axis=1))
        assert np.ptp(frames) == FRAMES // 2 - 1
        assert len({tuple(points) for points in window[frames]}) == 1 and window[frames[0]].sum() in sizes


def test_nobody_is_learned_from_and_measured() -> None:
    group = np.array([7, 7, 2, 9, 2, 4])
    for learned, tested in measured.folds(group):
        assert not set(group[learned]) & set(group[tested])
        assert learned.any() and tested.any() and (learned ^ tested).all()
    with pytest.raises(InvalidValueError, match="groups of windows: got 1"):
        measured.folds(np.zeros(5, np.intp))


def test_every_representation_is_measured_in_every_size(windows: Windows) -> None:
    rows = [measured.row(case, windows) for case in measured.cases(windows)]
    assert len(rows) == measured.count_cases(windows)
    by_name = {
        family.name: [row for row in rows if row["representation"] == family.name] for family in measured.families()
    }
    for name, found in by_name.items():
        numbers, errors = [row["numbers"] for row in found], [row["nme_percent"] for row in found]
        assert numbers == sorted(numbers), name
        assert errors[-1] == min(errors) < 0.5 or errors[-1] < 1e-9, name
    for name in ("B-splines", "Bézier curves", "Fourier descriptors", "wavelets over time", "PCA of trajectories"):
        assert by_name[name][-1]["numbers"] == 136.0
        assert by_name[name][-1]["nme_percent"] < 1e-6
        assert by_name[name][-1]["noise_ratio"] == pytest.approx(1.0, abs=1e-6)
    for row in rows:
        invariant = row["representation"] in ("Fourier descriptors", "PCA of shapes", "embeddings over time")
        expected = 0.0 if invariant else 100.0 * 2.0 * np.sin(np.deg2rad(15.0))
        assert row["features_turned_percent"] == pytest.approx(expected, abs=0.1)
        curves = row["representation"] in ("B-splines", "Bézier curves", "Fourier descriptors")
        assert row["hidden_back_percent"] == (0.0 if curves else 100.0)
        assert row["turned_nme_percent"] == pytest.approx(row["nme_percent"], abs=0.35)
    coarse = by_name["wavelets over time"][0]
    assert coarse["noise_ratio"] < 0.8 and coarse["observed_ratio"] < 1.0


def test_the_command_prints_draws_and_writes(windows: Windows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    monkeypatch.setattr(evaluate_representations, "load", lambda *_: windows)
    monkeypatch.setattr(evaluate_representations, "REPEATS", {1: 2, 64: 2})
    smallest = tuple(replace(family, sizes=first_of(family.sizes)) for family in measured.families())
    monkeypatch.setattr(measured, "families", lambda: smallest)
    path, picture = tmp_path / "rows.json", tmp_path / "rows.png"
    answer = CliRunner().invoke(evaluate_representations.command, ["--json", str(path), "--picture", str(picture)])
    assert answer.exit_code == 0, answer.output
    written = json.loads(path.read_text(encoding="utf-8"))
    assert written["command"] == "evaluate representations" and written["targets"] == {}
    assert written["conditions"]["data_sha256"] == windows.sha256 and written["conditions"]["windows"] == 4
    assert len(written["rows"]) == measured.count_cases(windows)
    assert all(row["encode_1_us"] > 0.0 and row["encode_gaps_us"] > 0.0 for row in written["rows"])
    assert {row["representation"] for row in written["rows"]} == set(representation_picture.STYLES)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "wavelets over time" in answer.output


def test_a_picture_that_cannot_be_written_is_a_sentence(windows: Windows, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    for name in ("no_folder/rows.png", "rows.doc"):
        with pytest.raises(RecordingError, match="cannot write"):
            representation_picture.write_picture(tmp_path / name, [], windows)


def test_too_few_frames_for_wavelets_are_refused() -> None:
    short = Windows("short", moving_faces(4)[:, :10], None, np.array([0, 0, 1, 1]), True)
    with pytest.raises(GeometryError, match="frames: got 10"):
        measured.count_cases(short)


def test_a_real_dataset_needs_its_folder() -> None:
    answer = CliRunner().invoke(evaluate_representations.command, ["--dataset", "300vw"])
    assert answer.exit_code == 2 and "--root" in answer.output


def test_an_unknown_dataset_is_refused_with_those_that_are_known() -> None:
    answer = CliRunner().invoke(evaluate_representations.command, ["--dataset", "no such thing"])
    assert answer.exit_code == 2 and "synthetic, portrait, 300vw, ck+" in " ".join(answer.output.split())
