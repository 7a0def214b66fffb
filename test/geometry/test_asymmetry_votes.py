"""One index from what each motion says."""

from __future__ import annotations

import numpy as np
import pytest

from face1d_ros.geometry.asymmetry_votes import Votes, agreed, votes

NOISE, SPREAD = np.full(6, 0.02), np.full(6, 0.3)


def energy(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(2, F) of motions of these sizes, with noise in them."""
    return np.array([left, right]) ** 2 + NOISE**2


@pytest.mark.parametrize("kept", [0.0, 0.3, 1.0])
def test_all_agree_where_a_side_makes_the_same_part_of_every_motion(kept: float) -> None:
    sizes = np.array([0.1, 0.2, 0.15, 0.3, 0.12, 0.2])
    index, error = agreed(votes(energy(kept * sizes, sizes), NOISE, SPREAD))
    assert index == pytest.approx(-(1.0 - kept) / (1.0 + kept), abs=0.03)
    assert 0.0 < error < 0.2


def test_one_motion_that_is_meant_for_one_side_changes_little() -> None:
    sizes = np.full(6, 0.2)
    winks = sizes.copy()
    winks[0] = 0.0
    index, _ = agreed(votes(energy(winks, sizes), NOISE, SPREAD))
    assert -0.06 < index < 0.0


def test_what_hardly_moves_hardly_counts_and_halves_swapped_swap_the_sign() -> None:
    left, right = np.array([0.01, 0.3, 0.3, 0.3, 0.3, 0.3]), np.full(6, 0.3)
    left[0], right[0] = 0.012, 0.0
    cast = votes(energy(left, right), NOISE, SPREAD)
    assert cast.weight[0] < 0.05 * cast.weight[1]
    other = votes(energy(right, left), NOISE, SPREAD)
    np.testing.assert_allclose(other.index, -cast.index, atol=1e-12)
    assert agreed(other)[0] == pytest.approx(-agreed(cast)[0])


def test_more_motions_tell_more_surely_and_none_tells_nothing() -> None:
    size = np.array([0.2, 0.0, 0.0, 0.0, 0.0, 0.0])
    one, six = (
        agreed(votes(energy(size, size), NOISE, SPREAD)),
        agreed(votes(energy(*[np.full(6, 0.2)] * 2), NOISE, SPREAD)),
    )
    assert six[1] < 0.5 * one[1]
    nothing = agreed(votes(energy(*[np.zeros(6)] * 2), NOISE, SPREAD))
    assert np.isnan(nothing).all()


def test_many_electorates_are_asked_at_once() -> None:
    cast = votes(energy(np.array([0.2, 0.2, 0.2, 0.1, 0.1, 0.1]), np.full(6, 0.2)), NOISE, SPREAD)
    groups = np.array([[1.0, 1, 1, 0, 0, 0], [0, 0, 0, 1.0, 1, 1]])
    index, _ = agreed(Votes(cast.index, cast.weight * groups))
    assert index[0] == pytest.approx(0.0, abs=1e-6) and index[1] == pytest.approx(-1.0 / 3.0, abs=0.03)
