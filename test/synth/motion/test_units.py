"""Action units as coefficients."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from face1d_ros.errors import InvalidValueError
from face1d_ros.synth.motion.units import COEFFICIENTS, PAIRED, REGIONS, SIDEWAYS, SINGLE, UNITS, unit_weights

PACK = Path(__file__).parents[4] / "shared/data/ict_facekit/ict_narrow_f16.npz"


@pytest.mark.skipif(not PACK.exists(), reason="the face model's pack is not in shared/data")
def test_coefficients_are_those_of_the_face_model_in_its_order() -> None:
    with np.load(PACK) as pack:
        assert tuple(str(name) for name in pack["expr_names"]) == COEFFICIENTS


def test_units_and_regions_are_made_of_known_coefficients() -> None:
    for parts in UNITS.values():
        assert set(parts) <= {*PAIRED, *SINGLE, *SIDEWAYS}
        assert all(0.0 < weight <= 1.0 for weight in parts.values())
    assert all(set(names) <= set(PAIRED) for names in REGIONS.values())


@pytest.mark.parametrize("unit", UNITS)
def test_a_side_of_a_unit_moves_nothing_of_the_other_side(unit: str) -> None:
    row, weights = unit_weights(COEFFICIENTS)
    for side, other in ((0, "_R"), (1, "_L")):
        moved = {COEFFICIENTS[column] for column in np.flatnonzero(weights[row[unit], side])}
        assert moved
        assert not any(name.endswith(other) for name in moved)


def test_what_has_no_sides_is_made_by_both_halves_together() -> None:
    row, weights = unit_weights(COEFFICIENTS)
    column = COEFFICIENTS.index("jawOpen")
    assert weights[row["AU27"], :, column].tolist() == pytest.approx([0.4, 0.4])


def test_jaw_and_lips_go_to_the_side_that_is_active() -> None:
    row, weights = unit_weights(COEFFICIENTS)
    for unit, part in (("AU30", "jaw"), ("shift", "mouth")):
        for side, direction in enumerate(("Left", "Right")):
            moved = np.flatnonzero(weights[row[unit], side])
            assert [COEFFICIENTS[column] for column in moved] == [part + direction]


def test_another_order_of_names_gives_the_same_coefficients() -> None:
    turned = COEFFICIENTS[::-1]
    assert np.array_equal(unit_weights(turned)[1][..., ::-1], unit_weights(COEFFICIENTS)[1])


def test_a_model_without_these_expressions_is_refused_with_what_is_missing() -> None:
    with pytest.raises(
        InvalidValueError, match=r"2 names without browDown_L, browDown_R.*53 expressions of ICT-FaceKit"
    ):
        unit_weights(("expression_1", "expression_2"))
