"""`face1d evaluate landmarks` and `face1d datasets`, on tiny datasets made of the animated portrait."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from dataset_trees import points_68, write_pts, write_video

pytest.importorskip("mediapipe", reason="MediaPipe is not installed")

from face1d_ros.cli import datasets, evaluate_landmarks
from face1d_ros.cli.main import face1d
from face1d_ros.config import LandmarksConfig
from face1d_ros.detect.detector import make_detector
from face1d_ros.errors import DatasetIncompleteError
from face1d_ros.evaluate.portrait_truth import VARIANTS
from face1d_ros.evaluate.real_landmarks import figures, summary
from face1d_ros.geometry.topology import to_68
from face1d_ros.sources.portrait import AnimatedPortrait

FRAMES = 6


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two videos of 300VW: one marked as the detector sees it, one marked elsewhere and without a face in one frame."""
    folder = tmp_path_factory.mktemp("300vw")
    images = [frame.image for frame in AnimatedPortrait(length=FRAMES).frames()]
    detector = make_detector(LandmarksConfig(max_faces=1))
    points = [to_68(detector.detect(image)[0].points[:, :2].astype(float)) for image in images]
    detector.close()
    empty = [*images[:2], np.full_like(images[0], 90), *images[3:]]
    for name, film, shift in (("114", images, 0.0), ("410", empty, 4.0)):
        write_video(folder / name / "vid.avi", film)
        for number, one in enumerate(points, start=1):
            write_pts(folder / name / "annot" / f"{number:06d}.pts", one + np.array([shift, 0.0]))
    return folder


def run(*arguments: str) -> Result:
    return CliRunner().invoke(evaluate_landmarks.command, list(arguments), catch_exceptions=False)


@pytest.fixture(scope="module")
def written(root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str]:
    path = tmp_path_factory.mktemp("out") / "landmarks.json"
    result = run("--dataset", "300vw", "--root", str(root), "--partial", "--each", "--json", str(path))
    assert result.exit_code == 0, result.output
    return json.loads(path.read_text(encoding="utf-8")), result.output


def test_each_video_is_measured_against_its_marks(written: tuple[dict[str, Any], str]) -> None:
    good, shifted = (row for row in written[0]["rows"] if row["part"] == "sequence")
    assert (good["sequence"], good["frames"], good["missed"]) == ("114", FRAMES, 0)
    assert good["nme_percent"] < 0.7 and good["nme_fr_8"] == 0.0 and good["nme_auc_8"] > 0.9
    assert 0.0 <= good["jitter_px"] < 1.0
    assert (shifted["frames"], shifted["missed"]) == (FRAMES, 1)
    assert shifted["nme_percent"] > good["nme_percent"] + 1.0, "marked 4 px beside"
    assert shifted["nme_fr_10"] == pytest.approx(1 / FRAMES), "the missed frame"


def test_splits_are_plain_means_over_their_videos(written: tuple[dict[str, Any], str]) -> None:
    content, output = written
    splits = {row["split"]: row for row in content["rows"] if row["part"] == "split"}
    assert list(splits) == ["scenario 1", "scenario 3", "all"]
    mean = (splits["scenario 1"]["nme_percent"] + splits["scenario 3"]["nme_percent"]) / 2
    assert splits["all"]["nme_percent"] == pytest.approx(mean)
    assert (splits["all"]["sequences"], splits["all"]["frames"], splits["all"]["missed"]) == (2, 2 * FRAMES, 1)
    assert "scenario 3" in output and "AUC@8 of NRMSE" in output and "lag frames" in output


def test_verdicts_and_conditions_say_that_the_data_is_real(written: tuple[dict[str, Any], str]) -> None:
    content, _ = written
    verdicts = [row for row in content["rows"] if row["part"] == "verdict"]
    assert [(row["verdict"], row["data"]) for row in verdicts] == [("NME", "real"), ("Jitter index", "real")]
    assert content["conditions"]["dataset"] == "300vw" and content["conditions"]["partial"] is True
    assert len(content["conditions"]["data_sha256"]) == 64 and "MediaPipe" in content["conditions"]["detector"]


def test_a_split_and_a_number_of_frames_can_be_chosen(root: Path) -> None:
    result = run("--dataset", "300vw", "--root", str(root), "--partial", "--split", "scenario 1", "--max-frames", "2")
    assert result.exit_code == 0 and "scenario 1" in result.output and "scenario 3" not in result.output
    assert "jitter px" not in result.output, "two frames have no second difference"


def test_an_incomplete_dataset_is_refused_unless_asked_for(root: Path) -> None:
    with pytest.raises(DatasetIncompleteError, match=r"001/vid\.avi|124/vid\.avi"):
        run("--dataset", "300vw", "--root", str(root))
    missing_root = run("--dataset", "300vw")
    assert missing_root.exit_code == 2 and "needs --root" in missing_root.output


def test_without_a_dataset_it_is_the_portrait(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(evaluate_landmarks, "VARIANTS", VARIANTS[:1])
    path = tmp_path / "portrait.json"
    result = run("--portrait-frames", "5", "--json", str(path))
    assert result.exit_code == 0 and "known motion" in result.output
    rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
    assert [row["part"] for row in rows] == ["truth", "verdict", "verdict"]
    assert {row["data"] for row in rows[1:]} == {"synthetic"}


def face(frames: int) -> np.ndarray:
    """(T, 68, 2) 100 px wide and 50 px high, the eyes' corners 50 px apart."""
    points = np.tile(points_68() + 20.0, (frames, 1, 1))
    points[:, [0, 16]] = [[0.0, 0.0], [100.0, 50.0]]
    points[:, [36, 45]] = [[20.0, 20.0], [70.0, 20.0]]
    return points


def test_frames_without_marks_do_not_count_and_missed_ones_fail() -> None:
    truth = face(4)
    found = truth + np.array([3.0, 4.0])
    truth[1] = np.nan
    found[2] = np.nan
    row = figures(found, truth, motion=True)
    assert (row["frames"], row["missed"]) == (3, 1)
    assert row["nrmse_percent"] == pytest.approx(10.0)
    assert row["nrmse_fr_8"] == 1.0 and row["nrmse_fr_10"] == pytest.approx(1 / 3)
    assert row["nme_auc_8"] == pytest.approx((8 - 500 / np.sqrt(5000)) / 8 * 2 / 3)
    assert "jitter_px" not in row, "never three frames in a row"


def test_a_face_that_is_never_found_has_failures_but_no_error() -> None:
    row = figures(np.full((2, 68, 2), np.nan), face(2), motion=True)
    assert (row["frames"], row["missed"], row["nme_fr_8"], row["nme_auc_8"]) == (2, 2, 1.0, 0.0)
    assert "nme_percent" not in row
    both = summary([row, figures(face(1), face(1), motion=False)], "all")
    assert both["nme_percent"] == 0.0 and both["nme_fr_8"] == 0.5 and both["missed"] == 2


def test_datasets_are_listed_with_their_source() -> None:
    result = CliRunner().invoke(datasets.command, [])
    assert result.exit_code == 0
    for text in ("300vw", "annot/000001.pts", "ibug.doc.ic.ac.uk", "mmifacedb.eu", "oulu-casia"):
        assert text in result.output
    one = CliRunner().invoke(datasets.command, ["show", "tf"])
    assert "franck_04999.pts" in one.output and "ibug" not in one.output


def test_check_counts_and_lists_what_is_missing(root: Path) -> None:
    result = CliRunner().invoke(datasets.command, ["check", "300vw", "--root", str(root), "--first", "2"])
    assert result.exit_code == 1
    assert f"{2 * FRAMES}  frames with points" in result.output
    assert "224 missing" in result.output and "124/vid.avi" in result.output and "and 222 more" in result.output


@pytest.mark.parametrize(
    "words", [("evaluate", "landmarks"), ("datasets",), ("datasets", "check"), ("datasets", "show")]
)
def test_the_command_line_knows_them(words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(face1d, [*words, "--help"])
    assert result.exit_code == 0 and f"{' '.join(words)} [OPTIONS]" in result.output
