"""Messages of two topics that belong to the same frames."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from face1d_ros.nodes.paired_input import LONGEST, Pairing


def message(stamp_ns: int, name: str = "") -> Any:
    stamp = SimpleNamespace(sec=stamp_ns // 1_000_000_000, nanosec=stamp_ns % 1_000_000_000)
    return SimpleNamespace(header=SimpleNamespace(stamp=stamp), name=name)


@pytest.fixture
def pairs() -> list[tuple[Any, Any]]:
    return []


@pytest.fixture
def pairing(pairs: list[tuple[Any, Any]]) -> Pairing:
    return Pairing(pairs.append)


@pytest.mark.parametrize("first", [0, 1])
def test_a_pair_is_given_once_both_are_there_the_first_topic_first(
    pairing: Pairing, pairs: list[tuple[Any, Any]], first: int
) -> None:
    both = message(5, "mesh"), message(5, "landmarks")
    pairing.put(first, both[first])
    assert pairs == []
    pairing.put(1 - first, both[1 - first])
    assert pairs == [both]


def test_what_has_no_partner_is_passed_over(pairing: Pairing, pairs: list[tuple[Any, Any]]) -> None:
    for stamp_ns in (1, 2, 3):
        pairing.put(0, message(stamp_ns))
    pairing.put(1, message(3))
    pairing.put(1, message(2))
    assert len(pairs) == 1, "a frame of before is not given after a later one"


def test_after_a_jump_back_pairs_are_of_the_new_pass(pairing: Pairing, pairs: list[tuple[Any, Any]]) -> None:
    pairing.put(0, message(7, "old"))
    for side in (0, 1):
        pairing.put(side, message(5))
    for side, stamp_ns in ((0, 1), (1, 1), (1, 7), (0, 7)):
        pairing.put(side, message(stamp_ns, "new"))
    assert [pair[0].name for pair in pairs] == ["", "new", "new"]


def test_what_waits_of_the_pass_before_is_never_a_partner(pairing: Pairing, pairs: list[tuple[Any, Any]]) -> None:
    """One topic is late when time goes back."""
    for side, stamp_ns in ((0, 8), (1, 8), (0, 1), (1, 9), (1, 1), (0, 9)):
        pairing.put(side, message(stamp_ns, "old" if stamp_ns == 9 and side else "new"))
    assert [pair[1].name for pair in pairs] == ["new", "new"]
    pairing.put(1, message(9, "new"))
    assert [pair[1].name for pair in pairs] == ["new", "new", "new"]


def test_messages_without_a_partner_are_counted(pairing: Pairing, pairs: list[tuple[Any, Any]]) -> None:
    for side, stamp_ns in ((0, 1), (0, 2), (1, 1), (1, 3), (0, 3), (1, 4), (1, 4)):
        pairing.put(side, message(stamp_ns))
    assert (len(pairs), pairing.alone, pairing.waiting) == (2, 2, (0, 1))
    pairing.clear()
    assert (pairing.alone, pairing.waiting) == (3, (0, 0))


def test_a_topic_whose_partner_is_silent_takes_no_more_memory(pairing: Pairing, pairs: list[tuple[Any, Any]]) -> None:
    for stamp_ns in range(1, 3 * LONGEST):
        pairing.put(0, message(stamp_ns))
    pairing.put(1, message(1))
    assert pairs == []
    assert sum(map(len, pairing._waiting)) <= LONGEST + 1
