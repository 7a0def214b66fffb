"""`face1d evaluate mesh`, on one sequence, with a network that knows nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result
from synth.small_face import ICT_PACK

pytest.importorskip("torch", reason="PyTorch is not installed")

from face1d_ros.cli import mesh_contenders, mesh_run
from face1d_ros.cli.main import face1d
from face1d_ros.cli.mesh_contenders import default_of, networks
from face1d_ros.cli.mesh_input import check_face_model
from face1d_ros.errors import CorpusError, Face1dError, InvalidValueError
from face1d_ros.evaluate import mesh, mesh_prior
from face1d_ros.evaluate.asymmetry import AsymmetryFigures
from face1d_ros.evaluate.mesh_report import NETWORK, Contender, capture_rows, targets, visible
from face1d_ros.evaluate.real_mesh import CURVES, Curves, correlated
from face1d_ros.stages.mesh_model import DEFAULT
from face1d_ros.synth.faces.model import load_face_model
from face1d_ros.synth.faces.point_model import PointModel, point_model
from face1d_ros.synth.motion.units import COEFFICIENTS
from face1d_ros.train.export import UNTRAINED, untrained, write_files

needs_ict = pytest.mark.skipif(not ICT_PACK.is_file(), reason=f"ICT-FaceKit's pack is not at {ICT_PACK}")
CAPTURE = ICT_PACK.parents[1] / "arkit_motion" / "arkit_take.csv"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(face1d, ["evaluate", "mesh", *arguments, "--face-model", str(ICT_PACK)])


@pytest.fixture(scope="module")
def points() -> PointModel:
    return point_model(load_face_model(ICT_PACK))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory, points: PointModel) -> Path:
    return write_bundle(tmp_path_factory.mktemp("bundles") / "nothing", points, points.source_name)


def write_bundle(folder: Path, points: PointModel, basis: str) -> Path:
    """Random weights, for coefficients of a face model of this name."""
    from face1d_ros.train.mesh_facts import basis_settings

    settings = {**basis_settings(points), "basis": basis}
    torch.manual_seed(1)
    network = untrained("curve_cnn", {"landmarks": 478, "hidden": 8, "channels": (4, 4, 4)})
    write_files(network.eval(), folder, {**UNTRAINED, "settings": settings})
    return folder


@pytest.fixture
def quicker() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mesh_run, "QUICK_SEQUENCES", 1)
        patch.setattr(mesh_run, "QUICK_TIMED_FRAMES", 2)
        patch.setattr(mesh, "SAMPLES", 1)
        patch.setattr(mesh_prior, "GRID_ERRORS_MM", (16.0, 4000.0))
        patch.setattr(mesh_prior, "GRID_OTHERS", (1.0,))
        yield


@needs_ict
def test_a_network_that_knows_nothing_loses_and_what_is_not_measured_is_said(
    bundle: Path, tmp_path: Path, quicker: None
) -> None:
    files = ("--json", str(tmp_path / "m.json"), "--pictures", str(tmp_path / "pictures"), "--capture", str(CAPTURE))
    done = run("--quick", "--coefficients", "--models", str(bundle), *files)
    assert done.exit_code == 0, done.output
    measured: dict[str, Any] = json.loads((tmp_path / "m.json").read_text(encoding="utf-8"))
    rows = {row["model"]: row for row in measured["rows"] if row["part"] == "model"}
    assert list(rows) == ["ridge", "nothing"]
    assert rows["ridge"]["error_mm_frame"] < 2.0 < rows["nothing"]["error_mm_frame"]
    assert rows["ridge"]["size_mb"] is None and rows["nothing"]["p50_ms"] > 0.0
    wanted = measured["targets"]
    assert wanted["mesh.ridge_ratio"]["value"] > 1.0 and not wanted["mesh.ridge_ratio"]["pass"]
    assert wanted["asymmetry.spearman"] == {"value": None, "target": 0.95, "pass": False}
    assert len([row for row in measured["rows"] if row["part"] == "coefficient"]) == 2 * len(COEFFICIENTS)
    captured = {
        row["curve"]: row["correlation"] for row in measured["rows"] if row["model"] == "ridge" and "curve" in row
    }
    assert set(captured) == set(CURVES) and captured["blink"] > 0.9
    for name in ("mesh_error.png", "mesh_coefficients.png", "mesh_capture.png"):
        assert (tmp_path / "pictures" / name).read_bytes().startswith(b"\x89PNG")
    for said in (
        "MAP: name training data",
        "real video: name a folder",
        "asymmetry: left out by --quick",
        "browDown_L",
    ):
        assert said in done.output


@needs_ict
def test_the_grid_tells_which_ridge_is_best(tmp_path: Path, quicker: None) -> None:
    done = run("--quick", "--grid", "--input", "raw", "--json", str(tmp_path / "grid.json"))
    assert done.exit_code == 0, done.output
    rows = json.loads((tmp_path / "grid.json").read_text(encoding="utf-8"))["rows"]
    assert [row["error_mm"] for row in rows] == [16.0, 4000.0]
    assert rows[0]["mesh_mm"] < rows[1]["mesh_mm"]


@needs_ict
def test_models_of_other_tasks_and_face_models_are_refused_by_name(points: PointModel, tmp_path: Path) -> None:
    other = write_bundle(tmp_path / "other", points, "FLAME")
    with pytest.raises(InvalidValueError, match="other: coefficients of FLAME"):
        networks((str(other),), points)
    with pytest.raises(InvalidValueError, match="a model for smoothing"):
        networks(("smoothing_gru_68",), points)


@needs_ict
def test_a_folder_without_a_corpus_is_an_error_of_one_line(tmp_path: Path) -> None:
    done = run(str(tmp_path))
    assert isinstance(done.exception, Face1dError)
    assert "holds no corpus" in str(done.exception)


@needs_ict
def test_a_corpus_of_another_face_model_is_refused(points: PointModel, tmp_path: Path) -> None:
    from train.small_corpus import small_corpus

    with pytest.raises(CorpusError, match="holds 68 landmarks of tiny; expected 478 of ICT-FaceKit"):
        check_face_model(small_corpus(tmp_path, sequences=1, seconds=1.0), points)


def test_the_default_is_the_one_the_node_takes_or_the_first_that_is_named() -> None:
    some = tuple(Contender(name, NETWORK) for name in ("other", DEFAULT))
    found = default_of(some, is_named=True)
    assert found is not None and found.name == DEFAULT
    assert default_of(some[:1], is_named=True) is some[0]
    assert default_of(some[:1], is_named=False) is None


def test_a_closed_form_is_no_stage_of_the_node() -> None:
    with pytest.raises(InvalidValueError, match="a network"):
        mesh_contenders.stage_of(Contender("ridge", "closed form"), None)  # type: ignore[arg-type]


def test_targets_are_the_defaults_beside_ridge() -> None:
    ridge = {"error_mm_frame": 2.0, "flicker": 0.01}
    keys = ("error_mm_3s", "rotation_deg", "correlation", "p50_ms")
    ours = {**dict.fromkeys(keys, 0.95), "error_mm_frame": 1.0, "flicker": 0.006}
    found = targets(ours, ridge, AsymmetryFigures(0.96, 1.0, 0, (), (), ()))
    assert found["mesh.ridge_ratio"].value == 0.5 and found["mesh.flicker_ratio"].value == pytest.approx(0.6)
    assert {key for key, target in found.items() if not target.passed} == {"mesh.flicker_ratio"}
    assert all(target.value is None and not target.passed for target in targets(None, ridge, None).values())


def test_what_moves_along_the_line_of_sight_does_not_count_as_visible() -> None:
    assert visible(("jawOpen", "jawForward", "cheekPuff_L", "unknown")) == ("jawOpen",)


def test_captures_pass_from_their_mean_on_and_show_their_worst() -> None:
    curves = [Curves("x", None, {}, {}, dict.fromkeys(CURVES, value)) for value in (0.88, 0.96)]  # type: ignore[arg-type]
    row = capture_rows("one", curves)[0]
    assert row["correlation"] == pytest.approx(0.92) and row["least"] == 0.88 and row["pass"]


def test_what_never_changes_has_no_correlation() -> None:
    import numpy as np

    rising = np.arange(5.0)
    assert correlated(rising, 3.0 - 2.0 * rising) == pytest.approx(-1.0)
    assert np.isnan(correlated(rising, np.ones(5)))
