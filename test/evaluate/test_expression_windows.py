"""Windows of real sequences and what the detector saw of them: where they lie, what they hold, why there are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dataset_trees import write_image, write_video

pytest.importorskip("torch", reason="PyTorch is not installed")

from face1d_ros.datasets.base import RealSequence
from face1d_ros.datasets.images import ImageFiles, VideoImages
from face1d_ros.errors import DatasetFileError
from face1d_ros.evaluate.expression_datasets import Answered, figures
from face1d_ros.evaluate.expression_windows import Features, Windows, apex_of, windows_of
from face1d_ros.evaluate.smoothing_tracks import Observations
from face1d_ros.types import Phase

RATE_HZ = 30.0
LABELS = ("neutral", "anger", "happiness")


def stamps(count: int) -> np.ndarray:
    return 1.0 + np.arange(count) / RATE_HZ


def sequence(count: int, phases: list[Phase] | None = None) -> RealSequence:
    read = (lambda: np.array(phases, np.int8)) if phases else None
    return RealSequence("S001/001", ImageFiles([Path("none")] * count), label="anger", read_phases=read)


def observed(count: int) -> Observations:
    nothing = np.zeros((count, 478), np.float32)
    return Observations(np.round(1e9 * stamps(count)).astype(np.int64), nothing, nothing, nothing, (320, 240))


def features(count: int, first: int = 0, last: int | None = None) -> Features:
    """One feature is the time since the first image, the other its negative."""
    since = stamps(count)[first:last] - 1.0
    return Features(stamps(count)[first:last], np.stack([since, -since], axis=1).astype(np.float32))


def made(count: int, given: Features, phases: list[Phase] | None = None, *, ends: bool = True) -> Windows | str:
    return windows_of(sequence(count, phases), "ck+", "ck+/S001", observed(count), given, ends_at_apex=ends)


def test_one_window_ends_at_rest_and_one_at_the_apex() -> None:
    windows = made(31, features(31))
    assert isinstance(windows, Windows)
    assert windows.labels == ("neutral", "anger") and windows.subjects == ("ck+/S001",) * 2
    np.testing.assert_allclose(windows.looks[1, :, 0], [0.6, 0.7, 0.8, 0.9, 1.0], atol=1e-6)
    np.testing.assert_allclose(windows.looks[0, :, 0], [0.0, 0.0, 0.0, 0.0, 2 / 30], atol=1e-6)
    np.testing.assert_allclose(windows.rest, [[1 / 30, -1 / 30]] * 2, atol=1e-6)


def test_before_the_first_image_nothing_changed() -> None:
    windows = made(6, features(6))
    assert isinstance(windows, Windows)
    np.testing.assert_allclose(windows.looks[1, :, 0], [0.0, 0.0, 0.0, 5 / 30 - 0.1, 5 / 30], atol=1e-6)


def test_the_apex_is_where_it_is_coded_or_in_the_middle() -> None:
    phases = [Phase.NEUTRAL] * 4 + [Phase.ONSET] * 6 + [Phase.APEX] * 5 + [Phase.OFFSET] * 6
    assert apex_of(sequence(21), stamps(21), ends_there=True) == pytest.approx(stamps(21)[20])
    assert apex_of(sequence(21), stamps(21), ends_there=False) == pytest.approx(stamps(21)[10])
    assert apex_of(sequence(21, phases), stamps(21), ends_there=False) == pytest.approx(stamps(21)[12])
    windows = made(21, features(21), phases, ends=False)
    assert isinstance(windows, Windows) and windows.looks[1, -1, 0] == pytest.approx(12 / 30)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (features(20, 0, 0), "no face in 20 images"),
        (features(20, 18), "a face in 2 of 20 images, 3 are needed"),
        (features(20, 0, 10), "a face in 10 of 20 images, none at the apex"),
        (features(20, 10), "a face in 10 of 20 images, none at the beginning"),
    ],
)
def test_a_sequence_that_shows_no_face_from_rest_to_apex_says_so(given: Features, says: str) -> None:
    assert made(20, given) == says


def test_an_answer_of_neutral_is_wrong_and_rest_is_told_beside() -> None:
    truth, answer = np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, 1, 0, 2, 1])
    row = figures(Answered(truth, answer, ("a",) * 6, ("ck+",) * 6), LABELS)
    assert (row["windows"], row["accuracy"], row["neutral_accuracy"]) == (4, 0.5, 0.5)
    assert row["macro_f1"] == pytest.approx((2 / 5 + 2 / 3) / 2)


def test_a_fold_in_which_nobody_was_seen_has_no_figures() -> None:
    nothing = np.zeros(0, np.intp)
    row = figures(Answered(nothing, nothing, (), ()), LABELS)
    assert row == {"windows": 0, "accuracy": None, "macro_f1": None, "neutral_accuracy": None}


def test_images_have_the_datasets_rate_and_videos_their_own(tmp_path: Path) -> None:
    pytest.importorskip("mediapipe", reason="MediaPipe is not installed")
    from face1d_ros.evaluate.dataset_landmarks import SeenFaces

    paths = [write_image(tmp_path / f"{number}.png") for number in range(3)]
    damaged = tmp_path / "damaged.png"
    damaged.write_bytes(b"no image")
    video = write_video(tmp_path / "film.avi", 4, rate_hz=10.0)
    strict, partial = SeenFaces(None), SeenFaces(None, partial=True)
    try:
        images = strict.of("ck+", RealSequence("a", ImageFiles(paths), rate_hz=RATE_HZ))
        np.testing.assert_allclose(np.diff(images.stamps_ns) / 1e9, [1 / 30] * 2, atol=1e-8)
        assert np.isnan(images.points).all() and images.image_size == (32, 24)
        film = strict.of("mmi", RealSequence("b", VideoImages(video)))
        np.testing.assert_allclose(np.diff(film.stamps_ns) / 1e9, [0.1] * 3, atol=1e-8)
        broken = RealSequence("c", ImageFiles([paths[0], damaged, paths[2]]), rate_hz=RATE_HZ)
        with pytest.raises(DatasetFileError, match=r"damaged\.png"):
            strict.of("ck+", broken)
        assert np.diff(partial.of("ck+", broken).stamps_ns) / 1e9 == pytest.approx([2 / 30])
        partial.of("mmi", RealSequence("d", VideoImages(damaged)))
        assert len(partial.skipped) == 2 and all("damaged.png" in line for line in partial.skipped)
    finally:
        strict.close()
        partial.close()
