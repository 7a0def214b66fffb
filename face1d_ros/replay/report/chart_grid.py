"""Many values over time as rows of colours: coefficients, facial actions, the sides of a face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from face1d_ros.replay.report.chart_stack import Stack, shown
from face1d_ros.replay.report.content import Series

Floats: TypeAlias = NDArray[np.float32]
MOST_FACES, MOST_ROWS = 4, 16
ROW_PX, LETTER_PX, LEAST_LEFT_PX = 19.0, 6.9, 58.0
COLUMNS = 1024
RISING = ((0.0, "var(--low)"), (0.5, "var(--middle)"), (1.0, "var(--high)"))
SIDED = ((0.0, "var(--right)"), (0.5, "var(--even)"), (1.0, "var(--left)"))


@dataclass(frozen=True)
class Grid:
    """A figure, and what a reader must know about it."""

    figure: go.Figure
    limits: tuple[float, float]
    """Of the colours."""
    drawn: tuple[str, ...]
    """Names of the rows."""
    left_out: int
    """Rows that are not drawn, as they move less."""
    faces_left_out: int


def grid(several: Sequence[Series], whole: tuple[float, float], *, sided: bool = False) -> Grid | None:
    """A block of rows for each face; the same rows in each, those that move most, in the order of the series."""
    faces = list(dict.fromkeys(series.track_id for series in several))
    names = _moving_most(several)
    if not names:
        return None
    limits = (-1.0, 1.0) if sided else _limits([series for series in several if series.name in names])
    stack = Stack(whole, max(LEAST_LEFT_PX, LETTER_PX * max(map(len, names)) + 14.0))
    for face in faces[:MOST_FACES]:
        own = {series.name: series for series in several if series.track_id == face}
        title = f"face {face}" if len(faces) > 1 else ""
        places = list(range(len(names)))
        ticks = {"tickvals": places, "ticktext": [shown(name) for name in names], "showgrid": False}
        axis = stack.row(title, ROW_PX * len(names), range=[len(names) - 0.5, -0.5], **ticks)
        t_s, cells = regular([own.get(name) for name in names])
        stack.add(_cells(t_s, cells, axis, names, limits, sided))
    figure = stack.figure(showgrid=False).update_layout(hovermode="closest")
    everything = len({series.name for series in several})
    return Grid(figure, limits, tuple(names), everything - len(names), max(0, len(faces) - MOST_FACES))


def regular(several: Sequence[Series | None]) -> tuple[Floats, Floats]:
    """(B,) times at equal distances and (rows, B) means, NaN where there is nothing."""
    known = [series for series in several if series is not None and len(series.t_s)]
    times = np.unique(np.concatenate([series.t_s[np.isfinite(series.mean)] for series in known] or [np.zeros(1)]))
    step = float(np.diff(times).min()) if len(times) > 1 else 1.0
    step = max(step, float(times[-1] - times[0]) / COLUMNS, 1e-3)
    count = round(float(times[-1] - times[0]) / step) + 1
    cells = np.full((len(several), count), np.nan, np.float32)
    for row, series in enumerate(several):
        if series is not None:
            there = np.isfinite(series.mean)
            columns = np.round((series.t_s[there] - times[0]) / step).astype(int)
            cells[row, np.clip(columns, 0, count - 1)] = series.mean[there]
    return (times[0] + step * np.arange(count)).astype(np.float32), cells


def _cells(
    t_s: Floats, cells: Floats, axis: str, names: Sequence[str], limits: tuple[float, float], sided: bool
) -> go.Heatmap:
    return go.Heatmap(
        x=t_s,
        y=np.arange(len(names), dtype=np.float32),
        z=cells,
        yaxis=axis,
        zmin=limits[0],
        zmax=limits[1],
        colorscale=[list(stop) for stop in (SIDED if sided else RISING)],
        showscale=False,
        hoverongaps=False,
        ygap=1,
        hovertemplate="%{x:.2f} s: %{z:.2f}<extra></extra>",
    )


def _moving_most(several: Sequence[Series]) -> list[str]:
    """Names of the rows to draw."""
    reach: dict[str, float] = {}
    for series in several:
        if np.isfinite(series.mean).any():
            moved = float(np.nanmax(series.mean) - np.nanmin(series.mean))
            reach[series.name] = max(reach.get(series.name, 0.0), moved)
    chosen = set(sorted(reach, key=lambda name: -reach[name])[:MOST_ROWS])
    return [name for name in reach if name in chosen]


def _limits(several: Sequence[Series]) -> tuple[float, float]:
    """Of the colours: from 0, or the lowest value where that is negative, to nearly the highest one."""
    values = np.concatenate([series.mean[np.isfinite(series.mean)] for series in several])
    high = float(np.percentile(values, 99.8))
    low = min(0.0, float(np.percentile(values, 0.2)))
    return (round(low, 2), max(round(high, 2), round(low, 2) + 0.01))
