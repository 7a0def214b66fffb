"""Header and records of one gallery on the disk.

Records are never changed: a change writes new ones under new names and new keys, then puts a new header in place, which
is the one moment at which it takes effect, and then removes what the header no longer names. The header has a copy.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from face1d_ros.errors import (
    GalleryFileError,
    GalleryKeyError,
    GalleryRemainsError,
    GalleryUnsureError,
    GalleryWriteError,
    GalleryWrongKeyError,
)
from face1d_ros.gallery.crypto import (
    HEADER_KIND,
    OVERHEAD,
    SUBJECT_KIND,
    Context,
    NotOpenedError,
    SecretKey,
    check_preamble,
    opened,
    sealed,
)
from face1d_ros.gallery.disk import LOCK, PATIENCE_S, Folder, locked, reason
from face1d_ros.gallery.keys import KeyFile, KeySource, check_place
from face1d_ros.gallery.records import (
    HEADER_LIMIT,
    SUBJECT_FILE,
    SUBJECT_LIMIT,
    Header,
    Record,
    header_bytes,
    read_header,
    read_record,
    record_bytes,
    record_name,
)
from face1d_ros.gallery.transform import Transformation
from face1d_ros.paths import printable

HEADER, COPY = "header", "header.copy"
LEFTOVER = re.compile(r"(header|header\.copy|[0-9a-f]{16}\.[0-9a-f]{16})\.[0-9a-f]{8}\.new\Z")
_BACKUP = "restore it from a backup; to begin anew, remove the folder"


@dataclass(frozen=True, eq=False, repr=False)
class State:
    """A gallery as it was read."""

    header: Header
    key: SecretKey
    records: dict[str, Record]
    damage: dict[str, str]
    """What is wrong with which subject."""
    notices: tuple[str, ...]
    """What was mended, or could not be, at reading."""
    stamp: tuple[int, ...]
    transformation: Transformation = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "transformation", Transformation(self.header.transformation, self.header.gallery))


class Vault:
    """Reads a gallery, again whenever another process has changed it, and makes changes whole."""

    def __init__(self, path: Path, source: KeySource, patience_s: float = PATIENCE_S) -> None:
        self.path = path
        self.source = source
        self._patience_s = patience_s
        self._state: State | None = None
        self._mutex = threading.RLock()

    def state(self) -> State:
        """The gallery as it is now; one look at the header's date if nothing has changed. Raises GalleryError."""
        with self._mutex:
            if self._state is None or self._state.stamp != self._stamp():
                with self.changing() as (_, state):
                    return state
            return self._state

    @contextmanager
    def changing(self) -> Iterator[tuple[Folder, State]]:
        """The gallery as it is now, while nobody else can change it. Raises GalleryError."""
        check_place(self.source, self.path)
        with self._mutex, locked(self.path, self._patience_s) as folder:
            if self._state is None or self._state.stamp != self._stamp():
                self._state = None
                self._state = self._read(folder)
            yield folder, self._state

    def commit(self, folder: Folder, header: Header, records: Mapping[str, Record], key: SecretKey) -> None:
        """Put a header in place, with the new records it names. Raises GalleryWriteError: all is as it was.

        Raises GalleryRemainsError where that was done, but what it replaces could not be removed.
        """
        old, self._state = self._state, None
        assert old is not None
        raw = sealed(key, Context(HEADER_KIND, header.gallery), header_bytes(header))
        staged: list[str] = []
        try:
            for handle, record in records.items():
                entry = header.entries[handle]
                name = record_name(handle, entry.version)
                content = sealed(entry.key, Context(SUBJECT_KIND, header.gallery, handle), record_bytes(record))
                staged.append(folder.stage(name, content))
                folder.rename(staged[-1], name)
                staged.append(name)
            copy = self._replace_header(folder, raw)
        except GalleryUnsureError:
            raise
        except GalleryWriteError:
            for name in staged:
                folder.discard(name)
            raise
        self._finish(folder, copy, sorted(old.header.files() - header.files()))
        damage = {handle: text for handle, text in old.damage.items() if handle in header.entries}
        kept = {handle: old.records[handle] for handle in header.entries if handle in old.records}
        self._state = State(header, key, {**kept, **records}, damage, old.notices, self._stamp())

    def _replace_header(self, folder: Folder, raw: bytes) -> str:
        """Put a header in place; returns the name of what is to become its copy. A failure goes back to the old one."""
        staged: list[str] = []
        try:
            staged = [folder.stage(HEADER, raw)]
            staged.append(folder.stage(COPY, raw))
            folder.sync()
            folder.rename(staged[0], HEADER)
        except GalleryWriteError:
            for name in staged:
                folder.discard(name)
            raise
        try:
            folder.sync()
        except GalleryWriteError as error:
            folder.discard(staged[1])
            self._go_back(folder, error)
            raise
        return staged[1]

    def _finish(self, folder: Folder, copy: str, obsolete: list[str]) -> None:
        """Leave nothing of the old header's keys, then nothing of what only they open."""
        try:
            folder.rename(copy, COPY)
        except GalleryWriteError:
            obsolete = [copy, COPY, *obsolete]
        problems = []
        for name in obsolete:
            try:
                folder.remove(name)
            except GalleryWriteError as error:
                problems.append(error)
        try:
            folder.sync()
        except GalleryWriteError as error:
            problems.append(error)
        if problems:
            raise GalleryRemainsError(printable(self.path), reason(problems[0].__cause__))

    def _go_back(self, folder: Folder, cause: GalleryWriteError) -> None:
        try:
            folder.rename(COPY, HEADER)
        except GalleryWriteError:
            raise GalleryUnsureError(printable(self.path), str(cause)) from cause

    def _stamp(self) -> tuple[int, ...]:
        try:
            status = os.stat(self.path / HEADER, follow_symlinks=False)
        except OSError:
            return ()
        return status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size

    def _read(self, folder: Folder) -> State:
        names = folder.names()
        keys = self.source.read()
        if HEADER not in names and COPY not in names:
            return self._create(folder, names, keys)
        if not keys:
            problem = f"there is none, and the gallery '{printable(self.path)}' needs it"
            todo = "restore it from a backup; without it nothing can be read: to begin anew, remove that folder"
            raise GalleryKeyError(self.source.place, problem, todo)
        header, key, raw, problems = self._opened_header(folder, keys)
        notices = [*problems, *self._mend(folder, raw), *_clean(folder, header, names)]
        records: dict[str, Record] = {}
        damage: dict[str, str] = {}
        for handle in header.entries:
            try:
                records[handle] = _opened_record(folder, header, handle)
            except (GalleryFileError, NotOpenedError) as error:
                damage[handle] = error.came if isinstance(error, GalleryFileError) else error.problem
        return State(header, key, records, damage, tuple(notices), self._stamp())

    def _create(self, folder: Folder, names: list[str], keys: tuple[SecretKey, ...]) -> State:
        records = [name for name in names if SUBJECT_FILE.match(name)]
        if records:
            came = f"records of {len({name[:16] for name in records})} subjects without a header"
            raise GalleryFileError(printable(self.path), came, f"the file '{HEADER}' or '{COPY}'", _BACKUP)
        known = {LOCK, self.source.path.name if isinstance(self.source, KeyFile) else LOCK}
        foreign = [name for name in names if name not in known and not LEFTOVER.match(name)]
        if foreign:
            came = f"a folder with {len(foreign)} other things in it"
            raise GalleryFileError(printable(self.path), came, "a gallery, or an empty folder", "name another folder")
        _clean(folder, Header.empty(), names)
        key, header = keys[0] if keys else self.source.create(), Header.empty()
        raw = sealed(key, Context(HEADER_KIND, header.gallery), header_bytes(header))
        self._finish(folder, self._replace_header(folder, raw), [])
        return State(header, key, {}, {}, (), self._stamp())

    def _opened_header(
        self, folder: Folder, keys: tuple[SecretKey, ...]
    ) -> tuple[Header, SecretKey, bytes, tuple[str, ...]]:
        problems: list[str] = []
        are_of_other_key: list[bool] = []
        for name in (HEADER, COPY):
            try:
                raw = folder.read(name, HEADER_LIMIT + OVERHEAD)
                if raw is None:
                    problems.append(f"'{name}': no file")
                    continue
                header, key = _unsealed(raw, keys)
                return header, key, raw, tuple(problems)
            except GalleryFileError as error:
                problems.append(f"'{name}': {error.came}")
                are_of_other_key.append(False)
            except NotOpenedError as error:
                problems.append(f"'{name}': {error.problem}")
                are_of_other_key.append(error.is_other_key)
        if all(are_of_other_key):
            raise GalleryWrongKeyError(self.source.place, printable(self.path))
        raise GalleryFileError(printable(self.path), "; ".join(problems), "a header that opens", _BACKUP)

    def _mend(self, folder: Folder, raw: bytes) -> list[str]:
        notices = []
        for name in (HEADER, COPY):
            try:
                if folder.read(name, HEADER_LIMIT + OVERHEAD) == raw:
                    continue
            except GalleryFileError:
                pass  # written anew below
            try:
                folder.rename(folder.stage(name, raw), name)
                folder.sync()
                notices.append(f"'{name}' was written anew from its twin")
            except GalleryWriteError as error:
                notices.append(str(error))
        return notices


def _unsealed(raw: bytes, keys: tuple[SecretKey, ...]) -> tuple[Header, SecretKey]:
    gallery = check_preamble(raw, HEADER_KIND)
    for key in keys:
        try:
            return read_header(opened(key, Context(HEADER_KIND, gallery), raw), gallery), key
        except NotOpenedError as error:
            if not error.is_other_key:
                raise
    raise NotOpenedError("a file of another key", is_other_key=True)


def _opened_record(folder: Folder, header: Header, handle: str) -> Record:
    entry = header.entries[handle]
    raw = folder.read(record_name(handle, entry.version), SUBJECT_LIMIT + OVERHEAD)
    if raw is None:
        raise NotOpenedError("its file is gone")
    return read_record(opened(entry.key, Context(SUBJECT_KIND, header.gallery, handle), raw), entry)


def _clean(folder: Folder, header: Header, names: list[str]) -> list[str]:
    """Remove what a killed writer has left, and records that the header does not name."""
    in_use, notices = header.files(), []
    for name in names:
        if LEFTOVER.match(name) or (SUBJECT_FILE.match(name) and name not in in_use):
            try:
                folder.remove(name)
            except GalleryWriteError as error:
                notices.append(str(error))
    return notices
