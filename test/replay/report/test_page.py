from __future__ import annotations

import base64
import gzip
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from replay.report.reports import EVIL, TRACKS, almost_empty_report, full_report, wave

from face1d_ros.replay.report.chart_stack import joined, line, outline, shown
from face1d_ros.replay.report.content import Figure, Judgement, Report, Run, Series, Span
from face1d_ros.replay.report.page import page
from face1d_ros.replay.report.style import stylesheet

SECTIONS = ["run", "verdicts", "faces", "pictures", "stability", "expression", "pose", "coefficients", "asymmetry",
            "identity", "latency", "accuracy", "notes"]  # fmt: skip
CHARTS = {"faces", "stability", "expression", "actions", "pose", "coefficients", "fit", "asymmetry", "asymmetry-motion",
          "asymmetry-position", "identity", "latency"}  # fmt: skip
VOID = {"meta", "link", "img", "br"}


class Reader(HTMLParser):
    """Elements with their attributes, and texts; refuses what is not closed in its order."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(content)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self._open or self._open[-1] not in ("script", "style"):
            self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def full() -> str:
    return page(full_report())


def charts_of(content: str) -> dict[str, Any]:
    found = re.findall(r'<script type="application/json" id="chart-([^"]+)">(.*?)</script>', content, re.DOTALL)
    return {name: json.loads(spec) for name, spec in found}


def decoded(values: Any) -> np.ndarray:
    if isinstance(values, dict):
        shape = tuple(int(side) for side in values["shape"].split(",")) if "shape" in values else (-1,)
        return np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"]).reshape(shape)
    return np.array(values, float)


def test_every_section_is_there_in_its_order_with_a_heading(full: str) -> None:
    read = Reader(full)
    assert [section["id"] for section in read.all("section")] == SECTIONS
    assert [heading["id"] for heading in read.all("h2")] == [f"{name}-title" for name in SECTIONS]
    assert len(read.all("h1")) == 1
    links = [link["href"] for link in read.all("a") if link["href"] != "#content"]
    assert links == [f"#{name}" for name in SECTIONS]


def test_nothing_is_loaded_from_anywhere(full: str) -> None:
    read = Reader(full)
    for tag, attributes in read.elements:
        for name in ("src", "href", "srcset", "action", "poster", "data"):
            assert attributes.get(name, "#").startswith(("#", "data:")), (tag, attributes)
    assert "@import" not in stylesheet()
    assert "url(" not in stylesheet()
    (policy,) = (meta["content"] for meta in read.all("meta") if "http-equiv" in meta)
    assert "default-src 'none'" in policy
    assert "http" not in policy


def test_plotly_is_inside_once_and_unpacks(full: str) -> None:
    from plotly.offline import get_plotlyjs

    (packed,) = re.findall(r'id="plotly">([^<]*)</script>', full)
    assert gzip.decompress(base64.b64decode(packed)).decode("utf-8") == get_plotlyjs()
    assert len(full) < 5_000_000


def test_the_same_report_gives_the_same_page() -> None:
    assert page(full_report()) == page(full_report())


def test_every_chart_has_data_and_a_description_in_words(full: str) -> None:
    assert charts_of(full).keys() == CHARTS
    places = {place["data-chart"]: place for place in Reader(full).all("div") if "data-chart" in place}
    assert places.keys() == {f"chart-{name}" for name in CHARTS}
    for place in places.values():
        assert place["role"] == "img"
        assert len(place["aria-label"]) > 20


def test_charts_over_time_show_the_same_stretch(full: str) -> None:
    stretches = {name: chart["layout"].get("meta") for name, chart in charts_of(full).items()}
    assert stretches.pop("latency") is None
    assert all(stretch == {"whole": [0.0, 240.0]} for stretch in stretches.values())


def test_a_face_has_one_colour_in_every_chart(full: str) -> None:
    colours: dict[int, set[str]] = {}
    for name in ("pose", "expression", "fit", "asymmetry", "faces"):
        for trace in charts_of(full)[name]["data"]:
            face = (trace.get("meta") or {}).get("face")
            if face is not None and trace.get("mode", "").startswith("lines") and trace["line"].get("color"):
                colours.setdefault(face, set()).add(trace["line"]["color"])
    assert colours == {track_id: {f"var(--face-{track_id})"} for track_id in TRACKS}


def test_charts_name_only_colours_that_the_style_sheet_has(full: str) -> None:
    asked = set(re.findall(r"var\((--[a-z0-9-]+)\)", json.dumps(charts_of(full))))
    known = set(re.findall(r"(--[a-z0-9-]+):", stylesheet()))
    assert asked <= known
    assert len(asked) > 15


def test_a_curve_is_broken_where_nothing_is_known() -> None:
    series = wave("pose.yaw_deg", "yaw", "°", 1, 0.0, 20.0)
    x, _ = outline(series)
    assert np.isnan(x).sum() == 2
    assert not line(series, "y", "face 1").connectgaps


def test_the_range_goes_along_the_high_ends_and_back_along_the_low_ones() -> None:
    t_s, low, high = (np.array(values, np.float32) for values in ([1, 2, 3], [0, np.nan, 2], [5, np.nan, 6]))
    x, y = outline(Series("k", "n", "", 1, t_s, low, low, high))
    known = np.isfinite(x)
    assert x[known].tolist() == [1, 1, 1, 3, 3, 3]
    assert y[known].tolist() == [5, 0, 5, 6, 2, 6]


def test_a_value_alone_between_gaps_is_a_point() -> None:
    values = np.array([np.nan, 4.0, np.nan, 1.0, 2.0], np.float32)
    drawn = line(Series("k", "n", "", 1, np.arange(5, dtype=np.float32), values, values, values), "y", "face 1")
    assert drawn.mode == "lines+markers"
    assert list(drawn.marker.size) == [0, 4, 0, 0, 0]


def test_values_of_many_frames_each_are_joined_over_what_lies_between() -> None:
    t_s = np.arange(60, dtype=np.float32)
    values = np.where((t_s % 3 == 0) & ((t_s < 20) | (t_s > 40)), t_s, np.nan).astype(np.float32)
    found = joined(Series("k", "n", "", 1, t_s, values, values, values))
    assert np.isnan(found.mean).sum() == 1
    assert found.mean[np.isfinite(found.mean)].tolist() == [*range(0, 20, 3), *range(42, 60, 3)]


def test_labels_and_phases_stand_in_the_lane_of_their_face(full: str) -> None:
    bars = [trace for trace in charts_of(full)["expression"]["data"] if trace["type"] == "bar"]
    by_name = {trace["name"]: trace for trace in bars}
    assert by_name.keys() == {"neutral", "happiness", "surprise", "anger", "sadness", "onset", "apex", "offset"}
    assert np.unique(np.round(decoded(by_name["happiness"]["y"]))).tolist() == [0, 1, 2, 3]
    assert by_name["happiness"]["marker"]["color"] == "var(--label-happiness)"
    shapes = {by_name[phase]["marker"].get("pattern", {}).get("shape", "") for phase in ("onset", "apex", "offset")}
    assert len(shapes) == 3


def test_latency_is_on_a_logarithmic_axis_with_its_percentiles(full: str) -> None:
    chart = charts_of(full)["latency"]
    assert chart["layout"]["xaxis"]["type"] == "log"
    texts = [trace["text"][1].strip() for trace in chart["data"] if trace.get("text")]
    assert texts == ["p50", "p95", "p99"] * 6


def test_verdicts_say_pass_and_fail_in_words(full: str) -> None:
    texts = Reader(full).texts
    assert (texts.count("✓ pass"), texts.count("✗ fail"), texts.count("not measured")) == (3, 1, 3)


def test_before_and_after_smoothing_stand_side_by_side_with_what_has_changed(full: str) -> None:
    texts = Reader(full).texts
    place = texts.index("sta1")
    assert texts[place : place + 4] == ["sta1", "0.163\u202f%", "0.0713\u202f%", "−56\u202f%"]


def test_pictures_have_words_for_those_who_cannot_see_them(full: str) -> None:
    images = [image for image in Reader(full).all("img") if image["src"].startswith("data:image/jpeg")]
    assert len(images) == 6
    assert images[0]["alt"] == "face 1 appears, at 7.0\u202fs"


def test_what_could_not_be_read_stands_at_the_head(full: str) -> None:
    assert full.index("ends in the middle of a chunk") < full.index("<main")


def test_a_report_of_nearly_nothing_says_what_is_missing_and_carries_no_charts() -> None:
    content = page(almost_empty_report())
    read = Reader(content)
    assert [section["id"] for section in read.all("section")] == SECTIONS
    assert sum(section.get("class") == "empty" for section in read.all("section")) == 11
    assert "No face was seen." in read.texts
    assert len(content) < 60_000


def test_text_of_a_bag_stays_text() -> None:
    report = full_report()
    evil = replace(
        report,
        run=replace(report.run, source=EVIL, topic=EVIL, command=EVIL, damage=(EVIL,), settings={EVIL: {EVIL: EVIL}},
                    models={EVIL: EVIL}, left_out={EVIL: 1}, conditions={EVIL: {EVIL: EVIL}}),
        figures=(*report.figures, Figure(f"faces.{EVIL}", EVIL, 1.0, EVIL)),
        series=(*report.series, wave(f"coefficient.{EVIL}", EVIL, EVIL, 1, 0.0, 9.0)),
        spans=(*report.spans, Span("label", 1, EVIL, 3.0, 5.0)),
        judgements=(Judgement(1, 2.0, EVIL, EVIL, 0.1, 0.2, 0.3, EVIL, 1.0, 2.0),),
        latencies=tuple(replace(one, stage=EVIL) for one in report.latencies),
        moments=tuple(replace(one, caption=EVIL, kind=EVIL) for one in report.moments),
        notes=(EVIL,),
        truth=EVIL,
    )  # fmt: skip
    content = page(evil)
    read = Reader(content)
    assert "x" not in [image["src"] for image in read.all("img")]
    assert len(read.all("script")) == len(Reader(page(report)).all("script"))
    assert sum(EVIL in text for text in read.texts) >= 15
    assert "<img" not in json.dumps(charts_of(content))


def test_plotly_is_given_no_markup_of_a_bag() -> None:
    assert shown("<b>%{x}</b> & co") == "&lt;b&gt;%\u200b{x}&lt;/b&gt; &amp; co"


@pytest.mark.parametrize("faces", [0, 1, 40])
def test_any_number_of_faces_can_be_shown(faces: int) -> None:
    spans = tuple(Span("track", track_id, "", float(track_id), track_id + 3.0) for track_id in range(1, faces + 1))
    series = tuple(wave("pose.yaw_deg", "yaw", "°", track_id, 0.0, 9.0) for track_id in range(1, faces + 1))
    figures = (Figure("faces.tracks", "tracks", float(faces)),)
    content = page(Report(Run("face1d", "bag"), figures, series, spans))
    assert ("No face was seen." in content) == (faces == 0)
    assert ("The 16 that were there longest have a lane." in content) == (faces == 40)
    assert ('aria-pressed="true"' in content) == (faces > 1)


def test_unknown_times_and_empty_curves_do_no_harm() -> None:
    empty = np.empty(0, np.float32)
    nothing = np.full(3, np.nan, np.float32)
    t_s = np.arange(3, dtype=np.float32)
    keys = ("faces.count", "pose.yaw_deg", "coefficient.jawOpen", "asymmetry.overall", "asymmetry.motion.brow",
            "identity.score", "expression.intensity", "stability.raw.sta1_percent")  # fmt: skip
    for series in (
        tuple(Series(key, key, "", 1, empty, empty, empty, empty) for key in keys),
        tuple(Series(key, key, "", 1, t_s, nothing, nothing, nothing) for key in keys),
    ):
        Reader(page(Report(Run("face1d", "bag"), series=series)))
