"""The landmarks node alone, in the cases of `face1d bench graph`: what is measured of each, and its targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.evaluate.measurement import Row, Target

AGES = ("p50", "p99", "max")
SHOWN = (
    *("images", "answered", "lost", "dropped", "exact", "added_p50_ms", "added_p99_ms", "detector_p50_ms"),
    *("age_first_third_ms", "age_last_third_ms", "age_slope_ms_per_s"),
)
"""Columns of the printed table; the JSON has all."""


@dataclass(frozen=True)
class Case:
    """What the camera does."""

    width: int
    height: int
    rate_hz: float

    @property
    def name(self) -> str:
        """As in the table."""
        return f"{self.width}x{self.height} at {self.rate_hz:g} Hz"


TARGET_CASE, HD_CASE = Case(640, 480, 30.0), Case(1280, 720, 30.0)
FLOOD_CASE, HD_FLOOD_CASE = Case(640, 480, 120.0), Case(1280, 720, 120.0)
CASES = (TARGET_CASE, HD_CASE, FLOOD_CASE, HD_FLOOD_CASE)
STEADY_MS_PER_S = 5.0
"""Ages that rise more slowly do not pile up: a queue of which one image in a hundred is not worked off grows by twice
that."""
TARGETS: tuple[tuple[str, Case, str, float, str], ...] = (
    ("graph.answered_30hz", TARGET_CASE, "answered", 0.99, ">="),
    ("graph.added_age_p50_ms", TARGET_CASE, "added_p50_ms", 4.0, "<="),
    ("graph.added_age_p99_ms", TARGET_CASE, "added_p99_ms", 15.0, "<="),
    ("graph.answered_30hz_720p", HD_CASE, "answered", 0.99, ">="),
    ("graph.exact_120hz", FLOOD_CASE, "exact", 1.0, ">="),
    ("graph.age_slope_120hz_ms_per_s", FLOOD_CASE, "age_slope_ms_per_s", STEADY_MS_PER_S, "<="),
    ("graph.exact_120hz_720p", HD_FLOOD_CASE, "exact", 1.0, ">="),
    ("graph.age_slope_120hz_720p_ms_per_s", HD_FLOOD_CASE, "age_slope_ms_per_s", STEADY_MS_PER_S, "<="),
)
"""Key, case, column, limit and sign of each verdict."""


@dataclass(frozen=True)
class Result:
    """One landmarks message, as the listener saw it."""

    purpose: str
    stamp_ns: int
    received_ns: int
    duration_s: float
    received: int
    used: int
    dropped: int
    faces: int

    @property
    def age_ms(self) -> float:
        """From the image's publication to this."""
        return (self.received_ns - self.stamp_ns) * 1e-6


@dataclass
class _Counts:
    """What the node counted between the warm-up and the last image, both not included."""

    received: int | None = None
    dropped: int | None = None
    exact: bool = False


def evaluate(case: Case, published: list[int], results: list[Result]) -> Row:
    """A row of the table. `published` are the stamps of the measured images."""
    measured = [result for result in results if result.purpose == "measured"]
    answered = {result.stamp_ns for result in measured} & set(published)
    counts = _counts(results)
    ages_ms = np.array([result.age_ms for result in measured])
    detector_ms = np.array([result.duration_s * 1e3 for result in measured])
    row: dict[str, Any] = {
        "part": "landmarks",
        "images": case.name,
        "published": len(published),
        "answered": len(answered) / max(len(published), 1),
        "lost": None if counts.received is None else len(published) - counts.received,
        "dropped": counts.dropped,
        "exact": counts.exact,
        "with_face": sum(result.faces > 0 for result in measured) / max(len(measured), 1),
    }
    for name, values in (("added", ages_ms - detector_ms), ("age", ages_ms), ("detector", detector_ms)):
        row |= {f"{name}_{kind}_ms": value for kind, value in zip(AGES, _spread(values), strict=True)}
    return row | _growth(measured, ages_ms)


def targets(rows: Sequence[Row]) -> dict[str, Target]:
    """Of each case: at 30 Hz every image is answered, in a flood none is lost track of and nothing piles up."""
    by_case = {row["images"]: row for row in rows if row["part"] == "landmarks"}
    return {
        key: Target(_number(by_case.get(case.name, {}).get(column)), limit, sign)
        for key, case, column, limit, sign in TARGETS
    }


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None


def _counts(results: list[Result]) -> _Counts:
    """Exact: in every message received = used + dropped, used rises by one, and drops explain every other image."""
    first = [result for result in results if result.purpose == "warm_up"][-1:]
    last = [result for result in results if result.purpose == "last"][:1]
    if not first or not last:
        return _Counts()
    balanced = all(result.received == result.used + result.dropped for result in results)
    between = [result for result in results if result.purpose == "measured"]
    one_by_one = last[0].used - first[0].used == len(between) + 1
    return _Counts(
        received=last[0].received - first[0].received - 1,
        dropped=last[0].dropped - first[0].dropped,
        exact=balanced and one_by_one,
    )


def _growth(measured: list[Result], ages_ms: NDArray[np.float64]) -> dict[str, float | None]:
    """Median age of the first and last third, and how fast it rises (robust: median of the slopes, Theil-Sen)."""
    if len(measured) < 3:
        return {"age_first_third_ms": None, "age_last_third_ms": None, "age_slope_ms_per_s": None}
    third = len(ages_ms) // 3
    times_s = np.array([result.stamp_ns for result in measured]) * 1e-9
    thin = slice(None, None, max(1, len(ages_ms) // 300))
    x, y = times_s[thin] - times_s[0], ages_ms[thin]
    later = np.triu_indices(len(x), 1)
    slopes = (y[later[1]] - y[later[0]]) / np.maximum(x[later[1]] - x[later[0]], 1e-9)
    return {
        "age_first_third_ms": float(np.median(ages_ms[:third])),
        "age_last_third_ms": float(np.median(ages_ms[-third:])),
        "age_slope_ms_per_s": float(np.median(slopes)),
    }


def _spread(values: NDArray[np.float64]) -> list[float | None]:
    return np.percentile(values, (50, 99, 100)).tolist() if len(values) else [None] * len(AGES)
