"""The sections of a report: what each says, draws and tabulates. One without content says so in a sentence."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from face1d_ros.replay.report import charts
from face1d_ros.replay.report.contact_sheet import contact_sheet
from face1d_ros.replay.report.content import Report
from face1d_ros.replay.report.markup import figures_table, folded, number, paragraph, plural, text
from face1d_ros.replay.report.section import Chart, Section, Swatch, alternative, figures_of, legend, value_of
from face1d_ros.replay.report.section_tables import (
    accuracy_table,
    judgement_table,
    latency_table,
    run_tables,
    verdict_table,
)
from face1d_ros.replay.report.sections_face import asymmetry, coefficients, expression, pose, stability


def sections(report: Report) -> list[Section]:
    """All, in their order."""
    return [make(report) for make in MAKERS]


def _run(report: Report) -> Section:
    return Section("run", "What was run", (run_tables(report.run),))


def _verdicts(report: Report) -> Section:
    if not report.verdicts:
        return Section("verdicts", "Verdicts", missing="No truth was given, so none of the seven is judged.")
    measured = [verdict for verdict in report.verdicts if verdict.passed is not None]
    passed = sum(bool(verdict.passed) for verdict in measured)
    others = len(report.verdicts) - len(measured)
    words = f"{passed} of the {len(measured)} that were measured pass." + f" {others} were not measured." * bool(others)
    return Section("verdicts", "Verdicts", (paragraph(words), verdict_table(report.verdicts)))


def _faces(report: Report) -> Section:
    figure = charts.faces(report)
    if figure is None:
        return Section("faces", "Faces over time", missing="No face was seen.")
    tracks, most = value_of(report, "faces.tracks"), value_of(report, "faces.most_at_once")
    drawn = charts.longest_faces(report)
    words = [f"{plural(tracks, 'face')} followed, at most {number(most)} at once."] if tracks is not None else []
    if tracks is not None and tracks > len(drawn):
        words.append(f"The {len(drawn)} that were there longest have a lane.")
    kinds = (
        Swatch("bridged", "var(--muted)", "hatched") if report.spans_of("bridged") else None,
        Swatch("no face", "var(--shade)") if report.spans_of("no_face") else None,
    )
    shown = legend(report, figure, *(one for one in kinds if one is not None))
    chart = Chart("faces", figure, alternative("When each face was there", report, "faces"), shown)
    details = folded("All figures", figures_table(figures_of(report, "faces")))
    return Section("faces", "Faces over time", (paragraph(" ".join(words)), chart, details))


def _moments(report: Report) -> Section:
    if not report.moments:
        return Section("pictures", "Pictures", missing="None were taken.")
    words = "Moments at which something began, changed or was largest, and some at regular distances."
    return Section("pictures", "Pictures", (paragraph(words), contact_sheet(report.moments)))


def _identity(report: Report) -> Section:
    figure = charts.identity(report)
    if figure is None:
        return Section("identity", "Identity", missing="No face was judged.")
    words = plural(len(report.judgements), "decision") + ". A decision rests on the stretch of motion behind its mark."
    chart = Chart(
        "identity", figure, alternative("Identity decisions over time", report, "identity"), legend(report, figure)
    )
    table = judgement_table(report.judgements)
    return Section("identity", "Identity", (paragraph(text(words)), chart, table))


def _latency(report: Report) -> Section:
    figure = charts.latency(report.latencies)
    if figure is None:
        return Section("latency", "Latency and drops", missing="The results do not tell how long they took.")
    words = "How long each stage worked on a frame, on a logarithmic axis, with median, 95th and 99th percentile."
    if report.run.rate_hz:
        words += f" At {number(report.run.rate_hz)} Hz a new frame comes every {number(1e3 / report.run.rate_hz)} ms."
    chart = Chart("latency", figure, alternative("Histograms of the stages' times", report, "latency"))
    ages = [one for one in report.figures if one.key.startswith("age.")]
    table = latency_table(report.latencies)
    old = folded("Age of results when they were recorded", figures_table(ages))
    parts = (paragraph(text(words)), table, chart, old)
    return Section("latency", "Latency and drops", parts)


def _accuracy(report: Report) -> Section:
    figures = figures_of(report, "accuracy")
    if not figures:
        return Section("accuracy", "Accuracy", missing="No truth was given to compare with.")
    words = f"Compared with {text(report.truth)}." if report.truth else ""
    return Section("accuracy", "Accuracy", (paragraph(words), accuracy_table(figures)))


def _notes(report: Report) -> Section:
    if not report.notes:
        return Section("notes", "Notes", missing="Nothing to add.")
    return Section("notes", "Notes", ("<ul>" + "".join(f"<li>{text(note)}</li>" for note in report.notes) + "</ul>",))


MAKERS: Sequence[Callable[[Report], Section]] = (
    _run,
    _verdicts,
    _faces,
    _moments,
    stability,
    expression,
    pose,
    coefficients,
    asymmetry,
    _identity,
    _latency,
    _accuracy,
    _notes,
)
