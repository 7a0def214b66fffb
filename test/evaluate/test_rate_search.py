from __future__ import annotations

import pytest

from face1d_ros.errors import InvalidValueError
from face1d_ros.evaluate.rate_search import LEAST_STEP_HZ, PRECISION, highest_rate


class Machine:
    """Bears every rate up to a limit, and remembers what was tried."""

    def __init__(self, limit_hz: float) -> None:
        self.limit_hz = limit_hz
        self.tried: list[float] = []

    def __call__(self, rate_hz: float) -> bool:
        self.tried.append(rate_hz)
        return rate_hz <= self.limit_hz


@pytest.mark.parametrize("limit_hz", [3.0, 11.0, 47.0, 97.0, 201.0])
def test_the_limit_is_found_from_below_to_the_precision(limit_hz: float) -> None:
    found = highest_rate(Machine(limit_hz))
    assert found is not None
    assert found <= limit_hz < found + max(PRECISION * limit_hz / (1 - PRECISION), LEAST_STEP_HZ) + 1e-9


def test_a_machine_that_bears_the_highest_is_tried_no_further() -> None:
    machine = Machine(1000.0)
    assert highest_rate(machine, limit_hz=120.0) == 120.0
    assert max(machine.tried) == 120.0


def test_a_machine_that_bears_nothing_has_no_rate() -> None:
    assert highest_rate(Machine(0.0)) is None


def test_rates_that_are_known_are_not_tried_again() -> None:
    machine = Machine(45.0)
    found = highest_rate(machine, {10.0: True, 30.0: True, 60.0: False})
    assert found == pytest.approx(45.0, abs=60.0 * PRECISION)
    assert machine.tried and all(30.0 < rate_hz < 60.0 for rate_hz in machine.tried)


def test_above_a_refused_rate_nothing_counts() -> None:
    machine = Machine(20.0)
    found = highest_rate(machine, {10.0: True, 30.0: False, 60.0: True})
    assert found is not None and found <= 20.0
    assert max(machine.tried) < 30.0


def test_known_rates_alone_can_be_the_answer() -> None:
    machine = Machine(1000.0)
    assert highest_rate(machine, {60.0: True}, limit_hz=60.0) == 60.0
    assert machine.tried == []


def test_a_limit_of_nothing_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="limit_hz"):
        highest_rate(Machine(1.0), limit_hz=0.0)
