"""`face1d models`, and what `face1d doctor` says of the bundles."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from engines.tiny_bundle import write_bundle

from face1d_ros.cli import models
from face1d_ros.cli.checks import Level
from face1d_ros.cli.checks import models as checks
from face1d_ros.engines import bundle as bundles


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    figures = {"nme_percent": 1.5, "jitter_px": 0.7, "lag_frames": 0.2}
    write_bundle(tmp_path / "sound", figures=figures, trained_on="synthetic", conditions="test set 3", mac=60_000_000)
    return tmp_path


def damaged(folder: Path) -> Path:
    path = write_bundle(folder / "damaged")
    (path / "model.onnx").write_bytes(b"something else")
    return path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(models.command, arguments, catch_exceptions=False)


def test_the_list_says_what_a_model_is_and_where_its_figures_come_from(folder: Path):
    result = run("--folder", str(folder))
    assert result.exit_code == 0
    for said in ("leaky_sum", "fp32", "synthetic", "Apache-2.0", "nme_percent 1.5", "(test set 3)", "not measured:"):
        assert said in result.output


def test_a_bundle_that_is_refused_is_listed_as_such(folder: Path):
    damaged(folder)
    result = run("--folder", str(folder))
    assert result.exit_code == 1
    assert "leaky_sum" in result.output and "refused" in result.output and "SHA-256 of model.onnx" in result.output


def test_the_page_of_a_model_has_all_seven_verdicts(folder: Path):
    result = run("--folder", str(folder), "show", "sound")
    assert result.exit_code == 0
    lines = {line.split("  ")[0].strip(): line for line in result.output.splitlines()}
    verdicts = {"NME": "yes", "Jitter index": "no", "FLOPs a frame (2 · MAC)": "no", "Model size": "yes"}
    for name, passed in verdicts.items():
        assert f" {passed} " in lines[name], lines[name]
    for name in ("Accuracy", "Latency", "Mesh error"):
        assert "yes" not in lines[name] and " no " not in lines[name]
    assert "faces × 3" in result.output and "(memory, from state_out)" in result.output
    assert "lag_frames" in result.output


def test_verify_runs_the_golden_inputs(folder: Path):
    result = run("--folder", str(folder), "verify")
    assert result.exit_code == 0
    assert "ok       sound: sha256" in result.output and "golden run within" in result.output


def test_verify_ends_with_1_if_a_bundle_is_refused(folder: Path):
    path = damaged(folder)
    for arguments in (("--folder", str(folder), "verify"), ("verify", str(path))):
        result = run(*arguments)
        assert result.exit_code == 1
        assert "refused" in result.output


def test_a_model_nobody_knows_is_refused_with_those_that_are_known(folder: Path):
    with pytest.raises(Exception, match=r"model: got 'sounds', expected one of sound$"):
        run("--folder", str(folder), "show", "sounds")


def test_no_bundles_are_said(tmp_path: Path):
    assert f"no model bundles in {tmp_path}" in run("--folder", str(tmp_path)).output


def test_doctor_says_which_bundle_is_damaged(folder: Path, monkeypatch: pytest.MonkeyPatch):
    damaged(folder)
    share = folder / "share"
    share.mkdir()
    folder.joinpath("models").mkdir()
    for name in ("sound", "damaged"):
        (folder / name).rename(folder / "models" / name)
    monkeypatch.setattr(bundles, "share_dir", lambda: folder)
    found = {check.name: check for check in checks.bundles()}
    assert found["Model sound"].level is Level.OK
    assert found["Model damaged"].level is Level.PROBLEM
    assert "SHA-256 of model.onnx" in found["Model damaged"].found


def test_doctor_notes_that_no_bundle_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bundles, "share_dir", lambda: tmp_path)
    (check,) = checks.bundles()
    assert check.level is Level.NOTE
