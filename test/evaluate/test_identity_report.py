"""Rows, targets, and what is said in words."""

from __future__ import annotations

import numpy as np
from evaluate.identity_faces import repeated, vectors_of

from face1d_ros.evaluate.identity_protocol import outcome, product_scorer, within_subjects
from face1d_ros.evaluate.identity_report import (
    MOTIONS,
    PAPER,
    WARPING,
    WHOLE,
    WITHIN,
    beaten_by,
    figures_row,
    largest_loss,
    operating_rows,
    paper_rows,
    robust_row,
    targets,
)

CLIPS = repeated(3, 2, 3)
PAIRS = within_subjects(CLIPS)
KEYS = {"identity.ap", "identity.f1", "identity.robust_ap_loss", "identity.encode_p50_ms"}


def figures(model: str, noise: float) -> dict[str, object]:
    scores = product_scorer(vectors_of(CLIPS, noise))(PAIRS.first, PAIRS.second)
    return figures_row(model, {"loss": "n_pair", "trimming": False}, MOTIONS, WITHIN, WHOLE, outcome(scores, PAIRS))


def test_a_row_names_how_the_model_was_trained() -> None:
    row = figures("m", 0.05)
    assert row["loss"] == "N-pair" and row["trimming"] is False and row["ap"] == 1.0
    assert row["genuine"] == 18 and row["impostors"] == 27 and row["supported_1e-3"] is False


def test_the_papers_best_row_is_the_one_to_reach() -> None:
    assert max(PAPER, key=lambda row: row[3]) == ("SFE-L", "contrastive", True, 0.988, 0.959)
    assert len(paper_rows()) == 10 and {row["part"] for row in paper_rows()} == {"figures"}


def test_what_was_not_measured_has_no_value_and_does_not_pass() -> None:
    found = targets(paper_rows(), None)
    assert set(found) == KEYS and not any(target.passed for target in found.values())
    assert all(target.value is None for target in targets(paper_rows(), "m").values())


def test_targets_are_those_of_one_model() -> None:
    losses = [robust_row("m", name, "both changed", PAIRS, 0.99, ap) for name, ap in (("a", 0.985), ("b", 0.96))]
    cost = {"part": "cost", "model": "m", "p50_ms": 3.0}
    rows = [*paper_rows(), figures("other", 3.0), figures("m", 0.05), *losses, cost]
    found = targets(rows, "m")
    assert found["identity.ap"].value == 1.0 and found["identity.ap"].passed
    assert (
        found["identity.robust_ap_loss"].value == largest_loss(rows, "m")
        and not found["identity.robust_ap_loss"].passed
    )
    assert found["identity.encode_p50_ms"].passed and largest_loss(rows, "other") is None


def test_baselines_that_are_better_are_named() -> None:
    rows = [*paper_rows(), figures("m", 3.0), figures(WARPING, 0.05)]
    (said,) = beaten_by(rows, "m")
    assert WARPING in said and "1.0000" in said
    assert not beaten_by(rows, WARPING)


def test_shipped_thresholds_are_judged_by_both_errors() -> None:
    scores, genuine = np.array([0.9, 0.4, 0.6, 0.1]), np.array([True, True, False, False])
    (row,) = operating_rows("m", {"operating_points": [[0.01, 0.5]]}, WHOLE, WITHIN, scores, genuine)
    assert row["fmr"] == row["fnmr"] == 0.5 and row["meant_fmr"] == 0.01
    assert not operating_rows("m", {}, WHOLE, WITHIN, scores, genuine)
