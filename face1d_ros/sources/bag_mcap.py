"""One MCAP file of a bag: messages in the order of recording, read past whatever is damaged."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from face1d_ros.sources import mcap_records as mcap
from face1d_ros.sources.bag_account import Channel, Loss, Recorded, why
from face1d_ros.sources.mcap_records import Gap, Record, body, walk
from face1d_ros.sources.mcap_scan import UNREADABLE, scanned
from face1d_ros.sources.mcap_summary import NoSummaryError, Summary, counts_between, read_summary
from face1d_ros.sources.unpacking import unpacked_chunk, unpacked_message

CUT_OFF = "the recording was cut off or never closed"
CUT_HERE = "the recording was cut off here"


class McapRecording:
    """A file that need not be whole: where its index is missing, it is gone through once to learn its topics."""

    def __init__(self, path: Path) -> None:
        """Raises OSError where it cannot be read at all."""
        self.name = path.name
        self._path = path
        self.missing = ""
        """Why there is no index to trust."""
        with path.open("rb") as file:
            self.size = file.seek(0, io.SEEK_END)
            file.seek(0)
            self.begin = len(mcap.MAGIC) if file.read(len(mcap.MAGIC)) == mcap.MAGIC else 0
            self.summary = self._summary(file)
        self.start_ns, self.end_ns = self.summary.start_ns, self.summary.end_ns
        names, counts = self.summary.topics.names, self.summary.counts
        self.channels = [Channel(topic, kind, counts[number]) for number, (topic, kind) in names.items()]

    def messages(self, topics: frozenset[str] | None) -> Iterator[Recorded | Loss]:
        """Those of these topics (None: of all) in the order of recording, and what is lost between them."""
        with self._path.open("rb") as file:
            yield from _Reading(self, file, topics).items()

    def _summary(self, file: BinaryIO) -> Summary:
        try:
            return read_summary(file, self.size)
        except NoSummaryError:
            pass
        except UNREADABLE as error:
            self.missing = why(error)
        return scanned(file, self.begin, self.size)


@dataclass
class _Part:
    """A chunk or a gap: what it gave, and what an index says it holds."""

    begin: int
    end: int
    begin_ns: int | None = None
    end_ns: int | None = None
    problem: str = ""
    given: int = 0
    indexed: Counter[int] | None = None


class _Reading:
    """One pass over a file."""

    def __init__(self, recording: McapRecording, file: BinaryIO, topics: frozenset[str] | None) -> None:
        self._of = recording
        self._file = file
        self._topics = recording.summary.topics
        self._wanted = topics
        self._part: _Part | None = None
        self._last_ns: int | None = None
        self._losses = self._nameless = 0
        self._is_ended = False

    def items(self) -> Iterator[Recorded | Loss]:
        """Messages and losses."""
        file, size = self._file, self._of.size
        for item in walk(file, self._of.begin, size, self._is_expected):
            if isinstance(item, Gap):
                yield from self._settled(None)
                self._part = _Part(item.begin, item.end, self._last_ns, problem=self._problem_of(item))
            elif item.op == mcap.MESSAGE_INDEX:
                self._note_index(item)
            elif item.is_chunk:
                yield from self._settled(mcap.chunk_head(item).start_ns)
                self._is_ended = False
                yield from self._chunk(item)
            elif item.op == mcap.MESSAGE:
                yield from self._settled(mcap.message_head(item.head)[1])
                self._is_ended = False
                yield from self._message(file, item)
            elif item.op in (mcap.SCHEMA, mcap.CHANNEL):
                self._learn(file, item)
            elif item.op == mcap.DATA_END:
                yield from self._settled(None)
                self._is_ended = True
        yield from self._settled(None)
        yield from self._at_the_end()

    def _chunk(self, record: Record) -> Iterator[Recorded | Loss]:
        head = mcap.chunk_head(record)
        is_cut = record.end > self._of.size
        part = self._part = _Part(record.begin, record.end, head.start_ns, None if is_cut else head.end_ns)
        try:
            data = unpacked_chunk(body(self._file, record, head.data_begin), head, cut=is_cut)
        except UNREADABLE as error:
            part.problem = CUT_HERE if is_cut else f"a chunk is damaged: {why(error)}"
            return
        if is_cut:
            part.problem = CUT_HERE
        buffer = io.BytesIO(data)
        for item in walk(buffer, 0, len(data), self._is_expected):
            if isinstance(item, Gap):
                part.problem = part.problem or "a part of a chunk is damaged"
            elif item.op == mcap.MESSAGE:
                yield from self._message(buffer, item)
            elif item.op in (mcap.SCHEMA, mcap.CHANNEL):
                self._learn(buffer, item)
        if is_cut:
            part.begin_ns = self._last_ns

    def _message(self, file: BinaryIO, record: Record) -> Iterator[Recorded | Loss]:
        number, stamp_ns = mcap.message_head(record.head)
        name = self._topics.names.get(number)
        if name is None:
            self._nameless += number not in self._topics.others
            return
        self._last_ns = stamp_ns
        if not self._is_wanted(number):
            return
        if self._part is not None:
            self._part.given += 1
        try:
            data = unpacked_message(body(file, record, mcap.MESSAGE_HEAD_BYTES))
        except UNREADABLE as error:
            self._losses += 1
            yield Loss(self._of.name, "", f"a message is damaged: {why(error)}", 1, stamp_ns, stamp_ns)
            return
        yield Recorded(*name, stamp_ns, data)

    def _settled(self, next_ns: int | None) -> Iterator[Loss]:
        """The loss of the part before, if there is one; what comes next is of this time."""
        part, self._part = self._part, None
        if part is None:
            return
        count = self._count_of(part)
        if not part.problem and (count or 0) > 0:
            part.problem = "a chunk is damaged: it holds fewer messages than its index tells"
        if not part.problem:
            return
        end_ns = next_ns if part.end_ns is None else part.end_ns
        self._losses += 1
        yield Loss(self._of.name, f"byte {part.begin}", part.problem, count, part.begin_ns, end_ns)

    def _count_of(self, part: _Part) -> int | None:
        """Messages that a part holds and did not give."""
        if self._is_ended:
            return 0
        counts = part.indexed
        if part.problem and counts is None:
            with_index = self._of.summary.begin > 0
            counts = counts_between(self._file, self._of.summary, part.begin, part.end) if with_index else None
        if counts is None:
            return None
        return max(0, sum(count for number, count in counts.items() if self._is_wanted(number)) - part.given)

    def _at_the_end(self) -> Iterator[Loss]:
        if self._nameless:
            told = f"{self._nameless} of its messages belong to topics that it does not name"
            yield Loss(self._of.name, "", told)
        if not self._is_ended and not self._losses:
            yield Loss(self._of.name, "", CUT_OFF, None, self._last_ns)
        elif self._of.missing and not self._losses:
            yield Loss(self._of.name, "", self._of.missing, 0)

    def _problem_of(self, gap: Gap) -> str:
        if self._is_ended:
            return "its index is damaged"
        return CUT_HERE if gap.end == self._of.size else f"{gap.end - gap.begin} bytes are damaged"

    def _note_index(self, record: Record) -> None:
        if self._part is not None:
            number, count = mcap.index_channel(record)
            self._part.indexed = self._part.indexed or Counter()
            self._part.indexed[number] += count

    def _learn(self, file: BinaryIO, record: Record) -> None:
        try:
            self._topics.learn(file, record)
        except UNREADABLE:
            return  # nothing is lost by it, unless messages come that nothing names

    def _is_wanted(self, number: int) -> bool:
        name = self._topics.names.get(number)
        return name is not None and (self._wanted is None or name[0] in self._wanted)

    def _is_expected(self, record: Record) -> bool:
        """Of messages and their indexes that were found by searching."""
        if record.op == mcap.MESSAGE_INDEX:
            return mcap.index_channel(record)[0] in self._topics.names
        number, stamp_ns = mcap.message_head(record.head)
        start_ns, end_ns = self._of.start_ns, self._of.end_ns
        return number in self._topics.names and (start_ns is None or end_ns is None or start_ns <= stamp_ns <= end_ns)
