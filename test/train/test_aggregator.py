"""Training of what joins embeddings: on made sequences, beside the running mean, and up to what the stage runs."""

from __future__ import annotations

import dataclasses
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from stages.appearance_bundles import write_embedder
from train.embedding_views import D, made, write

from face1d_ros.cli.train_aggregator import command
from face1d_ros.engines.bundle import load_bundle
from face1d_ros.errors import CorpusError
from face1d_ros.stages.appearance_aggregator import LearnedAggregator
from face1d_ros.stages.appearance_model import FaceEmbedder
from face1d_ros.train.aggregator import Aggregates, aggregates, mean_vectors, new_network
from face1d_ros.train.embedding_sequences import load_sequences, split
from face1d_ros.train.export import export
from face1d_ros.train.loop import train
from face1d_ros.train.recipe import FOLDER, Recipe, load_recipe

SHIPPED = load_recipe(FOLDER / "aggregator_lstm.yaml")
FACTS: dict[str, Any] = {
    "version": "1",
    "trained_on": "synthetic",
    "data": "made",
    "command": "none",
    "seed": 1,
    "figures": {},
    "conditions": "none",
    "not_measured": "everything",
    "licence": "none",
}


def recipe(**changes: Any) -> Recipe:
    given = {"steps": 120, "judge_every": 120, "rows": 12, "frames": 10, "config": {"width": 32}} | changes
    return dataclasses.replace(SHIPPED, **given)


def trained(folder: Path, steps: int = 120, **data: Any) -> tuple[Aggregates, dict[str, float]]:
    task = Aggregates(recipe(steps=steps), *split(made(people=40, views=12, **data)))
    return task, task.judge(train(task, recipe(steps=steps), folder, lambda _: None))


def test_where_bad_views_show_it_learns_to_trust_the_others_and_beats_the_mean_on_other_people(tmp_path: Path) -> None:
    _, figures = trained(tmp_path, bad=0.6)
    assert figures["eer"] < 0.8 * figures["mean_eer"], figures
    assert figures["average_precision"] > figures["mean_average_precision"] + 0.05, figures


def test_where_all_views_are_good_it_is_as_good_as_the_mean(tmp_path: Path) -> None:
    _, figures = trained(tmp_path, steps=30, bad=0.0)
    assert figures["eer"] <= figures["mean_eer"] + 0.005 and figures["mean_eer"] < 0.05, figures


def test_before_training_it_is_the_mean() -> None:
    sequences = made(people=16)
    task = Aggregates(recipe(), *split(sequences))
    figures = task.judge(task.network)
    for name in ("average_precision", "eer", "fnmr_at_1e-2"):
        assert figures[name] == pytest.approx(figures[f"mean_{name}"], abs=1e-6)


def test_nobody_is_judged_who_was_trained_on() -> None:
    training, judged = split(made(people=21))
    assert not set(training.subject) & set(judged.subject)
    assert len(set(judged.subject)) == 5 and len(set(training.subject)) == 16


def test_sequences_of_other_lengths_beside_it_change_nothing() -> None:
    network = new_network(recipe(), D).eval()
    torch.nn.init.normal_(network.worth.weight)
    sequences = made(people=3)
    parts = [sequences.sequence(0), sequences.sequence(5)[:4], sequences.sequence(7)[:9]]
    with torch.inference_mode():
        together = aggregates(network, parts)
        alone = torch.cat([aggregates(network, [part]) for part in parts])
    torch.testing.assert_close(together, alone)


def test_thresholds_are_told_only_at_rates_behind_which_there_are_people() -> None:
    few = Aggregates(recipe(), *split(made(people=13, sequences=2)))
    with pytest.raises(CorpusError, match=r"12 pairs of different people tell no false match rate; bring more people"):
        few.operating_points(few.network)
    points = Aggregates(recipe(), *split(made(people=40)))
    rates, thresholds = zip(*points.operating_points(points.network), strict=True)
    assert rates == (0.1, 0.03, 0.01) and list(thresholds) == sorted(thresholds)


def test_the_bundle_streams_what_the_network_gives_for_the_whole(tmp_path: Path) -> None:
    network = new_network(recipe(), D).eval()
    torch.nn.init.normal_(network.worth.weight)
    settings = {"embeddings_of": "projection 1", "operating_points": [[0.1, 0.5], [0.01, 0.7]]}
    bundle, _ = export(network, tmp_path / "lstm", {**FACTS, "settings": settings}, windows=20)
    views = made(people=1).sequence(0)
    folder = write_embedder(tmp_path / "projection", dimension=D)
    with (
        closing(FaceEmbedder(load_bundle(folder), "onnxruntime", "")) as embedder,
        closing(LearnedAggregator(bundle, "onnxruntime", "", embedder)) as learned,
    ):
        found = learned.of(views)
        again = learned.of(views)
    with torch.inference_mode():
        expected = aggregates(network, [views]).numpy()[0]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_array_equal(found, again)


def test_files_are_read_as_they_are_written_and_brought_to_length_one(tmp_path: Path) -> None:
    sequences = made(people=2)
    found = load_sequences(write(tmp_path / "a.npz", sequences, embeddings=7.0 * sequences.embeddings))
    np.testing.assert_allclose(found.embeddings, sequences.embeddings, atol=1e-6)
    assert (found.model, len(found)) == ("projection 1", len(sequences))
    np.testing.assert_array_equal(found.sequence(3), found.embeddings[found.first[3] : found.first[4]])
    assert mean_vectors(found).shape == (len(found), D)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"embeddings": np.ones((4, 4), np.int64)}, "embeddings of int64"),
        ({"embeddings": np.ones(4, np.float32)}, "embeddings of float32"),
        ({"embeddings": np.zeros((112, 4), np.float32)}, "not finite, or zero"),
        ({"embeddings": np.full((112, 4), np.nan)}, "not finite, or zero"),
        ({"first": np.arange(4)}, "first int64 "),
        ({"first": np.arange(9)[::-1] * 14}, "a `first` that does not rise"),
        ({"subject": np.zeros(8)}, "subject float64"),
        ({"subject": np.zeros((8, 2), np.int64)}, r"subject int64 \(8, 2\)"),
        ({"subject": np.array(8)}, r"subject int64 \(\)"),
        ({"model": np.array(3)}, "model int64"),
        ({"model": np.array("a b", object)}, "Object arrays cannot be loaded"),
    ],
)
def test_a_file_of_something_else_is_refused_and_says_what_belongs_into_it(
    tmp_path: Path, changes: dict[str, Any], says: str
) -> None:
    path = write(tmp_path / "odd.npz", made(people=2), **changes)
    with pytest.raises(CorpusError, match=says) as caught:
        load_sequences(path)
    assert "expected an .npz with embeddings: (R, D) floats" in str(caught.value)


def test_what_is_no_archive_or_lacks_an_array_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.npz").write_text("text")
    np.savez(tmp_path / "less.npz", embeddings=np.ones((4, 4)))
    with (tmp_path / "array.npz").open("wb") as file:
        np.save(file, np.ones((4, 4)))
    with zipfile.ZipFile(tmp_path / "junk.npz", "w") as archive:
        archive.writestr("embeddings", b"junk")
    odd = {"text": "it is no .npz", "array": "it is no .npz", "less": "no array 'first'", "junk": "no array 'embedd"}
    for name, says in odd.items():
        with pytest.raises(CorpusError, match=says):
            load_sequences(tmp_path / f"{name}.npz")


@pytest.mark.parametrize("changes", [{"config": {"depth": 3}}, {"family": "gru", "config": {}}])
def test_a_recipe_that_makes_no_such_network_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(CorpusError, match=r"the recipe makes no network|joins no embeddings"):
        new_network(recipe(**changes), D)


def test_the_command_makes_a_bundle_and_says_when_the_mean_is_as_good(tmp_path: Path) -> None:
    data = write(tmp_path / "mine.npz", made(people=28, views=8, bad=0.0))
    own = tmp_path / "quick.yaml"
    own.write_text("{task: aggregator, family: embedding_lstm, steps: 2, rows: 4, frames: 4, config: {width: 4}}")
    words = ["--embeddings", data, "--recipe", own, "--output", tmp_path / "run"]
    done = CliRunner().invoke(command, [*map(str, words), "--threads", "1"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "mean_eer" in done.output and "leave appearance_aggregator at 'mean'" in done.output
    manifest = load_bundle(tmp_path / "run" / "quick").manifest
    assert (manifest.task, manifest.settings["embeddings_of"]) == ("embedding_aggregator", "projection 1")
    assert manifest.trained_on == "real" and "21 people" in manifest.data and "7 other people" in manifest.conditions
