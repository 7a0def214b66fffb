from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from face1d_ros.errors import GeometryError, InvalidValueError
from face1d_ros.geometry.canonical import canonical_face
from face1d_ros.geometry.pose import head_pose, yaw_pitch_roll_rad
from face1d_ros.synth.camera import CameraPlan, draw_camera, frame_stamps, project


def head(yaw_rad: float = 0.0, distance_mm: float = 700.0) -> np.ndarray:
    """(1, 478, 3) mm in the optical frame."""
    turn = Rotation.from_euler("y", yaw_rad).as_matrix()
    return (10.0 * canonical_face().points_cm @ turn.T + [0.0, 0.0, distance_mm])[None]


def test_points_fall_where_a_pinhole_puts_them() -> None:
    plan = CameraPlan(focal_px=500.0, centre_x_px=320.0, centre_y_px=240.0)
    points = np.array([[[0.0, 0.0, 1000.0], [100.0, -50.0, 1000.0], [100.0, -50.0, 500.0], [0.0, 0.0, 1500.0]]])
    found = project(points, plan)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[0, :, :2], [[320, 240], [370, 215], [420, 190], [320, 240]])


def test_depth_is_around_the_mean_of_all_points_in_pixels_there_and_the_nose_is_nearer() -> None:
    plan = CameraPlan(focal_px=500.0)
    points = head()
    found = project(points, plan)[0]
    assert found[:, 2].mean() == pytest.approx(0.0, abs=1e-3)
    assert found[4, 2] < -20.0 < 20.0 < found[234, 2]
    expected = (points[0, :, 2] - points[0, :, 2].mean()) * 500.0 / points[0, :, 2].mean()
    np.testing.assert_allclose(found[:, 2], expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("yaw_rad", [-0.5, 0.0, 0.4])
def test_a_projected_head_has_the_pose_it_was_given(yaw_rad: float) -> None:
    plan = CameraPlan(focal_px=4000.0)
    found = yaw_pitch_roll_rad(head_pose(project(head(yaw_rad, 8000.0), plan)).rotation)[0]
    np.testing.assert_allclose(found, [yaw_rad, 0.0, 0.0], atol=0.01)


def test_depth_has_the_sign_and_the_scale_of_the_detectors() -> None:
    pytest.importorskip("mediapipe", reason="MediaPipe is not installed")
    from face1d_ros.config import LandmarksConfig
    from face1d_ros.detect.detector import make_detector
    from face1d_ros.sources.portrait import astronaut

    detector = make_detector(LandmarksConfig(max_faces=1))
    try:
        (face,) = detector.detect(astronaut())
    finally:
        detector.close()
    pose = head_pose(face.points)
    # The canonical head 3 m away, as large in the picture as the detected one.
    distance_mm = 3000.0
    focal_px = float(pose.scale) / 10.0 * distance_mm
    points = 10.0 * canonical_face().points_cm @ pose.rotation.T + [0.0, 0.0, distance_mm]
    ours = project(points[None], CameraPlan(focal_px=focal_px))[0, :, 2]
    size = np.ptp(face.points[:, :2], axis=0).max()
    slope, _ = np.polyfit(ours, face.points[:, 2], 1)
    assert slope == pytest.approx(1.0, abs=0.12)
    assert abs(face.points[:468, 2].mean()) < 0.005 * size
    assert np.corrcoef(ours, face.points[:, 2])[0, 1] > 0.98


@pytest.mark.parametrize("shape", [(478, 3), (2, 478, 2)])
def test_points_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(GeometryError, match="points to project: got shape"):
        project(np.ones(shape), CameraPlan())


@pytest.mark.parametrize("depth", [0.0, -10.0, np.nan])
def test_points_that_are_not_before_the_camera_are_refused(depth: float) -> None:
    points = head()
    points[0, 7, 2] = depth
    with pytest.raises(GeometryError, match="1 frames with points not before the camera"):
        project(points, CameraPlan())


def test_steady_stamps_are_even() -> None:
    np.testing.assert_allclose(frame_stamps(CameraPlan(rate_hz=25.0), 0.2), [0.0, 0.04, 0.08, 0.12, 0.16])


@pytest.mark.parametrize("rate_hz", [10.0, 30.0, 120.0])
def test_jittered_stamps_rise_and_stay_near_their_time(rate_hz: float) -> None:
    stamps = frame_stamps(CameraPlan(rate_hz=rate_hz, jitter_s=0.45 / rate_hz, seed=3), 20.0)
    assert stamps[0] == 0.0 and stamps[-1] < 20.0
    assert (np.diff(stamps) > 0.0).all()
    off = stamps - np.arange(len(stamps)) / rate_hz
    assert np.abs(off).max() <= 0.45 / rate_hz + 1e-9
    assert off.std() > 0.2 / rate_hz


def test_dropped_frames_are_the_share_asked_for_and_come_in_runs() -> None:
    plan = CameraPlan(rate_hz=100.0, drop_share=0.1, seed=1)
    stamps = frame_stamps(plan, 400.0)
    gaps = np.rint(np.diff(stamps) * 100.0).astype(int)
    assert 1.0 - len(stamps) / 40_000 == pytest.approx(0.1, abs=0.01)
    assert gaps[gaps > 1].mean() - 1.0 == pytest.approx(2.0, abs=0.2)
    assert stamps[0] == 0.0


def test_the_same_plan_gives_the_same_stamps_and_another_seed_others() -> None:
    plan = CameraPlan(jitter_s=0.004, drop_share=0.05, seed=5)
    np.testing.assert_array_equal(frame_stamps(plan, 5.0), frame_stamps(plan, 5.0))
    other = frame_stamps(dataclasses.replace(plan, seed=6), 5.0)
    first = frame_stamps(plan, 5.0)
    assert len(other) != len(first) or not np.array_equal(first, other)


def test_drawn_cameras_are_of_many_kinds_and_the_same_from_the_same_seed() -> None:
    drawn = [draw_camera(np.random.default_rng(seed)) for seed in range(300)]
    assert drawn[7] == draw_camera(np.random.default_rng(7))
    views = [plan.focal_px / plan.width for plan in drawn]
    assert min(views) < 0.6 and max(views) > 1.6
    rates = {plan.rate_hz for plan in drawn}
    assert min(rates) == 10.0 and max(rates) == 120.0 and len(rates) > 8
    assert any(plan.jitter_s for plan in drawn) and not all(plan.jitter_s for plan in drawn)
    assert any(plan.drop_share for plan in drawn) and not all(plan.drop_share for plan in drawn)
    assert draw_camera(np.random.default_rng(1), rate_hz=50.0).rate_hz == 50.0
    for value in dataclasses.asdict(drawn[0]).values():
        assert type(value) in (int, float)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("width", 0),
        ("focal_px", float("nan")),
        ("rate_hz", -1.0),
        ("jitter_s", 0.02),
        ("jitter_s", -0.001),
        ("drop_share", 0.9),
        ("centre_x_px", float("inf")),
    ],
)
def test_plans_that_no_camera_fits_are_refused(field: str, value: float) -> None:
    with pytest.raises(InvalidValueError, match=f"CameraPlan.{field}"):
        dataclasses.replace(CameraPlan(), **{field: value})


def test_a_duration_must_be_above_zero() -> None:
    with pytest.raises(InvalidValueError, match="duration_s"):
        frame_stamps(CameraPlan(), 0.0)
