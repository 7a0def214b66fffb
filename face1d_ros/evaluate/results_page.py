"""`docs/results.md` and the HTML page of `face1d evaluate all`, from the results as plain JSON values.

Both are made of the same blocks; nothing on the page is measured or decided here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from face1d_ros.replay.report.style import stylesheet

TITLE = "Results beside the review's tables"
INTRODUCTION = (
    "Our measurements in the review's Tables 3, 4, 5 and 7, beside what these print: Al Hammami and Hassan, "
    '"A Comprehensive Review of 1D Deep Learning Approaches in Facial Analysis", 2026 '
    "(doi:10.70403/3008-1084.1029). Rows of others are copied, none was measured here.",
    "Unless a row says otherwise our faces are synthetic and our processor is no mobile GPU. So measured and published "
    "rows answer different questions, and stand beside each other without being comparable.",
    "`face1d evaluate all DIR --page .` measures everything and writes this page and `docs/results.json`, from which "
    "`face1d docs` writes the page again. DIR is what `face1d synth make DIR --test-set synthetic-test-v1` made.",
)
PASSED, MISSED, UNKNOWN = "reached", "missed", "not measured"
REAL_TARGETS = ("smoothing.onset_delay_frames", "smoothing.blink_depth")
BEHIND_THE_DETECTOR = "the animated portrait and videos of `--clips`, behind the real detector"
ARITHMETIC = 1e-9
LETTERS = "abcdefghijklmnopqrstuvwxyz"
CSS = """
main { max-width: 74rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h2 { margin-top: 2.5rem; }
.wide { overflow-x: auto; margin: 0.75rem 0; }
.wide table { border-collapse: collapse; font-size: 0.875rem; width: 100%; }
.wide th, .wide td { text-align: left; padding: 0.35rem 0.6rem; border-bottom: 1px solid var(--line); }
.wide code { overflow-wrap: normal; white-space: nowrap; }
.wide td.number, .wide th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
tr.published td { font-style: italic; }
td.reached { color: var(--good); } td.missed { color: var(--bad); font-weight: 600; }
"""


@dataclass(frozen=True)
class Heading:
    """Of a section."""

    text: str


@dataclass(frozen=True)
class Paragraph:
    """Plain text, with `code`."""

    text: str


@dataclass(frozen=True)
class Points:
    """A list."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Grid:
    """A table; `quoted` rows are others' words."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    quoted: tuple[bool, ...]
    numbers: tuple[bool, ...]
    """Columns that hold numbers."""


Block = Heading | Paragraph | Points | Grid


def blocks(results: Mapping[str, Any]) -> Iterator[Block]:
    """The whole page below its title."""
    yield from map(Paragraph, INTRODUCTION)
    yield from _targets(results)
    for table in results["tables"]:
        yield from _review_table(table)
    if results["details"]:
        yield Heading("What else was measured")
    for details in results["details"]:
        yield Paragraph(f"{details['title']}:")
        yield _grid(details["columns"], details["rows"])
    yield from _conditions(results)


def markdown(results: Mapping[str, Any]) -> str:
    """As a page of docs/."""
    parts = [f"# {TITLE}", "<!-- Written by `face1d docs` from results.json; do not edit. -->"]
    for block in blocks(results):
        if isinstance(block, Heading):
            parts.append(f"## {block.text}")
        elif isinstance(block, Paragraph):
            parts.append(block.text)
        elif isinstance(block, Points):
            parts.append("\n".join(f"- {item}" for item in block.items))
        else:
            parts.append(_markdown_grid(block))
    return "\n\n".join(parts) + "\n"


def page(results: Mapping[str, Any]) -> str:
    """As one HTML file that loads nothing."""
    body = "\n".join(_html(block) for block in blocks(results))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(TITLE)}</title><style>{stylesheet()}{CSS}</style></head>\n"
        f"<body><main><h1>{escape(TITLE)}</h1>\n{body}\n</main></body></html>\n"
    )


def shown(value: Any) -> str:
    """A value in a table: three significant digits, – for what is not known, 0 for what is only the arithmetic's."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        value = 0.0 if abs(value) < ARITHMETIC else value
        return f"{value:.3g}" if abs(value) < 1000.0 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) and abs(value) >= 10_000 else str(value)


def _targets(results: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading("Targets")
    rows = []
    for name, about in results["measured"].items():
        for key, target in about["targets"].items():
            word = UNKNOWN if target["value"] is None else PASSED if target["pass"] else MISSED
            landmarks = ", 68 landmarks" if name.endswith("-68") else ""
            wanted = f"{_sign(target)} {target['target']:g}".strip()
            data = BEHIND_THE_DETECTOR if key in REAL_TARGETS else about["data"] or "–"
            rows.append((f"`{key}`{landmarks}", shown(target["value"]), wanted, word, data))
    if rows:
        reached = sum(row[3] == PASSED for row in rows)
        yield Paragraph(f"{reached} of {len(rows)} reached.")
        headings = ("Target", "Measured", "Wanted", "", "Data")
        yield Grid(headings, tuple(rows), (False,) * len(rows), (False, True, True, False, False))
    for name, reason in results["not_measured"].items():
        yield Paragraph(f"`{name}` was not measured: {reason}")


def _sign(target: Mapping[str, Any]) -> str:
    """The comparison, told from how it came out; '' where it does not tell."""
    value, wanted = target["value"], target["target"]
    if value is None or value == wanted:
        return ""
    return "≤" if (value < wanted) == target["pass"] else "≥"


def _review_table(table: Mapping[str, Any]) -> Iterator[Block]:
    """With where each row comes from, on what it was measured, and a letter for how."""
    yield Heading(f"Table {table['number']}: {table['caption']}")
    yield from map(Paragraph, table["notes"])
    told = list(dict.fromkeys(row["conditions"] for row in table["rows"] if row["source"] != "published"))
    letters = {conditions: _letter(number) for number, conditions in enumerate(told)}
    columns = {**table["columns"], "source": "Source", "data": "Data"}
    rows = []
    for row in table["rows"]:
        how = letters.get(row["conditions"])
        is_criterion = "verdict" in table["columns"]
        printed = f"the review ({row['conditions']})" if is_criterion else "the review"
        source = printed if how is None else f"measured ({how})"
        rows.append({**row["cells"], "source": source, "data": row["data"]})
    yield _grid(columns, rows, [row["source"] == "published" for row in table["rows"]])
    if letters:
        yield Points(tuple(f"({letter}) {conditions}" for conditions, letter in letters.items()))


def _letter(number: int) -> str:
    return LETTERS[number] if number < len(LETTERS) else f"{LETTERS[number // len(LETTERS) - 1]}{LETTERS[number % 26]}"


def _grid(columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]], quoted: Sequence[bool] | None = None) -> Grid:
    numbers = tuple(any(_is_number(row.get(key)) for row in rows) for key in columns)
    cells = tuple(tuple(shown(row.get(key)) for key in columns) for row in rows)
    return Grid(tuple(columns.values()), cells, tuple(quoted or [False] * len(rows)), numbers)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _conditions(results: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading("Conditions")
    told: dict[str, list[str]] = {}
    for name, about in results["measured"].items():
        machine, versions = about["machine"], about["versions"]
        known = ", ".join(f"{what} {version}" for what, version in versions.items() if version)
        line = f"{machine.get('cpu')}, {machine.get('cores')} cores, {machine.get('os')}; {known}"
        told.setdefault(line, []).append(f"`{name}`")
    yield Points(tuple(f"{', '.join(names)}: {line}" for line, names in told.items()))
    yield Paragraph("Times depend on what else the machine does while it measures.")
    quick = [name for name, about in results["measured"].items() if about["quick"]]
    if quick:
        yield Paragraph(f"Of {', '.join(quick)} a part only was measured (`--quick`): figures of little worth.")
    left = [f"{name}: {note}" for name, about in results["measured"].items() for note in about["not_measured"]]
    if left:
        yield Paragraph("Not measured:")
        yield Points(tuple(left))


def _markdown_grid(grid: Grid) -> str:
    lines = [grid.headings, tuple("--:" if number else "---" for number in grid.numbers)]
    for row, is_quoted in zip(grid.rows, grid.quoted, strict=True):
        cells = (cell.replace("|", "\\|") for cell in row)
        lines.append(tuple(f"*{cell}*" if is_quoted and cell not in ("–", "") else cell for cell in cells))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _html(block: Block) -> str:
    if isinstance(block, Heading):
        return f"<h2>{_inline(block.text)}</h2>"
    if isinstance(block, Paragraph):
        return f"<p>{_inline(block.text)}</p>"
    if isinstance(block, Points):
        return f"<ul>{''.join(f'<li>{_inline(item)}</li>' for item in block.items)}</ul>"
    classes = [' class="number"' if number else "" for number in block.numbers]
    head = "".join(f"<th{kind}>{_inline(name)}</th>" for kind, name in zip(classes, block.headings, strict=True))
    rows = []
    for row, is_quoted in zip(block.rows, block.quoted, strict=True):
        cells = "".join(_cell(cell, kind) for cell, kind in zip(row, classes, strict=True))
        rows.append(f'<tr class="{"published" if is_quoted else "measured"}">{cells}</tr>')
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def _cell(text: str, kind: str) -> str:
    told = {PASSED: PASSED, "pass": PASSED, MISSED: MISSED}.get(text)
    return f'<td class="{told}">{text}</td>' if told else f"<td{kind}>{_inline(text)}</td>"


def _inline(text: str) -> str:
    """Escaped, with what stands between backquotes as code."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts))
