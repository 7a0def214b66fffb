"""Of which group each sequence is: a CSV of the user's, since no detector and no network here says such a thing.

The first column is `sequence`: a name as the measurement's rows have it, or a pattern with `*`; the first line that
fits counts. A column `person` says whose face it is: sequences of one person are drawn together when intervals are
estimated. Every further column is an attribute, and its values are groups; an empty one leaves a sequence out of that
comparison.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import GroupsError

SEQUENCE, PERSON = "sequence", "person"
UNKNOWN = ""
Names = NDArray[np.str_]


@dataclass(frozen=True)
class Groups:
    """The file, line by line."""

    path: Path
    attributes: tuple[str, ...]
    lines: tuple[tuple[str, str, tuple[str, ...]], ...]
    """Sequence or pattern, person, and the group of each attribute."""

    def check(self, sequences: Sequence[str]) -> None:
        """Refuse, before the work, if none of these sequences is in the file."""
        self.assigned(sequences)

    def assigned(self, sequences: Sequence[str]) -> Assigned:
        """Of these sequences; refused if none of them is in the file."""
        exact = {name: number for number, (name, _, _) in reversed(list(enumerate(self.lines)))}
        patterns = [(number, name) for number, (name, _, _) in enumerate(self.lines) if "*" in name or "?" in name]
        found = [self._line(name, exact, patterns) for name in sequences]
        if all(number is None for number in found):
            came = f"names none of the {len(sequences)} sequences measured"
            raise GroupsError(self.path, came, f"names such as {', '.join(sequences[:3])}, or patterns such as '*'")
        persons, groups = [], []
        for sequence, number in zip(sequences, found, strict=True):
            _, person, of = ("", "", (UNKNOWN,) * len(self.attributes)) if number is None else self.lines[number]
            persons.append(person or sequence)
            groups.append(of)
        columns = np.array(groups, np.str_).reshape(len(sequences), len(self.attributes))
        return Assigned(
            tuple(sequences),
            np.array(persons, np.str_),
            {name: columns[:, place] for place, name in enumerate(self.attributes)},
            sum(number is None for number in found),
        )

    @staticmethod
    def _line(name: str, exact: dict[str, int], patterns: list[tuple[int, str]]) -> int | None:
        fitting = [number for number, pattern in patterns if fnmatchcase(name, pattern)]
        return min([*fitting, *([exact[name]] if name in exact else [])], default=None)


@dataclass(frozen=True, eq=False)
class Assigned:
    """Of S sequences who they are of and in which groups; UNKNOWN where that is not said."""

    sequences: tuple[str, ...]
    person: Names
    """(S,) the sequence's own name where no person is named."""
    group: dict[str, Names]
    """By attribute, (S,)."""
    left_out: int
    """Sequences that the file does not name."""


def read_groups(path: Path) -> Groups:
    """The file, checked line by line."""
    expected = f"a table with the columns {SEQUENCE}, an attribute or more, and {PERSON} if you like"
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [(number, row) for number, row in enumerate(csv.reader(file), 1) if any(map(str.strip, row))]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise GroupsError(path, f"cannot be read: {error}", expected) from error
    if not rows or [word.strip() for word in rows[0][1][:1]] != [SEQUENCE]:
        raise GroupsError(path, f"begins with {rows[0][1] if rows else 'nothing'}", expected)
    header = [word.strip() for word in rows[0][1]]
    if len(set(header)) < len(header) or "" in header:
        raise GroupsError(path, f"has the columns {', '.join(header)}", "a name for each column, and each once")
    attributes = tuple(name for name in header if name not in (SEQUENCE, PERSON))
    if not attributes:
        raise GroupsError(path, f"has the columns {', '.join(header)} alone", expected)
    lines = [_line(path, number, header, row, attributes) for number, row in rows[1:]]
    counts = Counter(name for name, _, _ in lines)
    if twice := sorted(name for name, count in counts.items() if count > 1):
        raise GroupsError(path, f"names {', '.join(twice[:3])} more than once", "each sequence once")
    return Groups(path, attributes, tuple(lines))


def _line(
    path: Path, number: int, header: Sequence[str], row: Sequence[str], attributes: Sequence[str]
) -> tuple[str, str, tuple[str, ...]]:
    if len(row) != len(header):
        raise GroupsError(path, f"line {number} has {len(row)} values", f"{len(header)}, as the first line")
    given = dict(zip(header, (word.strip() for word in row), strict=True))
    if not given[SEQUENCE]:
        raise GroupsError(path, f"line {number} names no sequence", "a name or a pattern")
    return given[SEQUENCE], given.get(PERSON, ""), tuple(given[name] for name in attributes)
