"""`face1d evaluate identity` on a few sequences, without a face model and without the detector."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from evaluate.identity_bundles import write_encoder
from evaluate.identity_faces import clip

from face1d_ros.cli import identity_eval_clips, identity_eval_run, smoothing_run
from face1d_ros.cli.main import face1d
from face1d_ros.errors import DetectorError, Face1dError, FaceModelMissingError, InvalidValueError
from face1d_ros.evaluate.identity_clips import Clips
from face1d_ros.evaluate.identity_conditions import Wanted
from face1d_ros.evaluate.identity_report import BASELINES, PAPER
from face1d_ros.synth.corpus.fixed_sets import load_small_test_set, select
from face1d_ros.synth.faces.model import VARIABLE
from face1d_ros.synth.sequence import Sequence

TARGETS = {"identity.ap", "identity.f1", "identity.robust_ap_loss", "identity.encode_p50_ms"}
SUBJECTS, MOTIONS, REPETITIONS = ("00", "01"), ("0", "1"), ("00", "01", "02", "03")
"""At 30 Hz all but one."""
SHOWN = Clips(tuple(clip(1, motion, count, block="portrait") for motion in (1, 2) for count in range(2)))
Done = tuple[Result, dict[str, Any], Path]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(face1d, ["evaluate", "identity", *arguments])


@pytest.fixture(scope="module")
def few() -> tuple[Sequence, ...]:
    names = {f"repeated/{s}/{m}/{r}" for s in SUBJECTS for m in MOTIONS for r in REPETITIONS}
    return tuple(one for one in select(load_small_test_set(), "repeated") if one.name in names)


@pytest.fixture(scope="module")
def quicker(few: tuple[Sequence, ...]) -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(smoothing_run, "load_small_test_set", lambda: few)
        patch.setattr(identity_eval_run, "QUICK_TIMED", 2)
        patch.setattr(identity_eval_run, "portrait_clips", lambda *_, **__: SHOWN)
        patch.delenv(VARIABLE, raising=False)
        yield patch


@pytest.fixture(scope="module")
def done(quicker: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """A run of two encoders."""
    folder = tmp_path_factory.mktemp("measured")
    named = [str(write_encoder(folder / name, seed)) for seed, name in enumerate(("one", "two"))]
    both = ("--models", named[0], "--models", named[1])
    result = run("--quick", "--portrait", *both, "--json", f"{folder}/m.json", "--pictures", f"{folder}/pictures")
    assert result.exit_code == 0, result.output
    return result, json.loads((folder / "m.json").read_text(encoding="utf-8")), folder


def rows(done: Done, part: str, **fixed: str) -> list[dict[str, Any]]:
    return [row for row in done[1]["rows"] if row["part"] == part and all(row[k] == v for k, v in fixed.items())]


def test_models_stand_beside_the_paper_and_the_baselines(done: Done) -> None:
    found = rows(done, "figures", test="motions", pairs="within subjects")
    names = [row["model"] for row in found]
    assert names[: len(PAPER)] == [f"paper, {features}" for features, *_ in PAPER]
    assert {"one", "two", *BASELINES} <= set(names)
    ours = [row for row in found if row["model"] == "one"]
    assert [row["encoded"] for row in ours] == ["whole clip", "spotted"]
    assert ours[0]["loss"] == "contrastive" and ours[0]["trimming"] is True


def test_every_contender_is_asked_about_the_same_pairs(done: Done) -> None:
    for pairs, genuine, impostors in (("within subjects", 24, 32), ("across subjects, drawn", 24, 64)):
        found = [row for row in rows(done, "figures", test="motions", pairs=pairs) if "eer" in row]
        assert {row["model"] for row in found} == {"one", "two", *BASELINES}
        assert {(row["genuine"], row["impostors"]) for row in found} == {(genuine, impostors)}
        assert all(0.0 <= row["eer"] <= 1.0 and 0.0 < row["ap"] <= 1.0 for row in found)


def test_conditions_are_tried_on_the_default(done: Done) -> None:
    found = rows(done, "robust")
    assert {row["condition"] for row in found} == {"noise × 2", "15 Hz"} and {row["model"] for row in found} == {"one"}
    assert [row["pairs"] for row in found] == ["both changed", "one changed"] * 2
    assert done[1]["targets"]["identity.robust_ap_loss"]["value"] == max(row["ap_loss"] for row in found)


def test_attempts_are_judged_before_and_after_spotting(done: Done) -> None:
    assert {row["encoded"] for row in rows(done, "case", attempt="another motion")} == {"whole clip", "spotted"}
    assert {row["pairs"] for row in rows(done, "operating point", model="two")} == {
        "within subjects",
        "across subjects",
    }


def test_cost_is_of_each_model(done: Done) -> None:
    found = rows(done, "cost")
    assert [row["model"] for row in found] == ["one", "two"]
    assert all(0.0 < row["p50_ms"] <= row["p95_ms"] and row["tight_p50_ms"] > 0.0 for row in found)


def test_targets_are_all_there(done: Done) -> None:
    targets = done[1]["targets"]
    assert set(targets) == TARGETS
    whole = rows(done, "figures", test="motions", pairs="within subjects", model="one", encoded="whole clip")[0]
    assert targets["identity.ap"]["value"] == whole["ap"] and targets["identity.f1"]["value"] == whole["f1"]


def test_what_was_not_measured_is_said(done: Done) -> None:
    said = " ".join(done[0].output.split())
    for what in ("pairs of flash motions: no 3D face model", "block varied: not in", "block imitated: not in"):
        assert what in said
    assert "ask for them with --lips made" in said
    assert done[1]["conditions"]["clips"]["repeated"] == 16 and done[1]["conditions"]["subjects"] == 2


def test_pictures_are_drawn(done: Done) -> None:
    found = sorted((done[2] / "pictures").iterdir())
    assert [path.name for path in found] == ["identity_det.png", "identity_tsne.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in found)


def test_the_portrait_has_a_row_for_each_model_and_way(done: Done) -> None:
    found = rows(done, "portrait")
    assert [(row["model"], row["encoded"]) for row in found] == [
        (model, way) for model in ("one", "two") for way in ("whole clip", "spotted")
    ]
    assert all(row["clips"] == 4 and (row["same_pairs"], row["other_pairs"]) == (2, 4) for row in found)


def test_without_encoders_and_detector_the_baselines_are_measured(quicker: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def no_detector(*_: object, **__: object) -> Clips:
        raise DetectorError("no face detector")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(identity_eval_run, "bundle_folders", lambda models: [])
        patch.setattr(identity_eval_run, "portrait_clips", no_detector)
        result = run("--quick", "--portrait", "--json", f"{tmp_path}/m.json", "--pictures", f"{tmp_path}")
    said = " ".join(result.output.split())
    assert result.exit_code == 0 and "motion encoders: none comes with this version" in said
    assert "behind the real detector: no face detector" in said
    measured = json.loads((tmp_path / "m.json").read_text(encoding="utf-8"))
    assert set(measured["targets"]) == TARGETS and not any(one["pass"] for one in measured["targets"].values())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--models", "mamba"), "expected one of"),
        (("--models", "expression_cnn_landmarks"), "expression_cnn_landmarks, for expression.*identity model"),
        (("nowhere",), "holds no corpus"),
        (("--lips", "nowhere"), "holds no corpus"),
    ],
)
def test_other_models_and_places_are_an_error_of_one_line(
    quicker: pytest.MonkeyPatch, arguments: tuple[str, ...], says: str, tmp_path: Path
) -> None:
    refused = run("--quick", *(str(tmp_path) if word == "nowhere" else word for word in arguments))
    with pytest.raises(Face1dError, match=says):
        raise refused.exception or AssertionError(refused.output)


def test_lip_movements_cannot_be_made_without_a_face_model(quicker: pytest.MonkeyPatch) -> None:
    refused = run("--quick", "--lips", "made")
    assert isinstance(refused.exception, FaceModelMissingError)


def test_a_test_set_without_repeated_motions_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoothing_run, "load_small_test_set", lambda: select(load_small_test_set(), "idle"))
    refused = run("--quick")
    assert isinstance(refused.exception, InvalidValueError)
    assert "a test set with sequences of the block repeated" in str(refused.exception)


def test_clips_made_in_processes_are_those_made_here(monkeypatch: pytest.MonkeyPatch) -> None:
    source = load_small_test_set()
    wanted = {"some": [Wanted(i) for i, one in enumerate(source) if one.name.startswith("repeated/00/0/")]}
    origin = identity_eval_clips.Origin("small")
    monkeypatch.setattr(smoothing_run, "load_small_test_set", load_small_test_set)  # as in another process
    here = identity_eval_clips.make_clips(origin, wanted, lambda done: None)["some"]
    monkeypatch.setattr(identity_eval_clips, "FEW", 0)
    there = identity_eval_clips.make_clips(origin, wanted, lambda done: None)["some"]
    assert [one.name for one in there.all] == [one.name for one in here.all] and len(here) == 4
    assert all((one.grid_cm == other.grid_cm).all() for one, other in zip(here.all, there.all, strict=True))
