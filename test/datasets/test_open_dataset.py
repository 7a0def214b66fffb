"""Choosing a dataset, its card, and folds without a common subject."""

from __future__ import annotations

from pathlib import Path

import pytest
from dataset_trees import write_image

from face1d_ros.datasets import DATASETS, cards, open_dataset
from face1d_ros.datasets.base import RealSequence
from face1d_ros.datasets.images import ImageFiles
from face1d_ros.datasets.splits import cross_validation, subject_folds
from face1d_ros.errors import DatasetMissingError, InvalidValueError, UnknownKeyError


def test_every_dataset_says_what_it_is_for_and_where_it_is() -> None:
    assert [card.name for card in cards()] == list(DATASETS)
    for card in cards():
        assert card.where.startswith("http") and card.licence and card.layout and card.purpose and card.content


@pytest.mark.parametrize("name", DATASETS)
def test_a_folder_that_is_not_there_is_told_with_the_source(name: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetMissingError, match=r"is no folder.*get it from http"):
        open_dataset(name, tmp_path / "nowhere")


@pytest.mark.parametrize("name", DATASETS)
def test_an_empty_folder_holds_nothing(name: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetMissingError, match=r"holds nothing of it.*get it from http"):
        open_dataset(name, tmp_path)
    dataset = open_dataset(name, tmp_path, partial=True)
    assert list(dataset.sequences()) == []
    with pytest.raises(InvalidValueError, match=f"split of {name}".replace("+", r"\+")):
        list(dataset.sequences("no such split"))


def test_an_unknown_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownKeyError, match="did you mean '300vw'"):
        open_dataset("300-vw", tmp_path)


def sequences(folder: Path, subjects: int) -> list[RealSequence]:
    image = ImageFiles([write_image(folder / "face.png")])
    return [
        RealSequence(name=f"{subject}/{take}", images=image, subject=f"S{subject:03d}")
        for subject in range(subjects)
        for take in range(2)
    ]


def test_ten_folds_never_share_a_subject(tmp_path: Path) -> None:
    every = sequences(tmp_path, 23)
    folds = list(cross_validation(every))
    assert [fold.number for fold in folds] == list(range(1, 11))
    tested = [one.name for fold in folds for one in fold.test]
    assert sorted(tested) == sorted(one.name for one in every), "each once"
    for fold in folds:
        assert not {one.subject for one in fold.train} & {one.subject for one in fold.test}
        assert len(fold.train) + len(fold.test) == len(every)


def test_folds_take_every_tenth_subject_by_name() -> None:
    names = [f"S{number:03d}" for number in range(25, 0, -1)]
    folds = subject_folds(names, 10)
    assert folds[0] == ("S001", "S011", "S021") and folds[9] == ("S010", "S020")


def test_folds_need_enough_subjects_and_their_names(tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError, match="the number of subjects"):
        subject_folds(["a", "b"], 3)
    unnamed = RealSequence(name="1", images=ImageFiles([]))
    with pytest.raises(InvalidValueError, match="subject is known"):
        list(cross_validation([*sequences(tmp_path, 10), unnamed]))
