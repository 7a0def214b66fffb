"""Two measurements of one command: their times, rates and memory as ratios, their targets, and what differs around."""

from __future__ import annotations

import json
import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, TypeGuard

from face1d_ros.errors import MeasurementFileError

Document: TypeAlias = Mapping[str, Any]
"""A measurement as it is written."""
Name: TypeAlias = tuple[tuple[str, Any], ...]
"""Of a row: its naming columns with their values."""
NUMBERS_THAT_NAME = frozenset({"faces", "looked_for", "max_faces", "points"})
"""Columns of numbers by which rows are told apart; so is every column of text."""
NO_QUANTITY = frozenset({"slope", "spread", "ratio"})
"""Words of columns whose values are not compared: ratios of one machine's two sides have their targets."""
LOWER_IS_BETTER = frozenset({"ms", "us", "s", "mb"})
HIGHER_IS_BETTER = frozenset({"fps", "hz", "factor"})
OF_THE_MOMENT = frozenset({"load_average_1min"})
"""Conditions that are never the same."""
BETTER, SAME, WORSE = "better", "same", "worse"


@dataclass(frozen=True)
class Pair:
    """One value in both measurements."""

    part: str
    row: str
    """The row's name."""
    column: str
    a: float
    b: float

    @property
    def ratio(self) -> float:
        """B / A."""
        return self.b / self.a

    @property
    def worse_by(self) -> float:
        """Above 1 where B is worse."""
        return self.ratio if lower_is_better(self.column) else 1.0 / self.ratio


@dataclass(frozen=True)
class Column:
    """One column over all rows that both measurements have."""

    part: str
    name: str
    pairs: tuple[Pair, ...]

    @property
    def ratio(self) -> float:
        """B / A, median over the rows."""
        return statistics.median(pair.ratio for pair in self.pairs)

    @property
    def worse_by(self) -> float:
        """Median over the rows; above 1 where B is worse."""
        return statistics.median(pair.worse_by for pair in self.pairs)

    @property
    def worst(self) -> Pair:
        """The row that became worst."""
        return max(self.pairs, key=lambda pair: pair.worse_by)


@dataclass(frozen=True)
class Comparison:
    """All that is to say of B beside A."""

    command: str
    columns: tuple[Column, ...]
    only_a: tuple[str, ...]
    """Names of rows that B lacks, and of values that it lacks in a row of both: a rate that nothing bore is none."""
    only_b: tuple[str, ...]
    differences: Mapping[str, tuple[Any, Any]]
    """Conditions under which they were not made alike: machine, versions, data, rounds and so on."""
    failed: tuple[str, ...]
    """Targets that A reached and B did not, or that B has no more."""
    mended: tuple[str, ...]
    """Targets that B reached and A did not."""

    def worse_columns(self, threshold: float) -> tuple[Column, ...]:
        """Those whose median is worse by more than this share."""
        return tuple(column for column in self.columns if judged(column.worse_by, threshold) == WORSE)

    def worse_rows(self, threshold: float) -> tuple[Pair, ...]:
        """Single values that are worse by more than this share."""
        pairs = (pair for column in self.columns for pair in column.pairs)
        return tuple(pair for pair in pairs if judged(pair.worse_by, threshold) == WORSE)


def judged(worse_by: float, threshold: float) -> str:
    """`better`, `same` or `worse`: the same share counts in either direction."""
    if worse_by > 1.0 + threshold:
        return WORSE
    return BETTER if worse_by * (1.0 + threshold) < 1.0 else SAME


def lower_is_better(column: str) -> bool | None:
    """By the words of a column's name; None for what is no time, rate or memory."""
    words = set(column.split("_"))
    if words & NO_QUANTITY:
        return None
    if column.endswith("_per_s") or words & HIGHER_IS_BETTER:
        return False
    return True if words & LOWER_IS_BETTER or column == "cpu_percent" else None


def load_measurement(path: str | Path) -> Document:
    """What a `bench` or `evaluate` command has written. Raises MeasurementFileError."""
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise MeasurementFileError(path, str(error.strerror)) from error
    except ValueError as error:
        raise MeasurementFileError(path, f"it is no JSON ({error})") from error
    kinds = {"command": str, "conditions": dict, "rows": list, "targets": dict}
    if not isinstance(document, dict):
        raise MeasurementFileError(path, f"it holds a {type(document).__name__}")
    for key, kind in kinds.items():
        if not isinstance(document.get(key), kind):
            raise MeasurementFileError(path, f"its '{key}' is no {kind.__name__}")
    of_rows = all(isinstance(row, dict) for row in document["rows"])
    if not of_rows or not all(isinstance(target, dict) for target in document["targets"].values()):
        raise MeasurementFileError(path, "its rows and targets are no dictionaries")
    return document


def compare(a: Document, b: Document) -> Comparison:
    """B beside A. Raises MeasurementFileError where they have nothing in common."""
    if a["command"] != b["command"]:
        raise MeasurementFileError("B", f"it is of '{b['command']}', the other one of '{a['command']}'")
    rows_a, rows_b = _named(a["rows"]), _named(b["rows"])
    columns: dict[tuple[str, str], list[Pair]] = defaultdict(list)
    common = [name for name in rows_a if name in rows_b]
    for name in common:
        part = str(rows_a[name].get("part", ""))
        for column, x, y in _values(rows_a[name], rows_b[name]):
            columns[part, column].append(Pair(part, _told(name), column, x, y))
    if not columns:
        raise MeasurementFileError("B", "no row of it has a name and a time or rate that the other one has too")
    order = {key: index for index, key in enumerate(_columns_of(a["rows"]))}
    return Comparison(
        command=a["command"],
        columns=tuple(
            Column(*key, tuple(sorted(columns[key], key=lambda pair: pair.row)))
            for key in sorted(columns, key=lambda key: order[key])
        ),
        only_a=(*_missing(rows_a, rows_b), *_missing_values(common, rows_a, rows_b)),
        only_b=(*_missing(rows_b, rows_a), *_missing_values(common, rows_b, rows_a)),
        differences=_differences(a["conditions"], b["conditions"]),
        failed=tuple(key for key in a["targets"] if _passed(a, key) and not _passed(b, key)),
        mended=tuple(key for key in b["targets"] if _passed(b, key) and not _passed(a, key)),
    )


def _passed(document: Document, key: str) -> bool:
    return bool(document["targets"].get(key, {}).get("pass"))


def _named(rows: Sequence[Mapping[str, Any]]) -> dict[Name, Mapping[str, Any]]:
    """Rows by name; where a name comes again, a number tells them apart."""
    named: dict[Name, Mapping[str, Any]] = {}
    seen: Counter[Name] = Counter()
    for row in rows:
        name = tuple((key, value) for key, value in row.items() if isinstance(value, str) or key in NUMBERS_THAT_NAME)
        seen[name] += 1
        named[name if seen[name] == 1 else (*name, ("again", seen[name]))] = row
    return named


def _told(name: Name) -> str:
    return ", ".join(value if isinstance(value, str) else f"{value} {key}" for key, value in name) or "the row"


def _missing(some: Mapping[Name, Any], others: Mapping[Name, Any]) -> Iterator[str]:
    return (_told(name) for name in some if name not in others)


def _missing_values(
    common: Sequence[Name], some: Mapping[Name, Mapping[str, Any]], others: Mapping[Name, Mapping[str, Any]]
) -> Iterator[str]:
    """Of rows that both have: values with a ratio that one of them has."""
    for name in common:
        for column, value in some[name].items():
            if _has_ratio(value, column) and not _has_ratio(others[name].get(column), column):
                yield f"{_told(name)}: {column}"


def _values(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[tuple[str, float, float]]:
    """Columns whose values have a ratio."""
    for column, x in a.items():
        y = b.get(column)
        if _has_ratio(x, column) and _has_ratio(y, column):
            yield column, float(x), float(y)


def _has_ratio(value: object, column: str) -> TypeGuard[int | float]:
    if column in NUMBERS_THAT_NAME or lower_is_better(column) is None:
        return False
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0.0 < value < math.inf


def _columns_of(rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], None]:
    """(part, column) in the order of first appearance."""
    return dict.fromkeys((str(row.get("part", "")), column) for row in rows for column in row)


def _differences(a: Document, b: Document) -> dict[str, tuple[Any, Any]]:
    flat_a, flat_b = dict(_flat(a)), dict(_flat(b))
    return {
        key: (flat_a.get(key), flat_b.get(key))
        for key in {**flat_a, **flat_b}
        if key not in OF_THE_MOMENT and flat_a.get(key) != flat_b.get(key)
    }


def _flat(conditions: Document, above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in conditions.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value
