"""Data that training learns from: what is taken from a folder, and what is made anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from face1d_ros.cli.made_once import AT_ONCE, in_processes, made_once
from face1d_ros.errors import CorpusError

MADE_OF = {"values_version": 1}


class Made:
    """What is kept: a text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def save(self, path: Path) -> None:
        path.write_text(self.text, encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Made:
        return cls(path.read_text(encoding="utf-8"))


def taken(path: Path, text: str, made_of: dict[str, int] = MADE_OF) -> str:
    return made_once(path, made_of, lambda: Made(text), Made.load).text


def test_what_is_there_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "train.npz"
    assert [taken(path, text) for text in ("first", "second")] == ["first", "first"]


def test_what_was_made_of_something_else_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "train.npz"
    taken(path, "first")
    assert taken(path, "second", {"values_version": 2}) == "second"


@pytest.mark.parametrize("note", ["{", "", '{"values_version": 2}', "\udcff", None])
def test_what_nobody_knows_the_making_of_is_made_anew(tmp_path: Path, note: str | None) -> None:
    path, beside = tmp_path / "train.npz", tmp_path / "train_made_of.json"
    taken(path, "first")
    if note is None:
        beside.unlink()
    else:
        beside.write_text(note, encoding="utf-8", errors="surrogateescape")
    assert taken(path, "second") == "second"


def test_processes_give_all_in_order() -> None:
    numbers = range(3, 3 + 2 * AT_ONCE + 1)
    assert in_processes("numbers", numbers, abs, (1,), list) == list(numbers)


def test_a_process_that_dies_is_an_error_of_one_sentence() -> None:
    with pytest.raises(CorpusError, match="a process that made numbers ended unexpectedly"):
        in_processes("numbers", range(3), os._exit, (1,), list)
