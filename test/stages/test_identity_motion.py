"""What is taken for a motion of a face, and how it is measured."""

from __future__ import annotations

import math

import numpy as np
import pytest
from identity_faces import BEGIN_NS, BROWS, JAW, NS, SMILE, Clip, face, motion, moving, resting

from face1d_ros.geometry.camera_model import assumed_camera
from face1d_ros.geometry.motion_clip import FRAMES, MARGIN
from face1d_ros.stages.identity_motion import FaceWatch, Motion, MotionReader, Posed
from face1d_ros.types import FaceLandmarksArray, Header

CHIN = 8


def seen(clip: Clip, rate_hz: float = 25.0, every: int = 1) -> list[Motion]:
    """The motions of a clip."""
    reader, watch, found = MotionReader(), FaceWatch(), []
    for index, points in enumerate(clip[::every]):
        stamp_ns = BEGIN_NS + round(index * every * NS / rate_hz)
        shown = face(points)
        posed = reader.read(FaceLandmarksArray(Header(stamp_ns, "camera"), 640, 480, (shown,)), shown)
        assert isinstance(posed, Posed)
        one = watch.update(posed, stamp_ns)
        found += [] if one is None else [one]
    return found


def direction(one: Motion) -> np.ndarray:
    """(204,) of length 1: what moved."""
    total = (one.points * one.mask[:, None]).sum(axis=0)
    return np.asarray(total / np.linalg.norm(total))


def test_a_motion_is_told_with_where_it_lies_and_how_strong_it_is() -> None:
    (one,) = seen(motion(JAW))
    assert one.points.shape == (FRAMES, 204) and one.mask.shape == (FRAMES,)
    begin_s, end_s = (one.from_ns - BEGIN_NS) / NS, (one.to_ns - BEGIN_NS) / NS
    assert 0.9 < begin_s < 1.4 and 1.9 < end_s < 2.4 and one.seconds == pytest.approx(end_s - begin_s)
    assert one.mask.sum() == round(one.seconds * 20.0) + 1 + 2 * MARGIN
    assert 0.5 < one.strength_cm < 1.0 and one.turned_rad < 0.01
    assert not (one.is_short or one.is_weak or one.is_cut)


def test_a_face_at_rest_makes_none() -> None:
    assert seen(resting(6.0)) == []


def test_one_after_the_other_each_is_measured_from_the_rest_before_it() -> None:
    long = [points for _ in range(7) for points in moving(JAW, seconds=0.8)]
    first, second = seen([*resting(), *long, *resting(1.2), *moving(BROWS), *resting(1.4)])
    chin = second.points.reshape(FRAMES, 68, 3)[:, CHIN]
    assert np.abs(chin[second.mask > 0.0]).max() < 0.1
    assert direction(first) @ direction(second) < 0.3


def test_it_is_the_same_at_half_the_cameras_rate() -> None:
    (whole,), (half,) = seen(motion(SMILE)), seen(motion(SMILE), every=2)
    assert direction(whole) @ direction(half) > 0.98


def test_one_that_goes_on_for_too_long_is_cut() -> None:
    endless = [points for _ in range(10) for points in moving(JAW, seconds=0.8)]
    first, *_ = seen([*resting(), *endless])
    assert first.is_cut and 5.5 < first.seconds <= 6.4


def test_numbers_that_are_none_count_as_weak() -> None:
    nothing = np.zeros((FRAMES, 204), np.float32)
    assert Motion(nothing, nothing[:, 0], 0, NS, math.nan, 0.0).is_weak


def test_the_camera_is_that_of_the_images_or_it_is_said() -> None:
    reader, frame = MotionReader(), FaceLandmarksArray(Header(BEGIN_NS, "camera"), 640, 480)
    assert reader.remark(frame) == ""
    reader.camera = assumed_camera(640, 480, 1.0)
    assert reader.remark(frame) == ""
    reader.camera = assumed_camera(320, 240, 1.0)
    assert reader.remark(frame) == "camera_info of another image size"
