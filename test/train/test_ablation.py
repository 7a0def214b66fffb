from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from train.small_corpus import small_corpus

from face1d_ros.cli.evaluate_ablation import _say_where_the_order_differs
from face1d_ros.nets.families import make_network
from face1d_ros.synth.corpus.fixed_sets import load_small_test_set
from face1d_ros.synth.corpus.reader import Corpus
from face1d_ros.train.ablation import VARIANTS, Run, figures_of, judged, table_runs, window_runs
from face1d_ros.train.recipe import FOLDER, load_recipe

TINY: dict[str, Any] = {"length": 4, "bins": 8, "heads": 1, "window": 3}


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> tuple[Corpus, Corpus]:
    made = [tmp_path_factory.mktemp(split) for split in ("train", "validation")]
    return small_corpus(made[0]), small_corpus(made[1], "validation", 2)


def test_every_row_of_the_paper_is_another_network():
    configurations = [make_network("one_d_former", {"landmarks": 68, **variant.config}).config for variant in VARIANTS]
    assert len(set(configurations)) == len(VARIANTS) == 11
    assert configurations[-1] == make_network("one_d_former", {"landmarks": 68}).config


def test_in_the_paper_the_whole_is_better_than_any_part():
    whole = VARIANTS[-1]
    for variant in VARIANTS[:-1]:
        assert all(
            a <= b for a, b in zip(whole.nrmse + whole.stability, variant.nrmse + variant.stability, strict=True)
        )


def test_each_seed_makes_a_whole_table_before_the_next():
    runs = table_runs(2)
    assert [run.seed for run in runs] == [1] * 11 + [2] * 11
    assert len({run.folder for run in [*runs, *window_runs(2)]}) == 34


def test_a_training_that_is_there_is_not_made_again(corpora: tuple[Corpus, Corpus], tmp_path: Path):
    test = [sequence for sequence in load_small_test_set() if sequence.name.startswith("dropout")][:1]
    shipped = load_recipe(FOLDER / "smoothing_one_d_former_68.yaml")
    recipe = replace(shipped, steps=2, judge_every=2, rows=2, frames=4, config=TINY)
    run = Run("BL+TE", {"intra": False, "inter": False}, 1)
    steps: list[int] = []
    made = figures_of(run, recipe, corpora, test, tmp_path, lambda step: steps.append(step.step))
    again = figures_of(run, recipe, corpora, test, tmp_path, lambda step: steps.append(step.step))
    assert steps == [1, 2] and again == made and set(made) == {"nrmse", "stability"}
    assert made != judged(None, test)


def test_an_order_unlike_the_papers_is_said_where_seeds_do_not_explain_it(capsys: pytest.CaptureFixture[str]):
    def runs(*values: float) -> list[dict[str, float]]:
        return [{"nrmse": value, "stability": 1.0} for value in values]

    _say_where_the_order_differs({"BL": runs(2.0, 2.1), "BL+TE": runs(3.0, 3.1)})
    assert "nrmse: BL is better than BL+TE by 1.000" in capsys.readouterr().out
    _say_where_the_order_differs({"BL": runs(2.0, 4.1), "BL+TE": runs(3.0, 3.5)})
    assert "nowhere" in capsys.readouterr().out
