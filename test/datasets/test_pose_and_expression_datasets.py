"""BIWI, CK+, Oulu-CASIA and MMI in tiny folders of their layouts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dataset_trees import points_68, write_image, write_text, write_video

from face1d_ros.datasets import open_dataset
from face1d_ros.datasets.biwi import SUBJECTS, read_calibration
from face1d_ros.errors import DatasetFileError, DatasetIncompleteError, DatasetMissingError
from face1d_ros.types import Phase

CAL = "517.7 0 320\n0 517.7 240.5\n0 0 1\n\n0 0 0 0\n\n0 0 1\n0 1 0\n-1 0 0\n\n25 0.5 4\n\n640 480\n"
"""Turned by a right angle about y, so that a mistake in frames shows."""


def biwi(root: Path, name: str, frames: tuple[int, ...]) -> None:
    for number in frames:
        stem = root / name / f"frame_{number:05d}"
        write_image(Path(f"{stem}_rgb.png"))
        write_text(Path(f"{stem}_pose.txt"), f"1 0 0 \n0 1 0 \n0 0 1 \n\n{number} 20 900\n")
    write_text(root / name / "rgb.cal", CAL)


def test_biwi_has_poses_in_the_frame_of_the_colour_camera(tmp_path: Path) -> None:
    biwi(tmp_path / "hpdb", "01", (3, 4, 7))
    biwi(tmp_path / "hpdb", "22", (5,))
    first, second = open_dataset("biwi", tmp_path, partial=True).sequences()
    assert (first.name, first.subject, len(first.images)) == ("01", "F01", 3)
    assert second.subject == "M01" == SUBJECTS[6], "four people come twice"
    assert first.read_pose is not None
    pose = first.read_pose()
    turn = np.array([[0, 0, 1], [0, 1, 0], [-1, 0, 0]])
    np.testing.assert_allclose(pose.rotation, [turn] * 3)
    assert pose.position_mm is not None
    np.testing.assert_allclose(pose.position_mm[1], [900 + 25, 20 + 0.5, -4 + 4])


def test_biwi_calibration_and_subjects(tmp_path: Path) -> None:
    camera = read_calibration(write_text(tmp_path / "rgb.cal", CAL))
    assert camera.matrix[0, 2] == 320.0 and camera.translation_mm.tolist() == [25.0, 0.5, 4.0]
    assert (len(SUBJECTS), len(set(SUBJECTS))) == (24, 20)
    with pytest.raises(DatasetFileError, match="2 numbers"):
        read_calibration(write_text(tmp_path / "rgb.cal", "1 2"))


def test_biwi_names_what_is_missing(tmp_path: Path) -> None:
    biwi(tmp_path, "01", (3, 4))
    (tmp_path / "01/frame_00004_pose.txt").unlink()
    (tmp_path / "01/rgb.cal").unlink()
    with pytest.raises(DatasetIncompleteError, match="26 missing") as caught:
        open_dataset("biwi", tmp_path)
    assert "01/frame_00004_pose.txt" in str(caught.value) and "and 16 more" in str(caught.value)
    report = open_dataset("biwi", tmp_path, partial=True).completeness()
    assert report.missing[-1] == "frames: 1 of 15678" and "01/rgb.cal" in report.missing


def ck(root: Path, subject: str, number: str, frames: int, emotion: str = "") -> None:
    for frame in range(1, frames + 1):
        stem = f"{subject}_{number}_{frame:08d}"
        write_image(root / "cohn-kanade-images" / subject / number / f"{stem}.png", frame)
        lines = "".join(f"   {x:.7e}   {y:.7e}\n" for x, y in points_68(frame))
        write_text(root / "Landmarks" / subject / number / f"{stem}_landmarks.txt", lines)
    if emotion:
        name = f"{subject}_{number}_{frames:08d}_emotion.txt"
        write_text(root / "Emotion" / subject / number / name, f"   {emotion}\n")


def test_ck_plus_has_labels_and_points(tmp_path: Path) -> None:
    ck(tmp_path, "S005", "001", 3, "3.0000000e+00")
    ck(tmp_path, "S010", "002", 2)
    ck(tmp_path, "S010", "004", 2, "7.0000000e+00")
    (tmp_path / "cohn-kanade-images/S010/.DS_Store").write_bytes(b"")
    dataset = open_dataset("ck+", tmp_path, partial=True)
    found = list(dataset.sequences())
    assert [(one.name, one.subject, one.label) for one in found] == [
        ("S005/001", "S005", "disgust"),
        ("S010/002", "S010", ""),
        ("S010/004", "S010", "surprise"),
    ]
    assert [one.name for one in dataset.sequences("labelled")] == ["S005/001", "S010/004"]
    assert found[0].read_landmarks is not None
    np.testing.assert_allclose(found[0].read_landmarks(), [points_68(n) for n in (1, 2, 3)])
    assert [image[0, 0, 0] for image in found[0].images] == [1, 2, 3]


def test_ck_plus_as_unpacked_by_its_archives(tmp_path: Path) -> None:
    ck(tmp_path / "flat", "S005", "001", 2, "1.0")
    for old, new in {
        "cohn-kanade-images": "extended-cohn-kanade-images/cohn-kanade-images",
        "Emotion": "Emotion_labels/Emotion",
        "Landmarks": "Landmarks/Landmarks",
    }.items():
        (tmp_path / "nested" / new).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "flat" / old).rename(tmp_path / "nested" / new)
    (one,) = open_dataset("ck+", tmp_path / "nested", partial=True).sequences()
    assert (one.label, one.point_count) == ("anger", 68)


def test_ck_plus_names_gaps_and_counts(tmp_path: Path) -> None:
    ck(tmp_path, "S005", "001", 4, "3")
    (tmp_path / "cohn-kanade-images/S005/001/S005_001_00000002.png").unlink()
    (tmp_path / "Landmarks/S005/001/S005_001_00000003_landmarks.txt").unlink()
    dataset = open_dataset("ck+", tmp_path, partial=True)
    assert dataset.completeness().missing == (
        "S005/001/S005_001_00000002.png",
        "S005/001/S005_001_00000003_landmarks.txt",
        "subjects: 1 of 123",
        "sequences: 1 of 593",
        "labels: 1 of 327",
    )
    (one,) = dataset.sequences()
    assert one.read_landmarks is None and one.point_count == 0, "half the points are none"
    for wrong in ("9", "2.5"):
        write_text(tmp_path / "Emotion/S005/001/S005_001_00000004_emotion.txt", wrong)
        (one,) = dataset.sequences("unlabelled")
        assert (one.name, one.subject, one.label) == ("S005/001", "S005", ""), "nobody knows which split it is of"
        assert one.damage is not None and one.read_landmarks is not None
        with pytest.raises(DatasetFileError, match="label"):
            one.read_landmarks()


def test_oulu_casia_by_camera_and_light(tmp_path: Path) -> None:
    for place in ("VL/Strong/P001/Anger", "VL/Dark/P001/Fear", "NI/Strong/P002/Surprise"):
        for number in (9, 10, 11):
            write_image(tmp_path / "OriginalImg" / place / f"{number:03d}.jpeg", number)
    dataset = open_dataset("oulu-casia", tmp_path, partial=True)
    (one,) = dataset.sequences("vl-strong")
    assert (one.name, one.subject, one.label) == ("VL/Strong/P001/Anger", "P001", "anger")
    assert len(one.images) == 3 and one.rate_hz == 25.0
    assert {found.split for found in dataset.sequences()} == {"vl-strong", "vl-dark", "ni-strong"}


def test_oulu_casia_reports_lights_subjects_expressions_and_frames(tmp_path: Path) -> None:
    for number in (0, 1, 3):
        write_image(tmp_path / "VL" / "Strong" / "P001" / "Anger" / f"{number:03d}.jpeg")
    report = open_dataset("oulu-casia", tmp_path, partial=True).completeness()
    missing = set(report.missing)
    assert {"VL/Weak/", "NI/Dark/", "VL/Strong/P080/", "VL/Strong/P001/Fear/"} <= missing
    assert "VL/Strong/P001/Anger/002.jpeg" in missing
    assert len(missing) == 5 + 79 + 5 + 1 and report.found == {"VL/Strong": 1}


UNITS = """<?xml version="1.0" encoding="utf-8"?>
<ActionUnits>
  <ActionUnit Number="12">
    <Marker Frame="1" Type="0"/><Marker Frame="2" Type="1"/><Marker Frame="4" Type="2"/>
    <Marker Frame="6" Type="3"/><Marker Frame="8" Type="0"/>
  </ActionUnit>
  <ActionUnit Number="25">
    <Marker Frame="5" Type="1"/><Marker Frame="7" Type="2"/><Marker Frame="8" Type="3"/>
    <Marker Frame="9" Type="0"/>
  </ActionUnit>
</ActionUnits>
"""


def mmi(session: Path, stem: str, emotion: str = "", units: str = "") -> None:
    write_video(session / f"{stem}.avi", 10)
    write_text(session / "session.xml", '<session><track view="0"/></session>')
    tag = f'<Metatag Name="Emotion" Value="{emotion}"/>' if emotion else ""
    write_text(session / f"{stem}.xml", f'<?xml version="1.0"?><x><Metatag Name="Camera" Value="1"/>{tag}</x>')
    if units:
        write_text(session / f"{stem}-oao_aucs.xml", units)


def test_mmi_has_labels_subjects_and_phases(tmp_path: Path) -> None:
    mmi(tmp_path / "Sessions" / "2", "S002-011", "4", UNITS)
    mmi(tmp_path / "Sessions" / "10", "S001-003", "8")
    dataset = open_dataset("mmi", tmp_path)
    first, second = dataset.sequences()
    assert (first.name, first.subject, first.label, first.split) == ("2/S002-011", "S002", "happiness", "labelled")
    assert (second.label, second.read_phases) == ("", None), "8 is none of the six"
    assert first.read_phases is not None
    neutral, onset, apex, offset = Phase.NEUTRAL, Phase.ONSET, Phase.APEX, Phase.OFFSET
    expected = [neutral, onset, onset, apex, apex, onset, apex, offset, neutral, neutral]
    assert first.read_phases().tolist() == expected, "the strongest of both action units"


def test_mmi_gives_a_video_of_which_the_description_is_damaged_with_the_reason(tmp_path: Path) -> None:
    mmi(tmp_path / "1", "S001-001", "1")
    mmi(tmp_path / "2", "S002-001", "2")
    write_text(tmp_path / "1/S001-001.xml", "<x>")
    damaged, whole = open_dataset("mmi", tmp_path).sequences("labelled")
    assert (damaged.name, damaged.subject, damaged.label) == ("1/S001-001", "S001", "")
    assert "broken XML" in str(damaged.damage)
    assert (whole.label, whole.damage) == ("disgust", None)


def test_mmi_names_missing_descriptions(tmp_path: Path) -> None:
    mmi(tmp_path / "1", "S001-001", "1")
    mmi(tmp_path / "2", "S001-002", "2")
    (tmp_path / "1/S001-001.xml").unlink()
    (tmp_path / "1/session.xml").unlink()
    (tmp_path / "2/S001-002.avi").unlink()
    dataset = open_dataset("mmi", tmp_path, partial=True)
    assert set(dataset.completeness().missing) == {"1/S001-001.xml", "1/session.xml", "2/ (no video)"}
    assert list(dataset.sequences()) == []
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(DatasetMissingError, match="holds nothing of it"):
        open_dataset("mmi", empty)


@pytest.mark.parametrize(
    ("units", "says"),
    [
        ("<a><b></a>", "broken XML"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "entities"),
        ('<a><ActionUnit><Marker Frame="0" Type="1"/></ActionUnit></a>', "frame 0"),
        ('<a><ActionUnit><Marker Frame="1" Type="7"/></ActionUnit></a>', "type 7"),
        ('<a><ActionUnit><Marker Frame="x" Type="1"/></ActionUnit></a>', "Frame='x'"),
    ],
)
def test_mmi_refuses_damaged_phases(tmp_path: Path, units: str, says: str) -> None:
    mmi(tmp_path / "1", "S001-001", "1", units)
    (one,) = open_dataset("mmi", tmp_path).sequences()
    assert one.read_phases is not None
    with pytest.raises(DatasetFileError, match=says):
        one.read_phases()
