"""Who is enrolled, as `face1d identity` lists and removes them."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest
from cli.identity_recordings import run

from face1d_ros.errors import GalleryKeyError, GalleryWrongKeyError, SubjectUnknownError
from face1d_ros.gallery.gallery import Gallery
from face1d_ros.gallery.keys import KeyFile
from face1d_ros.gallery.records import Consent

NS = 1_000_000_000
DAY_NS = 86_400 * NS


class Shelf:
    """A gallery with people in it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.key = folder / "gallery", folder / "gallery.key"
        self.places = ("--gallery", self.folder, "--key-file", self.key)
        self.now_ns = time.time_ns()

    def opened(self, key: Path | None = None) -> Gallery:
        return Gallery.open(self.folder, KeyFile(key or self.key), algorithm="encoder 1", dimension=4)

    def enrolled(self, number: int = 0, templates: int = 3, expires_ns: int = 0) -> str:
        at_ns = self.now_ns - 2 * DAY_NS
        motion = np.tile(np.eye(4, dtype=np.float32)[number], (templates, 1))
        return self.opened().enrol(motion, consent=Consent("I agree.", at_ns), now_ns=at_ns, expires_ns=expires_ns)

    @property
    def handles(self) -> list[str]:
        return [subject.handle for subject in self.opened().subjects()]


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def test_all_who_are_enrolled_are_listed(shelf: Shelf) -> None:
    first, second = shelf.enrolled(0), shelf.enrolled(1, templates=5, expires_ns=shelf.now_ns - DAY_NS)
    done = run("list", *shelf.places)
    lines = {line.split()[0]: line for line in done.output.splitlines() if line.split()}
    assert "never" in lines[first]
    assert lines[first].split()[-1] == "good"
    assert lines[second].split()[1] == "5"
    assert lines[second].split()[-1] == "expired"
    assert f"2 subjects in {shelf.folder}" in done.output


def test_programs_can_read_the_list(shelf: Shelf) -> None:
    handle = shelf.enrolled()
    told = json.loads(run("list", "--json", *shelf.places).output)
    (subject,) = told["subjects"]
    assert subject["handle"] == handle
    assert (subject["templates"], subject["expires_ns"], subject["state"]) == (3, None, "good")
    assert subject["algorithm"] == "encoder 1"


def test_no_gallery_is_nobody_and_none_is_made(shelf: Shelf) -> None:
    assert "nobody is enrolled" in run("list", *shelf.places).output
    assert json.loads(run("list", "--json", *shelf.places).output)["subjects"] == []
    assert "nothing to revoke" in run("revoke", "--yes", *shelf.places).output
    assert "has expired" in run("expire", "--yes", *shelf.places).output
    assert "no key to rotate" in run("rotate-key", *shelf.places).output
    assert isinstance(run("forget", "0" * 16, "--yes", *shelf.places).exception, SubjectUnknownError)
    assert not shelf.folder.exists()
    assert not shelf.key.exists()


def test_a_damaged_subject_is_shown_and_can_be_forgotten(shelf: Shelf) -> None:
    good, bad = shelf.enrolled(0), shelf.enrolled(1)
    (record,) = shelf.folder.glob(f"{bad}.*")
    record.write_bytes(record.read_bytes()[:-1] + b"\0\0")
    lines = [line for line in run("list", *shelf.places).output.splitlines() if "damaged:" in line]
    assert [bad in line for line in lines] == [True]
    assert run("forget", bad, "--yes", *shelf.places).exit_code == 0
    assert shelf.handles == [good]


def test_forget_removes_one_for_good(shelf: Shelf) -> None:
    first, second = shelf.enrolled(0), shelf.enrolled(1)
    done = run("forget", first, "--yes", *shelf.places)
    assert f"forgot {first}: 3 templates removed for good" in done.output
    assert shelf.handles == [second]
    assert isinstance(run("forget", first, "--yes", *shelf.places).exception, SubjectUnknownError)


@pytest.mark.parametrize("words", [("forget",), ("revoke",), ("expire",), ("rotate-key", "--drop-old")])
def test_what_is_final_is_asked_first_or_refused(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    handle = shelf.enrolled(expires_ns=shelf.now_ns - DAY_NS)
    command = (*words, handle) if words == ("forget",) else words
    refused = run(*command, *shelf.places)
    assert refused.exit_code == 2
    assert "add --yes" in refused.output
    monkeypatch.setattr("face1d_ros.cli.identity_options.somebody_is_there", lambda: True)
    assert run(*command, *shelf.places, answer="n\n").exit_code == 1
    assert shelf.handles == [handle]
    assert run(*command, *shelf.places, answer="y\n").exit_code == 0


def test_revoke_removes_all(shelf: Shelf) -> None:
    shelf.enrolled(0)
    shelf.enrolled(1)
    assert "2 subjects removed" in run("revoke", "--yes", *shelf.places).output
    assert shelf.handles == []


def test_expire_removes_those_whose_time_is_over(shelf: Shelf) -> None:
    stays = shelf.enrolled(0, expires_ns=shelf.now_ns + DAY_NS)
    goes = shelf.enrolled(1, expires_ns=shelf.now_ns - DAY_NS)
    assert f"forgot {goes}: expired" in run("expire", "--yes", *shelf.places).output
    assert shelf.handles == [stays]
    assert "nobody" in run("expire", *shelf.places).output


def test_the_key_can_move_to_another_file(shelf: Shelf, tmp_path: Path) -> None:
    handle, new = shelf.enrolled(), tmp_path / "elsewhere" / "new.key"
    done = run("rotate-key", "--new-key-file", new, *shelf.places)
    assert str(new) in done.output
    assert isinstance(run("list", *shelf.places).exception, GalleryWrongKeyError)
    assert handle in run("list", "--gallery", shelf.folder, "--key-file", new).output


def test_a_new_key_in_the_same_file_keeps_the_old_one_unless_it_is_dropped(shelf: Shelf) -> None:
    handle = shelf.enrolled()
    assert run("rotate-key", *shelf.places).exit_code == 0
    assert len(shelf.key.read_text().split()) == 2
    assert "2 old keys dropped" in run("rotate-key", "--drop-old", "--yes", *shelf.places).output
    assert len(shelf.key.read_text().split()) == 1
    assert shelf.handles == [handle]


def test_the_key_may_come_from_the_environment(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    handle = shelf.enrolled()
    monkeypatch.setenv("FACE1D_GALLERY_KEY", shelf.key.read_text().strip())
    assert handle in run("list", "--gallery", shelf.folder, "--key", "env").output
    monkeypatch.delenv("FACE1D_GALLERY_KEY")
    done = run("list", "--gallery", shelf.folder, "--key", "env")
    assert isinstance(done.exception, GalleryKeyError)
    assert "FACE1D_GALLERY_KEY" in str(done.exception)


def test_a_key_beside_the_data_is_refused(shelf: Shelf) -> None:
    shelf.enrolled()
    done = run("rotate-key", "--new-key-file", shelf.folder / "key", *shelf.places)
    assert isinstance(done.exception, GalleryKeyError)
    assert "gallery's own folder" in str(done.exception)
