"""Two topics of the same frames as one input: a message of each, once both are there."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from face1d_ros import msg as messages
from face1d_ros.graph import Topic
from face1d_ros.nodes.input import Input
from face1d_ros.nodes.qos import default_qos

if TYPE_CHECKING:
    from rclpy.node import Node

LONGEST = 32
"""Messages of one topic that wait for those of the other."""


class Pairing:
    """Messages of two topics by their stamps. One without a partner is forgotten when the next has found its own."""

    def __init__(self, on_pair: Callable[[tuple[Any, Any]], None]) -> None:
        self.alone = 0
        """Messages that were forgotten without a partner."""
        self._on_pair = on_pair
        self._waiting: tuple[dict[int, Any], dict[int, Any]] = ({}, {})
        self._paired_ns = 0

    def put(self, side: int, message: Any) -> None:
        """A message of the first topic (side 0) or of the second (1)."""
        stamp = message.header.stamp
        stamp_ns = stamp.sec * 1_000_000_000 + stamp.nanosec
        if stamp_ns < self._paired_ns:  # time went back: what waits is of another pass
            self.clear()
        own, other = self._waiting[side], self._waiting[1 - side]
        if stamp_ns not in other:
            self.alone += own.pop(stamp_ns, None) is not None
            own[stamp_ns] = message
            if len(own) > LONGEST:
                self._forget_first(own)
            return
        while own:
            self._forget_first(own)
        while next(iter(other)) != stamp_ns:
            self._forget_first(other)
        partner = other.pop(stamp_ns)
        self._paired_ns = stamp_ns
        self._on_pair((message, partner) if side == 0 else (partner, message))

    @property
    def waiting(self) -> tuple[int, int]:
        """How many messages of either topic wait for those of the other."""
        first, second = self._waiting
        return len(first), len(second)

    def clear(self) -> None:
        """Nothing waits any more."""
        self._paired_ns = 0
        for waiting in self._waiting:
            self.alone += len(waiting)
            waiting.clear()

    def _forget_first(self, waiting: dict[int, Any]) -> None:
        """Which came before all others of its topic."""
        del waiting[next(iter(waiting))]
        self.alone += 1


class PairedInput:
    """As `Input`, of two topics: what it gives are pairs."""

    def __init__(self, node: Node, topics: tuple[Topic, Topic], on_pair: Callable[[tuple[Any, Any]], None]) -> None:
        self._pairing = Pairing(on_pair)
        self._inputs = [self._input(node, topic, side) for side, topic in enumerate(topics)]
        self.topic = self._inputs[0].topic

    def _input(self, node: Node, topic: Topic, side: int) -> Input:
        kind = getattr(messages, topic.type.rsplit("/", 1)[1])
        return Input(node, kind, topic.name, default_qos(topic.name), lambda message: self._pairing.put(side, message))

    @property
    def alone(self) -> int:
        """Messages of one topic to which none of the other came."""
        return self._pairing.alone

    @property
    def is_open(self) -> bool:
        """Whether it listens."""
        return self._inputs[0].is_open

    def open(self) -> None:
        """Begin to listen."""
        for one in self._inputs:
            one.open()

    def close(self) -> None:
        """Stop to listen."""
        for one in self._inputs:
            one.close()
        self._pairing.clear()

    def obstacle(self) -> tuple[bool, str]:
        """As of `Input`, of the first topic that has one; or why messages that come make no pairs."""
        found = [one.obstacle() for one in self._inputs]
        names, waiting = [one.topic for one in self._inputs], self._pairing.waiting
        if all(waiting):
            found.append((False, f"frames come on {' and on '.join(names)}, but none of the same stamp on both"))
        elif any(waiting):
            there, missing = names if waiting[0] else reversed(names)
            found.append((False, f"frames come on {there}, but none on {missing}, although it has a publisher"))
        return next((obstacle for obstacle in found if obstacle[1]), (False, ""))
