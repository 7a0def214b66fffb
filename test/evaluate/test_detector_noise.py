"""How the detector's errors are measured; figures of a few frames, against wide limits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("mediapipe", reason="MediaPipe is not installed")

from face1d_ros.errors import InvalidValueError, SourceNotFoundError
from face1d_ros.evaluate.detector_noise import Condition, NoiseJudge, Track, covered, frame_size, in_face_axes
from face1d_ros.evaluate.detector_noise_conditions import covers, expressions, factors, grid, head_motion
from face1d_ros.evaluate.detector_noise_people import (
    Clip,
    depth_gain,
    measure_people,
    mirrored,
    rest_of_smoothing,
)
from face1d_ros.evaluate.detector_noise_run import frames_to_measure
from face1d_ros.evaluate.turned_portrait import TurnedPortrait
from face1d_ros.geometry.canonical import canonical_face
from face1d_ros.geometry.pose import head_pose, yaw_pitch_roll_rad
from face1d_ros.sources.portrait import astronaut
from face1d_ros.sources.portrait_imaging import PortraitImaging
from face1d_ros.synth.noise.hidden import occluded_points

CLIPS = Path(__file__).parents[3] / "shared/data/videos"


@pytest.fixture(scope="module")
def judge() -> Iterator[NoiseJudge]:
    judge = NoiseJudge()
    yield judge
    judge.close()


def track(judge: NoiseJudge, **values: object) -> Track:
    given = {"motion": head_motion(), "frames": 45} | values
    return judge.track(Condition("test", **given))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def clean(judge: NoiseJudge) -> Track:
    return track(judge)


def test_errors_in_the_faces_axes_are_percent_of_its_size_along_the_eyes() -> None:
    errors = np.array([[[0.0, 2.0, 4.0]]])
    found = in_face_axes(errors, np.array([np.pi / 2.0]), np.array([200.0]))
    np.testing.assert_allclose(found, [[[1.0, 0.0, 2.0]]], atol=1e-12)


def test_the_detector_is_close_to_the_truth(clean: Track) -> None:
    assert clean.seen.all() and (clean.presence > 0.99).all()
    assert clean.size_px.mean() == pytest.approx(224.0, rel=0.06)
    errors = clean.errors_percent()
    assert np.sqrt(np.square(errors).mean()) < 0.6
    assert np.abs(errors).mean() > 0.01


def test_grain_makes_it_tremble_and_a_small_face_more(judge: NoiseJudge, clean: Track) -> None:
    def tremble(one: Track) -> float:
        return float(np.diff(one.errors_percent(), axis=0).std())

    grainy = track(judge, imaging=PortraitImaging(noise=16.0))
    small = track(judge, imaging=PortraitImaging(noise=16.0), size_px=60.0)
    assert tremble(grainy) > 1.5 * tremble(clean)
    assert tremble(small) > 1.5 * tremble(grainy)


def test_what_is_not_found_is_nan(judge: NoiseJudge) -> None:
    lost = track(judge, size_px=16.0, frames=5)
    assert not lost.seen.any() and np.isnan(lost.found).all() and np.isfinite(lost.true).all()


def test_a_covered_mouth_is_found_elsewhere(judge: NoiseJudge, clean: Track) -> None:
    mouth = tuple(int(i) for i in occluded_points("mouth", 478))
    hidden = track(judge, cover=mouth)
    assert hidden.seen.all()
    shift = np.abs((hidden.found - clean.found)[:, list(mouth)]).mean() / 2.24
    assert shift > 0.5


def test_a_cover_hides_the_points_and_little_else() -> None:
    face = canonical_face().points_cm
    points = 20.0 * face + [200.0, 200.0, 0.0]
    image = np.zeros((400, 400, 3), np.uint8)
    mouth = occluded_points("mouth", 478)
    hidden = covered(image, points, mouth.tolist(), 200).any(axis=2)
    x, y = np.rint(points[:, :2]).astype(int).T
    assert hidden[y[mouth], x[mouth]].all()
    eyes = occluded_points("left_eye", 478)
    assert not hidden[y[eyes], x[eyes]].any()
    assert 0.01 < hidden.mean() < 0.1
    assert not image.any()


def test_the_turned_portrait_is_the_photo_at_no_angle(judge: NoiseJudge) -> None:
    places = np.column_stack([judge.places, judge.depths_px])
    portrait = TurnedPortrait(places, 200.0, PortraitImaging())
    image, points = portrait.frame(0, 0.0, 0.0, 0.0)
    judge.reset()
    for _ in range(3):
        found = judge.detect(image)
    assert found is not None
    assert np.abs(found[:, :2] - points[:, :2]).mean() < 1.5
    assert points[:468, 2].mean() == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(("yaw", "pitch"), [(0.5, 0.0), (-0.5, 0.0), (0.0, -0.4)])
def test_the_turned_portrait_turns_as_angles_are_defined(judge: NoiseJudge, yaw: float, pitch: float) -> None:
    places = np.column_stack([judge.places, judge.depths_px])
    portrait = TurnedPortrait(places, 200.0, PortraitImaging())
    angles = [
        yaw_pitch_roll_rad(head_pose(portrait.frame(0, *turn, 0.0)[1]).rotation) for turn in ((0.0, 0.0), (yaw, pitch))
    ]
    assert angles[1][0] - angles[0][0] == pytest.approx(yaw, abs=0.03)
    assert angles[1][1] - angles[0][1] == pytest.approx(pitch, abs=0.06)
    judge.reset()
    found = judge.detect(portrait.frame(0, yaw, pitch, 0.0)[0])
    assert found is not None
    seen = yaw_pitch_roll_rad(head_pose(found).rotation)
    turned = np.dot(seen[:2] - angles[0][:2], [yaw, pitch]) / (yaw * yaw + pitch * pitch)
    assert 0.6 < turned < 1.3


def test_a_picture_and_its_mirror_image_agree_within_two_percent(judge: NoiseJudge) -> None:
    apart = mirrored(judge, astronaut())
    assert apart is not None
    assert 0.05 < np.sqrt(np.square(apart).mean()) < 2.0


def test_depth_gain_is_the_slope_of_the_depth() -> None:
    face = canonical_face().points_cm
    assert depth_gain(10.0 * face) == pytest.approx(1.0, abs=1e-6)
    assert depth_gain(10.0 * face * [1.0, 1.0, 1.2]) == pytest.approx(1.2, abs=1e-6)


def test_smoothing_takes_nothing_off_a_cubic() -> None:
    t = np.linspace(-1.0, 1.0, 30)
    points = np.stack([t**3, t**2 - t, 0.0 * t], axis=1)[:, None]
    rest = rest_of_smoothing(points)
    assert rest.shape == (22, 1, 3)
    np.testing.assert_allclose(rest, 0.0, atol=1e-12)


def test_the_longest_run_of_a_clip_is_taken() -> None:
    points = np.full((10, 478, 3), np.nan)
    points[[1, 2, 4, 5, 6, 9]] = np.arange(6.0)[:, None, None]
    assert Clip("clip", points, 30.0, "").longest()[:, 0, 0].tolist() == [2.0, 3.0, 4.0]
    assert len(Clip("clip", np.full((3, 478, 3), np.nan), 30.0, "").longest()) == 0


def test_a_folder_without_the_clips_is_refused(judge: NoiseJudge, tmp_path: Path) -> None:
    with pytest.raises(SourceNotFoundError):
        measure_people(judge, tmp_path)


@pytest.mark.skipif(not CLIPS.is_dir(), reason="the shared clips are not there")
def test_people_without_truth_are_measured(judge: NoiseJudge) -> None:
    people = measure_people(judge, CLIPS, ["single_face.mp4"])
    assert len(people.names) >= 6 and len(set(people.names)) == len(people.names)
    assert people.mirror_percent.shape == (len(people.names), 478, 3)
    assert np.sqrt(np.square(people.mirror_percent).mean()) < 2.0
    assert ((people.depth_gains > 0.8) & (people.depth_gains < 1.3)).all()
    assert [len(clip.longest()) for clip in people.clips] == [72]


def test_the_design_varies_one_thing_at_a_time_and_names_each_condition_once() -> None:
    every = [
        condition for kind in (grid(), *factors().values(), expressions(), *covers().values()) for condition in kind
    ]
    names = [condition.name for condition in every]
    repeated = {name for name in names if names.count(name) > 1}
    assert not repeated
    assert frames_to_measure() == sum(condition.frames for condition in every)
    for condition in every:
        width, height = frame_size(condition.size_px)
        assert width > height > condition.size_px


def test_a_face_larger_than_any_frame_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="size_px"):
        frame_size(5000.0)
    with pytest.raises(InvalidValueError, match=r"Condition\.frames"):
        NoiseJudge.track(None, Condition("short", frames=2))  # type: ignore[arg-type]
