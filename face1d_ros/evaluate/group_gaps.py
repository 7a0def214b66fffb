"""All figures by group, how far groups lie apart, and whether that can be told from chance.

Intervals are of a bootstrap over people, or over sequences where no people are named: as many as a group has are drawn
from it with replacement, `DRAWS` times with a fixed seed, and the percentiles of what comes out are given (95 %).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face1d_ros.evaluate.fairness import EqualizedOdds, GroupRates
from face1d_ros.evaluate.group_figures import HIGHER, Decision, Figure, Floats, Study
from face1d_ros.evaluate.groups import UNKNOWN, Assigned, Names

DRAWS = 1000
LEVEL = 0.95
SEED = 0
DIGITS = 12
"""Beyond which a difference is that of the arithmetic."""
LEAST = 10
"""People or sequences of a group, and positives and negatives of a decision: with fewer a bootstrap says too little."""
GROUP, GAP, RATES, ODDS, WARNING = "group", "group gap", "group rates", "equalized odds", "group warning"
"""Parts of the measurement."""


def group_rows(study: Study, assigned: Assigned) -> list[dict[str, Any]]:
    """Of all attributes of one model."""
    rows = left_out_rows(assigned, study.model)
    for attribute, group in assigned.group.items():
        rows += attribute_rows(study, attribute, group, assigned.person)
    return rows


def left_out_rows(assigned: Assigned, model: str) -> list[dict[str, Any]]:
    """A warning, if the file does not name all sequences."""
    if not assigned.left_out:
        return []
    said = f"{assigned.left_out} of {len(assigned.sequences)} sequences are in no line of the file"
    return [{"part": WARNING, "attribute": "", "model": model, "warning": f"{said}: they count nowhere here"}]


def attribute_rows(study: Study, attribute: str, group: Names, person: Names) -> list[dict[str, Any]]:
    """Of one attribute: the group (S,) and person (S,) of each of the study's sequences."""
    names = [str(name) for name in np.unique(group) if name != UNKNOWN]
    said = {"attribute": attribute, "model": study.model}
    rows: list[dict[str, Any]] = []
    if len(names) < 2:
        only = f"one group only, {names[0]}" if names else "no group"
        return [{"part": WARNING, **said, "warning": f"{only}: there is nothing to compare"}]
    drawn = {name: draws(group == name, person, f"{attribute}/{name}") for name in names}
    for figure in study.figures:
        rows += _figure_rows(figure, names, group, person, drawn, said)
    for decision in study.decisions:
        rows += _decision_rows(decision, names, group, person, drawn, said)
    return rows + _warnings(rows, said)


def draws(member: NDArray[np.bool_], person: Names, named: str) -> Floats:
    """(DRAWS + 1, S) how often each sequence is taken; first all of the group once, then at random, by person."""
    people, number = np.unique(person[member], return_inverse=True)
    rng = np.random.default_rng([SEED, zlib.crc32(named.encode())])
    times = rng.multinomial(len(people), np.full(len(people), 1.0 / len(people)), size=DRAWS)
    taken = np.zeros((DRAWS + 1, len(person)))
    taken[0, member] = 1.0
    taken[1:, member] = times[:, number]
    return taken


def interval(values: Floats) -> tuple[float | None, float | None]:
    """The middle 95 % of those that are known."""
    known = values[np.isfinite(values)]
    if not len(known):
        return None, None
    low, high = np.quantile(known, [(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0])
    return round(float(low), DIGITS), round(float(high), DIGITS)


def _figure_rows(
    figure: Figure, names: Sequence[str], group: Names, person: Names, drawn: dict[str, Floats], said: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    values: dict[str, Floats] = {}
    people: dict[str, int] = {}
    for name in names:
        member = (group == name) & figure.counts
        found = figure.of(drawn[name])
        if not member.any() or not np.isfinite(found[0]):
            continue
        values[name], people[name] = found, len(np.unique(person[member]))
        low, high = interval(found[1:])
        row = {"part": GROUP, **said, "group": name, "figure": figure.name, "value": float(found[0])}
        row |= {"low": low, "high": high, "sequences": int(member.sum()), "people": people[name]}
        yield row | {"few": people[name] < LEAST}
    if len(values) > 1:
        enough = [name for name in values if people[name] >= LEAST]
        compared = enough if len(enough) > 1 else list(values)
        yield _gap_row(figure, {name: values[name] for name in compared}, people, said)


def _gap_row(figure: Figure, values: dict[str, Floats], people: dict[str, int], said: dict[str, Any]) -> dict[str, Any]:
    """The two groups that are furthest apart; where one direction is better, from the best to the worst."""
    ordered = sorted(values, key=lambda name: float(values[name][0]), reverse=figure.better == HIGHER)
    best, worst = ordered[0], ordered[-1]
    few = {name: people[name] for name in (best, worst) if people[name] < LEAST}
    first, last = values[best], values[worst]
    difference = last - first
    low, high = interval(difference[1:])
    gap, least = round(float(difference[0]), DIGITS), float(min(abs(first[0]), abs(last[0])))
    is_told = not few and low is not None and high is not None and (low > 0.0 or high < 0.0)
    row: dict[str, Any] = {"part": GAP, **said, "figure": figure.name, "best": best, "worst": worst}
    row |= {"difference": gap, "low": low, "high": high}
    row["ratio"] = float(max(abs(first[0]), abs(last[0])) / least) if least > 0.0 else None
    return row | {"told": is_told, "says": _says(is_told, few, max(map(_width, values.values())), abs(gap))}


def _width(values: Floats) -> float:
    low, high = interval(values[1:])
    return 0.0 if low is None or high is None else high - low


def _says(is_told: bool, few: dict[str, int], widest: float, gap: float) -> str:
    """In words, for people."""
    if few:
        return f"says nothing: {', '.join(f'{name} has {count}' for name, count in few.items())}, {LEAST} are needed"
    if is_told:
        return "more than chance"
    if widest > gap:
        return f"says nothing: a group's interval is {widest:.3g} wide, the gap {gap:.3g}"
    return "may be chance: the interval of the gap holds 0"


def _decision_rows(
    decision: Decision,
    names: Sequence[str],
    group: Names,
    person: Names,
    drawn: dict[str, Floats],
    said: dict[str, Any],
) -> Iterator[dict[str, Any]]:
    told = {**said, "decision": decision.name}
    rates: list[GroupRates] = []
    tpr, fpr = [], []
    few = []
    for name in names:
        sums = drawn[name] @ decision.counts
        true, false = _rate(sums[:, 1], sums[:, 0]), _rate(sums[:, 3], sums[:, 2])
        positives, negatives = int(sums[0, 0]), int(sums[0, 2])
        rates.append(GroupRates(name, float(true[0]), float(false[0]), positives, negatives))
        tpr.append(true)
        fpr.append(false)
        (tpr_low, tpr_high), (fpr_low, fpr_high) = interval(true[1:]), interval(false[1:])
        row = {"part": RATES, **told, "group": name, "tpr": float(true[0]), "tpr_low": tpr_low, "tpr_high": tpr_high}
        row |= {"fpr": float(false[0]), "fpr_low": fpr_low, "fpr_high": fpr_high}
        yield row | {"positives": positives, "negatives": negatives}
        people = len(np.unique(person[(group == name) & (decision.counts.sum(axis=1) > 0.0)]))
        counts = (("people or sequences", people), ("positives", positives), ("negatives", negatives))
        few += [f"{name} has {count} {what}" for what, count in counts if count < LEAST]
    odds = EqualizedOdds(tuple(rates))
    low, high = interval(np.fmax(_range(np.stack(tpr)), _range(np.stack(fpr)))[1:])
    says = f"too few: {', '.join(few)}; {LEAST} are needed" if few else ""
    row = {"part": ODDS, **told, "tpr_range": odds.tpr_range, "fpr_range": odds.fpr_range}
    yield row | {"difference": odds.difference, "low": low, "high": high, "says": says}


def _rate(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0.0)


def _range(rates: Floats) -> Floats:
    """(R,) greatest minus least of (groups, R), of those that are known; NaN of fewer than two."""
    known = np.isfinite(rates)
    most, least = np.where(known, rates, -np.inf).max(axis=0), np.where(known, rates, np.inf).min(axis=0)
    return np.subtract(most, least, out=np.full(rates.shape[1], np.nan), where=known.sum(axis=0) > 1)


def _warnings(rows: Sequence[dict[str, Any]], said: dict[str, Any]) -> list[dict[str, Any]]:
    """A line for each group that is too small, with what for."""
    found: dict[str, dict[int, list[str]]] = {}
    for row in rows:
        if row["part"] == GROUP and row["few"]:
            found.setdefault(row["group"], {}).setdefault(row["people"], []).append(row["figure"])
    return [{"part": WARNING, **said, "warning": _too_small(name, figures)} for name, figures in found.items()]


def _too_small(name: str, figures: dict[int, list[str]]) -> str:
    counts = "; ".join(f"{people} tell of {', '.join(of)}" for people, of in figures.items())
    return f"group {name} is too small: of its people or sequences {counts}; {LEAST} are needed to say anything"
