"""The fixed test set: the same plans bit for bit, the same values within 1e-4, and the small one that ships."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from synth.tiny import tiny_job

from face1d_ros.cli.synth_baselines import longest_run, moving_average
from face1d_ros.errors import CorpusError, InvalidValueError
from face1d_ros.evaluate.metrics import jitter_px, lag_frames, nme_percent, sta1_percent
from face1d_ros.geometry.topology import indices_in
from face1d_ros.synth.corpus import fixed_sets
from face1d_ros.synth.corpus.fixed_blocks import small_plans
from face1d_ros.synth.corpus.fixed_sets import (
    SMALL_FILE,
    TOLERANCE,
    check_plans,
    golden,
    load_small_test_set,
    parts_of,
    select,
)
from face1d_ros.synth.corpus.reader import VALUES_VERSION
from face1d_ros.synth.corpus.small_set import read_sequences, write_sequences
from face1d_ros.synth.corpus.writer import noise_sha256
from face1d_ros.synth.faces.model import load_face_model
from face1d_ros.synth.faces.point_model import point_model
from face1d_ros.synth.motion.types import LABELS, NONE
from face1d_ros.synth.noise.observe import load_noise_model
from face1d_ros.synth.sequence import ARRAYS, Sequence, make_sequence
from face1d_ros.types import Phase, Topology

MODEL = Path(__file__).parents[3] / "shared/data/ict_facekit/ict_narrow_f16.npz"
LARGEST_BYTES = 8_000_000


def test_the_general_part_is_drawn_bit_for_bit_as_fixed() -> None:
    assert check_plans("synthetic-test-v1", "general") == golden()["parts"]["general"]["plans_sha256"]


def test_a_sixteenth_of_the_identity_part_is_drawn_bit_for_bit_as_fixed() -> None:
    check_plans("synthetic-test-v1", "identity", sample=True)


def test_the_fixed_values_are_of_this_version() -> None:
    assert golden()["values_version"] == VALUES_VERSION


def test_other_plans_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fixed_sets, "block_plan", lambda part, index: tiny_job().plans.plan(0))
    with pytest.raises(CorpusError, match="other parameters"):
        check_plans("synthetic-test-v1", "identity", sample=True)


@pytest.mark.skipif(not MODEL.is_file(), reason=f"{MODEL} is not there")
@pytest.mark.parametrize("part", ["general", "identity"])
def test_values_are_within_the_tolerance_of_the_fixed_ones(part: str) -> None:
    model, noise, fixed = point_model(load_face_model(MODEL)), load_noise_model(), golden()
    made_with = model.source_sha256, noise_sha256(noise)
    assert made_with == (fixed["face_model_sha256"], fixed["noise_model_sha256"]), "see docs/synthetic_data.md: --small"
    rows = fixed["parts"][part]["values"]
    for row in rows[:: len(rows) // 4]:
        made = make_sequence(parts_of()[part].plan(row["sequence"]), model, noise)
        assert fixed_sets._deviation(row, made) <= TOLERANCE
        row["points_mm"][0][0] += 0.1
        assert fixed_sets._deviation(row, made) > TOLERANCE


def test_the_identity_part_is_59_subjects_with_5_motions_of_10_repetitions() -> None:
    plans = parts_of()["identity"]
    first = [plans.plan(index) for index in range(0, 2950, 10)]
    assert Counter(plan.subject.id for plan in first) == {plan.subject.id: 5 for plan in first}
    assert len({plan.subject.id for plan in first}) == 59
    assert len({plan.motion.free[0].motion_id for plan in first}) == 59 * 5
    one = [plans.plan(index) for index in range(10)]
    assert len({plan.motion.free[0].motion_id for plan in one}) == 1 and len({plan.motion for plan in one}) == 10
    varied, imitated = plans.plan(2950), plans.plan(plans.count - 2)
    assert varied.motion.free[0].variation != "natural"
    assert imitated.motion.free[0].motion_id == one[0].motion.free[0].motion_id
    assert imitated.subject.id != one[0].subject.id


def test_every_task_finds_what_it_needs_in_the_general_part() -> None:
    plans = parts_of()["general"]
    by_block: dict[str, list] = {}  # type: ignore[type-arg]
    for index in range(plans.count):
        plan = plans.plan(index)
        by_block.setdefault(plan.name.split("/")[0], []).append(plan)
    assert {plan.camera.rate_hz for plan in by_block["smoothing"]} >= {10, 15, 30, 60, 120}
    assert {plan.camera.rate_hz for plan in by_block["expressions"]} == {15, 30, 60, 120}
    assert len({cover.region for plan in by_block["occlusion"] for cover in plan.noise.occlusions}) >= 10
    for plan in by_block["dropout"]:
        assert [round(gap.duration_s * plan.camera.rate_hz) for gap in plan.noise.dropouts] == [10, 10]
    for plan in by_block["mesh"]:
        yaws = [turn.yaw_rad for turn in plan.head.turns]
        assert max(yaws) == pytest.approx(np.radians(40), abs=1e-4) and min(yaws) == -max(yaws)
    shown = Counter(one.label for plan in by_block["expressions"] for one in plan.motion.expressions)
    assert all(shown[label] >= 5 for label in LABELS[1:])
    grades = {(plan.subject.style.palsy.side, plan.subject.style.palsy.mouth) for plan in by_block["palsy-graded"]}
    assert len(grades) == 24
    subjects = {block: {plan.subject.id for plan in found} for block, found in by_block.items()}
    assert sum(len(ids) for ids in subjects.values()) == len(set().union(*subjects.values()))


def test_the_small_set_ships_with_inputs_and_truth_for_every_task() -> None:
    assert SMALL_FILE.stat().st_size <= LARGEST_BYTES
    small = load_small_test_set()
    blocks = Counter(sequence.name.split("/")[0] for sequence in small)
    assert set(blocks) == {
        "smoothing", "occlusion", "dropout", "mesh", "expressions", "speech", "free", "idle", "palsy-graded",
        "repeated",
    }  # fmt: skip
    labels = np.concatenate([sequence.label for sequence in select(small, "expressions")])
    phases = np.concatenate([sequence.phase for sequence in select(small, "expressions")])
    assert len(set(labels.tolist()) - {NONE, 0}) >= 5
    assert {Phase.NEUTRAL, Phase.ONSET, Phase.APEX, Phase.OFFSET} <= set(phases.tolist())
    assert len({(s.subject_id, s.motion_id.max()) for s in select(small, "repeated")}) == 10
    assert any(sequence.occluded.any() for sequence in select(small, "occlusion"))
    assert all((~sequence.seen).any() for sequence in select(small, "dropout"))
    for sequence in small:
        assert sequence.topology == Topology.MESH_478
        assert np.isfinite(sequence.observed[sequence.seen]).all() and np.isnan(sequence.observed[~sequence.seen]).all()
    with pytest.raises(InvalidValueError, match="one of dropout"):
        select(small, "dance")


def test_the_small_set_holds_the_fixed_plans() -> None:
    assert [sequence.plan for sequence in load_small_test_set()] == list(small_plans())


def test_a_model_that_only_averages_fails_visibly() -> None:
    rows = {frames: np.array(list(figures(frames))).mean(axis=0) for frames in (1, 5, 9)}
    (nme, lag, jitter, sta1), averaged, more = rows[1], rows[5], rows[9]
    assert averaged[3] < 0.6 * sta1 and more[3] < averaged[3]
    assert averaged[0] > 1.3 * nme and more[0] > averaged[0]
    assert averaged[1] > lag + 1.0 and more[1] > averaged[1]
    assert jitter > 0.2


def figures(frames: int) -> list[tuple[float, ...]]:
    found = []
    for sequence in select(load_small_test_set(), "smoothing"):
        part = longest_run(sequence.seen)
        points = indices_in(Topology.FACE_68, sequence.topology)
        truth = sequence.clean_px[part][:, points, :2].astype(float)
        seen = moving_average(sequence.observed[part][:, points, :2].astype(float), frames - 1)
        found.append((nme_percent(seen, truth), lag_frames(seen, truth), jitter_px(seen, truth), sta1_percent(seen)))
    return found


def made() -> list[Sequence]:
    job = tiny_job(sequences=4, seconds=3.0)
    return [make_sequence(job.plans.plan(index), job.points, job.noise) for index in range(4)]


def test_a_set_in_few_bytes_keeps_every_value(tmp_path: Path) -> None:
    sequences, path = made(), tmp_path / "few.npz"
    write_sequences(path, sequences, tiny_job().points.expression_mm)
    tolerances = {"observed": 0.02, "points_mm": 0.01, "point_confidence": 0.002, "clean_px": 0.03}
    for first, second in zip(sequences, read_sequences(path), strict=True):
        assert second.plan == first.plan and second.expression_names == first.expression_names
        for name in (*ARRAYS, "clean_px"):
            before, after = getattr(first, name), getattr(second, name)
            assert after.dtype == before.dtype, name
            np.testing.assert_allclose(after, before, atol=tolerances.get(name, 1e-4), rtol=0, err_msg=name)
    again = tmp_path / "again.npz"
    write_sequences(again, sequences, tiny_job().points.expression_mm)
    assert again.read_bytes() == path.read_bytes()


def test_values_that_fixed_point_cannot_hold_are_refused(tmp_path: Path) -> None:
    sequences = made()
    sequences[0].gaze_rad[0] = 9.0
    with pytest.raises(CorpusError, match=r"gaze_rad: values up to 9"):
        write_sequences(tmp_path / "few.npz", sequences, tiny_job().points.expression_mm)


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 no zip", None])
def test_a_damaged_set_is_refused(tmp_path: Path, damage: bytes | None) -> None:
    path = tmp_path / "few.npz"
    if damage is None:
        write_sequences(path, made(), tiny_job().points.expression_mm)
        content = path.read_bytes()
        damage = content[: len(content) // 2]
    path.write_bytes(damage)
    with pytest.raises(CorpusError, match="no set of sequences"):
        read_sequences(path)


def test_the_longest_run_is_found() -> None:
    assert longest_run(np.array([1, 0, 1, 1, 1, 0, 1], bool)) == slice(2, 5)
    assert longest_run(np.zeros(3, bool)) == slice(0, 0) and longest_run(np.ones(3, bool)) == slice(0, 3)


def test_a_moving_average_is_of_the_frames_before_and_after() -> None:
    points = np.arange(6.0)[:, None, None] * np.ones((6, 1, 2))
    np.testing.assert_allclose(moving_average(points, 2)[:, 0, 0], [0, 0.5, 1, 2, 3, 4])
    np.testing.assert_allclose(moving_average(points, 1, 1)[:, 0, 0], [0.5, 1, 2, 3, 4, 4.5])
    np.testing.assert_allclose(moving_average(points, 0), points)
