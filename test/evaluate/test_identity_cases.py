"""Attempts against templates: varied repetitions, imitations, flash motions, changed clips."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from evaluate.identity_faces import clip, repeated, vectors_of

from face1d_ros.evaluate.identity_cases import (
    FLASHES,
    IMITATION,
    LEFT_OUT,
    OTHER_MOTION,
    TEMPLATES,
    Encoded,
    Thresholds,
    best_scores,
    case_rows,
    changed_pairs,
    flash_rows,
    templates_of,
)
from face1d_ros.evaluate.identity_clips import Clips

THRESHOLDS = Thresholds(0.8, 0.9)


def encoded(clips: Clips, noise: float = 0.05) -> Encoded:
    return Encoded(clips, vectors_of(clips, noise))


def by_attempt(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["attempt"]: row for row in rows}


def test_the_first_repetitions_stand_for_a_motion() -> None:
    templates, others = templates_of(encoded(repeated(2, 2, 5)))
    assert len(templates.clips) == 4 * TEMPLATES and len(others.clips) == 4 * (5 - TEMPLATES)
    assert {one.name[-2:] for one in templates.clips.all} == {"00", "01", "02"}


def test_the_best_template_counts_and_without_one_there_is_no_score() -> None:
    templates, others = templates_of(encoded(repeated(1, 2, 4), 0.5))
    found = best_scores(others, others.clips.motion, templates)
    own = templates.vectors[templates.clips.motion == others.clips.motion[0]]
    assert found[0] == pytest.approx(max(float(others.vectors[0] @ one) for one in own))
    assert np.isnan(best_scores(others, np.array([77, 77]), templates)).all()


def test_each_kind_of_attempt_has_its_rates() -> None:
    plain = encoded(repeated(3, 2, 5))
    weak = Clips(tuple(clip(s, 0, block="varied", variation="weaker") for s in range(3)))
    far = Encoded(weak, np.roll(vectors_of(weak), 1, axis=1))
    imitated = encoded(Clips(tuple(clip(s, 0, block="imitated") for s in range(3))))
    rows = by_attempt(case_rows("m", plain, far, imitated, THRESHOLDS, "whole clip"))
    assert rows["natural"]["rejected_1e-2"] == 0.0 and rows["natural"]["attempts"] == 3 * 2 * 2
    assert rows["weaker"]["rejected_1e-2"] == 1.0 and rows["weaker"]["should"] == "accept"
    assert rows[OTHER_MOTION]["accepted_1e-2"] == 0.0 and rows[OTHER_MOTION]["should"] == "reject"
    assert rows[IMITATION]["accepted_1e-3"] == 1.0 and rows[IMITATION]["attempts"] == 3


def test_a_motion_of_one_part_has_none_to_leave_out() -> None:
    plain = encoded(repeated(2, 1, 4))
    varied = Clips(tuple(clip(s, 0, block="varied", variation=LEFT_OUT, steps=steps) for s, steps in ((0, 3), (1, 2))))
    rows = by_attempt(case_rows("m", plain, encoded(varied), plain.chosen(()), THRESHOLDS, "whole clip"))
    assert rows[LEFT_OUT]["attempts"] == 1 and rows[LEFT_OUT]["should"] == "borderline"
    assert IMITATION not in rows


def test_flash_pairs_are_of_different_motions() -> None:
    flashes = Clips(tuple(clip(0, motion, count, block="flash") for motion in range(3) for count in range(2)))
    (row,) = flash_rows("m", Encoded(flashes, np.ones((6, 4), np.float32) / 2.0), THRESHOLDS, "spotted")
    assert row["attempt"] == FLASHES and row["attempts"] == 3 * 4 and row["accepted_1e-2"] == 1.0


def test_changed_clips_are_compared_over_the_pairs_that_both_have() -> None:
    plain = encoded(repeated(2, 2, 3))
    changed = plain.chosen([5, 3, 0, 1])
    found = changed_pairs(changed, plain)
    assert {name: len(pairs) for name, (_, pairs) in found.items()} == {
        "as they are": 6,
        "both changed": 6,
        "one changed": 12,
    }
    assert found["as they are"][0] == pytest.approx(found["both changed"][0])
