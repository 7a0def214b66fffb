"""Two reports beside each other: better, worse, the same, or only in one."""

from __future__ import annotations

from typing import Any

import pytest

from face1d_ros.errors import ReportError
from face1d_ros.replay.report.compare import BETTER, ONLY_A, ONLY_B, SAME, WORSE, changed, compare


def content(*figures: tuple[str, float | None, str, str], **others: Any) -> dict[str, Any]:
    """As in report.json: key, value, unit, which direction is better."""
    keys = ("key", "value", "unit", "better")
    run = {"source": "bag a", "settings": {}, "models": {}, "frames": 10, **others.pop("run", {})}
    rows = [{"name": figure[0], **dict(zip(keys, figure, strict=True))} for figure in figures]
    return {"figures": rows, "run": run, "verdicts": [], "truth": "", **others}


@pytest.mark.parametrize(
    ("a", "b", "unit", "better", "result"),
    [
        (10.0, 10.4, "ms", "lower", SAME),
        (10.0, 11.0, "ms", "lower", WORSE),
        (10.0, 9.0, "ms", "lower", BETTER),
        (0.9, 0.8, "", "higher", WORSE),
        (0.8, 0.9, "", "higher", BETTER),
        (0.02, 0.08, "ms", "lower", SAME),
        (0.0, 0.05, "ms", "lower", SAME),
        (0.0, 1.0, "ms", "lower", WORSE),
        (0.0, 1.0, "", "lower", WORSE),
        (1.0, 0.0, "", "lower", BETTER),
        (0.0, 0.0, "%", "higher", SAME),
        (-2.0, -1.0, "", "higher", BETTER),
        (5.0, 6.0, "furlongs", "lower", WORSE),
    ],
)
def test_a_change_counts_from_the_threshold_and_above_the_floor(
    a: float, b: float, unit: str, better: str, result: str
) -> None:
    assert changed(a, b, unit, better, 5.0)[1] == result


def test_the_change_is_in_percent_of_the_first() -> None:
    assert changed(8.0, 10.0, "px", "lower", 5.0)[0] == pytest.approx(25.0)
    assert changed(0.0, 0.1, "px", "lower", 5.0)[0] == pytest.approx(1000.0), "of the floor"


def test_only_figures_with_a_direction_count() -> None:
    found = compare(
        content(("a", 1.0, "", ""), ("b", 1.0, "", "lower")), content(("a", 9.0, "", ""), ("b", 1.0, "", "lower")), 5.0
    )
    assert [(row.key, row.result) for row in found.rows] == [("b", SAME)] and found.passed


def test_what_got_worse_fails_and_comes_in_the_order_of_its_change() -> None:
    a = content(("a", 1.0, "px", "lower"), ("b", 1.0, "px", "lower"), ("c", 1.0, "px", "lower"))
    b = content(("a", 1.2, "px", "lower"), ("b", 2.0, "px", "lower"), ("c", 0.1, "px", "lower"))
    found = compare(a, b, 5.0)
    assert not found.passed
    assert [row.key for row in found.of(WORSE)] == ["b", "a"] and [row.key for row in found.of(BETTER)] == ["c"]
    assert compare(a, b, 100.0).passed


def test_what_only_one_has_is_listed_and_does_not_fail() -> None:
    a = content(
        ("a", 1.0, "px", "lower"), ("old", 1.0, "px", "lower"), ("lost", 1.0, "px", "lower"), ("no", None, "", "lower")
    )
    b = content(
        ("a", 1.0, "px", "lower"), ("new", 1.0, "px", "lower"), ("lost", None, "px", "lower"), ("no", None, "", "lower")
    )
    found = compare(a, b, 5.0)
    assert [row.key for row in found.of(ONLY_A)] == ["old", "lost"]
    assert [row.key for row in found.of(ONLY_B)] == ["new"]
    assert found.passed and found.as_dict()["counts"] == {BETTER: 0, WORSE: 0, SAME: 1, ONLY_A: 2, ONLY_B: 1}


def test_keys_and_sections_can_be_ignored() -> None:
    figures = (("latency.a.p50_ms", 1.0, "ms", "lower"), ("latencies", 1.0, "ms", "lower"), ("x", 1.0, "", "lower"))
    worse = tuple((key, 5.0 * value, unit, better) for key, value, unit, better in figures)
    found = compare(content(*figures), content(*worse), 5.0, ("latency", "x"))
    assert [row.key for row in found.of(WORSE)] == ["latencies"]


def test_a_verdict_that_passed_and_fails_is_worse_however_small_the_change() -> None:
    verdict = {"key": "nme_percent", "verdict": "NME", "limit": "< 2 %"}
    a = content(("a", 1.0, "", "lower"), verdicts=[{**verdict, "value": 1.99, "pass": True}])
    b = content(("a", 1.0, "", "lower"), verdicts=[{**verdict, "value": 2.0, "pass": False}])
    (row,) = compare(a, b, 50.0).of(WORSE)
    assert row.key == "verdict.nme_percent" and "NME (< 2 %)" in row.name
    assert compare(b, a, 50.0).passed
    unmeasured = content(("a", 1.0, "", "lower"), verdicts=[{**verdict, "value": None, "pass": None}])
    assert compare(a, unmeasured, 50.0).passed


def test_other_sources_settings_models_and_machines_are_told() -> None:
    figure = ("a", 1.0, "", "lower")
    machine = ({"machine": {"cpu": name}} for name in ("fast", "slow"))
    settings = ({"mesh_node": {"x": 1, "y": 2}}, {"mesh_node": {"x": 2, "y": 2}, "smoothing_node": {"z": 3}})
    a, b = (
        content(
            figure, run={"source": name, "settings": chosen, "conditions": on, "models": {"mesh": name}}, truth=name
        )
        for name, chosen, on in zip(("one", "two"), settings, machine, strict=True)
    )
    notes = "\n".join(compare(a, b, 5.0).notes)
    assert "Another source: one (A), two (B)." in notes
    assert "mesh_node.x: 1 (A), 2 (B)" in notes and "smoothing_node.z: the default (A), 3 (B)" in notes
    assert "mesh_node.y" not in notes and "mesh: one (A), two (B)" in notes
    assert "Another truth" in notes and "fast (A), slow (B)" in notes
    assert compare(a, a, 5.0).notes == ()


def test_nothing_in_common_is_an_error_and_no_pass() -> None:
    with pytest.raises(ReportError, match="no figure in common"):
        compare(content(("a", 1.0, "", "lower")), content(("b", 1.0, "", "lower")), 5.0)
