from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from face1d_ros.errors import InvalidValueError
from face1d_ros.synth.noise.observe import Gap, NoisePlan, Occlusion, draw_noise
from face1d_ros.synth.plan_json import plan_json, read_plan


def drawn(seed: int, duration_s: float = 10.0) -> NoisePlan:
    return draw_noise(np.random.default_rng(seed), duration_s)


def test_drawn_plans_are_the_same_from_the_same_seed_and_survive_json() -> None:
    for seed in range(40):
        plan = drawn(seed)
        assert plan == drawn(seed)
        assert read_plan(NoisePlan, plan_json(plan)) == plan


def test_drawn_conditions_reach_from_good_to_bad() -> None:
    plans = [drawn(seed) for seed in range(400)]
    assert min(plan.grain for plan in plans) < 1.0 and max(plan.grain for plan in plans) > 12.0
    assert min(plan.light for plan in plans) < 0.3 and max(plan.light for plan in plans) > 1.0
    for share, low, high in (
        (np.mean([bool(plan.occlusions) for plan in plans]), 0.3, 0.5),
        (np.mean([bool(plan.dropouts) for plan in plans]), 0.2, 0.4),
    ):
        assert low < share < high
    for plan in plans:
        assert all(0.0 <= event.start_s < 10.0 for event in (*plan.occlusions, *plan.dropouts))
        assert list(plan.occlusions) == sorted(plan.occlusions, key=lambda event: event.start_s)


def test_a_person_can_be_given() -> None:
    assert draw_noise(np.random.default_rng(0), 5.0, person_seed=77).person_seed == 77
    assert draw_noise(np.random.default_rng(0), 5.0, person_seed=77) == dataclasses.replace(
        drawn(0, 5.0), person_seed=77
    )


def test_longer_sequences_have_more_events() -> None:
    def events(duration_s: float) -> float:
        return float(np.mean([len(drawn(seed, duration_s).occlusions) for seed in range(100)]))

    assert events(300.0) > 5.0 * events(10.0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Occlusion("elbow", 0.0, 1.0), "Occlusion.region: got 'elbow'"),
        (lambda: Occlusion("mouth", float("nan"), 1.0), "Occlusion.start_s"),
        (lambda: Gap(0.0, 0.0), "Gap.duration_s"),
        (lambda: NoisePlan(grain=-1.0), "NoisePlan.grain"),
        (lambda: NoisePlan(light=0.0), "NoisePlan.light"),
        (lambda: NoisePlan(exposure_s=float("inf")), "NoisePlan.exposure_s"),
        (lambda: NoisePlan(seed=-1), "NoisePlan.seed"),
        (lambda: draw_noise(np.random.default_rng(0), 0.0), "duration_s"),
    ],
)
def test_plans_that_cannot_be_are_refused(make: object, message: str) -> None:
    with pytest.raises(InvalidValueError, match=message):
        make()  # type: ignore[operator]
