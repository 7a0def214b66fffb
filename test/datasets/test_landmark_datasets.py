"""300W, 300VW, the talking face, Menpo and AFLW2000-3D in tiny folders of their layouts."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from dataset_trees import points_68, write_image, write_pts, write_text, write_video
from scipy.io import savemat

from face1d_ros.datasets import landmark_sequences, open_dataset
from face1d_ros.datasets.aflw2000 import Aflw2000
from face1d_ros.datasets.files import read_mat
from face1d_ros.datasets.images import ImageFiles
from face1d_ros.datasets.vw300 import SCENARIOS, VW300
from face1d_ros.datasets.w300 import PARTS, W300
from face1d_ros.errors import DatasetFileError, DatasetIncompleteError, DatasetMissingError, InvalidValueError
from face1d_ros.geometry.pose import yaw_pitch_roll_rad


def test_300w_has_one_image_a_sequence_in_its_split(tmp_path: Path) -> None:
    for seed, folder in enumerate(PARTS):
        write_image(tmp_path / folder / "face_1.png", 10 + seed)
        write_pts(tmp_path / folder / "face_1.pts", points_68(seed))
    dataset = open_dataset("300w", tmp_path, partial=True)
    splits = {one.name: one.split for one in dataset.sequences()}
    assert splits["afw/face_1"] == splits["helen/trainset/face_1"] == "train"
    assert splits["lfpw/testset/face_1"] == "common" and splits["ibug/face_1"] == "challenging"
    assert splits["300W/02_Outdoor/face_1"] == "test"
    assert [one.split for one in dataset.sequences("full")] == ["common", "common", "challenging"]
    (found,) = landmark_sequences(dataset, "challenging")
    sequence, truth = found
    np.testing.assert_allclose(truth, points_68(list(PARTS).index("ibug"))[None], atol=1e-3)
    (image,) = sequence.images
    assert image.shape == (24, 32, 3) and not sequence.video and sequence.subject == ""


def test_300w_is_the_published_protocol() -> None:
    counts = {split: sum(n for part, n in PARTS.values() if part == split) for split, _ in PARTS.values()}
    assert counts == {"train": 3148, "common": 554, "challenging": 135, "test": 600}


def test_300w_reports_what_is_missing_file_by_file(tmp_path: Path) -> None:
    write_image(tmp_path / "ibug" / "lonely image.jpg")
    write_pts(tmp_path / "ibug" / "lonely points.pts", points_68())
    report = W300(tmp_path).completeness()
    assert {"ibug/lonely image.pts", "ibug/lonely points (image)", "ibug/ images: 1 of 135"} <= set(report.missing)
    assert report.found == {"images": 1, "files of points": 1}
    with pytest.raises(DatasetIncompleteError, match=r"(?s)missing below.*ibug.doc.ic.ac.uk.*--partial") as caught:
        open_dataset("300w", tmp_path)
    assert "ibug/lonely image.pts" in str(caught.value)
    assert list(W300(tmp_path).sequences()) == []


def vw300(root: Path, names: str, frames: int = 3) -> Path:
    for name in names.split():
        write_video(root / name / "vid.avi", frames)
        for number in range(1, frames + 1):
            write_pts(root / name / "annot" / f"{number:06d}.pts", points_68(number))
    return root


def test_300vw_has_50_videos_to_train_and_64_in_three_scenarios() -> None:
    names = {split: videos.split() for split, videos in SCENARIOS.items()}
    assert {split: len(videos) for split, videos in names.items()} == {
        "scenario 1": 31,
        "scenario 2": 19,
        "scenario 3": 14,
        "train": 50,
    }
    assert len({name for videos in names.values() for name in videos}) == 114, "no video is in two of them"


def test_300vw_gives_frames_and_points(tmp_path: Path) -> None:
    vw300(tmp_path / "300VW_Dataset_2015_12_14", "001 114 553")
    dataset = open_dataset("300vw", tmp_path, partial=True)
    assert [one.name for one in dataset.sequences()] == ["114", "553", "001"]
    ((sequence, truth),) = landmark_sequences(dataset, "scenario 2")
    assert sequence.name == "553" and sequence.video and len(sequence.images) == 3
    images = list(sequence.images)
    assert [abs(int(image.mean()) - value) <= 2 for image, value in zip(images, (10, 20, 30), strict=True)] == [
        True
    ] * 3
    np.testing.assert_allclose(truth, [points_68(n) for n in (1, 2, 3)], atol=1e-3)
    assert len(list(sequence.images)) == 3, "they can be gone through again"
    with pytest.raises(InvalidValueError, match="one of scenario 1"):
        list(dataset.sequences("scenario 4"))


def test_300vw_frames_without_points_and_unreliable_ones_are_nan(tmp_path: Path) -> None:
    vw300(tmp_path, "410", frames=5)
    (tmp_path / "410/annot/000002.pts").unlink()
    (tmp_path / "extra").mkdir()
    savemat(tmp_path / "extra" / "410.mat", {"error": np.array([[4.0, 5.0]])})
    ((_, truth),) = landmark_sequences(VW300(tmp_path))
    assert np.isfinite(truth).all(axis=(1, 2)).tolist() == [True, False, True, False, False]


def test_300vw_names_each_missing_file(tmp_path: Path) -> None:
    vw300(tmp_path, " ".join(SCENARIOS.values()), frames=2)
    assert VW300(tmp_path).completeness().complete
    (tmp_path / "001/annot/000001.pts").unlink()
    (tmp_path / "002/annot/000002.pts").unlink()
    (tmp_path / "114/vid.avi").unlink()
    (tmp_path / "124/vid.avi").write_bytes(b"half")
    for path in (tmp_path / "562/annot").iterdir():
        path.unlink()
    (tmp_path / "562/vid.avi").unlink()
    report = VW300(tmp_path).completeness()
    assert set(report.missing) == {
        "001/annot/000001.pts",
        "002/annot/000002.pts",
        "114/vid.avi",
        "124/vid.avi (cannot be opened)",
        "562/vid.avi",
        "562/annot/",
    }
    assert report.found == {"videos": 111, "frames with points": 2 * 114 - 4}
    write_video(tmp_path / "114/vid.avi", 1)
    assert "114/vid.avi: 1 frames of 2 with points" in VW300(tmp_path).completeness().missing


def talking_face(folder: Path, numbers: range) -> np.ndarray:
    """FGNET's own 68 points, with the eyes' corners in their places."""
    points = points_68(7)
    points[[27, 29, 34, 32]] = [[5.0, 8.0], [8.0, 8.5], [12.0, 8.5], [15.0, 8.0]]
    for number in numbers:
        write_image(folder / f"franck_{number:05d}.jpg")
        write_pts(folder / "points" / f"franck_{number:05d}.pts", points + number - 1.0)
    return points


def test_the_talking_face_has_seven_points_in_common_with_300w(tmp_path: Path) -> None:
    points = talking_face(tmp_path, range(3))
    ((sequence, truth),) = landmark_sequences(open_dataset("tf", tmp_path, partial=True))
    assert truth.shape == (3, 68, 2) and sequence.video and sequence.rate_hz == 25.0
    assert np.flatnonzero(np.isfinite(truth[0]).all(axis=1)).tolist() == [30, 36, 39, 42, 45, 48, 54]
    for theirs, ours in {27: 36, 32: 45, 48: 48, 67: 30}.items():
        np.testing.assert_allclose(truth[2, ours], points[theirs] + 2.0, atol=1e-3)


def test_the_talking_face_is_the_longest_stretch_and_lists_what_is_missing(tmp_path: Path) -> None:
    talking_face(tmp_path, range(5))
    (tmp_path / "franck_00001.jpg").unlink()
    dataset = open_dataset("tf", tmp_path, partial=True)
    ((sequence, _),) = landmark_sequences(dataset)
    assert [path.stem for path in sequence.images.paths] == ["franck_00002", "franck_00003", "franck_00004"]  # type: ignore[attr-defined]
    report = dataset.completeness()
    assert report.missing[0] == "franck_00001.jpg" and len(report.missing) == 4996 + 4995
    assert list(open_dataset("tf", tmp_path / "points", partial=True).sequences()) == []


def test_another_order_of_points_is_refused(tmp_path: Path) -> None:
    write_image(tmp_path / "franck_00000.jpg")
    write_pts(tmp_path / "franck_00000.pts", points_68()[np.argsort(-points_68()[:, 0])])
    with pytest.raises(DatasetFileError, match="another order of points"):
        list(landmark_sequences(open_dataset("tf", tmp_path, partial=True)))


def ljson(version: int, points: np.ndarray) -> str:
    """Written as y, x."""
    flipped = points[:, ::-1].tolist()
    if version == 1:
        content: dict[str, object] = {"groups": [{"label": "all", "landmarks": [{"point": one} for one in flipped]}]}
    elif version == 2:
        content = {"labels": [], "landmarks": {"connectivity": [], "points": flipped}}
    else:
        content = {"groups": {"LJSON": {"labels": [], "landmarks": {"connectivity": [], "points": flipped}}}}
    return json.dumps({"version": version, **content})


def test_menpo_is_split_by_the_number_of_points(tmp_path: Path) -> None:
    place = tmp_path / "menpo_train_release"
    for name, points in {"front": points_68(1), "side": points_68(2)[:39]}.items():
        write_image(place / f"{name}.jpg")
        write_pts(place / f"{name}.pts", points)
    for version in (1, 2, 3):
        write_image(place / f"v{version}.jpg")
        write_text(place / f"v{version}.ljson", ljson(version, points_68(3)))
    dataset = open_dataset("menpo", tmp_path)
    assert [one.name for one in dataset.sequences("profile")] == ["menpo_train_release/side"]
    found = {one.name.rsplit("/", 1)[1]: truth for one, truth in landmark_sequences(dataset)}
    assert set(found) == {"front", "v1", "v2", "v3"}, "39 points are not among the 68"
    np.testing.assert_allclose(found["front"], points_68(1)[None], atol=1e-3)
    for version in (1, 2, 3):
        np.testing.assert_allclose(found[f"v{version}"], points_68(3)[None])


def test_menpo_names_images_without_points(tmp_path: Path) -> None:
    write_image(tmp_path / "testset" / "semifrontal" / "1.jpg")
    with pytest.raises(DatasetIncompleteError, match=r"testset/semifrontal/1 \(points"):
        open_dataset("menpo", tmp_path)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(DatasetMissingError, match="holds nothing of it"):
        open_dataset("menpo", empty)


def aflw2000(root: Path, stem: str, pitch_yaw_roll_deg: tuple[float, float, float]) -> np.ndarray:
    points = np.random.default_rng(5).uniform(0, 400, (3, 68))
    write_image(root / f"{stem}.jpg")
    pose = np.array([[*np.radians(pitch_yaw_roll_deg), 1.0, 2.0, 3.0, 0.001]])
    savemat(root / f"{stem}.mat", {"pt3d_68": points, "Pose_Para": pose})
    return points


def test_aflw2000_has_depth_away_from_the_camera_and_is_split_by_yaw(tmp_path: Path) -> None:
    points = aflw2000(tmp_path / "AFLW2000", "image00002", (10.0, -20.0, 5.0))
    aflw2000(tmp_path / "AFLW2000", "image00004", (0.0, 45.0, 0.0))
    aflw2000(tmp_path / "AFLW2000", "image00006", (0.0, -75.0, 0.0))
    dataset = open_dataset("aflw2000", tmp_path, partial=True)
    assert [one.split for one in dataset.sequences()] == ["yaw 0-30", "yaw 30-60", "yaw 60-90"]
    (one,) = dataset.sequences("yaw 0-30")
    assert one.read_landmarks is not None
    landmarks = one.read_landmarks()
    assert landmarks.shape == (1, 68, 3)
    np.testing.assert_allclose(landmarks[0, :, :2], points[:2].T - 1.0)
    np.testing.assert_allclose(landmarks[0, :, 2], -points[2])


@pytest.mark.parametrize("angles", [(0.0, 0.0, 0.0), (12.0, 0.0, 0.0), (0.0, 25.0, 0.0), (0.0, 0.0, -15.0)])
def test_aflw2000_single_turns_are_ours_with_pitch_the_other_way(
    tmp_path: Path, angles: tuple[float, float, float]
) -> None:
    aflw2000(tmp_path, "image00002", angles)
    (one,) = Aflw2000(tmp_path).sequences()
    assert one.read_pose is not None
    rotation = one.read_pose().rotation[0]
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    pitch, yaw, roll = angles
    np.testing.assert_allclose(np.degrees(yaw_pitch_roll_rad(rotation)), [yaw, -pitch, roll], atol=1e-9)


def test_aflw2000_combined_turns_are_those_of_3ddfa(tmp_path: Path) -> None:
    """R = Rx Ry Rz with the signs of 3DDFA, in axes with y up and z to the camera."""
    angles = (10.0, -20.0, 30.0)
    aflw2000(tmp_path, "image00002", angles)
    (cx, sx), (cy, sy), (cz, sz) = ((np.cos(a), np.sin(a)) for a in np.radians(angles))
    model = (
        np.array([[1, 0, 0], [0, cx, sx], [0, -sx, cx]])
        @ np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
        @ np.array([[cz, sz, 0], [-sz, cz, 0], [0, 0, 1]])
    )
    flip = np.diag([1, -1, -1])
    (one,) = Aflw2000(tmp_path).sequences()
    assert one.read_pose is not None
    np.testing.assert_allclose(one.read_pose().rotation[0], flip @ model @ flip, atol=1e-12)


@pytest.mark.parametrize("compressed", [False, True])
def test_a_mat_file_cut_anywhere_is_refused_by_name(tmp_path: Path, compressed: bool) -> None:
    path = tmp_path / "image00002.mat"
    savemat(path, {"Pose_Para": np.arange(7.0)[None]}, do_compression=compressed)
    whole = path.read_bytes()
    for length in range(0, len(whole) - 1, 3):
        path.write_bytes(whole[:length])
        with pytest.raises(DatasetFileError, match=r"image00002\.mat"):
            read_mat(path, "Pose_Para")


def test_aflw2000_refuses_what_is_not_its_file(tmp_path: Path) -> None:
    write_image(tmp_path / "image00002.jpg")
    (tmp_path / "image00002.mat").write_bytes(b"no matlab at all, but long enough to hold a header" * 10)
    for split in ("", "yaw 0-30"):
        with pytest.raises(DatasetFileError, match="MATLAB"):
            list(landmark_sequences(Aflw2000(tmp_path), split))
    savemat(tmp_path / "image00002.mat", {"Pose_Para": np.zeros((1, 7))})
    (one,) = Aflw2000(tmp_path).sequences()
    assert one.read_landmarks is not None
    with pytest.raises(DatasetFileError, match="no variable 'pt3d_68'"):
        one.read_landmarks()
    report = Aflw2000(tmp_path).completeness()
    assert report.missing == ("images: 1 of 2000",)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("68 points", "no 'n_points'"),
        ("n_points: 3\n{\n1 2\n3 4\n}", "4 numbers for 3 points"),
        ("n_points: 1\n{\n1 x\n}", "expected numbers"),
        ("n_points: 1\n{\n1 nan\n}", "not finite"),
        ("n_points: 0\n{\n}", "0 numbers"),
    ],
)
def test_a_damaged_points_file_is_refused_by_name(tmp_path: Path, text: str, says: str) -> None:
    write_image(tmp_path / "ibug" / "1.jpg")
    write_text(tmp_path / "ibug" / "1.pts", text)
    with pytest.raises(DatasetFileError, match=says) as caught:
        list(landmark_sequences(W300(tmp_path)))
    assert "1.pts" in str(caught.value)


def test_an_image_that_cannot_be_decoded_is_refused_by_name(tmp_path: Path) -> None:
    write_pts(tmp_path / "ibug" / "1.pts", points_68())
    write_text(tmp_path / "ibug" / "1.jpg", "half a file")
    (one,) = W300(tmp_path).sequences()
    with pytest.raises(DatasetFileError, match=r"1\.jpg.*nothing that can be decoded"):
        list(one.images)


@pytest.mark.parametrize("text", ["{", "[]", '{"version": 9}', '{"version": 2, "landmarks": {"points": [[1], [2]]}}'])
def test_a_damaged_ljson_is_refused(tmp_path: Path, text: str) -> None:
    write_image(tmp_path / "1.jpg")
    write_text(tmp_path / "1.ljson", text)
    with pytest.raises(DatasetFileError, match=r"LJSON|coordinates"):
        list(landmark_sequences(open_dataset("menpo", tmp_path)))


def test_a_jpeg_that_is_cut_short_is_refused_and_the_next_image_is_read(tmp_path: Path) -> None:
    paths = [write_image(tmp_path / f"{number}.jpg") for number in range(3)]
    assert cv2.imwrite(str(paths[1]), np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8))
    whole = paths[1].read_bytes()
    paths[1].write_bytes(whole[: len(whole) - 200])
    reading = iter(ImageFiles(paths))
    assert next(reading).shape == (24, 32, 3)
    with pytest.raises(DatasetFileError, match=r"1\.jpg.*nothing that can be decoded"):
        next(reading)
    assert next(reading).shape == (24, 32, 3)
