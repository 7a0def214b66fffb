"""Series, stretches, percentiles and tracks stay small however much goes into them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from replay.report_streams import Stream

from face1d_ros.replay.report.binned import BINS, COARSE, SPANS, Binned, Bins, Group, Line, Spans
from face1d_ros.replay.report.build import Builder
from face1d_ros.replay.report.content import Run
from face1d_ros.replay.report.histogram import LogHistogram
from face1d_ros.replay.report.results import Result
from face1d_ros.replay.report.tracks import KEPT, MOST_LIVE, TrackBook
from face1d_ros.types import FaceLandmarksArray

GROUP = Group("group", (Line("a", "a"), Line("b", "b", "px")))


def test_bins_hold_mean_and_range_of_what_fell_into_them() -> None:
    bins = Bins()
    binned = Binned(GROUP, bins)
    values = np.random.default_rng(3).normal(size=(3000, 2))
    for index, row in enumerate(values):
        binned.add(index / 30.0, row)
    a, b = binned.series(7, 1.0 / 30.0)
    assert (a.key, b.unit, a.track_id) == ("a", "px", 7)
    width_s = bins.width_s
    rows = (np.arange(3000) / 30.0 / width_s).astype(int)
    for series, column in ((a, 0), (b, 1)):
        assert len(series.t_s) == rows[-1] + 1 <= BINS
        for bin_, mean, low, high in zip(range(3), series.mean, series.low, series.high, strict=False):
            inside = values[rows == bin_, column]
            assert (mean, low, high) == pytest.approx((inside.mean(), inside.min(), inside.max()), rel=1e-5)


def test_ten_hours_fit_into_as_many_bins_as_ten_seconds() -> None:
    bins = Bins()
    binned = Binned(GROUP, bins)
    for second in range(36_000):
        binned.add(float(second), [1.0, float(second)])
    _, b = binned.series(None, 1.0)
    assert BINS / 2 < len(b.t_s) <= BINS
    assert b.t_s[-1] == pytest.approx(36_000.0, abs=bins.width_s)
    assert b.low.min() == 0.0 and b.high.max() == 35_999.0


def test_a_series_that_began_late_or_ended_early_is_widened_with_the_others() -> None:
    bins = Bins()
    early, late = Binned(GROUP, bins), Binned(GROUP, bins)
    early.add(1.0, [1.0, 1.0])
    late.add(1000.0, [2.0, 2.0])
    first, *_ = early.series(1, 0.1)
    assert first.t_s.tolist() == pytest.approx([bins.width_s / 2])


def test_unknown_values_do_not_count_and_a_gap_breaks_the_line() -> None:
    binned = Binned(GROUP, Bins())
    for t_s in (0.0, 0.1, 0.2, 5.0, 5.1):
        binned.add(t_s, [1.0, np.nan if t_s else 2.0])
    a, b = binned.series(None, 0.1)
    assert np.isnan(a.mean).tolist() == [False, False, False, True, False, False]
    assert b.mean.tolist() == [2.0]


def test_nothing_known_is_no_series() -> None:
    binned = Binned(GROUP, Bins())
    binned.add(0.0, [np.nan, np.nan])
    assert binned.series(None, 0.1) == []


def test_groups_of_many_values_have_wider_bins() -> None:
    bins = Bins()
    binned = Binned(Group("many", (Line("c", "c"),), coarse=True), bins)
    for index in range(600):
        binned.add(index / 30.0, [1.0])
    (series,) = binned.series(None, 1.0 / 30.0)
    assert len(series.t_s) <= BINS // COARSE and np.isfinite(series.mean).all()


def test_of_too_many_stretches_the_longest_are_kept_and_the_others_counted() -> None:
    spans = Spans("label")
    for index in range(3 * SPANS):
        spans.add(1, "x", float(index), index + (0.9 if index % 3 == 0 else 0.1))
    found = spans.found()
    assert len(found) == SPANS and spans.left_out == 2 * SPANS
    assert all(span.to_s - span.from_s > 0.5 for span in found)
    assert [span.from_s for span in found] == sorted(span.from_s for span in found)


def test_percentiles_are_within_a_percent() -> None:
    values = np.random.default_rng(1).lognormal(1.0, 0.8, 20_000)
    histogram = LogHistogram()
    for value in values.tolist():
        histogram.add(value)
    histogram.add(float("nan"))
    for percent in (50, 95, 99):
        assert histogram.percentile(percent) == pytest.approx(np.percentile(values, percent), rel=0.01)
    edges, counts = histogram.shown()
    assert len(edges) == len(counts) + 1 and counts.sum() == histogram.count == 20_000
    assert edges[0] <= values.min() and edges[-1] >= values.max()


def test_an_empty_histogram_knows_nothing() -> None:
    edges, counts = LogHistogram().shown()
    assert np.isnan(LogHistogram().percentile(50)) and not len(edges) and not len(counts)


def test_of_hundreds_of_tracks_the_longest_have_series() -> None:
    book = TrackBook()
    closed: list[int] = []
    book.on_close.append(closed.append)
    t_s = 0.0
    for track_id in range(1, 401):
        for _ in range(2 + 40 * (track_id % 50 == 0)):
            book.seen(track_id, t_s)
            book.add(track_id, GROUP, t_s, [1.0, 2.0])
            book.sweep(t_s)
            t_s += 0.1
        book.ended([track_id], t_s)
    book.close()
    assert book.count == len(closed) == 400 and book.without_series == 400 - KEPT
    assert {series.track_id for series in book.series(0.1)} == set(range(50, 401, 50))
    assert len(book.spans.found()) == 400


def test_an_id_that_comes_again_after_its_end_is_another_track() -> None:
    book = TrackBook()
    for t_s in (0.0, 1.0):
        book.seen(1, t_s)
    book.ended([1], 1.0)
    book.seen(1, 1.0)  # a late result of the same frame
    book.seen(1, 5.0)
    book.close()
    assert [(span.from_s, span.to_s) for span in book.spans.found()] == [(0.0, 1.0), (5.0, 5.0)]


def test_faces_that_are_not_tracked_have_no_series() -> None:
    book = TrackBook()
    book.seen(0, 0.0)
    book.add(0, GROUP, 0.0, [1.0, 1.0])
    book.close()
    assert book.count == 0 and book.series(0.1) == []


def test_of_more_faces_than_can_be_followed_the_rest_is_told() -> None:
    def crowd(frame: int) -> FaceLandmarksArray:
        (face,) = Stream().landmarks(frame).faces
        first = 40 * frame + 1
        return Stream().frame(frame, tuple(dataclasses.replace(face, track_id=first + place) for place in range(40)))

    builder = Builder()
    for frame in range(20):
        builder.take(Result("landmarks", crowd(frame), Stream().stamp_ns(frame)))
    assert len(builder._raw._stretches) == MOST_LIVE
    report = builder.report(Run("", "crowd"))
    values = {figure.key: figure.value for figure in report.figures}
    assert values["faces.most_at_once"] == 40.0 and values["faces.tracks"] == MOST_LIVE
    assert any(note.startswith(f"More than {MOST_LIVE} faces at once") for note in report.notes)
