"""Signals of asymmetry, fitted to faces that are no more than a few points that move."""

from __future__ import annotations

import numpy as np
import pytest

from face1d_ros.errors import InvalidValueError
from face1d_ros.geometry.asymmetry_signals import MIRROR, MOTIONS
from face1d_ros.geometry.topology import partner
from face1d_ros.synth.splits import Split
from face1d_ros.train.asymmetry import beliefs, fitted, left_weights
from face1d_ros.train.asymmetry_faces import WeakFace, true_index, weak_plan
from face1d_ros.types import Topology

T, HZ = 160, 30.0
NAMES = tuple(f"{motion}_{side}" for motion in MOTIONS for side in "LR")
MESH = Topology.MESH_478
EVERY_POINT = np.arange(478)


def pattern(motion: int) -> np.ndarray:
    """(478, 3) what the left half of a made-up face does."""
    return (
        np.random.default_rng(100 + motion).normal(size=(478, 3))
        * (np.random.default_rng(motion).random(478) < 0.1)[:, None]
    )


def face(seed: int, weakness: float, side: str) -> WeakFace:
    """It moves as it likes, on one side less."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(T) / HZ
    common = np.abs(np.sin(time_s[:, None] * rng.uniform(3.0, 9.0, len(MOTIONS)) + rng.uniform(0, 6, len(MOTIONS))))
    kept = {"L": 1.0 - weakness if side == "left" else 1.0, "R": 1.0 - weakness if side == "right" else 1.0}
    expression = np.stack([common * kept[letter] for letter in "LR"], axis=2).reshape(T, -1)
    other = partner(MESH)
    points = rng.normal(scale=0.005, size=(T, 478, 3))
    for motion in range(len(MOTIONS)):
        points += expression[:, 2 * motion, None, None] * pattern(motion)
        points += expression[:, 2 * motion + 1, None, None] * (pattern(motion)[other] * MIRROR)
    index = true_index(weakness) * (-1.0 if side == "left" else 1.0)
    centred = (points - points.mean(axis=0)).astype(np.float16)
    return WeakFace(centred, np.zeros((T, 3), np.float32), time_s, expression.astype(np.float32), index)


@pytest.fixture(scope="module")
def faces() -> list[WeakFace]:
    weak = np.linspace(0.0, 1.0, 10)
    return [face(seed, float(weak[seed]), "left" if seed % 2 else "right") for seed in range(10)]


def test_each_half_is_read_from_what_it_does(faces: list[WeakFace]) -> None:
    left = left_weights(faces, NAMES, MESH, EVERY_POINT)
    for motion in (0, 5, 14):
        assert (left[motion] * pattern(motion)).sum() == pytest.approx(1.0, abs=0.05)
        other_half = pattern(motion)[partner(MESH)] * MIRROR
        assert (left[motion] * other_half).sum() == pytest.approx(0.0, abs=0.05)


def test_the_table_has_what_the_meter_reads(faces: list[WeakFace]) -> None:
    told: list[None] = []
    table = fitted(faces[:4], NAMES, Topology.FACE_68, lambda: told.append(None))
    assert {name: array.shape for name, array in table.items()} == {
        "left_68": (len(MOTIONS), 68, 3),
        "noise_68": (len(MOTIONS),),
        "spread_68": (len(MOTIONS),),
    }
    assert len(told) == 4 and all(np.isfinite(array).all() for array in table.values())
    with pytest.raises(InvalidValueError, match="at least one"):
        fitted([], NAMES, MESH)


def test_a_motion_that_says_nothing_of_the_face_is_believed_less() -> None:
    rng = np.random.default_rng(4)
    index = rng.uniform(-1.0, 1.0, 200)
    halves = np.stack([1.0 + index, 1.0 - index], axis=1) * rng.uniform(0.1, 0.3, (200, 1))
    energy = np.stack([halves**2] * 3, axis=2)
    energy[..., 2] = rng.permutation(energy[..., 2])
    noise, spread = beliefs(energy, index)
    assert min(noise[2] / noise[0], spread[2] / spread[0]) >= 0.95
    assert noise[2] * spread[2] > 2.0 * noise[0] * spread[0]


def test_weak_faces_are_of_the_split_of_either_side_and_of_any_weakness() -> None:
    plans = [weak_plan(Split.TRAIN, 1, number) for number in range(12)]
    palsies = [plan.subject.style.palsy for plan in plans]
    assert {palsy.side for palsy in palsies if palsy} == {"left", "right"}
    weakness = [palsy.eye for palsy in palsies if palsy]
    assert min(weakness) < 0.25 and max(weakness) > 0.75
    assert {plan.motion.scenario for plan in plans} == {"expressions", "free"}
    assert weak_plan(Split.TRAIN, 1, 3) == plans[3] != weak_plan(Split.VALIDATION, 1, 3)
