"""A chart of rows over one axis, of one look: quiet grid, its titles above its rows, colours by the style sheet."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from face1d_ros.replay.report.content import Series, Span
from face1d_ros.replay.report.style import face_band, face_colour, is_dashed

Floats: TypeAlias = NDArray[np.float32]
LEFT_PX, RIGHT_PX, TOP_PX, BOTTOM_PX = 58, 14, 8, 26
TITLE_PX, GAP_PX = 26, 12
LINES_PX = 118
LONG_GAP = 2.5
"""Times the usual distance of the values of a series."""
FONT_PX = 12.5
FAMILY = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', sans-serif"


@dataclass
class Row:
    """One of the chart's rows."""

    title: str
    height_px: float
    axis: dict[str, Any]
    """Settings of its vertical axis."""


@dataclass
class Stack:
    """Rows that are added from the top down, and become one figure."""

    whole: tuple[float, float] | None = None
    """From when to when it goes, in seconds; None: its axis is none of time."""
    left_px: float = LEFT_PX
    rows: list[Row] = field(default_factory=list)
    traces: list[Any] = field(default_factory=list)

    def row(self, title: str, height_px: float = LINES_PX, **axis: Any) -> str:
        """Add a row; the name of its axis, for traces."""
        self.rows.append(Row(title, height_px, axis))
        return "y" if len(self.rows) == 1 else f"y{len(self.rows)}"

    def add(self, *traces: Any) -> None:
        """Draw them, later ones over earlier ones."""
        self.traces += traces

    def figure(self, **axis: Any) -> go.Figure:
        """All rows; `axis` are settings of the horizontal axis."""
        heights = [TITLE_PX * bool(row.title) + row.height_px + GAP_PX for row in self.rows]
        total = sum(heights) - GAP_PX
        layout: dict[str, Any] = _look(total + TOP_PX + BOTTOM_PX, self.left_px)
        top, titles = total, []
        for number, (row, height) in enumerate(zip(self.rows, heights, strict=True), start=1):
            begins = top - TITLE_PX * bool(row.title)
            name = "yaxis" if number == 1 else f"yaxis{number}"
            domain = [max(0.0, (begins - row.height_px) / total), begins / total]
            layout[name] = _axis(nticks=4, **row.axis) | {"domain": domain}
            if row.title:
                titles.append(_title(row.title, begins / total, self.left_px))
            top -= height
        last = "y" if len(self.rows) == 1 else f"y{len(self.rows)}"
        layout["xaxis"] = _axis(anchor=last, **axis)
        if self.whole is not None:
            layout["meta"] = {"whole": list(self.whole)}
            layout["xaxis"]["range"] = list(self.whole)
        layout["annotations"] = titles
        return go.Figure(self.traces, layout)


def shown(text: str) -> str:
    """Text that plotly shows as it is: it would read markup and its own placeholders."""
    return html.escape(text, quote=False).replace("%{", "%\u200b{")


def joined(series: Series) -> Series:
    """A series of values further apart than the frames, such as of many frames each: only longer gaps stay gaps."""
    known = np.isfinite(series.mean)
    if _lonely(known).sum() <= known.sum() / 2 or known.sum() < 3:
        return series
    columns = [values[known] for values in (series.t_s, series.mean, series.low, series.high)]
    steps = np.diff(columns[0])
    gaps = np.flatnonzero(steps > LONG_GAP * np.median(steps)) + 1
    t_s = np.insert(columns[0], gaps, columns[0][gaps - 1] + steps[gaps - 1] / 2)
    mean, low, high = (np.insert(values, gaps, np.nan) for values in columns[1:])
    return replace(series, t_s=t_s, mean=mean, low=low, high=high)


def line(series: Series, axis: str, name: str, *, colour: str = "", width: float = 1.6) -> go.Scatter:
    """The mean of a series; of the colour of its face unless another is given."""
    lonely = _lonely(np.isfinite(series.mean))
    unit = f" {shown(series.unit)}" if series.unit else ""
    return go.Scatter(
        x=series.t_s,
        y=series.mean,
        yaxis=axis,
        name=shown(name),
        mode="lines+markers" if lonely.any() else "lines",
        line={
            "color": colour or face_colour(series.track_id),
            "width": width,
            "dash": "dash" if is_dashed(series.track_id) else "solid",
        },
        marker={"size": np.where(lonely, 4, 0)} if lonely.any() else None,
        connectgaps=False,
        hovertemplate=f"%{{y:.3~g}}{unit}",
        meta={"face": series.track_id},
        showlegend=False,
    )


def band(series: Series, axis: str, *, colour: str = "") -> go.Scatter:
    """Its range, as an area for each stretch without a gap."""
    x, y = outline(series)
    return go.Scatter(
        x=x,
        y=y,
        yaxis=axis,
        mode="lines",
        line={"width": 0},
        fill="toself",
        fillcolor=colour or face_band(series.track_id),
        hoverinfo="skip",
        meta={"face": series.track_id},
        showlegend=False,
    )


def outline(series: Series) -> tuple[Floats, Floats]:
    """Along the high ends, back along the low ones, a NaN between stretches."""
    known = np.isfinite(series.low) & np.isfinite(series.high)
    ends = np.flatnonzero(np.diff(np.r_[False, known, False].astype(np.int8)))
    x: list[Floats] = []
    y: list[Floats] = []
    for begin, end in ends.reshape(-1, 2).tolist():
        t_s = series.t_s[begin:end]
        x += [t_s, t_s[::-1], t_s[:1], np.full(1, np.nan, np.float32)]
        y += [series.high[begin:end], series.low[begin:end][::-1], series.high[begin : begin + 1], x[-1]]
    empty = np.empty(0, np.float32)
    return np.concatenate([empty, *x]), np.concatenate([empty, *y])


def bars(
    spans: Sequence[Span], axis: str, places: Sequence[float], thickness: float, colour: str, **others: Any
) -> go.Bar:
    """A bar for each span, at its place of the vertical axis."""
    return go.Bar(
        orientation="h",
        base=np.array([span.from_s for span in spans], np.float32),
        x=np.array([span.to_s - span.from_s for span in spans], np.float32),
        y=np.array(places, np.float32),
        width=thickness,
        yaxis=axis,
        marker={"color": colour, "line": {"width": 0}, **others.pop("marker", {})},
        showlegend=False,
        **others,
    )


def shade(spans: Sequence[Span], axis: str, low: float, high: float) -> go.Scatter:
    """Behind a whole row, as long as each of the spans."""
    corners = [
        (x, y)
        for span in spans
        for x, y in (
            (span.from_s, low),
            (span.from_s, high),
            (span.to_s, high),
            (span.to_s, low),
            (span.from_s, low),
            (np.nan, np.nan),
        )
    ]
    x, y = np.array(corners or [(np.nan, np.nan)], np.float32).T
    look = {"fill": "toself", "fillcolor": "var(--shade)", "line": {"width": 0}, "hoverinfo": "skip"}
    return go.Scatter(x=x, y=y, yaxis=axis, mode="lines", showlegend=False, **look)


def _lonely(known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Values with nothing on either side."""
    return known & ~np.r_[False, known[:-1]] & ~np.r_[known[1:], False]


def _look(height_px: float, left_px: float) -> dict[str, Any]:
    return {
        "template": "none",
        "height": height_px,
        "margin": {"l": left_px, "r": RIGHT_PX, "t": TOP_PX, "b": BOTTOM_PX},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FAMILY, "size": FONT_PX, "color": "var(--muted)"},
        "barmode": "overlay",
        "hovermode": "x unified",
        "hoversubplots": "axis",
        "hoverlabel": {
            "bgcolor": "var(--card)",
            "bordercolor": "var(--line)",
            "font": {"family": FAMILY, "size": FONT_PX, "color": "var(--ink)"},
        },
        "dragmode": "zoom",
        "uniformtext": {"minsize": 10, "mode": "hide"},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": "var(--muted)", "activecolor": "var(--ink)"},
        "showlegend": False,
    }


def _axis(**others: Any) -> dict[str, Any]:
    return {
        "showline": False,
        "zeroline": False,
        "gridcolor": "var(--grid)",
        "gridwidth": 1,
        "ticks": "",
        "ticklabelstandoff": 5,
        "hoverformat": ".2f",
        "color": "var(--muted)",
        **others,
    }


def _title(text: str, y: float, left_px: float) -> dict[str, Any]:
    """Words above a row, from the left edge of the chart."""
    return {
        "text": shown(text),
        "showarrow": False,
        "font": {"size": FONT_PX, "color": "var(--ink)"},
        "align": "left",
        "xref": "paper",
        "yref": "paper",
        "xanchor": "left",
        "yanchor": "bottom",
        "x": 0,
        "y": y,
        "xshift": 4 - left_px,
        "yshift": 5,
    }
