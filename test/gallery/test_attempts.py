"""Rate limit and lock-out by stamps."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face1d_ros.errors import GalleryValueError
from face1d_ros.gallery.attempts import MOST_KEYS, SECOND_NS, AttemptLimits, Attempts

S = SECOND_NS
LIMITS = AttemptLimits(failures=3, overall_failures=8, window_s=60, pause_s=1, lock_s=10, longest_lock_s=80)


def lock(attempts: Attempts, key: str, at_s: float) -> float:
    """Fail, two seconds apart, until `key` is locked; returns the stamp of the last failure in seconds."""
    for _ in range(20):
        attempts.failed(key, round(at_s * S))
        if attempts.locked_until_ns(key, round(at_s * S)) > at_s * S + S:
            return at_s
        at_s += 2
    raise AssertionError


def test_a_failure_is_followed_by_a_pause() -> None:
    attempts = Attempts(LIMITS)
    assert attempts.allowed("a", 0) and attempts.locked_until_ns("a", 0) == 0
    attempts.failed("a", 0)
    assert not attempts.allowed("a", S - 1) and attempts.locked_until_ns("a", S - 1) == S
    assert attempts.allowed("a", S) and attempts.allowed("b", 0)


def test_repeated_failures_lock_for_twice_as_long_each_time_up_to_a_most() -> None:
    attempts = Attempts(AttemptLimits(3, 1000, 60, 1, 10, 80))
    at, locks = 0.0, []
    for _ in range(6):
        at = lock(attempts, "a", at)
        until = attempts.locked_until_ns("a", round(at * S)) / S
        locks.append(round(until - at))
        assert not attempts.allowed("a", round(until * S) - 1)
        assert attempts.allowed("b", round(at * S)), "others are not locked"
        at = until
    assert locks == [10, 20, 40, 80, 80, 80]


def test_failures_far_apart_do_not_lock() -> None:
    attempts = Attempts(LIMITS)
    for number in range(20):
        attempts.failed("a", number * 31 * S)
        assert attempts.allowed("a", (number * 31 + 1) * S)


def test_failures_of_different_claims_lock_everything() -> None:
    attempts = Attempts(LIMITS)
    for number in range(8):
        assert attempts.allowed(f"claim {number}", number * S)
        attempts.failed(f"claim {number}", number * S)
    for key in ("claim 1", "another", ""):
        assert attempts.locked_until_ns(key, 7 * S) == 17 * S


def test_failures_of_identification_count_overall() -> None:
    attempts = Attempts(LIMITS)
    for number in range(8):
        assert attempts.allowed("", 2 * number * S)
        attempts.failed("", 2 * number * S)
    assert not attempts.allowed("a", 15 * S) and attempts.allowed("a", 24 * S)


def test_success_clears_the_own_failures_alone() -> None:
    attempts = Attempts(LIMITS)
    for at in (0, 2):
        attempts.failed("a", at * S)
        attempts.failed("b", at * S)
    attempts.succeeded("a")
    attempts.failed("a", 4 * S)
    attempts.failed("b", 4 * S)
    assert attempts.allowed("a", 5 * S) and not attempts.allowed("b", 5 * S)


def test_succeeding_as_oneself_does_not_allow_endless_trying_to_be_others() -> None:
    attempts = Attempts(LIMITS)
    for number in range(8):
        attempts.failed(f"claim {number}", number * S)
        attempts.succeeded("myself")
    assert not attempts.allowed("myself", 8 * S)


def test_failures_at_the_same_moment_all_count() -> None:
    attempts = Attempts(LIMITS)
    for _ in range(3):
        attempts.failed("a", 5 * S)
    assert attempts.locked_until_ns("a", 5 * S) == 15 * S


@pytest.mark.parametrize("back_s", [1, 100, 10_000_000])
def test_a_clock_that_jumps_back_neither_unlocks_nor_locks_for_ever(back_s: int) -> None:
    attempts = Attempts(LIMITS)
    at = 20_000_000
    for _ in range(3):
        attempts.failed("a", at * S)
    now = (at - back_s) * S
    assert attempts.locked_until_ns("a", now) == now + 10 * S
    assert not attempts.allowed("a", now + 10 * S - 1)
    assert attempts.allowed("a", now + 10 * S)


def test_jumping_to_and_fro_gains_nothing_but_the_time_of_the_jumps() -> None:
    attempts = Attempts(LIMITS)
    for _ in range(3):
        attempts.failed("a", 100 * S)
    for _ in range(50):
        assert not attempts.allowed("a", 90 * S)
    assert attempts.allowed("a", 100 * S), "ten seconds have passed since the clock went back"


def test_long_quiet_makes_locks_short_again() -> None:
    attempts = Attempts(LIMITS)
    at = lock(attempts, "a", 0.0)
    at = lock(attempts, "a", at + 200)
    assert attempts.locked_until_ns("a", round(at * S)) == round((at + 10) * S)


def test_made_up_claims_do_not_fill_the_memory() -> None:
    attempts = Attempts(AttemptLimits(overall_failures=10_000_000))
    for _ in range(5):
        attempts.failed("real", 0)
    for number in range(MOST_KEYS + 50):
        attempts.failed(str(number), 0)
    assert len(attempts._counters) == MOST_KEYS and not attempts.allowed("real", 2 * S)


@pytest.mark.parametrize(
    "limits", [{"failures": 0}, {"lock_s": -1.0}, {"lock_s": 10.0, "longest_lock_s": 5.0}, {"window_s": float("nan")}]
)
def test_limits_that_cannot_be_are_refused(limits: dict[str, float]) -> None:
    with pytest.raises(GalleryValueError):
        AttemptLimits(**limits)  # type: ignore[arg-type]


def test_claims_are_not_shown() -> None:
    attempts = Attempts(LIMITS)
    attempts.failed("Mustermann", 0)
    assert "Mustermann" not in repr(attempts)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(-(10**13), 10**13)), max_size=60))
def test_no_order_of_stamps_locks_longer_than_the_longest_lock(events: list[tuple[str, int]]) -> None:
    attempts = Attempts(LIMITS)
    for key, now in events:
        until = attempts.locked_until_ns(key, now)
        assert until == 0 or now < until <= now + 80 * S
        attempts.failed(key, now)
