"""Folds in which no subject is on both sides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from face1d_ros.datasets.base import RealSequence
from face1d_ros.errors import InvalidValueError

FOLDS = 10


@dataclass(frozen=True, eq=False)
class Fold:
    """One turn of a cross-validation."""

    number: int
    train: tuple[RealSequence, ...]
    test: tuple[RealSequence, ...]


def subject_folds(subjects: Iterable[str], count: int = FOLDS) -> tuple[tuple[str, ...], ...]:
    """Subjects of each fold: sorted by name, each fold takes every `count`-th, as is usual on CK+ and Oulu-CASIA."""
    names = sorted(set(subjects))
    if not 2 <= count <= len(names):
        raise InvalidValueError("folds", count, f"2 to {len(names)}, the number of subjects")
    return tuple(tuple(names[start::count]) for start in range(count))


def cross_validation(sequences: Sequence[RealSequence], count: int = FOLDS) -> Iterator[Fold]:
    """Each fold in turn as the test set, all others as the training set."""
    unnamed = [sequence.name for sequence in sequences if not sequence.subject]
    if unnamed:
        raise InvalidValueError("sequences", unnamed[0], "a sequence whose subject is known")
    for number, held_out in enumerate(subject_folds((one.subject for one in sequences), count), start=1):
        yield Fold(
            number,
            tuple(one for one in sequences if one.subject not in held_out),
            tuple(one for one in sequences if one.subject in held_out),
        )
