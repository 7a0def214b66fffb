"""`face1d evaluate expression` on a few sequences, without the detector, and what `face1d train expression` offers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

pytest.importorskip("torch", reason="PyTorch is not installed")

from face1d_ros.cli import expression_run, smoothing_run
from face1d_ros.cli.expression_run import contenders
from face1d_ros.cli.main import face1d
from face1d_ros.engines.bundle import shipped_bundles
from face1d_ros.errors import DetectorError, Face1dError, InvalidValueError
from face1d_ros.evaluate.measurement import MeasurementError
from face1d_ros.evaluate.smoothing_tracks import synthetic_track
from face1d_ros.sources.portrait import AnimatedPortrait
from face1d_ros.stages.expression_model import BOTH, DEFAULTS, MESH
from face1d_ros.synth.corpus.fixed_sets import load_small_test_set
from face1d_ros.synth.sequence import ARRAYS, Sequence
from face1d_ros.train.recipe import FOLDER
from face1d_ros.types import Topology

OURS = DEFAULTS[BOTH]
FRAMES = {"expressions/001": 240, "expressions/003": 420, "speech/000": 60, "free/000": 60, "idle/000": 114}
"""At 30 Hz, but for the second one at 120 Hz, which is looked at by slower cameras too."""
TARGETS = {"accuracy", "phase_f1", "onset_ms", "false_per_min", "p50_ms"}


def run(*arguments: str) -> Result:
    return CliRunner().invoke(face1d, ["evaluate", "expression", *arguments])


def beginning(sequence: Sequence, frames: int) -> Sequence:
    return replace(sequence, **{name: getattr(sequence, name)[:frames] for name in ARRAYS})


@pytest.fixture(scope="module")
def few() -> tuple[Sequence, ...]:
    small = {sequence.name: sequence for sequence in load_small_test_set()}
    return tuple(beginning(small[name], frames) for name, frames in FRAMES.items())


@pytest.fixture(scope="module")
def quicker(few: tuple[Sequence, ...]) -> Iterator[pytest.MonkeyPatch]:
    """Without the detector, which is tried elsewhere."""

    def no_detector(*_: object) -> None:
        raise DetectorError("no face detector")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(smoothing_run, "load_small_test_set", lambda: few)
        patch.setattr(expression_run, "QUICK_EVERY", 1)
        patch.setattr(expression_run, "QUICK_TIMED_FRAMES", 3)
        patch.setattr(expression_run, "seen_portrait", no_detector)
        yield patch


@pytest.fixture(scope="module")
def done(quicker: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, dict[str, Any], Path]:
    """A run of both shipped defaults."""
    folder = tmp_path_factory.mktemp("measured")
    both = ("--models", DEFAULTS[MESH], "--models", OURS)
    result = run("--quick", *both, "--json", f"{folder}/m.json", "--pictures", f"{folder}/pictures")
    assert result.exit_code == 0, result.output
    return result, json.loads((folder / "m.json").read_text(encoding="utf-8")), folder


def rows(done: tuple[Result, dict[str, Any], Path], part: str) -> list[dict[str, Any]]:
    return [row for row in done[1]["rows"] if row["part"] == part]


def test_every_model_has_a_row_and_reads_most_of_what_is_shown(done: tuple[Result, dict[str, Any], Path]) -> None:
    found = {row["model"]: row for row in rows(done, "model")}
    assert list(found) == [DEFAULTS[MESH], OURS]
    assert [row["reads"] for row in found.values()] == [MESH, BOTH]
    for row in found.values():
        assert row["accuracy"] > 0.6 and row["phase_f1"] > 0.5
        assert 0.0 < row["p50_ms"] <= row["p99_ms"] and row["mac_m"] > 0.0 and 0.01 < row["size_mb"] < 10.0


def test_the_targets_are_those_of_the_default(done: tuple[Result, dict[str, Any], Path]) -> None:
    ours = next(row for row in rows(done, "model") if row["model"] == OURS)
    targets = done[1]["targets"]
    assert set(targets) == {f"expression.{key}" for key in TARGETS}
    for key in TARGETS:
        assert targets[f"expression.{key}"]["value"] == ours[key]


def test_the_confusion_has_a_row_for_each_class_that_occurs(done: tuple[Result, dict[str, Any], Path]) -> None:
    for model in (OURS, DEFAULTS[MESH]):
        found = [row for row in rows(done, "confusion") if row["model"] == model]
        assert {"neutral", "surprise"} <= {row["true"] for row in found}
        assert all(sum(count for key, count in row.items() if key.startswith("as ")) > 0 for row in found)


def test_the_fastest_sequence_is_seen_by_slower_cameras_too(done: tuple[Result, dict[str, Any], Path]) -> None:
    found = rows(done, "rate")
    assert [row["rate_hz"] for row in found] == [120.0, 60.0, 30.0, 15.0]
    assert {row["model"] for row in found} == {OURS} and all(row["judged"] > 0 for row in found)


def test_what_was_not_measured_is_said(done: tuple[Result, dict[str, Any], Path]) -> None:
    assert "anything behind the real detector: no face detector" in " ".join(done[0].output.split())
    assert not rows(done, "portrait") and not rows(done, "clip")
    assert done[1]["conditions"]["sequences"] == len(FRAMES)
    assert done[1]["conditions"]["timing"].startswith("3 frames at 30 Hz")


def test_a_picture_is_drawn(done: tuple[Result, dict[str, Any], Path]) -> None:
    (picture,) = (done[2] / "pictures").iterdir()
    assert picture.read_bytes().startswith(b"\x89PNG") and picture.name == "expression_confusion.png"


def test_a_folder_of_clips_without_videos_is_refused(
    quicker: pytest.MonkeyPatch, few: tuple[Sequence, ...], tmp_path: Path
) -> None:
    seen = synthetic_track(few[0], Topology.MESH_478).frames[:5]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(smoothing_run, "load_small_test_set", lambda: few[:1])
        patch.setattr(expression_run, "portrait", lambda: (AnimatedPortrait(length=1), ()))
        patch.setattr(expression_run, "seen_portrait", lambda frames: seen)
        refused = run("--quick", "--models", OURS, "--clips", str(tmp_path))
    assert isinstance(refused.exception, Face1dError)
    assert "name a folder of videos" in str(refused.exception)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--models", "mamba"), "one of .*expression_conv_lstm_landmarks"),
        (("--models", "smoothing_gru_68"), "smoothing_gru_68, for smoothing.*expression models"),
        (("--models", OURS, "--models", str(shipped_bundles()[0].parent / OURS)), f"{OURS} more than once"),
        (("nowhere",), "holds no corpus"),
    ],
)
def test_other_models_and_places_are_an_error_of_one_line(
    quicker: None, arguments: tuple[str, ...], says: str, tmp_path: Path
) -> None:
    refused = run("--quick", *(str(tmp_path) if word == "nowhere" else word for word in arguments))
    assert isinstance(refused.exception, Face1dError)
    with pytest.raises(Face1dError, match=says):
        raise refused.exception


def test_a_test_set_without_expressions_is_refused(few: tuple[Sequence, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoothing_run, "load_small_test_set", lambda: few[2:])
    refused = run("--quick")
    assert isinstance(refused.exception, InvalidValueError)
    assert "a test set with sequences of the block expressions" in str(refused.exception)


def test_without_names_all_shipped_models_are_measured() -> None:
    assert set(DEFAULTS.values()) <= {one.name for one in contenders(())}


def test_a_file_that_could_not_be_written_is_refused_before_the_work(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(expression_run, "measure", lambda *_: pytest.fail("the work began"))
    refused = run("--quick", "--json", str(tmp_path / "nowhere" / "m.json"))
    assert isinstance(refused.exception, MeasurementError)
    assert "nowhere' is no folder; name a file in a folder that can be written" in str(refused.exception)


def test_options_of_the_real_datasets_are_told_from_the_others(tmp_path: Path) -> None:
    alone = run("--root", str(tmp_path))
    assert alone.exit_code == 2 and "belong to --dataset" in alone.output
    both = run("--dataset", "ck+", "--root", str(tmp_path), "--quick")
    assert both.exit_code == 2 and "--dataset takes --root" in both.output


def test_the_recipes_that_ship_are_listed_and_the_default_is_one_of_them() -> None:
    listed = CliRunner().invoke(face1d, ["train", "expression", "--list"]).output.splitlines()
    names = [line.split()[0] for line in listed]
    assert {"conv_lstm_mesh", "conv_lstm_landmarks"} <= set(names)
    assert all((FOLDER / f"expression_{name}.yaml").is_file() for name in names)
    help_text = " ".join(CliRunner().invoke(face1d, ["train", "expression", "--help"]).output.split())
    assert any(f"[default: {name}]" in help_text for name in names) and "--corpus" not in help_text
