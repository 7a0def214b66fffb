"""Ramps and acts against values worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from face1d_ros.synth.motion.curves import FALLS, RISES, Acts, ease, ramp
from face1d_ros.synth.motion.types import Act, Curve

ACT = Act("AU12", start_s=1.0, rise_s=0.4, hold_s=0.6, fall_s=0.8, left=1.0, right=1.0)
GRID = np.linspace(0.0, 1.0, 1001)


def values(act: Act, *times_s: float) -> list[float]:
    return [float(value) for value in Acts([act]).values(np.array(times_s))[:, 0]]


def ramp_of(curve: Curve) -> np.ndarray:
    return ramp(GRID[:, None], *(np.array([value]) for value in (curve.lean, curve.overshoot, curve.first_step)))[:, 0]


def test_minimum_jerk_by_hand() -> None:
    assert ease(np.array([0.0, 0.25, 0.5, 1.0])) == pytest.approx([0.0, 0.103515625, 0.5, 1.0])


def test_an_act_by_hand() -> None:
    assert ACT.end_s == pytest.approx(2.8)
    assert values(ACT, 0.9, 1.0, 1.2, 1.4, 1.7, 2.0, 2.4, 2.8, 3.0) == pytest.approx([0, 0, 0.5, 1, 1, 1, 0.5, 0, 0])


def test_leaning_moves_the_middle_of_a_ramp() -> None:
    # x / (x + lean (1 - x)) is 1/2 at lean / (1 + lean)
    early = replace(ACT, rise=Curve(lean=0.6))
    assert values(early, 1.0 + 0.4 * 0.6 / 1.6) == pytest.approx([0.5])


@pytest.mark.parametrize("name", RISES)
def test_rises_go_from_rest_to_full_without_a_jump(name: str) -> None:
    value = ramp_of(RISES[name])
    assert (value[0], value[-1]) == pytest.approx((0.0, 1.0))
    assert np.abs(np.diff(value)).max() < 0.006
    assert value[1] < 1e-6
    assert value[-2] == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("curve", [*RISES.values(), *FALLS.values()])
def test_only_an_overshoot_ever_goes_back(curve: Curve) -> None:
    value = ramp_of(curve)
    assert (np.diff(value) >= 0.0).all() == (curve.overshoot == 0.0)
    assert value.max() <= 1.0 + curve.overshoot + 1e-12
    assert value.max() >= 1.0 + 0.6 * curve.overshoot - 1e-12


def test_two_steps_rest_at_the_first() -> None:
    assert ramp_of(Curve(first_step=0.55))[480] == pytest.approx(0.55)


def test_acts_evaluated_together_are_the_same_as_alone() -> None:
    others = [replace(ACT, rise=RISES["two steps"]), replace(ACT, start_s=2.0, rise=RISES["overshoot"])]
    stamps = np.linspace(0.0, 5.0, 77)
    together = Acts([ACT, *others]).values(stamps)
    for column, act in enumerate((ACT, *others)):
        assert np.abs(together[:, column] - Acts([act]).values(stamps)[:, 0]).max() < 1e-12
