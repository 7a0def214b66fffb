"""Which clips are compared with which, and what comes out, as Sun et al. (Electronics 2022, Section 3) do it.

All pairs of clips of one subject: the same motion is genuine, another one an impostor. Figures are means over ten folds
of subjects. Then pairs across subjects. Letters: C clips, M pairs, E numbers of a vector.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import GeometryError
from face1d_ros.evaluate.identity_clips import Clips
from face1d_ros.evaluate.verification import Verification, verification
from face1d_ros.types import FloatArray

Indices = NDArray[np.intp]
Flags = NDArray[np.bool_]
Scores = NDArray[np.floating[Any]]
FOLDS = 10
AT_ONCE = 512
"""Clips whose similarities to all others are held at a time."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """Clips that are compared, by their rows."""

    first: Indices
    second: Indices
    genuine: Flags
    subject: NDArray[np.int64]
    """(M,) of the first clip."""

    def __len__(self) -> int:
        return len(self.first)

    def chosen(self, which: Flags) -> Pairs:
        """Those."""
        return Pairs(self.first[which], self.second[which], self.genuine[which], self.subject[which])

    @property
    def has_both(self) -> bool:
        """Whether there is a genuine and an impostor pair."""
        return bool(self.genuine.any() and not self.genuine.all())


Scorer = Callable[[Indices, Indices], Scores]
"""Of pairs of clips, by row: how alike they are."""


def within_subjects(clips: Clips, *, with_twins: bool = False) -> Pairs:
    """All pairs of different clips of one subject; of twins, two motions made of the same gestures, only if asked for.

    The paper's subjects chose five unique motions each; some of the synthetic ones chose one of them twice.
    """
    subject, motion = clips.subject, clips.motion
    parts = []
    for one in np.unique(subject):
        rows = np.flatnonzero(subject == one)
        first, second = np.triu_indices(len(rows), 1)
        parts.append(np.stack([rows[first], rows[second]]))
    first, second = np.concatenate(parts, axis=1) if parts else np.zeros((2, 0), np.intp)
    pairs = Pairs(first, second, motion[first] == motion[second], subject[first])
    return pairs if with_twins else pairs.chosen(~_are_twins(pairs, clips, clips))


def between(clips: Clips, others: Clips) -> Pairs:
    """Each clip with each of the others of its subject, but for the repetition that it is itself (by name)."""
    rows, columns = np.nonzero(clips.subject[:, None] == others.subject[None, :])
    names, other_names = (np.array([clip.name for clip in some.all]) for some in (clips, others))
    differ = names[rows] != other_names[columns] if len(rows) else np.zeros(0, np.bool_)
    rows, columns = rows[differ], columns[differ]
    pairs = Pairs(rows, columns, clips.motion[rows] == others.motion[columns], clips.subject[rows])
    return pairs.chosen(~_are_twins(pairs, clips, others))


def _are_twins(pairs: Pairs, clips: Clips, others: Clips) -> Flags:
    """(M,) different motions made of the same gestures."""
    if not len(pairs):
        return np.zeros(0, np.bool_)
    return np.asarray((clips.gestures[pairs.first] == others.gestures[pairs.second]) & ~pairs.genuine)


def across_sample(clips: Clips, most: int, seed: int = 0) -> Pairs:
    """All genuine pairs within subjects, and at most so many different pairs of two subjects, drawn at random."""
    own, subject = within_subjects(clips), clips.subject
    own = own.chosen(own.genuine)
    first, second = np.triu_indices(len(clips), 1)
    apart = np.flatnonzero(subject[first] != subject[second])
    if len(apart) > most:
        apart = np.sort(np.random.default_rng(seed).choice(apart, most, replace=False))
    first, second = first[apart], second[apart]
    return Pairs(
        np.concatenate([own.first, first]),
        np.concatenate([own.second, second]),
        np.concatenate([own.genuine, np.zeros(len(first), np.bool_)]),
        np.concatenate([own.subject, subject[first]]),
    )


def across_subjects(vectors: FloatArray, clips: Clips) -> tuple[Scores, Flags]:
    """Of unit vectors (C, E): all genuine pairs within subjects, and all pairs of different subjects."""
    subject, motion = clips.subject, clips.motion
    own, far = [], []
    for begin in range(0, len(vectors), AT_ONCE):
        rows = slice(begin, begin + AT_ONCE)
        alike = vectors[rows] @ vectors.T
        later = np.arange(len(vectors))[None, :] > np.arange(begin, begin + len(alike))[:, None]
        same_subject = subject[rows, None] == subject[None, :]
        own.append(alike[later & same_subject & (motion[rows, None] == motion[None, :])])
        far.append(alike[later & ~same_subject])
    genuine, impostors = np.concatenate(own), np.concatenate(far)
    flags = np.concatenate([np.ones(len(genuine), np.bool_), np.zeros(len(impostors), np.bool_)])
    return np.concatenate([genuine, impostors]), flags


def folds(subjects: Sequence[int] | NDArray[np.integer], count: int = FOLDS) -> list[NDArray[np.integer]]:
    """Sorted subjects, each fold every so manieth; of fewer subjects fewer folds."""
    ordered = np.unique(np.asarray(subjects))
    if not len(ordered):
        raise GeometryError("subjects", "none", "one at least")
    return [ordered[start::count] for start in range(min(count, len(ordered)))]


@dataclass(frozen=True)
class Outcome:
    """What comparisons of one kind came to."""

    pooled: Verification
    ap: float
    """Mean over the folds."""
    f1: float
    """Mean over the folds."""
    by_fold: tuple[tuple[float, float], ...]
    """AP and peak F1 of each."""

    def as_row(self) -> dict[str, Any]:
        """For a table or a file."""
        strict, stricter = self.pooled.at_fmr
        return {
            "ap": self.ap,
            "f1": self.f1,
            "ap_pooled": self.pooled.average_precision,
            "f1_pooled": self.pooled.peak_f1,
            "ap_worst_fold": min(ap for ap, _ in self.by_fold),
            "eer": self.pooled.eer,
            "fnmr_1e-2": strict.fnmr,
            "fnmr_1e-3": stricter.fnmr,
            "threshold_1e-2": strict.threshold,
            "threshold_1e-3": stricter.threshold,
            "genuine": self.pooled.genuine,
            "impostors": self.pooled.impostors,
            "supported_1e-3": stricter.supported,
        }


def outcome(scores: Scores, pairs: Pairs) -> Outcome:
    """Of these pairs' scores (M,)."""
    if not pairs.has_both:
        came = f"{int(pairs.genuine.sum())} genuine of {len(pairs)} pairs"
        raise GeometryError("clips", came, "subjects with two motions, one of them repeated")
    by_fold = []
    for some in folds(pairs.subject):
        which = np.isin(pairs.subject, some)
        if pairs.chosen(which).has_both:
            found = verification(scores[which], pairs.genuine[which])
            by_fold.append((found.average_precision, found.peak_f1))
    ap, f1 = np.mean(by_fold, axis=0).tolist()
    return Outcome(verification(scores, pairs.genuine), ap, f1, tuple(by_fold))


def product_scorer(vectors: FloatArray, others: FloatArray | None = None) -> Scorer:
    """Products of unit vectors (C, E), of the first's rows with the second's, or with the others'."""
    second_of = vectors if others is None else others

    def scores(first: Indices, second: Indices) -> Scores:
        return np.asarray(np.einsum("me,me->m", vectors[first], second_of[second]))

    return scores
