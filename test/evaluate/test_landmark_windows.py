"""Windows of landmark motion from all places they come from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from face1d_ros.cli import evaluate_representations
from face1d_ros.errors import DatasetMissingError, SourceUnreadableError
from face1d_ros.evaluate.landmark_windows import (
    Windows,
    dataset_windows,
    fewer,
    portrait_windows,
    sequence_windows,
    video_windows,
    window_starts,
)
from face1d_ros.geometry.topology import to_68

CLIPS = Path(__file__).resolve().parents[3] / "shared" / "data" / "videos"


def some_windows(count: int) -> Windows:
    clean = np.random.default_rng(1).normal(size=(count, 8, 68, 2))
    return Windows("made up", clean, clean + 1.0, np.arange(count) // 2, True)


def test_windows_have_no_gaps() -> None:
    usable = np.array([1, 1, 1, 1, 1, 0, 1, 1, 1, 0, 0, 1, 1], bool)
    assert window_starts(usable, 2) == [0, 2, 6, 11]
    assert window_starts(usable, 3) == [0, 6]
    assert window_starts(np.zeros(4, bool), 2) == []


def test_fewer_windows_keep_all_groups() -> None:
    windows = some_windows(8)
    some = fewer(windows, 4)
    assert some.clean.shape == (4, 8, 68, 2) and len(set(some.group)) == 4
    assert some.observed is not None
    np.testing.assert_array_equal(some.observed, some.clean + 1.0)
    assert fewer(windows, 8) is windows


def test_the_hash_is_of_the_landmarks() -> None:
    windows = some_windows(2)
    assert windows.sha256 == replace(windows, clean=windows.clean + 1e-9).sha256
    assert windows.sha256 != replace(windows, clean=windows.clean + 0.01).sha256


def test_synthetic_sequences_are_cut_where_the_head_is_there() -> None:
    clean = np.zeros((70, 478, 3), np.float32)
    clean[:, :, :2] = np.random.default_rng(6).normal(size=(70, 478, 2)) * 30
    present = np.ones(70, bool)
    present[30:35] = False
    one = SimpleNamespace(clean_px=clean, observed=clean + 1, present=present, subject_id=5)
    two = SimpleNamespace(clean_px=clean, observed=clean, present=~present, subject_id=6)
    found = sequence_windows("made", [one, two], 16)
    assert found.clean.shape == (3, 16, 68, 2) and found.group.tolist() == [5, 5, 5]
    np.testing.assert_allclose(found.clean[1], to_68(clean)[35:51, :, :2])
    assert found.observed is not None
    np.testing.assert_allclose(found.observed[1], found.clean[1] + 1, atol=1e-5)
    with pytest.raises(SourceUnreadableError, match="no 64 frames in a row"):
        sequence_windows("made", [two], 64)


def made_dataset(videos: list[bool]) -> SimpleNamespace:
    """Recordings of 20 frames of two people, the tenth frame not marked."""
    points = np.random.default_rng(7).normal(size=(20, 68, 2))
    points[9] = np.nan
    sequences = [
        SimpleNamespace(point_count=68, read_landmarks=lambda: points, video=video, subject=f"s{i % 2}", name=f"n{i}")
        for i, video in enumerate(videos)
    ]
    card = SimpleNamespace(name="made", title="Made up", where="nowhere")
    return SimpleNamespace(sequences=lambda split: iter(sequences), card=card, root="folder")


def test_marked_videos_are_cut_between_their_gaps() -> None:
    found = dataset_windows(made_dataset([True, True, False, True]), frames=5)
    assert found.clean.shape == (9, 5, 68, 2) and np.isfinite(found.clean).all()
    assert found.group.tolist() == [0, 0, 0, 1, 1, 1, 1, 1, 1] and found.truth and found.observed is None
    with pytest.raises(DatasetMissingError, match="no video with 5 frames in a row"):
        dataset_windows(made_dataset([False]), frames=5)


def test_the_portrait_moves_as_it_was_told() -> None:
    pytest.importorskip("mediapipe", reason="MediaPipe is not installed")
    found = portrait_windows(64)
    assert found.clean.shape == (8, 64, 68, 2) and found.truth
    assert found.group.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert 0.1 < np.linalg.norm(np.diff(found.clean, axis=1), axis=-1).mean() < 5.0


def test_a_video_is_what_the_detector_sees_in_it() -> None:
    pytest.importorskip("mediapipe", reason="MediaPipe is not installed")
    if not (CLIPS / "single_face.mp4").exists():
        pytest.skip("the shared clips are not beside this checkout")
    found = video_windows(CLIPS / "single_face.mp4", 16)
    assert found.clean.shape == (4, 16, 68, 2) and found.group.tolist() == [0, 0, 1, 1]
    assert not found.truth and np.isfinite(found.clean).all()
    with pytest.raises(SourceUnreadableError, match="less than 64 frames in a row"):
        video_windows(CLIPS / "single_face.mp4", 64)


def test_the_small_test_set_has_windows_of_many_people() -> None:
    found = evaluate_representations.load("synthetic", None, 64)
    assert found.clean.shape[1:] == (64, 68, 2) and len(found.clean) >= 50 and len(set(found.group)) >= 10
    assert found.observed is not None and np.isfinite(found.observed).all(axis=(2, 3)).mean() > 0.8
