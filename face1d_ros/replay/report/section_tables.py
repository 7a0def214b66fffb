"""The tables of a report's sections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from face1d_ros.evaluate.verdicts import Verdict
from face1d_ros.replay.report.content import LOWER, Figure, Judgement, Latency, Run
from face1d_ros.replay.report.markup import (
    Column,
    Markup,
    clock,
    facts,
    figures_table,
    folded,
    mark,
    number,
    paragraph,
    table,
    text,
    with_unit,
)

SIDES = {"raw": ", as detected", "smoothed": ", smoothed"}
OUTCOMES = {True: ("good", "✓ pass"), False: ("bad", "✗ fail"), None: ("none", "not measured")}
FOLDED_FROM = 12
"""Rows of a table that is not shown at once."""
TONES = {"verified": "good", "rejected": "bad", "locked_out": "bad"}


def run_tables(run: Run) -> Markup:
    """What was run on what: the command, the models; machine, versions and settings on demand."""
    rows = (
        ("Source", text(run.source)),
        ("Image topic", f"<code>{text(run.topic)}</code>" if run.topic else ""),
        ("Command", f"<code>{text(run.command)}</code>"),
        ("Left out", text(", ".join(f"{number(float(count))} {reason}" for reason, count in run.left_out.items()))),
        *((f"Model of {stage}", text(model)) for stage, model in run.models.items()),
    )
    return facts(rows) + _settings(run.settings) + _conditions(run.conditions)


def verdict_table(verdicts: Sequence[Verdict]) -> Markup:
    """The seven, in their order; under which conditions is said once where all have the same."""
    conditions = {(verdict.data, verdict.conditions) for verdict in verdicts}
    columns = [Column("Verdict"), Column(""), Column("Value", True), Column("Limit", True)]
    rows = []
    for verdict in verdicts:
        criterion = verdict.criterion
        tone, words = OUTCOMES[verdict.passed]
        value = with_unit(verdict.value, criterion.unit)
        limit = f"{criterion.comparison} {criterion.limit:g}\u202f{criterion.unit}"
        cells = [text(criterion.name), mark(words, tone), text(value), text(limit)]
        rows.append(cells if len(conditions) == 1 else [*cells, text(_where(verdict.data, verdict.conditions))])
    if len(conditions) == 1:
        return paragraph(text(f"Measured on {_where(*conditions.pop())}."), "quiet") + table(columns, rows)
    return table([*columns, Column("Measured on")], rows)


def stability_table(figures: Sequence[Figure]) -> Markup:
    """Before, after, and what is left."""
    return _sides_table(figures, "stability")


def accuracy_table(figures: Sequence[Figure]) -> Markup:
    """Of raw and smoothed landmarks side by side; what has no sides below."""
    return _sides_table(figures, "accuracy")


def latency_table(latencies: Sequence[Latency]) -> Markup:
    """A row for each stage."""
    columns = [Column("Stage"), *(Column(name, True) for name in ("p50", "p95", "p99", "largest", "frames", "dropped"))]
    rows = []
    for one in latencies:
        times = (one.p50_ms, one.p95_ms, one.p99_ms, one.largest_ms)
        counts = (number(float(one.frames)), number(float(one.dropped)))
        name = "all together" if one.stage == "all" else one.stage
        rows.append((text(name), *(text(with_unit(value, "ms")) for value in times), *map(text, counts)))
    return table(columns, rows)


def judgement_table(judgements: Sequence[Judgement]) -> Markup:
    """A row for each decision; folded where they are many."""
    columns = (
        Column("Time"), Column("Face"), Column("Decision"), Column("Subject"), Column("Score", True),
        Column("Needed", True), Column("Margin", True), Column("Rests on"), Column("Judged"),
    )  # fmt: skip
    rows = []
    for one in judgements:
        stretch = f"{clock(one.from_s)} to {clock(one.to_s)}" if one.from_s is not None and one.to_s is not None else ""
        decision = mark(one.decision.replace("_", " "), TONES.get(one.decision, "none"))
        scores = (text(number(value)) for value in (one.score, one.threshold, one.margin))
        words = (text(one.factors), f"<small>{text(stretch)}</small>")
        rows.append((text(clock(one.t_s)), text(one.track_id), decision, text(one.subject), *scores, *words))
    shown = table(columns, rows) if rows else ""
    return shown if len(rows) <= FOLDED_FROM else folded(f"All {len(rows)} decisions", shown)


def _where(data: str, conditions: str) -> str:
    return f"{data} data: {conditions}" if conditions else f"{data} data"


def _sides_table(figures: Sequence[Figure], section: str) -> Markup:
    pairs: dict[str, dict[str, Figure]] = {}
    others: list[Figure] = []
    for figure in figures:
        parts = figure.key.split(".", 2)
        if len(parts) == 3 and parts[1] in SIDES:
            pairs.setdefault(parts[2], {})[parts[1]] = figure
        elif parts[1:2] != ["ratio"]:
            others.append(figure)
    columns = [Column("Measure"), *(Column(name, True) for name in ("As detected", "Smoothed", "Change"))]
    rows = [_pair(pair) for pair in pairs.values()]
    shown = table(columns, rows) if rows else ""
    return shown + figures_table(others)


def _pair(pair: Mapping[str, Figure]) -> tuple[Markup, ...]:
    before, after = pair.get("raw"), pair.get("smoothed")
    some = after or before
    name = next((some.name.removesuffix(words) for words in SIDES.values() if some and some.name.endswith(words)), "")
    values = [text(with_unit(one.value, one.unit)) if one is not None else "–" for one in (before, after)]
    return (text(name or (some.name if some else "")), *values, _change(before, after))


def _change(before: Figure | None, after: Figure | None) -> Markup:
    if before is None or after is None or not before.value or after.value is None or not after.better:
        return ""
    percent = 100.0 * (after.value / before.value - 1.0)
    is_better = percent < 0.0 if after.better == LOWER else percent > 0.0
    tone = "none" if abs(percent) < 1.0 else "good" if is_better else "bad"
    return mark(f"{'+' if percent >= 0 else '−'}{abs(percent):.0f}\u202f%", tone)


def _settings(settings: Mapping[str, Mapping[str, Any]]) -> Markup:
    rows = [
        (f"<code>{text(node)}.{text(key)}</code>", f"<code>{text(value)}</code>")
        for node, changed in settings.items()
        for key, value in changed.items()
    ]
    shown = table((Column("Setting"), Column("Value")), rows) if rows else ""
    return folded("Settings that differ from the defaults", shown)


def _conditions(conditions: Mapping[str, Any]) -> Markup:
    rows = [(text(key.replace("_", " ")), text(_plain(value))) for key, value in conditions.items() if value]
    return folded("Machine and versions", table((Column("What"), Column("Which")), rows) if rows else "")


def _plain(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(item)}" for key, item in value.items())
    return ", ".join(map(_plain, value)) if isinstance(value, (list, tuple)) else str(value)
