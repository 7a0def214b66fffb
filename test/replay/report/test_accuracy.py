"""Results against a truth: the figures are those of the whole track, and faces are matched."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from replay.report_streams import FIRST_NS, STEP_NS, Stream

from face1d_ros.evaluate import metrics
from face1d_ros.replay.report.build import Builder
from face1d_ros.replay.report.content import Report, Run
from face1d_ros.replay.report.results import Result
from face1d_ros.replay.report.truth import FileTruth, Rows
from face1d_ros.types import Phase

FRAMES = 200
STREAM = Stream()


def stamps(frames: int = FRAMES) -> np.ndarray:
    return FIRST_NS + STEP_NS * np.arange(frames)


def landmarks(frames: int = FRAMES) -> np.ndarray:
    return np.stack([STREAM.truth(frame) for frame in range(frames)]).astype(np.float32)


def truth_of(frames: int = FRAMES, **columns: Any) -> FileTruth:
    return FileTruth(Rows(stamps(frames), **columns), "test truth", "synthetic")


def report_of(results: Iterable[Result], truth: FileTruth) -> Report:
    builder = Builder(truth)
    for result in results:
        builder.take(result)
    return builder.report(Run("c", "s"))


def values(report: Report) -> dict[str, float | None]:
    return {figure.key: figure.value for figure in report.figures}


def track(noise_px: float) -> np.ndarray:
    return np.stack([STREAM.landmarks(frame, noise_px).faces[0].points[:, :2] for frame in range(FRAMES)])


def both(frames: Iterable[int]) -> Iterable[Result]:
    for frame in frames:
        yield Result("landmarks", STREAM.landmarks(frame), 0)
        yield Result("smoothing", STREAM.landmarks(frame, STREAM.smoothed_noise_px), 0)


def test_landmark_figures_are_those_of_the_whole_track() -> None:
    found = values(report_of(both(range(FRAMES)), truth_of(points=landmarks())))
    for side, noise in (("raw", STREAM.noise_px), ("smoothed", STREAM.smoothed_noise_px)):
        whole = metrics.landmark_motion(track(noise), landmarks())
        for key in ("nme_percent", "nrmse_percent", "stability_percent", "jitter_px", "acceleration_px", "lag_frames"):
            assert found[f"accuracy.{side}.{key}"] == pytest.approx(whole[key], rel=1e-6), key
        errors = metrics.frame_nme_percent(track(noise), landmarks())
        for key, value in metrics.cumulative_errors(errors).items():
            assert found[f"accuracy.{side}.nme_{key}"] == pytest.approx(value)
        assert found[f"accuracy.{side}.missed_percent"] == 0.0
    assert found["accuracy.ratio.jitter"] == pytest.approx(0.2, rel=0.05)


def test_results_that_lag_by_a_frame_are_told_to() -> None:
    late = (
        Result(
            "landmarks", dataclasses.replace(STREAM.landmarks(max(frame - 1, 0), 0.0), header=STREAM.header(frame)), 0
        )
        for frame in range(FRAMES)
    )
    found = values(report_of(late, truth_of(points=landmarks())))
    assert found["accuracy.raw.lag_frames"] == pytest.approx(1.0, abs=0.02)
    assert found["accuracy.raw.abs_lag_frames"] == pytest.approx(1.0, abs=0.02)


def test_a_face_that_was_not_found_is_a_failure_and_no_motion() -> None:
    frames = [STREAM.landmarks(frame) for frame in range(FRAMES)]
    for frame in range(50, 100):
        frames[frame] = STREAM.frame(frame, ())
    found = values(report_of((Result("landmarks", frame, 0) for frame in frames), truth_of(points=landmarks())))
    assert found["accuracy.raw.missed_percent"] == pytest.approx(25.0)
    assert found["accuracy.raw.nme_fr_8"] == pytest.approx(0.25)
    parts = [(track(0.5)[part], landmarks()[part]) for part in (slice(0, 50), slice(100, 200))]
    jitter = sum(metrics.jitter_px(*part) * (len(part[0]) - 1) for part in parts) / 148
    assert found["accuracy.raw.jitter_px"] == pytest.approx(jitter, rel=1e-6)


def test_unknown_points_of_the_truth_do_not_count() -> None:
    truth = landmarks()
    truth[:, 10:20] = np.nan
    truth[30:40] = np.nan
    found = values(report_of(both(range(FRAMES)), truth_of(points=truth)))
    present = np.isfinite(truth).all(axis=2)
    assert found["accuracy.raw.nme_percent"] == pytest.approx(metrics.nme_percent(track(0.5), truth, present), rel=1e-6)
    assert found["accuracy.raw.faces"] == FRAMES - 10


def test_two_people_are_compared_each_with_the_nearest_face() -> None:
    shift = np.array([200.0, 0.0], np.float32)
    rows = Rows(
        np.repeat(stamps(50), 2),
        face=np.tile([1, 2], 50),
        points=np.stack([points + place for points in landmarks(50) for place in (0.0 * shift, shift)]),
    )
    results = []
    for frame in range(50):
        one = STREAM.landmarks(frame, 0.0).faces[0]
        moved = one.points + np.append(shift, 0.0).astype(np.float32)
        faces = (dataclasses.replace(one, track_id=9, points=moved), one)
        results.append(Result("landmarks", STREAM.frame(frame, faces), 0))
    found = values(report_of(results, FileTruth(rows, "two")))
    assert found["accuracy.raw.faces"] == 100.0 and found["accuracy.raw.missed_percent"] == 0.0
    assert found["accuracy.raw.nme_percent"] == pytest.approx(0.0, abs=1e-4)


def test_a_face_somewhere_else_is_not_the_true_one() -> None:
    far = landmarks(30) + 400.0
    found = values(report_of(both(range(30)), truth_of(30, points=far)))
    assert found["accuracy.raw.missed_percent"] == 100.0 and found["accuracy.raw.nme_percent"] is None
    assert found["accuracy.raw.nme_auc_8"] == 0.0


def test_marks_now_and_then_give_places_and_no_motion() -> None:
    truth = FileTruth(Rows(stamps()[::10], points=landmarks()[::10]), "now and then")
    found = values(report_of(both(range(FRAMES)), truth))
    assert found["accuracy.raw.faces"] == FRAMES / 10 and found["accuracy.raw.nme_percent"]
    assert found["accuracy.raw.jitter_px"] is None and found["accuracy.raw.lag_frames"] is None


def test_labels_and_phases_against_true_ones() -> None:
    results = [Result("expression", STREAM.expression(frame), 0) for frame in range(FRAMES)]
    labels = np.array([result.value.faces[0].label for result in results])
    phases = np.array([int(result.value.faces[0].phase) for result in results])
    labels[:50] = ""
    phases = np.roll(phases, -3)
    phases[-3:] = Phase.APEX
    found = values(report_of(results, truth_of(label=labels, phase=phases)))
    assert found["accuracy.expression.frames"] == FRAMES - 50
    assert found["accuracy.expression.accuracy_percent"] == 100.0 and found["accuracy.expression.macro_f1"] == 1.0
    assert found["accuracy.expression.apex_ms"] == pytest.approx(100.0, rel=1e-3)
    assert (found["accuracy.expression.apex_missed"], found["accuracy.expression.apex_extra"]) == (0.0, 0.0)
    assert found["accuracy.expression.onset_ms"] is None
    assert 0.5 < found["accuracy.expression.phase_f1"] < 1.0  # type: ignore[operator]


def test_wrong_labels_are_counted() -> None:
    results = [Result("expression", STREAM.expression(frame), 0) for frame in range(90)]
    found = values(report_of(results, truth_of(90, label=np.full(90, "neutral"))))
    assert found["accuracy.expression.accuracy_percent"] == pytest.approx(100.0 * 60 / 90)


def test_head_pose_is_compared_as_an_angle_and_a_way() -> None:
    results = [Result("mesh", STREAM.mesh(frame), 0) for frame in range(30)]
    still = results[0].value.faces[0].pose
    truth = truth_of(
        30,
        orientation=np.tile(still.orientation, (30, 1)),
        position_m=np.tile(still.position + np.array([0.01, 0.0, 0.0]), (30, 1)),
    )
    found = values(report_of(results, truth))
    turns = np.abs(20.0 * np.sin(0.1 * np.arange(30)))
    assert found["accuracy.pose.rotation_deg"] == pytest.approx(turns.mean(), rel=1e-3)
    assert found["accuracy.pose.position_mm"] == pytest.approx(10.0)


def test_verdicts_judge_what_was_measured_and_name_the_data() -> None:
    report = report_of(both(range(FRAMES)), truth_of(points=landmarks()))
    verdicts = {verdict.criterion.key: verdict for verdict in report.verdicts}
    assert len(verdicts) == 7 and verdicts["nme_percent"].passed and verdicts["jitter_px"].passed
    assert verdicts["latency_ms"].value == pytest.approx(8.0, rel=0.01)
    assert verdicts["mesh_error_mm"].passed is None
    assert verdicts["nme_percent"].data == "synthetic" and "smoothed" in verdicts["nme_percent"].conditions
    assert report.truth == "test truth"


def test_a_truth_of_other_times_is_told() -> None:
    truth = FileTruth(Rows(stamps() + 10**15, points=landmarks()), "of another day")
    report = report_of(both(range(20)), truth)
    assert any("No frame has a stamp" in note for note in report.notes)
    assert not [key for key in values(report) if key.startswith("accuracy.")]


def test_frames_after_a_jump_are_no_neighbours() -> None:
    order = [*range(100, 150), *range(50)]
    found = values(report_of(both(order), truth_of(points=landmarks())))
    parts = [(track(0.5)[part], landmarks()[part]) for part in (slice(100, 150), slice(0, 50))]
    expected = np.mean([metrics.jitter_px(*part) for part in parts])
    assert found["accuracy.raw.jitter_px"] == pytest.approx(expected, rel=1e-6)
