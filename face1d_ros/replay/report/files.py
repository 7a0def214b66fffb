"""A report as files: the page, JSON that holds all but the pictures, and two tables as CSV."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from face1d_ros.errors import ReportFileError
from face1d_ros.evaluate.verdicts import TABLE_7, Verdict
from face1d_ros.replay.report.content import FORMAT, Figure, Judgement, Latency, Moment, Report, Run, Series, Span

HTML, JSON, CSV, TIMELINES, PICTURES = "report.html", "report.json", "report.csv", "timelines.csv", "pictures"
PICTURE_NAMES = "[0-9][0-9]_*.jpg"
"""What pictures may be called; of these, those that an earlier report names go."""
PARTS = {"run": dict, "figures": list, "verdicts": list, "truth": str}
"""Of report.json, that whoever reads it counts on."""
DIGITS = 6
"""Of every number of a curve; figures keep theirs."""
Part = TypeVar("Part")


def write_report(report: Report, folder: Path) -> None:
    """All files of a report. Each is complete or as it was before, never half. Raises ReportFileError."""
    from face1d_ros.replay.report.page import page

    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(report, folder)
        replace_file(folder / CSV, figures_csv(report))
        replace_file(folder / TIMELINES, timelines_csv(report))
        replace_file(folder / HTML, page(report))
    except OSError as error:
        problem = f"{error.strerror or error}; name a folder that can be written"
        raise ReportFileError(error.filename or folder, problem) from error


def write_json(report: Report, folder: Path) -> None:
    """report.json, and the pictures that it names."""
    content = to_dict(report)
    if report.moments:
        (folder / PICTURES).mkdir(exist_ok=True)
    for moment, named in zip(report.moments, content["moments"], strict=True):
        path = folder / named["picture"]
        if not path.is_file() or path.read_bytes() != moment.jpeg:
            replace_file(path, moment.jpeg)
    earlier = _pictures_of(folder)
    replace_file(folder / JSON, json.dumps(content, allow_nan=False, ensure_ascii=False) + "\n")
    for name in earlier - {Path(named["picture"]).name for named in content["moments"]}:
        (folder / PICTURES / name).unlink(missing_ok=True)


def read_report(path: Path) -> Report:
    """From report.json, or the folder that holds it. Raises ReportFileError."""
    return from_dict(read_dict(path), report_file(path).parent)


def read_dict(path: Path) -> dict[str, Any]:
    """The content of report.json, checked to be one of a format that is known."""
    file = report_file(path)
    try:
        content = json.loads(file.read_text(encoding="utf-8"), parse_constant=lambda _: None)
    except OSError as error:
        raise ReportFileError(file, f"{error.strerror}; `face1d report RESULTS` writes one") from error
    except ValueError as error:
        raise ReportFileError(file, f"is no JSON ({error}); `face1d report RESULTS` writes it anew") from error
    written = content.get("format") if isinstance(content, dict) else None
    if not isinstance(written, int):
        raise ReportFileError(file, "is no report; expected a report.json of `face1d replay` or `face1d report`")
    if written > FORMAT:
        raise ReportFileError(file, f"has format {written}, expected at most {FORMAT}; a newer face1d_ros wrote it")
    for name, kind in PARTS.items():
        if not isinstance(content.get(name), kind):
            raise ReportFileError(file, f"is no report: it has no {name}; expected a report.json")
    return content


def report_file(path: Path) -> Path:
    """report.json where its folder is given."""
    return path / JSON if path.is_dir() else path


def to_dict(report: Report) -> dict[str, Any]:
    """Plain JSON values: null for what is not known, pictures by name."""
    names = _picture_names(report.moments)
    found: dict[str, Any] = _plain(
        {
            "format": FORMAT,
            "run": _fields(report.run),
            "figures": [_fields(figure) for figure in report.figures],
            "verdicts": [{"key": verdict.criterion.key, **verdict.as_row()} for verdict in report.verdicts],
            "truth": report.truth,
            "notes": report.notes,
            "judgements": [_fields(judgement) for judgement in report.judgements],
            "spans": [_fields(span) for span in report.spans],
            "latencies": [_fields(latency) for latency in report.latencies],
            "moments": [
                {"t_s": moment.t_s, "caption": moment.caption, "kind": moment.kind, "picture": name}
                for moment, name in zip(report.moments, names, strict=True)
            ],
            "series": [_fields(series) for series in report.series],
        }
    )
    return found


def from_dict(content: Mapping[str, Any], folder: Path | None = None) -> Report:
    """What `to_dict` gave. The pictures are read from the folder; without one they are empty."""
    try:
        run = dict(content["run"])
        run["damage"] = tuple(run.get("damage", ()))
        return Report(
            run=_made(Run, run),
            figures=tuple(_made(Figure, one) for one in content["figures"]),
            series=tuple(_made(Series, one) for one in content["series"]),
            spans=tuple(_made(Span, one) for one in content["spans"]),
            judgements=tuple(_made(Judgement, one) for one in content["judgements"]),
            latencies=tuple(_made(Latency, one) for one in content["latencies"]),
            moments=tuple(_moment(one, folder) for one in content["moments"]),
            verdicts=tuple(_verdict(one) for one in content["verdicts"]),
            notes=tuple(content["notes"]),
            truth=str(content["truth"]),
        )
    except (KeyError, TypeError, ValueError, StopIteration) as error:
        raise ReportFileError(folder or "report", f"lacks or has something wrong: {error!r}") from error


def figures_csv(report: Report) -> str:
    """A line for each figure; an empty value is not known."""
    rows = ((one.key, one.name, _cell(one.value), one.unit, one.better) for one in report.figures)
    return _csv(("key", "name", "value", "unit", "better"), rows)


def timelines_csv(report: Report) -> str:
    """A line for each bin of each series."""
    rows = (
        (series.key, "" if series.track_id is None else series.track_id, series.unit, *map(_cell, values))
        for series in report.series
        for values in zip(*(_rounded(getattr(series, name)) for name in ("t_s", "mean", "low", "high")), strict=True)
    )
    return _csv(("key", "track_id", "unit", "t_s", "mean", "low", "high"), rows)


def replace_file(path: Path, content: str | bytes) -> None:
    """Write a file that is complete or as it was before, never half."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content.encode("utf-8") if isinstance(content, str) else content)
        Path(temporary).chmod(0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _csv(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(rows)
    return text.getvalue()


def _cell(value: float | None) -> float | str:
    return "" if value is None or not math.isfinite(value) else value


def _fields(value: Any) -> dict[str, Any]:
    """Of a dataclass, one level deep."""
    return {field.name: getattr(value, field.name) for field in fields(value)}


def _plain(value: Any) -> Any:
    """Numbers of numpy as Python's, tuples as lists, null for NaN and infinity."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return [None if math.isnan(one) else one for one in _rounded(value)]
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


def _rounded(values: NDArray[np.float32]) -> list[float]:
    return [float(f"{value:.{DIGITS}g}") if math.isfinite(value) else math.nan for value in values.tolist()]


def _made(kind: type[Part], content: Mapping[str, Any]) -> Part:
    """A dataclass of its fields; lists are arrays, and what a later version may have added is left out."""
    known: dict[str, Any] = {}
    for field in fields(kind):  # type: ignore[arg-type]
        if field.name in content:
            value = content[field.name]
            is_array = "Values" in str(field.type)
            known[field.name] = np.array(value, np.float32) if is_array else value
    return kind(**known)


def _moment(content: Mapping[str, Any], folder: Path | None) -> Moment:
    jpeg = b""
    if folder is not None:
        path = folder / PICTURES / Path(content["picture"]).name
        jpeg = path.read_bytes() if path.is_file() else b""
    return Moment(content["t_s"], content["caption"], content["kind"], jpeg)


def _verdict(content: Mapping[str, Any]) -> Verdict:
    criterion = next(criterion for criterion in TABLE_7 if criterion.key == content["key"])
    return Verdict(criterion, content["value"], content["data"], content["conditions"])


def _pictures_of(folder: Path) -> set[str]:
    """Names of the pictures of the report that lies there; none where there is none."""
    try:
        moments = read_dict(folder).get("moments", ())
        names = {Path(one["picture"]).name for one in moments}
    except (ReportFileError, KeyError, TypeError):
        return set()
    return {name for name in names if fnmatchcase(name, PICTURE_NAMES)}


def _picture_names(moments: Sequence[Moment]) -> list[str]:
    """Unique, in their order."""
    return [f"{PICTURES}/{number:02d}_{moment.kind}.jpg" for number, moment in enumerate(moments)]
