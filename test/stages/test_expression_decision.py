"""Labels and phases that do not flicker."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from face1d_ros.config import ExpressionConfig
from face1d_ros.stages.expression_decision import PHASES, Change, LabelDecision, PhaseDecision
from face1d_ros.types import Phase

CONFIG = ExpressionConfig(enter=0.6, leave=0.4, hold_s=0.1)
DT_S, STEP_NS = 1.0 / 30.0, 33_333_333
NEUTRAL, HAPPY, NONE = 0, 1, 2


def chances(label: int, sure: float = 0.9) -> np.ndarray:
    found = np.full(3, (1.0 - sure) / 2.0, np.float32)
    found[label] = sure
    return found


def test_a_label_is_taken_after_it_was_likely_for_the_time() -> None:
    decision = LabelDecision(NEUTRAL)
    labels = [decision.update(chances(HAPPY), DT_S, CONFIG) for _ in range(6)]
    assert labels == [NEUTRAL] * 3 + [HAPPY] * 3


def test_one_frame_changes_nothing() -> None:
    decision = LabelDecision(NEUTRAL)
    said = [decision.update(chances(HAPPY if index % 3 == 0 else NEUTRAL), DT_S, CONFIG) for index in range(30)]
    assert set(said) == {NEUTRAL}


def test_what_is_not_likely_enough_is_not_taken() -> None:
    decision = LabelDecision(NEUTRAL)
    assert {decision.update(chances(HAPPY, 0.55), DT_S, CONFIG) for _ in range(60)} == {NEUTRAL}


def test_a_label_is_given_up_at_once_when_it_is_unlikely() -> None:
    decision = LabelDecision(NEUTRAL)
    for _ in range(10):
        decision.update(chances(HAPPY), DT_S, CONFIG)
    assert decision.update(chances(NONE, 0.5), DT_S, CONFIG) == NONE


def phases_of(spans: list[tuple[Phase, float]]) -> Iterator[tuple[np.ndarray, float, int]]:
    """Probabilities, age and stamp of frames of phases one after the other."""
    stamp_ns = 0
    for phase, seconds in spans:
        for frame in range(round(seconds / DT_S)):
            found = np.full(4, 0.04, np.float32)
            found[PHASES.index(phase)] = 0.88
            yield found, frame * DT_S, stamp_ns
            stamp_ns += STEP_NS


def told(spans: list[tuple[Phase, float]]) -> list[Change]:
    decision = PhaseDecision()
    return [
        change
        for found, age_s, stamp_ns in phases_of(spans)
        for change in decision.update(found, age_s, DT_S, stamp_ns)
    ]


SHOWN = [(Phase.NEUTRAL, 1.0), (Phase.ONSET, 0.4), (Phase.APEX, 0.8), (Phase.OFFSET, 0.5), (Phase.NEUTRAL, 1.0)]


def test_an_expression_is_told_by_four_events_that_begin_when_it_did() -> None:
    changes = told(SHOWN)
    assert [change.phase for change in changes] == [Phase.ONSET, Phase.APEX, Phase.OFFSET, Phase.NEUTRAL]
    began_s = [change.began_ns / 1e9 for change in changes]
    assert began_s == pytest.approx([1.0, 1.4, 2.2, 2.7], abs=0.02)
    assert [change.previous for change in changes] == [Phase.NEUTRAL, Phase.ONSET, Phase.APEX, Phase.OFFSET]


def test_a_frame_that_says_otherwise_is_no_event() -> None:
    decision = PhaseDecision()
    for index, (found, age_s, stamp_ns) in enumerate(phases_of([(Phase.NEUTRAL, 3.0)])):
        doubtful = found[::-1].copy() if index % 20 == 10 else found
        assert decision.update(doubtful, age_s, DT_S, stamp_ns) == ()


def test_beginnings_never_go_back() -> None:
    decision, last = PhaseDecision(), -1
    for found, _, stamp_ns in phases_of(SHOWN):
        for change in decision.update(found, 0.6, DT_S, stamp_ns):
            assert last < change.began_ns <= stamp_ns
            last = change.began_ns


def test_the_onset_is_remembered_until_the_face_rests() -> None:
    decision = PhaseDecision()
    seen = []
    for found, age_s, stamp_ns in phases_of(SHOWN):
        decision.update(found, age_s, DT_S, stamp_ns)
        seen.append(decision.onset_ns)
    assert seen[0] is None and seen[-1] is None
    assert seen[60] == pytest.approx(1e9, abs=0.02e9)


def test_an_onset_that_nobody_saw_is_told_with_the_apex() -> None:
    changes = told([(Phase.NEUTRAL, 1.0), (Phase.APEX, 1.0), (Phase.NEUTRAL, 1.0)])
    assert [change.phase for change in changes] == [Phase.ONSET, Phase.APEX, Phase.NEUTRAL]
    assert [change.previous for change in changes] == [Phase.NEUTRAL, Phase.ONSET, Phase.APEX]
    assert changes[0].began_ns < changes[1].began_ns
