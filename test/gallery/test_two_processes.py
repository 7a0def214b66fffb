"""More than one holder of a gallery at once, and folders that are not private."""

from __future__ import annotations

import fcntl
import os
import threading
from pathlib import Path

import pytest
from gallery_cases import AGREED, NOW, Case, unit

from face1d_ros.errors import GalleryBusyError, GalleryFileError
from face1d_ros.gallery.gallery import Gallery


def test_a_gallery_that_another_process_holds_is_waited_for_and_then_given_up(case: Case) -> None:
    case.filled(1)
    gallery = case.open(patience_s=0.1)
    with (case.folder / "lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert case.check(gallery), "reading what has not changed needs no lock"
        for call in (lambda: gallery.forget(next(iter(case.motions))), lambda: case.open(patience_s=0.1)):
            with pytest.raises(GalleryBusyError, match=r"0\.1 s"):
                call()
        timer = threading.Timer(0.1, lambda: fcntl.flock(lock, fcntl.LOCK_UN))
        timer.start()
        assert case.check(case.open(patience_s=5.0))
        timer.join()


def test_what_one_changes_the_other_sees(case: Case) -> None:
    first, second = case.open(), case.open()
    handle = case.enrol(first, 1)
    assert case.check(second) == {handle}
    added = case.enrol(second, 2)
    assert case.check(first) == {handle, added}
    second.revoke()
    assert first.is_empty and first.compare(unit(1)[0], now_ns=NOW) == ()


def test_many_threads_lose_nobody(case: Case) -> None:
    galleries = [case.open(patience_s=60.0) for _ in range(2)]
    handles: list[str] = []

    def enrol(gallery: Gallery, seed: int) -> None:
        for number in range(5):
            handles.append(gallery.enrol(unit(seed + number), consent=AGREED, now_ns=NOW))

    threads = [threading.Thread(target=enrol, args=(galleries[i % 2], 10 * i)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(handles) == 20 and {subject.handle for subject in case.open().subjects()} == set(handles)


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701])
def test_a_folder_that_others_may_enter_is_refused(case: Case, mode: int) -> None:
    case.filled(1)
    case.folder.chmod(mode)
    with pytest.raises(GalleryFileError, match=f"{mode:04o}.*chmod 700"):
        case.open()


def test_an_empty_folder_is_made_private(case: Case) -> None:
    case.folder.mkdir(parents=True)
    case.folder.chmod(0o755)
    assert case.open().is_empty and case.folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_of_other_things_becomes_no_gallery(case: Case) -> None:
    case.folder.mkdir(parents=True, mode=0o700)
    (case.folder / "letter.txt").touch()
    with pytest.raises(GalleryFileError, match="other things"):
        case.open()


def test_a_folder_of_another_user_is_refused(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    case.filled(1)
    owner = os.geteuid()
    monkeypatch.setattr("face1d_ros.gallery.disk.os.geteuid", lambda: owner + 1, raising=False)
    with pytest.raises(GalleryFileError, match="another user"):
        case.open()


def test_a_folder_that_is_a_file_is_refused(case: Case) -> None:
    case.folder.parent.mkdir()
    case.folder.touch()
    with pytest.raises(GalleryFileError):
        case.open()


@pytest.mark.parametrize("kind", ["folder", "fifo", "link"])
def test_a_lock_that_is_no_plain_file_is_refused(case: Case, kind: str, tmp_path: Path) -> None:
    case.filled(1)
    lock = case.folder / "lock"
    lock.unlink()
    {"folder": lock.mkdir, "fifo": lambda: os.mkfifo(lock), "link": lambda: lock.symlink_to(tmp_path / "x")}[kind]()
    with pytest.raises(GalleryFileError):
        case.open()
    assert not (tmp_path / "x").exists()
