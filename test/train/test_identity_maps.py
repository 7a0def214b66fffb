"""Training of motion encoders on features of a crop, from clips that a user brings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from face1d_ros.cli.train_identity import command
from face1d_ros.engines.bundle import load_bundle
from face1d_ros.errors import CorpusError
from face1d_ros.stages.identity_model import EncoderRunner
from face1d_ros.train.identity_maps import MapClips, MapMotions, load_map_clips, new_network
from face1d_ros.train.loop import train
from face1d_ros.train.recipe import FOLDER, Recipe, load_recipe

SMALL = {"spatial": "maps", "width": 8, "inner": 8, "embedding": 8, "heads": 2, "layers": 1, "dropout": 0.0}
LENGTH = 8


def recipe(**changes: Any) -> Recipe:
    given = {"steps": 20, "judge_every": 20, "rows": 2, "rate": 2e-2, "loss": "n_pair", "config": SMALL} | changes
    return Recipe(task="identity", family="motion_encoder", landmarks=68, **given)


def made(seed: int = 1, people: int = 8, motions: int = 3, repetitions: int = 5) -> MapClips:
    """A motion is where in the map and on which channels something rises and falls."""
    rng = np.random.default_rng(seed)
    way = np.sin(np.linspace(0.0, np.pi, LENGTH))[:, None, None, None]
    maps, numbers = [], []
    for person in range(people):
        for motion in range(motions):
            what = 4.0 * np.roll(np.repeat([1.0, 0.0], [64, 448]), 64 * rng.integers(8))[:, None, None]
            where = (rng.random((7, 7)) < 0.3) + 0.1
            for _ in range(repetitions):
                noise = 0.2 * rng.standard_normal((LENGTH, 512, 1, 1)).astype(np.float16)
                maps.append((way * what * where + noise).astype(np.float16))
                numbers.append((person, motion))
    subject, motion = np.array(numbers, np.int64).T
    return MapClips(np.concatenate(maps), np.arange(len(maps) + 1, dtype=np.int64) * LENGTH, subject, motion)


@pytest.fixture(scope="module")
def clips() -> MapClips:
    return made()


def write(path: Path, clips: MapClips, **changes: Any) -> Path:
    np.savez(path, **{**{name: getattr(clips, name) for name in ("maps", "first", "subject", "motion")}, **changes})
    return path


def run(*words: object) -> Result:
    return CliRunner().invoke(command, [str(word) for word in words])


def test_training_tells_motions_of_other_people_apart(clips: MapClips, tmp_path: Path) -> None:
    task = MapMotions(recipe(), clips)
    before = task.judge(task.network.eval())
    figures = task.judge(train(task, recipe(), tmp_path, lambda _: None))
    assert figures["average_precision"] > max(0.7, before["average_precision"] + 0.02), (before, figures)


def test_every_fourth_person_is_held_out_and_thresholds_rise(clips: MapClips) -> None:
    task = MapMotions(recipe(), clips)
    assert task.people == (6, 2)
    rates, thresholds = zip(*task.operating_points(task.network.eval()), strict=True)
    assert rates == (0.1, 0.03) and list(thresholds) == sorted(thresholds)


def test_clips_are_cut_at_random_and_only_where_the_recipe_says_so(clips: MapClips) -> None:
    def lengths(*, trimming: bool) -> set[int]:
        task = MapMotions(recipe(trimming=trimming), clips)
        rng = np.random.default_rng(1)
        return {len(task._trimmed(rng, clips.clip(0))) for _ in range(30)}

    assert lengths(trimming=False) == {LENGTH} and lengths(trimming=True) == {LENGTH - 2, LENGTH - 1, LENGTH}


def test_too_few_people_and_pairs_are_refused(clips: MapClips) -> None:
    with pytest.raises(CorpusError, match="7 people, expected 8 at least"):
        MapMotions(recipe(), made(people=7, motions=1, repetitions=1))
    few = MapMotions(recipe(), made(motions=2, repetitions=2))
    with pytest.raises(CorpusError, match="8 and 16 impostor pairs within and across people"):
        few.operating_points(few.network)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"maps": np.zeros((960, 512, 7, 7), np.float64)[:8]}, "maps of float64"),
        ({"maps": np.zeros((8, 256, 7, 7), np.float16)}, "maps of float16"),
        ({"subject": np.zeros(120)}, "first, subject and motion of"),
        ({"motion": np.zeros(3, np.int64)}, "3 motion"),
        ({"first": np.arange(121)}, "does not rise from 0 to G by 6"),
    ],
)
def test_files_of_something_else_are_refused_and_say_what_belongs_into_them(
    clips: MapClips, tmp_path: Path, changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(CorpusError, match=says) as caught:
        load_map_clips(write(tmp_path / "odd.npz", clips, **changes))
    assert "expected an .npz with maps: (G, 512, 7, 7) float16" in str(caught.value)


def test_the_shipped_recipe_makes_a_network_that_reads_features() -> None:
    shipped = load_recipe(FOLDER / "identity_maps.yaml")
    assert [named.name for named in new_network(shipped).inputs()] == ["maps", "mask"]
    with pytest.raises(CorpusError, match="reads no features"):
        new_network(load_recipe(FOLDER / "identity_n_pair.yaml"))


def test_features_and_a_recipe_that_reads_them_go_together(clips: MapClips, tmp_path: Path) -> None:
    data = write(tmp_path / "mine.npz", clips)
    for words in (("--model", "n_pair", "--maps", data), ("--model", "maps")):
        done = run(*words, "--output", tmp_path / "run")
        assert done.exit_code == 2 and "--model maps --maps FILE.npz" in done.output


def test_the_command_makes_a_bundle_that_the_stage_takes(clips: MapClips, tmp_path: Path) -> None:
    own = tmp_path / "quick.yaml"
    own.write_text(
        "{task: identity, family: motion_encoder, loss: n_pair, steps: 1, rows: 1, judge_every: 1, config: "
        "{spatial: maps, width: 8, inner: 8, embedding: 8, heads: 2, layers: 1}}"
    )
    data = write(tmp_path / "mine.npz", clips)
    done = run("--recipe", own, "--maps", data, "--output", tmp_path / "run", "--threads", 1)
    assert done.exit_code == 0, (done.output, done.exception)
    bundle = load_bundle(tmp_path / "run" / "quick")
    assert bundle.manifest.settings["spatial"] == "maps" and "2 other people" in bundle.manifest.conditions
    runner = EncoderRunner(bundle, "onnxruntime", "")
    assert runner.reads_maps and runner.dimension == 8
    runner.close()
