"""`face1d evaluate smoothing`, on a few sequences, with a network that hardly does anything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch

from face1d_ros.cli import smoothing_contenders, smoothing_run
from face1d_ros.cli.main import face1d
from face1d_ros.errors import DetectorError, Face1dError, InvalidValueError
from face1d_ros.evaluate import real_smoothing
from face1d_ros.filters.make import FILTERS
from face1d_ros.nets.families import make_network
from face1d_ros.stages.smoothing_choice import find, make
from face1d_ros.synth.corpus.fixed_sets import load_small_test_set, select
from face1d_ros.train.export import UNTRAINED, write_files
from face1d_ros.types import Topology

LITTLE = 1e-4
POINTS = ("--points", "68")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GRU of 68 landmarks that leaves them nearly as they are."""
    torch.manual_seed(0)
    network = make_network("gru", {"landmarks": 68})
    with torch.no_grad():
        for parameter in network.parameters():
            if not parameter.any():
                parameter.normal_(std=LITTLE)
    folder = tmp_path_factory.mktemp("bundles") / "hardly"
    write_files(network, folder, UNTRAINED)
    return folder


def run(*arguments: str) -> Result:
    return CliRunner().invoke(face1d, ["evaluate", "smoothing", *arguments])


@pytest.fixture(scope="module")
def done(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, dict[str, Any], Path]:
    """A run on five sequences, without the detector."""
    small = load_small_test_set()
    few = tuple(select(small, block)[1] for block in ("smoothing", "occlusion", "dropout"))
    folder = tmp_path_factory.mktemp("measured")

    def no_detector(*_: object) -> None:
        raise DetectorError("no face detector")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(smoothing_run, "load_small_test_set", lambda: few)
        patch.setattr(smoothing_run, "QUICK_GRID", 40)
        patch.setattr(smoothing_run, "QUICK_TIMED_FRAMES", 5)
        patch.setattr(smoothing_run, "PortraitJudge", no_detector)
        files = ("--json", f"{folder}/m.json", "--plot", f"{folder}/plot.png", "--tracks", f"{folder}/tracks.png")
        result = run("--quick", *POINTS, "--models", str(bundle), *files)
    assert result.exit_code == 0, result.output
    return result, json.loads((folder / "m.json").read_text(encoding="utf-8")), folder


def test_there_is_a_row_for_raw_every_filter_and_every_network(done: tuple[Result, dict[str, Any], Path]) -> None:
    rows = [row for row in done[1]["rows"] if row["part"] == "smoother"]
    assert [row["model"] for row in rows] == ["raw", *FILTERS, "hardly"]
    for row in rows:
        assert row["nme_percent"] > 0.0
        assert (row["p50_ms"] is None) == (row["kind"] == "raw")
        assert (row["mac_m"] is None) == (row["kind"] != "network")


def test_every_smoother_has_its_seven_verdicts(done: tuple[Result, dict[str, Any], Path]) -> None:
    verdicts = [row for row in done[1]["rows"] if row["part"] == "verdict"]
    assert len(verdicts) == 7 * (2 + len(FILTERS))
    assert {row["pass"] for row in verdicts if row["verdict"] == "Mesh error"} == {None}


def test_a_network_that_does_nothing_fails_its_targets_and_costs_little(
    done: tuple[Result, dict[str, Any], Path],
) -> None:
    targets = done[1]["targets"]
    assert len(targets) == 10
    assert targets["smoothing.jitter_ratio"]["value"] == pytest.approx(1.0, abs=0.02)
    assert not targets["smoothing.jitter_ratio"]["pass"]
    assert targets["smoothing.size_mb"]["pass"]


def test_what_the_detector_would_have_told_is_written_as_not_measured(
    done: tuple[Result, dict[str, Any], Path],
) -> None:
    result, measured, _ = done
    assert "no face detector" in result.output
    for key in ("smoothing.onset_delay_frames", "smoothing.blink_depth"):
        assert measured["targets"][key] | {"target": 0} == {"value": None, "target": 0, "pass": False}
    assert measured["conditions"]["not_measured"] == ["anything behind the real detector: no face detector"]


def test_faces_outside_the_face_model_have_a_row(done: tuple[Result, dict[str, Any], Path]) -> None:
    (row,) = (row for row in done[1]["rows"] if row["part"] == "other faces")
    assert row["nme_ratio"] == pytest.approx(1.0, abs=0.02)


def test_both_pictures_are_drawn(done: tuple[Result, dict[str, Any], Path]) -> None:
    for name in ("plot.png", "tracks.png"):
        assert (done[2] / name).read_bytes().startswith(b"\x89PNG")


def test_networks_of_other_landmarks_are_refused_by_name(bundle: Path) -> None:
    with pytest.raises(InvalidValueError, match=r"hardly: smoothing of 68 landmarks.*smoothers of 478 landmarks"):
        smoothing_contenders.choose((str(bundle),), Topology.MESH_478)


def test_a_folder_of_bundles_gives_all_of_those_that_fit(bundle: Path) -> None:
    contenders, default = smoothing_contenders.choose((str(bundle.parent),), Topology.FACE_68)
    assert [one.name for one in contenders] == [*FILTERS, "hardly"]
    assert default.model == str(bundle)
    with pytest.raises(InvalidValueError, match="none that fits"):
        smoothing_contenders.choose((str(bundle.parent),), Topology.MESH_478)


def test_without_any_network_there_is_nothing_to_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoothing_contenders, "bundle_folders", lambda names: [])
    with pytest.raises(InvalidValueError, match="a bundle that smooths 478 landmarks"):
        smoothing_contenders.choose((), Topology.MESH_478)


def test_the_default_is_the_first_that_is_named(bundle: Path) -> None:
    assert smoothing_contenders.choose((str(bundle),), Topology.FACE_68)[1].model == str(bundle)


@pytest.mark.parametrize("topology", [Topology.FACE_68, Topology.MESH_478])
def test_without_names_the_default_is_the_one_that_the_node_takes(topology: Topology) -> None:
    taken = make(find("auto"), topology, "onnxruntime")
    assert taken.model.split()[0] == smoothing_contenders.choose((), topology)[1].name
    taken.close()


def test_a_corpus_that_is_not_there_is_an_error_of_one_line(tmp_path: Path) -> None:
    result = run(str(tmp_path / "nowhere"))
    assert isinstance(result.exception, Face1dError)
    assert "holds no corpus" in str(result.exception)


def test_a_folder_of_clips_without_videos_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Face1dError, match="name a folder of videos"):
        real_smoothing.clips(tmp_path)
