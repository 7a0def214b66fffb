"""One SQLite file of a bag: messages in the order of recording, read past pages that are damaged or missing."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote

from face1d_ros.sources.bag_account import Channel, Loss, Recorded, why
from face1d_ros.sources.unpacking import unpacked_message

Row: TypeAlias = tuple[int, Any, Any, Any]
ENCODING = "cdr"
LEAST_ROW_BYTES = 8
UNREADABLE = (sqlite3.Error, MemoryError, OverflowError)
TOPICS = "SELECT id, name, type, serialization_format FROM topics ORDER BY id"
LOOK = "SELECT rowid FROM messages WHERE rowid >= ? ORDER BY rowid LIMIT 1"
MAX_FAILURES = 1000
"""Failed looks for rows between two that can be read; what is left between them then is given up."""
ORDER = (
    "PRAGMA query_only=ON",
    "PRAGMA trusted_schema=OFF",
    "PRAGMA cell_size_check=ON",
    # A file that is shorter than it says is refused otherwise.
    "PRAGMA writable_schema=ON",
)


class SqliteRecording:
    """A file that need not be whole; its table of topics must be readable."""

    def __init__(self, path: Path) -> None:
        """Raises sqlite3.Error, OSError or ValueError where nothing can be read."""
        self.name = path.name
        self._path = path
        self.start_ns: int | None = None
        self.end_ns: int | None = None
        with closing(_connect(path)) as db:
            _check_tables(db)
            self._topics = {
                number: (topic, kind)
                for number, topic, kind, encoding in db.execute(TOPICS)
                if encoding == ENCODING and isinstance(topic, str) and isinstance(kind, str)
            }
            counts = self._counts(db)
        self.channels = [
            Channel(topic, kind, None if counts is None else counts.get(number, 0))
            for number, (topic, kind) in self._topics.items()
        ]

    def messages(self, topics: frozenset[str] | None) -> Iterator[Recorded | Loss]:
        """Those of these topics (None: of all) in the order of recording, and what is lost between them."""
        others = [number for number, (name, _) in self._topics.items() if topics is not None and name not in topics]
        last_ns: int | None = None
        lost: tuple[int, int] | None = None
        is_told = False
        with closing(_connect(self._path)) as db:
            last, is_certain = _last_id(db, self._path)
            for item in _Rows(db, others).between(1, last):
                if isinstance(item, range):
                    lost, is_told = (lost[0] if lost else item.start, item.stop - 1), True
                    continue
                stamp_ns = item[2] if isinstance(item[2], int) else None
                if lost:
                    yield self._loss(lost, None if others else lost[1] - lost[0] + 1, last_ns, stamp_ns)
                    lost = None
                yield self._read(item)
                last_ns = stamp_ns or last_ns
        if lost:
            count = lost[1] - lost[0] + 1 if is_certain and not others else None
            yield self._loss(lost if is_certain else (lost[0], None), count, last_ns, self.end_ns)
        elif not is_told and (missing := _missing_bytes(self._path)) > 0:
            yield Loss(self.name, "", f"it was cut off: {missing} bytes of it are missing", None, last_ns, self.end_ns)

    def _counts(self, db: sqlite3.Connection) -> dict[int, int] | None:
        try:
            start_ns, end_ns = db.execute("SELECT min(timestamp), max(timestamp) FROM messages").fetchone()
            if isinstance(start_ns, int) and isinstance(end_ns, int):
                self.start_ns, self.end_ns = start_ns, end_ns
            return dict(db.execute("SELECT topic_id, count(*) FROM messages GROUP BY topic_id"))
        except sqlite3.Error:
            return None  # reading the messages tells what is damaged

    def _read(self, row: Row) -> Recorded | Loss:
        number, topic_id, stamp_ns, data = row
        try:
            if not isinstance(stamp_ns, int) or not isinstance(data, bytes):
                raise ValueError("it has no time or no data")
            if topic_id not in self._topics:
                raise ValueError("it belongs to no topic")
            return Recorded(*self._topics[topic_id], stamp_ns, unpacked_message(data))
        except (ValueError, TypeError, MemoryError) as error:
            return Loss(self.name, f"row {number}", f"a message is damaged: {why(error)}", 1)

    def _loss(self, rows: tuple[int, int | None], count: int | None, begin_ns: int | None, end_ns: int | None) -> Loss:
        first, last = rows
        end = "and later" if last is None else f"to {last}"
        where = f"row {first}" if first == last else f"rows {first} {end}"
        return Loss(self.name, where, "pages are damaged or missing", count, begin_ns, end_ns)


class _Rows:
    """Rows by their ids, but for those of some topics; a `range` where ids cannot be read."""

    def __init__(self, db: sqlite3.Connection, without: Sequence[int]) -> None:
        self._db = db
        self._without = without
        marks = ",".join("?" * len(without))
        self._query = (
            "SELECT rowid, topic_id, timestamp, data FROM messages "
            f"WHERE rowid BETWEEN ? AND ? AND (topic_id IS NULL OR topic_id NOT IN ({marks})) ORDER BY rowid"
        )

    def between(self, first: int, last: int) -> Iterator[Row | range]:
        """All from the first id to the last one."""
        while first <= last:
            first = yield from self._until_damage(first, last)
            if first > last:
                return
            behind = self._next_readable(first, last)
            yield from self._searched(first, behind - 1)
            first = behind

    def _until_damage(self, first: int, last: int) -> Generator[Row, None, int]:
        """The rows up to the first that cannot be read; returns its id, or the one behind the last."""
        read = first - 1
        try:
            for row in self._db.execute(self._query, (first, last, *self._without)):
                if not read < row[0] <= last:
                    return read + 1
                read = row[0]
                yield row
        except UNREADABLE:
            return read + 1
        return last + 1

    def _next_readable(self, damaged: int, last: int) -> int:
        """An id behind the damaged one from which on there are rows again; the one behind the last if there is none."""
        step = 1
        while damaged + step <= last:
            try:
                self._db.execute(LOOK, (damaged + step,)).fetchone()
            except UNREADABLE:
                step *= 2
            else:
                return damaged + step
        return last + 1

    def _searched(self, first: int, last: int) -> Iterator[Row | range]:
        """What lies between two places where reading failed and works again, by halves."""
        parts = [(first, last)]
        failures = 0
        while parts:
            first, last = parts.pop()
            first = yield from self._until_damage(first, last)
            if first > last:
                continue
            failures += 1
            if first == last or failures > MAX_FAILURES:
                yield range(first, last + 1)
                continue
            middle = (first + last) // 2
            parts += [(middle + 1, last), (first, middle)]


def _connect(path: Path) -> sqlite3.Connection:
    """For reading only; what a recorder that died has left in a journal beside the file is read too."""
    journal = path.with_name(path.name + "-wal")
    how = "mode=ro" if journal.exists() and journal.stat().st_size else "mode=ro&immutable=1"
    db = sqlite3.connect(f"file:{quote(str(path.absolute()))}?{how}", uri=True)
    db.text_factory = lambda text: text.decode(errors="replace")
    for order in ORDER:
        db.execute(order)
    return db


def _check_tables(db: sqlite3.Connection) -> None:
    """Views and virtual tables of these names could run anything."""
    for table in ("topics", "messages"):
        found = db.execute("SELECT type, sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        if found is None or found[0] != "table" or "virtual" in str(found[1]).lower():
            raise ValueError(f"it has no table of {table}")


def _missing_bytes(path: Path) -> int:
    """By which a file is shorter than it says."""
    with path.open("rb") as file:
        start = file.read(32)
    page = int.from_bytes(start[16:18], "big")
    return (65536 if page == 1 else page) * int.from_bytes(start[28:32], "big") - path.stat().st_size


def _last_id(db: sqlite3.Connection, path: Path) -> tuple[int, bool]:
    """(the last row's id, whether it is certain)."""
    try:
        return db.execute("SELECT max(rowid) FROM messages").fetchone()[0] or 0, True
    except sqlite3.Error:
        return path.stat().st_size // LEAST_ROW_BYTES, False
