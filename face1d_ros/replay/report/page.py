"""A report as one HTML file that needs nothing else: style, script, charts and pictures are inside.

plotly.js makes up most of it. It is embedded as base64 of gzip (1.9 MB in place of 4.8 MB) and unpacked by the
browser's own DecompressionStream, which Chromium (80), Safari (16.4) and Firefox (113) have had since spring 2023 at
the latest, and which needs no server: it works from a file. The content security policy lets the page load nothing at
all, so that the part of plotly.js that would (it can draw maps) cannot.
"""

from __future__ import annotations

import base64
import gzip
from functools import cache

from plotly.io import to_json
from plotly.offline import get_plotlyjs

from face1d_ros import __version__
from face1d_ros.replay.report.content import Report
from face1d_ros.replay.report.markup import Markup, text
from face1d_ros.replay.report.page_head import head
from face1d_ros.replay.report.section import Chart, Section
from face1d_ros.replay.report.sections import sections
from face1d_ros.replay.report.style import script, stylesheet

POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
GZIP_LEVEL = 9


def page(report: Report) -> str:
    """The whole page."""
    made = sections(report)
    charts = [part for section in made for part in section.parts if isinstance(part, Chart)]
    packed = f'<script type="text/plain" id="plotly">{_packed_plotly()}</script>' if charts else ""
    return (
        f'{_opening(report)}<body><a class="skip" href="#content">To the content</a><div class="page">{head(report)}'
        f'<div class="columns">{_contents(made)}<main id="content">{"".join(map(_section, made))}</main></div>'
        f"{_closing()}</div>{''.join(map(_spec, charts))}{packed}<script>{script()}</script></body></html>\n"
    )


def _opening(report: Report) -> Markup:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f'<title>{text(report.run.source)} – face1d report</title><link rel="icon" href="data:,">'
        f"<style>{stylesheet()}</style></head>"
    )


def _contents(made: list[Section]) -> Markup:
    lines = "".join(f'<li><a href="#{one.name}">{text(one.title)}</a></li>' for one in made if one.parts)
    return f'<nav class="contents" aria-label="Contents"><ol>{lines}</ol></nav>'


def _section(section: Section) -> Markup:
    title = f'<h2 id="{section.name}-title">{text(section.title)}</h2>'
    opening = f'<section id="{section.name}" aria-labelledby="{section.name}-title"'
    if not section.parts:
        return f'{opening} class="empty">{title}<p class="quiet">{text(section.missing)}</p></section>'
    parts = "".join(_figure(part) if isinstance(part, Chart) else part for part in section.parts)
    return f"{opening}>{title}{parts}</section>"


def _figure(chart: Chart) -> Markup:
    """The place where the page's script draws the chart; as high from the beginning as it will be."""
    height = float(chart.figure.layout.height)
    return (
        f'<figure>{chart.caption}<div class="chart waiting" data-chart="chart-{chart.name}" role="img" '
        f'aria-label="{text(chart.alternative)}" style="height: {height:.0f}px">'
        "<noscript>Charts need JavaScript.</noscript></div></figure>"
    )


def _spec(chart: Chart) -> Markup:
    """The chart's data; no `<` of a text in it may end the element it stands in."""
    content = to_json(chart.figure, validate=False).replace("<", "\\u003c")
    return f'<script type="application/json" id="chart-{chart.name}">{content}</script>'


def _closing() -> Markup:
    words = f"Made by face1d_ros {text(__version__)}. The same as numbers: report.json, report.csv and timelines.csv."
    return f"<footer><p>{words} Charts by plotly.js (MIT licence), which is inside this page.</p></footer>"


@cache
def _packed_plotly() -> str:
    """The same bytes each time: no name and no time of packing in it."""
    code = get_plotlyjs().encode("utf-8")
    return base64.b64encode(gzip.compress(code, GZIP_LEVEL, mtime=0)).decode("ascii")
