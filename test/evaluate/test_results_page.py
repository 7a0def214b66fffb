"""docs/results.md and the page of `face1d evaluate all`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from evaluate.measured_rows import everything

from face1d_ros.errors import ResultsError
from face1d_ros.evaluate.results import NAME, read, results, write
from face1d_ros.evaluate.results_page import markdown, page, shown

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    return results(everything(), {"representations": "no space | left"})


def test_results_are_read_as_they_were_written(found: dict[str, Any], tmp_path: Path) -> None:
    write(found, tmp_path / NAME)
    assert read(tmp_path / NAME) == found


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "No such file"),
        ("{", "is no JSON"),
        ("[]", "is not of format 1"),
        ('{"format": 1}', "is not of format 1"),
    ],
)
def test_other_files_are_refused_with_how_to_make_them(text: str | None, says: str, tmp_path: Path) -> None:
    path = tmp_path / NAME
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(ResultsError, match=f"{says}.*face1d evaluate all"):
        read(path)


def test_targets_that_are_missed_or_not_measured_are_shown_as_such(found: dict[str, Any]) -> None:
    text = markdown(found)
    assert "1 of 3 reached." in text
    assert re.search(r"jitter_ratio`, 68 landmarks \| 0.46 \| ≤ 0.5 \| reached", text)
    assert re.search(r"occlusion_ratio`, 68 landmarks \| 0.76 \| ≤ 0.5 \| missed", text)
    assert re.search(r"blink_depth`, 68 landmarks \| – \| 0.9 \| not measured \| the animated portrait", text)
    assert "`representations` was not measured: no space | left" in text


def test_published_rows_are_set_off_and_measured_ones_have_a_letter_that_is_explained(found: dict[str, Any]) -> None:
    lines = markdown(found).splitlines()
    mediapipe = next(line for line in lines if line.startswith("| *MediaPipe Face Mesh*"))
    assert mediapipe.endswith(
        "| *468* | *9.8* | *2.4* | *4.7* | *the review* | *real faces, BIWI; hardware not said* |"
    )
    ours = next(line for line in lines if line.startswith("| 1D CNN: `mesh_curve_cnn_478`") and "6706" in line)
    assert "measured (a)" in ours and "synthetic, synthetic-test-v1/general" in ours
    assert any(line.startswith("- (a) from one frame's landmarks") for line in lines)


def test_all_rows_of_a_markdown_table_have_as_many_cells_as_its_head(found: dict[str, Any]) -> None:
    widths: list[int] = []
    for line in [*markdown(found).splitlines(), ""]:
        if line.startswith("|"):
            widths.append(len(re.findall(r"(?<!\\)\|", line)))
        else:
            assert len(set(widths)) <= 1
            widths = []


def test_the_html_page_holds_the_same_and_loads_nothing(found: dict[str, Any]) -> None:
    text = page(found)
    assert text.count("<table>") == markdown(found).count("\n| ---") + markdown(found).count("\n| --:")
    assert "<script" not in text and not re.search(r"(src|href)\s*=|url\(\s*['\"]?http|@import", text)
    assert '<td class="missed">missed</td>' in text and "Transformer + 1D curve" in text
    assert 'name="viewport"' in text and "overflow-x: auto" in text


def test_what_stands_in_the_measurements_cannot_break_the_page(found: dict[str, Any]) -> None:
    bad = results(everything(), {"mesh": "<script>alert(1)</script>"})
    assert "<script" not in page(bad) and "&lt;script&gt;" in page(bad)


def test_gaps_between_groups_of_the_default_are_shown() -> None:
    measured = everything()
    gap = {"part": "group gap", "attribute": "light", "figure": "nme_percent", "best": "day", "worst": "dark"}
    gap |= {"difference": 0.5, "low": 0.1, "high": 0.9, "ratio": 1.3, "told": True, "says": "more than chance"}
    measured["smoothing-68"]["rows"] += [gap | {"model": model} for model in ("smoothing_gru_68", "one_euro")]
    text = markdown(results(measured, {}))
    assert "Gaps between groups, smoothing-68, `smoothing_gru_68`:" in text
    assert text.count("| light | nme_percent | day | dark | 0.5 | 0.1 | 0.9 | more than chance |") == 1


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (True, "yes"), (0.12345, "0.123"), (3e-13, "0"), (58_700, "58,700"), (6706, "6706"), (12.0, "12")],
)
def test_numbers_have_three_digits(value: Any, text: str) -> None:
    assert shown(value) == text


def test_the_page_of_the_docs_agrees_with_the_figures_that_are_kept() -> None:
    assert (DOCS / "results.md").read_text(encoding="utf-8") == markdown(read(DOCS / NAME))
