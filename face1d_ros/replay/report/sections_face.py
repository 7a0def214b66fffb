"""The sections about what a face does: its landmarks, expression, pose, coefficients and symmetry."""

from __future__ import annotations

from dataclasses import replace

from face1d_ros.replay.report import charts
from face1d_ros.replay.report.chart_grid import grid
from face1d_ros.replay.report.content import Report
from face1d_ros.replay.report.markup import Markup, figures_table, folded, paragraph, text, with_unit
from face1d_ros.replay.report.section import Chart, Section, Swatch, alternative, figures_of, grid_chart, legend
from face1d_ros.replay.report.section_tables import stability_table
from face1d_ros.replay.report.style import label_colour

PHASES = (
    Swatch("onset", "var(--phase)", "hatched"),
    Swatch("apex", "var(--phase)"),
    Swatch("offset", "var(--phase)", "hatched falling"),
)


def stability(report: Report) -> Section:
    """How steady landmarks are, before and after smoothing."""
    figure, figures = charts.stability(report), figures_of(report, "stability")
    if figure is None and not figures:
        return Section("stability", "Stability of the landmarks", missing="No landmarks of neighbouring frames.")
    words = (
        "How far landmarks are from where their neighbours in time would put them, in percent of the face: sta1 from "
        "the middle of both, sta2 from the way between them. Less is steadier; real motion counts, too."
    )
    parts: list[Markup | Chart] = [paragraph(words), stability_table(figures)]
    if figure is not None:
        shown = legend(report, figure, Swatch("as detected", "var(--before)"), alone="smoothed")
        parts.append(Chart("stability", figure, alternative("Stability over time", report, "stability"), shown))
    return Section("stability", "Stability of the landmarks", tuple(parts))


def expression(report: Report) -> Section:
    """Labels, phases, intensity and facial actions."""
    figure = charts.expression(report)
    if figure is None:
        return Section("expression", "Expression", missing="No expression was recognised.")
    shares = [one for one in figures_of(report, "expression") if one.key.startswith("expression.share.") and one.value]
    told = [f"{one.name.removeprefix('share of ')} {with_unit(one.value, one.unit)}" for one in shares[:4]]
    words = f"Most of the time: {', '.join(told)}." if told else ""
    chart = Chart(
        "expression",
        figure,
        alternative("Labels and phases over time", report, "expression"),
        legend(report, figure, *_labels(report), *PHASES),
    )
    details = folded("All figures", figures_table(figures_of(report, "expression")))
    return Section("expression", "Expression", (paragraph(text(words)), chart, *_actions(report), details))


def _labels(report: Report) -> list[Swatch]:
    """Those that occur; a stretch may be too short for its name."""
    return [
        Swatch(value, label_colour(value)) for value in dict.fromkeys(span.value for span in report.spans_of("label"))
    ]


def pose(report: Report) -> Section:
    """Angles of the head, and how far away it is."""
    keys = ("pose.yaw_deg", "pose.pitch_deg", "pose.roll_deg", "pose.distance_m")
    figure = charts.lines(report, keys)
    if figure is None:
        return Section("pose", "Head pose", missing="Not recorded.")
    words = (
        "Yaw is positive when the head turns to its own right, pitch when it looks down, roll when it tilts clockwise "
        "in the image."
    )
    chart = Chart("pose", figure, alternative("Head pose over time", report, "pose"), legend(report, figure))
    details = folded("All figures", figures_table(figures_of(report, "pose")))
    return Section("pose", "Head pose", (paragraph(words), chart, details))


def coefficients(report: Report) -> Section:
    """Expression coefficients, and how well the 3D face fits."""
    several = [one for one in report.series if one.key.startswith("coefficient.")]
    found = grid(several, charts.whole(report))
    fit = charts.lines(report, ("mesh.quality", "mesh.residual_px", "mesh.anomaly"))
    if found is None and fit is None:
        return Section("coefficients", "3D coefficients", missing="Not recorded.")
    parts: list[Markup | Chart] = []
    if found is not None:
        parts.append(grid_chart("coefficients", "Expression coefficients over time", found))
    if fit is not None:
        parts += [
            "<h3>Fit of the 3D face</h3>",
            Chart("fit", fit, alternative("Fit of the 3D face over time", report, "mesh"), legend(report, fit)),
        ]
    return Section("coefficients", "3D coefficients", tuple(parts))


def asymmetry(report: Report) -> Section:
    """Left against right, overall and by region."""
    figure = charts.lines(report, ("asymmetry.overall",))
    if figure is None:
        return Section("asymmetry", "Asymmetry", missing="Not recorded, or not enough motion to tell the sides apart.")
    words = (
        "Overall, 0 is symmetric and 1 is motion of one side alone. By region, −1 is only the person's right side, "
        "+1 only the left one."
    )
    chart = Chart("asymmetry", figure, alternative("Asymmetry over time", report, "asymmetry"), legend(report, figure))
    parts: list[Markup | Chart] = [paragraph(words), chart]
    for kind in ("motion", "position"):
        regions = (one for one in report.series if one.key.startswith(f"asymmetry.{kind}."))
        several = [replace(one, name=one.name.removeprefix(f"{kind}, ")) for one in regions]
        found = grid(several, charts.whole(report), sided=True)
        if found is not None:
            parts.append(f"<h3>{text(kind.capitalize())} by region</h3>")
            parts.append(grid_chart(f"asymmetry-{kind}", f"Asymmetry of {kind} by region over time", found, sided=True))
    parts.append(folded("All figures", figures_table(figures_of(report, "asymmetry"))))
    return Section("asymmetry", "Asymmetry", tuple(parts))


def _actions(report: Report) -> list[Markup | Chart]:
    actions = grid([one for one in report.series if one.key.startswith("action.")], charts.whole(report))
    if actions is None:
        return []
    return ["<h3>Facial actions</h3>", grid_chart("actions", "Facial actions over time", actions)]
