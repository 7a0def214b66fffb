"""The charts of a report's sections. Each is a plotly figure; None where there is nothing to draw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from face1d_ros.replay.report.chart_stack import LINES_PX, Stack, band, bars, joined, line, shade, shown
from face1d_ros.replay.report.content import Judgement, Latency, Report, Series, Span
from face1d_ros.replay.report.style import face_band, face_colour, label_colour

MOST_FACES = 16
"""Lanes of a chart; of more faces those are drawn that were there longest."""
LANE_PX, EXPRESSION_PX, SMALL_PX = 26, 46, 64
SHARE: Mapping[str, Any] = {"range": [-0.02, 1.04], "tickvals": [0, 0.5, 1], "ticktext": ["0", "0.5", "1"]}
SIDES = BEFORE, AFTER = "raw", "smoothed"
PATTERNS = {"onset": "/", "apex": "", "offset": "\\"}
"""Of the phases that are drawn; neutral is left blank."""
SYMBOLS = {
    "verified": "circle",
    "rejected": "x",
    "no_match": "diamond-open",
    "not_enough_motion": "circle-open",
    "locked_out": "square",
}
PERCENTILES = (("p50", 0.0), ("p95", 0.36), ("p99", 0.72))
"""And how far down each is written, as a share of the row."""


def longest_faces(report: Report, most: int = MOST_FACES) -> list[int]:
    """Ids of the faces to draw, in ascending order."""
    seen: dict[int, float] = {}
    for span in (*report.spans_of("track"), *report.spans_of("label")):
        if span.track_id is not None:
            seen[span.track_id] = seen.get(span.track_id, 0.0) + span.to_s - span.from_s
    return sorted(sorted(seen, key=lambda track_id: -seen[track_id])[:most])


def faces(report: Report) -> go.Figure | None:
    """A lane for each face, what was bridged, when there was none; how many there are, how large and how sure."""
    drawn = longest_faces(report)
    stack = Stack(whole(report))
    if drawn:
        axis = _lanes(stack, drawn, LANE_PX)
        stack.add(shade(report.spans_of("no_face"), axis, -0.6, len(drawn) - 0.4))
        for place, track_id in enumerate(drawn):
            own = [span for span in report.spans_of("track") if span.track_id == track_id]
            told = {"hoverinfo": "skip", "meta": {"face": track_id}}
            stack.add(bars(own, axis, [place] * len(own), 0.5, face_colour(track_id), **told))
            gaps = [span for span in report.spans_of("bridged") if span.track_id == track_id]
            hatched = {"pattern": {"shape": "/", "size": 5, "fgcolor": face_colour(track_id), "bgcolor": "var(--card)"}}
            stack.add(bars(gaps, axis, [place] * len(gaps), 0.52, "var(--card)", marker=hatched, **told))
    counts = list(range(9))
    ticks = {"tickvals": counts, "ticktext": list(map(str, counts))} if _most(report) <= counts[-1] else {}
    _add_lines(stack, report.series_of("faces.count"), SMALL_PX, range=[0, 1.08 * max(_most(report), 1.0)], **ticks)
    _add_lines(stack, report.series_of("faces.size_px"), rangemode="tozero")
    _add_lines(stack, report.series_of("faces.confidence"), SMALL_PX, **SHARE)
    return stack.figure() if stack.traces else None


def stability(report: Report) -> go.Figure | None:
    """Each measure before and after, the raw one in grey."""
    stack = Stack(whole(report))
    for measure in _measures(report, "stability"):
        sides = {side: [joined(one) for one in report.series_of(f"stability.{side}.{measure}")] for side in SIDES}
        either = [*sides[BEFORE], *sides[AFTER]]
        axis = stack.row(_measure_title(either[0]), rangemode="tozero")
        for series in sides[BEFORE]:
            stack.add(line(series, axis, f"face {series.track_id}, as detected", colour="var(--before)", width=1.2))
        for series in sides[AFTER]:
            stack.add(band(series, axis), line(series, axis, f"face {series.track_id}, smoothed", width=1.9))
    return stack.figure() if stack.traces else None


def expression(report: Report) -> go.Figure | None:
    """A lane for each face: its label above, the phase below; and how strong it was."""
    stack = Stack(whole(report))
    labels, phases = report.spans_of("label"), report.spans_of("phase")
    with_label = {span.track_id for span in (*labels, *phases)}
    drawn = [track_id for track_id in longest_faces(report) if track_id in with_label]
    if drawn:
        axis = _lanes(stack, drawn, EXPRESSION_PX)
        places = {track_id: float(place) for place, track_id in enumerate(drawn)}
        for value in dict.fromkeys(span.value for span in labels):
            own = [span for span in labels if span.value == value and span.track_id in places]
            stack.add(_label_bars(own, axis, [places[span.track_id or 0] - 0.13 for span in own], value))
        for phase, pattern in PATTERNS.items():
            own = [span for span in phases if span.value == phase and span.track_id in places]
            stack.add(_phase_bars(own, axis, [places[span.track_id or 0] + 0.28 for span in own], phase, pattern))
    for key in ("expression.intensity", "expression.confidence"):
        _add_lines(stack, report.series_of(key), 88, **SHARE)
    return stack.figure() if stack.traces else None


def lines(report: Report, keys: Iterable[str]) -> go.Figure | None:
    """A row for each key, a line with its range for each face."""
    stack = Stack(whole(report))
    for key in keys:
        _add_lines(stack, report.series_of(key))
    return stack.figure() if stack.traces else None


def identity(report: Report) -> go.Figure | None:
    """When which face was judged, on what stretch, and with which score against which threshold."""
    stack = Stack(whole(report))
    drawn = sorted({one.track_id for one in report.judgements})[:MOST_FACES]
    if drawn:
        axis = _lanes(stack, drawn, LANE_PX + 8)
        for place, track_id in enumerate(drawn):
            own = [one for one in report.judgements if one.track_id == track_id]
            stack.add(_stretches(own, axis, place, track_id), _decisions(own, axis, place, track_id))
    scores = report.series_of("identity.score")
    if scores:
        _add_lines(stack, scores, rangemode="tozero")
        for series in report.series_of("identity.threshold"):
            needed = line(series, f"y{len(stack.rows)}" if len(stack.rows) > 1 else "y", "needed", colour="var(--ink)")
            needed.line.dash = "dot"
            stack.add(needed)
    return stack.figure() if stack.traces else None


def latency(latencies: Sequence[Latency]) -> go.Figure | None:
    """A histogram for each stage on one logarithmic axis, with its percentiles."""
    told = [one for one in latencies if len(one.counts)]
    if not told:
        return None
    stack = Stack()
    low, high = min(float(one.edges_ms[0]) for one in told), max(float(one.edges_ms[-1]) for one in told)
    for one in told:
        share = 100.0 * one.counts / max(float(one.counts.sum()), 1.0)
        top = 1.18 * float(share.max())
        axis = stack.row(_stage_name(one.stage), 72, range=[0, top], showticklabels=False, showgrid=False)
        stack.add(_histogram(one, share, axis))
        for (name, down), value in zip(PERCENTILES, (one.p50_ms, one.p95_ms, one.p99_ms), strict=True):
            stack.add(_percentile(name, value, axis, top, down))
    ticks = _log_ticks(low, high)
    texts = [f"{value:g} ms" for value in ticks]
    span = [np.log10(low / 1.15), np.log10(high * 1.6)]
    figure = stack.figure(type="log", tickvals=ticks, ticktext=texts, range=span, hoverformat=".3~g")
    return figure.update_layout(hovermode="closest")


def _add_lines(stack: Stack, several: Sequence[Series], height_px: float = LINES_PX, **axis: Any) -> None:
    """A row of lines of one key, if there are any."""
    if not several:
        return
    unit = f" ({several[0].unit})" if several[0].unit else ""
    name = stack.row(f"{several[0].name}{unit}", height_px, **axis)
    several = [joined(series) for series in several]
    for series in several:
        stack.add(band(series, name))
    for series in several:
        whose = several[0].name if series.track_id is None else f"face {series.track_id}"
        stack.add(line(series, name, whose))


def _lanes(stack: Stack, drawn: Sequence[int], each_px: float) -> str:
    """A row with a lane for each face, from the top down."""
    places = list(range(len(drawn)))
    names = [f"face {track_id}" for track_id in drawn]
    span = [len(drawn) - 0.4, -0.6]
    return stack.row("", each_px * len(drawn), tickvals=places, ticktext=names, range=span, showgrid=False)


def _label_bars(own: Sequence[Span], axis: str, places: Sequence[float], value: str) -> go.Bar:
    return bars(
        own,
        axis,
        places,
        0.5,
        label_colour(value),
        text=[shown(value)] * len(own),
        textposition="inside",
        insidetextanchor="start",
        textangle=0,
        textfont={"color": "var(--on-label)", "size": 12},
        name=shown(value),
        hovertemplate="%{text}",
        customdata=[span.track_id for span in own],
    )


def _phase_bars(own: Sequence[Span], axis: str, places: Sequence[float], phase: str, pattern: str) -> go.Bar:
    colour = "var(--phase)" if phase == "apex" else "var(--card)"
    hatched = {"shape": pattern, "size": 5, "solidity": 0.35, "fgcolor": "var(--phase)", "bgcolor": "var(--card)"}
    look = {"pattern": hatched, "line": {"width": 1, "color": "var(--phase)"}} if pattern else {}
    return bars(own, axis, places, 0.2, colour, marker=look, name=phase, hovertemplate=phase)


def _stretches(own: Sequence[Judgement], axis: str, place: int, track_id: int) -> go.Bar:
    judged = [
        Span("judged", track_id, one.decision, one.from_s, one.to_s)
        for one in own
        if one.from_s is not None and one.to_s is not None
    ]
    told = {"hoverinfo": "skip", "meta": {"face": track_id}}
    return bars(judged, axis, [place] * len(judged), 0.62, face_band(track_id), **told)


def _decisions(own: Sequence[Judgement], axis: str, place: int, track_id: int) -> go.Scatter:
    words = [
        " ".join(
            [shown(one.decision.replace("_", " ")), shown(one.subject)]
            + ([f"{one.score:.3f}"] if one.score is not None else [])
        )
        for one in own
    ]
    return go.Scatter(
        x=[one.t_s for one in own],
        y=[place] * len(own),
        yaxis=axis,
        mode="markers",
        name=f"face {track_id}",
        marker={
            "symbol": [SYMBOLS.get(one.decision, "circle-open") for one in own],
            "color": face_colour(track_id),
            "size": 11,
            "line": {"width": 1.5, "color": face_colour(track_id)},
        },
        text=words,
        hovertemplate="%{text}",
        meta={"face": track_id},
        showlegend=False,
    )


def _histogram(one: Latency, share: np.ndarray, axis: str) -> go.Scatter:
    return go.Scatter(
        x=np.asarray(one.edges_ms, np.float32),
        y=np.append(share, 0.0).astype(np.float32),
        yaxis=axis,
        mode="lines",
        line={"shape": "hv", "width": 1.2, "color": "var(--accent)"},
        fill="tozeroy",
        fillcolor="var(--band-0)",
        name=shown(_stage_name(one.stage)),
        hovertemplate="from %{x:.3~g} ms: %{y:.1f} % of frames<extra></extra>",
        showlegend=False,
    )


def _percentile(name: str, value_ms: float, axis: str, top: float, down: float) -> go.Scatter:
    return go.Scatter(
        x=[value_ms, value_ms],
        y=[0.0, top * (0.94 - down)],
        yaxis=axis,
        mode="lines+text",
        text=["", f" {name}"],
        textposition="middle right",
        textfont={"size": 10.5, "color": "var(--ink)"},
        line={"width": 1.1, "color": "var(--ink)", "dash": "solid" if name == "p50" else "dot"},
        hovertemplate=f"{name}: {value_ms:.3g} ms<extra></extra>",
        cliponaxis=False,
        showlegend=False,
    )


def _stage_name(stage: str) -> str:
    return "all stages together" if stage == "all" else stage


def _log_ticks(low: float, high: float) -> list[float]:
    """Powers of ten, and 2 and 5 between them where there are few."""
    steps = (1.0,) if high / low > 1e3 else (1.0, 3.0) if high / low > 50 else (1.0, 2.0, 5.0)
    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    return [step * 10.0**power for power in powers for step in steps if low / 1.1 <= step * 10.0**power <= high * 1.1]


def _measures(report: Report, section: str) -> list[str]:
    """What is measured of both sides, such as `sta1_percent`."""
    keys = (series.key.split(".") for series in report.series)
    return list(dict.fromkeys(parts[2] for parts in keys if parts[0] == section and len(parts) == 3))


def _measure_title(series: Series) -> str:
    return f"{series.name.rsplit(', ', 1)[0]} ({series.unit})"


def _most(report: Report) -> float:
    highs = [series.high[np.isfinite(series.high)] for series in report.series_of("faces.count")]
    return max((float(high.max()) for high in highs if len(high)), default=0.0)


def whole(report: Report) -> tuple[float, float]:
    """The stretch that all charts over time show."""
    ends: Mapping[str, float] = {
        "run": report.run.duration_s,
        "spans": max((span.to_s for span in report.spans), default=0.0),
        "series": max((float(series.t_s[-1]) for series in report.series if len(series.t_s)), default=0.0),
    }
    return (0.0, ends["run"] or max(ends.values()) or 1.0)
