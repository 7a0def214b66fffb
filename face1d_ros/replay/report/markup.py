"""Pieces of HTML. Whatever text comes in is escaped; what is `Markup` is put in as it is."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from face1d_ros.replay.report.content import Figure

Markup: TypeAlias = str
"""HTML whose texts have been escaped."""
UNKNOWN = "–"
THIN, MINUS = "\u202f", "−"
COUNTED = ("", "frames")
"""Units of what is counted, not measured."""
WIDEST = 6
"""Tiles in a row."""


@dataclass(frozen=True)
class Column:
    """Of a table."""

    name: str
    is_number: bool = False


@dataclass(frozen=True)
class Tile:
    """A fact at the head of a page."""

    name: str
    value: str
    unit: str = ""
    aside: str = ""
    tone: str = ""
    """`good`, `bad` or ''."""


def text(words: object) -> Markup:
    """Any text, with what HTML would read escaped."""
    return html.escape(str(words), quote=True)


def number(value: float | None, digits: int = 3, *, is_count: bool = True) -> str:
    """For people: so many digits that say something; whole numbers, unless they are measured, as they are."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    if value == 0.0 or abs(value) >= 10.0 ** (digits - 1) or (is_count and value == int(value)):
        return f"{value:,.0f}".replace(",", THIN).replace("-", MINUS)
    size = math.floor(math.log10(abs(value)))
    shown = f"{value:.{digits}g}" if size < -4 else f"{value:.{max(digits - 1 - size, 0)}f}"
    return shown.replace("-", MINUS)


def with_unit(value: float | None, unit: str) -> str:
    """A number and its unit."""
    shown = number(value, is_count=unit in COUNTED)
    return shown if not unit or shown == UNKNOWN else f"{shown}{'' if unit == '°' else THIN}{unit}"


def clock(t_s: float) -> str:
    """A time of the recording: `12.3 s`, from two minutes on `2:05.0`, `1:02:05.0`."""
    if t_s < 120.0:
        return f"{t_s:.1f}{THIN}s"
    tenths = round(t_s * 10.0)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{rest // 10:02d}.{rest % 10}"
    return f"{hours}:{minutes:02d}:{seconds}" if hours else f"{minutes}:{seconds}"


def duration(t_s: float) -> tuple[str, str]:
    """A length of time and its unit."""
    if t_s < 120.0:
        return f"{t_s:.1f}", "s"
    return clock(t_s).rsplit(".", 1)[0], "min" if t_s < 3600.0 else "h"


def plural(count: float, one: str, many: str = "") -> str:
    """`1 face`, `3 faces`."""
    return f"{number(float(count))} {one if count == 1 else many or one + 's'}"


def paragraph(words: Markup, kind: str = "") -> Markup:
    """Of a sentence or a few; nothing for none."""
    return f"<p{_class(kind)}>{words}</p>" if words else ""


def table(columns: Sequence[Column], rows: Iterable[Sequence[Markup]], caption: str = "") -> Markup:
    """It scrolls inside itself where it is too wide. The first cell of each row is its head."""
    head = "".join(f'<th scope="col"{_class("number" * one.is_number)}>{text(one.name)}</th>' for one in columns)
    body = "".join(_row(columns, row) for row in rows)
    above = f"<caption>{text(caption)}</caption>" if caption else ""
    label = text(caption or columns[0].name)
    inside = f"<table>{above}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="scroll" role="region" tabindex="0" aria-label="{label}">{inside}</div>'


def figures_table(figures: Sequence[Figure], caption: str = "") -> Markup:
    """Name and value, and which direction is better."""
    hints = {"lower": "lower is better", "higher": "higher is better"}
    rows = [
        (text(one.name), text(with_unit(one.value, one.unit)), f"<small>{hints.get(one.better, '')}</small>")
        for one in figures
    ]
    return table((Column("Figure"), Column("Value", True), Column("")), rows, caption) if rows else ""


def folded(summary: str, inside: Markup) -> Markup:
    """What is there for whoever asks for it."""
    return f"<details><summary>{text(summary)}</summary>{inside}</details>" if inside else ""


def mark(words: str, tone: str) -> Markup:
    """A word in a field of colour; it says by itself what the colour says."""
    return f'<span class="mark {tone}">{text(words)}</span>'


def tiles(several: Iterable[Tile]) -> Markup:
    """The facts that matter, side by side."""
    shown = list(several)
    columns = len(shown) if len(shown) <= WIDEST else (len(shown) + 1) // 2
    return f'<dl class="tiles" style="--columns: {columns}">{"".join(map(_tile, shown))}</dl>'


def facts(pairs: Iterable[tuple[str, Markup]]) -> Markup:
    """Names and what they stand for, one below the other; those without anything are left out."""
    lines = "".join(f"<div><dt>{text(name)}</dt><dd>{words}</dd></div>" for name, words in pairs if words)
    return f'<dl class="facts">{lines}</dl>'


def items(lines: Iterable[Markup]) -> Markup:
    """A list."""
    return "<ul>" + "".join(f"<li>{line}</li>" for line in lines) + "</ul>"


def _tile(tile: Tile) -> Markup:
    unit = f" <small>{text(tile.unit)}</small>" if tile.unit else ""
    aside = f'<dd class="aside">{text(tile.aside)}</dd>' if tile.aside else ""
    name, kind = f"<dt>{text(tile.name)}</dt>", _class(f"tile {tile.tone}".strip())
    return f"<div{kind}>{name}<dd>{text(tile.value)}{unit}</dd>{aside}</div>"


def _row(columns: Sequence[Column], row: Sequence[Markup]) -> Markup:
    first, *others = row
    pairs = zip(columns[1:], others, strict=True)
    cells = "".join(f"<td{_class('number' * column.is_number)}>{cell}</td>" for column, cell in pairs)
    return f'<tr><th scope="row"{_class("number" * columns[0].is_number)}>{first}</th>{cells}</tr>'


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""
