"""Paths that users write, where the files are, and which variable gives Fast DDS its profile."""

from __future__ import annotations

from pathlib import Path

import pytest

from face1d_ros import paths
from face1d_ros.errors import PathError


def test_a_profile_of_the_user_is_left_alone() -> None:
    for variable in (paths.FAST_DDS_2, paths.FAST_DDS_3):
        assert paths.dds_profile_environment({variable: "/own.xml"}) == {}


@pytest.mark.parametrize(
    ("library", "variable"), [("libfastrtps.so.2.14", paths.FAST_DDS_2), ("libfastdds.so.3.2", paths.FAST_DDS_3)]
)
def test_the_profile_goes_by_the_variable_of_the_installed_fast_dds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str, variable: str
) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / library).touch()
    monkeypatch.setattr("sys.prefix", "/nowhere")
    environment = paths.dds_profile_environment({"AMENT_PREFIX_PATH": str(tmp_path)})
    assert list(environment) == [variable]
    assert Path(environment[variable]).is_file()


def test_a_path_is_made_fit_for_use_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert paths.user_path("~/x") == Path("/home/me/x")
    assert paths.utf8_path(Path("/a/café")) == "/a/café"
    with pytest.raises(PathError, match="nobody here is called 'no_such_user'; write the folder in full"):
        paths.user_path("~no_such_user/x")
    with pytest.raises(PathError, match=r"'caf\\xe9': its name holds bytes that are no UTF-8"):
        paths.utf8_path("caf\udce9")


def test_every_text_can_be_printed() -> None:
    for text, printed in (
        ("café", "café"),
        ("caf\udce9", "caf\\xe9"),
        ("caf\udcc3\udca9", "café"),
        ("\ud800", "'\\ud800'"),
    ):
        assert paths.printable(text) == printed
