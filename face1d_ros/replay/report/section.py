"""What a section of a report is made of, and what all sections with charts have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from face1d_ros.replay.report import charts
from face1d_ros.replay.report.chart_grid import Grid
from face1d_ros.replay.report.content import Figure, Report
from face1d_ros.replay.report.markup import Markup, number, paragraph, plural, text, with_unit
from face1d_ros.replay.report.style import face_colour, is_dashed


@dataclass(frozen=True)
class Chart:
    """A figure with what is said about it."""

    name: str
    """Unique in the page."""
    figure: go.Figure
    alternative: str
    """For those who cannot see it."""
    caption: Markup = ""


@dataclass(frozen=True)
class Swatch:
    """What a colour or a hatch means."""

    name: str
    colour: str
    kind: str = ""
    """`dashed`, `hatched`, `hatched falling` or ''."""


@dataclass(frozen=True)
class Section:
    """A part of the page; `missing` is the sentence that stands for it where there is nothing to show."""

    name: str
    title: str
    parts: tuple[Markup | Chart, ...] = ()
    missing: str = ""


def figures_of(report: Report, *names: str) -> list[Figure]:
    """Those of the sections with these names."""
    return [figure for figure in report.figures if figure.key.split(".", 1)[0] in names]


def value_of(report: Report, key: str) -> float | None:
    """Of the figure with this key; None where there is none."""
    return next((figure.value for figure in report.figures if figure.key == key), None)


def grid_chart(name: str, words: str, found: Grid, *, sided: bool = False) -> Chart:
    """Rows of colours, with what the colours mean."""
    low, high = (number(limit, 2) for limit in found.limits)
    ends = ("only right", "only left") if sided else (low, high)
    caption = _entries([f'{ends[0]} <span class="scale{" sided" * sided}"></span> {ends[1]}'])
    left_out = []
    if found.left_out:
        left_out.append(f"The {len(found.drawn)} that move most; {found.left_out} more are in timelines.csv.")
    if found.faces_left_out:
        left_out.append(f"{plural(found.faces_left_out, 'face')} more in timelines.csv.")
    alternative = f"{words}, as rows of colours: {', '.join(found.drawn)}; from {low} to {high}."
    return Chart(name, found.figure, alternative, caption + paragraph(text(" ".join(left_out)), "quiet"))


def legend(report: Report, figure: go.Figure, *others: Swatch, alone: str = "") -> Markup:
    """The faces of a chart with their colours, each of which can be hidden; then what else is drawn.

    Where the whole report has one face only, that needs no name; `alone` is what its lines are called then.
    """
    are_several = len(charts.longest_faces(report)) > 1
    entries = []
    for track_id in _faces_of(figure) if are_several or alone else ():
        name = f"face {track_id}" if are_several else alone
        inside = _swatch(Swatch(name, face_colour(track_id), "dashed" if is_dashed(track_id) else ""))
        state = f'type="button" aria-pressed="true" data-face="{track_id}" title="Hide or show"'
        entries.append(f"<button {state}>{inside}</button>" if are_several else inside)
    return _entries([*entries, *map(_swatch, others)])


def alternative(words: str, report: Report, section: str) -> str:
    """A chart in words, with a few of its section's figures."""
    told: Mapping[str, str] = {
        figure.name: with_unit(figure.value, figure.unit) for figure in figures_of(report, section)[:6]
    }
    numbers = "; ".join(f"{name} {value}" for name, value in told.items())
    return f"{words}. {numbers}." if numbers else f"{words}."


def _faces_of(figure: go.Figure) -> list[int]:
    told = (trace.meta["face"] for trace in figure.data if trace.meta)
    return sorted({track_id for track_id in told if track_id is not None})


def _swatch(one: Swatch) -> Markup:
    kind = f"swatch {one.kind}".strip()
    return f'<span class="{kind}" style="--swatch: {one.colour}"></span>{text(one.name)}'


def _entries(entries: Sequence[Markup]) -> Markup:
    lines = "".join(f"<li>{entry}</li>" for entry in entries)
    return f'<ul class="legend">{lines}</ul>' if lines else ""
