from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from train.small_corpus import small_corpus

from face1d_ros.cli.main import face1d
from face1d_ros.engines.bundle import load_bundle
from face1d_ros.errors import ConfigFileError, TrainingError
from face1d_ros.synth.corpus.reader import Corpus
from face1d_ros.train import loop
from face1d_ros.train.loop import HISTORY, STATE, Progress, train
from face1d_ros.train.recipe import FOLDER, Data, Recipe, load_recipe, recipe_names, recipe_of
from face1d_ros.train.smoothing import Smoothing
from face1d_ros.train.state import load_state

SMALL: dict[str, Any] = {"part": 8, "width": 8, "hidden": 4, "rank": 4, "bends": 4}


def recipe(**changes: Any) -> Recipe:
    given = {"steps": 8, "rows": 4, "frames": 5, "judge_every": 4, "landmarks": 68, "config": SMALL} | changes
    return Recipe(task="smoothing", family="gru", **given)


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> tuple[Corpus, Corpus]:
    folder = tmp_path_factory.mktemp("corpora")
    for split, count in (("train", 8), ("validation", 2)):
        (folder / split).mkdir()
        small_corpus(folder / split, split, count)
    return Corpus(folder / "train"), Corpus(folder / "validation")


def weights(corpora: tuple[Corpus, Corpus], folder: Path, tell: Any = lambda step: None, **changes: Any) -> Any:
    folder.mkdir(exist_ok=True)
    made = recipe(**changes)
    return train(Smoothing(made, *corpora), made, folder, tell).state_dict()


def test_training_makes_landmarks_steadier(corpora: tuple[Corpus, Corpus], tmp_path: Path):
    told: list[Progress] = []
    weights(corpora, tmp_path, told.append, steps=60, rate=1e-2, judge_every=60, rows=8)
    assert [step.step for step in told] == list(range(1, 61))
    assert told[-1].figures is not None and told[-1].figures["jitter_ratio"] < 0.9
    assert [json.loads(line)["step"] for line in (tmp_path / HISTORY).read_text().splitlines()] == [60]


def test_a_run_that_was_broken_off_ends_with_the_same_weights(
    corpora: tuple[Corpus, Corpus], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(loop, "SAVE_EVERY", 3)
    whole = weights(corpora, tmp_path / "whole")

    def stop(step: Progress) -> None:
        if step.step == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        weights(corpora, tmp_path / "broken", stop)
    assert load_state(tmp_path / "broken" / STATE)[0]["step"] == "3"
    again = weights(corpora, tmp_path / "broken")
    assert all(torch.equal(again[name], tensor) for name, tensor in whole.items())


def test_a_folder_of_another_recipe_is_refused(corpora: tuple[Corpus, Corpus], tmp_path: Path):
    weights(corpora, tmp_path, steps=1)
    with pytest.raises(TrainingError, match="another recipe"):
        weights(corpora, tmp_path, steps=2)


def test_a_loss_that_is_not_finite_ends_the_training(corpora: tuple[Corpus, Corpus], tmp_path: Path):
    with pytest.raises(TrainingError, match="lower rate"):
        weights(corpora, tmp_path, weights={"error": float("inf")})


class TestRecipe:
    @pytest.mark.parametrize("name", recipe_names("smoothing"))
    def test_all_that_ship_are_read(self, name: str):
        read = load_recipe(FOLDER / f"smoothing_{name}.yaml")
        assert name.startswith(read.family) and name.endswith(str(read.landmarks)) and read.task == "smoothing"
        assert read.data.seed != 20_260_001

    @pytest.mark.parametrize(
        ("content", "says"),
        [
            ("{task: smoothing, family: gru, colour: red}", "unknown colour"),
            ("{task: smoothing, family: gru, steps: many}", "steps: got 'many'"),
            ("{task: smoothing, family: gru, steps: 0}", "counts from 1"),
            ("{task: smoothing, family: gru, data: {sequences: x}}", "sequences: got 'x'"),
            ("{task: smoothing, family: gru, data: 3}", "data: got int"),
            ("{family: gru}", "task"),
            ("[1]", "got list"),
            ("{", "expected"),
        ],
    )
    def test_one_that_makes_no_sense_is_refused(self, tmp_path: Path, content: str, says: str):
        path = tmp_path / "recipe.yaml"
        path.write_text(content)
        with pytest.raises(ConfigFileError, match=says):
            load_recipe(path)

    def test_it_is_made_again_from_its_plain_values(self):
        made = recipe(data=Data(sequences=3))
        assert recipe_of(json.loads(json.dumps(made.to_json()))) == made


class TestCommand:
    def test_the_recipes_are_listed(self):
        result = CliRunner().invoke(face1d, ["train", "smoothing", "--list"])
        assert result.exit_code == 0 and "gru_478" in result.output

    def test_a_model_without_a_recipe_is_refused(self):
        result = CliRunner().invoke(face1d, ["train", "smoothing", "--model", "mamba"])
        assert result.exit_code == 2 and "expected one of" in result.output and "gru_478" in result.output

    def test_it_ends_with_a_bundle(self, corpora: tuple[Corpus, Corpus], tmp_path: Path):
        path = tmp_path / "smoothing_tiny.yaml"
        path.write_text(json.dumps(recipe().to_json()))
        arguments = ["train", "smoothing", "--recipe", str(path), "--corpus", str(corpora[0].folder.parent)]
        result = CliRunner().invoke(face1d, [*arguments, "--output", str(tmp_path / "run"), "--threads", "1"])
        assert result.exit_code == 0, result.output
        manifest = load_bundle(tmp_path / "run" / "smoothing_tiny").manifest
        assert manifest.trained_on == "synthetic" and set(manifest.figures) >= {"nme_ratio", "jitter_ratio"}
        assert recipe_of(manifest.settings["recipe"]) == recipe()
