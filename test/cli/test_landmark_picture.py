from __future__ import annotations

from pathlib import Path

import cv2
import pytest

pytest.importorskip("mediapipe", reason="MediaPipe is not installed")

from face1d_ros.cli.landmark_picture import DOT, LINE, write_landmark_picture
from face1d_ros.errors import RecordingError


def test_the_picture_of_the_topologies_shows_points_and_lines_and_is_small(tmp_path: Path) -> None:
    path = tmp_path / "topologies.jpg"
    write_landmark_picture(path)
    assert path.stat().st_size < 150_000
    numbered = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)[:, :720].astype(int)
    for colour in (DOT, LINE):
        assert (abs(numbered - colour).max(axis=2) < 60).sum() > 300, f"{colour} is drawn"


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="nowhere"):
        write_landmark_picture(tmp_path / "nowhere" / "a.jpg")
