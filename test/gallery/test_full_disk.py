"""A disk that is full, or fails, at any system call: a typed error, and all as it was."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from gallery_cases import Case, unit
from operations import OPERATIONS, outcome, reopened, template
from system_calls import Calls
from test_killed import HERE, ROOT

from face1d_ros.errors import GalleryError, GalleryRemainsError, GalleryUnsureError, GalleryWriteError

MOST_CALLS = 200


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("way", ["fail_at", "fill_at"])
def test_a_failure_at_any_call_leaves_the_gallery_as_it_was(case: Case, calls: Calls, name: str, way: str) -> None:
    operation, whole = OPERATIONS[name], Case(case.root / "whole")
    handles = template(whole)
    refused = 0
    for number in range(MOST_CALLS):
        copy = whole.copied_to(case.root / "copy")
        gallery = copy.open()
        getattr(calls, way)(number)
        error: GalleryError | None = None
        try:
            operation.run(copy, gallery, handles)
        except GalleryError as caught:
            error = caught
        made = len(calls.made)
        calls.begin()
        if not isinstance(error, GalleryUnsureError):
            is_done = error is None or isinstance(error, GalleryRemainsError)
            if not name.startswith("rotate"):
                assert outcome(copy, gallery, operation, handles) == ("new" if is_done else "old"), (number, error)
            assert outcome(copy, gallery, operation, handles)
        after = reopened(copy)
        assert outcome(copy, after, operation, handles)
        copy.check_tidy(after)
        if error is None and made <= number:
            break
        refused += error is not None
    assert refused > 10 and number < MOST_CALLS - 1


def test_a_full_disk_says_what_to_do(case: Case, calls: Calls) -> None:
    case.filled(1)
    gallery = case.open()
    for number, call in enumerate(("write", "fsync", "rename")):
        calls.begin()

        def before(_: int, name: str, arguments: object, failing: str = call) -> None:
            if name == failing:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        calls.before = before
        with pytest.raises(GalleryWriteError, match=r"No space left.*nothing was changed.*make room"):
            case.enrol(gallery, number)
        calls.begin()
        assert case.check(gallery) == set(case.motions)


def test_a_gallery_opens_and_matches_on_a_full_disk(case: Case, calls: Calls) -> None:
    handles = case.filled()
    (case.folder / "header").write_bytes(b"")
    calls.fill_at(0)
    gallery = case.open()
    assert case.check(gallery) == set(handles)
    assert any("No space left" in notice for notice in gallery.notices)


def test_a_subject_is_forgotten_though_the_copy_of_the_header_cannot_be_replaced(case: Case, calls: Calls) -> None:
    first, second = case.filled(2)
    gallery, record = case.open(), case.record(second)
    calls.begin()
    renames: list[int] = []

    def before(number: int, name: str, arguments: object) -> None:
        if name == "rename":
            renames.append(number)
            if len(renames) == 2:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    calls.before = before
    assert gallery.forget(second) == 2
    assert not (case.folder / "header.copy").exists() and not record.exists()
    calls.begin()
    assert case.check(case.open()) == {first} and (case.folder / "header.copy").exists()


def test_every_rename_follows_the_writing_down_of_what_it_puts_in_place(case: Case, calls: Calls) -> None:
    """What a power cut needs: contents reach the disk before names, and names before what they replace goes."""
    first, _ = case.filled(2)
    gallery = case.open()
    calls.begin()
    gallery.enrol(unit(3), consent=gallery.consents(first)[0], now_ns=10**15, subject=first)
    steps = [(name, argument if isinstance(argument, str) else "") for name, argument in calls.made]
    names = [name for name, _ in steps]
    header = next(i for i, (name, what) in enumerate(steps) if name == "rename" and what.startswith("header."))
    staged = [i for i, (name, what) in enumerate(steps) if name == "open" and what.endswith(".new")]
    assert len(staged) == 3 and max(staged) < header
    assert all("fsync" in names[at : at + 4] for at in staged), "each file is written down"
    assert names[header - 1] == names[header + 1] == "fsync", "the folder before and after"
    assert names.index("unlink") > header and names[-1] == "fsync"


LIMITED = """
import resource, sys
from pathlib import Path
from gallery_cases import Case, AGREED, NOW, unit
from face1d_ros.errors import GalleryWriteError
case = Case(Path(sys.argv[1]))
handles = case.filled(2)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
gallery = case.open()
try:
    gallery.enrol(unit(9, 200), consent=AGREED, now_ns=NOW)
except GalleryWriteError as error:
    assert case.check(gallery) == case.check(case.open()) == set(handles)
    case.check_tidy(gallery)
    print("refused", error)
"""


def python(code: str, *arguments: object, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(HERE)])}
    command = [*before, sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("limit", [0, 100, 4000])
def test_a_limit_of_the_system_on_the_size_of_files_is_told(tmp_path: Path, limit: int) -> None:
    answer = python(LIMITED, tmp_path, limit)
    assert answer.stdout.startswith("refused") and "File too large" in answer.stdout, answer.stderr


FILLED = """
import os, subprocess, sys
from pathlib import Path
from gallery_cases import Case
from face1d_ros.errors import GalleryError, GalleryWriteError
root = Path(sys.argv[1])
if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", root]).returncode:
    sys.exit(77)
case, refused = Case(root), 0
gallery = case.open()
for seed in range(100):
    try:
        case.enrol(gallery, seed)
    except GalleryWriteError as error:
        assert "No space left" in str(error), error
        refused += 1
        if refused == 5:
            break
    assert case.check(gallery) == case.check(case.open()) == set(case.motions)
case.check_tidy(gallery)
print(refused, len(case.motions), gallery.forget(sorted(case.motions)[0]))
"""


@pytest.mark.skipif(shutil.which("unshare") is None, reason="no program `unshare`")
def test_a_disk_that_really_is_full_loses_nobody(tmp_path: Path) -> None:
    answer = python(FILLED, tmp_path, before=("unshare", "--user", "--map-root-user", "--mount"))
    if answer.returncode == 77 or "unshare" in answer.stderr:
        pytest.skip("this system lets nobody mount a small file system")
    assert answer.returncode == 0, answer.stderr
    refused, enrolled, forgotten = map(int, answer.stdout.split())
    assert refused == 5 and enrolled > 5 and forgotten == 2
