"""The head of a report: what it is of, and the facts that matter."""

from __future__ import annotations

from face1d_ros.replay.report.content import Report, Run
from face1d_ros.replay.report.markup import THIN, Markup, Tile, duration, items, number, plural, text, tiles, with_unit
from face1d_ros.replay.report.section import value_of


def head(report: Report) -> Markup:
    """Title, tiles, and what a reader must not miss."""
    topic = f" · <code>{text(report.run.topic)}</code>" if report.run.topic else ""
    title = f'<p class="eyebrow">face1d report</p><h1>{text(report.run.source)}</h1>'
    line = f'<p class="quiet">{text(_picture(report.run))}{topic}</p>'
    shown = [tile for tile in _tiles(report) if tile is not None]
    return f"<header>{title}{line}{tiles(shown)}{_notice(report.run)}</header>"


def _picture(run: Run) -> str:
    """Size and rate of the images."""
    size = f"{run.width}{THIN}×{THIN}{run.height}{THIN}px" if run.width and run.height else "size unknown"
    return f"{size}, {with_unit(run.rate_hz, 'Hz')}" if run.rate_hz else size


def _tiles(report: Report) -> list[Tile | None]:
    return [_length(report.run), _faces(report), _steadier(report), _events(report), _decided(report), _slow(report),
            _fast(report.run), _verdicts(report)]  # fmt: skip


def _length(run: Run) -> Tile:
    length, unit = duration(run.duration_s)
    left_out = sum(run.left_out.values())
    aside = plural(run.frames, "frame") + (f", {number(float(left_out))} left out" if left_out else "")
    return Tile("Duration", length, unit, aside)


def _faces(report: Report) -> Tile:
    tracks, share = value_of(report, "faces.tracks"), value_of(report, "faces.with_face_percent")
    if tracks is None:
        return Tile("Faces", "–", "", "not recorded")
    return Tile("Faces", number(tracks), "", f"in {with_unit(share, '%')} of the frames" if tracks else "")


def _steadier(report: Report) -> Tile | None:
    ratio = value_of(report, "stability.ratio.sta1")
    if ratio is None:
        return None
    percent = 100.0 * (1.0 - ratio)
    words = "steadier by smoothing" if percent >= 0.0 else "less steady by smoothing"
    costs = (("pseudo_lag_frames", "pseudo-lag", "frames"), ("pseudo_error_percent", "pseudo-error", "%"))
    for key, name, unit in costs:
        if (value := value_of(report, f"stability.smoothed.{key}")) is not None:
            words += f", {name} {with_unit(value, unit)}"
    return Tile("Landmarks", f"{abs(percent):.0f}", "%", words, "good" if percent > 0.0 else "bad")


def _events(report: Report) -> Tile | None:
    apexes = value_of(report, "expression.events.apex")
    if apexes is None:
        return None
    labels = {span.value for span in report.spans_of("label")} - {"neutral", "none", ""}
    return Tile("Expressions", number(apexes), "", ", ".join(sorted(labels)[:3]) if labels else "none but neutral")


def _decided(report: Report) -> Tile | None:
    if not report.judgements:
        return None
    verified = sum(one.decision == "verified" for one in report.judgements)
    return Tile("Identity", number(float(verified)), "verified", f"of {plural(len(report.judgements), 'decision')}")


def _slow(report: Report) -> Tile | None:
    told = {one.stage: one for one in report.latencies}
    one = told.get("all") or next(iter(told.values()), None)
    if one is None:
        return None
    whose = "all stages" if one.stage == "all" else one.stage
    return Tile("Latency, p95", number(one.p95_ms), "ms", f"{whose}; median {with_unit(one.p50_ms, 'ms')}")


def _fast(run: Run) -> Tile | None:
    if not run.wall_s or not run.duration_s:
        return None
    taken, unit = duration(run.wall_s)
    factor = number(run.duration_s / run.wall_s, 2)
    return Tile("Speed", f"{factor}×", "", f"real time; took {taken}{THIN}{unit}")


def _verdicts(report: Report) -> Tile | None:
    measured = [verdict.passed for verdict in report.verdicts if verdict.passed is not None]
    if not measured:
        return None
    failed = measured.count(False)
    aside = f"{failed} failed" if failed else "all that were measured"
    return Tile(
        "Verdicts passed", f"{sum(map(bool, measured))} of {len(measured)}", "", aside, "bad" if failed else "good"
    )


def _notice(run: Run) -> Markup:
    """What could not be read."""
    if not run.damage:
        return ""
    title = f"{plural(len(run.damage), 'part')} of the source could not be read."
    return f'<div class="notice"><strong>{text(title)}</strong>{items(map(text, run.damage))}</div>'
