"""Our messages in a bag, one after the other, also where the bag is broken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from face1d_ros.convert.bag import from_bytes
from face1d_ros.errors import ConversionError
from face1d_ros.graph import STAGES
from face1d_ros.sources.bag_account import Account
from face1d_ros.sources.bag_messages import Bag

TOPICS = {spec.publishes[0].name: spec for spec in STAGES}
"""The topic of each stage's result, without a namespace."""
MOST_TOLD = 5
"""Ways in which messages are wrong that are told one by one."""


@dataclass(frozen=True, eq=False)
class Message:
    """One of ours."""

    topic: str
    value: Any
    """The dataclass of `types`."""
    recorded_ns: int


@dataclass(frozen=True, eq=False)
class Result:
    """A stage's result for a frame."""

    stage: str
    value: Any
    """The dataclass of `types`."""
    recorded_ns: int


def results_of(values: Mapping[str, Any]) -> Iterator[Result]:
    """Those of one frame by topic, as they come from a bag into which they are recorded by their stamps.

    Single numbers are not yet rounded to the 32 bits that the messages have for them.
    """
    for topic, value in values.items():
        yield Result(TOPICS[topic].stage, value, value.header.stamp_ns)


class Results:
    """Iterate once over the results of a bag; then `damage` and `notes` say what was not read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damage: list[str] = []
        self.notes: list[str] = []

    def __iter__(self) -> Iterator[Result]:
        namespace: str | None = None
        others: Counter[str] = Counter()
        for message in messages(self.path, self._is_wanted, self.damage):
            found = split(message.topic)
            assert found is not None
            namespace = found[0] if namespace is None else namespace
            if found[0] != namespace:
                others[found[0]] += 1
                continue
            yield Result(TOPICS[found[1]].stage, message.value, message.recorded_ns)
        for other, count in others.items():
            self.notes.append(f"The report is of {namespace}face1d; {count} results of {other}face1d are not in it.")

    def _is_wanted(self, topic: str, kind: str) -> bool:
        found = split(topic)
        if found is None:
            return False
        expected = TOPICS[found[1]].publishes[0].type
        if kind != expected:
            self.notes.append(f"{topic} is not read: its type is {kind}, expected {expected}.")
        return kind == expected


def messages(path: Path, is_wanted: Callable[[str, str], bool], damage: list[str]) -> Iterator[Message]:
    """Those of ours, on the topics that are wanted by name and type, in the order of recording.

    What cannot be read is told in `damage` at the end. Raises SourceError where nothing can be read.
    """
    lost: list[str] = []
    wrong: Counter[str] = Counter()
    with closing(Bag(path)) as bag:
        kinds = {channel.topic: channel.type for channel in bag.channels if is_wanted(channel.topic, channel.type)}
        for recorded in bag.messages(kinds.keys(), Account(lost)):
            try:
                value = from_bytes(recorded.data, kinds[recorded.topic])
            except ConversionError as error:
                wrong[f"{recorded.topic}: {error}"] += 1
                continue
            yield Message(recorded.topic, value, recorded.stamp_ns)
    damage += lost
    for told, count in wrong.most_common(MOST_TOLD):
        damage.append(f"{count} message{'s' if count > 1 else ''} of {told}")
    if len(wrong) > MOST_TOLD:
        damage.append(f"{sum(wrong.values())} messages in all are not as expected, in {len(wrong)} ways")


def topics_of(path: Path) -> list[tuple[str, str]]:
    """Name and type of each topic of a bag."""
    with closing(Bag(path)) as bag:
        return [(channel.topic, channel.type) for channel in bag.channels]


def split(topic: str) -> tuple[str, str] | None:
    """(namespace, relative name) of one of our result topics; None for others."""
    for name in TOPICS:
        if topic == name or topic.endswith(f"/{name}"):
            return topic.removesuffix(name), name
    return None
