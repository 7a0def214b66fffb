"""Smoothers behind the real detector, on the portrait: what is known of a track that is late, or blunt."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("mediapipe", reason="MediaPipe is not installed")

from face1d_ros.errors import SourceNotFoundError
from face1d_ros.evaluate.portrait_truth import PortraitJudge
from face1d_ros.evaluate.real_smoothing import Recording, clips, real_figures, record_clip, record_portrait
from face1d_ros.evaluate.smoothing import raw
from face1d_ros.types import Topology

FRAMES = 80
"""The first blink is at 2.6 s."""


@cache
def portrait() -> Recording:
    return record_portrait("clean", Topology.FACE_68, PortraitJudge(FRAMES + 10).places, FRAMES + 10)


def write_clip(path: Path, frames: int) -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 30.0, (160, 120))
    for _ in range(frames):
        writer.write(np.full((120, 160, 3), 90, np.uint8))
    writer.release()


def test_the_raw_track_is_as_late_and_as_deep_as_itself() -> None:
    figures = real_figures(raw(portrait().track), portrait())
    assert figures["blinks"] == 1
    assert figures["blink_depth"] == pytest.approx(1.0)
    assert abs(figures["pseudo_lag_frames"] or 0.0) < 0.2
    assert 0.0 < (figures["nme_percent"] or 0.0) < 2.0


def test_a_track_that_comes_a_frame_later_lags_by_a_frame_and_blinks_as_deep() -> None:
    points = raw(portrait().track)
    late = np.concatenate([points[:1], points[:-1]])
    figures, before = real_figures(late, portrait()), real_figures(points, portrait())
    for key in ("pseudo_lag_frames", "lag_frames"):
        assert (figures[key] or 0.0) - (before[key] or 0.0) == pytest.approx(1.0, abs=0.1)
    assert figures["blink_depth"] == pytest.approx(1.0, abs=0.01)
    assert (figures["pseudo_error_percent"] or 0.0) > (before["pseudo_error_percent"] or 0.0)


def test_a_mean_over_time_is_steadier_and_blinks_less_deep() -> None:
    points = raw(portrait().track)
    blunt = np.mean([np.roll(points, shift, axis=0) for shift in range(-3, 4)], axis=0)
    figures, before = real_figures(blunt, portrait()), real_figures(points, portrait())
    assert (figures["sta1_percent"] or 0.0) < 0.6 * (before["sta1_percent"] or 0.0)
    assert (figures["blink_depth"] or 0.0) < 0.9


def test_a_folder_without_videos_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFoundError, match="name a folder of videos"):
        clips(tmp_path)


def test_a_clip_without_a_face_says_so(tmp_path: Path) -> None:
    path = tmp_path / "empty.avi"
    write_clip(path, 5)
    (tmp_path / "notes.txt").write_text("no video", encoding="utf-8")
    assert clips(tmp_path) == [path]
    assert record_clip(path, Topology.FACE_68) == "empty.avi: a face in 0 of 5 frames, 30 are needed"
    path.write_bytes(b"no video")
    assert "empty.avi" in str(record_clip(path, Topology.FACE_68))
