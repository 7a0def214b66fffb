"""What a damaged bag gives and what it does not: typed, and in sentences."""

from __future__ import annotations

import sqlite3
import struct
import sys
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

MAX_SENTENCES = 50
"""Of one account; what is lost beyond is counted."""
BUILT_IN_DAMAGE = (
    *(OSError, ValueError, LookupError, TypeError, AttributeError, EOFError, MemoryError),
    *(RuntimeError, ArithmeticError, AssertionError, struct.error, sqlite3.Error, zlib.error),
)
OPTIONAL_DAMAGE = {
    "apsw": "Error",
    "backports.zstd": "ZstdError",
    "compression.zstd": "ZstdError",
    "zstandard": "ZstdError",
}
"""Parsers of their own below `rosbags`, and their errors."""


@dataclass(frozen=True)
class Recorded:
    """A message as it lies in a bag."""

    topic: str
    type: str
    stamp_ns: int
    """Time of recording."""
    data: bytes
    """Serialised (CDR)."""


@dataclass(frozen=True)
class Channel:
    """A topic with its type, as one file of a bag announces it."""

    topic: str
    type: str
    count: int | None
    """Messages; None where the file does not say."""


@dataclass(frozen=True)
class Loss:
    """What could not be read."""

    file: str
    where: str
    """'byte 4096', 'rows 3 to 7'; empty for the whole file."""
    why: str
    count: int | None = None
    """Messages of the asked topics; None where nothing says how many."""
    begin_ns: int | None = None
    end_ns: int | None = None
    """The stretch of time that is missing, as far as it is known; times of recording."""

    def sentence(self, start_ns: int | None) -> str:
        """In words, with times since the bag's start."""
        place = f"{self.file}, {self.where}" if self.where else self.file
        return f"{place}: {self.why}; {self._lost()}{self._stretch(start_ns)}"

    def _lost(self) -> str:
        if self.count is None:
            return "how many messages are lost is not known"
        if self.count == 0:
            return "no message is lost"
        return f"{self.count} message{'s are' if self.count > 1 else ' is'} lost"

    def _stretch(self, start_ns: int | None) -> str:
        if start_ns is None or self.count == 0 or (self.begin_ns is None and self.end_ns is None):
            return ""
        if self.end_ns is None:
            return f", from {_seconds(self.begin_ns, start_ns)} on"
        if self.begin_ns is None:
            return f", before {_seconds(self.end_ns, start_ns)}"
        return f", between {_seconds(self.begin_ns, start_ns)} and {_seconds(self.end_ns, start_ns)}"


class Account:
    """What one pass over a bag gave and lost."""

    def __init__(self, damage: list[str] | None = None) -> None:
        """`damage` is emptied and filled with sentences, one for each loss."""
        self.damage: list[str] = [] if damage is None else damage
        self.notes: list[str] = []
        """What is damaged without a loss."""
        self.given: Counter[str] = Counter()
        """Messages of each topic."""
        self.lost = 0
        """Messages known to be lost, or announced and not given."""
        self._untold = 0
        self._uncounted: list[tuple[int, Loss]] = []
        """Losses of unknown size, and where they are told."""
        self._start_ns: int | None = None
        self.damage.clear()

    def begin(self, start_ns: int | None) -> None:
        """Times are told since then."""
        self._start_ns = start_ns

    def lose(self, loss: Loss) -> None:
        """Take a loss in. After many, they are only counted."""
        sentences = self.notes if loss.count == 0 else self.damage
        self.lost += loss.count or 0
        if len(sentences) < MAX_SENTENCES:
            if loss.count is None:
                self._uncounted.append((len(sentences), loss))
            sentences.append(loss.sentence(self._start_ns))
        else:
            self._untold += 1

    def end(self, announced: int | None) -> None:
        """All is read. Tells how much that is of what was announced."""
        given = sum(self.given.values())
        if self._untold:
            self.damage.append(f"{self._untold} further places are damaged")
        if announced is not None and given < announced:
            uncounted = announced - given - self.lost
            if len(self._uncounted) == 1 and uncounted > 0 and not self._untold:
                place, loss = self._uncounted[0]
                self.damage[place] = replace(loss, count=uncounted).sentence(self._start_ns)
            self.lost = max(self.lost, announced - given)
            self.damage.append(f"in all {given} of {announced} announced messages could be read")


class Recording(Protocol):
    """One file of a bag; it is open only while messages are read."""

    name: str
    channels: list[Channel]
    start_ns: int | None
    """Time of the first message, where it is known."""
    end_ns: int | None
    """Time of the last one."""

    def messages(self, topics: frozenset[str] | None) -> Iterator[Recorded | Loss]:
        """Those of these topics (None: of all) in the order of recording, and what is lost between them."""
        ...


def damage_errors() -> tuple[type[Exception], ...]:
    """What the parsers of bags raise on damage; found by reading bags with bytes changed."""
    from rosbags.highlevel import AnyReaderError
    from rosbags.rosbag2 import ReaderError
    from rosbags.serde import SerdeError
    from rosbags.typesys import TypesysError

    found: list[type[Exception]] = [AnyReaderError, ReaderError, SerdeError, TypesysError, *BUILT_IN_DAMAGE]
    for module, name in OPTIONAL_DAMAGE.items():
        if module in sys.modules:
            found.append(getattr(sys.modules[module], name))
    return tuple(found)


def why(error: BaseException) -> str:
    """The first line of an error, or its name where it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0][:160].rstrip(".") if lines else type(error).__name__


def _seconds(stamp_ns: int | None, start_ns: int) -> str:
    return f"{((stamp_ns or 0) - start_ns) * 1e-9:.3f} s"
