"""Groups from file to table, on the small test set."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from face1d_ros.cli import smoothing_run
from face1d_ros.cli.main import face1d
from face1d_ros.evaluate.groups import read_groups
from face1d_ros.synth.corpus.fixed_sets import load_small_test_set


def test_the_groups_of_a_corpus_name_each_of_its_sequences(tmp_path: Path) -> None:
    path = tmp_path / "groups.csv"
    assert CliRunner().invoke(face1d, ["evaluate", "groups", "small", str(path)]).exit_code == 0
    names = [sequence.name for sequence in load_small_test_set()]
    found = read_groups(path).assigned(names)
    assert found.left_out == 0 and set(found.group) == {"rate", "image", "head", "half"}
    assert set(found.group["rate"]) == {"slow", "fast"} and len(set(found.person)) > 1


def test_identity_by_group_goes_from_the_file_to_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = tuple(one for one in load_small_test_set() if one.name.startswith("repeated/"))
    monkeypatch.setattr(smoothing_run, "load_small_test_set", lambda: few)
    monkeypatch.delenv("FACE1D_FACE_MODEL", raising=False)
    groups, written = tmp_path / "groups.csv", tmp_path / "identity.json"
    runner = CliRunner()
    assert runner.invoke(face1d, ["evaluate", "groups", "small", str(groups)]).exit_code == 0
    options = ["--models", "identity_n_pair", "--quick", "--groups", str(groups), "--json", str(written)]
    result = runner.invoke(face1d, ["evaluate", "identity", "small", *options])
    assert result.exit_code == 0, result.output
    assert "Equalized odds: half" in result.output and "group odd is too small" in result.output
    rows = json.loads(written.read_text(encoding="utf-8"))["rows"]
    subjects = [row for row in rows if row["part"] == "subject" and row["model"] == "identity_n_pair"]
    by_group = [row for row in rows if row["part"] == "group rates" and row["attribute"] == "half"]
    spotted = [row for row in subjects if row["encoded"] == "spotted"]
    assert sum(row["genuine"] for row in spotted) == sum(row["positives"] for row in by_group)
    assert {row["figure"] for row in rows if row["part"] == "group"} == {"ap", "eer", "fnmr", "fmr"}
