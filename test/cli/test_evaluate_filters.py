"""`face1d evaluate filters` on a few sequences of the small test set."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from face1d_ros.cli import evaluate_filters
from face1d_ros.cli.evaluate_filters import command
from face1d_ros.evaluate.frontier import GRIDS
from face1d_ros.synth.corpus.fixed_sets import load_small_test_set


@pytest.fixture(autouse=True, scope="module")
def few_sequences() -> Iterator[None]:
    """The shortest of the small test set, read once."""
    few = tuple(sorted(load_small_test_set(), key=len)[:3])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluate_filters, "load_small_test_set", lambda: few)
        yield


def test_it_prints_the_best_settings_and_writes_all(tmp_path: Path) -> None:
    path = tmp_path / "filters.json"
    options = ["--every", "2", "--filter", "savitzky_golay", "--filter", "mediapipe", "--json", str(path)]
    result = CliRunner().invoke(command, options)
    assert result.exit_code == 0, result.output
    assert "savitzky_golay" in result.output
    written = json.loads(path.read_text())
    assert len(written["rows"]) == 1 + len(GRIDS["savitzky_golay"]) + 1
    assert all(row["jitter_px"] > 0.0 for row in written["rows"])
    assert [row["filter"] for row in written["rows"]][:: len(GRIDS["savitzky_golay"]) + 1] == ["raw", "mediapipe"]


def test_a_beginning_that_no_name_has_is_refused() -> None:
    result = CliRunner().invoke(command, ["--only", "nothing/"])
    assert result.exit_code == 2
    assert "no sequence's name begins with 'nothing/'" in result.output
