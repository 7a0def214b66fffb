"""Expressions of real datasets: who is trained on and who is tested, and what came out.

Folds are of people: nobody is on both sides, whatever light or camera they were filmed with.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.datasets import open_dataset
from face1d_ros.datasets.base import EXPRESSIONS, Dataset, RealSequence
from face1d_ros.datasets.splits import FOLDS, subject_folds
from face1d_ros.errors import DatasetMissingError, InvalidValueError
from face1d_ros.evaluate.classification import Confusion, by_subject, confusion

NEUTRAL = EXPRESSIONS[0]
SPLITS = {"ck+": ("labelled",), "oulu-casia": ("vl-strong", "ni-strong"), "mmi": ("labelled",)}
"""What the published figures are of; the datasets that have expressions."""
WHOLE = ("ck+", "mmi")
"""Named without their split, which only leaves out what has no label."""
ENDS_AT_APEX = ("ck+", "oulu-casia")
"""The others go back to rest."""
PUBLISHED = {"ck+": 0.93, "oulu-casia:vl-strong": 0.79, "oulu-casia:ni-strong": 0.77, "mmi": 0.68}
"""Accuracies of Koksal and Gumus (2025), from their abstract; theirs of several datasets together is not known."""
TOGETHER, ACROSS = "together", "across"


@dataclass(frozen=True, eq=False)
class Part:
    """Sequences of one dataset that are measured by themselves: all, or those of one split."""

    name: str
    dataset: Dataset
    sequences: tuple[RealSequence, ...]
    """With an expression."""
    damaged: tuple[RealSequence, ...] = ()
    """Of which not even the expression can be read."""

    def __len__(self) -> int:
        return len(self.sequences) + len(self.damaged)

    @property
    def dataset_name(self) -> str:
        """Of all its parts."""
        return self.dataset.card.name

    def subject_of(self, sequence: RealSequence) -> str:
        """The same person in every part of a dataset, and nobody else in another dataset."""
        return f"{self.dataset_name}/{sequence.subject}"

    @property
    def subjects(self) -> tuple[str, ...]:
        """All of them, by name."""
        return tuple(sorted({self.subject_of(sequence) for sequence in self.sequences}))


@dataclass(frozen=True)
class Turn:
    """One training and what it is tested on."""

    experiment: str
    number: int
    """Of the fold, from 1; 0 where a whole dataset is tested."""
    train_parts: tuple[str, ...]
    test_parts: tuple[str, ...]
    test_subjects: frozenset[str]
    """Nobody of these is trained on."""
    labels: tuple[str, ...]


def open_parts(names: Sequence[str], roots: Sequence[Path], *, partial: bool) -> list[Part]:
    """Those that are asked for, as DATASET or DATASET:SPLIT."""
    if not names or len(names) != len(roots):
        came = f"{len(names)} with {len(roots)} folders"
        raise InvalidValueError("datasets", came, "at least one, and a folder for each, in the same order")
    parts = [part for name, root in zip(names, roots, strict=True) for part in _parts_of(name, root, partial)]
    if len({part.name for part in parts}) != len(parts):
        raise InvalidValueError("datasets", ", ".join(part.name for part in parts), "each of them once")
    return parts


def turns(parts: Sequence[Part], *, composite: bool) -> list[Turn]:
    """Each part by itself in folds; or all together in folds, and each dataset tested by networks of the others."""
    if not composite:
        return [turn for part in parts for turn in _folds(part.name, [part])]
    found = list(_folds(TOGETHER, parts))
    datasets = list(dict.fromkeys(part.dataset_name for part in parts))
    for learned in datasets if len(datasets) > 1 else ():
        ours = [part for part in parts if part.dataset_name == learned]
        for other in parts:
            if other.dataset_name != learned:
                common = set(_labels(ours)) & set(_labels([other]))
                labels = tuple(label for label in EXPRESSIONS if label in common)
                tested = frozenset(other.subjects)
                names = tuple(part.name for part in ours)
                found.append(Turn(ACROSS, 0, names, (other.name,), tested, labels))
    return found


@dataclass(frozen=True, eq=False)
class Answered:
    """Windows that were tested."""

    truth: NDArray[np.intp]
    """(W,) numbers among the labels."""
    answer: NDArray[np.intp]
    subjects: tuple[str, ...]
    parts: tuple[str, ...]

    @classmethod
    def joined(cls, given: Sequence[Answered]) -> Answered:
        """All of them."""
        numbers = (np.concatenate([getattr(one, name) for one in given]) for name in ("truth", "answer"))
        words = (tuple(word for one in given for word in getattr(one, name)) for name in ("subjects", "parts"))
        return cls(*numbers, *words)

    def of_part(self, part: str) -> Answered:
        """Those of one part."""
        chosen = [index for index, name in enumerate(self.parts) if name == part]
        subjects = tuple(self.subjects[index] for index in chosen)
        return Answered(self.truth[chosen], self.answer[chosen], subjects, (part,) * len(chosen))


def fold_row(turn: Turn, given: Answered, left_out: int) -> dict[str, Any]:
    """Of one training."""
    kind = "across" if turn.experiment == ACROSS else "fold"
    row: dict[str, Any] = {"part": kind, "experiment": turn.experiment}
    row |= {"fold": turn.number} if turn.number else {"trained_on": " + ".join(turn.train_parts)}
    row |= {"tested_on": " + ".join(turn.test_parts), "subjects": len(set(given.subjects))}
    return row | figures(given, turn.labels) | {"left_out": left_out}


def figures(given: Answered, labels: Sequence[str]) -> dict[str, Any]:
    """Accuracy and macro F1 are of the expressions, and an answer of neutral is a wrong one; rest is told beside."""
    shown = given.truth != labels.index(NEUTRAL)
    row: dict[str, Any] = {"windows": int(shown.sum()), "accuracy": None, "macro_f1": None, "neutral_accuracy": None}
    right = given.truth == given.answer
    if shown.any():
        row["accuracy"] = float(right[shown].mean())
        f1 = np.delete(confusion(given.truth, given.answer, labels).f1, labels.index(NEUTRAL))
        row["macro_f1"] = float(np.nanmean(f1))
    if not shown.all():
        row["neutral_accuracy"] = float(right[~shown].mean())
    return row


def summary_rows(
    experiment: str, of_folds: Sequence[Answered], labels: Sequence[str], left_out: Mapping[str, int]
) -> list[dict[str, Any]]:
    """All folds of an experiment, by part; how labels are confused; and each subject."""
    whole = Answered.joined(of_folds)
    parts = list(dict.fromkeys(whole.parts))
    rows: list[dict[str, Any]] = []
    for name in [*parts, *(["all"] if len(parts) > 1 else [])]:
        of_part = [one if name == "all" else one.of_part(name) for one in of_folds]
        given = Answered.joined(of_part)
        each = [figures(one, labels)["accuracy"] for one in of_part]
        known = [accuracy for accuracy in each if accuracy is not None]
        row = {"part": "all", "experiment": experiment, "tested_on": name, "subjects": len(set(given.subjects))}
        row |= figures(given, labels)
        row |= {"mean_of_folds": float(np.mean(known)), "stddev_of_folds": float(np.std(known))} if known else {}
        row["left_out"] = sum(left_out.values()) if name == "all" else left_out.get(name, 0)
        row["published"] = PUBLISHED.get(name) if experiment == name else None
        rows.append(row)
    counts = confusion(whole.truth, whole.answer, labels) if len(whole.truth) else None
    return rows + (_confusion_rows(experiment, counts) if counts else []) + _subject_rows(experiment, whole, labels)


def _confusion_rows(experiment: str, counts: Confusion) -> list[dict[str, Any]]:
    """How often each true label was answered with each."""
    return [
        {"part": "confusion", "experiment": experiment, "true": label}
        | dict(zip(counts.labels, (int(count) for count in row), strict=True))
        for label, row in zip(counts.labels, counts.counts, strict=True)
    ]


def _subject_rows(experiment: str, whole: Answered, labels: Sequence[str]) -> list[dict[str, Any]]:
    shown = whole.truth != labels.index(NEUTRAL)
    if not shown.any():
        return []
    subjects = [subject for subject, is_shown in zip(whole.subjects, shown, strict=True) if is_shown]
    found = by_subject(whole.truth[shown], whole.answer[shown], subjects, labels)
    return [
        {"part": "subject", "experiment": experiment, "subject": name}
        | {"windows": int(counts.counts.sum()), "accuracy": counts.accuracy}
        for name, counts in found.items()
    ]


def _folds(experiment: str, parts: Sequence[Part]) -> Iterator[Turn]:
    subjects = {subject for part in parts for subject in part.subjects}
    if len(subjects) < FOLDS:
        first = parts[0].dataset
        problem = f"holds expressions of {len(subjects)} people, {FOLDS} are needed, one for each fold"
        raise DatasetMissingError(first.card.name, first.root, problem, first.card.where)
    names, labels = tuple(part.name for part in parts), _labels(parts)
    for number, held_out in enumerate(subject_folds(subjects), start=1):
        yield Turn(experiment, number, names, names, frozenset(held_out), labels)


def _labels(parts: Sequence[Part]) -> tuple[str, ...]:
    """Neutral, and what is shown in any of them."""
    shown = {sequence.label for part in parts for sequence in part.sequences} | {NEUTRAL}
    return tuple(label for label in EXPRESSIONS if label in shown)


def _parts_of(name: str, root: Path, partial: bool) -> Iterator[Part]:
    kind, _, split = name.partition(":")
    if kind not in SPLITS:
        raise InvalidValueError("dataset", name, f"one of {', '.join(SPLITS)}, or one with a split as in ck+:labelled")
    dataset = open_dataset(kind, root, partial=partial)
    for one in (split,) if split else SPLITS[kind]:
        every = list(dataset.sequences(one))
        errors = [found.damage for found in every if found.damage is not None]
        if errors and not partial:
            raise errors[0]
        damaged = tuple(found for found in every if found.damage is not None)
        sequences = tuple(found for found in every if found.label not in ("", NEUTRAL))
        if not sequences:
            raise DatasetMissingError(kind, dataset.root, f"holds no expression in split {one}", dataset.card.where)
        unknown = next((found.name for found in sequences if not found.subject), None)
        if unknown is not None:
            raise InvalidValueError(f"sequence of {kind}", unknown, "one whose subject is known")
        yield Part(kind if kind in WHOLE else f"{kind}:{one}", dataset, sequences, damaged)
