"""Asymmetry, habits and palsy."""

from __future__ import annotations

import numpy as np
import pytest

from face1d_ros.synth.motion.evaluate import evaluate
from face1d_ros.synth.motion.palsy import SPARED, draw_palsy
from face1d_ros.synth.motion.person import draw_person
from face1d_ros.synth.motion.types import Act, FreeMotion, MotionPlan, Palsy, PersonStyle
from face1d_ros.synth.motion.units import COEFFICIENTS, REGIONS
from face1d_ros.synth.splits import Split, SplitGenerator

NERVE = {name for names in REGIONS.values() for name in names if name not in SPARED} | {"eyeBlink"}
"""What the facial nerve moves, of the coefficients with sides."""


def shown(person: PersonStyle, *units: tuple[str, float]) -> dict[str, float]:
    """Coefficients while the person holds units on both sides."""
    acts = tuple(Act(unit, 0.0, 0.1, 1.0, 0.1, amount, amount) for unit, amount in units)
    free = (FreeMotion(1, "natural", acts),) if acts else ()
    values = evaluate(MotionPlan("free", 2.0, person, free=free), np.array([0.5]), COEFFICIENTS).expression[0]
    return dict(zip(COEFFICIENTS, values.tolist(), strict=True))


def palsy(weakness: float, side: str = "left", droop: float = 0.0, synkinesis: float = 0.0) -> PersonStyle:
    return PersonStyle(palsy=Palsy(side, weakness, weakness, weakness, droop, synkinesis))


def test_asymmetry_is_the_relative_difference_of_the_sides() -> None:
    face = shown(PersonStyle(asymmetry=(("mouth", 0.1),)), ("AU12", 0.6), ("AU45", 1.0))
    assert (face["mouthSmile_L"], face["mouthSmile_R"]) == pytest.approx((0.63, 0.57))
    assert (face["eyeBlink_L"], face["eyeBlink_R"]) == (1.0, 1.0)


def test_people_are_more_active_on_either_side_by_a_few_percent() -> None:
    people = [draw_person(SplitGenerator(Split.TRAIN, number)) for number in range(200)]
    differences = np.array([difference for person in people for _, difference in person.asymmetry])
    assert np.median(np.abs(differences)) == pytest.approx(0.075, abs=0.01)
    assert np.abs(differences).max() <= 0.2
    assert abs(differences.mean()) < 0.01
    assert all(person.palsy is None for person in people)
    assert all(draw_person(SplitGenerator(Split.TRAIN, number), palsy=True).palsy for number in range(20))


def test_rest_is_there_without_any_motion() -> None:
    face = shown(PersonStyle(rest=(("mouthFrown", 0.1), ("mouthRollLower", 0.05))))
    assert {name: value for name, value in face.items() if value} == pytest.approx(
        {"mouthFrown_L": 0.1, "mouthFrown_R": 0.1, "mouthRollLower": 0.05}
    )


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("weakness", [0.0, 0.25, 1.0])
def test_a_weak_side_keeps_its_part_of_every_motion_and_the_other_all(side: str, weakness: float) -> None:
    weak, healthy = ("L", "R") if side == "left" else ("R", "L")
    for unit in ("AU1", "AU4", "AU7", "AU9", "AU12", "AU14", "AU15", "AU20", "AU34", "AU45"):
        sound, sick = shown(PersonStyle(), (unit, 0.8)), shown(palsy(weakness, side), (unit, 0.8))
        for name in NERVE:
            assert sick[f"{name}_{weak}"] == pytest.approx((1.0 - weakness) * sound[f"{name}_{weak}"], abs=1e-6)
            assert sick[f"{name}_{healthy}"] == pytest.approx(sound[f"{name}_{healthy}"], abs=1e-6)


def test_no_weakness_is_no_palsy() -> None:
    for unit in ("AU12", "AU18", "AU45", "shift"):
        assert shown(palsy(0.0), (unit, 0.7)) == pytest.approx(shown(PersonStyle(), (unit, 0.7)))


def test_the_jaw_and_the_lid_that_lifts_have_other_nerves() -> None:
    face = shown(palsy(1.0), ("AU5", 0.8), ("AU27", 1.0))
    assert face["eyeWide_L"] == face["eyeWide_R"] == pytest.approx(0.8)
    assert face["jawOpen"] == pytest.approx(0.8)


def test_lips_do_half_and_a_smile_is_pulled_to_the_healthy_side() -> None:
    assert shown(palsy(1.0), ("AU18", 0.8))["mouthPucker"] == pytest.approx(0.4)
    for side, away, towards in (("left", "mouthRight", "mouthLeft"), ("right", "mouthLeft", "mouthRight")):
        face = shown(palsy(1.0, side), ("AU12", 0.8))
        assert face[away] > 0.2
        assert face[towards] == 0.0


def test_a_blink_leaves_the_weak_eye_open_and_severe_palsy_hangs_at_rest() -> None:
    blink = shown(palsy(0.7), ("AU45", 1.0))
    assert (blink["eyeBlink_L"], blink["eyeBlink_R"]) == pytest.approx((0.3, 1.0))
    rest = shown(palsy(1.0, droop=1.0))
    moved = {name for name, value in rest.items() if value}
    assert moved == {"mouthFrown_L", "browDown_L", "mouthLowerDown_L", "eyeWide_L", "mouthRight"}


def test_synkinesis_moves_the_mouth_with_the_eye_on_the_weak_side_only() -> None:
    face = shown(palsy(0.5, synkinesis=1.0), ("AU45", 1.0))
    assert face["mouthSmile_L"] > 0.2
    assert face["mouthSmile_R"] == 0.0


def test_drawn_palsies_cover_all_degrees_and_both_sides() -> None:
    drawn = [draw_palsy(SplitGenerator(Split.TRAIN, number)) for number in range(300)]
    mouths = np.array([one.mouth for one in drawn])
    assert np.histogram(mouths, bins=5, range=(0.0, 1.0))[0].min() > 35
    assert 0.4 < np.mean([one.side == "left" for one in drawn]) < 0.6
    assert all(one.droop == 0.0 for one in drawn if max(one.brow, one.eye, one.mouth) < 0.45)
    assert all(one.synkinesis == 0.0 for one in drawn if min(one.brow, one.eye, one.mouth) > 0.999)
    assert any(one.synkinesis > 0.0 for one in drawn)
