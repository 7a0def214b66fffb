"""`face1d train`: what can be said before anything is trained."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from face1d_ros.cli.main import face1d
from face1d_ros.cli.train_run import command_of
from face1d_ros.errors import ConfigFileError
from face1d_ros.train.recipe import FOLDER


def train(*arguments: object) -> Result:
    return CliRunner().invoke(face1d, ["train", *map(str, arguments)])


@pytest.mark.parametrize("task", ["mesh", "smoothing"])
def test_the_recipes_that_ship_are_listed_and_the_default_is_one_of_them(task: str):
    listed = [line.split()[0] for line in train(task, "--list").output.splitlines()]
    assert listed and all((FOLDER / f"{task}_{name}.yaml").is_file() for name in listed)
    help_text = " ".join(train(task, "--help").output.split())
    assert any(f"[default: {name}]" in help_text for name in listed)


@pytest.mark.parametrize("task", ["mesh", "smoothing"])
def test_a_recipe_that_does_not_fit_is_refused(task: str, tmp_path: Path):
    other = {"mesh": "smoothing_gru_68", "smoothing": "mesh_curve_cnn_478"}[task]
    refused = train(task, "--recipe", FOLDER / f"{other}.yaml")
    assert refused.exit_code == 2 and f"not for '{task}'" in refused.output
    assert "expected one of" in train(task, "--model", "nothing").output
    own = tmp_path / "My recipe.yaml"
    own.write_text((FOLDER / "mesh_curve_cnn_478.yaml").read_text())
    assert "only a-z, 0-9 and _" in train(task, "--recipe", own).output
    unknown = tmp_path / "own.yaml"
    unknown.write_text("task: mesh\nfamily: curve_cnn\nstep: 3\n")
    assert isinstance(train(task, "--recipe", unknown).exception, ConfigFileError)


def test_the_network_for_frames_is_asked_for_where_it_is_needed_and_nowhere_else(tmp_path: Path):
    assert "coefficient_lstm needs it" in train("mesh", "--model", "coefficient_lstm_478").output
    checkpoint = tmp_path / "network.safetensors"
    checkpoint.touch()
    assert "no other network" in train("mesh", "--model", "curve_cnn_478", "--frame", checkpoint).output


def test_a_manifest_names_the_command_that_makes_the_network_again():
    assert command_of("mesh", FOLDER / "mesh_curve_cnn_478.yaml") == "face1d train mesh --model curve_cnn_478"
    assert command_of("mesh", Path("/home/own.yaml")) == "face1d train mesh --recipe own.yaml"
