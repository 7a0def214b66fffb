"""Where verification by facial motion fails (Sun et al., Electronics 2022, Section 4.1), and who imitates whom.

An attempt is compared with the first repetitions of a motion, as with the templates of somebody who enrolled: the best
of them counts. Thresholds are those of single pairs within subjects. Letters: C clips, E numbers of a vector.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from face1d_ros.evaluate.identity_clips import NATURAL, Clips
from face1d_ros.evaluate.identity_protocol import Outcome, Pairs, Scores, between, within_subjects
from face1d_ros.types import FloatArray

TEMPLATES = 3
"""Repetitions of a motion that stand for it."""
LEFT_OUT, DIFFERS = "part left out", "part differs"
BORDERLINE = (LEFT_OUT, DIFFERS)
"""Whether it still is the same motion, the paper leaves open."""
OTHER_MOTION, IMITATION, FLASHES = "another motion", "imitation", "two flash motions"


@dataclass(frozen=True, eq=False)
class Encoded:
    """Clips, and their vectors (C, E)."""

    clips: Clips
    vectors: FloatArray

    def chosen(self, rows: Iterable[int]) -> Encoded:
        """Those."""
        places = np.array(list(rows), np.intp)
        return Encoded(self.clips.chosen(places), self.vectors[places])


@dataclass(frozen=True)
class Thresholds:
    """At a false match rate of 1e-2 and of 1e-3 of single pairs."""

    strict: float
    stricter: float

    @classmethod
    def of(cls, outcome: Outcome) -> Thresholds:
        """As they were measured."""
        return cls(*(at.threshold for at in outcome.pooled.at_fmr))


def templates_of(repeated: Encoded) -> tuple[Encoded, Encoded]:
    """The first repetitions of each motion, and the others."""
    seen: dict[int, int] = {}
    first: list[int] = []
    others: list[int] = []
    for row, clip in enumerate(repeated.clips.all):
        seen[clip.motion] = seen.get(clip.motion, 0) + 1
        (first if seen[clip.motion] <= TEMPLATES else others).append(row)
    return repeated.chosen(first), repeated.chosen(others)


def best_scores(attempts: Encoded, motions: np.ndarray, templates: Encoded) -> Scores:
    """(C,) the best similarity of each attempt with the templates of a motion; NaN where that has none."""
    found = np.full(len(attempts.clips), np.nan)
    for motion in np.unique(motions):
        rows, theirs = np.flatnonzero(motions == motion), np.flatnonzero(templates.clips.motion == motion)
        if len(theirs):
            found[rows] = (attempts.vectors[rows] @ templates.vectors[theirs].T).max(axis=1)
    return found


def case_rows(
    model: str, repeated: Encoded, varied: Encoded, imitated: Encoded, thresholds: Thresholds, way: str
) -> list[dict[str, Any]]:
    """Of each kind of attempt, how many are rejected; `way` says what of a clip was encoded."""
    templates, others = templates_of(repeated)
    kinds = {NATURAL: others}
    for name in dict.fromkeys(clip.variation for clip in varied.clips.all):
        kinds[name] = varied.chosen(_rows_of(varied.clips, repeated.clips, name))
    rows = [
        _row(model, way, name, True, best_scores(some, some.clips.motion, templates), thresholds)
        for name, some in kinds.items()
    ]
    rows.append(_row(model, way, OTHER_MOTION, False, _other_motions(others, templates), thresholds))
    # An imitation is of the motion of somebody else, and compared with that person's templates of it.
    rows.append(_row(model, way, IMITATION, False, best_scores(imitated, imitated.clips.motion, templates), thresholds))
    return [row for row in rows if row["attempts"]]


def flash_rows(model: str, flashes: Encoded, thresholds: Thresholds, way: str) -> list[dict[str, Any]]:
    """Pairs of different motions of one subject that are both made in a flash."""
    pairs = within_subjects(flashes.clips)
    scores = _pair_scores(flashes, flashes, pairs)
    return [_row(model, way, FLASHES, False, scores[~pairs.genuine], thresholds)] if (~pairs.genuine).any() else []


def changed_pairs(changed: Encoded, plain: Encoded) -> dict[str, tuple[Scores, Pairs]]:
    """The same pairs of clips, both as they are, both changed, and one of them changed."""
    kept = {clip.name for clip in changed.clips.all} & {clip.name for clip in plain.clips.all}
    changed, plain = (some.chosen(_named(some.clips, kept)) for some in (changed, plain))
    pairs, mixed = within_subjects(plain.clips), between(changed.clips, plain.clips)
    return {
        "as they are": (_pair_scores(plain, plain, pairs), pairs),
        "both changed": (_pair_scores(changed, changed, pairs), pairs),
        "one changed": (_pair_scores(changed, plain, mixed), mixed),
    }


def _named(clips: Clips, names: set[str]) -> list[int]:
    """Rows in the order of the names."""
    return sorted(
        (row for row, clip in enumerate(clips.all) if clip.name in names), key=lambda row: clips.all[row].name
    )


def _pair_scores(first: Encoded, second: Encoded, pairs: Pairs) -> Scores:
    return np.asarray(np.einsum("me,me->m", first.vectors[pairs.first], second.vectors[pairs.second]))


def _rows_of(varied: Clips, repeated: Clips, name: str) -> list[int]:
    """Of this variation; where a part was to be left out of a motion that has but one, nothing was left out."""
    whole = {clip.motion: clip.steps for clip in repeated.all}
    rows = [row for row, clip in enumerate(varied.all) if clip.variation == name]
    if name != LEFT_OUT:
        return rows
    return [row for row in rows if varied.all[row].steps < whole.get(varied.all[row].motion, 0)]


def _other_motions(attempts: Encoded, templates: Encoded) -> Scores:
    """Of each attempt with each other motion of its subject."""
    found = []
    for subject in np.unique(attempts.clips.subject):
        rows = np.flatnonzero(attempts.clips.subject == subject)
        own = np.flatnonzero(templates.clips.subject == subject)
        for motion in np.unique(templates.clips.motion[own]):
            theirs = own[templates.clips.motion[own] == motion]
            tried = rows[attempts.clips.gestures[rows] != templates.clips.gestures[theirs[0]]]
            found.append((attempts.vectors[tried] @ templates.vectors[theirs].T).max(axis=1))
    return np.concatenate(found) if found else np.zeros(0)


def _row(model: str, way: str, case: str, is_genuine: bool, scores: Scores, thresholds: Thresholds) -> dict[str, Any]:
    known = scores[np.isfinite(scores)]
    strict, stricter = (float((known < level).mean()) if len(known) else None for level in _levels(thresholds))
    meant = "borderline" if case in BORDERLINE else ("accept" if is_genuine else "reject")
    return {
        "part": "case",
        "model": model,
        "encoded": way,
        "attempt": case,
        "should": meant,
        "attempts": len(known),
        "rejected_1e-2": strict,
        "rejected_1e-3": stricter,
        "accepted_1e-2": None if strict is None else 1.0 - strict,
        "accepted_1e-3": None if stricter is None else 1.0 - stricter,
        "median_similarity": float(np.median(known)) if len(known) else None,
    }


def _levels(thresholds: Thresholds) -> tuple[float, float]:
    return thresholds.strict, thresholds.stricter
