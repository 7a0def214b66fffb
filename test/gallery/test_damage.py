"""Files that were changed, exchanged, cut, or are no files: what is damaged is named, and nobody else is lost."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gallery_cases import AGREED, HOUR, NOW, Case, unit
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from system_calls import Calls

from face1d_ros.errors import GalleryError, GalleryFileError, SubjectDamagedError
from face1d_ros.gallery.crypto import HEADER_KIND, SUBJECT_KIND, Context, NotOpenedError, opened, sealed

KINDS = ("header", "header.copy", "record")
QUICK = settings(
    deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def path_of(case: Case, kind: str, handle: str) -> Path:
    return case.record(handle) if kind == "record" else case.folder / kind


def check_after(case: Case, handles: tuple[str, ...], kind: str, victim: str) -> None:
    """After one file was damaged: everybody is there, and only the victim may be damaged, if that was the record."""
    gallery = case.open()
    damaged = frozenset({victim}) if kind == "record" else frozenset[str]()
    assert case.check(gallery, damaged) == set(handles)
    assert case.check(case.open(), damaged) == set(handles), "and again at the next opening"
    if kind != "record":
        assert (case.folder / "header").read_bytes() == (case.folder / "header.copy").read_bytes()
    elif victim in gallery.damage():
        with pytest.raises(SubjectDamagedError, match=victim):
            gallery.enrol(unit(1), consent=AGREED, now_ns=NOW, subject=victim)
        assert gallery.forget(victim) == 2
        assert case.check(case.open()) == set(handles) - {victim}
        case.check_tidy(gallery)


@st.composite
def changes(draw: st.DrawFn) -> Callable[[bytes], bytes]:
    """Something done to the bytes of a file."""
    how = draw(st.sampled_from(["flip", "cut", "append", "insert", "replace", "zero"]))
    share, bits, more = draw(st.floats(0, 1)), draw(st.integers(1, 255)), draw(st.binary(min_size=1, max_size=80))

    def change(data: bytes) -> bytes:
        at = min(int(share * len(data)), len(data) - 1)
        results = {
            "flip": data[:at] + bytes([data[at] ^ bits]) + data[at + 1 :],
            "cut": data[:at],
            "append": data + more,
            "insert": data[:at] + more + data[at:],
            "replace": more,
            "zero": data[:at] + bytes(len(data) - at),
        }
        return results[how]

    return change


@QUICK
@given(change=changes(), kind=st.sampled_from(KINDS), who=st.integers(0, 2))
def test_a_changed_file_damages_at_most_its_own_subject(
    tmp_path: Path, change: Callable[[bytes], bytes], kind: str, who: int
) -> None:
    case, handles = fresh(tmp_path)
    path = path_of(case, kind, handles[who])
    path.write_bytes(change(path.read_bytes()))
    check_after(case, handles, kind, handles[who])


@QUICK
@given(first=changes(), second=changes())
def test_two_changed_headers_give_a_typed_error_and_touch_no_record(
    tmp_path: Path, first: Callable[[bytes], bytes], second: Callable[[bytes], bytes]
) -> None:
    case, handles = fresh(tmp_path)
    whole = (case.folder / "header").read_bytes()
    changed = [change(whole) for change in (first, second)]
    for name, data in zip(KINDS, changed, strict=False):
        (case.folder / name).write_bytes(data)
    if whole not in changed:
        with pytest.raises(GalleryError):
            case.open()
    (case.folder / "header").write_bytes(whole)
    assert case.check(case.open()) == set(handles), "a header from a backup brings everybody back"


def fresh(tmp_path: Path) -> tuple[Case, tuple[str, ...]]:
    """A copy of one gallery of three, made at the first call."""
    template = Case(tmp_path / "template")
    stored = tmp_path / "motions.npz"
    if not stored.exists():
        np.savez(stored, **dict.fromkeys(template.filled(), np.empty(0)))
        np.savez(stored, **template.motions)
    with np.load(stored) as motions:
        template.motions = dict(motions)
    return template.copied_to(tmp_path / "copy"), tuple(template.motions)


@pytest.mark.parametrize("kind", [HEADER_KIND, SUBJECT_KIND])
def test_every_flipped_bit_and_every_cut_is_noticed(case: Case, kind: int) -> None:
    (handle,) = case.filled(1)
    state = case.open()._vault.state()
    entry = state.header.entries[handle]
    raw = (case.folder / "header" if kind == HEADER_KIND else case.record(handle)).read_bytes()
    key = state.key if kind == HEADER_KIND else entry.key
    context = Context(kind, state.header.gallery, handle if kind == SUBJECT_KIND else "")
    assert opened(key, context, raw)
    spoilt = [raw[:at] + bytes([raw[at] ^ (1 << at % 8)]) + raw[at + 1 :] for at in range(len(raw))]
    spoilt += [raw[:at] for at in range(len(raw))] + [raw + b"\0", b""]
    for data in spoilt:
        with pytest.raises(NotOpenedError):
            opened(key, context, data)


def test_files_open_only_where_they_belong(case: Case, tmp_path: Path) -> None:
    first, second, third = case.filled()
    other = Case(tmp_path / "other")
    (foreign,) = other.filled(1)
    for source in (case.record(second), other.record(foreign), case.folder / "header"):
        copy = case.copied_to(tmp_path / "copy")
        shutil.copy(source, copy.record(first))
        gallery = copy.open()
        assert copy.check(gallery, frozenset({first})) == {first, second, third}
        assert gallery.damage().keys() == {first}
    for name in ("header", "header.copy"):
        shutil.copy(other.folder / "header", case.folder / name)
    with pytest.raises(GalleryError):
        case.open()
    assert other.check(other.open())


def test_swapped_records_are_both_damaged_and_nobody_is_taken_for_the_other(case: Case) -> None:
    first, second, third = case.filled()
    one, two = case.record(first), case.record(second)
    data = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(data)
    gallery = case.open()
    assert case.check(gallery, frozenset({first, second})) == {first, second, third}
    assert gallery.damage().keys() == {first, second}


def test_an_earlier_record_of_the_same_subject_is_not_taken_back(case: Case) -> None:
    (handle,) = case.filled(1)
    earlier = case.record(handle).read_bytes()
    case.open().enrol(unit(5), consent=AGREED, now_ns=NOW, subject=handle)
    case.record(handle).write_bytes(earlier)
    assert case.open().damage().keys() == {handle}


def directory(path: Path) -> None:
    path.mkdir()
    (path / "inside").touch()


def huge(path: Path) -> None:
    path.touch()
    os.truncate(path, 1 << 40)


def link(path: Path) -> None:
    path.symlink_to(path.parents[2] / "kept")


THINGS = {"nothing": lambda path: None, "directory": directory, "fifo": os.mkfifo, "link": link, "huge": huge}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("thing", THINGS)
def test_what_is_no_file_damages_at_most_its_own_subject(case: Case, kind: str, thing: str) -> None:
    handles = case.filled()
    path = path_of(case, kind, handles[1])
    path.rename(case.root / "kept")
    THINGS[thing](path)
    gallery = case.open()
    damaged = frozenset({handles[1]}) if kind == "record" else frozenset[str]()
    assert case.check(gallery, damaged) == set(handles) and set(gallery.damage()) == damaged
    if kind != "record":
        assert gallery.notices and (thing == "directory") == (not path.is_file())


def test_a_damaged_record_whose_place_is_taken_by_a_folder_says_what_remains(case: Case) -> None:
    first, second = case.filled(2)
    path = case.record(first)
    path.unlink()
    directory(path)
    with pytest.raises(GalleryError, match="still on the disk"):
        case.open().forget(first)
    gallery = case.open()
    assert case.check(gallery) == {second} and any(path.name in notice for notice in gallery.notices)


@pytest.mark.parametrize("thing", THINGS)
def test_headers_that_are_no_files_give_a_typed_error(case: Case, thing: str) -> None:
    handles = case.filled()
    for name in ("header", "header.copy"):
        (case.folder / name).rename(case.root / f"kept{name}")
        THINGS[thing](case.folder / name)
    with pytest.raises(GalleryFileError):
        case.open()
    assert all(case.record(handle).is_file() for handle in handles)


@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO])
def test_a_record_that_cannot_be_read_now_is_kept(case: Case, calls: Calls, code: int) -> None:
    handles = case.filled()
    name = case.record(handles[1]).name

    def before(number: int, call: str, arguments: tuple[Any, ...]) -> None:
        if call == "open" and arguments[0] == name:
            raise OSError(code, os.strerror(code))

    calls.before = before
    gallery = case.open()
    assert gallery.damage() == {handles[1]: os.strerror(code)}
    gallery.enrol(unit(9), consent=AGREED, now_ns=NOW)
    calls.begin()
    assert not case.open().damage()


def test_a_damaged_subject_comes_back_with_its_file(case: Case) -> None:
    first, second = case.filled(2)
    path = case.record(first)
    whole = path.read_bytes()
    path.write_bytes(b"")
    gallery = case.open()
    assert [subject.damaged for subject in gallery.subjects()] == [True, False]
    added = case.enrol(gallery, 5)
    path.write_bytes(whole)
    assert case.check(case.open()) == {first, second, added}


@pytest.mark.parametrize("content", [b"", b"[" * 100_000, b'{"a":' * 50_000, b"1e999", b"9" * 5000, b"\xff\xfe", b"{}"])
def test_authentic_nonsense_gives_a_typed_error_at_opening(case: Case, content: bytes) -> None:
    handles = case.filled()
    state = case.open()._vault.state()
    entry = state.header.entries[handles[0]]
    record = sealed(entry.key, Context(SUBJECT_KIND, state.header.gallery, handles[0]), content)
    case.record(handles[0]).write_bytes(record)
    gallery = case.open()
    assert case.check(gallery, frozenset(handles[:1])) == set(handles) and gallery.damage().keys() == {handles[0]}
    for name in ("header", "header.copy"):
        header = sealed(state.key, Context(HEADER_KIND, state.header.gallery), content)
        (case.folder / name).write_bytes(header)
    with pytest.raises(GalleryFileError, match="does not write"):
        case.open()


def test_a_file_of_a_later_format_is_told_from_damage(case: Case) -> None:
    case.filled(1)
    for name in ("header", "header.copy"):
        raw = bytearray((case.folder / name).read_bytes())
        raw[6] += 1
        (case.folder / name).write_bytes(raw)
    with pytest.raises(GalleryFileError, match="format 2"):
        case.open()


def test_a_wrong_motion_never_matches_well_after_damage(case: Case) -> None:
    handles = case.filled()
    case.record(handles[0]).write_bytes(b"x")
    matches = case.open().compare(case.motions[handles[0]][0], now_ns=NOW + HOUR)
    assert {match.subject for match in matches} == set(handles[1:]) and matches[0].score < 0.98
