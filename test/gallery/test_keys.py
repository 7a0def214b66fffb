"""Where keys come from, how they are changed, and what is refused."""

from __future__ import annotations

import base64
import os
import stat
import sys
from pathlib import Path
from threading import Thread
from types import ModuleType

import pytest
from gallery_cases import AGREED, NOW, Case, unit

from face1d_ros.errors import GalleryKeyError, GalleryWrongKeyError, MissingDependencyError
from face1d_ros.gallery.crypto import SecretKey
from face1d_ros.gallery.keys import (
    MOST_KEYS,
    KeyFile,
    KeyRing,
    KeySource,
    KeyVariable,
    default_folder,
    default_key_file,
    key_source,
)

SECRET = bytes(range(32))


class FakeKeyring(ModuleType):
    def __init__(self) -> None:
        super().__init__("keyring")
        self.entries: dict[tuple[str, str], str] = {}
        self.errors = ModuleType("keyring.errors")
        self.errors.KeyringError = type("KeyringError", (Exception,), {})  # type: ignore[attr-defined]
        self.is_locked = False

    def get_password(self, service: str, entry: str) -> str | None:
        if self.is_locked:
            raise self.errors.KeyringError("locked")
        return self.entries.get((service, entry))

    def set_password(self, service: str, entry: str, text: str) -> None:
        self.get_password(service, entry)
        self.entries[service, entry] = text


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> FakeKeyring:
    fake = FakeKeyring()
    monkeypatch.setitem(sys.modules, "keyring", fake)
    monkeypatch.setitem(sys.modules, "keyring.errors", fake.errors)
    return fake


def test_a_key_is_made_once_and_for_its_owner_alone(case: Case) -> None:
    case.filled(1)
    text = case.source.path.read_text()
    assert stat.S_IMODE(case.source.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(case.source.path.parent.stat().st_mode) == 0o700
    case.filled(1)
    assert case.source.path.read_text() == text
    assert os.listdir(case.source.path.parent) == ["gallery.key"]


@pytest.mark.parametrize("text", [SECRET.hex(), base64.b64encode(SECRET).decode(), f" {SECRET.hex().upper()}\n"])
def test_the_environment_gives_a_key(case: Case, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("FACE1D_GALLERY_KEY", text)
    source = key_source("auto")
    assert source == KeyVariable() and source.read() == (SecretKey(SECRET),)
    case.enrol(case.open(source), 1)
    assert case.check(case.open(source))


@pytest.mark.parametrize("text", ["x", SECRET.hex()[:-1], SECRET.hex() + "00", "ü" * 32, "AAAA", "\x00" * 64, "g" * 64])
def test_what_is_no_key_is_refused_and_not_shown(case: Case, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    case.source.path.parent.mkdir()
    case.source.path.write_text(text)
    case.source.path.chmod(0o600)
    with pytest.raises(GalleryKeyError, match="not one key") as caught:
        case.open()
    assert len(text) < 4 or text not in str(caught.value)
    if "\x00" not in text:
        monkeypatch.setenv("FACE1D_GALLERY_KEY", text)
        with pytest.raises(GalleryKeyError, match="not one key"):
            case.open(KeyVariable())
    assert not (case.folder / "header").exists()


def test_an_environment_without_a_key_is_told_how_to_set_it(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FACE1D_GALLERY_KEY", raising=False)
    with pytest.raises(GalleryKeyError, match="openssl rand -base64 32"):
        case.open(KeyVariable())


def test_the_keyring_keeps_a_key(case: Case, keyring: FakeKeyring) -> None:
    source = key_source("keyring")
    case.enrol(case.open(source), 1)
    assert len(keyring.entries["face1d", "gallery"].strip()) == 64
    case.open(source).rotate_key()
    assert case.check(case.open(source))
    keyring.is_locked = True
    with pytest.raises(GalleryKeyError, match="unlock it"):
        case.open(source)


def test_a_missing_keyring_says_how_to_install_it(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring.errors", None)
    with pytest.raises(MissingDependencyError, match="pip install keyring"):
        case.open(KeyRing())


def test_missing_cryptography_says_how_to_install_it(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.ciphers.aead", None)
    with pytest.raises(MissingDependencyError, match="pip install cryptography"):
        case.open()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_file_that_others_can_read_is_refused(case: Case, mode: int) -> None:
    case.filled(1)
    case.source.path.chmod(mode)
    with pytest.raises(GalleryKeyError, match=f"{mode:04o}.*chmod 600"):
        case.open()


def test_a_key_file_of_another_user_is_refused_also_through_a_link(
    case: Case, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    case.filled(1)
    link = tmp_path / "link"
    link.symlink_to(case.source.path)
    assert case.check(case.open(KeyFile(link))), "a link to an own file is fine"
    owner = os.geteuid()
    monkeypatch.setattr("face1d_ros.gallery.keys.os.geteuid", lambda: owner + 1, raising=False)
    for source in (case.source, KeyFile(link)):
        with pytest.raises(GalleryKeyError, match="another user"):
            source.read()


def test_what_is_no_plain_file_is_no_key(case: Case, tmp_path: Path) -> None:
    fifo, folder, huge, dangling = (tmp_path / name for name in ("fifo", "folder", "huge", "dangling"))
    os.mkfifo(fifo, 0o600)
    folder.mkdir(mode=0o700)
    huge.touch(0o600)
    os.truncate(huge, 1 << 40)
    dangling.symlink_to(tmp_path / "nothing")
    for path in (fifo, folder, huge, dangling):
        with pytest.raises(GalleryKeyError):
            case.open(KeyFile(path))


def test_a_key_beside_the_data_is_refused_unless_asked_for(case: Case, tmp_path: Path) -> None:
    inside = case.folder / "gallery.key"
    link = tmp_path / "outside.key"
    link.symlink_to(inside)
    for path in (inside, case.folder / ".." / "gallery" / "gallery.key", link):
        with pytest.raises(GalleryKeyError, match="own folder"):
            case.open(KeyFile(path))
    asked = KeyFile(inside, beside_data=True)
    case.enrol(case.open(asked), 1)
    assert case.check(case.open(asked))
    with pytest.raises(GalleryKeyError, match="own folder"):
        case.open(asked).rotate_key(KeyFile(case.folder / "other.key"))


def test_a_lost_key_is_never_replaced_by_a_new_one(case: Case) -> None:
    case.filled(1)
    case.source.path.unlink()
    with pytest.raises(GalleryKeyError, match="restore it from a backup"):
        case.open()
    assert not case.source.path.exists()


def test_a_wrong_key_is_called_so_and_changes_nothing(case: Case) -> None:
    case.filled()
    files = {path: path.read_bytes() for path in case.folder.iterdir()}
    other = KeyFile(case.root / "other.key")
    other.create()
    with pytest.raises(GalleryWrongKeyError, match=r"other\.key"):
        case.open(other)
    assert files == {path: path.read_bytes() for path in case.folder.iterdir()}
    assert len(case.check(case.open())) == 3


def test_rotation_to_another_source_encrypts_everything_anew(case: Case) -> None:
    handles = case.filled()
    before = {path.name: path.read_bytes() for path in case.folder.iterdir() if path.name != "lock"}
    gallery, new = case.open(), KeyFile(case.root / "new.key")
    old_keys = {handle: entry.key for handle, entry in gallery._vault.state().header.entries.items()}
    gallery.rotate_key(new)
    assert case.check(gallery) == case.check(case.open(new)) == set(handles)
    with pytest.raises(GalleryWrongKeyError):
        case.open()
    entries = gallery._vault.state().header.entries
    assert all(entries[handle].key != key for handle, key in old_keys.items())
    after = {path.name: path.read_bytes() for path in case.folder.iterdir() if path.name != "lock"}
    assert set(before) & set(after) == {"header", "header.copy"}
    assert before["header"] != after["header"] == after["header.copy"]
    case.check_tidy(gallery)
    with pytest.raises(GalleryKeyError, match="in use already"):
        gallery.rotate_key(new)


def test_rotation_within_a_file_keeps_old_keys_until_they_are_dropped(case: Case, tmp_path: Path) -> None:
    case.filled()
    backup = case.copied_to(tmp_path.parent / f"{tmp_path.name}-backup")
    gallery = case.open()
    gallery.rotate_key()
    gallery.rotate_key()
    assert len(case.source.read()) == 3 and len(case.check(case.open())) == 3
    assert len(backup.check(backup.open(case.source))) == 3, "a backup opens with the file that has its key"
    assert gallery.drop_old_keys() == 2 and len(case.check(case.open())) == 3
    with pytest.raises(GalleryWrongKeyError):
        backup.open(case.source)


def test_two_galleries_that_add_keys_to_one_file_at_once_lose_none(tmp_path: Path) -> None:
    source = KeyFile(tmp_path / "shared.key")
    source.create()
    keys = [SecretKey.random() for _ in range(MOST_KEYS - 1)]
    threads = [Thread(target=source.add, args=(key,)) for key in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {key.hex() for key in keys} <= {key.hex() for key in source.read()}


def test_no_more_keys_than_fit_are_kept(case: Case) -> None:
    gallery = case.open()
    for _ in range(MOST_KEYS - 1):
        gallery.rotate_key()
    with pytest.raises(GalleryKeyError, match="drop the old ones"):
        gallery.rotate_key()
    assert case.open().drop_old_keys() == MOST_KEYS - 1


def test_rotation_keeps_a_damaged_subject_for_a_restored_file(case: Case) -> None:
    first, second = case.filled(2)
    path = case.record(first)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    case.open().rotate_key()
    assert case.open().damage().keys() == {first}
    path.write_bytes(whole)
    assert case.check(case.open()) == {first, second}


def test_a_key_file_that_cannot_be_written_leaves_the_gallery_as_it_is(case: Case) -> None:
    case.filled(1)
    blocked = case.root / "file"
    blocked.touch()
    with pytest.raises(GalleryKeyError, match=r"could not be written|Not a directory"):
        case.open().rotate_key(KeyFile(blocked / "new.key"))
    assert case.check(case.open())


def test_a_key_left_half_written_is_removed(case: Case) -> None:
    left = case.source.path.with_name("gallery.key.0123abcd.new")
    left.parent.mkdir()
    left.write_text("half")
    case.filled(1)
    assert not left.exists()


def test_defaults_are_in_the_users_folders_and_apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "FACE1D_GALLERY_KEY"):
        monkeypatch.delenv(variable, raising=False)
    assert default_key_file() == tmp_path / ".config/face1d/gallery.key"
    assert default_folder() == tmp_path / ".local/share/face1d/gallery"
    assert key_source() == KeyFile(default_key_file())
    assert key_source("~/a.key") == KeyFile(tmp_path / "a.key")
    assert isinstance(key_source("environment"), KeyVariable)
    monkeypatch.setenv("XDG_CONFIG_HOME", "/c")
    monkeypatch.setenv("XDG_DATA_HOME", "/d")
    assert (default_key_file(), default_folder()) == (Path("/c/face1d/gallery.key"), Path("/d/face1d/gallery"))


def test_a_gallery_opened_before_a_rotation_goes_on_after_it(case: Case) -> None:
    case.filled(1)
    early: list[KeySource] = [case.source]
    gallery = case.open(early[0])
    case.open().rotate_key()
    assert case.check(gallery)
    gallery.enrol(unit(9), consent=AGREED, now_ns=NOW)
    case.open().rotate_key(KeyFile(case.root / "elsewhere.key"))
    with pytest.raises(GalleryWrongKeyError):
        gallery.subjects()
