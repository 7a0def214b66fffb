"""Plans of corpora: pure functions of the parameters, apart between the splits."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from synth.tiny import tiny_model

from face1d_ros.errors import CorpusError, InvalidValueError
from face1d_ros.synth.corpus.capture import CapturePlans
from face1d_ros.synth.corpus.plans import CORPUS_SCENARIOS, CorpusPlan
from face1d_ros.synth.motion.capture import Capture
from face1d_ros.synth.motion.expressions import variants
from face1d_ros.synth.motion.types import NONE
from face1d_ros.synth.motion.units import COEFFICIENTS
from face1d_ros.synth.noise.observe import load_noise_model
from face1d_ros.synth.plan_json import plan_json, plan_sha256, read_plan
from face1d_ros.synth.sequence import SequencePlan, make_sequence
from face1d_ros.synth.splits import Split, SplitGenerator, cell_of, split_of

SPLITS = tuple(split.name.lower() for split in Split)


def plans(count: int = 12, **parameters: object) -> list[SequencePlan]:
    corpus = CorpusPlan(**{"sequences": count, **parameters})  # type: ignore[arg-type]
    return [corpus.plan(index) for index in range(count)]


def test_plans_are_plain_and_read_back_the_same() -> None:
    for plan in plans(20):
        assert read_plan(SequencePlan, plan_json(plan)) == plan
        check_plain(plan)


def check_plain(value: object) -> None:
    if isinstance(value, tuple):
        for item in value:
            check_plain(item)
    elif dataclasses.is_dataclass(value):
        assert value.__dataclass_params__.frozen  # type: ignore[union-attr]
        for field in dataclasses.fields(value):
            check_plain(getattr(value, field.name))
    else:
        assert type(value) in (int, float, str, bool, type(None))
        assert not isinstance(value, float) or value == round(value, 6)


def test_a_plan_of_another_shape_is_refused() -> None:
    with pytest.raises(CorpusError, match="another version"):
        read_plan(SequencePlan, '{"name": "x"}')
    with pytest.raises(TypeError, match="ndarray"):
        plan_json(np.zeros(3))


def test_the_hash_is_of_every_parameter() -> None:
    plan = plans(1)[0]
    assert plan_sha256(plan) == plan_sha256(plans(1)[0])
    nearly = dataclasses.replace(plan, camera=dataclasses.replace(plan.camera, jitter_s=plan.camera.jitter_s + 1e-6))
    assert plan_sha256(nearly) != plan_sha256(plan)


def test_a_longer_corpus_begins_with_the_same_sequences_in_any_order() -> None:
    corpus, longer = CorpusPlan(sequences=4), CorpusPlan(sequences=400)
    assert [longer.plan(index) for index in (3, 2, 1, 0)] == [corpus.plan(index) for index in (3, 2, 1, 0)]


def test_seeds_give_other_sequences() -> None:
    first, second = plans(8), plans(8, seed=2)
    assert not {plan_sha256(plan) for plan in first} & {plan_sha256(plan) for plan in second}
    assert not {plan.subject.identity for plan in first} & {plan.subject.identity for plan in second}


def test_subjects_come_again_as_the_same_person() -> None:
    made = plans(8, per_subject=4)
    assert len({plan.subject for plan in made}) == 2
    assert [plan.subject.id for plan in made] == [made[0].subject.id] * 4 + [made[4].subject.id] * 4
    assert all(plan.noise.person_seed == plan.subject.id for plan in made)


def test_some_subjects_have_a_palsy() -> None:
    styles = [plan.subject.style for plan in plans(24, per_subject=1)]
    assert sum(style.palsy is not None for style in styles) == 4


@pytest.mark.parametrize("scenario", [name for name in CORPUS_SCENARIOS if name not in ("all", "identity")])
def test_a_scenario_is_what_the_plans_are_of(scenario: str) -> None:
    assert {plan.motion.scenario for plan in plans(3, scenario=scenario)} == {scenario}


def test_identity_repeats_each_motion_of_each_subject() -> None:
    made = plans(100, scenario="identity")
    by_motion: dict[int, set[int]] = {}
    for plan in made:
        (motion,) = plan.motion.free
        by_motion.setdefault(motion.motion_id, set()).add(plan.subject.id)
    assert len(by_motion) == 10 and all(len(subjects) == 1 for subjects in by_motion.values())
    assert len({plan.subject.id for plan in made}) == 2
    assert len({plan.motion for plan in made}) == 100


@pytest.mark.parametrize("scenario", ["all", "identity"])
def test_splits_have_no_identity_motion_or_seed_in_common(scenario: str) -> None:
    made = {split: plans(40, split=split, scenario=scenario) for split in SPLITS}
    for what in (
        lambda plan: {plan.subject.id},
        lambda plan: {plan.subject.identity},
        lambda plan: {plan.noise.seed, plan.head.seed, plan.camera.seed},
        lambda plan: {motion.motion_id for motion in plan.motion.free},
        lambda plan: {motion.acts for motion in plan.motion.free},
        lambda plan: {(shown.label, shown.variant) for shown in plan.motion.expressions if shown.label != "neutral"},
    ):
        found = {split: set().union(*(what(plan) for plan in made[split])) for split in SPLITS}
        for one, other in (("train", "validation"), ("train", "test"), ("validation", "test")):
            assert not found[one] & found[other]


def test_identities_of_different_splits_are_no_neighbours() -> None:
    train, test = (np.array([p.subject.identity for p in plans(40, split=s, per_subject=1)]) for s in ("train", "test"))
    between = np.linalg.norm(train[:, None] - test[None], axis=2)
    within = np.linalg.norm(train[:, None] - train[None], axis=2)[~np.eye(len(train), dtype=bool)]
    assert between.min() > 0.8 * within.min() > 5.0
    assert abs(train.mean()) < 0.05 and abs(train.std() - 1.0) < 0.05


def test_a_capture_drives_other_subjects_at_other_speeds() -> None:
    stamps_s = np.arange(61) / 60.0
    wave = np.sin(2.0 * np.pi * stamps_s)
    values = np.clip(wave[:, None], 0.0, 1.0) * np.ones(len(COEFFICIENTS))
    head, gaze = np.zeros((61, 3), np.float32), np.zeros((61, 2), np.float32)
    capture = Capture("take", "0" * 64, stamps_s, values.astype(np.float32), head, gaze)
    plans = CapturePlans(capture, sequences=3)
    assert len({plans.plan(index).subject.id for index in range(3)}) == 3
    assert len({plans.plan(index).duration_s for index in range(3)}) == 3
    plan = plans.plan(0)
    assert read_plan(SequencePlan, plan_json(plan)) == plan
    made = make_sequence(plan, tiny_model(), load_noise_model(), {"take": capture})
    assert (made.label == NONE).all()
    assert made.expression.max() > 0.5 and np.ptp(made.expression, axis=0).max() > 0.4
    with pytest.raises(InvalidValueError, match="take"):
        make_sequence(plan, tiny_model(), load_noise_model())


def test_expressions_have_enough_variants_for_every_split() -> None:
    for label in ("anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise"):
        assert len(variants(label)) >= 40


@pytest.mark.parametrize("split", list(Split))
def test_random_numbers_come_from_the_cells_of_their_split(split: Split) -> None:
    rng = SplitGenerator(split, 7)
    values = [*rng.random(2000).tolist(), *(rng.random() for _ in range(2000))]
    assert {split_of(value) for value in values} == {split}
    assert min(values) >= 0.0 and max(values) < 1.0
    assert len({cell_of(value) for value in values}) > 95
    assert abs(np.mean(values) - 0.5) < 0.02
    assert 2.0 <= rng.uniform(2.0, 4.0) < 4.0 and rng.uniform(0.0, 1.0, 5).shape == (5,)


def test_one_by_one_or_many_at_once_the_numbers_are_the_same() -> None:
    one, many = SplitGenerator(Split.TEST, 3), SplitGenerator(Split.TEST, 3)
    assert [one.random() for _ in range(50)] == many.random(50).tolist()


@pytest.mark.parametrize(
    "wrong",
    [{"split": "val"}, {"scenario": "dance"}, {"seed": -1}, {"sequences": 0}, {"seconds": 0.1}, {"per_subject": 0}],
)
def test_wrong_parameters_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidValueError, match=next(iter(wrong))):
        CorpusPlan(**wrong)  # type: ignore[arg-type]
