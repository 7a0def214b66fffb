"""What a report says of a stream of results."""

from __future__ import annotations

import dataclasses
import math
import resource
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from replay.report_streams import COEFFICIENTS, FIRST_NS, STEP_NS, Stream, write_bag

from face1d_ros.convert.bag import definition, to_bytes
from face1d_ros.evaluate.metrics import pseudo_error_percent, pseudo_lag_frames, sta1_percent, sta2_percent
from face1d_ros.graph import LANDMARKS_RAW, STAGES
from face1d_ros.replay.bag_file import BagFile
from face1d_ros.replay.bag_writer import BagWriter
from face1d_ros.replay.report.build import Builder, build_report, read_run
from face1d_ros.replay.report.content import Report, Run
from face1d_ros.replay.report.results import Result
from face1d_ros.types import Decision, FaceIdentity, FaceIdentityArray, Factor, TrackState

FRAMES = 300
RUN = Run("face1d replay clip", "a clip")


def report_of(results: Iterable[Result], run: Run = RUN) -> Report:
    builder = Builder()
    for result in results:
        builder.take(result)
    return builder.report(run)


def values(report: Report) -> dict[str, float | None]:
    return {figure.key: figure.value for figure in report.figures}


@pytest.fixture(scope="module")
def report() -> Report:
    return report_of(Stream(dropped_every=10).results(range(FRAMES)))


def raw(stream: Stream, frames: Iterable[int]) -> Iterator[Result]:
    return (Result("landmarks", stream.landmarks(frame), stream.stamp_ns(frame)) for frame in frames)


def test_what_was_run_is_completed_from_the_messages(report: Report) -> None:
    run = report.run
    assert (run.frames, run.width, run.height, run.source) == (FRAMES, 640, 480, "a clip")
    assert run.duration_s == pytest.approx((FRAMES - 1) / 30.0, rel=1e-6) and run.rate_hz == pytest.approx(30.0)
    assert run.models["mesh"] == "mesh 1 on test" and list(run.models) == [spec.stage for spec in STAGES]


def test_what_is_known_of_the_run_is_kept() -> None:
    run = dataclasses.replace(RUN, frames=7, duration_s=2.0, rate_hz=25.0, models={"mesh": "known"}, wall_s=0.5)
    report = report_of(raw(Stream(), range(3)), run)
    assert report.run == dataclasses.replace(run, width=640, height=480)
    assert values(report)["run.realtime_factor"] == pytest.approx(4.0)


def test_keys_are_unique_and_begin_with_their_section(report: Report) -> None:
    keys = [figure.key for figure in report.figures]
    assert len(set(keys)) == len(keys)
    sections = {"run", "faces", "stability", "expression", "pose", "asymmetry", "identity", "latency", "drops", "age"}
    assert {key.partition(".")[0] for key in keys} == sections
    assert all(figure.value is None or math.isfinite(figure.value) for figure in report.figures)


def test_stability_is_the_figure_of_the_whole_track(report: Report) -> None:
    stream, found = Stream(), values(report)
    for side, noise in (("raw", stream.noise_px), ("smoothed", stream.smoothed_noise_px)):
        track = np.stack([stream.landmarks(frame, noise).faces[0].points[:, :2] for frame in range(FRAMES)])
        assert found[f"stability.{side}.sta1_percent"] == pytest.approx(sta1_percent(track), rel=1e-6)
        assert found[f"stability.{side}.sta2_percent"] == pytest.approx(sta2_percent(track), rel=1e-6)
    ratio = found["stability.smoothed.sta1_percent"] / found["stability.raw.sta1_percent"]  # type: ignore[operator]
    assert found["stability.ratio.sta1"] == pytest.approx(ratio)


def test_pseudo_lag_and_error_are_those_of_the_whole_track(report: Report) -> None:
    stream, found = Stream(), values(report)
    raw_track, smoothed = (
        np.stack([stream.landmarks(frame, noise).faces[0].points[:, :2] for frame in range(FRAMES)])
        for noise in (stream.noise_px, stream.smoothed_noise_px)
    )
    assert found["stability.smoothed.pseudo_lag_frames"] == pytest.approx(
        pseudo_lag_frames(smoothed, raw_track), rel=1e-3
    )
    assert found["stability.smoothed.pseudo_error_percent"] == pytest.approx(
        pseudo_error_percent(smoothed, raw_track), rel=1e-3
    )


def test_smoothed_landmarks_that_come_a_frame_late_have_a_pseudo_lag() -> None:
    stream = Stream(noise_px=0.0)

    def late(frame: int) -> Iterator[Result]:
        yield Result("landmarks", stream.landmarks(frame), 0)
        held = dataclasses.replace(stream.landmarks(max(frame - 1, 0)), header=stream.header(frame))
        yield Result("smoothing", held, 0)

    found = values(report_of(result for frame in range(200) for result in late(frame)))
    assert found["stability.smoothed.abs_pseudo_lag_frames"] == pytest.approx(1.0, abs=0.05)


def test_bridged_frames_do_not_count_as_steady_and_are_shown() -> None:
    stream = Stream(noise_px=0.0)
    frames = [stream.landmarks(frame) for frame in range(60)]
    held = dataclasses.replace(frames[29].faces[0], state=TrackState.BRIDGED)
    for frame in range(30, 40):
        frames[frame] = dataclasses.replace(frames[frame], faces=(held,))
    report = report_of(Result("smoothing", frame, 0) for frame in frames)
    (bridged,) = report.spans_of("bridged")
    assert (bridged.from_s, bridged.to_s) == pytest.approx((1.0, 40 / 30), abs=1e-3)
    assert values(report)["faces.bridged_percent"] == pytest.approx(100.0 * 10 / 60)
    whole = [sta1_percent(np.stack([f.faces[0].points[:, :2] for f in part])) for part in (frames[:30], frames[40:])]
    expected = (28 * whole[0] + 18 * whole[1]) / 46
    assert values(report)["stability.smoothed.sta1_percent"] == pytest.approx(expected, rel=1e-4)


def test_labels_phases_and_their_figures(report: Report) -> None:
    labels = [(span.value, round(span.from_s), round(span.to_s)) for span in report.spans_of("label")]
    assert labels == [
        *(("happiness", 0, 1), ("neutral", 1, 3), ("happiness", 3, 4), ("neutral", 4, 6)),
        *(("happiness", 6, 7), ("neutral", 7, 9), ("happiness", 9, 10)),
    ]
    phases = [span.value for span in report.spans_of("phase")]
    assert phases == ["apex", "neutral"] * 3 + ["apex"]
    found = values(report)
    assert found["expression.share.happiness_percent"] == pytest.approx(40.0)
    assert found["expression.events.apex"] == 4.0
    assert found["expression.changes_per_min"] == pytest.approx(6 / (299 / 30) * 60, rel=1e-3)


def test_head_pose_has_its_range_and_largest_step(report: Report) -> None:
    found = values(report)
    assert found["pose.yaw_lowest_deg"] == pytest.approx(-20.0, abs=0.05)
    assert found["pose.yaw_highest_deg"] == pytest.approx(20.0, abs=0.05)
    assert found["pose.distance_highest_m"] == pytest.approx(0.5)
    assert found["pose.largest_step_deg"] == pytest.approx(2.0, abs=0.01)
    (yaw,) = report.series_of("pose.yaw_deg")
    assert yaw.track_id == 1 and yaw.high.max() == pytest.approx(20.0, abs=0.05)


def test_coefficients_and_asymmetry_have_series_and_figures(report: Report) -> None:
    assert [len(report.series_of(f"coefficient.{name}")) for name in COEFFICIENTS] == [1, 1, 1]
    found = values(report)
    assert found["asymmetry.overall"] == pytest.approx(0.2)
    assert (found["asymmetry.weaker_left_percent"], found["asymmetry.weaker_none_percent"]) == (100.0, 0.0)
    assert not report.series_of("asymmetry.position.brow"), "never known"


def test_latencies_drops_and_ages(report: Report) -> None:
    found = values(report)
    assert found["latency.mesh.p95_ms"] == pytest.approx(4.0, rel=0.01)
    assert found["latency.all.p50_ms"] == pytest.approx(20.0, rel=0.01)
    assert found["age.identity.p50_ms"] == pytest.approx(5.0, rel=0.01)
    assert found["drops.landmarks"] == (FRAMES - 1) // 10
    stages = {latency.stage: latency for latency in report.latencies}
    assert stages["mesh"].frames == FRAMES and stages["mesh"].counts.sum() == FRAMES
    assert stages["mesh"].largest_ms == pytest.approx(4.0) and "all" in stages


def test_a_replays_bag_has_no_ages_as_it_is_recorded_at_its_stamps() -> None:
    report = report_of(raw(Stream(), range(10)))
    assert not [key for key in values(report) if key.startswith("age.")]


def test_counts_that_begin_again_with_a_node_are_added_up() -> None:
    stream = Stream(dropped_every=5)
    report = report_of(chain(raw(stream, range(50)), raw(dataclasses.replace(stream, first_ns=0), range(50))))
    assert values(report)["drops.landmarks"] == 18.0


def test_what_was_dropped_before_the_recording_began_is_not_of_the_bag() -> None:
    found = values(report_of(raw(Stream(dropped_every=5), range(100, 151))))
    assert found["drops.landmarks"] == 10.0
    assert found["drops.landmarks_percent"] == pytest.approx(100.0 * 10 / 61)


def test_each_decision_is_listed_once() -> None:
    asked = FaceIdentity(1, Decision.REJECTED, "abc", True, 0.1, 0.5, math.nan, factors=Factor.MOTION)
    asked = dataclasses.replace(asked, judged_from_ns=FIRST_NS, judged_to_ns=FIRST_NS + 30 * STEP_NS)
    again = dataclasses.replace(asked, decision=Decision.VERIFIED, score=0.9)
    faces = [FaceIdentity(1)] * 5 + [asked] * 10 + [again] * 10
    frames = (FaceIdentityArray(Stream().header(index), (face,)) for index, face in enumerate(faces))
    report = report_of(Result("identity", frame, 0) for frame in frames)
    assert [(one.decision, round(one.t_s, 2)) for one in report.judgements] == [("rejected", 0.17), ("verified", 0.5)]
    first = report.judgements[0]
    assert (first.margin, first.factors, first.from_s) == (None, "motion only", 0.0)
    assert values(report)["identity.verified"] == 1.0 and values(report)["identity.decisions"] == 2.0


def test_times_without_a_face_and_several_at_once() -> None:
    stream = Stream()
    other = dataclasses.replace(stream, track_id=2)
    frames = [stream.landmarks(frame) for frame in range(90)]
    for frame in range(30, 60):
        frames[frame] = stream.frame(frame, (), ended=(1,) if frame == 30 else ())
    for frame in range(60, 90):
        both = (*other.landmarks(frame).faces, *dataclasses.replace(stream, track_id=3).landmarks(frame).faces)
        frames[frame] = stream.frame(frame, both)
    report = report_of(Result("landmarks", frame, 0) for frame in frames)
    found = values(report)
    assert (found["faces.tracks"], found["faces.most_at_once"]) == (3.0, 2.0)
    assert found["faces.with_face_percent"] == pytest.approx(200 / 3)
    assert found["faces.longest_loss_s"] == pytest.approx(1.0, abs=1e-3)
    (without,) = report.spans_of("no_face")
    assert (without.from_s, without.to_s) == pytest.approx((1.0, 2.0), abs=1e-3)
    assert [span.track_id for span in report.spans_of("track")] == [1, 2, 3]


def test_without_results_the_report_says_so() -> None:
    report = report_of([])
    assert report.series == report.spans == report.latencies == ()
    assert report.run.frames == 0 and "no results" in report.notes[0]


def test_only_raw_landmarks_give_a_report_that_says_what_is_missing() -> None:
    report = report_of(raw(Stream(), range(30)))
    assert report.notes == ("Not recorded: face1d/landmarks, face1d/mesh, face1d/expression, face1d/identity.",)
    found = values(report)
    assert found["stability.raw.sta1_percent"] and "stability.ratio.sta1" not in found
    assert [latency.stage for latency in report.latencies] == ["landmarks"]


@pytest.mark.parametrize("stage", [spec.stage for spec in STAGES])
def test_any_stage_alone_gives_a_report(stage: str) -> None:
    report = report_of(Stream().results(range(20), (stage,)))
    assert report.run.frames == 20 and values(report)["run.duration_s"] == pytest.approx(19 / 30, rel=1e-3)


def test_stamps_that_jump_are_told_and_measured_on_both_sides_alone() -> None:
    stream = Stream(noise_px=0.0)
    before = dataclasses.replace(stream, first_ns=FIRST_NS - 10_000_000_000)
    report = report_of(chain(raw(stream, range(30)), raw(before, range(30))))
    assert values(report)["run.jumps"] == 1.0 and "jump once" in report.notes[-1]
    assert report.run.duration_s == pytest.approx(59 / 30, rel=1e-3)
    assert values(report)["stability.raw.sta1_percent"] == pytest.approx(
        sta1_percent(np.stack([stream.landmarks(frame).faces[0].points[:, :2] for frame in range(30)])), rel=1e-4
    )


def test_points_that_are_not_known_and_faces_without_extent_are_left_out() -> None:
    stream = Stream()
    frames = []
    for index in range(60):
        frame = stream.landmarks(index)
        points = frame.faces[0].points.copy()
        points[5] = np.nan
        if index >= 40:
            points[:] = 7.0
        frames.append(dataclasses.replace(frame, faces=(dataclasses.replace(frame.faces[0], points=points),)))
    found = values(report_of(Result("landmarks", frame, 0) for frame in frames))
    value = found["stability.raw.sta1_percent"]
    assert value is not None and 0.1 < value < 2.0


def test_a_hundred_thousand_frames_take_no_more_memory_than_ten_thousand() -> None:
    stream, builder = Stream(), Builder()
    faces = [stream.landmarks(frame).faces for frame in range(64)]
    for frame in range(100_000):
        if frame == 10_000:
            before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        track_id = 1 + frame // 500
        face = dataclasses.replace(faces[frame % 64][0], track_id=track_id)
        builder.take(Result("landmarks", stream.frame(frame, (face,)), stream.stamp_ns(frame)))
    report = builder.report(RUN)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 20_000
    assert report.run.frames == 100_000 and values(report)["faces.tracks"] == 200.0
    assert max(len(series.t_s) for series in report.series) <= 1024
    assert any("8 faces that were there longest" in note for note in report.notes)


def test_a_bag_gives_the_same_report_as_its_messages(tmp_path: Path) -> None:
    results = list(Stream().results(range(40)))
    path = write_bag(tmp_path / "results", iter(results))
    of_bag = build_report(path, read_run(path))
    assert values(of_bag)["stability.raw.sta1_percent"] == values(report_of(results))["stability.raw.sta1_percent"]
    assert of_bag.run.source == "bag results" and of_bag.run.damage == ()


def test_a_bag_without_messages_of_ours_gives_a_report_that_says_so(tmp_path: Path) -> None:
    path = write_bag(tmp_path / "results", iter(()))
    assert "no results" in build_report(path, read_run(path)).notes[0]


def test_a_bag_that_was_cut_off_gives_a_report_of_what_is_left(tmp_path: Path) -> None:
    path = write_bag(tmp_path / "results", Stream().results(range(200)))
    (file,) = path.glob("*.mcap")
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    report = build_report(path, read_run(path))
    assert 10 < report.run.frames < 200
    assert report.run.damage and values(report)["run.damaged"] == len(report.run.damage)


def test_messages_of_ours_that_are_no_such_messages_are_told(tmp_path: Path) -> None:
    bag = BagFile(tmp_path / "results")
    topic = LANDMARKS_RAW
    bag.add_topic(f"/{topic.name}", topic.type, *definition(topic.type))
    for frame in range(10):
        data = to_bytes(Stream().landmarks(frame))
        bag.write(f"/{topic.name}", Stream().stamp_ns(frame), data if frame % 2 else data[:40])
    bag.close()
    report = build_report(bag.path, read_run(bag.path))
    assert report.run.frames == 5 and "5 messages of /face1d/landmarks_raw" in report.run.damage[0]


def test_of_two_robots_the_first_is_reported_and_the_other_told(tmp_path: Path) -> None:
    names = [f"{robot}/{LANDMARKS_RAW.name}" for robot in ("one", "two")]
    bag = BagWriter(tmp_path / "results", tuple(dataclasses.replace(LANDMARKS_RAW, name=name) for name in names))
    for frame in range(10):
        bag.write(dict.fromkeys(names, Stream().landmarks(frame)))
    bag.close()
    report = build_report(bag.path, read_run(bag.path))
    assert report.run.frames == 10 and report.notes[0] == (
        "The report is of /one/face1d; 10 results of /two/face1d are not in it."
    )
