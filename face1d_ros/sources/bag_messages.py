"""Messages of any topic of any rosbag2, whole or broken: what can be read is read, the rest is told."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator
from contextlib import closing
from pathlib import Path

from face1d_ros.errors import SourceUnreadableError
from face1d_ros.sources.bag_account import BUILT_IN_DAMAGE, Account, Channel, Loss, Recorded, Recording, why
from face1d_ros.sources.bag_files import find_files
from face1d_ros.sources.bag_mcap import McapRecording
from face1d_ros.sources.bag_sqlite import SqliteRecording
from face1d_ros.sources.bag_topics import EXTENSIONS

MCAP_EXTENSION = EXTENSIONS[0]


class Bag:
    """All files of a bag, one after the other. Between passes none of them is open."""

    def __init__(self, path: str | Path) -> None:
        """Raises SourceError where nothing of it can be read."""
        self._files = find_files(path)
        self.path = self._files.path
        self.losses: list[Loss] = list(self._files.losses)
        """Whatever is read, this is lost."""
        self._recordings: list[Recording] = []
        for file in self._files.files:
            try:
                self._recordings.append(_opened(file))
            except BUILT_IN_DAMAGE as error:
                self.losses.append(Loss(file.name, "", f"it cannot be read: {why(error)}"))
        self.channels: list[Channel] = [channel for each in self._recordings for channel in each.channels]
        self.start_ns = min((each.start_ns for each in self._recordings if each.start_ns is not None), default=None)
        self.end_ns = max((each.end_ns for each in self._recordings if each.end_ns is not None), default=None)
        if not self.channels:
            self.close()
            raise SourceUnreadableError(self.path, f"is no readable rosbag2: {self._why_not()}")

    def counted(self, topic: str) -> int | None:
        """Messages of a topic by what the files say of themselves; None where one says nothing."""
        counts = [channel.count for channel in self.channels if channel.topic == topic]
        return None if None in counts else sum(count or 0 for count in counts)

    def announced(self, topics: Collection[str] | None) -> int | None:
        """Messages of these topics (None: of all) by metadata.yaml, or by the files; None where nothing says it."""
        told = self._files.announced
        names = {channel.topic for channel in self.channels} | set(told or ())
        wanted = names if topics is None else names & set(topics)
        counts = [told[name] if told is not None else self.counted(name) for name in wanted]
        return None if None in counts else sum(count or 0 for count in counts)

    def messages(
        self, topics: Collection[str] | None, account: Account | None = None
    ) -> Generator[Recorded, None, None]:
        """The messages of these topics (None: of all) in the order of recording; `account` tells what is lost."""
        account = Account() if account is None else account
        wanted = None if topics is None else frozenset(topics)
        account.begin(self.start_ns)
        for loss in self.losses:
            account.lose(loss)
        for recording in self._recordings:
            try:
                for item in recording.messages(wanted):
                    if isinstance(item, Loss):
                        account.lose(item)
                    else:
                        account.given[item.topic] += 1
                        yield item
            except BUILT_IN_DAMAGE as error:
                account.lose(Loss(recording.name, "", f"reading broke off: {why(error)}"))
        account.end(self.announced(topics))

    def close(self) -> None:
        """Deletes what had to be unpacked."""
        self._files.close()

    def _why_not(self) -> str:
        told = [f"{loss.file}: {loss.why}" for loss in self.losses]
        told += [f"{each.name}: no topics are found in it" for each in self._recordings]
        return "; ".join(told[:3])


def recorded(
    path: str | Path, topics: Collection[str] | None = None, damage: list[str] | None = None
) -> Iterator[Recorded]:
    """The messages of these topics (None: of all), file after file in the order of recording.

    What cannot be read is told in `damage`, a sentence each, while the messages are read; the list is emptied first.
    Raises SourceError where nothing can be read.
    """
    with closing(Bag(path)) as bag:
        yield from bag.messages(topics, Account(damage))


def _opened(file: Path) -> Recording:
    is_mcap = file.suffix.lower() == MCAP_EXTENSION
    return McapRecording(file) if is_mcap else SqliteRecording(file)
