"""`face1d evaluate pose` and AFLW2000-3D in `evaluate landmarks`, on tiny datasets made of the animated portrait."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result
from dataset_trees import write_image, write_text
from scipy.io import savemat
from scipy.spatial.transform import Rotation

pytest.importorskip("mediapipe", reason="MediaPipe is not installed")

from face1d_ros.cli import datasets, evaluate_landmarks, evaluate_pose
from face1d_ros.cli.main import face1d
from face1d_ros.config import LandmarksConfig
from face1d_ros.datasets.aflw2000 import FLIP
from face1d_ros.detect.detector import make_detector
from face1d_ros.errors import DatasetFileError, DatasetIncompleteError, DatasetMissingError
from face1d_ros.evaluate.real_pose import pose_figures, pose_summary
from face1d_ros.geometry.pose import head_pose
from face1d_ros.geometry.topology import to_68
from face1d_ros.sources.portrait import AnimatedPortrait

OFF_DEG = 40.0


def save(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))


@pytest.fixture(scope="module")
def seen() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The portrait's first frame, the detector's 68 points in it, and the rotation of these."""
    image = next(iter(AnimatedPortrait(length=1).frames())).image
    detector = make_detector(LandmarksConfig(max_faces=1))
    points = to_68(detector.detect(image)[0].points.astype(float))
    detector.close()
    return image, points, head_pose(points).rotation


def mark(path: Path, points: np.ndarray, angles_rad: np.ndarray) -> None:
    marked = points * [1.0, 1.0, -1.0] + [1.0, 1.0, 0.0]
    savemat(path, {"pt3d_68": marked.T, "Pose_Para": np.array([[*angles_rad, 0.0, 0.0, 0.0, 1.0]])})


@pytest.fixture(scope="module")
def aflw(seen: tuple[np.ndarray, np.ndarray, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Marked as it is seen; 40° beside; no face in the image; beyond the protocol; damaged points; a cut image."""
    root = tmp_path_factory.mktemp("aflw2000")
    image, points, rotation = seen
    pitch, yaw, roll = -Rotation.from_matrix(FLIP @ rotation @ FLIP).as_euler("XYZ")
    turned = yaw + np.sign(yaw) * np.radians(OFF_DEG)
    for stem, picture, angles in (
        ("image00002", image, (pitch, yaw, roll)),
        ("image00004", image, (pitch, turned, roll)),
        ("image00006", np.full_like(image, 90), (pitch, yaw, roll)),
        ("image00008", image, (pitch, np.radians(100.0), roll)),
        ("image00010", image, (pitch, yaw, roll)),
        ("image00012", image, (pitch, yaw, roll)),
    ):
        save(root / f"{stem}.jpg", picture)
        shift = np.array([0.0, 0.0, 0.0]) if stem != "image00004" else np.array([3.0, 4.0, 7.0])
        mark(root / f"{stem}.mat", points + shift, np.array(angles))
    for damaged in (root / "image00010.mat", root / "image00012.jpg"):
        damaged.write_bytes(damaged.read_bytes()[:300])
    return root


def run(command: click.Command, *arguments: str) -> Result:
    return CliRunner().invoke(command, list(arguments), catch_exceptions=False)


def measured(command: click.Command, path: Path, *arguments: str) -> tuple[dict[str, Any], str]:
    result = run(command, *arguments, "--partial", "--json", str(path))
    assert result.exit_code == 0, result.output
    return json.loads(path.read_text(encoding="utf-8")), result.output


def test_aflw2000_is_measured_within_its_protocol(aflw: Path, tmp_path: Path) -> None:
    content, output = measured(
        evaluate_pose.command, tmp_path / "pose.json", "--dataset", "aflw2000", "--root", str(aflw), "--each"
    )
    rows = {row["sequence"]: row for row in content["rows"] if row["part"] == "sequence"}
    same, beside, gone, outside, cut = (rows[f"image{number:05d}"] for number in (2, 4, 6, 8, 12))
    assert same["geodesic_deg"] < 3.0 and same["mae_deg"] < 3.0 and (same["frames"], same["missed"]) == (1, 0)
    assert beside["geodesic_deg"] == pytest.approx(OFF_DEG, abs=3.0), "one rotation about one axis"
    assert beside["yaw_mae_deg"] == pytest.approx(OFF_DEG, abs=4.0)
    assert (gone["frames"], gone["missed"]) == (1, 1) and "geodesic_deg" not in gone
    assert (outside["frames"], outside["outside"]) == (0, 1), "an angle of 100°"
    assert cut["frames"] == 0
    whole = content["rows"][[row.get("split") for row in content["rows"]].index("all")]
    assert (whole["frames"], whole["missed"], whole["outside"]) == (3, 1, 1)
    assert whole["geodesic_deg"] == pytest.approx((same["geodesic_deg"] + beside["geodesic_deg"]) / 2)
    assert len(content["conditions"]["skipped"]) == 2 and content["conditions"]["largest_deg"] == 99.0
    assert "2 skipped" in output and "image00010.mat" in output and "geodesic °" in output


def test_aflw2000_landmarks_have_nme_and_gte_by_yaw_and_balanced(aflw: Path, tmp_path: Path) -> None:
    content, output = measured(
        evaluate_landmarks.command, tmp_path / "landmarks.json", "--dataset", "aflw2000", "--root", str(aflw)
    )
    splits = {row["split"]: row for row in content["rows"] if row["part"] == "split"}
    assert list(splits) == ["yaw 0-30", "yaw 30-60", "yaw 60-90", "balanced", "all"]
    near, middle, far = (splits[name] for name in ("yaw 0-30", "yaw 30-60", "yaw 60-90"))
    assert near["nme_percent"] < 1.0 and near["gte_percent"] < 2.0 and near["missed"] == 1
    assert middle["gte_percent"] > near["gte_percent"] + 1.0, "marked 5 px beside; a common depth does not count"
    for key in ("nme_percent", "gte_percent"):
        assert splits["balanced"][key] == pytest.approx((near[key] + middle[key] + far[key]) / 3)
    assert splits["balanced"]["frames"] == splits["all"]["frames"] == 4
    assert len(content["conditions"]["skipped"]) == 2
    assert "2 skipped" in output and "image00012.jpg" in output and "GTE %" in output


@pytest.mark.parametrize("command", [evaluate_pose.command, evaluate_landmarks.command])
def test_without_partial_a_damaged_file_is_an_error(
    aflw: Path, command: click.Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DatasetIncompleteError, match="images: 6 of 2000"):
        run(command, "--dataset", "aflw2000", "--root", str(aflw))
    monkeypatch.setattr("face1d_ros.datasets.aflw2000.IMAGES", 6)
    with pytest.raises(DatasetFileError, match=r"image00010\.mat"):
        run(command, "--dataset", "aflw2000", "--root", str(aflw))


def test_biwi_is_measured_by_its_rotations_and_a_damaged_frame_is_skipped(
    seen: tuple[np.ndarray, np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    image, _, rotation = seen
    write_text(tmp_path / "01/rgb.cal", "500 0 320 0 500 240 0 0 1 0 0 0 0 1 0 0 0 1 0 0 0 1 0 0 0 640 480")
    for number in (3, 4):
        lines = "\n".join(" ".join(f"{value:.9f}" for value in row) for row in rotation)
        write_text(tmp_path / f"01/frame_{number:05d}_pose.txt", f"{lines}\n\n0 0 900\n")
    write_text(tmp_path / "01/frame_00003_rgb.png", "no image")
    save(tmp_path / "01/frame_00004_rgb.png", image)
    content, output = measured(
        evaluate_pose.command, tmp_path / "pose.json", "--dataset", "biwi", "--root", str(tmp_path)
    )
    (whole,) = (row for row in content["rows"] if row["part"] == "split")
    assert (whole["split"], whole["frames"], whole["missed"]) == ("all", 1, 0)
    assert whole["geodesic_deg"] < 3.0, "what the mesh says against what its 68 points say"
    assert "1 skipped" in output and "frame_00003_rgb.png" in output


def test_nothing_readable_is_said(tmp_path: Path) -> None:
    write_image(tmp_path / "image00002.jpg")
    (tmp_path / "image00002.mat").write_bytes(b"")
    for command in (evaluate_pose.command, evaluate_landmarks.command):
        with pytest.raises(DatasetMissingError, match=r"holds nothing that can be read.*image00002\.mat"):
            run(command, "--dataset", "aflw2000", "--root", str(tmp_path), "--partial")


def test_angles_are_means_of_their_sizes_over_faces_that_were_found() -> None:
    truth = np.stack([np.eye(3)] * 4)
    found = Rotation.from_euler("y", [[10.0], [-20.0], [0.0], [0.0]], degrees=True).as_matrix()
    found[2] = Rotation.from_euler("z", 30.0, degrees=True).as_matrix()
    found[3] = np.nan
    row = pose_figures(found, truth)
    assert (row["frames"], row["missed"]) == (4, 1)
    assert row["geodesic_deg"] == pytest.approx(20.0)
    assert [row[f"{axis}_mae_deg"] for axis in ("yaw", "pitch", "roll")] == pytest.approx([10.0, 0.0, 10.0])
    one = pose_figures(truth[:1], truth[:1])
    whole = pose_summary([{**row, "outside": 0}, {**one, "outside": 2}], "all")
    assert whole["geodesic_deg"] == pytest.approx(15.0) and (whole["missed"], whole["outside"]) == (1, 2)


def test_check_lists_empty_files_and_with_read_damaged_ones(aflw: Path, tmp_path: Path) -> None:
    result = run(datasets.command, "check", "aflw2000", "--root", str(aflw))
    assert result.exit_code == 1 and "1 missing" in result.output and "unreadable" not in result.output
    result = run(datasets.command, "check", "aflw2000", "--root", str(aflw), "--read")
    assert result.exit_code == 1 and "2 unreadable" in result.output
    assert "image00010.mat" in result.output and "image00012.jpg" in result.output
    write_image(tmp_path / "1.jpg")
    (tmp_path / "1.pts").write_bytes(b"")
    (tmp_path / ".DS_Store").write_bytes(b"")
    result = run(datasets.command, "check", "menpo", "--root", str(tmp_path))
    assert result.exit_code == 1 and "1 empty" in result.output and "1.pts" in result.output
    (tmp_path / "1.pts").write_text("n_points: 1\n{\n1 1\n}", encoding="utf-8")
    result = run(datasets.command, "check", "menpo", "--root", str(tmp_path), "--read")
    assert result.exit_code == 0 and "complete and readable" in result.output


def test_the_command_line_knows_it() -> None:
    result = CliRunner().invoke(face1d, ["evaluate", "pose", "--help"])
    assert result.exit_code == 0 and "geodesic" in result.output
