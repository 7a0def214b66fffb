"""What each evaluation came to, sequence by sequence, for figures by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.evaluate.classification import PHASES, confusion
from face1d_ros.evaluate.expression import CLASSES, NOT_SHOWING
from face1d_ros.evaluate.expression import Judged as JudgedExpressions
from face1d_ros.evaluate.group_figures import (
    LOWER,
    NEITHER,
    Decision,
    Study,
    macro_f1_of,
    mean_of,
    share_of,
    verification_of,
)
from face1d_ros.evaluate.group_gaps import attribute_rows, group_rows, left_out_rows
from face1d_ros.evaluate.groups import UNKNOWN, Groups
from face1d_ros.evaluate.identity_judge import Compared
from face1d_ros.types import Phase

NO_FIGURES = ("part", "model", "sequence")
BETTER = {"lag_frames": NEITHER}
"""Of figures of which less is not better."""
MINUTE_S = 60.0


def grouped_rows(groups: Groups, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Of rows of part `sequence`, model by model: the plain mean of each figure over the sequences that have it."""
    models: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        if row.get("part") == "sequence":
            models.setdefault(row["model"], []).append(row)
    found = []
    for model, own in models.items():
        keys = dict.fromkeys(key for row in own for key in row if key not in NO_FIGURES)
        figures = tuple(mean_of(key, [_number(row.get(key)) for row in own], BETTER.get(key, LOWER)) for key in keys)
        study = Study(model, tuple(row["sequence"] for row in own), figures)
        found += group_rows(study, groups.assigned(study.sequences))
    return found


def expression_rows(groups: Groups, judged: Mapping[str, JudgedExpressions]) -> list[dict[str, Any]]:
    """Of all models."""
    found = []
    for model, one in judged.items():
        study = expression_study(model, one.by_sequence)
        found += group_rows(study, groups.assigned(study.sequences))
    return found


def expression_study(model: str, judged: Mapping[str, JudgedExpressions]) -> Study:
    """Labels and phases of sequences by name, and each label told from the rest."""
    every = list(judged.values())
    labels = np.stack([_counts(one.truth, one.answer, CLASSES) for one in every])
    phases = np.stack([_phase_counts(one) for one in every])
    late = [[abs(late) for errors in one.onsets for late in errors.late_ms] for one in every]
    onsets = [sum(errors.matched + errors.missed for errors in one.onsets) for one in every]
    starts, seconds = (
        [sum(getattr(one, kind).get(block, 0) for block in NOT_SHOWING) for one in every]
        for kind in ("false_starts", "seconds")
    )
    figures = (
        share_of("accuracy", np.trace(labels, axis1=1, axis2=2), labels.sum(axis=(1, 2))),
        macro_f1_of("macro_f1", labels),
        macro_f1_of("phase_f1", phases, [int(phase) for phase in PHASES]),
        share_of("onset_mean_ms", [sum(one) for one in late], [len(one) for one in late], LOWER),
        share_of("onsets_found", [len(one) for one in late], onsets),
        share_of("false_per_min", starts, seconds, LOWER, MINUTE_S),
    )
    return Study(model, tuple(judged), figures, tuple(_one_against_rest(labels)))


def identity_rows(groups: Groups, model: str, compared: Compared) -> list[dict[str, Any]]:
    """Of pairs within subjects of which both clips are of the group, and what the threshold does to them."""
    assigned = groups.assigned([clip.name for clip in compared.clips.all])
    rows = left_out_rows(assigned, model)
    pairs = compared.pairs
    for attribute, group in assigned.group.items():
        own = group[pairs.first]
        both = (own == group[pairs.second]) & (own != UNKNOWN)
        who = np.array([str(subject) for subject in pairs.subject[both]], np.str_)
        cells, owner = np.unique(np.stack([who, own[both]], axis=1).reshape(-1, 2), axis=0, return_inverse=True)
        study = pair_study(model, compared.scores[both], pairs.genuine[both], owner.ravel(), len(cells), compared)
        rows += attribute_rows(study, attribute, cells[:, 1], cells[:, 0])
    return rows


def pair_study(
    model: str,
    scores: NDArray[np.floating[Any]],
    genuine: NDArray[np.bool_],
    owner: NDArray[np.intp],
    count: int,
    compared: Compared,
) -> Study:
    """Comparisons (D,), each owned by one of so many people."""
    accepted = scores >= compared.threshold
    counts = np.stack(
        [np.bincount(owner[which], minlength=count) for which in
         (genuine, genuine & accepted, ~genuine, ~genuine & accepted)],
        axis=1,
    ).astype(np.float64)  # fmt: skip
    figures = (
        *verification_of(scores, genuine, owner, count),
        share_of("fnmr", counts[:, 0] - counts[:, 1], counts[:, 0], LOWER),
        share_of("fmr", counts[:, 3], counts[:, 2], LOWER),
    )
    name = f"the same motion, threshold {compared.threshold:.3f}"
    return Study(model, tuple(map(str, range(count))), figures, (Decision(name, counts),))


def _one_against_rest(labels: NDArray[np.float64]) -> list[Decision]:
    """Of confusions (S, L, L): those labels that occur."""
    found = []
    for place, name in enumerate(CLASSES):
        positives, answered = labels[:, place].sum(axis=1), labels[:, :, place].sum(axis=1)
        right = labels[:, place, place]
        if positives.any():
            negatives = labels.sum(axis=(1, 2)) - positives
            found.append(Decision(name, np.stack([positives, right, negatives, answered - right], axis=1)))
    return found


def _counts(truth: Sequence[int], answer: Sequence[int], labels: Sequence[str]) -> NDArray[np.float64]:
    if not len(truth):
        return np.zeros((len(labels), len(labels)))
    return confusion(truth, answer, labels).counts.astype(np.float64)


def _phase_counts(judged: JudgedExpressions) -> NDArray[np.float64]:
    names = [phase.name for phase in Phase]
    found = np.zeros((len(names), len(names)))
    for true, said, _ in judged.phases:
        known = true != Phase.UNKNOWN
        found += _counts(true[known].tolist(), said[known].tolist(), names)
    return found


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)
