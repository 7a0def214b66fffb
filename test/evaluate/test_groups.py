"""Which group a sequence is of, from the user's file."""

from __future__ import annotations

from pathlib import Path

import pytest

from face1d_ros.errors import GroupsError
from face1d_ros.evaluate.groups import read_groups


def written(folder: Path, text: str) -> Path:
    path = folder / "groups.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_each_sequence_has_its_person_and_a_group_of_each_attribute(tmp_path: Path) -> None:
    path = written(tmp_path, "sequence,person,sex,age\na,ann,f,old\nb,bob,m,\n\n")
    found = read_groups(path).assigned(["b", "a"])
    assert found.person.tolist() == ["bob", "ann"]
    assert {name: group.tolist() for name, group in found.group.items()} == {"sex": ["m", "f"], "age": ["", "old"]}
    assert found.left_out == 0


def test_without_persons_every_sequence_stands_for_itself(tmp_path: Path) -> None:
    found = read_groups(written(tmp_path, "sequence,light\nclips/1,dark\nclips/2,dark\n")).assigned(
        ["clips/1", "clips/2"]
    )
    assert found.person.tolist() == ["clips/1", "clips/2"]


def test_of_patterns_and_names_the_first_line_that_fits_counts(tmp_path: Path) -> None:
    path = written(tmp_path, "sequence,light\nclips/3,day\nclips/*,dusk\nclips/4,night\n")
    found = read_groups(path).assigned(["clips/3", "clips/4", "others/1"])
    assert found.group["light"].tolist() == ["day", "dusk", ""]
    assert found.left_out == 1


def test_a_file_that_names_none_of_the_sequences_is_refused_with_names_that_it_could_have(tmp_path: Path) -> None:
    groups = read_groups(written(tmp_path, "sequence,light\nx,day\n"))
    with pytest.raises(GroupsError, match="none of the 2 sequences measured; expected names such as a, b"):
        groups.assigned(["a", "b"])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "begins with nothing"),
        ("name,light\na,day\n", r"begins with \['name', 'light'\]; expected a table with the columns sequence"),
        ("sequence,person\na,ann\n", "has the columns sequence, person alone"),
        ("sequence,light,light\na,day,day\n", "a name for each column, and each once"),
        ("sequence,light\na\n", "line 2 has 1 values; expected 2"),
        ("sequence,light\n ,day\n", "line 2 names no sequence"),
        ("sequence,light\na,day\na,night\n", "names a more than once"),
    ],
)
def test_another_file_is_refused_with_what_is_wrong(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(GroupsError, match=says):
        read_groups(written(tmp_path, text))


def test_a_file_of_a_spreadsheet_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = tmp_path / "groups.csv"
    path.write_bytes("\ufeffsequence,light\r\na,day\r\n".encode())
    assert read_groups(path).attributes == ("light",)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "groups.csv"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(GroupsError, match="cannot be read"):
        read_groups(path)
